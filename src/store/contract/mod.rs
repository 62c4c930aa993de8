//! The checks of the store contract, for authors of stores.
//!
//! Describe your store in a [`Subject`] and [`run`] every check against it; the [`Report`] says for
//! each whether the store passed, failed, or was not asked because it declares less
//! ([`Level`]). Nothing here spawns tasks, sleeps or knows an executor: drive the future with the one
//! your store needs, and let time go by in [`Subject::pass`].
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use sessile::store::contract::{self, Subject};
//! use sessile::{Cache, CacheStore, ManualClock};
//!
//! struct Embedded(ManualClock);
//!
//! impl Subject for Embedded {
//!     type Store = CacheStore;
//!
//!     async fn fresh(&self) -> CacheStore {
//!         let builder = Cache::builder().unlimited_entries().clock(self.0.clone());
//!         CacheStore::new(Arc::new(builder.build().expect("a valid configuration")))
//!     }
//!
//!     async fn pass(&self, time: Duration) {
//!         self.0.advance(time);
//!     }
//! }
//! # let subject = Embedded(ManualClock::new());
//! # let mut task = std::pin::pin!(contract::run(&subject));
//! # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! # let std::task::Poll::Ready(report) = task.as_mut().poll(&mut context) else { panic!() };
//! // let report = contract::run(&subject).await;
//! report.assert_kept();
//! ```

mod cancel;
mod create;
mod drive;
mod erase;
mod forms;
mod keys;
mod left;
mod life;
mod purge;
mod remove;
mod replace;
mod report;
mod stall;
mod touch;
mod versions;

use std::time::Duration;

use super::{SessionStore, Terms};
use drive::caught;
pub use report::{Checked, Finding, Report};
use report::{Outcome, Stop};
use stall::Watch;

/// A store to check, and how time passes for it.
pub trait Subject: Sync {
    /// The store's type.
    type Store: SessionStore;

    /// Makes an empty store. Called once or twice per check; an unused prefix in one database will
    /// do.
    fn fresh(&self) -> impl Future<Output = Self::Store> + Send;

    /// Lets `time` go by, for all stores made so far: moves a manual clock, or sleeps.
    ///
    /// Returns when at least that much has passed by the store's own clock, and hardly more: less
    /// than half a [tick](Level::tick).
    fn pass(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// What the store promises. Default: everything, to the millisecond.
    fn level(&self) -> Level {
        Level::new()
    }
}

/// What a store promises; what it leaves out is not checked, or must be refused.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Level {
    tick: Duration,
    is_real: bool,
    idle: bool,
    max_age: bool,
    own_versions: bool,
    value_max: usize,
    key_max: usize,
    any_bytes: bool,
}

impl Level {
    /// Everything, exact to the millisecond: a store with a manual clock.
    pub const fn new() -> Self {
        Self {
            tick: Duration::from_millis(1),
            is_real: false,
            idle: true,
            max_age: true,
            own_versions: true,
            value_max: 1 << 20,
            key_max: crate::cache::KEY_MAX,
            any_bytes: true,
        }
    }

    /// The unit of all times in the checks; expiry must be exact to it. Default: 1 ms.
    ///
    /// All checks together let about 400 ticks pass. For a store on a real clock choose a multiple of
    /// what a call takes, such as 50 ms.
    pub const fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick;
        self
    }

    /// Time goes by itself, also while the machine stands still. A check that failed while calls took
    /// half a tick or longer has found out nothing: it is repeated on fresh stores with twice the tick,
    /// three times at the most. Default: time goes by in [`Subject::pass`] alone.
    pub const fn real_clock(mut self) -> Self {
        self.is_real = true;
        self
    }

    /// The store has no idle timeouts and must refuse terms with one.
    pub const fn without_idle(mut self) -> Self {
        self.idle = false;
        self
    }

    /// The store has no maximum age and must refuse terms with one.
    pub const fn without_max_age(mut self) -> Self {
        self.max_age = false;
        self
    }

    /// Versions are digests of the content, so that writes of the same content have the same version:
    /// a store whose records have no room for more, because others write them too.
    pub const fn versions_by_content(mut self) -> Self {
        self.own_versions = false;
        self
    }

    /// The largest value the store holds, in bytes, at most. Default: 1 MiB.
    pub const fn value_up_to(mut self, bytes: usize) -> Self {
        self.value_max = bytes;
        self
    }

    /// The longest key the store takes, in bytes, at most. Default: 64 KiB.
    pub const fn key_up_to(mut self, bytes: usize) -> Self {
        self.key_max = bytes;
        self
    }

    /// The store holds text only (UTF-8 without zero bytes) and must refuse other values.
    pub const fn values_are_text(mut self) -> Self {
        self.any_bytes = false;
        self
    }
}

impl Default for Level {
    fn default() -> Self {
        Self::new()
    }
}

/// The longest tick of a repeated check, in ticks.
const SLOWER_MAX: u32 = 8;

/// What every check works with.
struct Bench<'s, S> {
    subject: &'s S,
    level: Level,
    watch: Watch,
}

impl<S: Subject> Bench<'_, S> {
    async fn fresh(&self) -> S::Store {
        self.watch.spare(self.subject.fresh()).await
    }

    async fn pass(&self, ticks: u32) {
        let time = self.ticks(ticks);
        self.watch.spend(time, self.subject.pass(time)).await;
    }

    fn ticks(&self, ticks: u32) -> Duration {
        self.level.tick * ticks
    }

    fn ttl(&self, ticks: u32) -> Terms {
        Terms::ttl(self.ticks(ticks))
    }

    /// How to repeat a check whose failure may be the machine's.
    fn again(&self, outcome: &Outcome) -> Option<Level> {
        let Level { tick, is_real, .. } = self.level;
        let is_doubtful = is_real
            && matches!(outcome, Err(Stop::Failed(_)))
            && self.watch.stalled() >= tick / 2
            && tick < self.subject.level().tick * SLOWER_MAX;
        is_doubtful.then(|| self.level.tick(tick * 2))
    }

    fn needs_idle(&self) -> Outcome {
        match self.level.idle {
            true => Ok(()),
            false => Err(Stop::NotApplicable("the store has no idle timeouts")),
        }
    }

    fn needs_own_versions(&self) -> Outcome {
        match self.level.own_versions {
            true => Ok(()),
            false => Err(Stop::NotApplicable("the store has versions by content")),
        }
    }

    fn needs_max_age(&self) -> Outcome {
        match self.level.max_age {
            true => Ok(()),
            false => Err(Stop::NotApplicable("the store has no maximum age")),
        }
    }
}

/// Lists the checks once: their names, and the call of each.
macro_rules! checks {
    ($($area:ident::$name:ident,)*) => {
        /// The names of all checks, in the order they run.
        pub const CHECKS: &[&str] = &[$(stringify!($name)),*];

        /// Runs every check, each on a fresh store, and reports what each found.
        ///
        /// A check that fails or panics does not keep the others from running.
        pub async fn run<S: Subject>(subject: &S) -> Report {
            let mut report = Report::default();
            $(
                let mut level = subject.level();
                let outcome = loop {
                    let bench = Bench { subject, level, watch: Watch::begin() };
                    let outcome = caught($area::$name(&bench)).await;
                    match bench.again(&outcome) {
                        Some(slower) => level = slower,
                        None => break outcome,
                    }
                };
                report.add(stringify!($name), outcome);
            )*
            report
        }
    };
}

checks! {
    forms::load_of_nothing_is_none,
    forms::created_record_loads,
    forms::put_record_loads,
    forms::replaced_record_loads,
    forms::empty_value_is_a_value,
    forms::every_byte_value_survives,
    forms::large_value_is_whole,
    forms::loaded_value_outlives_its_record,
    forms::many_records_keep_apart,
    forms::exists_agrees_with_load,
    keys::keys_are_any_bytes,
    keys::longest_key_works,
    keys::similar_keys_keep_apart,
    keys::impossible_keys_are_absent,
    keys::impossible_keys_are_refused_on_write,
    keys::zero_lifetimes_are_refused,
    keys::refused_write_changes_nothing,
    keys::errors_name_no_key_or_value,
    create::create_never_overwrites,
    create::taken_create_moves_no_deadline,
    create::create_after_remove,
    create::create_after_expiry,
    create::concurrent_creates_have_one_winner,
    create::create_many_stores_what_is_absent_and_nothing_else,
    replace::replace_of_nothing_is_gone,
    replace::replace_after_remove_never_resurrects,
    replace::replace_after_expiry_never_resurrects,
    replace::replace_with_current_version_is_done,
    replace::replace_with_old_version_conflicts,
    replace::version_of_a_removed_record_conflicts,
    replace::replace_gives_new_terms,
    replace::refused_replace_moves_no_deadline,
    replace::concurrent_replaces_have_one_winner,
    replace::put_overwrites_and_gives_new_terms,
    replace::put_after_remove,
    versions::every_write_has_its_own_version,
    versions::load_tells_the_version_of_the_write,
    versions::removed_and_created_again_has_a_new_version,
    versions::expired_and_created_again_has_a_new_version,
    touch::touch_extends,
    touch::touch_shortens,
    touch::touch_keeps_value_and_version,
    touch::touch_never_creates,
    touch::touch_of_an_expired_record_is_false,
    touch::touch_with_zero_ends_the_record,
    touch::touch_does_not_pass_maximum_age,
    touch::touch_restarts_idle,
    life::lives_until_its_end_and_not_at_it,
    life::shortest_lifetime_is_served,
    life::reads_do_not_move_time_to_live,
    life::expired_is_absent_to_every_verb,
    life::forever_stays,
    life::longest_lifetime_does_not_wrap,
    life::unused_record_ends_by_idle,
    life::load_restarts_idle,
    life::exists_does_not_restart_idle,
    life::maximum_age_holds_against_use,
    life::earliest_end_wins,
    life::lifetimes_it_lacks_are_refused,
    left::load_left_answers_as_load,
    left::left_is_what_the_record_has_left,
    left::touch_moves_what_is_left,
    left::no_time_is_promised_that_use_would_move,
    remove::remove_says_whether_there_was_one,
    remove::remove_leaves_others,
    remove::concurrent_removes_have_one_winner,
    purge::purge_of_nothing_is_nothing,
    purge::purge_keeps_the_living,
    purge::purge_stays_in_its_budget,
    purge::purge_comes_to_an_end,
    cancel::unpolled_future_does_nothing,
    cancel::dropped_create_is_whole_or_not_at_all,
    cancel::dropped_replace_leaves_old_or_new,
    cancel::dropped_put_leaves_old_or_new,
    cancel::dropped_remove_leaves_all_or_nothing,
    cancel::dropped_touch_keeps_the_record,
    erase::erased_form_answers_alike,
}
