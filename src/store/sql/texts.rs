//! The statements of a store, made once from its table's checked name.
//!
//! Each verb is one statement, and each statement is atomic by itself.

use super::dialect::{Engine, Form};
use super::statement::Statement;
use super::words::Words;

/// What a store asks its database.
pub(super) struct Texts {
    /// Data or NULL, version. One row if the key has a record in time.
    pub(super) load: Statement,
    /// The same, and the milliseconds left.
    pub(super) load_left: Statement,
    pub(super) exists: Statement,
    pub(super) version: Statement,
    /// Inserts, or takes the place of what is not live. MySQL: inserts, or fails as a duplicate.
    pub(super) create: Statement,
    /// The same for a repeated attempt: what equals this write counts as this write.
    pub(super) create_again: Statement,
    /// MySQL only: takes the place of what is not live. The second one is for repeated attempts.
    pub(super) take_over: Option<[Statement; 2]>,
    /// [`Texts::create`] of many rows at once, most rows first. Not for MySQL, whose answer does not
    /// tell how many were created, and not for Python's tables.
    pub(super) create_rows: Vec<Statement>,
    /// Native: inserts or overwrites. Python's: overwrites only, because each attempt to insert would
    /// use up one of the 2^31 numbers that Flask-Session gives its rows.
    pub(super) put: Statement,
    pub(super) replace: Statement,
    pub(super) replace_expected: Statement,
    pub(super) touch: Statement,
    pub(super) remove: Statement,
    pub(super) purge: Statement,
    pub(super) first_page: Statement,
    pub(super) next_page: Statement,
    pub(super) tables: Vec<String>,
    pub(super) table: String,
    pub(super) schema_table: String,
}

/// A store's checked and quoted names.
pub(super) struct Names {
    pub(super) table: String,
    pub(super) index: String,
    pub(super) schema_table: String,
}

/// Rows per statement of a bulk write: few texts, so that all stay prepared.
const ROWS: [usize; 4] = [256, 64, 16, 4];

/// Writes the texts; values longer than `value_max` count as malformed.
pub(super) fn write(engine: Engine, form: Form, names: &Names, value_max: usize) -> Texts {
    let words = Words::new(engine, form, names, value_max);
    let new = |text: String| Statement::new(engine, &text);
    Texts {
        load: new(load(&words, "")),
        load_left: new(load(&words, &format!(", NULL, {}", words.times.left_ms))),
        exists: new(format!("SELECT NULL, NULL {}", from_live(&words))),
        version: new(format!(
            "SELECT NULL, {} {}",
            words.version_or_null(),
            from_live(&words)
        )),
        create: new(create(&words, engine, &words.dead_or_sure("s."))),
        create_again: new(create(&words, engine, &words.dead_or_ours("s."))),
        take_over: (engine == Engine::MySql).then(|| {
            [words.dead_or_sure(""), words.dead_or_ours("")]
                .map(|unless| new(format!("{} AND ({unless})", update(&words))))
        }),
        create_rows: create_rows(&words, engine),
        put: new(put(&words, engine)),
        replace: new(format!("{} AND {}", update(&words), words.live(""))),
        replace_expected: new(format!(
            "{} AND {} AND {}",
            update(&words),
            words.live(""),
            words.is_expected()
        )),
        touch: new(format!(
            "UPDATE {} SET {} = {} WHERE {} AND {}",
            words.table,
            words.expires,
            words.times.end,
            words.key_is(),
            words.live("")
        )),
        remove: new(format!("DELETE {}", from_live(&words))),
        purge: new(purge(&words, engine)),
        first_page: new(page(&words, "")),
        next_page: new(page(&words, &format!(" AND {} > :key", words.key))),
        tables: engine.tables(form, &names.table, &names.index),
        table: names.table.clone(),
        schema_table: names.schema_table.clone(),
    }
}

fn load(words: &Words, more: &str) -> String {
    let Words {
        table,
        data,
        value_max,
        ..
    } = words;
    format!(
        "SELECT CASE WHEN octet_length({data}) <= {value_max} THEN {data} END, {}{more} \
         FROM {table} WHERE {} AND {}",
        words.version_or_null(),
        words.key_is(),
        words.in_time("")
    )
}

fn from_live(words: &Words) -> String {
    format!(
        "FROM {} WHERE {} AND {}",
        words.table,
        words.key_is(),
        words.live("")
    )
}

fn update(words: &Words) -> String {
    format!(
        "UPDATE {} SET {} WHERE {}",
        words.table,
        words.set(),
        words.key_is()
    )
}

fn create(words: &Words, engine: Engine, unless: &str) -> String {
    let Words { table, key, .. } = words;
    let (columns, values) = (words.columns(), words.values());
    match engine {
        Engine::MySql => format!("INSERT INTO {table} ({columns}) VALUES {values}"),
        Engine::Sqlite | Engine::Postgres => format!(
            "INSERT INTO {table} AS s ({columns}) VALUES {values} \
             ON CONFLICT ({key}) DO UPDATE SET {} WHERE {unless}",
            words.set()
        ),
    }
}

fn create_rows(words: &Words, engine: Engine) -> Vec<Statement> {
    let Words {
        table,
        key,
        data,
        expires,
        ..
    } = words;
    match (engine, &words.version) {
        (Engine::Sqlite | Engine::Postgres, Some(version)) => {
            let head = format!("INSERT INTO {table} AS s ({}) VALUES ", words.columns());
            let tail = format!(
                " ON CONFLICT ({key}) DO UPDATE SET {data} = excluded.{data}, \
                 {version} = excluded.{version}, {expires} = excluded.{expires} \
                 WHERE {} OR s.{version} = excluded.{version}",
                words.dead("s.")
            );
            let row = words.values();
            ROWS.map(|rows| Statement::of_rows(engine, &head, &row, &tail, rows))
                .into()
        }
        _ => Vec::new(),
    }
}

fn put(words: &Words, engine: Engine) -> String {
    let Words {
        table,
        key,
        data,
        expires,
        ..
    } = words;
    let (columns, values) = (words.columns(), words.values());
    match (engine, &words.version) {
        (_, None) => update(words),
        (Engine::MySql, Some(version)) => format!(
            "INSERT INTO {table} ({columns}) VALUES {values} ON DUPLICATE KEY UPDATE \
             {data} = VALUES({data}), {version} = VALUES({version}), {expires} = VALUES({expires})"
        ),
        (Engine::Sqlite | Engine::Postgres, Some(_)) => format!(
            "INSERT INTO {table} ({columns}) VALUES {values} ON CONFLICT ({key}) DO UPDATE SET {}",
            words.set()
        ),
    }
}

fn purge(words: &Words, engine: Engine) -> String {
    let Words {
        table,
        row,
        expires,
        ..
    } = words;
    let ended = format!(
        "{expires} <= {} ORDER BY {expires} LIMIT :limit",
        words.times.now_once
    );
    // Rows that somebody is just changing are left for the next call.
    let lock = match engine {
        Engine::MySql => return format!("DELETE FROM {table} WHERE {ended}"),
        Engine::Postgres => " FOR UPDATE SKIP LOCKED",
        Engine::Sqlite => "",
    };
    format!("DELETE FROM {table} WHERE {row} IN (SELECT {row} FROM {table} WHERE {ended}{lock})")
}

fn page(words: &Words, after: &str) -> String {
    let Words {
        table, key, data, ..
    } = words;
    format!(
        "SELECT {data}, {}, {key}, {} FROM {table} WHERE {}{after} ORDER BY {key} LIMIT :limit",
        words.version_or_null(),
        words.times.left_ms,
        words.live("")
    )
}
