//! Whether a threshold of 500 keeps 500 sessions, and never more.

use crate::args::Args;
use crate::contender::{Contender, Plan};
use crate::id::Id;
use crate::measure::Found;
use crate::report::Table;
use crate::workloads::{VALUE, value};

const LIMIT: u64 = 500;
const MORE: u64 = 10_000;

/// Inserts as many live sessions as the limit allows, then many more.
pub(super) fn take(args: &Args) -> Found {
    let mut table = Table::new(
        format!("A threshold of {LIMIT}: {LIMIT} live sessions, then {MORE} more"),
        "kept: of the first, those that can still be read; most: the most that could be read at \
         any of the looks taken every 100 inserts.",
        &["contender", "kept", "most"],
    );
    macro_rules! judge {
        ($contender:ty) => {
            if args.wants_contender(<$contender>::NAME) {
                let (kept, most) = judged::<$contender>();
                table.row([
                    <$contender>::NAME.to_owned(),
                    kept.to_string(),
                    most.to_string(),
                ]);
            }
        };
    }
    crate::for_each_contender!(judge);
    Ok(vec![table])
}

fn judged<C: Contender>() -> (usize, usize) {
    let plan = Plan::bounded(usize::try_from(LIMIT).expect("a small constant"));
    let cache = C::build(&plan);
    for number in 0..LIMIT {
        cache.insert(&Id::nth(number), value(VALUE), plan.ttl);
    }
    cache.settle();
    let kept = readable(&cache, LIMIT);
    let mut most = kept;
    for number in LIMIT..LIMIT + MORE {
        cache.insert(&Id::nth(number), value(VALUE), plan.ttl);
        if number % 100 == 0 {
            most = most.max(readable(&cache, number + 1));
        }
    }
    (kept, most)
}

fn readable<C: Contender>(cache: &C, numbers: u64) -> usize {
    (0..numbers)
        .filter(|&number| cache.get(&Id::nth(number)).is_some())
        .count()
}
