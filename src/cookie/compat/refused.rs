//! Why a text from outside was not believed.

use std::fmt;
use std::time::SystemTime;

use crate::error::{Error, ErrorKind};

/// Says why a signed text was refused. Nothing of it was used.
///
/// None of the variants holds the text, its payload or a key.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// The text is longer than [`Limits::bytes`](super::Limits::bytes).
    TooLong,
    /// A part is missing, or the timestamp is none.
    Malformed,
    /// No key made this signature.
    Forged,
    /// It was signed longer ago than allowed.
    Expired {
        /// When it was signed.
        signed_at: SystemTime,
    },
    /// It was signed at a time that is yet to come.
    Future {
        /// When it says that it was signed.
        signed_at: SystemTime,
    },
    /// The signature holds, but the payload cannot be read.
    ///
    /// Worth a line in the security log: either another program signs with this key, or a limit is
    /// too low.
    Undecodable(Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "read signed text: it is longer than the limit",
            Self::Malformed => "read signed text: a part of it is missing or malformed",
            Self::Forged => "read signed text: no key made its signature",
            Self::Expired { .. } => "read signed text: it was signed too long ago",
            Self::Future { .. } => "read signed text: it was signed in the future",
            Self::Undecodable(_) => "read signed text: genuine, but its payload cannot be read",
        })
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Undecodable(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::new(ErrorKind::Corrupt, refused.to_string()).with_source(refused)
    }
}
