//! What the bench binaries share: the contenders behind one trait, the
//! workloads, the interleaved rounds, the counting heap and the reports.
//!
//! `README.md` of this package says how to run the binaries and how to read
//! what they print.

pub mod args;
pub mod clock;
#[cfg(feature = "peers")]
pub mod contender;
#[cfg(feature = "peers")]
pub mod contenders;
pub mod heap;
pub mod id;
pub mod machine;
#[cfg(feature = "peers")]
pub mod measure;
#[cfg(feature = "peers")]
pub mod report;
#[cfg(feature = "peers")]
pub mod requests;
#[cfg(feature = "peers")]
pub mod rounds;
#[cfg(feature = "peers")]
pub mod script;
#[cfg(feature = "stores")]
pub mod stores;
pub mod trace;
#[cfg(feature = "peers")]
pub mod truths;
#[cfg(feature = "peers")]
pub mod workloads;
