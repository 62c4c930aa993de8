//! OP_MSG, MongoDB's only message today: a header, flags, a document, and sequences of documents that
//! stand for its arrays. See <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>.

use mongodb::bson::{Bson, Document};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const OP_MSG: i32 = 2013;
const MESSAGE_MAX: usize = 48_000_000;

fn number(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The next command and the number of its message; `None` at the end.
pub(super) async fn read(stream: &mut TcpStream) -> Option<(i32, Document)> {
    let mut header = [0; 16];
    stream.read_exact(&mut header).await.ok()?;
    let length = usize::try_from(number(&header, 0)).unwrap();
    assert!(
        length <= MESSAGE_MAX && number(&header, 12) == OP_MSG,
        "no OP_MSG"
    );
    let mut body = vec![0; length - 16];
    stream.read_exact(&mut body).await.ok()?;
    assert_eq!(
        number(&body, 0) & 0b11,
        0,
        "neither checksums nor unanswered messages"
    );
    let mut rest = &body[4..];
    let mut command = Document::new();
    let mut sequences = Document::new();
    while let [kind, section @ ..] = rest {
        let size = usize::try_from(number(section, 0)).unwrap();
        let (section, after) = section.split_at(size);
        rest = after;
        if *kind == 0 {
            command = Document::from_reader(section).unwrap();
            continue;
        }
        let end = section[4..].iter().position(|byte| *byte == 0).unwrap();
        let name = String::from_utf8(section[4..4 + end].to_vec()).unwrap();
        let mut documents = &section[5 + end..];
        let mut sequence = Vec::new();
        while !documents.is_empty() {
            sequence.push(Bson::Document(
                Document::from_reader(&mut documents).unwrap(),
            ));
        }
        sequences.insert(name, sequence);
    }
    command.extend(sequences);
    Some((number(&header, 4), command))
}

/// Answers the message `id`; `None` if nobody listens any more.
pub(super) async fn write(
    stream: &mut TcpStream,
    id: i32,
    answer: &Document,
    is_garbage: bool,
) -> Option<()> {
    let document = answer.to_vec().unwrap();
    let length = i32::try_from(16 + 4 + 1 + document.len()).unwrap();
    let mut message = Vec::new();
    for part in [length, 1, id, OP_MSG, 0] {
        message.extend_from_slice(&part.to_le_bytes());
    }
    message.push(0);
    message.extend_from_slice(&document);
    if is_garbage {
        message = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    }
    stream.write_all(&message).await.ok()
}
