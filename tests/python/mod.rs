//! What the tests with Python need: the interpreter, cases, and the formats by name.

pub(crate) mod cases;
pub(crate) mod formats;
pub(crate) mod peer;
