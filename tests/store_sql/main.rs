//! The store `sql`.
