//! What is asked of a server, as bytes for the wire.
//!
//! Never quiet (`q`, the protocol's "noreply"): each request has one answer, so that the stream of
//! answers cannot lose step with the stream of requests.

use std::fmt::Write as _;

use super::reply::{Code, Reply};

/// One request. Keys come from [`name`](super::name), which lets no separator through.
#[derive(Clone, Copy)]
pub(super) enum Request<'a> {
    /// The item with its value, client flags and state.
    Get { key: &'a str, is_use: bool },
    /// Whether there is an item.
    Probe { key: &'a str },
    /// A write.
    Set {
        key: &'a str,
        /// What stands before the value.
        head: &'a [u8],
        value: &'a [u8],
        /// As the protocol counts it.
        time_to_live: i32,
        mode: Mode,
    },
    /// A new time to live for an item that keeps its value.
    Touch { key: &'a str, time_to_live: i32 },
    /// A removal; with a number, only of the item in that state.
    Delete { key: &'a str, cas: Option<u64> },
    /// Nothing, to see whether somebody answers.
    Nothing,
    /// User and password, which the protocol takes for the value of a write.
    Credentials(&'a str),
}

/// When a write takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Always.
    Set,
    /// If there is no item.
    Add,
    /// If there is an item.
    Replace,
    /// If the item is in the state with this number.
    Swap(u64),
}

impl Request<'_> {
    /// The request's bytes. The answer gives `opaque` back where it can.
    pub(super) fn encode(&self, opaque: u32) -> Vec<u8> {
        let mut line = String::new();
        let done = match *self {
            Self::Get { key, is_use } => {
                let quiet = if is_use { "" } else { " u" };
                write!(line, "mg {key} v c f{quiet} O{opaque}\r\n")
            }
            Self::Probe { key } => write!(line, "mg {key} u O{opaque}\r\n"),
            Self::Set {
                key,
                head,
                value,
                time_to_live,
                mode,
            } => {
                let length = head.len() + value.len();
                let mode = match mode {
                    Mode::Set => String::new(),
                    Mode::Add => " ME".to_owned(),
                    Mode::Replace => " MR".to_owned(),
                    Mode::Swap(cas) => format!(" C{cas}"),
                };
                write!(
                    line,
                    "ms {key} {length} T{time_to_live}{mode} O{opaque}\r\n"
                )
            }
            Self::Touch { key, time_to_live } => {
                write!(line, "mg {key} T{time_to_live} O{opaque}\r\n")
            }
            Self::Delete { key, cas: None } => write!(line, "md {key} O{opaque}\r\n"),
            Self::Delete {
                key,
                cas: Some(cas),
            } => write!(line, "md {key} C{cas} O{opaque}\r\n"),
            Self::Nothing => write!(line, "mn\r\n"),
            Self::Credentials(text) => write!(line, "set auth 0 0 {}\r\n{text}\r\n", text.len()),
        };
        debug_assert!(done.is_ok(), "text takes whatever is written");
        let mut bytes = line.into_bytes();
        if let Self::Set { head, value, .. } = self {
            bytes.reserve(head.len() + value.len() + 2);
            bytes.extend_from_slice(head);
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    }

    /// Whether `reply` can be the answer to this. What cannot be means that the stream lost step.
    pub(super) fn takes(&self, reply: &Reply, opaque: u32) -> bool {
        let (is_answer, must_return) = match (self, reply.code) {
            (Self::Get { .. }, Code::Value(_)) => {
                (reply.cas.is_some() && reply.flags.is_some(), true)
            }
            (Self::Probe { .. } | Self::Touch { .. }, Code::Done) => (true, true),
            (Self::Set { .. } | Self::Delete { .. }, Code::Done) => (true, true),
            (Self::Get { .. } | Self::Probe { .. } | Self::Touch { .. }, Code::NotFound) => {
                (true, false)
            }
            (Self::Set { .. } | Self::Delete { .. }, Code::NotFound | Code::Exists) => {
                (true, false)
            }
            (Self::Set { .. }, Code::NotStored) => (true, false),
            (Self::Nothing, Code::Nothing) | (Self::Credentials(_), Code::Stored) => (true, false),
            _ => (false, false),
        };
        let is_returned = reply
            .opaque
            .map_or(!must_return, |returned| returned == opaque);
        is_answer && is_returned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_forms_of_the_protocol() {
        let write = |mode| Request::Set {
            key: "k",
            head: b"he",
            value: b"v\r\n",
            time_to_live: 9,
            mode,
        };
        for (request, expected) in [
            (
                Request::Get {
                    key: "k",
                    is_use: true,
                },
                "mg k v c f O7\r\n",
            ),
            (
                Request::Get {
                    key: "k",
                    is_use: false,
                },
                "mg k v c f u O7\r\n",
            ),
            (Request::Probe { key: "k" }, "mg k u O7\r\n"),
            (write(Mode::Set), "ms k 5 T9 O7\r\nhev\r\n\r\n"),
            (write(Mode::Add), "ms k 5 T9 ME O7\r\nhev\r\n\r\n"),
            (write(Mode::Replace), "ms k 5 T9 MR O7\r\nhev\r\n\r\n"),
            (write(Mode::Swap(3)), "ms k 5 T9 C3 O7\r\nhev\r\n\r\n"),
            (
                Request::Touch {
                    key: "k",
                    time_to_live: 5,
                },
                "mg k T5 O7\r\n",
            ),
            (
                Request::Delete {
                    key: "k",
                    cas: None,
                },
                "md k O7\r\n",
            ),
            (
                Request::Delete {
                    key: "k",
                    cas: Some(1),
                },
                "md k C1 O7\r\n",
            ),
            (Request::Nothing, "mn\r\n"),
            (Request::Credentials("u p"), "set auth 0 0 3\r\nu p\r\n"),
        ] {
            assert_eq!(String::from_utf8_lossy(&request.encode(7)), expected);
        }
    }
}
