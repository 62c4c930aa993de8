//! Measures the calls of a replay, one by one.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Empty measurements that find out what measuring costs.
const EMPTY_TIMINGS: usize = 100_000;

/// The kinds of measured calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `SessionStore::load`.
    Load,
    /// `SessionStore::put`.
    Put,
    /// `SessionStore::create`.
    Create,
    /// `SessionStore::replace`.
    Replace,
    /// `SessionStore::touch`.
    Touch,
    /// `SessionStore::purge_expired`, which stands for the background sweeper.
    Purge,
}

impl Verb {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Load,
        Self::Put,
        Self::Create,
        Self::Replace,
        Self::Touch,
        Self::Purge,
    ];

    /// Returns the name of the call.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Put => "put",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Touch => "touch",
            Self::Purge => "purge",
        }
    }
}

/// A histogram of nanoseconds for each [`Verb`].
#[derive(Clone, Debug)]
pub struct Latencies([Histogram<u64>; Verb::ALL.len()]);

impl Latencies {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| nanos_histogram()))
    }

    /// Drives a call of the store and records what it took.
    pub(crate) fn time<T>(&mut self, verb: Verb, call: impl Future<Output = T>) -> T {
        let before = Instant::now();
        let answer = answer_of(call);
        let took = before.elapsed();
        self.0[verb as usize].saturating_record(nanos(took));
        answer
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, others) in self.0.iter_mut().zip(&other.0) {
            add(mine, others);
        }
    }

    /// Returns the histogram of one kind of call.
    #[must_use]
    pub fn of(&self, verb: Verb) -> &Histogram<u64> {
        &self.0[verb as usize]
    }

    /// Returns the histogram of all calls on behalf of records: all but purges.
    #[must_use]
    pub fn calls(&self) -> Histogram<u64> {
        let mut sum = nanos_histogram();
        for verb in Verb::ALL {
            if verb != Verb::Purge {
                add(&mut sum, self.of(verb));
            }
        }
        sum
    }
}

fn nanos_histogram() -> Histogram<u64> {
    // One nanosecond to a minute; longer calls count as a minute.
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds suit a histogram")
}

fn add(sum: &mut Histogram<u64>, part: &Histogram<u64>) {
    sum.add(part).expect("all histograms have the same bounds");
}

/// Drives a future of the embedded store, which is ready at the first poll.
fn answer_of<T>(call: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(call).poll(&mut context) {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => unreachable!("the embedded store never waits"),
    }
}

/// Measures around nothing, and returns the median in nanoseconds.
pub(crate) fn empty_timing() -> u64 {
    let mut timings = nanos_histogram();
    for _ in 0..EMPTY_TIMINGS {
        let before = Instant::now();
        std::hint::black_box(());
        timings.saturating_record(nanos(before.elapsed()));
    }
    timings.value_at_quantile(0.5)
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_counted_under_its_verb() {
        let mut one = Latencies::new();
        assert_eq!(one.time(Verb::Touch, async { 7 }), 7);
        one.time(Verb::Purge, async {});
        let mut two = Latencies::new();
        two.time(Verb::Touch, async {
            std::thread::sleep(Duration::from_millis(2))
        });
        one.add(&two);
        assert_eq!(one.of(Verb::Touch).len(), 2);
        assert_eq!(one.of(Verb::Load).len(), 0);
        assert_eq!(one.calls().len(), 2, "purges serve no record");
        assert!(one.calls().max() >= 2_000_000);
    }

    #[test]
    fn verbs_index_their_histograms() {
        for (index, verb) in Verb::ALL.into_iter().enumerate() {
            assert_eq!(verb as usize, index);
        }
    }
}
