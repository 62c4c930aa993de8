//! What the bench binaries share: the contenders behind one trait, the
//! workloads, the interleaved rounds, the counting heap and the reports.
//!
//! `README.md` of this package says how to run the binaries and how to read
//! what they print.

pub mod args;
pub mod clock;
pub mod contender;
pub mod contenders;
pub mod heap;
pub mod id;
pub mod machine;
pub mod measure;
pub mod report;
pub mod requests;
pub mod rounds;
pub mod script;
#[cfg(feature = "stores")]
pub mod stores;
pub mod trace;
pub mod truths;
pub mod workloads;
