//! Python's dictionary with text for keys.

use std::collections::HashMap;
use std::fmt;

use super::Value;

/// From here on keys are looked up by hash while a map is built.
const SCANNED: usize = 16;

/// Values by name, in the order of insertion as in Python.
///
/// Equal are maps with equal values under equal names, in whatever order.
/// [`get`](Self::get), [`insert`](Self::insert) and [`remove`](Self::remove) look through the names one by
/// one; collecting many entries does not.
#[derive(Clone, Default)]
pub struct Map(Vec<(String, Value)>);

impl Map {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let entry = self.0.iter().find(|(other, _)| other == name)?;
        Some(&entry.1)
    }

    /// Sets a value. A name that is there keeps its place; the old value is returned.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                self.0.push((name, value));
                None
            }
        }
    }

    /// Takes a value out; the order of the others stays.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(at).1)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

impl FromIterator<(String, Value)> for Map {
    /// Of entries with one name the last value stays, in the place of the first.
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(entries: I) -> Self {
        let mut map = Self::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (name, value) in entries {
            if map.len() < SCANNED {
                map.insert(name, value);
                continue;
            }
            if places.is_empty() {
                let names = map.0.iter().enumerate();
                places = names.map(|(at, (name, _))| (name.clone(), at)).collect();
            }
            match places.get(&name) {
                Some(&at) => map.0[at].1 = value,
                None => {
                    places.insert(name.clone(), map.len());
                    map.0.push((name, value));
                }
            }
        }
        map
    }
}

impl IntoIterator for Map {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        if self.0 == other.0 {
            return true;
        }
        let places: HashMap<&str, &Value> = other.iter().collect();
        self.iter()
            .all(|(name, value)| places.get(name).is_some_and(|its| *its == value))
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dict({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_stays_in_the_place_of_the_first() {
        let entries = (0..100).map(|n: i64| ((n % 40).to_string(), Value::from(n)));
        let map: Map = entries.collect();
        assert_eq!(map.len(), 40);
        let names: Vec<_> = map.iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names[39], "39");
        assert_eq!(map.get("3"), Some(&Value::Int(83)));
        assert_eq!(map.get("39"), Some(&Value::Int(79)));
    }

    #[test]
    fn order_does_not_make_maps_differ() {
        let one: Map = [("a".into(), Value::Null), ("b".into(), Value::Bool(true))]
            .into_iter()
            .collect();
        let mut other = Map::new();
        other.insert("b", true);
        other.insert("a", Value::Null);
        assert_eq!(one, other);
        other.insert("a", false);
        assert_ne!(one, other);
    }
}
