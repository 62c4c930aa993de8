//! Reading `Cookie` headers: names and values as slices of the header, in one pass, within limits.

use std::slice;

/// Pairs read from the header lines of one request; later ones do not exist.
///
/// Browsers keep about 180 cookies for a site.
pub const PAIRS_MAX: usize = 1000;

/// Bytes read from the header lines of one request; a pair that crosses this end does not exist.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;

/// Iterates over `(name, value)` of one or several `Cookie` header values, in the order they came.
///
/// Nothing is copied or allocated and each byte is looked at a bounded number of times. Spaces
/// around names and values and one pair of quotes around a value are taken off. Left out are pairs
/// without a name or without `=`, and pairs that hold a control character or are not UTF-8: they
/// spoil themselves, never their neighbours. Duplicates are kept: an attacker on a sibling domain
/// can plant a second cookie of a name, and its place says nothing, so the caller takes the first
/// that proves genuine ([`candidates`]).
///
/// At most [`PAIRS_MAX`] pairs and [`HEADER_BYTES_MAX`] bytes are read; [`Cookies::is_cut`] says
/// whether something was left unread.
///
/// ```
/// use sessile::cookie::cookies;
///
/// let lines = ["id=abc; theme=\"dark\"; =nameless", "lang=de"];
/// let pairs: Vec<_> = cookies(&lines).collect();
/// assert_eq!(pairs, [("id", "abc"), ("theme", "dark"), ("lang", "de")]);
/// ```
pub fn cookies<'h, I, H>(lines: I) -> Cookies<'h, I::IntoIter>
where
    I: IntoIterator<Item = &'h H>,
    H: AsRef<[u8]> + ?Sized + 'h,
{
    Cookies {
        lines: lines.into_iter(),
        scan: Scan::new(),
    }
}

/// Iterates over the values of all cookies called `name`, in the order they came.
///
/// Costs less than [`cookies`] with a filter: the values of other names are skipped unread. The
/// same limits hold. Names are compared exactly, as browsers do.
///
/// ```
/// use sessile::cookie::candidates;
///
/// let lines = ["id=planted; id=mine; other=1"];
/// assert_eq!(candidates(&lines, "id").collect::<Vec<_>>(), ["planted", "mine"]);
/// ```
pub fn candidates<'h, 'n, I, H>(lines: I, name: &'n str) -> Candidates<'h, 'n, I::IntoIter>
where
    I: IntoIterator<Item = &'h H>,
    H: AsRef<[u8]> + ?Sized + 'h,
{
    Candidates {
        lines: lines.into_iter(),
        scan: Scan::new(),
        name,
    }
}

/// Pairs of a request; made by [`cookies`].
#[derive(Clone)]
pub struct Cookies<'h, I> {
    lines: I,
    scan: Scan<'h>,
}

impl<I> Cookies<'_, I> {
    /// Says whether a limit ended the reading before the header ended; known once `next` is `None`.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.scan.is_cut
    }
}

impl<'h, I, H> Iterator for Cookies<'h, I>
where
    I: Iterator<Item = &'h H>,
    H: AsRef<[u8]> + ?Sized + 'h,
{
    type Item = (&'h str, &'h str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let segment = self.scan.next_segment(&mut self.lines)?;
            if let Some(pair) = pair(segment) {
                return Some(pair);
            }
        }
    }
}

/// Values of one name; made by [`candidates`].
#[derive(Clone)]
pub struct Candidates<'h, 'n, I> {
    lines: I,
    scan: Scan<'h>,
    name: &'n str,
}

impl<'h, I, H> Iterator for Candidates<'h, '_, I>
where
    I: Iterator<Item = &'h H>,
    H: AsRef<[u8]> + ?Sized + 'h,
{
    type Item = &'h str;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let segment = self.scan.next_segment(&mut self.lines)?;
            let Some(rest) = trim_start(segment).strip_prefix(self.name.as_bytes()) else {
                continue;
            };
            // The name may be the beginning of a longer one.
            let rest = trim(rest);
            let value = rest.strip_prefix(b"=").filter(|_| !self.name.is_empty());
            if let Some(value) = value.and_then(|value| text(unquote(trim(value)))) {
                return Some(value);
            }
        }
    }
}

/// Cuts header lines at semicolons until a limit is reached.
#[derive(Clone)]
struct Scan<'h> {
    /// What is left of the current line.
    rest: Option<&'h [u8]>,
    bytes_left: usize,
    pairs_left: usize,
    is_cut: bool,
}

impl<'h> Scan<'h> {
    fn new() -> Self {
        Self {
            rest: None,
            bytes_left: HEADER_BYTES_MAX,
            pairs_left: PAIRS_MAX,
            is_cut: false,
        }
    }

    fn next_segment<H>(&mut self, lines: &mut impl Iterator<Item = &'h H>) -> Option<&'h [u8]>
    where
        H: AsRef<[u8]> + ?Sized + 'h,
    {
        loop {
            let rest = match self.rest.take() {
                Some(rest) => rest,
                None if self.is_cut => return None,
                None => self.begin(lines.next()?.as_ref()),
            };
            let segment = match find(rest, b';') {
                Some(at) => {
                    self.rest = Some(&rest[at + 1..]);
                    &rest[..at]
                }
                // A pair that was cut in two is no pair.
                None if self.is_cut => return None,
                None => rest,
            };
            if trim_start(segment).is_empty() {
                continue;
            }
            if self.pairs_left == 0 {
                self.is_cut = true;
                self.rest = None;
                return None;
            }
            self.pairs_left -= 1;
            return Some(segment);
        }
    }

    /// Starts a line, as much of it as may still be read.
    fn begin(&mut self, line: &'h [u8]) -> &'h [u8] {
        let taken = line.len().min(self.bytes_left);
        self.is_cut = taken < line.len();
        self.bytes_left -= taken;
        &line[..taken]
    }
}

fn pair(segment: &[u8]) -> Option<(&str, &str)> {
    let at = find(segment, b'=')?;
    let name = trim(&segment[..at]);
    if name.is_empty() {
        return None;
    }
    Some((text(name)?, text(unquote(trim(&segment[at + 1..])))?))
}

/// Takes spaces and tabs off the beginning.
#[inline]
fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// Takes spaces and tabs off both ends.
#[inline]
fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = trim_start(bytes);
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Takes one pair of quotes off.
fn unquote(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    // Without branches, so that many bytes are looked at at once.
    let is_clean = |all, byte: &u8| all & !byte.is_ascii_control();
    let is_clean = bytes.iter().fold(true, is_clean);
    is_clean.then(|| str::from_utf8(bytes).ok()).flatten()
}

/// The place of the first `wanted`, eight bytes at a time: headers are mostly not semicolons.
fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let pattern = ONES * u64::from(wanted);
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let zero_where_wanted = u64::from_le_bytes(*word) ^ pattern;
        let marks = zero_where_wanted.wrapping_sub(ONES) & !zero_where_wanted & HIGHS;
        if marks != 0 {
            return Some(index * 8 + (marks.trailing_zeros() / 8) as usize);
        }
    }
    let in_tail = tail.iter().position(|byte| *byte == wanted)?;
    Some(bytes.len() - tail.len() + in_tail)
}

/// The header lines of one request, kept for as long as a [`Jar`](super::Jar) lives.
#[derive(Clone, Default)]
pub(super) struct Request(Vec<u8>);

impl Request {
    /// Copies the lines into one: at most one allocation that grows, within [`HEADER_BYTES_MAX`].
    pub(super) fn new<'h, I, H>(lines: I) -> Self
    where
        I: IntoIterator<Item = &'h H>,
        H: AsRef<[u8]> + ?Sized + 'h,
    {
        let mut joined = Vec::new();
        for line in lines {
            // One byte too many tells the reader that something was cut.
            let room = (HEADER_BYTES_MAX + 1).saturating_sub(joined.len());
            if room == 0 {
                break;
            }
            if !joined.is_empty() {
                joined.push(b';');
            }
            let line = line.as_ref();
            joined.extend_from_slice(&line[..line.len().min(room)]);
        }
        Self(joined)
    }

    pub(super) fn pairs(&self) -> Cookies<'_, slice::Iter<'_, Vec<u8>>> {
        cookies(slice::from_ref(&self.0))
    }

    pub(super) fn candidates<'h, 'n>(
        &'h self,
        name: &'n str,
    ) -> Candidates<'h, 'n, slice::Iter<'h, Vec<u8>>> {
        candidates(slice::from_ref(&self.0), name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_agrees_with_the_plain_search_at_every_offset() {
        for length in 0..40 {
            for at in 0..length {
                let mut bytes = vec![0xBA; length];
                bytes[at] = b';';
                assert_eq!(find(&bytes, b';'), Some(at));
                // The neighbours in value must not be taken for it.
                bytes[at] = b';' + 1;
                assert_eq!(find(&bytes, b';'), None);
                bytes[at] = b';' | 0x80;
                assert_eq!(find(&bytes, b';'), None);
            }
        }
    }
}
