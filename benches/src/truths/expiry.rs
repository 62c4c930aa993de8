//! Whether an answer is ever older than its lifetime: DNS answers replayed
//! with the lifetimes that their servers gave them.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use sessile::Cache;
use sessile::time::ManualClock;

use crate::args::Args;
use crate::measure::Found;
use crate::report::Table;
use crate::trace;

/// Used where a record carries no lifetime.
const DEFAULT_S: u32 = 1_800;

/// Replays the trace beside a map that knows every deadline.
pub(super) fn take(_: &Args) -> Found {
    let folder = trace::folder().ok_or(trace::ABSENT)?;
    let records = trace::read(&folder, "ttl_dns")?;
    let clock = ManualClock::new();
    let cache = Cache::builder()
        .unlimited_entries()
        .clock(clock.clone())
        .build()
        .map_err(|reason| reason.to_string())?;
    let mut deadlines: HashMap<u32, u64> = HashMap::new();
    let (mut hits, mut stale, mut lost) = (0_u64, 0_u64, 0_u64);
    for record in &records {
        clock.set_ms(record.at_ms);
        let key = record.key.to_le_bytes();
        let live = deadlines
            .get(&record.key)
            .is_some_and(|&deadline| record.at_ms < deadline);
        let found = cache.get(&key).is_some();
        hits += u64::from(found);
        stale += u64::from(found && !live);
        lost += u64::from(live && !found);
        if !found {
            let seconds = if record.ttl_s == 0 {
                DEFAULT_S
            } else {
                record.ttl_s
            };
            let ttl = Duration::from_secs(seconds.into());
            cache
                .insert(&key, Bytes::from_static(b"answer"), ttl)
                .map_err(|reason| reason.to_string())?;
            deadlines.insert(record.key, record.at_ms + u64::from(seconds) * 1_000);
        }
    }
    let mut table = Table::new(
        "Expiry: DNS answers with their own lifetimes",
        "stale: read after the end of its life; lost: absent before it. Both must be 0.",
        &[
            "contender",
            "records",
            "hits",
            "stale",
            "lost",
            "held at end",
        ],
    );
    table.row([
        "sessile".to_owned(),
        records.len().to_string(),
        hits.to_string(),
        stale.to_string(),
        lost.to_string(),
        cache.len().to_string(),
    ]);
    Ok(vec![table])
}
