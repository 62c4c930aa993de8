//! The first line of an answer of the meta protocol, read strictly.
//!
//! Pure: bytes in, a [`Reply`] out. Numbers are bounded, unknown codes are refused, flags that nobody
//! asked for are passed over, and nothing here panics whatever the bytes are.

/// No answer of ours has a longer line: a code, a length and four flags of at most 33 bytes.
pub(super) const LINE_MAX: usize = 512;

/// What the server says, without the data that may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: Code,
    /// The number that names this state of the item, if it was asked for.
    pub(super) cas: Option<u64>,
    /// The flags that the writing client gave to the item, if they were asked for.
    pub(super) flags: Option<u32>,
    /// What we sent to be given back.
    pub(super) opaque: Option<u32>,
    /// Somebody marked the item as stale.
    pub(super) is_stale: bool,
}

/// The codes of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// `VA`: so many bytes follow.
    Value(usize),
    /// `HD`: done, or found and nothing else was asked.
    Done,
    /// `EN` or `NF`: there is no such item.
    NotFound,
    /// `NS`: the mode of the write did not allow it.
    NotStored,
    /// `EX`: the item is in another state than the one that was named.
    Exists,
    /// `MN`: the answer to nothing.
    Nothing,
    /// `STORED`: the credentials are right.
    Stored,
    /// An error line. The stream behind it is in doubt.
    Refused(Refusal),
}

/// The error lines that are told apart. Their words are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `ERROR`: no such command.
    UnknownCommand,
    /// The item exceeds the server's limit.
    TooLarge,
    /// The server evicts nothing and is full.
    OutOfMemory,
    /// The server wants credentials, or others.
    Unauthenticated,
    /// Any other `CLIENT_ERROR`.
    Client,
    /// Any other `SERVER_ERROR`.
    Server,
}

/// The line is none of the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Reads a line, given without its `\r\n`.
pub(super) fn parse(line: &[u8]) -> Result<Reply, Malformed> {
    let text = std::str::from_utf8(line).map_err(|_| Malformed)?;
    if text.len() > LINE_MAX || text.contains(|c: char| c.is_ascii_control()) {
        return Err(Malformed);
    }
    if let Some(refusal) = refusal(text) {
        return Ok(Reply::bare(Code::Refused(refusal)));
    }
    let mut words = text.split(' ');
    let code = match words.next() {
        Some("VA") => Code::Value(number(words.next().ok_or(Malformed)?)?),
        Some("HD") => Code::Done,
        Some("EN" | "NF") => Code::NotFound,
        Some("NS") => Code::NotStored,
        Some("EX") => Code::Exists,
        Some("MN") => Code::Nothing,
        Some("STORED") => Code::Stored,
        _ => return Err(Malformed),
    };
    let mut reply = Reply::bare(code);
    // Some versions end a line without flags with a space.
    for word in words.filter(|word| !word.is_empty()) {
        let mut letters = word.chars();
        let (flag, token) = (letters.next(), letters.as_str());
        match flag {
            Some('c') => reply.cas = Some(number(token)?),
            Some('f') => reply.flags = Some(number(token)?),
            Some('O') => reply.opaque = Some(number(token)?),
            Some('X') => reply.is_stale = true,
            _ => {}
        }
    }
    Ok(reply)
}

impl Reply {
    const fn bare(code: Code) -> Self {
        Self {
            code,
            cas: None,
            flags: None,
            opaque: None,
            is_stale: false,
        }
    }
}

fn refusal(text: &str) -> Option<Refusal> {
    if text == "ERROR" {
        return Some(Refusal::UnknownCommand);
    }
    if let Some(why) = text.strip_prefix("CLIENT_ERROR") {
        return Some(match why.contains("authenticat") {
            true => Refusal::Unauthenticated,
            false => Refusal::Client,
        });
    }
    let why = text.strip_prefix("SERVER_ERROR")?;
    Some(if why.contains("too large") {
        Refusal::TooLarge
    } else if why.contains("out of memory") {
        Refusal::OutOfMemory
    } else {
        Refusal::Server
    })
}

/// Digits and nothing else: the library's own reading takes a sign, too.
fn number<N: std::str::FromStr>(text: &str) -> Result<N, Malformed> {
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().map_err(|_| Malformed),
        false => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(line: &str) -> Result<Code, Malformed> {
        parse(line.as_bytes()).map(|reply| reply.code)
    }

    #[test]
    fn lines_of_a_real_server_are_read() {
        // Taken from memcached 1.6.18.
        let reply = parse(b"VA 5 c17 f0 O42").expect("a value");
        assert_eq!(
            reply,
            Reply {
                code: Code::Value(5),
                cas: Some(17),
                flags: Some(0),
                opaque: Some(42),
                is_stale: false
            }
        );
        for (line, expected) in [
            ("HD O7", Code::Done),
            ("HD ", Code::Done),
            ("EN", Code::NotFound),
            ("NF O7", Code::NotFound),
            ("NS O7", Code::NotStored),
            ("EX O7", Code::Exists),
            ("MN", Code::Nothing),
            ("STORED", Code::Stored),
            ("VA 0 W X", Code::Value(0)),
            ("ERROR", Code::Refused(Refusal::UnknownCommand)),
            (
                "SERVER_ERROR object too large for cache",
                Code::Refused(Refusal::TooLarge),
            ),
            (
                "SERVER_ERROR out of memory storing object",
                Code::Refused(Refusal::OutOfMemory),
            ),
            ("SERVER_ERROR", Code::Refused(Refusal::Server)),
            (
                "CLIENT_ERROR unauthenticated",
                Code::Refused(Refusal::Unauthenticated),
            ),
            (
                "CLIENT_ERROR authentication failure",
                Code::Refused(Refusal::Unauthenticated),
            ),
            (
                "CLIENT_ERROR bad data chunk",
                Code::Refused(Refusal::Client),
            ),
        ] {
            assert_eq!(code(line), Ok(expected), "{line}");
        }
        assert!(parse(b"VA 0 W X").expect("a value").is_stale);
    }

    #[test]
    fn lines_of_no_server_are_refused() {
        let long = format!("HD {}", "k".repeat(LINE_MAX));
        for line in [
            "",
            " ",
            "HD\r",
            "hd",
            "VALUE k 0 5",
            "VA",
            "VA ",
            "VA x",
            "VA -1",
            "VA +5",
            "VA 99999999999999999999999",
            "HD c",
            "HD c-1",
            "HD cx",
            "HD f4294967296",
            "HD O-",
            "END",
            "VA 5\tc1",
            &long,
        ] {
            // `c` without digits is no number either.
            assert_eq!(code(line), Err(Malformed), "{line}");
        }
        assert_eq!(parse(b"HD \xff"), Err(Malformed));
    }

    #[test]
    fn arbitrary_bytes_never_panic() {
        let corpus: [&[u8]; 6] = [
            b"VA 5 c17 f0 O42 s9 t-1 W X Z",
            b"HD c18446744073709551615",
            b"SERVER_ERROR object too large for cache",
            b"CLIENT_ERROR bad command line format",
            b"EN",
            b"MN",
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).unwrap_or(0) % below
        };
        for _ in 0..50_000 {
            let mut line = corpus[draw(corpus.len())].to_vec();
            for _ in 0..draw(6) {
                let at = draw(line.len());
                match draw(3) {
                    0 => line[at] = u8::try_from(draw(256)).expect("below 256"),
                    1 => line.insert(at, b" 0c:\xff"[draw(5)]),
                    _ => line.truncate(at.max(1)),
                }
            }
            if let Ok(Reply {
                code: Code::Value(length),
                ..
            }) = parse(&line)
            {
                assert!(length.to_string().len() <= line.len());
            }
        }
    }
}
