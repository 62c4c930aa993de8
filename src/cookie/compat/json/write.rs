//! Writes JSON to the byte as Python's `json`, Flask's tagged form of it, or msgspec does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::JsonStyle;
use super::float;
use crate::cookie::compat::flask::Tags;
use crate::cookie::compat::{Limits, Map, Value};
use crate::error::{Error, Result};

/// Whose JSON is written.
#[derive(Clone, Copy)]
pub(in super::super) enum Dialect<'a> {
    /// Python's `json`; types that JSON lacks are tagged, or refused without tags.
    Python(JsonStyle, Option<&'a Tags>),
    /// msgspec: UTF-8, types that JSON lacks become text.
    Msgspec,
}

/// Writes `value` without any white space.
pub(in super::super) fn write(
    value: &Value,
    dialect: Dialect<'_>,
    limits: &Limits,
) -> Result<String> {
    let mut writer = Writer {
        out: String::new(),
        dialect,
        depth: limits.depth(),
    };
    writer.value(value)?;
    limits.check_written(writer.out.len())?;
    Ok(writer.out)
}

struct Writer<'a> {
    out: String,
    dialect: Dialect<'a>,
    /// How many containers may still be opened.
    depth: usize,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Int(int) if (i64::MIN.into()..=u64::MAX.into()).contains(int) => {
                self.out.push_str(&int.to_string());
            }
            Value::Int(_) => {
                return Err(Error::input(
                    "write session: an integer is wider than 64 bits; store it as text",
                ));
            }
            Value::Float(float) => self.float(*float),
            Value::Text(text) => self.text(text),
            Value::List(items) => self.items(items)?,
            Value::Map(map) => self.map(map)?,
            Value::Tuple(_)
            | Value::Bytes(_)
            | Value::Markup(_)
            | Value::Uuid(_)
            | Value::DateTime(_)
            | Value::Tagged(..) => match self.dialect {
                Dialect::Python(_, Some(tags)) => self.tagged(value, tags)?,
                Dialect::Python(_, None) => self.untagged(value)?,
                Dialect::Msgspec => self.as_text(value)?,
            },
        }
        Ok(())
    }

    /// What plain JSON makes of the types that it lacks.
    fn untagged(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::Tuple(items) => self.items(items),
            Value::Markup(text) => {
                self.text(text);
                Ok(())
            }
            other => Err(unfit(other, "Python's json")),
        }
    }

    fn as_text(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::Tuple(items) => return self.items(items),
            Value::Markup(text) => self.text(text),
            Value::Bytes(bytes) => self.text(&STANDARD.encode(bytes)),
            Value::Uuid(uuid) => self.text(&uuid.dashed()),
            Value::DateTime(time) => self.text(&time.to_rfc3339()),
            other => return Err(unfit(other, "msgspec")),
        }
        Ok(())
    }

    fn tagged(&mut self, value: &Value, tags: &Tags) -> Result<()> {
        if let Value::Tagged(tag, inner) = value {
            tags.check_own(tag)?;
            return self.tag(tag, |writer| writer.value(inner));
        }
        let tag = tags.builtin(value)?;
        self.tag(tag, |writer| {
            match value {
                Value::Tuple(items) => return writer.items(items),
                Value::Bytes(bytes) => writer.text(&STANDARD.encode(bytes)),
                Value::Markup(text) => writer.text(text),
                Value::Uuid(uuid) => writer.text(&uuid.hex()),
                Value::DateTime(time) => writer.text(&time.to_http()),
                other => return Err(unfit(other, "Flask")),
            }
            Ok(())
        })
    }

    /// An object of one entry whose name says what the value is.
    fn tag(&mut self, tag: &str, content: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.container('{', '}', |writer| {
            writer.text(tag);
            writer.out.push(':');
            content(writer)
        })
    }

    fn items(&mut self, items: &[Value]) -> Result<()> {
        self.container('[', ']', |writer| {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    writer.out.push(',');
                }
                writer.value(item)?;
            }
            Ok(())
        })
    }

    fn map(&mut self, map: &Map) -> Result<()> {
        if let Dialect::Python(_, Some(tags)) = self.dialect
            && map.len() == 1
            && let Some((name, value)) = map.iter().next()
            && tags.is_known(name)
        {
            // It would be read as what its name is the tag of.
            let escaped = format!("{name}__");
            return self.tag(Tags::ESCAPE, |writer| {
                writer.tag(&escaped, |writer| writer.value(value))
            });
        }
        let mut entries: Vec<(&str, &Value)> = map.iter().collect();
        if let Dialect::Python(style, _) = self.dialect
            && style.sorted
        {
            // Bytes of UTF-8 sort as code points do, and so does Python.
            entries.sort_by_key(|(name, _)| *name);
        }
        self.container('{', '}', |writer| {
            for (at, (name, value)) in entries.into_iter().enumerate() {
                if at > 0 {
                    writer.out.push(',');
                }
                writer.text(name);
                writer.out.push(':');
                writer.value(value)?;
            }
            Ok(())
        })
    }

    fn container(
        &mut self,
        open: char,
        close: char,
        content: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.depth = self.depth.checked_sub(1).ok_or_else(too_deep)?;
        self.out.push(open);
        content(self)?;
        self.out.push(close);
        self.depth += 1;
        Ok(())
    }

    fn float(&mut self, float: f64) {
        match self.dialect {
            Dialect::Python(..) if float.is_nan() => self.out.push_str("NaN"),
            Dialect::Python(..) if float.is_infinite() => {
                self.out
                    .push_str(if float > 0.0 { "Infinity" } else { "-Infinity" });
            }
            Dialect::Python(..) => float::write(float, &float::PYTHON, &mut self.out),
            Dialect::Msgspec if !float.is_finite() => self.out.push_str("null"),
            Dialect::Msgspec => float::write(float, &float::MSGSPEC, &mut self.out),
        }
    }

    fn text(&mut self, text: &str) {
        let is_ascii = matches!(
            self.dialect,
            Dialect::Python(JsonStyle { ascii: true, .. }, _)
        );
        let out = &mut self.out;
        out.push('"');
        for letter in text.chars() {
            match letter {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\x08' => out.push_str("\\b"),
                '\x0c' => out.push_str("\\f"),
                ' '..='~' => out.push(letter),
                '\0'..='\x1f' => escape(letter, out),
                _ if is_ascii => escape(letter, out),
                _ => out.push(letter),
            }
        }
        out.push('"');
    }
}

/// `\u` and four digits, twice for what lies beyond 16 bits.
fn escape(letter: char, out: &mut String) {
    for unit in letter.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}

fn unfit(value: &Value, writer: &str) -> Error {
    Error::input(format!(
        "write session: {writer} has no form for a {}; store it as text or as a list",
        value.kind()
    ))
}

fn too_deep() -> Error {
    Error::input(
        "write session: a value is nested deeper than the limit; flatten it or raise the limit",
    )
}
