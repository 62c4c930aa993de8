//! Which store is chosen, whether the program has it, and the options it is given.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use super::address::{self, Server};
use super::name::Key;
use super::parse::{self, Parsed};
use super::profile::Profile;
use super::reader::Reader;
use super::secret::Secret;
use super::store::{CacheSettings, KINDS, StoreKind, StoreSettings};
use super::value::Raw;

const ENTRIES_MAX: u64 = 1 << 40;
const BYTES_MAX: u64 = 1 << 50;
const FILES_MAX: u64 = 1 << 32;
/// A day: who wants copies for longer wants no back.
const FRESH_MS_MAX: u64 = 86_400_000;
const CREDENTIAL_MAX: usize = 256;

pub(super) enum Chosen {
    Known(StoreKind),
    Other(String),
}

/// Which store is meant, if it is one that the program has.
pub(super) fn choose(reader: &mut Reader<'_>, profile: &Profile, available: &[&str]) -> Chosen {
    let given = reader.get(Key::Store, |raw| plain_name(parse::text(raw)?));
    let refused = reader.is_given(Key::Store) && given.is_none();
    let name = given.unwrap_or_else(|| profile.store.name().to_owned());
    let kind = KINDS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|row| row.1);
    let is_available = |kind: StoreKind| {
        let ours = |known: &&str| KINDS.contains(&(known, kind));
        available.iter().any(ours)
    };
    match kind {
        Some(kind) if is_available(kind) => Chosen::Known(kind),
        Some(kind) => {
            if !refused {
                reader.refuse(Key::Store, &absent(kind, profile, available));
            }
            Chosen::Known(kind)
        }
        None if available.contains(&name.as_str()) => Chosen::Other(name),
        None => {
            let mut known: Vec<&str> = KINDS.iter().map(|(known, _)| *known).collect();
            known.extend(
                available
                    .iter()
                    .filter(|name| !KINDS.iter().any(|row| row.0 == **name)),
            );
            let wanted = format!(
                "no store has this name; the known ones are {}",
                known.join(", ")
            );
            reader.refuse(Key::Store, &wanted);
            Chosen::Known(profile.store)
        }
    }
}

fn absent(kind: StoreKind, profile: &Profile, available: &[&str]) -> String {
    let by_default = match kind == profile.store {
        true => format!(" ({} is what {} defaults to)", kind.name(), profile.name),
        false => String::new(),
    };
    format!(
        "the store {} is not part of this program{by_default}; available are {}",
        kind.name(),
        available.join(", ")
    )
}

/// A store's name without what Django's and Invenio's import paths put around it.
fn plain_name(text: &str) -> Parsed<String> {
    let name = text.trim();
    let path = name
        .strip_prefix("django.contrib.sessions.backends.")
        .or_else(|| name.strip_prefix("invenio_ext.session.backends."));
    let name = path.map_or(name, |path| {
        let path = path.trim_end_matches("Storage");
        path.trim_end_matches([':', '.'])
    });
    let name = name.to_ascii_lowercase();
    if name == "cachelib" {
        return Err(
            "its files are pickled by Python, and unpickling runs what is in them; \
                    use filesystem, which keeps the same sessions in files of its own"
                .to_owned(),
        );
    }
    Ok(name)
}

/// All that the chosen store is told. Options of stores that were not chosen are checked too.
pub(super) fn settings(
    reader: &mut Reader<'_>,
    profile: &Profile,
    chosen: Chosen,
    available: &[&str],
) -> StoreSettings {
    let mut options = Options::read(reader, profile);
    let kind = match chosen {
        Chosen::Known(kind) => kind,
        Chosen::Other(name) => return StoreSettings::Other { name },
    };
    if kind != StoreKind::Tiered {
        return options.of(kind, reader, profile);
    }
    let backs = [
        ("sql", StoreKind::Sql),
        ("sqlalchemy", StoreKind::Sql),
        ("filesystem", StoreKind::FileSystem),
        ("redis", StoreKind::Redis),
        ("memcached", StoreKind::Memcached),
        ("mongodb", StoreKind::MongoDb),
    ];
    let back = reader.get(Key::TieredBack, |raw| parse::word(raw, &backs));
    let back = back.unwrap_or(StoreKind::Sql);
    if !available.iter().any(|name| KINDS.contains(&(name, back))) {
        let missing = absent(back, profile, available);
        reader.contradict(
            &[Key::Store, Key::TieredBack],
            format!(
                "{} is {}: {missing}",
                reader.cite(Key::TieredBack),
                back.name()
            ),
        );
    }
    StoreSettings::Tiered {
        front: options.cache,
        back: Box::new(options.of(back, reader, profile)),
        fresh_for: options.fresh_for,
    }
}

struct Options {
    cache: CacheSettings,
    dir: Option<PathBuf>,
    threshold: Option<NonZeroU64>,
    mode: u32,
    redis: Option<Vec<Secret>>,
    memcached: Option<Vec<Secret>>,
    credentials: Option<(String, Secret)>,
    sql: Option<Secret>,
    table: Option<String>,
    schema: Option<String>,
    mongodb: Option<Secret>,
    database: Option<String>,
    collection: Option<String>,
    fresh_for: Option<Duration>,
}

impl Options {
    fn read(reader: &mut Reader<'_>, profile: &Profile) -> Self {
        let threshold = reader.get(Key::FileThreshold, |raw| parse::count(raw, 0, FILES_MAX));
        Self {
            cache: cache(reader),
            dir: reader.get(Key::FileDir, directory),
            threshold: NonZeroU64::new(threshold.unwrap_or(500)),
            mode: reader.get(Key::FileMode, parse::mode).unwrap_or(0o600),
            redis: reader.get(Key::Redis, |raw| address::several(raw, Server::Redis)),
            memcached: reader.get(Key::Memcached, |raw| {
                address::several(raw, Server::Memcached)
            }),
            credentials: credentials(reader),
            sql: reader.get(Key::Sql, |raw| address::one(raw, Server::Sql)),
            table: Some(
                reader
                    .get(Key::SqlTable, identifier)
                    .unwrap_or_else(|| profile.sql_table.to_owned()),
            ),
            schema: reader.get(Key::SqlSchema, identifier),
            mongodb: reader.get(Key::MongoDb, |raw| address::one(raw, Server::MongoDb)),
            database: reader.get(Key::MongoDbDatabase, identifier),
            collection: reader.get(Key::MongoDbCollection, identifier),
            fresh_for: reader
                .get(Key::TieredFreshFor, |raw| {
                    parse::count(raw, 0, FRESH_MS_MAX)
                })
                .map(Duration::from_millis),
        }
    }

    fn of(&mut self, kind: StoreKind, reader: &mut Reader<'_>, profile: &Profile) -> StoreSettings {
        let local = |address: &str| vec![Secret::new(address)];
        match kind {
            StoreKind::Cache | StoreKind::Tiered => StoreSettings::Cache(self.cache),
            StoreKind::Null => StoreSettings::Null,
            StoreKind::SecureCookie => StoreSettings::SecureCookie {
                form: profile.cookie_form,
            },
            StoreKind::FileSystem => StoreSettings::FileSystem {
                dir: self.dir.take().unwrap_or_else(|| "flask_sessions".into()),
                threshold: self.threshold,
                mode: self.mode,
            },
            StoreKind::Redis => StoreSettings::Redis {
                urls: self
                    .redis
                    .take()
                    .unwrap_or_else(|| local("redis://127.0.0.1:6379")),
            },
            StoreKind::Memcached => StoreSettings::Memcached {
                urls: (self.memcached.take())
                    .unwrap_or_else(|| local("memcached://127.0.0.1:11211")),
                credentials: self.credentials.take(),
            },
            StoreKind::MongoDb => StoreSettings::MongoDb {
                url: (self.mongodb.take())
                    .unwrap_or_else(|| Secret::new("mongodb://127.0.0.1:27017")),
                database: self
                    .database
                    .take()
                    .unwrap_or_else(|| "flask_session".to_owned()),
                collection: self
                    .collection
                    .take()
                    .unwrap_or_else(|| "sessions".to_owned()),
            },
            StoreKind::Sql => {
                if self.sql.is_none() {
                    let store = reader.cite(Key::Store);
                    reader.contradict(
                        &[Key::Sql, Key::Store],
                        format!(
                            "SESSION_SQLALCHEMY is missing, and the store of {store} needs it: \
                             set it to the database's URL, like sqlite:sessions.db"
                        ),
                    );
                }
                StoreSettings::Sql {
                    url: self.sql.take().unwrap_or_else(|| Secret::new("")),
                    table: self.table.take().unwrap_or_default(),
                    schema: self.schema.take(),
                }
            }
        }
    }
}

/// User and password of memcached, both or neither.
fn credentials(reader: &mut Reader<'_>) -> Option<(String, Secret)> {
    let user = reader.get(Key::MemcachedUser, |raw| {
        let text = credential(raw)?;
        match text.contains(' ') {
            true => Err("must be a name without spaces".to_owned()),
            false => Ok(text.to_owned()),
        }
    });
    let password = reader.get(Key::MemcachedPassword, |raw| {
        credential(raw).map(Secret::new)
    });
    match (user, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        (user, _) => {
            let (there, missing) = match user {
                Some(_) => (Key::MemcachedUser, Key::MemcachedPassword),
                None => (Key::MemcachedPassword, Key::MemcachedUser),
            };
            reader.contradict(
                &[Key::MemcachedUser, Key::MemcachedPassword],
                format!(
                    "{} is set and {} is not: memcached wants both; set both or neither",
                    reader.cite(there),
                    missing.name()
                ),
            );
            None
        }
    }
}

fn credential(raw: &Raw) -> Parsed<&str> {
    match parse::text(raw)? {
        text if text.len() > CREDENTIAL_MAX || text.contains(|c: char| c.is_control()) => Err(
            format!("must be at most {CREDENTIAL_MAX} bytes without control characters"),
        ),
        text => Ok(text),
    }
}

fn cache(reader: &mut Reader<'_>) -> CacheSettings {
    let entries = reader.get(Key::MaxEntries, |raw| parse::limit(raw, ENTRIES_MAX));
    let max_entries = entries.unwrap_or(NonZeroU64::new(200_000));
    let protected_entries = reader.get(Key::ProtectedEntries, |raw| {
        parse::count(raw, 1, ENTRIES_MAX)
    });
    let bytes = reader.get(Key::MaxBytes, |raw| match parse::limit(raw, BYTES_MAX) {
        Ok(None) => Ok(None),
        _ => parse::bytes(raw, 1024, BYTES_MAX)
            .map(NonZeroU64::new)
            .map_err(|wanted| format!("{wanted}, or \"unlimited\"")),
    });
    if let (Some(protected), Some(all)) = (protected_entries, max_entries)
        && protected >= all.get()
    {
        let (part, whole) = (
            reader.cite(Key::ProtectedEntries),
            reader.cite(Key::MaxEntries),
        );
        reader.contradict(
            &[Key::MaxEntries, Key::ProtectedEntries],
            format!(
                "{part} is {protected} and {whole} is {all}: nothing is left for sessions \
                 without an owner; state less than the whole"
            ),
        );
    }
    CacheSettings {
        max_entries,
        protected_entries: protected_entries.and_then(NonZeroU64::new),
        max_bytes: bytes.unwrap_or(NonZeroU64::new(256 << 20)),
    }
}

fn directory(raw: &Raw) -> Parsed<PathBuf> {
    match parse::text(raw)? {
        text if text.contains('\0') => Err("must be a directory's path".to_owned()),
        text => Ok(PathBuf::from(text)),
    }
}

/// A name that goes into statements: nothing that would have to be quoted.
fn identifier(raw: &Raw) -> Parsed<String> {
    let text = parse::text(raw)?;
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if starts && text.len() <= 63 && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err(
        "must be a plain name: at most 63 letters, digits and underscores, no digit first"
            .to_owned(),
    )
}
