//! Record formats: how a session becomes bytes and bytes become a session.
//!
//! A record is a header of fixed fields and a flat map from names to encoded values:
//!
//! ```text
//! C1 | version | format | flags | created | written | end | expiry | nonce | [owner] | [issued] | body
//!  1      1        1        1       8         8        8       8       8     1 + n       8       rest
//! ```
//!
//! Numbers are little-endian, times are milliseconds since the Unix epoch. The body gives the length
//! of each name and value before it, so that reading is one scan from length to length, which finds
//! where they lie ([`Fields`]). Values are MessagePack or JSON; they are decoded, and found out to be
//! malformed, when somebody asks for them, and are written back as the slices they came as. `C1` begins neither MessagePack nor JSON, so that records without a header, which
//! Flask-Session writes ([`Layout::Bare`]), are told apart by their first byte.

mod fields;
mod format;
mod header;
mod json;
mod msgpack;
mod packed;
mod record;
mod value;

pub(crate) use fields::Field;
pub use fields::{Fields, FieldsBuilder};
pub use format::{Format, Layout, Limits};
pub(crate) use header::OWNER_BYTES_MAX;
pub use header::{Expiry, Header};
pub use record::Record;
pub use value::Value;
