//! Newcomers that nobody reads, in any number, push out nobody who is in use.
//!
//! What holds, and where it ends: a newcomer waits in a window of its own and is the next to go, unless the
//! policy takes it for a key that was evicted a short time ago. It knows those by 16 bits of their hash and
//! compares sixteen at a time, so it errs about one in 4,096, and for each error somebody else goes. That is
//! the first of 32 who was not read, or, if all were, one who was: where those in use lie side by side,
//! because they came one after the other into an empty cache, one of them goes for each error.

use sessile::{Builder, Cache, Terms};

const PLACES: usize = 10_000;
/// Of the places; the others belong to visitors whom nobody reads.
const USED: u64 = 5_000;
const NEWCOMERS: u64 = if cfg!(debug_assertions) {
    40_000
} else {
    120_000
};
/// So many newcomers come between two reads: each session is read every 20,000 newcomers.
const BETWEEN_READS: u64 = 4;
/// What an entry is charged, or is on average where lengths differ.
const CHARGE: u64 = 80 + 16 + 200;

fn id(number: u64) -> [u8; 16] {
    let mut id = [b'.'; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    id
}

/// A cache under a flood, and how many newcomers have come.
struct Flood {
    cache: Cache,
    /// Whether values are 0 to 400 bytes long, or all 200.
    lengths_differ: bool,
    newcomers: u64,
}

impl Flood {
    fn put(&self, number: u64) {
        let len = match self.lengths_differ {
            true => number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (1 << 32) % 401,
            false => 200,
        };
        let value = vec![7; usize::try_from(len).expect("at most 400")];
        let version = self.cache.insert(&id(number), value, Terms::forever());
        version.expect("somebody goes");
    }

    fn newcomer(&mut self) {
        self.newcomers += 1;
        let number = 1 << 40 | self.newcomers;
        self.put(number);
        assert!(self.cache.contains(&id(number)), "readable at once");
    }

    /// The flood, while the first `used` sessions are read in turn.
    fn run(&mut self, used: u64) {
        for number in 0..NEWCOMERS {
            self.newcomer();
            if number % BETWEEN_READS == 0 {
                self.cache.get(&id(number / BETWEEN_READS % used));
            }
        }
    }

    /// How many of the first `used` sessions are gone.
    fn lost(&self, used: u64) -> u64 {
        let lost = (0..used).filter(|&session| !self.cache.contains(&id(session)));
        lost.count() as u64
    }

    fn check(&self) {
        assert!(self.lengths_differ || self.cache.iter().count() <= PLACES);
        #[cfg(feature = "__internals")]
        self.cache.check_invariants();
    }
}

/// Caches with so many places, by entries and by bytes, with as many shards as they choose and with one.
fn floods() -> impl Iterator<Item = (&'static str, Flood)> {
    let entries = || Cache::builder().max_entries(PLACES);
    let bytes = || Cache::builder().unlimited_entries();
    let bytes = || bytes().max_bytes(PLACES as u64 * CHARGE);
    let builders: [(&str, Builder, bool); 6] = [
        ("entries, many shards", entries(), false),
        ("entries, one shard", entries().shards(1), false),
        ("bytes, many shards", bytes(), false),
        ("bytes, one shard", bytes().shards(1), false),
        ("different lengths, many shards", bytes(), true),
        ("different lengths, one shard", bytes().shards(1), true),
    ];
    builders.into_iter().map(|(name, builder, lengths_differ)| {
        let cache = builder.build().expect("a valid configuration");
        let flood = Flood {
            cache,
            lengths_differ,
            newcomers: 0,
        };
        (name, flood)
    })
}

#[test]
fn sessions_in_use_among_visitors_all_outlast_a_flood() {
    for (name, mut flood) in floods() {
        for session in 0..USED {
            flood.put(session);
            flood.cache.get(&id(session));
            flood.newcomer();
        }
        flood.run(USED);
        assert_eq!(flood.lost(USED), 0, "{name}");
        flood.check();
    }
}

#[test]
fn sessions_that_begin_in_a_flood_and_are_read_twice_all_outlast_it() {
    const BEGINNERS: u64 = 500;
    for (name, mut flood) in floods() {
        for _ in 0..2 * PLACES {
            flood.newcomer();
        }
        for session in 0..BEGINNERS {
            flood.put(session);
            for _ in 0..2 {
                for _ in 0..50 {
                    flood.newcomer();
                }
                assert!(flood.cache.get(&id(session)).is_some(), "{name}");
            }
        }
        flood.run(BEGINNERS);
        assert_eq!(flood.lost(BEGINNERS), 0, "{name}");
        flood.check();
    }
}

#[test]
fn sessions_that_lie_side_by_side_are_lost_only_to_newcomers_taken_for_others() {
    for (name, mut flood) in floods() {
        for session in 0..USED {
            flood.put(session);
            flood.cache.get(&id(session));
        }
        for _ in USED..PLACES as u64 {
            flood.newcomer();
        }
        flood.run(USED);
        // One in 4,096 is expected; four times as many is as good as impossible.
        let lost = flood.lost(USED);
        println!("{name}: {lost} of {USED} lost");
        // Where lengths differ, a window that varies costs each shard some more.
        let more = if flood.lengths_differ { 200 } else { 0 };
        assert!(lost <= NEWCOMERS / 1000 + more, "{name}: {lost}");
        flood.check();
    }
}
