//! Commands and runs of scripts, in buffers that need not grow.

use redis::Cmd;

use super::form::Written;
use super::lifetime::lifetime_ms;
use super::scripts::Script;
use crate::cache::Terms;

/// Begins a run of a script that writes.
pub(super) fn write_run(script: &Script, key: &[u8], written: &Written, terms: &Terms) -> Cmd {
    let mut run = script.run(key, written.len() + 32);
    run.arg(written);
    match terms.time_to_live() {
        Some(time_to_live) => run.arg(lifetime_ms(time_to_live)),
        None => run.arg(""),
    };
    run
}

/// Begins a command about a key.
pub(super) fn about(verb: &str, key: &[u8]) -> Cmd {
    let mut command = Cmd::with_capacity(4, verb.len() + key.len() + 32);
    command.arg(verb).arg(key);
    command
}

pub(super) fn set(key: &[u8], written: &Written, terms: &Terms) -> Cmd {
    let mut command = Cmd::with_capacity(7, key.len() + written.len() + 32);
    command.arg("SET").arg(key).arg(written);
    if let Some(time_to_live) = terms.time_to_live() {
        command.arg("PX").arg(lifetime_ms(time_to_live));
    }
    command
}
