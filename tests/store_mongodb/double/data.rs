//! Collections, their indexes, and the commands that touch them.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use mongodb::bson::{Bson, DateTime, Document, doc};

use super::{change, filter};

/// A batch of a cursor is not larger than a message may be.
const BATCH_MAX: usize = 16 << 20;

#[derive(Default)]
pub(super) struct Data {
    collections: HashMap<String, Vec<Document>>,
    indexes: HashMap<String, Vec<Document>>,
    /// The answers to writes with a number, for when they are sent again.
    pub(super) answered: HashMap<String, Document>,
}

/// The commands' arrays of documents.
fn items<'c>(command: &'c Document, name: &str) -> impl Iterator<Item = &'c Document> {
    let items = command.get_array(name).unwrap().iter();
    items.map(|item| item.as_document().unwrap())
}

impl Data {
    pub(super) fn documents(&mut self, namespace: &str) -> &mut Vec<Document> {
        self.collections.entry(namespace.to_owned()).or_default()
    }

    pub(super) fn find(&mut self, namespace: &str, command: &Document) -> Vec<Document> {
        let condition = command.get_document("filter").unwrap();
        let found = self.documents(namespace).iter();
        let mut found: Vec<_> = found
            .filter(|it| filter::holds(condition, it))
            .cloned()
            .collect();
        if let Ok(sort) = command.get_document("sort") {
            let (field, _) = sort.iter().next().unwrap();
            found.sort_by(|one, other| match (one.get(field), other.get(field)) {
                (Some(one), Some(other)) => filter::compare(one, other).unwrap_or(Ordering::Equal),
                _ => Ordering::Equal,
            });
        }
        let most = match command.get("limit") {
            Some(Bson::Int64(most)) => usize::try_from(*most).unwrap(),
            Some(Bson::Int32(most)) => usize::try_from(*most).unwrap(),
            _ => found.len(),
        };
        found.truncate(most);
        let mut bytes = 0;
        let mut batch = Vec::new();
        for document in found {
            bytes += document.to_vec().unwrap().len();
            if bytes > BATCH_MAX && !batch.is_empty() {
                assert!(
                    command.get_bool("singleBatch").unwrap_or(false),
                    "no getMore in this double"
                );
                break;
            }
            batch.push(document);
        }
        batch
    }

    pub(super) fn write(&mut self, name: &str, namespace: &str, command: &Document) -> Document {
        let outcome = match name {
            "insert" => items(command, "documents").try_fold(0, |count, document| {
                self.insert(namespace, document.clone()).map(|()| count + 1)
            }),
            "delete" => Ok(items(command, "deletes")
                .map(|item| self.delete(namespace, item))
                .sum()),
            _ => return self.update(namespace, items(command, "updates").next().unwrap()),
        };
        outcome.map_or_else(
            |refusal| refusal,
            |count: i32| doc! { "n": count, "ok": 1.0 },
        )
    }

    fn insert(&mut self, namespace: &str, document: Document) -> Result<(), Document> {
        let unique = self.indexes.entry(namespace.to_owned()).or_default().iter();
        let unique = unique.filter(|index| index.get_bool("unique").unwrap_or(false));
        let fields = unique.map(|index| {
            index
                .get_document("key")
                .unwrap()
                .keys()
                .next()
                .unwrap()
                .clone()
        });
        for field in fields.chain(["_id".to_owned()]).collect::<Vec<_>>() {
            let value = document.get(&field);
            let same = |other: &&Document| match (other.get(&field), value) {
                (Some(other), Some(value)) => {
                    filter::compare(other, value) == Some(Ordering::Equal)
                }
                _ => false,
            };
            if self.documents(namespace).iter().any(|other| same(&other)) {
                // As MongoDB does it, with the key in plain sight.
                let text = format!("E11000 duplicate key error dup key: {{ {field}: {value:?} }}");
                let error = doc! {
                    "index": 0, "code": 11000, "errmsg": text,
                    "keyPattern": { &field: 1 }, "keyValue": { &field: value.cloned() },
                };
                return Err(doc! { "n": 0, "writeErrors": [error], "ok": 1.0 });
            }
        }
        self.documents(namespace).push(document);
        Ok(())
    }

    fn delete(&mut self, namespace: &str, item: &Document) -> i32 {
        let condition = item.get_document("q").unwrap();
        let documents = self.documents(namespace);
        let at = documents
            .iter()
            .position(|document| filter::holds(condition, document));
        at.map_or(0, |at| {
            documents.remove(at);
            1
        })
    }

    fn update(&mut self, namespace: &str, item: &Document) -> Document {
        let condition = item.get_document("q").unwrap();
        let update = item.get_document("u").unwrap();
        let mut found = self.documents(namespace).iter_mut();
        if let Some(document) = found.find(|it| filter::holds(condition, it)) {
            let before = document.clone();
            change::apply(update, document, false);
            let modified = i32::from(*document != before);
            return doc! { "n": 1, "nModified": modified, "ok": 1.0 };
        }
        if !item.get_bool("upsert").unwrap_or(false) {
            return doc! { "n": 0, "nModified": 0, "ok": 1.0 };
        }
        let document = change::born_of(condition, update);
        let id = document.get("_id").cloned();
        match self.insert(namespace, document) {
            Ok(()) => doc! {
                "n": 1, "nModified": 0, "upserted": [{ "index": 0, "_id": id }], "ok": 1.0,
            },
            Err(refusal) => refusal,
        }
    }

    /// <https://www.mongodb.com/docs/manual/reference/command/createIndexes/>: the same index again is
    /// no change, the same name with other options is a conflict.
    pub(super) fn create_indexes(
        &mut self,
        namespace: &str,
        command: &Document,
    ) -> Result<(), i32> {
        let indexes = self.indexes.entry(namespace.to_owned()).or_default();
        for index in items(command, "indexes") {
            let there = indexes
                .iter()
                .find(|it| it.get("name") == index.get("name"));
            match there {
                Some(there) if there.get("key") != index.get("key") => return Err(86),
                Some(there)
                    if there.get("expireAfterSeconds").map(seconds)
                        != index.get("expireAfterSeconds").map(seconds) =>
                {
                    return Err(85);
                }
                Some(_) => {}
                None => indexes.push(index.clone()),
            }
        }
        Ok(())
    }

    /// What the server does once a minute: documents whose date lies so many seconds back go; what has
    /// no date stays. <https://www.mongodb.com/docs/manual/core/index-ttl/>
    pub(super) fn remove_ended(&mut self, ahead: Duration) -> usize {
        let mut removed = 0;
        for (namespace, indexes) in &self.indexes {
            let Some(documents) = self.collections.get_mut(namespace) else {
                continue;
            };
            for index in indexes {
                let Some(after) = index.get("expireAfterSeconds").map(seconds) else {
                    continue;
                };
                let field = index.get_document("key").unwrap().keys().next().unwrap();
                let now = DateTime::from_system_time(SystemTime::now() + ahead).timestamp_millis();
                let before = documents.len();
                documents.retain(|document| {
                    let end = document.get_datetime(field);
                    !end.is_ok_and(|end| end.timestamp_millis() + after * 1000 <= now)
                });
                removed += before - documents.len();
            }
        }
        removed
    }
}

/// Drivers send whole seconds as one number type or the other.
fn seconds(number: &Bson) -> i64 {
    match number {
        Bson::Int32(number) => i64::from(*number),
        Bson::Int64(number) => *number,
        other => panic!("{other:?} is no number of seconds"),
    }
}
