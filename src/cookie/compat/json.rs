//! JSON as Python writes and reads it.

mod float;
mod read;
mod write;

pub(super) use read::{Budget, read};
pub(super) use write::{Dialect, write};

/// What differs between the JSON of Python's libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonStyle {
    /// Whether everything beyond ASCII is escaped (`ensure_ascii`).
    pub ascii: bool,
    /// Whether names are sorted (`sort_keys`); otherwise they stay in the order of insertion.
    pub sorted: bool,
}

impl JsonStyle {
    /// itsdangerous by itself: UTF-8, names as they came.
    pub const ITSDANGEROUS: Self = Self {
        ascii: false,
        sorted: false,
    };
    /// Flask's default provider: ASCII, names sorted.
    pub const FLASK: Self = Self {
        ascii: true,
        sorted: true,
    };
    /// Django's serializer: ASCII, names as they came.
    pub const DJANGO: Self = Self {
        ascii: true,
        sorted: false,
    };

    /// This style, with names sorted or not.
    #[must_use]
    pub const fn sorted(self, sorted: bool) -> Self {
        Self { sorted, ..self }
    }

    /// This style, with everything beyond ASCII escaped or not.
    #[must_use]
    pub const fn ascii(self, ascii: bool) -> Self {
        Self { ascii, ..self }
    }
}
