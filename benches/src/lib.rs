//! What the bench binaries share: the contenders behind one trait, the
//! workloads, the interleaved rounds, the counting heap and the reports.
//!
//! `README.md` of this package says how to run the binaries and how to read
//! what they print.

#[cfg(feature = "peers")]
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
pub mod report;
#[cfg(feature = "peers")]
pub mod requests;
#[cfg(feature = "peers")]
pub mod rounds;
pub mod sample;
pub mod script;
pub mod spread;
#[cfg(feature = "stores")]
pub mod stores;
#[cfg(feature = "traces")]
pub mod trace;
#[cfg(feature = "peers")]
pub mod truths;
#[cfg(feature = "peers")]
pub mod workloads;
