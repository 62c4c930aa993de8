//! Reads JSON as Python's `json.loads` does: `NaN` and infinities, last of equal names.

use crate::cookie::compat::payload::corrupt;
use crate::cookie::compat::{Limits, Value};
use crate::error::{Error, Result};

/// Reads one value and nothing but white space around it.
pub(in super::super) fn read(text: &str, limits: &Limits) -> Result<Value> {
    let mut reader = Reader {
        text,
        at: 0,
        budget: Budget::new(limits),
    };
    reader.space();
    let value = reader.value()?;
    reader.space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.wrong("something follows the value")),
    }
}

/// What reading may still use up.
pub(in super::super) struct Budget {
    depth: usize,
    values: usize,
}

impl Budget {
    pub(in super::super) fn new(limits: &Limits) -> Self {
        Self {
            depth: limits.depth(),
            values: limits.values,
        }
    }

    pub(in super::super) fn value(&mut self) -> Result<()> {
        self.values = self
            .values
            .checked_sub(1)
            .ok_or_else(|| corrupt("read session: more values than the limit allows"))?;
        Ok(())
    }

    pub(in super::super) fn open(&mut self) -> Result<()> {
        self.depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| corrupt("read session: values nested deeper than the limit allows"))?;
        Ok(())
    }

    pub(in super::super) fn close(&mut self) {
        self.depth += 1;
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    budget: Budget,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value> {
        self.budget.value()?;
        match self.peek() {
            Some(b'{') => self.map(),
            Some(b'[') => self.list(),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'0'..=b'9') => self.number(),
            Some(b'-') if self.take("-Infinity") => Ok(Value::Float(f64::NEG_INFINITY)),
            Some(b'-') => self.number(),
            _ => {
                let words = [
                    ("null", Value::Null),
                    ("true", Value::Bool(true)),
                    ("false", Value::Bool(false)),
                    ("NaN", Value::Float(f64::NAN)),
                    ("Infinity", Value::Float(f64::INFINITY)),
                ];
                for (word, value) in words {
                    if self.take(word) {
                        return Ok(value);
                    }
                }
                Err(self.wrong("no value begins here"))
            }
        }
    }

    fn map(&mut self) -> Result<Value> {
        self.budget.open()?;
        self.at += 1;
        let mut entries = Vec::new();
        self.space();
        if !self.take("}") {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.wrong("a name is missing"));
                }
                let name = self.string()?;
                self.space();
                self.expect(":")?;
                self.space();
                entries.push((name, self.value()?));
                self.space();
                if self.take("}") {
                    break;
                }
                self.expect(",")?;
                self.space();
            }
        }
        self.budget.close();
        Ok(Value::Map(entries.into_iter().collect()))
    }

    fn list(&mut self) -> Result<Value> {
        self.budget.open()?;
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if !self.take("]") {
            loop {
                items.push(self.value()?);
                self.space();
                if self.take("]") {
                    break;
                }
                self.expect(",")?;
                self.space();
            }
        }
        self.budget.close();
        Ok(Value::List(items))
    }

    fn number(&mut self) -> Result<Value> {
        let start = self.at;
        self.take("-");
        // A leading zero stands alone.
        if !self.take("0") && self.digits() == 0 {
            return Err(self.wrong("a number has no digits"));
        }
        let mut is_float = false;
        // Only what is complete belongs to the number; the rest is found wrong afterwards.
        let before = self.at;
        if self.take(".") {
            if self.digits() > 0 {
                is_float = true;
            } else {
                self.at = before;
            }
        }
        let before = self.at;
        if self.take("e") || self.take("E") {
            let _sign = self.take("+") || self.take("-");
            if self.digits() > 0 {
                is_float = true;
            } else {
                self.at = before;
            }
        }
        let number = &self.text[start..self.at];
        if is_float {
            let float = number.parse();
            return float
                .map(Value::Float)
                .map_err(|_| self.wrong("a number is none"));
        }
        match number.parse::<i128>() {
            Ok(int) if (i64::MIN.into()..=u64::MAX.into()).contains(&int) => Ok(Value::Int(int)),
            _ => Err(self.wrong("an integer is wider than 64 bits")),
        }
    }

    fn digits(&mut self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest
                .bytes()
                .position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')
                .ok_or_else(|| self.wrong("a string has no end"))?;
            out.push_str(&rest[..plain]);
            self.at += plain;
            match rest.as_bytes()[plain] {
                b'"' => {
                    self.at += 1;
                    return Ok(out);
                }
                b'\\' => out.push(self.escape()?),
                _ => return Err(self.wrong("a string has a control character")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let escaped = self.text.as_bytes().get(self.at + 1).copied();
        let letter = match escaped {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.wrong("an escape is unknown")),
        };
        self.at += 2;
        Ok(letter)
    }

    fn unicode(&mut self) -> Result<char> {
        let high = self.unit()?;
        let code = match high {
            0xd800..0xdc00 => {
                let low = self.unit().unwrap_or_default();
                if !(0xdc00..0xe000).contains(&low) {
                    return Err(self.wrong("a surrogate stands alone"));
                }
                0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.wrong("a surrogate stands alone"))
    }

    /// The 16 bits of an escape by four digits, which is passed over.
    fn unit(&mut self) -> Result<u32> {
        let text = self.text.as_bytes();
        let digits = match text.get(self.at..self.at + 6) {
            Some([b'\\', b'u', digits @ ..]) if digits.iter().all(u8::is_ascii_hexdigit) => digits,
            _ => return Err(self.wrong("an escape has no four digits")),
        };
        let unit = digits.iter().fold(0, |unit, &digit| {
            unit << 4 | char::from(digit).to_digit(16).unwrap_or_default()
        });
        self.at += 6;
        Ok(unit)
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    fn expect(&mut self, mark: &str) -> Result<()> {
        if self.take(mark) {
            return Ok(());
        }
        Err(self.wrong("a separator is missing"))
    }

    fn wrong(&self, what: &str) -> Error {
        corrupt(format!("read session as JSON: {what} (byte {})", self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(text: &str) -> Option<i128> {
        match read(text, &Limits::default()).ok()? {
            Value::Int(int) => Some(int),
            _ => None,
        }
    }

    #[test]
    fn numbers_are_those_of_python() {
        assert_eq!(int("-0"), Some(0));
        assert_eq!(int("18446744073709551615"), Some(u64::MAX.into()));
        assert_eq!(int("-9223372036854775808"), Some(i64::MIN.into()));
        for wrong in [
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "-",
            "18446744073709551616",
            "--1",
            "0x1",
        ] {
            assert!(read(wrong, &Limits::default()).is_err(), "{wrong}");
        }
        let float = |text| match read(text, &Limits::default()) {
            Ok(Value::Float(float)) => float,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(float("1e400"), f64::INFINITY);
        assert_eq!(float("-Infinity"), f64::NEG_INFINITY);
        assert!(float("NaN").is_nan());
        assert_eq!(float("-1.5E+2"), -150.0);
    }

    #[test]
    fn strings_are_those_of_python() {
        let text = |json: &str| match read(json, &Limits::default()) {
            Ok(Value::Text(text)) => Some(text),
            _ => None,
        };
        assert_eq!(text(r#""\ud83d\ude00\/\u00e9é""#).as_deref(), Some("😀/éé"));
        for wrong in [
            r#""\ud83d""#,
            r#""\ude00""#,
            r#""\ud83dx""#,
            r#""\u12g4""#,
            r#""\x""#,
            "\"\n\"",
            "\"",
            "\"\\",
        ] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nesting_and_numbers_of_values_are_limited() {
        let limits = Limits::default();
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(64), &limits).is_ok());
        assert!(read(&nested(65), &limits).is_err());
        assert!(read(&"[".repeat(1_000_000), &limits).is_err());
        let many = format!("[{}0]", "0,".repeat(1 << 16));
        assert!(read(&many, &limits).is_err());
    }

    #[test]
    fn every_torn_text_is_an_error() {
        let json = r#" {"a": [1, -2.5e3, "\u00e9\n", null, true], "b": {}} "#;
        assert!(read(json, &Limits::default()).is_ok());
        for end in 0..json.trim_end().len() {
            assert!(read(&json[..end], &Limits::default()).is_err(), "{end}");
        }
    }
}
