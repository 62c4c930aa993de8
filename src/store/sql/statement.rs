//! Statements: a text made once, and the order in which values are bound to it.
//!
//! A text names its values (`:key`, `:data`); [`Statement::new`] gives each the place that the engine
//! wants. No value ever becomes part of a text.

use super::dialect::Engine;

/// A value's place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Key,
    Data,
    Version,
    /// The version, or for Python's tables the data, that must be there now.
    Expected,
    TimeToLive,
    Limit,
}

const PLACES: [(&str, Place); 6] = [
    ("key", Place::Key),
    ("data", Place::Data),
    ("version", Place::Version),
    ("expected", Place::Expected),
    ("ttl", Place::TimeToLive),
    ("limit", Place::Limit),
];

/// A value to bind.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
    Number(Option<i64>),
}

/// The values of one statement, or of one row of a statement of many rows.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) key: Value<'a>,
    pub(super) data: Value<'a>,
    pub(super) version: i64,
    pub(super) expected: Value<'a>,
    pub(super) ttl_ms: Option<i64>,
    pub(super) limit: i64,
}

impl<'a> Values<'a> {
    /// Only a key.
    pub(super) fn of(key: Value<'a>) -> Self {
        Self {
            key,
            data: Value::Bytes(&[]),
            version: 0,
            expected: Value::Number(None),
            ttl_ms: None,
            limit: 0,
        }
    }

    fn at(&self, place: Place) -> Value<'a> {
        match place {
            Place::Key => self.key,
            Place::Data => self.data,
            Place::Version => Value::Number(Some(self.version)),
            Place::Expected => self.expected,
            Place::TimeToLive => Value::Number(self.ttl_ms),
            Place::Limit => Value::Number(Some(self.limit)),
        }
    }
}

/// A text and the order of its values.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    text: String,
    order: Vec<Place>,
    rows: usize,
}

impl Statement {
    pub(super) fn new(engine: Engine, template: &str) -> Self {
        let mut statement = Self {
            text: String::with_capacity(template.len()),
            order: Vec::new(),
            rows: 1,
        };
        statement.append(engine, template, 0);
        statement
    }

    /// A statement of `rows` rows: `row` stands in it that often, between `head` and `tail`.
    pub(super) fn of_rows(engine: Engine, head: &str, row: &str, tail: &str, rows: usize) -> Self {
        let mut statement = Self {
            text: head.to_owned(),
            order: Vec::new(),
            rows,
        };
        for number in 0..rows {
            if number > 0 {
                statement.text.push_str(", ");
            }
            statement.append(engine, row, number);
        }
        statement.text.push_str(tail);
        statement
    }

    fn append(&mut self, engine: Engine, template: &str, row: usize) {
        let mut rest = template;
        while let Some(colon) = rest.find(':') {
            let (before, name) = rest.split_at(colon);
            self.text.push_str(before);
            let name = &name[1..];
            let place = PLACES.iter().find(|(word, _)| name.starts_with(word));
            let Some((word, place)) = place else {
                self.text.push(':');
                rest = name;
                continue;
            };
            let known = self.order.iter().position(|known| known == place);
            let at = match known {
                Some(at) if row > 0 || engine.has_numbered_places() => at,
                _ => {
                    self.order.push(*place);
                    self.order.len() - 1
                }
            };
            engine.write_place(&mut self.text, row * self.order.len() + at + 1);
            rest = &name[word.len()..];
        }
        self.text.push_str(rest);
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The values in the order in which they are bound.
    pub(super) fn bound<'a>(&self, rows: &[Values<'a>]) -> impl Iterator<Item = Value<'a>> {
        rows.iter()
            .flat_map(|values| self.order.iter().map(|place| values.at(*place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(statement: &Statement, rows: usize) -> Vec<Option<i64>> {
        let values: Vec<Values<'_>> = (0..rows)
            .map(|row| Values {
                version: i64::try_from(row).expect("few rows") * 10 + 1,
                ttl_ms: Some(i64::try_from(row).expect("few rows") * 10 + 2),
                ..Values::of(Value::Number(None))
            })
            .collect();
        let number = |value| match value {
            Value::Number(number) => number,
            Value::Bytes(_) | Value::Text(_) => None,
        };
        statement.bound(&values).map(number).collect()
    }

    #[test]
    fn a_value_that_stands_twice_is_bound_as_the_engine_wants() {
        let template = "a = :version, b = :ttl WHERE c = :version AND d = '12:30' AND e = ::x";
        for (engine, text, bound) in [
            (
                Engine::Postgres,
                "a = $1, b = $2 WHERE c = $1 AND d = '12:30' AND e = ::x",
                vec![Some(1), Some(2)],
            ),
            (
                Engine::MySql,
                "a = ?, b = ? WHERE c = ? AND d = '12:30' AND e = ::x",
                vec![Some(1), Some(2), Some(1)],
            ),
        ] {
            let statement = Statement::new(engine, template);
            assert_eq!(statement.text(), text);
            assert_eq!(places(&statement, 1), bound);
        }
    }

    #[test]
    fn rows_are_bound_one_after_the_other() {
        let row = "(:version, :ttl)";
        for (engine, text) in [
            (Engine::Postgres, "in ($1, $2), ($3, $4), ($5, $6) end"),
            (Engine::Sqlite, "in (?, ?), (?, ?), (?, ?) end"),
        ] {
            let statement = Statement::of_rows(engine, "in ", row, " end", 3);
            assert_eq!(statement.text(), text);
            assert_eq!(statement.rows(), 3);
            let bound = [1, 2, 11, 12, 21, 22].map(Some);
            assert_eq!(places(&statement, 3), bound);
        }
    }
}
