//! The stores outside the process beside what they are made of, each with the target it is to keep.
//!
//! - `pace`: what is the same in all: interleaved rounds of two contenders, and the table of them.
//! - `server`: a Redis server of the bench's own.
//! - `redis`: the store beside the bare driver.
//! - `connections`: whether several to Redis would be faster than one.
//! - `tiered`: a load that ends in the front, beside one of the bare cache.
//! - `sqlite`: loads and writes on one core.
//! - `copy`: a snapshot into SQLite, as `sessile copy` does it.

mod connections;
mod copy;
mod pace;
mod redis;
mod server;
mod sqlite;
mod tiered;

use bytes::Bytes;
use sessile::codec::{FieldsBuilder, Format, Header, Layout, Record};

use crate::measure::{Measure, Measures};

/// What is measured, in this order.
pub const MEASURES: Measures = Measures {
    binary: "stores",
    one: "target",
    heading: "Stores beside their drivers",
    all: &[
        Measure {
            name: "tiered",
            take: tiered::take,
        },
        Measure {
            name: "redis",
            take: redis::take,
        },
        Measure {
            name: "connections",
            take: connections::take,
        },
        Measure {
            name: "sqlite",
            take: sqlite::take,
        },
        Measure {
            name: "copy",
            take: copy::take,
        },
    ],
};

/// A key as a session has it: 32 bytes of a digest, in no order.
fn key(number: usize) -> [u8; 32] {
    let mut key = [0; 32];
    let mut state = number as u64;
    for (place, part) in key.chunks_exact_mut(8).enumerate() {
        state = (state ^ place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state ^= state >> 29;
        part.copy_from_slice(&state.to_be_bytes());
    }
    key
}

/// A session as it is stored: a header and a field of so many bytes.
fn record(bytes: usize) -> Bytes {
    let header = Header {
        created_ms: 1_763_712_000_000,
        written_ms: 1_763_712_000_000,
        ..Header::default()
    };
    let (layout, format) = (Layout::Native, Format::Json);
    let begun = Record::begin(&header, layout, format);
    let mut fields = FieldsBuilder::new(layout, format, 1, begun);
    let text = format!("\"{}\"", "v".repeat(bytes));
    fields.push("basket", text.as_bytes());
    let (bytes, _) = fields.finish();
    // A vector's first clone allocates, which is nobody's cost here.
    drop(bytes.clone());
    bytes
}
