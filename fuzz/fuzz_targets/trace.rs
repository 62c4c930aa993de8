//! Any bytes as a trace: each line a record or an error, in order of time, never a panic.
#![no_main]

mod planted;

use libfuzzer_sys::fuzz_target;
use planted::bent;
use sessile_cli::trace::{HEADER, Reader, Record, TTL_SECONDS_MAX, VALUE_BYTES_MAX};

/// A record as it was read.
fn seen(record: Record) -> Record {
    let record = bent("records come in order of time", record, |mut record| {
        record.time_ms = u64::MAX - record.time_ms;
        record
    });
    let record = bent("a value's size is bounded", record, |mut record| {
        record.value_size = VALUE_BYTES_MAX + 1;
        record
    });
    bent("a time to live is bounded", record, |mut record| {
        record.ttl_seconds = TTL_SECONDS_MAX + 1;
        record
    })
}

fn read(bytes: &[u8]) {
    let Ok(reader) = Reader::new(bytes) else {
        return;
    };
    let mut time_ms = 0;
    for record in reader {
        match record {
            Ok(record) => {
                let record = seen(record);
                let is_ordered = record.time_ms >= time_ms;
                assert!(is_ordered, "records come in order of time");
                let is_bounded = record.value_size <= VALUE_BYTES_MAX;
                assert!(is_bounded, "a value's size is bounded");
                let is_bounded = record.ttl_seconds <= TTL_SECONDS_MAX;
                assert!(is_bounded, "a time to live is bounded");
                time_ms = record.time_ms;
            }
            Err(error) => {
                let said = bent("an error says why", error.to_string(), |_| String::new());
                assert!(!said.is_empty(), "an error says why");
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    // The header is long to guess; with it the lines are reached at once.
    let mut headed = HEADER.as_bytes().to_vec();
    headed.push(b'\n');
    headed.extend_from_slice(bytes);
    read(&headed);
});
