//! The parts of the `sessile` command: reading a trace and replaying it
//! through the cache, and serving a small application (`serve`), and looking after the sessions of a store (`admin`).
//!
//! The command itself is a thin shell around them. They form a library so that
//! benchmarks and fuzz targets read traces with the very parser of the command.
//!
//! ```text
//! input   a path, standard input or the embedded log  -> bytes, unpacked
//! trace   bytes                                        -> records, checked
//! workload records                                     -> steps per thread, keys
//! replay  steps, through the store of sessile          -> outcome
//! report  outcome                                      -> text or JSON
//! ```

#[cfg(feature = "serve")]
pub mod admin;
pub mod ids;
pub mod input;
pub mod measure;
mod pace;
pub mod replay;
pub mod report;
#[cfg(feature = "serve")]
pub mod serve;
pub mod trace;
pub mod workload;

/// An error of the library with what caused it, in one line.
#[cfg(feature = "serve")]
fn told(error: &sessile::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text += &format!(": {inner}");
        cause = inner.source();
    }
    // A list of problems has a line for each.
    text.replace("\n- ", "; ").replace('\n', " ")
}
