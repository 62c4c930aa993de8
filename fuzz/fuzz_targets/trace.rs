//! Any bytes as a trace: each line a record or an error, in order of time, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sessile_cli::trace::{HEADER, Reader, TTL_SECONDS_MAX, VALUE_BYTES_MAX};

fn read(bytes: &[u8]) {
    let Ok(reader) = Reader::new(bytes) else {
        return;
    };
    let mut time_ms = 0;
    for record in reader {
        match record {
            Ok(record) => {
                assert!(record.time_ms >= time_ms);
                assert!(record.value_size <= VALUE_BYTES_MAX);
                assert!(record.ttl_seconds <= TTL_SECONDS_MAX);
                time_ms = record.time_ms;
            }
            Err(error) => assert!(!error.to_string().is_empty()),
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
