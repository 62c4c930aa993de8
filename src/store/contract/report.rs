//! What a check finds, and the report of all of them.

use std::fmt;

use crate::error::Error;

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The store did what the contract says.
    Passed,
    /// It did not; the text says what was expected and what came.
    Failed(String),
    /// The store promises less; the text says what it lacks.
    NotApplicable(&'static str),
}

/// One check and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// The check's name, one of [`CHECKS`](super::CHECKS).
    pub name: &'static str,
    /// What it found.
    pub finding: Finding,
}

/// What all checks found; `Display` prints a line for each.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Report {
    checked: Vec<Checked>,
}

impl Report {
    /// Every check and what it found, in the order they ran.
    #[must_use]
    pub fn checked(&self) -> &[Checked] {
        &self.checked
    }

    /// The names of the checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &'static str> {
        self.checked
            .iter()
            .filter(|checked| matches!(checked.finding, Finding::Failed(_)))
            .map(|checked| checked.name)
    }

    /// Says whether no check failed.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.failed().next().is_none()
    }

    /// Does nothing if no check failed.
    ///
    /// # Panics
    /// Panics with the whole report otherwise.
    #[track_caller]
    pub fn assert_kept(&self) {
        assert!(self.is_kept(), "the store contract is broken\n{self}");
    }

    pub(super) fn add(&mut self, name: &'static str, outcome: Outcome) {
        let finding = match outcome {
            Ok(()) => Finding::Passed,
            Err(Stop::Failed(why)) => Finding::Failed(why),
            Err(Stop::NotApplicable(why)) => Finding::NotApplicable(why),
        };
        self.checked.push(Checked { name, finding });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Checked { name, finding } in &self.checked {
            match finding {
                Finding::Passed => writeln!(f, "passed          {name}")?,
                Finding::Failed(why) => writeln!(f, "FAILED          {name}: {why}")?,
                Finding::NotApplicable(why) => writeln!(f, "not applicable  {name}: {why}")?,
            }
        }
        let failed = self.failed().count();
        write!(f, "{failed} of {} checks failed", self.checked.len())
    }
}

/// What a check returns.
pub(super) type Outcome = Result<(), Stop>;

/// Why a check did not pass.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(String),
    NotApplicable(&'static str),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(format!("unexpected error, {:?}: {error}", error.kind()))
    }
}

/// Ends the check as failed, with the text, unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::store::contract::Stop::Failed(format!($($text)+)));
        }
    };
}
pub(super) use ensure;
