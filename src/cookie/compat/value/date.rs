//! Points in time between the years 1 and 9999, as Python's `datetime` in UTC.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};

/// The first second of the year 1, and the last of 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
const DAY_SECONDS: i64 = 86_400;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A point in time in UTC.
///
/// Flask's cookie keeps whole seconds of it, Flask-Session's records all it has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DateTime {
    seconds: i64,
    nanos: u32,
}

impl DateTime {
    /// Takes seconds since the Unix epoch and nanoseconds beyond them; `None` beyond the years 1 to
    /// 9999, which is as far as Python goes.
    #[must_use]
    pub fn from_unix(seconds: i64, nanos: u32) -> Option<Self> {
        (SECONDS.contains(&seconds) && nanos < 1_000_000_000).then_some(Self { seconds, nanos })
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds beyond the whole seconds.
    #[must_use]
    pub const fn nanos(self) -> u32 {
        self.nanos
    }

    /// As the system's time; `None` where that does not reach so far.
    #[must_use]
    pub fn to_system_time(self) -> Option<SystemTime> {
        let whole = Duration::from_secs(self.seconds.unsigned_abs());
        let seconds = if self.seconds < 0 {
            UNIX_EPOCH.checked_sub(whole)
        } else {
            UNIX_EPOCH.checked_add(whole)
        };
        seconds?.checked_add(Duration::from_nanos(self.nanos.into()))
    }

    /// As in HTTP headers: `Fri, 24 Jun 2011 00:09:05 GMT`. Fractions of the second are dropped.
    #[must_use]
    pub fn to_http(self) -> String {
        let (days, second) = self.split();
        let (year, month, day) = civil(days);
        let weekday = WEEKDAYS[index(days.rem_euclid(7))];
        let month = MONTHS[index(month - 1)];
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }

    /// Reads what [`to_http`](Self::to_http) writes. The weekday is not looked at.
    #[must_use]
    pub fn parse_http(text: &str) -> Option<Self> {
        if !text.is_ascii() || text.len() != 29 || &text[3..5] != ", " || &text[25..] != " GMT" {
            return None;
        }
        let separators = [(7, b' '), (11, b' '), (16, b' '), (19, b':'), (22, b':')];
        if separators
            .iter()
            .any(|&(at, byte)| text.as_bytes()[at] != byte)
        {
            return None;
        }
        let month = MONTHS.iter().position(|month| *month == &text[8..11])?;
        let date = (
            number(&text[12..16])?,
            i64::try_from(month).ok()? + 1,
            number(&text[5..7])?,
        );
        Self::of_parts(
            date,
            (
                number(&text[17..19])?,
                number(&text[20..22])?,
                number(&text[23..25])?,
            ),
            0,
        )
    }

    /// As in RFC 3339 with six digits of the second's fraction if there is one:
    /// `2011-06-24T00:09:05.250000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let (days, second) = self.split();
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let fraction = match self.nanos / 1000 {
            0 => String::new(),
            micros => format!(".{micros:06}"),
        };
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
    }

    /// The form in which nothing is lost.
    pub(super) fn nanos_text(self) -> String {
        if self.nanos.is_multiple_of(1000) {
            return self.to_rfc3339();
        }
        let whole = Self { nanos: 0, ..self }.to_rfc3339();
        format!("{}.{:09}Z", whole.trim_end_matches('Z'), self.nanos)
    }

    /// Reads what [`to_rfc3339`](Self::to_rfc3339) writes, with one to nine digits of fraction.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let text = text.strip_suffix('Z').filter(|text| text.is_ascii())?;
        if text.len() < 19 {
            return None;
        }
        let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if separators
            .iter()
            .any(|&(at, byte)| text.as_bytes()[at] != byte)
        {
            return None;
        }
        let nanos = match text[19..].strip_prefix('.') {
            None if text.len() == 19 => 0,
            Some(digits) if (1..=9).contains(&digits.len()) => {
                let padded = format!("{digits:0<9}");
                u32::try_from(number(&padded)?).ok()?
            }
            _ => return None,
        };
        let date = (
            number(&text[..4])?,
            number(&text[5..7])?,
            number(&text[8..10])?,
        );
        let time = (
            number(&text[11..13])?,
            number(&text[14..16])?,
            number(&text[17..19])?,
        );
        Self::of_parts(date, time, nanos)
    }

    fn of_parts(date: (i64, i64, i64), time: (i64, i64, i64), nanos: u32) -> Option<Self> {
        let ((year, month, day), (hour, minute, second)) = (date, time);
        let days = days_of(year, month, day);
        let is_date = (1..=12).contains(&month) && civil(days) == date;
        let is_time = hour < 24 && minute < 60 && second < 60;
        if !is_date || !is_time {
            return None;
        }
        Self::from_unix(
            days * DAY_SECONDS + hour * 3600 + minute * 60 + second,
            nanos,
        )
    }

    /// Days since the Unix epoch, and seconds of the day.
    fn split(self) -> (i64, i64) {
        (
            self.seconds.div_euclid(DAY_SECONDS),
            self.seconds.rem_euclid(DAY_SECONDS),
        )
    }
}

impl TryFrom<SystemTime> for DateTime {
    type Error = Error;

    /// # Errors
    ///
    /// `InvalidInput` beyond the years 1 to 9999.
    fn try_from(time: SystemTime) -> Result<Self> {
        let made = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs())
                .ok()
                .and_then(|seconds| Self::from_unix(seconds, after.subsec_nanos())),
            Err(error) => {
                let before = error.duration();
                let (borrow, nanos) = match before.subsec_nanos() {
                    0 => (0, 0),
                    nanos => (1, 1_000_000_000 - nanos),
                };
                i64::try_from(before.as_secs())
                    .ok()
                    .and_then(|seconds| Self::from_unix(-seconds - borrow, nanos))
            }
        };
        made.ok_or_else(|| {
            Error::input("make a datetime: Python knows the years 1 to 9999 and no others")
        })
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Like every session datum, it is not told.
        f.write_str("DateTime(…)")
    }
}

fn number(digits: &str) -> Option<i64> {
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

fn index(number: i64) -> usize {
    usize::try_from(number).expect("a remainder or a month is not negative")
}

/// Days since the Unix epoch of a date in the proleptic Gregorian calendar. Years are counted from
/// March, so that the leap day is their last.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let year_day = (153 * month + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + year_day
        - 719_468
}

/// The date of a day since the Unix epoch: year, month from 1, day from 1.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let era_day = days.rem_euclid(146_097);
    let era_year = (era_day - era_day / 1460 + era_day / 36_524 - era_day / 146_096) / 365;
    let year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    let month = (5 * year_day + 2) / 153;
    let day = year_day - (153 * month + 2) / 5 + 1;
    let year = era_year + era * 400;
    if month < 10 {
        (year, month + 3, day)
    } else {
        (year + 1, month - 9, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        let (first, last) = (*SECONDS.start() / DAY_SECONDS, *SECONDS.end() / DAY_SECONDS);
        for days in (first..=last).step_by(13) {
            let (year, month, day) = civil(days);
            assert_eq!(days_of(year, month, day), days);
        }
        assert_eq!(civil(first), (1, 1, 1));
        assert_eq!(civil(last), (9999, 12, 31));
        assert_eq!(civil(0), (1970, 1, 1));
    }

    #[test]
    fn http_dates_are_read_as_written() {
        let time = DateTime::from_unix(1_308_874_145, 5).unwrap();
        assert_eq!(time.to_http(), "Fri, 24 Jun 2011 00:09:05 GMT");
        let read = DateTime::parse_http("Fri, 24 Jun 2011 00:09:05 GMT").unwrap();
        assert_eq!(read.unix_seconds(), 1_308_874_145);
        for wrong in [
            "",
            "Fri, 31 Jun 2011 00:09:05 GMT",
            "Fri, 24 Jun 2011 24:09:05 GMT",
            "Fri, 24 Jux 2011 00:09:05 GMT",
            "Fri, 24 Jun 2011 00:09:05 UTC",
            "Fri, +4 Jun 2011 00:09:05 GMT",
            "Fri, 24 Jun 0000 00:09:05 GMT",
            "Frü, 24 Jun 2011 00:09:05 GM",
        ] {
            assert_eq!(DateTime::parse_http(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn system_times_before_the_epoch_go_both_ways() {
        let time = UNIX_EPOCH - Duration::from_millis(1500);
        let made = DateTime::try_from(time).unwrap();
        assert_eq!((made.unix_seconds(), made.nanos()), (-2, 500_000_000));
        assert_eq!(made.to_system_time(), Some(time));
        assert_eq!(made.to_rfc3339(), "1969-12-31T23:59:58.500000Z");
        assert_eq!(DateTime::parse_rfc3339(&made.to_rfc3339()), Some(made));
    }
}
