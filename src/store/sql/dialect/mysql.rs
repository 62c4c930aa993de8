//! MySQL's and MariaDB's words, in a session whose time zone is UTC and whose mode is strict.
//!
//! `SYSDATE` goes on while a statement waits for a row's lock, where `NOW` stands still; a server
//! started with `--sysdate-is-now` gives this up. No `UNIX_TIMESTAMP`: it ends in 2038 on many
//! servers.

use super::{Form, Times};

pub(super) fn times(form: Form) -> Times {
    match form {
        Form::Native => Times {
            now: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(3)) DIV 1000)",
            now_once: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)",
            end: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(3)) DIV 1000) + :ttl",
            left_ms: "`expires_ms` - TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(3)) DIV 1000",
        },
        Form::FlaskSession => Times {
            now: "SYSDATE(6)",
            now_once: "UTC_TIMESTAMP(6)",
            end: "TIMESTAMPADD(MICROSECOND, :ttl * 1000, SYSDATE(6))",
            left_ms: "TIMESTAMPDIFF(MICROSECOND, SYSDATE(6), `expiry`) DIV 1000",
        },
        Form::Django => Times {
            left_ms: "TIMESTAMPDIFF(MICROSECOND, SYSDATE(6), `expire_date`) DIV 1000",
            ..times(Form::FlaskSession)
        },
    }
}

/// Of Python's tables, ours are better than what Python makes: keys that differ by letter case are
/// two, ends have fractions of a second, and Flask-Session's data may exceed 64 KiB.
pub(super) fn tables(form: Form, table: &str, index: &str) -> Vec<String> {
    let columns = match form {
        Form::Native => format!(
            "`key` VARBINARY(256) NOT NULL PRIMARY KEY,
            `data` LONGBLOB NOT NULL,
            `version` BIGINT NOT NULL,
            `expires_ms` BIGINT NULL,
            INDEX {index} (`expires_ms`)"
        ),
        Form::FlaskSession => "id INTEGER NOT NULL AUTO_INCREMENT,
            session_id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin,
            data LONGBLOB,
            expiry DATETIME(6),
            PRIMARY KEY (id),
            UNIQUE (session_id)"
            .to_owned(),
        Form::Django => format!(
            "session_key varchar(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
            session_data longtext CHARACTER SET utf8mb4 NOT NULL,
            expire_date datetime(6) NOT NULL,
            INDEX {index} (expire_date)"
        ),
    };
    vec![format!(
        "CREATE TABLE IF NOT EXISTS {table} ({columns}) ENGINE = InnoDB"
    )]
}
