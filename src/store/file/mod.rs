//! The store `file`: one file per session, for programs of one machine.
//!
//! [`FileStore`] is the face (`store`, `builder`); the verbs do blocking work (`verbs`, `sweep`,
//! `listing`) in a directory of 256 buckets (`directory`), whose files are written beside their place
//! and renamed into it (`draft`), in a format that tells when it is damaged (`record`). What the
//! threshold needs to know is in memory (`room`) and is told to other processes (`ledger`).

mod builder;
mod directory;
mod draft;
mod fault;
mod ledger;
mod listing;
mod name;
mod record;
mod room;
mod scan;
mod store;
mod sweep;
mod task;
mod verbs;

pub use builder::FileStoreBuilder;
pub use store::FileStore;
