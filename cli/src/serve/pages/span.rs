//! Spans of time, in words.

use std::time::Duration;

const UNITS: [(u64, &str); 4] = [
    (24 * 60 * 60, "day"),
    (60 * 60, "hour"),
    (60, "minute"),
    (1, "second"),
];

/// A span in its largest unit of which there are at least two (or exactly one), rounded down.
pub(super) fn about(time: Duration) -> String {
    let seconds = time.as_secs();
    let fits = |&&(unit, _): &&(u64, &str)| seconds >= 2 * unit || seconds == unit;
    in_units(seconds, UNITS.iter().find(fits))
}

/// A span in the largest unit that it is a multiple of.
pub(super) fn exactly(time: Duration) -> String {
    let seconds = time.as_secs();
    let divides = |&&(unit, _): &&(u64, &str)| seconds > 0 && seconds.is_multiple_of(unit);
    in_units(seconds, UNITS.iter().find(divides))
}

/// How long ago something was.
pub(super) fn ago(time: Duration) -> String {
    match time.as_secs() {
        0..5 => "just now".to_owned(),
        _ => format!("{} ago", about(time)),
    }
}

fn in_units(seconds: u64, found: Option<&(u64, &str)>) -> String {
    let (unit, name) = found.copied().unwrap_or((1, "second"));
    let count = seconds / unit;
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (60, "1 minute"),
            (90, "90 seconds"),
            (3599, "59 minutes"),
            (3600, "1 hour"),
            (5400, "90 minutes"),
            (2 * 86_400 + 1, "2 days"),
        ] {
            assert_eq!(about(Duration::from_secs(seconds)), text);
        }
        assert_eq!(ago(Duration::from_secs(4)), "just now");
        assert_eq!(ago(Duration::from_secs(40)), "40 seconds ago");
    }

    #[test]
    fn a_setting_is_told_as_it_is() {
        for (seconds, text) in [
            (1800, "30 minutes"),
            (90, "90 seconds"),
            (86_400, "1 day"),
            (86_460, "1441 minutes"),
        ] {
            assert_eq!(exactly(Duration::from_secs(seconds)), text);
        }
    }
}
