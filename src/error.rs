//! One opaque error for the whole crate, with a kind that says who is at fault.

use std::error::Error as StdError;
use std::fmt;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Names what went wrong; [`ErrorKind::fault`] says whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is outside its documented range (an empty or too long key, a value that can
    /// never fit, a zero lifetime). Repeating the call cannot help.
    InvalidInput,
    /// A configuration contradicts itself or holds an absurd value.
    InvalidConfig,
    /// A budget is used up and its owner chose to refuse newcomers. Later calls may succeed.
    Full,
    /// Something is longer than what has to carry it takes, a cookie than a browser keeps. Nothing
    /// was cut; put less into it.
    TooLarge,
    /// Stored bytes are torn, truncated, foreign or altered. Nothing of them was used.
    Corrupt,
    /// Stored bytes were written by a newer version of this crate.
    UnsupportedVersion,
    /// The operating system refused to read or write.
    Io,
    /// A backend cannot be reached or has been shut down.
    Unavailable,
    /// A backend did not answer in time; whether it acted is unknown.
    Timeout,
    /// What was to be changed is no more: a session that was destroyed, revoked or has expired
    /// since it was loaded. Nothing was written; repeating the call cannot help.
    Gone,
    /// Others changed the same session so often that a commit gave up. Nothing was written; the
    /// changes are kept and the call may be repeated.
    Conflict,
}

/// Says who has to act on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The calling code.
    Caller,
    /// Whoever configures the program.
    Configuration,
    /// Nobody did wrong: a limit was reached.
    Capacity,
    /// The stored data.
    Data,
    /// The backend or the operating system.
    Backend,
}

impl ErrorKind {
    /// Says who has to act.
    ///
    /// ```
    /// use sessile::{ErrorKind, Fault};
    /// assert_eq!(ErrorKind::Full.fault(), Fault::Capacity);
    /// ```
    #[must_use]
    pub const fn fault(self) -> Fault {
        match self {
            Self::InvalidInput | Self::TooLarge | Self::Gone => Fault::Caller,
            Self::InvalidConfig => Fault::Configuration,
            Self::Full | Self::Conflict => Fault::Capacity,
            Self::Corrupt | Self::UnsupportedVersion => Fault::Data,
            Self::Io | Self::Unavailable | Self::Timeout => Fault::Backend,
        }
    }
}

/// What failed, of which kind, and because of what.
///
/// One word wide. Its text says what was attempted, with what, and what to do; it never holds a
/// key, a session id or a payload.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error of `kind`; `message` in lower case, without a full stop, free of secrets.
    #[cold]
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
        }))
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidConfig, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|source| -> &(dyn StdError + 'static) { source.as_ref() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_kind_text_and_source_in_one_word() {
        let error = Error::new(ErrorKind::Io, "write snapshot: disk full")
            .with_source(std::io::Error::other("no space"));
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.to_string(), "write snapshot: disk full");
        assert_eq!(
            error.source().map(ToString::to_string),
            Some("no space".into())
        );
    }
}
