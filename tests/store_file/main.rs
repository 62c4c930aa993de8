//! The store `file`.
