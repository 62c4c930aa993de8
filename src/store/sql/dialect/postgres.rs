//! PostgreSQL's words. `clock_timestamp()` goes on while a statement waits for a row's lock, where
//! `now()` stands still: a record that ended during the wait has ended.

use super::{Form, Times};

pub(super) fn times(form: Form) -> Times {
    match form {
        Form::Native => Times {
            now: "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)",
            now_once: "(SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint))",
            end: "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint) + :ttl",
            left_ms: r#""expires_ms" - CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)"#,
        },
        // SQLAlchemy's DateTime: without a zone, and Flask-Session means UTC.
        Form::FlaskSession => Times {
            now: "(clock_timestamp() AT TIME ZONE 'UTC')",
            now_once: "(SELECT clock_timestamp() AT TIME ZONE 'UTC')",
            end: "(clock_timestamp() AT TIME ZONE 'UTC') + :ttl * interval '1 millisecond'",
            left_ms: r#"CAST(floor(extract(epoch FROM "expiry" - (clock_timestamp() AT TIME ZONE 'UTC')) * 1000) AS bigint)"#,
        },
        Form::Django => Times {
            now: "clock_timestamp()",
            now_once: "(SELECT clock_timestamp())",
            end: "clock_timestamp() + :ttl * interval '1 millisecond'",
            left_ms: r#"CAST(floor(extract(epoch FROM "expire_date" - clock_timestamp()) * 1000) AS bigint)"#,
        },
    }
}

pub(super) fn tables(form: Form, table: &str, index: &str) -> Vec<String> {
    match form {
        Form::Native => vec![
            format!(
                r#"CREATE TABLE IF NOT EXISTS {table} (
                "key" bytea NOT NULL PRIMARY KEY,
                "data" bytea NOT NULL,
                "version" bigint NOT NULL,
                "expires_ms" bigint)"#
            ),
            format!(r#"CREATE INDEX IF NOT EXISTS {index} ON {table} ("expires_ms")"#),
        ],
        Form::FlaskSession => vec![format!(
            r#"CREATE TABLE IF NOT EXISTS {table} (
            id SERIAL NOT NULL,
            session_id VARCHAR(255),
            data BYTEA,
            expiry TIMESTAMP WITHOUT TIME ZONE,
            PRIMARY KEY (id),
            UNIQUE (session_id))"#
        )],
        Form::Django => vec![
            format!(
                r#"CREATE TABLE IF NOT EXISTS {table} (
                "session_key" varchar(40) NOT NULL PRIMARY KEY,
                "session_data" text NOT NULL,
                "expire_date" timestamp with time zone NOT NULL)"#
            ),
            format!(r#"CREATE INDEX IF NOT EXISTS {index} ON {table} ("expire_date")"#),
        ],
    }
}
