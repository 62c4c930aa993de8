//! Any bytes as a snapshot: refused or restored, never a panic, and whatever is refused left nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sessile::{Cache, ManualClock};

fuzz_target!(|bytes: &[u8]| {
    let whole = sessile::internals::decode_snapshot(bytes);
    let cache = Cache::builder()
        .unlimited_entries()
        .clock(ManualClock::new())
        .build()
        .expect("nothing is limited");
    match (whole, cache.restore(bytes)) {
        (Ok(entries), Ok(restored)) => {
            assert_eq!(
                entries,
                restored.entries + restored.expired + restored.refused
            );
            let mut again = Vec::new();
            cache
                .snapshot(&mut again)
                .expect("a vector takes everything");
            assert!(sessile::internals::decode_snapshot(&again).is_ok());
        }
        (Err(_), Err(_)) => assert!(cache.is_empty(), "damaged, but something was loaded"),
        (whole, restored) => panic!("{whole:?} {restored:?}"),
    }
    cache.check_invariants();
});
