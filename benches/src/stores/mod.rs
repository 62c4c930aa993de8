//! The stores outside the process beside what they are made of, each with the target it is to keep.
//!
//! - `pace`: what is the same in all: interleaved rounds of two contenders, and the table of them.
//! - `server`: a Redis server of the bench's own.
//! - `redis`: the store beside the bare driver.
//! - `tiered`: a load that ends in the front, beside one of the bare cache.
//! - `sqlite`: loads on one core.
//! - `copy`: a snapshot into SQLite, as `sessile copy` does it.

mod copy;
mod pace;
mod redis;
mod server;
mod sqlite;
mod tiered;

use bytes::Bytes;
use sessile::codec::{FieldsBuilder, Format, Header, Layout, Record};

use crate::args::Args;
use crate::report::Table;

/// A target that is measured: its tables, or why there are none.
pub struct Target {
    /// The name for `--workload`.
    pub name: &'static str,
    /// Takes the measure.
    pub tell: fn(&Args) -> Result<Vec<Table>, String>,
}

/// All of them, in the order in which they are measured.
pub const ALL: [Target; 4] = [
    Target {
        name: "tiered",
        tell: tiered::tell,
    },
    Target {
        name: "redis",
        tell: redis::tell,
    },
    Target {
        name: "sqlite",
        tell: sqlite::tell,
    },
    Target {
        name: "copy",
        tell: copy::tell,
    },
];

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
