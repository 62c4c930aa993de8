//! Finding the fields of a JSON object without decoding their values.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::Slot;
use super::format::{Limits, corrupt};
use crate::error::Result;

/// Finds names and values of the object that `body` is. Names with escapes are collected in the
/// text returned with them; their slots point behind the end of `body`.
pub(super) fn scan(body: &[u8], limits: &Limits) -> Result<(Vec<Slot>, String)> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Err(corrupt("its body is not UTF-8"));
    };
    let mut scanner = serde_json::Deserializer::from_str(text);
    // serde_json's own text may quote the body, so it is left out.
    let found = scanner
        .deserialize_map(Object { text, limits })
        .and_then(|found| scanner.end().map(|()| found));
    found.map_err(|_| corrupt("its body is no JSON object within the limits"))
}

/// Says whether no more than `depth` arrays and objects lie within one another.
pub(super) fn is_within_depth(json: &[u8], depth: usize) -> bool {
    let (mut open, mut in_text, mut escaped) = (0_usize, false, false);
    for &byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                open += 1;
                if open > depth {
                    return false;
                }
            }
            b']' | b'}' if !in_text => open = open.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// Writes a name as a JSON string and the colon.
pub(super) fn write_name(into: &mut Vec<u8>, name: &str) {
    // Text is always representable, and writing to memory cannot fail.
    let _ = serde_json::to_writer(&mut *into, name);
    into.push(b':');
}

struct Object<'a> {
    text: &'a str,
    limits: &'a Limits,
}

/// A name as it lies in the text, or a copy where it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Object<'de> {
    type Value = (Vec<Slot>, String);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut slots = Vec::new();
        let mut copies = String::new();
        // What is borrowed lies within `text`, so its place is the distance of the addresses.
        let place = |part: &str| {
            let start = part.as_ptr().addr() - self.text.as_ptr().addr();
            start..start + part.len()
        };
        while let Some(Name(name)) = map.next_key()? {
            let value: &'de RawValue = map.next_value()?;
            if slots.len() == self.limits.entries
                || !is_within_depth(value.get().as_bytes(), self.limits.depth)
            {
                return Err(A::Error::custom("limit"));
            }
            let name = match name {
                Cow::Borrowed(name) => place(name),
                Cow::Owned(name) => {
                    let start = self.text.len() + copies.len();
                    copies.push_str(&name);
                    start..start + name.len()
                }
            };
            slots.push(Slot::new(name, place(value.get())));
        }
        Ok((slots, copies))
    }
}
