//! How durations are spread: a histogram that never allocates while it counts.

/// Buckets per doubling, as a power of two: 32, so a figure is right to 3 %.
const FINE: u32 = 5;
const BUCKETS: usize = 64 << FINE;

/// Counts of durations in nanoseconds, with the exact longest.
pub struct Spread {
    counts: Box<[u64]>,
    total: u64,
    longest: u64,
}

impl Default for Spread {
    fn default() -> Spread {
        Spread {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            total: 0,
            longest: 0,
        }
    }
}

impl Spread {
    /// No durations yet.
    #[must_use]
    pub fn new() -> Spread {
        Spread::default()
    }

    /// Counts a duration.
    #[inline]
    pub fn add(&mut self, ns: u64) {
        self.counts[bucket(ns)] += 1;
        self.total += 1;
        self.longest = self.longest.max(ns);
    }

    /// How many were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The longest, exactly.
    #[must_use]
    pub fn longest(&self) -> u64 {
        self.longest
    }

    /// How many durations were at least `ns`, to the 3 % of a bucket.
    pub fn over(&self, ns: u64) -> u64 {
        self.counts[bucket(ns)..].iter().sum()
    }

    /// The duration that `parts` of `whole` durations do not exceed.
    pub fn at(&self, parts: u64, whole: u64) -> u64 {
        let wanted = u128::from(self.total) * u128::from(parts) / u128::from(whole);
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += u128::from(*count);
            if seen > wanted {
                return top(place).min(self.longest);
            }
        }
        self.longest
    }
}

fn bucket(ns: u64) -> usize {
    let doublings = 63 - (ns | 1).leading_zeros();
    if doublings <= FINE {
        return small(ns);
    }
    let shift = doublings - FINE;
    small(u64::from(shift) << FINE) + small(ns >> shift)
}

/// The longest duration of a bucket.
fn top(place: usize) -> u64 {
    let place = place as u64;
    if place < 2 << FINE {
        return place;
    }
    let shift = (place >> FINE) - 1;
    // The last bucket ends where the numbers do.
    ((place - (shift << FINE) + 1) << shift).wrapping_sub(1)
}

fn small(number: u64) -> usize {
    usize::try_from(number).expect("a bucket's number is below 2048")
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Spread, bucket, top};

    #[test]
    fn every_duration_has_its_bucket() {
        for ns in (0..10_000).chain([1 << 20, (1 << 40) + 12_345, u64::MAX]) {
            let place = bucket(ns);
            assert!(place < BUCKETS);
            assert!(top(place) >= ns, "{ns} in {place}");
            assert!(place == 0 || top(place - 1) < ns, "{ns} in {place}");
        }
    }

    #[test]
    fn quantiles_are_near() {
        let mut spread = Spread::new();
        (1..=10_000).for_each(|ns| spread.add(ns));
        let middle = spread.at(1, 2);
        assert!((5_000..5_200).contains(&middle), "{middle}");
        assert_eq!(spread.longest(), 10_000);
        assert_eq!(spread.total(), 10_000);
    }
}
