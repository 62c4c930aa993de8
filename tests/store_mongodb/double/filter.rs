//! Which documents a filter holds for.
//!
//! Comparisons are type-bracketed: a date is neither before nor after a text.
//! <https://www.mongodb.com/docs/manual/reference/method/db.collection.find/#type-bracketing>

use std::cmp::Ordering;

use mongodb::bson::{Bson, Document};

/// Whether `filter` holds for `document`.
///
/// # Panics
/// For operators that are not written here.
pub(super) fn holds(filter: &Document, document: &Document) -> bool {
    filter
        .iter()
        .all(|(field, condition)| match field.as_str() {
            "$or" => branches(condition).any(|branch| holds(branch, document)),
            "$nor" => !branches(condition).any(|branch| holds(branch, document)),
            _ if field.starts_with('$') || field.contains('.') => {
                panic!("no {field} in this double")
            }
            _ => is_met(condition, document.get(field)),
        })
}

fn branches(condition: &Bson) -> impl Iterator<Item = &Document> {
    let branches = condition.as_array().unwrap().iter();
    branches.map(|branch| branch.as_document().unwrap())
}

fn is_met(condition: &Bson, found: Option<&Bson>) -> bool {
    let Some(operators) = condition.as_document() else {
        assert!(
            *condition != Bson::Null,
            "null also means missing; not used here"
        );
        return found.is_some_and(|found| compare(found, condition) == Some(Ordering::Equal));
    };
    let is_operators = operators.keys().all(|name| name.starts_with('$'));
    assert!(
        is_operators && !operators.is_empty(),
        "no comparison of documents here"
    );
    operators.iter().all(|(name, operand)| match name.as_str() {
        "$gt" => found.is_some_and(|found| compare(found, operand) == Some(Ordering::Greater)),
        "$exists" => found.is_some() == operand.as_bool().unwrap(),
        "$type" => match (operand.as_str().unwrap(), found) {
            ("binData", found) => matches!(found, Some(Bson::Binary(_))),
            ("long", found) => matches!(found, Some(Bson::Int64(_))),
            ("string", found) => matches!(found, Some(Bson::String(_))),
            (other, _) => panic!("no type {other} in this double"),
        },
        _ => panic!("no {name} in this double"),
    })
}

/// The order of two values of one type; `None` for different types.
///
/// Binary values are ordered by length, then subtype, then bytes.
/// <https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/#bindata>
pub(super) fn compare(one: &Bson, other: &Bson) -> Option<Ordering> {
    match (one, other) {
        (Bson::Binary(one), Bson::Binary(other)) => {
            let key = |it: &mongodb::bson::Binary| (it.bytes.len(), u8::from(it.subtype));
            Some(
                key(one)
                    .cmp(&key(other))
                    .then_with(|| one.bytes.cmp(&other.bytes)),
            )
        }
        (Bson::String(one), Bson::String(other)) => Some(one.as_bytes().cmp(other.as_bytes())),
        (Bson::DateTime(one), Bson::DateTime(other)) => Some(one.cmp(other)),
        (Bson::ObjectId(one), Bson::ObjectId(other)) => Some(one.cmp(other)),
        _ => Some(whole(one)?.cmp(&whole(other)?)),
    }
}

/// Numbers compare by value whatever their type; none here has a fraction.
fn whole(number: &Bson) -> Option<i64> {
    match number {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        _ => None,
    }
}
