//! Times, in our milliseconds and in memcached's seconds.

use std::time::Duration;

use crate::cache::TimeToLive;

/// A record that never ends.
pub(super) const NEVER: u64 = u64::MAX;

/// More seconds than these are taken for a date by the server.
const RELATIVE_MAX: u64 = 30 * 24 * 60 * 60;
/// A second because we round up to whole ones, one because the server's clock advances by whole ones,
/// and one for a server whose clock is late because it is busy.
const SLACK_SECONDS: u64 = 3;
/// The server measures dates by its own clock, which may be ahead of ours by so much.
const DATE_SLACK_SECONDS: u64 = 3600;

/// The end, in Unix milliseconds, of what is written at `now_ms`.
pub(super) fn end_ms(now_ms: u64, time_to_live: Option<Duration>) -> u64 {
    time_to_live.map_or(NEVER, |time_to_live| {
        let millis = u64::try_from(time_to_live.as_millis()).unwrap_or(NEVER);
        now_ms.saturating_add(millis.max(1))
    })
}

/// What is left at `now_ms` of a record that ends at `end_ms`.
pub(super) fn left(now_ms: u64, end_ms: u64) -> TimeToLive {
    match end_ms {
        NEVER => TimeToLive::Forever,
        _ => TimeToLive::Left(Duration::from_millis(end_ms.saturating_sub(now_ms))),
    }
}

/// The time to live that the server is told for a record that ends at `end_ms`, never shorter than
/// what is left: the record's own end decides, the server's only sees to it that it is forgotten.
pub(super) fn ceiling(now_ms: u64, end_ms: u64) -> i32 {
    if end_ms == NEVER {
        return 0;
    }
    seconds(
        now_ms,
        end_ms.saturating_sub(now_ms).div_ceil(1000) + SLACK_SECONDS,
    )
}

/// The time to live that the server is told where its clock alone decides: whole seconds, at least
/// one.
pub(super) fn whole(now_ms: u64, time_to_live: Option<Duration>) -> i32 {
    time_to_live.map_or(0, |time_to_live| {
        let subsecond = u64::from(time_to_live.subsec_nanos() > 0);
        seconds(
            now_ms,
            time_to_live.as_secs().saturating_add(subsecond).max(1),
        )
    })
}

fn seconds(now_ms: u64, seconds: u64) -> i32 {
    if seconds <= RELATIVE_MAX {
        return i32::try_from(seconds).unwrap_or(0);
    }
    // Dates end in January 2038 where the protocol's 32 bits do; what ends later never does.
    let date = (now_ms / 1000)
        .saturating_add(seconds)
        .saturating_add(DATE_SLACK_SECONDS);
    i32::try_from(date).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn short_lifetimes_are_relative_long_ones_dates_and_the_longest_never_end() {
        let told = |ttl: Duration| ceiling(NOW_MS, end_ms(NOW_MS, Some(ttl)));
        assert_eq!(told(Duration::from_nanos(1)), 4);
        assert_eq!(told(Duration::from_millis(1001)), 5);
        assert_eq!(told(29 * DAY), 29 * 86_400 + 3);
        // To the server 30 days and a second are a date in January 1970.
        for days in [30_i32, 31, 365] {
            let date = 1_700_000_000 + days * 86_400 + 3 + 3600;
            assert_eq!(told(DAY * days.unsigned_abs()), date, "{days}");
        }
        assert_eq!(told(20 * 365 * DAY), 0);
        assert_eq!(told(Duration::MAX), 0);
        assert_eq!(ceiling(NOW_MS, end_ms(NOW_MS, None)), 0);
        assert_eq!(ceiling(NOW_MS, NOW_MS - 5), 3);
    }

    #[test]
    fn where_the_server_decides_seconds_are_whole_and_never_none() {
        assert_eq!(whole(NOW_MS, None), 0);
        assert_eq!(whole(NOW_MS, Some(Duration::from_nanos(1))), 1);
        assert_eq!(whole(NOW_MS, Some(Duration::from_millis(1500))), 2);
        assert_eq!(whole(NOW_MS, Some(30 * DAY)), 30 * 86_400);
        assert_eq!(whole(NOW_MS, Some(Duration::MAX)), 0);
    }
}
