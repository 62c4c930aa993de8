//! Interleaved rounds of two contenders, and what they come to.

use crate::report::{Table, median};

/// What a contender did in each round: nanoseconds, or calls per second.
pub(super) type Rounds = Vec<f64>;

/// Takes `rounds` rounds of each, ours and theirs in turns, the first of a round changing.
pub(super) fn interleave(
    rounds: usize,
    mut ours: impl FnMut() -> f64,
    mut theirs: impl FnMut() -> f64,
) -> (Rounds, Rounds) {
    let (mut our_rounds, mut their_rounds) = (Rounds::new(), Rounds::new());
    for round in 0..rounds {
        if round % 2 == 0 {
            our_rounds.push(ours());
            their_rounds.push(theirs());
        } else {
            their_rounds.push(theirs());
            our_rounds.push(ours());
        }
    }
    (our_rounds, their_rounds)
}

/// Lowest, middle and highest.
pub(super) fn spread(of: &[f64]) -> (f64, f64, f64) {
    let low = of.iter().copied().fold(f64::INFINITY, f64::min);
    let high = of.iter().copied().fold(0.0, f64::max);
    (low, median(of), high)
}

/// The ratio of ours to theirs in the same round.
pub(super) fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(a, b)| a / b).collect()
}

/// The heads of the columns that [`pair`] fills.
pub(super) const COLUMNS: [&str; 6] = ["", "ours", "bare", "ratio", "min-max", "target"];

/// A row of two contenders, medians and the ratio's range.
pub(super) fn pair(table: &mut Table, name: String, ours: &[f64], theirs: &[f64], target: &str) {
    let (low, middle, high) = spread(&ratios(ours, theirs));
    table.row([
        name,
        figure(median(ours)),
        figure(median(theirs)),
        format!("{middle:.2}"),
        format!("{low:.2}-{high:.2}"),
        target.to_owned(),
    ]);
}

/// A rate or a time, with a place behind the point where that is worth something.
pub(super) fn figure(of: f64) -> String {
    match of < 1_000.0 {
        true => format!("{of:.1}"),
        false => format!("{of:.0}"),
    }
}
