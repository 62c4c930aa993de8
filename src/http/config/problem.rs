//! What is wrong with a configuration, collected until somebody asks for all of it.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// More problems than this are only counted.
const SHOWN_MAX: usize = 32;
/// Longer values are cut where they are shown.
const VALUE_MAX: usize = 48;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Code,
    Environment,
    File(String),
    Toml,
    Json,
    Serde,
}

impl Source {
    /// The higher one wins; among equals, the later.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Code => 2,
            Self::Environment => 1,
            Self::File(_) | Self::Toml | Self::Json | Self::Serde => 0,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("set in code"),
            Self::Environment => f.write_str("environment"),
            Self::File(name) => write!(f, "file {name}"),
            Self::Toml => f.write_str("TOML text"),
            Self::Json => f.write_str("JSON text"),
            Self::Serde => f.write_str("deserialized"),
        }
    }
}

/// Sentences without secrets, in the order in which they were found.
#[derive(Debug, Clone, Default)]
pub(super) struct Problems {
    shown: Vec<String>,
    more: usize,
}

impl Problems {
    pub(super) fn add(&mut self, problem: String) {
        self.add_with(|| problem);
    }

    /// The same for a sentence that is dear to make, and is not made when only counted.
    pub(super) fn add_with(&mut self, problem: impl FnOnce() -> String) {
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(problem());
        } else {
            self.more += 1;
        }
    }

    /// All of them as one error, if there is any.
    pub(super) fn into_error(self) -> Option<Error> {
        if self.shown.is_empty() {
            return None;
        }
        let mut text = match self.shown.len() + self.more {
            1 => "configure sessions: 1 problem".to_owned(),
            count => format!("configure sessions: {count} problems"),
        };
        for problem in &self.shown {
            text.push_str("\n- ");
            text.push_str(problem);
        }
        if self.more > 0 {
            text.push_str(&format!("\n- and {} more", self.more));
        }
        Some(Error::new(ErrorKind::InvalidConfig, text))
    }
}

/// A text as messages show it: quoted, control characters escaped, cut.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(VALUE_MAX) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?} and {} bytes more", &text[..end], text.len() - end),
    }
}
