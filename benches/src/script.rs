//! What the clients do, written down before anything is timed.

use crate::id::{Id, Random};

/// One operation of a client.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The session.
    pub id: Id,
    /// Whether the client writes it.
    pub write: bool,
}

/// How sessions are picked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pick {
    /// All alike.
    Uniform,
    /// By Zipf's law with the exponent 0.99, as YCSB does.
    Zipf,
}

/// The steps of each of `threads` clients over `sessions` sessions.
#[must_use]
pub fn steps(
    threads: usize,
    length: usize,
    sessions: usize,
    pick: Pick,
    write_percent: u64,
) -> Vec<Vec<Step>> {
    let zipf = Zipf::new(sessions as u64, 0.99);
    (0..threads)
        .map(|thread| {
            let mut random = Random::new(0x5e55 + thread as u64);
            (0..length)
                .map(|_| {
                    let number = match pick {
                        Pick::Uniform => random.below(sessions as u64),
                        Pick::Zipf => scatter(zipf.rank(&mut random), sessions as u64),
                    };
                    Step {
                        id: Id::nth(number),
                        write: random.below(100) < write_percent,
                    }
                })
                .collect()
        })
        .collect()
}

/// Spreads the popular ranks over the order in which sessions were inserted,
/// so that no contender finds them side by side in memory.
fn scatter(rank: u64, sessions: u64) -> u64 {
    // A prime above every number of sessions here: the map is one to one.
    const PRIME: u128 = 2_305_843_009_213_693_951;
    let spread = (u128::from(rank) * PRIME) % u128::from(sessions.max(1));
    u64::try_from(spread).expect("a remainder is below its 64-bit divisor")
}

/// Zipf-distributed ranks by the method of Gray et al. (SIGMOD '94).
#[derive(Clone, Copy, Debug)]
pub struct Zipf {
    ranks: f64,
    sum: f64,
    second: f64,
    alpha: f64,
    eta: f64,
}

impl Zipf {
    /// The law over `ranks` ranks with this exponent (below 1).
    #[must_use]
    pub fn new(ranks: u64, exponent: f64) -> Zipf {
        let weight = |rank: u64| float(rank).powf(-exponent);
        let ranks = ranks.max(2);
        let sum: f64 = (1..=ranks).map(weight).sum();
        let first_two = 1.0 + weight(2);
        let eta = (1.0 - (2.0 / float(ranks)).powf(1.0 - exponent)) / (1.0 - first_two / sum);
        Zipf {
            ranks: float(ranks),
            sum,
            second: first_two,
            alpha: 1.0 / (1.0 - exponent),
            eta,
        }
    }

    /// A rank, 0 the most popular.
    pub fn rank(&self, random: &mut Random) -> u64 {
        let unit = random.unit();
        let scaled = unit * self.sum;
        if scaled < 1.0 {
            return 0;
        }
        if scaled < self.second {
            return 1;
        }
        let place = self.ranks * (self.eta * unit - self.eta + 1.0).powf(self.alpha);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "place lies between 0 and the number of ranks"
        )]
        let rank = place.min(self.ranks - 1.0) as u64;
        rank
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of sessions lie far below 2^53"
)]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::{Random, Zipf, scatter};

    #[test]
    fn the_first_rank_gets_its_share() {
        let zipf = Zipf::new(1_000_000, 0.99);
        let mut random = Random::new(1);
        let first = (0..100_000).filter(|_| zipf.rank(&mut random) == 0).count();
        assert!((6_000..7_200).contains(&first), "{first} of 100000");
    }

    #[test]
    fn scattering_loses_no_session() {
        let mut places: Vec<u64> = (0..1_000).map(|rank| scatter(rank, 1_000)).collect();
        places.sort_unstable();
        assert!(places.into_iter().eq(0..1_000));
    }
}
