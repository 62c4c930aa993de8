//! The store `mongodb`.
