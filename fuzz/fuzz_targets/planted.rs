//! Bugs planted into what a target sees of its subject, each known by the words of the check that must find it.
//!
//! `SESSILE_PLANTED` chooses one. `.ci/steps/fuzz.sh` reads the words where the targets name them, tries each on
//! the seeds, and wants the run to end with these words.

use std::sync::LazyLock;

static PLANTED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("SESSILE_PLANTED").ok());

/// What the subject answered; something else if the bug of these words is planted.
pub fn bent<T>(words: &str, answer: T, wrong: impl FnOnce(T) -> T) -> T {
    match PLANTED.as_deref() == Some(words) {
        true => wrong(answer),
        false => answer,
    }
}
