//! The phrases that a store's statements are made of: its columns, quoted, and its conditions.
//!
//! Two conditions occur in all statements: *in time*, which is about the end, and *live*, which is what
//! every verb means by a record: in time and not too long to be loaded. What is not live is *dead*.
//! `of` is what stands before a column where two tables are spoken of: `s.` for the stored row.

use super::dialect::{Engine, Form, Times};
use super::texts::Names;

pub(super) struct Words {
    engine: Engine,
    form: Form,
    pub(super) table: String,
    pub(super) row: String,
    pub(super) key: String,
    pub(super) data: String,
    /// Python's tables have none.
    pub(super) version: Option<String>,
    pub(super) expires: String,
    pub(super) times: Times,
    pub(super) value_max: usize,
}

impl Words {
    pub(super) fn new(engine: Engine, form: Form, names: &Names, value_max: usize) -> Self {
        let columns = form.columns();
        Self {
            engine,
            form,
            table: names.table.clone(),
            row: engine.quote(columns.row),
            key: engine.quote(columns.key),
            data: engine.quote(columns.data),
            version: columns.version.map(|version| engine.quote(version)),
            expires: engine.quote(columns.expires),
            times: engine.times(form),
            value_max,
        }
    }

    pub(super) fn in_time(&self, of: &str) -> String {
        let (expires, now) = (&self.expires, self.times.now);
        match self.form {
            Form::Native => format!("({of}{expires} IS NULL OR {of}{expires} > {now})"),
            Form::FlaskSession | Form::Django => format!("{of}{expires} > {now}"),
        }
    }

    pub(super) fn live(&self, of: &str) -> String {
        let (data, value_max) = (&self.data, self.value_max);
        let in_time = self.in_time(of);
        format!("({in_time} AND octet_length({of}{data}) <= {value_max})")
    }

    /// Not live; what has no end or no data in a table of Python is dead too.
    pub(super) fn dead(&self, of: &str) -> String {
        format!("{} IS NOT TRUE", self.live(of))
    }

    /// Dead, or surely this write's own first attempt: it has the version that was drawn for it.
    pub(super) fn dead_or_sure(&self, of: &str) -> String {
        match &self.version {
            Some(version) => format!("{} OR {of}{version} = :version", self.dead(of)),
            None => self.dead(of),
        }
    }

    /// Dead, or this write's own first attempt as far as can be known.
    pub(super) fn dead_or_ours(&self, of: &str) -> String {
        match &self.version {
            Some(_) => self.dead_or_sure(of),
            None => format!("{} OR {}", self.dead(of), self.data_is(of, ":data")),
        }
    }

    pub(super) fn key_is(&self) -> String {
        let key = &self.key;
        match (self.engine, self.form) {
            // Columns that others made may compare letters without their case, or their accents.
            (Engine::MySql, Form::FlaskSession | Form::Django) => {
                format!("{key} = :key AND CAST({key} AS BINARY) = :key")
            }
            _ => format!("{key} = :key"),
        }
    }

    fn data_is(&self, of: &str, place: &str) -> String {
        let data = &self.data;
        match self.engine {
            Engine::MySql if self.form.is_text() => format!(
                "CAST(CONVERT({of}{data} USING utf8mb4) AS BINARY) = CAST({place} AS BINARY)"
            ),
            _ => format!("{of}{data} = {place}"),
        }
    }

    /// What a replace expects is there, or what it writes itself: an earlier attempt arrived.
    pub(super) fn is_expected(&self) -> String {
        match &self.version {
            Some(version) => format!("{version} IN (:expected, :version)"),
            None => self.data_is("", ":expected"),
        }
    }

    pub(super) fn version_or_null(&self) -> &str {
        self.version.as_deref().unwrap_or("NULL")
    }

    /// The columns of [`Words::values`].
    pub(super) fn columns(&self) -> String {
        let (key, data, expires) = (&self.key, &self.data, &self.expires);
        match &self.version {
            Some(version) => format!("{key}, {data}, {version}, {expires}"),
            None => format!("{key}, {data}, {expires}"),
        }
    }

    pub(super) fn values(&self) -> String {
        let end = self.times.end;
        match self.version {
            Some(_) => format!("(:key, :data, :version, {end})"),
            None => format!("(:key, :data, {end})"),
        }
    }

    /// Everything but the key is written anew.
    pub(super) fn set(&self) -> String {
        let (data, expires, end) = (&self.data, &self.expires, self.times.end);
        match &self.version {
            Some(version) => {
                format!("{data} = :data, {version} = :version, {expires} = {end}")
            }
            None => format!("{data} = :data, {expires} = {end}"),
        }
    }
}
