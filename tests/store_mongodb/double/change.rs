//! What an update makes of a document.

use mongodb::bson::Document;

/// Carries out an update of operators, or replaces all but `_id`.
///
/// # Panics
/// For operators that are not written here.
pub(super) fn apply(update: &Document, document: &mut Document, is_new: bool) {
    if !update.keys().any(|name| name.starts_with('$')) {
        let id = document.remove("_id");
        let mut replacement = Document::new();
        replacement.extend(id.map(|id| ("_id".to_owned(), id)));
        replacement.extend(update.clone());
        *document = replacement;
        return;
    }
    for (name, fields) in update {
        let fields = fields.as_document().unwrap();
        // Two operators on one field are a conflict to MongoDB.
        for (other, others) in update.iter().filter(|(other, _)| *other != name) {
            let shared = fields
                .keys()
                .find(|field| others.as_document().unwrap().contains_key(*field));
            assert!(shared.is_none(), "{name} and {other} on one field");
        }
        match name.as_str() {
            "$set" => document.extend(fields.clone()),
            "$setOnInsert" if is_new => document.extend(fields.clone()),
            "$setOnInsert" => {}
            "$unset" => fields.keys().for_each(|field| drop(document.remove(field))),
            _ => panic!("no {name} in this double"),
        }
    }
}

/// What an upsert inserts: the values that the filter demands, then the update.
pub(super) fn born_of(filter: &Document, update: &Document) -> Document {
    let mut document = Document::new();
    for (field, condition) in filter {
        if !field.starts_with('$') && condition.as_document().is_none() {
            document.insert(field, condition.clone());
        }
    }
    apply(update, &mut document, true);
    if !document.contains_key("_id") {
        document.insert("_id", mongodb::bson::oid::ObjectId::new());
    }
    document
}
