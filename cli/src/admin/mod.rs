//! `sessile list`, `show`, `revoke`, `clear-expired`, `prepare` and `copy`: looking after the sessions of
//! any store.
//!
//! ```text
//! place   the command line, a document, the environment  -> an open store
//! walk    an open store                                  -> its records, page by page
//! row     a record                                       -> what may be shown of it
//! look    rows                                           -> a list, or one session
//! end     rows                                           -> fewer of them
//! copy    two open stores                                -> the same sessions in both
//! ```
//!
//! Nothing that these print opens a session, and no stored value is ever printed.

mod copy;
mod end;
mod look;
mod mark;
mod place;
mod row;
mod tally;
mod walk;

use std::io::{self, Write};

use clap::Subcommand;

use crate::told;

pub use copy::Copy;
pub use end::{ClearExpired, Prepare, Revoke};
pub use look::{List, Show};
pub use place::Where;

/// What can be done with a store.
#[derive(Clone, Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "the help of each command stands at its options"
)]
pub enum Admin {
    List(List),
    Show(Show),
    Revoke(Revoke),
    ClearExpired(ClearExpired),
    Prepare(Prepare),
    Copy(Copy),
}

/// Does it, printing to standard output.
///
/// # Errors
/// One line that says what failed and what to do.
pub fn run(what: Admin) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the command cannot start: {error}"))?;
    runtime.block_on(async {
        match what {
            Admin::List(options) => look::list(&options).await,
            Admin::Show(options) => look::show(&options).await,
            Admin::Revoke(options) => end::revoke(&options).await,
            Admin::ClearExpired(options) => end::clear_expired(&options).await,
            Admin::Prepare(options) => end::prepare(&options).await,
            Admin::Copy(options) => copy::copy(&options).await,
        }
    })
}

/// Prints one line; says whether somebody still reads.
fn say(line: &str) -> Result<bool, String> {
    match writeln!(io::stdout().lock(), "{line}") {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(format!("standard output: {error}; check where it goes")),
    }
}
