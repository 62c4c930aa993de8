//! The embedded cache in front of a durable store.
