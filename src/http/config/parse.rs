//! From spelled values to typed ones: truth values, durations, sizes, modes, lists, names.
//!
//! Each function answers with what the value would have to be; who asks adds the key, the source
//! and what was found.

use std::num::NonZeroU64;
use std::time::Duration;

use zeroize::Zeroizing;

use super::value::Raw;

/// Longer texts are refused.
const TEXT_MAX: usize = 4096;
/// Longer lists are refused.
const LIST_MAX: usize = 64;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
/// A lifetime above this is taken for a mistake.
const LIFETIME_MAX: u64 = 3650 * DAY;

/// What a value would have to be, as the rest of a sentence.
pub(super) type Parsed<T> = Result<T, String>;

pub(super) fn text(raw: &Raw) -> Parsed<&str> {
    match raw {
        Raw::Text(text) if text.len() > TEXT_MAX => {
            Err(format!("texts have at most {TEXT_MAX} bytes"))
        }
        Raw::Text(text) => Ok(text),
        _ => Err("must be a text".to_owned()),
    }
}

/// The forms of truth that environment files use, in any case.
pub(super) fn truth(raw: &Raw) -> Parsed<bool> {
    let wanted = || "must be true or false (also 1/0, yes/no, on/off)".to_owned();
    match raw {
        Raw::Bool(value) => Ok(*value),
        Raw::Int(0) => Ok(false),
        Raw::Int(1) => Ok(true),
        Raw::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Ok(true),
            "false" | "0" | "no" | "off" | "f" | "n" => Ok(false),
            _ => Err(wanted()),
        },
        _ => Err(wanted()),
    }
}

/// A number of things from `least` to `most`.
pub(super) fn count(raw: &Raw, least: u64, most: u64) -> Parsed<u64> {
    let wanted = || format!("must be a whole number from {least} to {most}");
    let number = match raw {
        Raw::Int(number) => u64::try_from(*number).ok(),
        Raw::Text(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    };
    number
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(wanted)
}

/// A number of bytes, plain or as "64 MiB"; the decimal units "kB", "MB" and "GB" too.
pub(super) fn bytes(raw: &Raw, least: u64, most: u64) -> Parsed<u64> {
    let Raw::Text(text) = raw else {
        return count(raw, least, most);
    };
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => 0,
    };
    number
        .replace('_', "")
        .parse::<u64>()
        .ok()
        .filter(|_| unit > 0)
        .and_then(|number| number.checked_mul(unit))
        .filter(|bytes| (least..=most).contains(bytes))
        .ok_or_else(|| {
            format!("must be a number of bytes from {least} to {most}, like 1048576 or 64 MiB")
        })
}

/// A lifetime of whole seconds, never zero: the systems that share these keys disagree about zero.
pub(super) fn lifetime(raw: &Raw, instead_of_zero: &str) -> Parsed<Duration> {
    let wanted = || "must be whole seconds, or a text like \"31d\" or \"12h 30m\"".to_owned();
    let seconds = match raw {
        Raw::Int(seconds) => *seconds,
        Raw::Float(seconds) if seconds.fract() == 0.0 && seconds.abs() < 1e15 => {
            format!("{seconds:.0}").parse().map_err(|_| wanted())?
        }
        Raw::Duration(duration) if duration.subsec_nanos() == 0 => duration.as_secs().into(),
        Raw::Text(text) => seconds_of(text).ok_or_else(wanted)?,
        _ => return Err(wanted()),
    };
    match u64::try_from(seconds) {
        Ok(0) => Err(format!("zero is no lifetime; {instead_of_zero}")),
        Ok(seconds) if seconds <= LIFETIME_MAX => Ok(Duration::from_secs(seconds)),
        _ if seconds < 0 => Err(format!("a lifetime is positive; {instead_of_zero}")),
        _ => Err("is more than ten years; state a shorter one".to_owned()),
    }
}

fn seconds_of(text: &str) -> Option<i128> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i128>() {
        return Some(seconds);
    }
    let (mut rest, mut total) = (text, 0_i128);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i128 = rest[..digits].parse::<u32>().ok()?.into();
        rest = rest[digits..].trim_start();
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let unit = match rest[..letters].to_ascii_lowercase().as_str() {
            "w" | "week" | "weeks" => WEEK,
            "d" | "day" | "days" => DAY,
            "h" | "hour" | "hours" => HOUR,
            "m" | "min" | "minute" | "minutes" => MINUTE,
            "s" | "sec" | "second" | "seconds" => 1,
            _ => return None,
        };
        total += number * i128::from(unit);
        rest = rest[letters..].trim_start_matches([' ', ',']);
    }
    (!text.is_empty()).then_some(total)
}

/// The permissions of a file. Decimal, as Python's `0o600` is 384, or octal where it says so.
pub(super) fn mode(raw: &Raw) -> Parsed<u32> {
    let wanted = "permissions are octal: write \"0o600\" (or 384, which is the same in decimal)";
    let mode = match raw {
        Raw::Int(number) => u32::try_from(*number)
            .ok()
            .filter(|number| !reads_octal(*number)),
        Raw::Text(text) => {
            let text = text.trim();
            match text.strip_prefix("0o").or_else(|| text.strip_prefix('0')) {
                Some(octal) => u32::from_str_radix(octal, 8).ok(),
                None => text.parse().ok().filter(|number| !reads_octal(*number)),
            }
        }
        _ => None,
    };
    match mode {
        None => Err(wanted.to_owned()),
        Some(mode) if mode > 0o777 => Err(wanted.to_owned()),
        Some(mode) if mode & 0o600 != 0o600 => {
            Err(format!("denies the owner its own files; {wanted}"))
        }
        Some(mode) => Ok(mode),
    }
}

/// Decimals that somebody wrote who meant octal: 700 is beyond all permissions, and 400 would let
/// the group write.
fn reads_octal(decimal: u32) -> bool {
    decimal > 0o777 || matches!(decimal, 400 | 440 | 444 | 500)
}

/// A list: of a document, a JSON array in a text, or texts between commas.
pub(super) fn list(raw: &Raw) -> Parsed<Vec<Zeroizing<String>>> {
    let wanted = || {
        format!("must be a list of at most {LIST_MAX} texts: a JSON array, or texts between commas")
    };
    let texts = match raw {
        Raw::List(values) => values
            .iter()
            .map(|value| match value {
                Raw::Text(text) => Ok(text.clone()),
                _ => Err(wanted()),
            })
            .collect::<Parsed<Vec<_>>>()?,
        Raw::Text(text) if text.trim_start().starts_with('[') => {
            // Whatever the parser says could repeat a secret.
            let inner: Raw = serde_json::from_str(text).map_err(|_| wanted())?;
            return match inner {
                Raw::List(_) => list(&inner),
                _ => Err(wanted()),
            };
        }
        Raw::Text(text) => text
            .split(',')
            .map(|part| Zeroizing::new(part.trim().to_owned()))
            .filter(|part| !part.is_empty())
            .collect(),
        _ => return Err(wanted()),
    };
    if texts.len() > LIST_MAX || texts.iter().any(|text| text.len() > TEXT_MAX) {
        return Err(wanted());
    }
    Ok(texts)
}

/// One of some words, in any case.
pub(super) fn word<T: Copy>(raw: &Raw, words: &[(&str, T)]) -> Parsed<T> {
    let wanted = || {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("must be one of {}", names.join(", "))
    };
    let Raw::Text(text) = raw else {
        return Err(wanted());
    };
    words
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text.trim()))
        .map(|(_, value)| *value)
        .ok_or_else(wanted)
}

/// A number of things, or the word that says there is no limit.
pub(super) fn limit(raw: &Raw, most: u64) -> Parsed<Option<NonZeroU64>> {
    if word(raw, &[("unlimited", ())]).is_ok() {
        return Ok(None);
    }
    count(raw, 1, most)
        .map(NonZeroU64::new)
        .map_err(|wanted| format!("{wanted}, or \"unlimited\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up() {
        let rows = [
            ("42", Some(42)),
            ("31d", Some(31 * 86_400)),
            ("12h 30m", Some(45_000)),
            ("1w2d3h4m5s", Some(788_645)),
            ("31 days, 2 hours", Some(31 * 86_400 + 7_200)),
            ("-5", Some(-5)),
            ("0s", Some(0)),
            ("", None),
            ("31", Some(31)),
            ("d", None),
            ("1 d 2", None),
            ("5 parsecs", None),
            ("99999999999d", None),
            ("1.5h", None),
            ("1ö", None),
        ];
        for (text, seconds) in rows {
            assert_eq!(seconds_of(text), seconds, "{text:?}");
        }
    }
}
