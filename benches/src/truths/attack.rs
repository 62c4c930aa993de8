//! An attack on the threshold: a flood of sessions that nobody needs, while users who have logged in go on
//! reading theirs.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use sessile::Terms;

use crate::args::Args;
use crate::clock::Coarse;
use crate::contender::{Contender, Plan};
use crate::contenders::{MokaExpiry, Ours, Quick, SccCache};
use crate::heap;
use crate::id::{Id, Random};
use crate::measure::Found;
use crate::report::Table;
use crate::spread::Spread;
use crate::workloads::{VALUE, ends, value};

/// The limit; half of it is for users, who take all of theirs.
const CAPACITY: usize = 200_000;
/// One user in so many reads during the attack, the others are idle.
const ACTIVE: u64 = 5;
/// How often the attacker touches each session it made.
const TOUCHES: [u64; 3] = [0, 1, 16];
/// The first number of the attacker's sessions.
const BEYOND: u64 = 1 << 40;
/// Reads after which the heap is looked at.
const LOOKS: u64 = 1_024;

/// A cache with users in it.
trait Login: Contender {
    /// A cache for so many entries, half of them users'.
    fn open(plan: &Plan) -> Self {
        Self::build(plan)
    }

    /// Puts a user's session.
    fn log_in(&self, id: &Id, plan: &Plan) {
        self.insert(id, value(VALUE), plan.ttl);
    }
}

impl Login for Quick<Coarse> {}
impl Login for SccCache {}
impl Login for MokaExpiry {}

impl Login for Ours {
    fn open(plan: &Plan) -> Self {
        let limit = plan.capacity();
        let builder = sessile::Cache::builder().max_entries(limit);
        let cache = builder.protected_entries(limit / 2).build();
        Ours(cache.expect("half of a limit can be protected"))
    }

    fn log_in(&self, id: &Id, plan: &Plan) {
        let terms = Terms::ttl(plan.ttl.duration).protected();
        self.0
            .insert(&id.0, value(VALUE), terms)
            .expect("as many users as there is room for");
    }
}

/// Every contender under every attack.
pub(super) fn take(args: &Args) -> Found {
    let capacity = args.size(CAPACITY);
    let creations = args.size(10_000_000) as u64;
    let mut table = Table::new(
        format!(
            "An attack: {creations} sessions are made by one thread in a cache of {capacity}, half of \
             it users who have logged in, four of five of them idle; one thread reads the others'"
        ),
        "lost: users gone at the end. Heap: the most held during the attack, as a multiple of what the full \
         cache held before it. Reads of users in nanoseconds, each timed, two clock readings included: alone; beside a \
         second thread that overwrites visitors' sessions already there, which evicts nobody; and under attack.",
        &[
            "contender",
            "touches each",
            "lost",
            "heap",
            "p50 alone",
            "p99 alone",
            "p99 beside visitors",
            "p50 attacked",
            "p99 attacked",
            "p99, times alone",
            "times beside visitors",
            "attack s",
        ],
    );
    for touches in TOUCHES {
        macro_rules! attack {
            ($contender:ty) => {
                if args.wants_contender(<$contender>::NAME) {
                    let span = Duration::from_millis(if args.quick { 50 } else { 2_000 });
                    let outcome = attack::<$contender>(capacity, creations, touches, span);
                    outcome.report(&mut table, <$contender>::NAME, touches);
                }
            };
        }
        attack!(Ours);
        attack!(Quick<Coarse>);
        attack!(SccCache);
        attack!(MokaExpiry);
    }
    Ok(vec![table])
}

struct Outcome {
    lost: usize,
    full: i64,
    most: i64,
    alone: Spread,
    beside: Spread,
    attacked: Spread,
    took: Duration,
}

impl Outcome {
    fn report(&self, table: &mut Table, name: &str, touches: u64) {
        let p99 = |spread: &Spread| spread.at(99, 100);
        table.row([
            name.to_owned(),
            touches.to_string(),
            self.lost.to_string(),
            ratio(self.most.unsigned_abs(), self.full.unsigned_abs()),
            self.alone.at(1, 2).to_string(),
            p99(&self.alone).to_string(),
            p99(&self.beside).to_string(),
            self.attacked.at(1, 2).to_string(),
            p99(&self.attacked).to_string(),
            ratio(p99(&self.attacked), p99(&self.alone)),
            ratio(p99(&self.attacked), p99(&self.beside)),
            format!("{:.1}", self.took.as_secs_f64()),
        ]);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes and nanoseconds lie far below 2^53"
)]
fn ratio(part: u64, whole: u64) -> String {
    format!("{:.2}", part as f64 / whole.max(1) as f64)
}

fn attack<C: Login>(capacity: usize, creations: u64, touches: u64, span: Duration) -> Outcome {
    heap::count(true);
    let plan = Plan::bounded(capacity);
    let cache = C::open(&plan);
    let users = capacity as u64 / 2;
    (0..users).for_each(|user| cache.log_in(&Id::nth(user), &plan));
    for visitor in users..capacity as u64 {
        cache.insert(&Id::nth(visitor), value(VALUE), plan.ttl);
    }
    cache.settle();
    let full = heap::live();
    let active = users / ACTIVE;
    let until = |end: Instant| move || Instant::now() >= end;
    // Once to have the users' blocks where reads leave them.
    read(&cache, active, until(Instant::now() + span / 4));
    let (alone, _) = read(&cache, active, until(Instant::now() + span));
    let (beside, _) = beside(
        || visit(&cache, &plan, users..capacity as u64, Instant::now() + span),
        |over| read(&cache, active, || over.load(Relaxed)),
    );
    let started = Instant::now();
    let (attacked, most) = self::beside(
        || flood(&cache, &plan, creations, touches),
        |over| read(&cache, active, || over.load(Relaxed)),
    );
    let took = started.elapsed();
    cache.settle();
    let gone = |user: &u64| cache.get(&Id::nth(*user)).is_none();
    let lost = (0..users).filter(gone).count();
    drop(cache);
    heap::count(false);
    Outcome {
        lost,
        full,
        most,
        alone,
        beside,
        attacked,
        took,
    }
}

/// Runs `other` in a thread of its own, and `own` here until that is over.
fn beside<R>(other: impl FnOnce() + Send, own: impl FnOnce(&AtomicBool) -> R) -> R {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            other();
            over.store(true, Relaxed);
        });
        own(&over)
    })
}

/// Active users' reads, each timed, and the most heap seen between them.
fn read<C: Contender>(cache: &C, active: u64, over: impl Fn() -> bool) -> (Spread, i64) {
    let mut spread = Spread::new();
    let mut random = Random::new(0x05e7);
    let mut sum: u64 = 0;
    let mut most = heap::live();
    loop {
        for _ in 0..LOOKS {
            let id = Id::nth(random.below(active));
            let start = Instant::now();
            if let Some(held) = cache.get(&id) {
                sum = sum.wrapping_add(ends(held.as_ref()));
            }
            let took = start.elapsed().as_nanos();
            spread.add(u64::try_from(took).unwrap_or(u64::MAX));
        }
        most = most.max(heap::live());
        if over() {
            break;
        }
    }
    std::hint::black_box(sum);
    (spread, most)
}

/// Visitors whose sessions are there already write to them.
fn visit<C: Contender>(cache: &C, plan: &Plan, visitors: std::ops::Range<u64>, end: Instant) {
    let mut random = Random::new(0x715);
    let many = visitors.end - visitors.start;
    while Instant::now() < end {
        for _ in 0..LOOKS {
            let visitor = Id::nth(visitors.start + random.below(many));
            cache.insert(&visitor, value(VALUE), plan.ttl);
        }
    }
}

/// New sessions without end, each touched so often.
fn flood<C: Contender>(cache: &C, plan: &Plan, creations: u64, touches: u64) {
    for number in 0..creations {
        let id = Id::nth(BEYOND + number);
        cache.insert(&id, value(VALUE), plan.ttl);
        for _ in 0..touches {
            std::hint::black_box(cache.get_and_touch(&id, plan.ttl).is_some());
        }
    }
}
