//! Heap bytes per entry beyond id and value, as the layouts ask for them.

use std::time::Duration;

use crate::args::Args;
use crate::contender::{Contender, Plan};
use crate::contenders::Ours;
use crate::heap;
use crate::id::{Id, LENGTH};
use crate::measure::Found;
use crate::report::Table;
use crate::workloads::{VALUE, value};

/// Fills each contender and counts; then reads every entry once and counts
/// again, because a value made from a `Vec` allocates its shared count then.
pub(super) fn take(args: &Args) -> Found {
    let entries = args.size(1_000_000);
    let mut table = Table::new(
        format!("Heap bytes per entry beyond id and value, {entries} entries"),
        "filled: after the inserts; read: after every entry was also read once and dropped. \
         Bounded: the limit is exactly the number inserted.",
        &["contender", "limit", "held", "filled", "read"],
    );
    macro_rules! weigh {
        ($contender:ty) => {
            if args.wants_contender(<$contender>::NAME) {
                let insert = |cache: &$contender, id: &Id, plan: &Plan| {
                    cache.insert(id, value(VALUE), plan.ttl);
                };
                row::<$contender>(&mut table, "none", &Plan::roomy(entries), entries, insert);
                if <$contender>::EVICTS {
                    let plan = Plan::bounded(entries);
                    row::<$contender>(&mut table, "bounded", &plan, entries, insert);
                }
            }
        };
    }
    crate::for_each_contender!(weigh);
    if args.wants_contender(Ours::NAME) {
        let insert = |cache: &Ours, id: &Id, plan: &Plan| {
            let terms = sessile::Terms::ttl(plan.ttl.duration).idle(Duration::from_secs(600));
            cache
                .0
                .insert(&id.0, value(VALUE), terms)
                .expect("a 22-byte id and a small value are valid input");
        };
        row::<Ours>(
            &mut table,
            "none, idle",
            &Plan::roomy(entries),
            entries,
            insert,
        );
    }
    Ok(vec![table])
}

fn row<C: Contender>(
    table: &mut Table,
    limit: &str,
    plan: &Plan,
    entries: usize,
    insert: impl Fn(&C, &Id, &Plan),
) {
    heap::count(true);
    let cache = C::build(plan);
    for number in 0..entries as u64 {
        insert(&cache, &Id::nth(number), plan);
    }
    cache.settle();
    let filled = heap::live();
    for number in 0..entries as u64 {
        drop(cache.get(&Id::nth(number)));
    }
    cache.settle();
    let read = heap::live();
    let held = cache.held();
    drop(cache);
    heap::count(false);
    table.row([
        C::NAME.to_owned(),
        limit.to_owned(),
        held.to_string(),
        beyond(filled, held),
        beyond(read, held),
    ]);
}

#[expect(
    clippy::cast_precision_loss,
    reason = "heap bytes and entries lie far below 2^53"
)]
fn beyond(bytes: i64, held: usize) -> String {
    let each = bytes as f64 / held.max(1) as f64;
    format!("{:.1}", each - (VALUE + LENGTH) as f64)
}
