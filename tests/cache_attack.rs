//! A flood of sessions that an attacker makes logs nobody out and takes no memory.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]
#![expect(
    unsafe_code,
    reason = "counting the heap takes an allocator, whose trait is unsafe"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use sessile::{Cache, Terms};

/// The system's allocator, counting what each thread holds. An attack runs in one thread.
struct Counting;

thread_local! {
    /// Bytes held, and the most that were held.
    static HEAP: Cell<(i64, i64)> = const { Cell::new((0, 0)) };
}

fn count(bytes: usize, sign: i64) {
    // A thread that is ending has no counter any more, and nobody who asks.
    let _ = HEAP.try_with(|heap| {
        let (held, most) = heap.get();
        let held = held + sign * i64::try_from(bytes).unwrap_or(0);
        heap.set((held, most.max(held)));
    });
}

// SAFETY: every call goes to `System` unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller keeps `GlobalAlloc`'s rules, which are `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: `place` came from `alloc` above, that is from `System`, with this layout.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const HOUR: Duration = Duration::from_secs(3600);
const VISITOR: Terms = Terms::ttl(HOUR);
const LOGIN: Terms = Terms::ttl(HOUR).protected();

/// One user in five comes back during the attack, the others are idle.
const ACTIVE: u64 = 5;
/// Sessions that the attacker makes for each read by a user.
const PRESSURE: u64 = 5;

#[derive(Clone, Copy)]
struct Attack {
    /// Half of it is for users who have logged in, and taken by them.
    capacity: usize,
    /// Every shard has chunks of its own; with many for few entries they are most of the heap.
    shards: usize,
    /// Sessions that the attacker makes.
    creations: u64,
    /// How often it touches each of them.
    touches: u64,
    /// How users are kept.
    user: Terms,
    /// Whether the capacity is a limit.
    limited: bool,
}

struct Outcome {
    /// Users who were logged out.
    lost: u64,
    /// The most heap held, as a share of what a full cache held before the attack.
    heap: f64,
    /// The same, as a share of what the entries of a full cache are charged.
    charged: f64,
}

/// An id as long as those of common session middleware.
fn id(number: u64) -> [u8; 22] {
    let mut id = [b'.'; 22];
    id[..8].copy_from_slice(&number.to_le_bytes());
    id
}

impl Attack {
    fn run(self) -> Outcome {
        let users = self.capacity as u64 / 2;
        let before = HEAP.get().0;
        let builder = Cache::builder()
            .shards(self.shards)
            .protected_entries(self.capacity / 2);
        let cache = match self.limited {
            true => builder.max_entries(self.capacity),
            false => builder.unlimited_entries(),
        };
        let cache = cache.build().unwrap();
        let payload = || vec![7; 200];
        for number in 0..users {
            cache.insert(&id(number), payload(), self.user).unwrap();
        }
        for number in users..self.capacity as u64 {
            cache.insert(&id(number), payload(), VISITOR).unwrap();
        }
        assert_eq!(cache.len(), self.capacity);
        let full = HEAP.get().0 - before;
        let charge = cache.bytes();
        HEAP.set((before + full, before + full));
        for number in 0..self.creations {
            let name = id(1 << 40 | number);
            cache.insert(&name, payload(), VISITOR).unwrap();
            for _ in 0..self.touches {
                cache.touch(&name, HOUR);
            }
            if number % PRESSURE == 0 {
                cache.get(&id(number / PRESSURE % (users / ACTIVE)));
            }
        }
        let most = (HEAP.get().1 - before) as f64;
        let stats = cache.stats();
        let lost = (0..users).filter(|&number| !cache.contains(&id(number)));
        let lost = lost.count() as u64;
        if self.limited {
            assert_eq!(stats.entries, self.capacity as u64);
            assert_eq!(stats.evicted, self.creations);
        }
        #[cfg(feature = "__internals")]
        cache.check_invariants();
        Outcome {
            lost,
            heap: most / full as f64,
            charged: most / charge as f64,
        }
    }

    /// Runs the attack and says what came of it.
    fn tell(self) -> Outcome {
        let started = Instant::now();
        let outcome = self.run();
        println!(
            "{} creations, each touched {} times: {} of {} users lost, heap {:.3} of a full cache's \
             and {:.3} of its charge, {:.1} s",
            self.creations,
            self.touches,
            outcome.lost,
            self.capacity / 2,
            outcome.heap,
            outcome.charged,
            started.elapsed().as_secs_f64()
        );
        outcome
    }
}

impl Outcome {
    fn is_survived(&self) -> bool {
        self.lost == 0 && self.heap <= 1.10 && self.charged <= 1.10
    }
}

const SMALL: Attack = Attack {
    capacity: 20_000,
    shards: 8,
    creations: 40_000,
    touches: 0,
    user: LOGIN,
    limited: true,
};

#[test]
fn a_flood_of_visitors_logs_nobody_out_however_often_it_touches_its_own() {
    for touches in [0, 1, 16] {
        assert!(Attack { touches, ..SMALL }.tell().is_survived());
    }
}

/// About the same number of operations each: the more touches, the fewer creations.
#[test]
#[ignore = "fifty million operations: .ci/run ordeals"]
fn a_flood_of_ten_million_visitors_logs_nobody_out() {
    for (touches, creations) in [(0, 10_000_000), (1, 10_000_000), (16, 1_200_000)] {
        let attack = Attack {
            capacity: 200_000,
            shards: 64,
            creations,
            touches,
            ..SMALL
        };
        assert!(attack.tell().is_survived());
    }
}

#[test]
fn an_attack_on_users_who_are_not_protected_is_seen_to_succeed() {
    let unprotected = Attack {
        touches: 16,
        user: VISITOR,
        ..SMALL
    };
    let outcome = unprotected.tell();
    assert!(outcome.lost > 0 && !outcome.is_survived());
}

#[test]
fn an_attack_on_memory_without_a_limit_is_seen_to_succeed() {
    let unlimited = Attack {
        limited: false,
        ..SMALL
    };
    let outcome = unlimited.tell();
    assert!(outcome.lost == 0 && !outcome.is_survived());
}
