//! The request flow, and the adapters that put it into a server.
//!
//! | to | see |
//! |---|---|
//! | give requests sessions in a tower stack | [`SessionLayer`] |
//! | name a session as an axum handler's argument | [`Session`](crate::session::Session), [`SessionOf`], [`Handle`] (feature `axum`) |
//! | serve another framework | [`Core`] |
//! | decide about cookies and saving | [`Interface`], [`Refresh`], [`WhenGone`] |
//! | sign ids | [`SignedId`], [`IdText`] |
//! | keep whole sessions in the cookie | [`CookieSessions`] |
//! | read and set cookies of one's own in a handler | [`JarLayer`], [`Cookies`] |
//! | build all that from a configuration | [`config::Settings::core`] |
//!
//! Ids are taken from cookies only. An id without a record is nobody's: it is never adopted, and
//! nothing is written until a handler writes into its session.

mod backend;
#[cfg(feature = "compat")]
mod compat_id;
pub mod config;
mod configured;
mod cookie_form;
mod cookie_sessions;
mod core;
mod core_builder;
#[cfg(feature = "axum")]
mod extract;
mod headers;
mod id_text;
mod interface;
mod jar;
mod layer;
mod visit;

pub use self::core::{Core, Refresh, Verdict, WhenGone};
pub use backend::{Backend, Stored};
#[cfg(feature = "compat")]
pub use compat_id::{FlaskSessionId, InvenioSessionId};
pub use configured::Configured;
pub use cookie_sessions::{CookieSessions, CookieSessionsBuilder};
pub use core_builder::CoreBuilder;
#[cfg(feature = "axum")]
pub use extract::{SessionOf, SessionRejection};
pub use id_text::{IdText, PlainId, SignedId};
pub use interface::{Change, Interface, RequestHead};
pub use jar::{Cookies, JarFuture, JarLayer, JarService};
pub use layer::{ResponseFuture, SessionLayer, SessionService};
pub use visit::{CANDIDATES_MAX, Handle, Main, Visit};
