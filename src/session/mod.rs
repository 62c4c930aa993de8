//! Sessions: the object a request works with, and what becomes of it when the request ends.
//!
//! [`Sessions`] is the manager: it knows the store, the form of ids and records, and how long
//! sessions live. A request asks it to [`open`](Sessions::open) the session of its cookie, works on
//! the [`Session`], and lets the manager [`commit`](Sessions::commit) it at the end. What a commit
//! does is decided by a state machine without I/O and done against a [`SessionStore`](crate::SessionStore).
//!
//! | to | see |
//! |---|---|
//! | read and write values | [`Session`] |
//! | load only if somebody looks | [`LazySession`] |
//! | say when sessions end | [`SessionsBuilder`], [`Expiry`] |
//! | show something once | [`Session::messages`], [`Session::flashes`] |
//! | list and end a user's sessions | [`Sessions::list`], [`Sessions::end`], [`Sessions::end_all`] |

mod ahead;
mod any_index;
mod builder;
#[cfg(feature = "http")]
mod carried;
mod catch_up;
mod claims;
mod commit;
mod data;
mod id_renewal;
mod index;
mod lazy;
mod life;
mod manager;
mod message;
mod messages;
mod owner;
mod owner_list;
mod owners;
mod renewals;
mod retired;
mod rotate;
mod rules;
#[expect(clippy::module_inception, reason = "the type that the folder is about")]
mod session;
mod state;
mod store_index;
mod turn;
mod unavailable;

pub use crate::codec::Expiry;
pub use any_index::AnyIndex;
pub use builder::SessionsBuilder;
#[cfg(feature = "http")]
pub(crate) use carried::Carried;
pub use commit::Committed;
pub use index::LocalIndex;
pub use lazy::LazySession;
pub use manager::Sessions;
pub use message::{DEFAULT_CATEGORY, Level, Message};
pub use messages::{Flashes, Messages};
pub use owner::{Admitted, OwnerEntry, OwnerIndex, SessionHandle, SessionInfo};
pub use rules::{EmptyPolicy, OnConflict, WhenReached};
pub use session::Session;
pub use store_index::{OWNER_LIST_PREFIX, StoreIndex};

#[cfg(feature = "http")]
pub(crate) use id_renewal::IdRenewal;
#[cfg(feature = "http")]
pub(crate) use rules::Rules;
