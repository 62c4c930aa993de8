//! Reads one setting after the other out of what was given, and collects what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use super::name::Key;
use super::parse::Parsed;
use super::problem::{Problems, Source};
use super::value::Raw;

/// What a source said about one setting.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) source: Source,
    pub(super) name: &'static str,
    pub(super) value: Raw,
    /// The same setting under other names, or once more under this one, in the same source.
    pub(super) again: Vec<(&'static str, Raw)>,
}

pub(super) struct Reader<'a> {
    given: &'a BTreeMap<Key, Given>,
    refused: BTreeSet<Key>,
    pub(super) problems: Problems,
}

impl<'a> Reader<'a> {
    pub(super) fn new(given: &'a BTreeMap<Key, Given>, problems: Problems) -> Self {
        Self {
            given,
            refused: BTreeSet::new(),
            problems,
        }
    }

    /// The setting as `parse` understands it, or nothing if it is not given or not understood.
    pub(super) fn get<T: PartialEq>(
        &mut self,
        key: Key,
        parse: impl Fn(&Raw) -> Parsed<T>,
    ) -> Option<T> {
        self.get_named(key, |_, raw| parse(raw))
    }

    /// The same for a setting whose names do not all mean the same.
    pub(super) fn get_named<T: PartialEq>(
        &mut self,
        key: Key,
        parse: impl Fn(&'static str, &Raw) -> Parsed<T>,
    ) -> Option<T> {
        let given = self.given.get(&key)?;
        let Given { source, name, .. } = given;
        let value = match parse(name, &given.value) {
            Ok(value) => value,
            Err(wanted) => {
                self.refuse(key, &wanted);
                return None;
            }
        };
        for (other, raw) in &given.again {
            if parse(other, raw).is_ok_and(|again| again == value) {
                continue;
            }
            self.refused.insert(key);
            let secret = key.is_secret();
            let spelled = match other == name {
                true => "is given twice".to_owned(),
                false => format!("and {other} are one setting with two values"),
            };
            self.problems.add(format!(
                "{name} {spelled} ({source}): {} and {}; keep one of them",
                given.value.shown(secret),
                raw.shown(secret),
            ));
        }
        Some(value)
    }

    /// Notes that a given setting is not what it has to be.
    pub(super) fn refuse(&mut self, key: Key, wanted: &str) {
        self.refused.insert(key);
        let Some(given) = self.given.get(&key) else {
            self.problems.add(format!("{}: {wanted}", self.cite(key)));
            return;
        };
        let found = given.value.shown(key.is_secret());
        self.problems
            .add(format!("{} is {found}: {wanted}", self.cite(key)));
    }

    /// Notes that settings contradict each other, unless one of them was refused already.
    pub(super) fn contradict(&mut self, keys: &[Key], problem: String) {
        if !keys.iter().any(|key| self.refused.contains(key)) {
            self.problems.add(problem);
        }
    }

    pub(super) fn is_given(&self, key: Key) -> bool {
        self.given.contains_key(&key)
    }

    /// The name under which a setting was given.
    pub(super) fn name(&self, key: Key) -> &'static str {
        self.given.get(&key).map_or(key.name(), |given| given.name)
    }

    /// Name and source of a setting, for messages.
    pub(super) fn cite(&self, key: Key) -> String {
        match self.given.get(&key) {
            Some(given) => format!("{} ({})", given.name, given.source),
            None => format!("{} (default)", key.name()),
        }
    }
}
