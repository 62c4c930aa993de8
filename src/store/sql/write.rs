//! A record on its way into a row.

use std::time::Duration;

use super::dialect::Form;
use super::keys::Stored;
use super::statement::{Value, Values};
use super::store::Inner;
use crate::error::{Error, ErrorKind, Result};
use crate::store::random::draw_version;
use crate::store::{Terms, Version, check_write};
use crate::time::millis;

/// What "forever" is in a column that must hold a date, and the longest lifetime there.
pub(super) const MILLENNIUM_MS: i64 = 1000 * 365 * 86_400_000;
/// The longest lifetime in the native form: with any clock's now it fits 64 bits.
const LIFETIME_MAX_MS: u64 = 1 << 60;

/// A checked write.
pub(super) struct Write<'a> {
    key: Stored<'a>,
    value: &'a [u8],
    is_text: bool,
    pub(super) version: Version,
    ttl_ms: Option<i64>,
}

impl Inner {
    /// Checks a write and fits it to the table.
    pub(super) fn write<'a>(
        &self,
        key: &'a [u8],
        value: &'a [u8],
        terms: Terms,
    ) -> Result<Write<'a>> {
        check_write(key, &terms)?;
        let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidInput, why));
        if terms.idle_timeout().is_some() || terms.maximum_age().is_some() {
            return refuse("store a session in a database: it keeps times to live only");
        }
        if value.len() > self.value_max {
            return refuse("store a session in a database: the value is longer than value_max");
        }
        let is_text = self.form.is_text();
        if is_text && (value.contains(&0) || std::str::from_utf8(value).is_err()) {
            return refuse(
                "store a session in Django's table: the value is not text (UTF-8 without zero bytes)",
            );
        }
        let Some(stored) = Stored::of(self.form, key) else {
            return refuse("store a session in a database: no record can have this key");
        };
        Ok(Write {
            key: stored,
            value,
            is_text,
            version: match self.form {
                Form::Native => draw_version()?,
                Form::FlaskSession | Form::Django => version_of(value),
            },
            ttl_ms: self.ttl_ms(terms.time_to_live()),
        })
    }

    /// A time to live in whole milliseconds, none below one but zero.
    pub(super) fn ttl_ms(&self, time_to_live: Option<Duration>) -> Option<i64> {
        let ttl_ms = time_to_live.map(|time_to_live| {
            let at_least = u64::from(!time_to_live.is_zero());
            let ttl_ms = millis(time_to_live).clamp(at_least, LIFETIME_MAX_MS);
            i64::try_from(ttl_ms).unwrap_or(i64::MAX)
        });
        match self.form {
            Form::Native => ttl_ms,
            Form::FlaskSession | Form::Django => {
                Some(ttl_ms.map_or(MILLENNIUM_MS, |ttl_ms| ttl_ms.min(MILLENNIUM_MS)))
            }
        }
    }
}

impl Write<'_> {
    pub(super) fn values(&self) -> Values<'_> {
        Values {
            data: content(self.is_text, self.value),
            version: self.version.to_u64().cast_signed(),
            ttl_ms: self.ttl_ms,
            ..Values::of(self.key.value())
        }
    }

    /// The key as it is stored.
    pub(super) fn key(&self) -> &[u8] {
        self.key.bytes()
    }

    pub(super) fn value_bytes(&self) -> usize {
        self.value.len()
    }
}

/// Content as its column wants it. What is not text never gets here as text.
pub(super) fn content(is_text: bool, value: &[u8]) -> Value<'_> {
    match is_text.then(|| std::str::from_utf8(value)) {
        Some(Ok(text)) => Value::Text(text),
        _ => Value::Bytes(value),
    }
}

/// The version of content that has no other: most of a digest.
pub(super) fn version_of(content: &[u8]) -> Version {
    let digest = blake3::hash(content);
    let mut head = [0; 8];
    head.copy_from_slice(&digest.as_bytes()[..8]);
    Version::from_u64((u64::from_le_bytes(head) >> 2) | 1)
}
