//! Where values come from: variables, documents, files, other deserializers.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use zeroize::Zeroizing;

use super::Config;
use super::name::{Key, Meaning, Scope, look_up, nearest};
use super::problem::{Source, quoted};
use super::reader::Given;
use super::value::Raw;

/// Larger documents are refused.
const DOCUMENT_MAX: usize = 1 << 20;
/// Variables beyond so many are not looked at.
const PAIRS_MAX: usize = 65_536;

/// Tables that are ours alone, wherever a document has them.
const OWN_TABLES: &[&str] = &["session", "tipfy.ext.session", "tipfy.sessions"];
/// Tables that only lead to those.
const PATHS: &[&str] = &["tipfy", "tipfy.ext"];

impl Config {
    /// Takes the known keys from variables, [`std::env::vars_os`] or any other pairs.
    ///
    /// Names are taken as they are, without change of case. An empty variable counts as absent,
    /// but for `SESSION_KEY_PREFIX`, which may be empty. Of other programs' variables only those
    /// that begin with `SESSION_` or `PERMANENT_SESSION_` are looked at, and are errors; the
    /// desktop's `SESSION_MANAGER` is not. Looks at 65,536 pairs at most.
    pub fn env<I, N, V>(mut self, pairs: I) -> Self
    where
        I: IntoIterator<Item = (N, V)>,
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let text = |value: OsString| value.into_string().map_or(Raw::NotText, Raw::text);
        let entries = pairs
            .into_iter()
            .take(PAIRS_MAX)
            .filter_map(|(name, value)| Some((name.into().into_string().ok()?, value)))
            .filter(|(name, _)| look_up(name, Scope::Environment) != Meaning::Stranger)
            .map(|(name, value)| (name, text(value.into())))
            .collect();
        let mut batch = Batch::new(Source::Environment);
        batch.entries(&mut self, entries, "", Scope::Environment);
        self.absorb(batch);
        self
    }

    /// Takes the known keys from a TOML document.
    ///
    /// They may stand at its top, or in a table `[session]`, where short names hold too (`type`
    /// for `SESSION_TYPE`), or in tipfy's tables. Names are taken in any case. What belongs to
    /// others is left alone, except for names that begin with `SESSION_`, or differ from a known
    /// one by a slip of the finger: these are errors. At most 1 MiB.
    pub fn toml(self, text: &str) -> Self {
        self.document(text, Source::Toml, Syntax::Toml)
    }

    /// Takes the known keys from a JSON object, as [`Config::toml`] does; `null` counts as absent.
    pub fn json(self, text: &str) -> Self {
        self.document(text, Source::Json, Syntax::Json)
    }

    /// Takes the known keys from a file that ends in `.toml` or `.json`.
    ///
    /// Reads it at once, blocking, at most 1 MiB; a file that cannot be read is a problem that
    /// [`Config::resolve`] reports.
    pub fn file(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let source = Source::File(path.display().to_string());
        let extension = path.extension().and_then(|extension| extension.to_str());
        let syntax = match extension {
            Some("toml") => Syntax::Toml,
            Some("json") => Syntax::Json,
            _ => {
                self.problems
                    .add(format!("{source}: its name must end in .toml or .json"));
                return self;
            }
        };
        match read(path) {
            Ok(text) => self.document(&text, source, syntax),
            Err(error) => {
                self.problems.add(format!(
                    "{source} cannot be read: {error}; mend the path or the permissions"
                ));
                self
            }
        }
    }

    fn document(mut self, text: &str, source: Source, syntax: Syntax) -> Self {
        if text.len() > DOCUMENT_MAX {
            self.problems.add(format!(
                "{source}: has more than {DOCUMENT_MAX} bytes; that is no configuration"
            ));
            return self;
        }
        match syntax.parse(text) {
            Ok(Raw::Table(entries)) => {
                let mut batch = Batch::new(source);
                batch.entries(&mut self, entries, "", Scope::Document);
                self.absorb(batch);
            }
            Ok(_) => self
                .problems
                .add(format!("{source}: must be an object of keys and values")),
            Err(wrong) => self.problems.add(format!("{source}: {wrong}")),
        }
        self
    }

    /// Lays a source's values over what was given before, where their rank allows it.
    pub(super) fn absorb(&mut self, batch: Batch) {
        for (key, given) in batch.given {
            let old = self.given.get(&key);
            if old.is_none_or(|old| old.source.rank() <= given.source.rank()) {
                self.given.insert(key, given);
            }
        }
    }
}

/// One source's values, so that two names of one setting are noticed within it.
pub(super) struct Batch {
    source: Source,
    given: Vec<(Key, Given)>,
}

impl Batch {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            given: Vec::new(),
        }
    }

    pub(super) fn entries(
        &mut self,
        config: &mut Config,
        entries: Vec<(String, Raw)>,
        path: &str,
        scope: Scope,
    ) {
        for (name, value) in entries {
            let full = match path {
                "" => name,
                _ => format!("{path}.{name}"),
            };
            self.entry(config, &full, value, scope);
        }
    }

    fn entry(&mut self, config: &mut Config, name: &str, value: Raw, scope: Scope) {
        if scope != Scope::Environment {
            let own = OWN_TABLES.contains(&name);
            if let Raw::Table(entries) = value {
                if own {
                    return self.entries(config, entries, "", Scope::Own);
                } else if PATHS.contains(&name) {
                    return self.entries(config, entries, name, scope);
                } else if name == "cookie_args" {
                    return self.entries(config, entries, name, Scope::Own);
                }
                return self.known(config, name, Raw::Table(Vec::new()), scope);
            }
        }
        self.known(config, name, value, scope);
    }

    fn known(&mut self, config: &mut Config, name: &str, value: Raw, scope: Scope) {
        let source = &self.source;
        match look_up(name, scope) {
            Meaning::Stranger => {}
            Meaning::Unknown => {
                // Not the value: a mistyped SECRET_KEY holds a secret too.
                config.problems.add_with(|| {
                    let known = nearest(name);
                    format!(
                        "{} ({source}) is no known key: did you mean {known}? Mend the name or \
                         remove it",
                        quoted(name)
                    )
                });
            }
            Meaning::PythonOnly(name, harmless, advice) => {
                let is_harmless = match &value {
                    Raw::Text(text) => text.trim_matches(['"', '\'']) == harmless,
                    _ => false,
                };
                if !is_harmless && !value.is_absent(false) {
                    config.problems.add(format!(
                        "{name} ({source}) is {}: it names an object of Python, which cannot be \
                         taken over; {advice}",
                        value.shown(true)
                    ));
                }
            }
            Meaning::Ours(name, key) => {
                if value.is_absent(key.may_be_empty()) {
                    return;
                }
                match self.given.iter_mut().find(|(other, _)| *other == key) {
                    Some((_, given)) => given.again.push((name, value)),
                    None => self.given.push((
                        key,
                        Given {
                            source: self.source.clone(),
                            name,
                            value,
                            again: Vec::new(),
                        },
                    )),
                }
            }
        }
    }
}

enum Syntax {
    Toml,
    Json,
}

impl Syntax {
    /// The document, or where it is broken. The parsers' own words could repeat a secret.
    fn parse(&self, text: &str) -> Result<Raw, String> {
        match self {
            Self::Toml => toml::from_str(text).map_err(|error| {
                let start = error.span().map_or(0, |span| span.start);
                let line = text
                    .bytes()
                    .take(start)
                    .filter(|byte| *byte == b'\n')
                    .count()
                    + 1;
                format!("is no valid TOML at line {line}; mend the syntax there")
            }),
            Self::Json => serde_json::from_str(text).map_err(|error| {
                format!(
                    "is no valid JSON at line {}; mend the syntax there",
                    error.line()
                )
            }),
        }
    }
}

fn read(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let bound = DOCUMENT_MAX as u64 + 1;
    File::open(path)?.take(bound).read_to_string(&mut text)?;
    Ok(text)
}

/// Reads a table that is the crate's alone, such as `session` in an application's own settings:
/// short and lower-case names hold, and every unknown one is a problem. Problems are kept for
/// [`Config::resolve`]; only a broken document fails here.
impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table;

        impl<'de> Visitor<'de> for Table {
            type Value = Vec<(String, Raw)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of session settings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }

        let entries = deserializer.deserialize_map(Table)?;
        let mut config = Self::new();
        let mut batch = Batch::new(Source::Serde);
        batch.entries(&mut config, entries, "", Scope::Own);
        config.absorb(batch);
        Ok(config)
    }
}
