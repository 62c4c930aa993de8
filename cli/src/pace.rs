//! The common clock of a replay, and what keeps its threads together.
//!
//! The clock shows the time of the latest record begun, so a day passes as fast
//! as its records can be replayed. With several threads it only goes forward,
//! and no thread may begin a stretch of the trace before all have reached the
//! one before: a thread that ran ahead would take the clock with it, and
//! sessions of the others would end before their next record.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use sessile::ManualClock;

/// The position of a thread that has no more records.
const DONE: u32 = u32::MAX;
/// How many stretches a thread may be ahead of the slowest.
const SLACK: u32 = 1;

pub(crate) struct Pace {
    clock: ManualClock,
    /// The time on `clock`. Written under `moving` only; read without, where a
    /// late reading costs no more than taking the lock in vain.
    shown_ms: AtomicU64,
    moving: Mutex<()>,
    field: Mutex<Field>,
    /// One per thread, all on `field`: with many threads only those which may go
    /// on are woken.
    turns: Vec<Condvar>,
    stopped: AtomicBool,
}

/// Where the threads are.
struct Field {
    /// The stretch each thread was about to begin when it last looked at the
    /// others: a lower bound of where it is.
    positions: Vec<u32>,
    /// The least of `positions`.
    slowest: u32,
    /// Threads that wait, and for which stretch; the earliest on top.
    waiting: BinaryHeap<Reverse<(u32, usize)>>,
}

/// A thread's place in the common pace. Dropping it lets the others go on.
pub(crate) struct Runner<'a> {
    pace: &'a Pace,
    lane: usize,
    /// No need to look at the others up to here.
    limit: u32,
}

impl Pace {
    pub(crate) fn new(clock: ManualClock, threads: usize) -> Self {
        clock.set_ms(0);
        Self {
            clock,
            shown_ms: AtomicU64::new(0),
            moving: Mutex::new(()),
            field: Mutex::new(Field {
                positions: vec![0; threads],
                slowest: 0,
                waiting: BinaryHeap::with_capacity(threads),
            }),
            turns: (0..threads).map(|_| Condvar::new()).collect(),
            stopped: AtomicBool::new(false),
        }
    }

    pub(crate) fn runner(&self, lane: usize) -> Runner<'_> {
        Runner {
            pace: self,
            lane,
            limit: 0,
        }
    }

    /// Moves the clock to `to_ms`; true if this call did, and not an earlier one.
    pub(crate) fn advance(&self, to_ms: u64) -> bool {
        // Relaxed: nothing else is read on the strength of it.
        if to_ms <= self.shown_ms.load(Ordering::Relaxed) {
            return false;
        }
        let _moving = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        if to_ms <= self.shown_ms.load(Ordering::Relaxed) {
            return false;
        }
        self.clock.set_ms(to_ms);
        self.shown_ms.store(to_ms, Ordering::Relaxed);
        true
    }

    /// Makes every thread end before its next record.
    pub(crate) fn stop(&self) {
        let _field = self.field();
        // Relaxed: who waits reads it under the lock, others may do one record more.
        self.stopped.store(true, Ordering::Relaxed);
        for turn in &self.turns {
            turn.notify_one();
        }
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn field(&self) -> MutexGuard<'_, Field> {
        self.field.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes where a thread is, and wakes those who have waited for that.
    fn publish(&self, field: &mut Field, lane: usize, stretch: u32) {
        let before = std::mem::replace(&mut field.positions[lane], stretch);
        if before > field.slowest {
            return;
        }
        field.slowest = field.positions.iter().copied().min().unwrap_or(DONE);
        let limit = field.slowest.saturating_add(SLACK);
        while let Some(&Reverse((stretch, lane))) = field.waiting.peek()
            && stretch <= limit
        {
            field.waiting.pop();
            self.turns[lane].notify_one();
        }
    }
}

impl Runner<'_> {
    /// Waits until a record of `stretch` may begin; false if the replay has stopped.
    pub(crate) fn wait_for(&mut self, stretch: u32) -> bool {
        let pace = self.pace;
        if stretch > self.limit {
            let mut field = pace.field();
            pace.publish(&mut field, self.lane, stretch);
            self.limit = field.slowest.saturating_add(SLACK);
            if stretch > self.limit {
                field.waiting.push(Reverse((stretch, self.lane)));
            }
            while stretch > self.limit && !pace.stopped() {
                field = pace.turns[self.lane]
                    .wait(field)
                    .unwrap_or_else(PoisonError::into_inner);
                self.limit = field.slowest.saturating_add(SLACK);
            }
        }
        !pace.stopped()
    }
}

impl Drop for Runner<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.pace.stop();
        }
        let mut field = self.pace.field();
        self.pace.publish(&mut field, self.lane, DONE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessile::Clock;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn the_clock_only_goes_forward() {
        let clock = ManualClock::new();
        let pace = Pace::new(clock.clone(), 1);
        assert!(!pace.advance(0));
        assert!(pace.advance(500));
        assert!(!pace.advance(500));
        assert!(!pace.advance(499));
        assert_eq!(clock.now_ms(), 500);
    }

    #[test]
    fn threads_stay_within_the_slack() {
        let pace = Pace::new(ManualClock::new(), 3);
        let reached: Vec<AtomicU32> = (0..3).map(|_| AtomicU32::new(0)).collect();
        std::thread::scope(|scope| {
            for lane in 0..3 {
                let (mut runner, reached) = (pace.runner(lane), &reached);
                scope.spawn(move || {
                    for at in 0..500 {
                        assert!(runner.wait_for(at));
                        reached[lane].store(at, Ordering::SeqCst);
                        for other in reached {
                            let other = other.load(Ordering::SeqCst);
                            // The other one may be about to begin its next stretch.
                            assert!(other + 2 >= at, "{at} while another is at {other}");
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn stopping_frees_who_waits() {
        let pace = Pace::new(ManualClock::new(), 2);
        let _slow = pace.runner(0);
        std::thread::scope(|scope| {
            let mut fast = pace.runner(1);
            let waiting = scope.spawn(move || fast.wait_for(1_000));
            pace.stop();
            assert!(!waiting.join().unwrap());
        });
    }
}
