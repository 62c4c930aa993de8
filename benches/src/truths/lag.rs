//! How long an ended value stays in memory under traffic: its owner's `Drop`
//! says when it really went.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::args::Args;
use crate::clock::Ttl;
use crate::contender::{Contender, Plan};
use crate::contenders::{MokaExpiry, Ours, Stretto};
use crate::id::{Id, Random};
use crate::measure::Found;
use crate::report::Table;

/// Operations per second.
const PACE: u64 = 200_000;
/// One operation in so many inserts.
const INSERTS: u64 = 10;
/// Bytes of a value: too many to be copied into the cache.
const LARGE: usize = 1_500;

/// Lags in microseconds, negative where a value went before its time.
type Lags = Arc<Mutex<Vec<i64>>>;

/// A value that reports when it is freed.
struct Stamped {
    ends: Instant,
    lags: Lags,
    bytes: [u8; LARGE],
}

impl AsRef<[u8]> for Stamped {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Stamped {
    fn drop(&mut self) {
        let now = Instant::now();
        let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let lag = if now >= self.ends {
            micros(now - self.ends)
        } else {
            -micros(self.ends - now)
        };
        if let Ok(mut lags) = self.lags.lock() {
            lags.push(lag);
        }
    }
}

/// Paced traffic on each cache that reclaims by itself.
pub(super) fn take(args: &Args) -> Found {
    let span = Duration::from_secs(if args.quick { 1 } else { 10 });
    let mut table = Table::new(
        format!("Reclaim lag: lives of 50 to 500 ms, {PACE} operations a second"),
        "From the end of an entry's life to the release of its value's memory, in milliseconds, \
         by the precise clock; early: freed more than 10 ms before its time; kept: not yet freed \
         one second of reads after the last insert's life.",
        &["contender", "values", "p50", "p99", "max", "early", "kept"],
    );
    macro_rules! wait {
        ($contender:ty) => {
            if args.wants_contender(<$contender>::NAME) {
                row::<$contender>(&mut table, span);
            }
        };
    }
    wait!(Ours);
    wait!(MokaExpiry);
    wait!(Stretto);
    Ok(vec![table])
}

fn row<C: Contender>(table: &mut Table, span: Duration) {
    let lags = Lags::default();
    let cache = C::build(&Plan::roomy(100_000));
    let inserted = paced(&cache, span, &lags);
    let mut told = lags.lock().map(|lags| lags.clone()).unwrap_or_default();
    drop(cache);
    told.sort_unstable();
    let at = |parts: usize, whole: usize| {
        let place = told.len() * parts / whole;
        told.get(place.min(told.len().saturating_sub(1)))
            .map_or("-".into(), |&micros| format!("{:.1}", millis(micros)))
    };
    let early = told.iter().filter(|&&lag| lag < -10_000).count();
    table.row([
        C::NAME.to_owned(),
        inserted.to_string(),
        at(1, 2),
        at(99, 100),
        at(1, 1),
        early.to_string(),
        inserted.saturating_sub(told.len()).to_string(),
    ]);
}

#[expect(clippy::cast_precision_loss, reason = "lags lie far below 2^53 us")]
fn millis(micros: i64) -> f64 {
    micros as f64 / 1_000.0
}

/// Operations at a steady pace: inserts for `span`, then reads alone until a
/// second after the longest life; answers how many values were inserted.
fn paced<C: Contender>(cache: &C, span: Duration, lags: &Lags) -> usize {
    let mut random = Random::new(0x1a);
    let start = Instant::now();
    let end = start + span + Duration::from_millis(1_500);
    let mut inserted: u64 = 0;
    for turn in 0.. {
        let due = start + Duration::from_nanos(turn * (1_000_000_000 / PACE));
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        if due >= end {
            break;
        }
        if turn % INSERTS == 0 && due < start + span {
            let ttl = Ttl::from_ms(50 + random.below(451));
            let owner = Stamped {
                ends: Instant::now() + ttl.duration,
                lags: Arc::clone(lags),
                bytes: [0x5e; LARGE],
            };
            cache.insert(&Id::nth(inserted), Bytes::from_owner(owner), ttl);
            inserted += 1;
        } else {
            let back = random.below(5_000);
            let read = cache.get(&Id::nth(inserted.saturating_sub(back)));
            std::hint::black_box(read.is_some());
        }
    }
    usize::try_from(inserted).unwrap_or(usize::MAX)
}
