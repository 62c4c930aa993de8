//! The store `redis`.
