//! One file per session.
