//! The store `tiered`.
