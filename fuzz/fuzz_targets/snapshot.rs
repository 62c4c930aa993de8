//! Any bytes as a snapshot: refused or restored, never a panic, and whatever is refused left nothing.
#![no_main]

mod planted;

use libfuzzer_sys::fuzz_target;
use planted::bent;
use sessile::{Cache, ManualClock, Terms};

fuzz_target!(|bytes: &[u8]| {
    let whole = sessile::internals::decode_snapshot(bytes);
    let cache = Cache::builder()
        .unlimited_entries()
        .clock(ManualClock::new())
        .build()
        .expect("nothing is limited");
    let whole = bent("both refuse or neither", whole, |_| {
        sessile::internals::decode_snapshot(&b"cut"[..])
    });
    match (whole, cache.restore(bytes)) {
        (Ok(entries), Ok(restored)) => {
            let counted = restored.entries + restored.expired + restored.refused;
            let counted = bent("every entry is counted", counted, |counted| counted + 1);
            assert_eq!(entries, counted, "every entry is counted");
            let mut again = Vec::new();
            cache
                .snapshot(&mut again)
                .expect("a vector takes everything");
            let again = bent("what was written is read", again, |mut again| {
                again.pop();
                again
            });
            let is_read = sessile::internals::decode_snapshot(&again).is_ok();
            assert!(is_read, "what was written is read");
        }
        (Err(_), Err(_)) => {
            bent("damaged, but something was loaded", (), |()| {
                let done = cache.insert("key", "value", Terms::forever());
                done.map(drop).expect("nothing is limited");
            });
            assert!(cache.is_empty(), "damaged, but something was loaded");
        }
        (whole, restored) => panic!("both refuse or neither: {whole:?} {restored:?}"),
    }
    cache.check_invariants();
});
