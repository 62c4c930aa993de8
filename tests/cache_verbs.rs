//! Every verb of the cache, seen from outside.

use std::time::Duration;

use bytes::Bytes;
use sessile::{Cache, ErrorKind, Key, ManualClock, Replaced, Terms, TimeToLive};

const MINUTE: Duration = Duration::from_secs(60);

fn cache() -> Cache {
    Cache::builder()
        .unlimited_entries()
        .clock(ManualClock::new())
        .build()
        .expect("nothing is limited")
}

#[test]
fn insert_is_an_upsert_and_each_write_has_its_own_version() {
    let cache = cache();
    let first = cache.insert("id", "one", MINUTE).unwrap();
    let second = cache.insert("id", "two", MINUTE).unwrap();
    assert_ne!(first, second);
    let (value, version) = cache.get_versioned("id").unwrap();
    assert_eq!((&value[..], version), (&b"two"[..], second));
    assert_eq!(cache.len(), 1);
    assert!(cache.remove("id"));
    let third = cache.insert("id", "two", MINUTE).unwrap();
    assert!(third != first && third != second);
}

#[test]
fn insert_if_absent_leaves_a_live_entry_alone() {
    let cache = cache();
    let version = cache.insert_if_absent("id", "one", MINUTE).unwrap();
    assert_eq!(
        cache.insert_if_absent("id", "two", 2 * MINUTE).unwrap(),
        None
    );
    let (value, kept) = cache.get_versioned("id").unwrap();
    assert_eq!((&value[..], Some(kept)), (&b"one"[..], version));
    assert_eq!(cache.time_to_live("id"), Some(TimeToLive::Left(MINUTE)));
}

#[test]
fn replace_tells_done_gone_and_conflict_apart() {
    let cache = cache();
    assert_eq!(
        cache.replace("id", "0", MINUTE, None).unwrap(),
        Replaced::Gone
    );
    assert!(!cache.contains("id"), "a replace brings nothing into being");
    let first = cache.insert("id", "1", MINUTE).unwrap();
    let Replaced::Done(second) = cache.replace("id", "2", MINUTE, Some(first)).unwrap() else {
        panic!("nobody wrote in between");
    };
    let late = cache.replace("id", "3", MINUTE, Some(first)).unwrap();
    assert_eq!(late, Replaced::Conflict(second));
    assert_eq!(cache.get("id").as_deref(), Some(&b"2"[..]));
    let forced = cache.replace("id", "4", MINUTE, None).unwrap();
    assert!(matches!(forced, Replaced::Done(_)));
    assert_eq!(cache.take("id").as_deref(), Some(&b"4"[..]));
    assert_eq!(
        cache.replace("id", "5", MINUTE, Some(second)).unwrap(),
        Replaced::Gone
    );
}

#[test]
fn remove_and_take_succeed_once() {
    let cache = cache();
    cache.insert("a", "1", MINUTE).unwrap();
    cache.insert("b", "2", MINUTE).unwrap();
    assert!(cache.remove("a") && !cache.remove("a"));
    assert_eq!(cache.take("b").as_deref(), Some(&b"2"[..]));
    assert_eq!(cache.take("b"), None);
    assert!(cache.is_empty());
    assert_eq!(cache.bytes(), 0);
}

#[test]
fn two_readers_share_one_buffer() {
    let cache = cache();
    for len in [0_usize, 1, 200, 1024, 1025, 4000, 1 << 20] {
        cache.insert("id", vec![7; len], MINUTE).unwrap();
        let (a, b) = (cache.get("id").unwrap(), cache.get("id").unwrap());
        assert_eq!(a.len(), len);
        assert_eq!(a.as_ptr(), b.as_ptr(), "{len}");
        let inside = cache.get_with("id", |value| value.as_ptr().addr());
        if len > 0 {
            assert_eq!(inside, Some(a.as_ptr().addr()), "{len}");
        }
        let touched = cache.get_and_touch("id", MINUTE).unwrap();
        assert_eq!(touched.as_ptr(), a.as_ptr());
        let (versioned, _) = cache.get_versioned("id").unwrap();
        assert_eq!(versioned.as_ptr(), a.as_ptr());
        assert_eq!(
            cache.get_many(&["id".into()])[0].as_ref().unwrap().as_ptr(),
            a.as_ptr()
        );
        assert_eq!(cache.iter().next().unwrap().value.as_ptr(), a.as_ptr());
        assert_eq!(cache.take("id").unwrap().as_ptr(), a.as_ptr());
    }
}

#[test]
fn a_large_value_is_kept_as_it_came_and_a_small_slice_does_not_keep_its_parent() {
    let cache = cache();
    let large = Bytes::from(vec![1; 1025]);
    cache.insert("large", large.clone(), MINUTE).unwrap();
    assert_eq!(cache.get("large").unwrap().as_ptr(), large.as_ptr());
    let parent = Bytes::from(vec![2; 1 << 20]);
    cache
        .insert("slice", parent.slice(10..110), MINUTE)
        .unwrap();
    assert!(
        parent.is_unique(),
        "the slice was copied, the parent is free"
    );
    assert_eq!(cache.get("slice").unwrap(), [2; 100][..]);
    drop(cache);
    assert!(large.is_unique());
}

#[test]
fn a_reader_keeps_its_value_whatever_becomes_of_the_entry() {
    let cache = cache();
    for len in [3, 5000] {
        cache.insert("id", vec![1; len], MINUTE).unwrap();
        let held = cache.get("id").unwrap();
        cache.insert("id", vec![2; len], MINUTE).unwrap();
        cache.clear();
        assert_eq!(held, vec![1; len]);
    }
}

#[test]
fn keys_of_every_length_up_to_the_longest_are_told_apart() {
    let cache = cache();
    let lengths = [
        1, 2, 7, 8, 9, 22, 23, 31, 32, 33, 255, 256, 2047, 2048, 65_535, 65_536,
    ];
    for len in lengths {
        let key = vec![b'k'; len];
        cache.insert(&key, len.to_string(), MINUTE).unwrap();
    }
    assert_eq!(cache.len(), lengths.len());
    for len in lengths {
        let mut key = vec![b'k'; len];
        assert_eq!(cache.get(&key).unwrap(), len.to_string());
        key[len - 1] = b'x';
        assert_eq!(cache.get(&key), None, "the last of {len} bytes differs");
        key[len - 1] = b'k';
        key[0] = b'x';
        assert_eq!(cache.get(&key), None, "the first of {len} bytes differs");
    }
}

#[test]
fn impossible_keys_miss_when_read_and_are_refused_when_written() {
    let cache = cache();
    for key in [Vec::new(), vec![1; 65_537]] {
        assert_eq!(cache.get(&key), None);
        assert_eq!(cache.get_with(&key, <[u8]>::len), None);
        assert_eq!(cache.get_many(&[Key::from(&key)]), [None]);
        assert_eq!(cache.take(&key), None);
        assert_eq!(cache.time_to_live(&key), None);
        assert!(!cache.contains(&key) && !cache.remove(&key) && !cache.touch(&key, MINUTE));
        let error = cache.insert(&key, "v", MINUTE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(
            error.to_string().contains("keys are 1 to 65536 bytes"),
            "{error}"
        );
        assert!(cache.insert_if_absent(&key, "v", MINUTE).is_err());
        assert!(cache.replace(&key, "v", MINUTE, None).is_err());
    }
    assert!(cache.is_empty());
}

#[test]
fn zero_lifetimes_are_refused_and_change_nothing() {
    let cache = cache();
    cache.insert("id", "old", MINUTE).unwrap();
    let zero = Duration::ZERO;
    for terms in [
        Terms::ttl(zero),
        Terms::forever().idle(zero),
        Terms::forever().max_age(zero),
    ] {
        let error = cache.insert("id", "new", terms).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(cache.replace("id", "new", terms, None).is_err());
    }
    assert_eq!(cache.get("id").as_deref(), Some(&b"old"[..]));
}

#[test]
fn namespaces_do_not_see_each_other() {
    let cache = cache();
    let (a, b) = (
        cache.namespace("a:").unwrap(),
        cache.namespace("b:").unwrap(),
    );
    assert_eq!(cache.namespace("a:").unwrap(), a);
    cache.insert("id", "default", MINUTE).unwrap();
    cache.insert(a.key(b"id"), "in a", MINUTE).unwrap();
    cache.insert(b.key(b"id"), "in b", MINUTE).unwrap();
    assert_eq!(cache.get("id").unwrap(), "default");
    assert_eq!(cache.get(a.key(b"id")).unwrap(), "in a");
    assert_eq!(cache.clear_namespace(a), 1);
    assert_eq!(cache.get(a.key(b"id")), None);
    assert_eq!(cache.get(b.key(b"id")).unwrap(), "in b");
    assert_eq!(
        cache.get("a:id"),
        None,
        "a namespace is not a concatenation"
    );
    let names: Vec<_> = cache.iter().map(|entry| entry.namespace).collect();
    assert_eq!(names.len(), 2);
    assert!(!names.contains(&a) && names.contains(&b));
    assert!(cache.namespace(&"x".repeat(1025)).is_err());
}

#[test]
fn get_many_answers_in_the_order_asked() {
    let cache = Cache::builder()
        .unlimited_entries()
        .shards(64)
        .build()
        .unwrap();
    let names: Vec<String> = (0..500).map(|number| format!("key {number}")).collect();
    for (number, name) in names
        .iter()
        .enumerate()
        .filter(|(number, _)| number % 3 != 0)
    {
        cache.insert(name, number.to_string(), MINUTE).unwrap();
    }
    let mut keys: Vec<Key<'_>> = names.iter().map(Key::from).collect();
    keys.push(Key::from(""));
    keys.push(Key::from(&names[1]));
    let values = cache.get_many(&keys);
    assert_eq!(values.len(), 502);
    for (number, value) in values[..500].iter().enumerate() {
        let expected = (number % 3 != 0).then(|| Bytes::from(number.to_string()));
        assert_eq!(*value, expected);
    }
    assert_eq!(values[500], None);
    assert_eq!(values[501], Some(Bytes::from("1")));
    assert!(cache.get_many(&[]).is_empty());
}

#[test]
fn retain_clear_and_iter_visit_every_entry_once() {
    let cache = Cache::builder()
        .unlimited_entries()
        .shards(8)
        .build()
        .unwrap();
    for number in 0..3000_u32 {
        let terms = match number % 2 {
            0 => Terms::ttl(MINUTE),
            _ => Terms::forever().protected(),
        };
        cache
            .insert(&number.to_le_bytes(), number.to_string(), terms)
            .unwrap();
    }
    let mut seen: Vec<u32> = (&cache)
        .into_iter()
        .map(|entry| u32::from_le_bytes(entry.key[..].try_into().unwrap()))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..3000).collect::<Vec<_>>());
    let odd = |key: Key<'_>, _: &[u8]| key.bytes()[0] % 2 == 1;
    assert_eq!(cache.retain(odd), 1500);
    assert!(cache.iter().all(|entry| entry.key[0] % 2 == 1));
    assert_eq!(cache.clear(), 1500);
    assert_eq!(
        (cache.len(), cache.bytes(), cache.iter().count()),
        (0, 0, 0)
    );
}

#[test]
fn a_value_changes_between_copied_and_kept_and_its_charge_follows() {
    let cache = Cache::builder()
        .unlimited_entries()
        .copy_up_to(16)
        .build()
        .unwrap();
    for len in [0_u64, 16, 17, 100_000, 3, 17, 16] {
        let value = vec![5; usize::try_from(len).unwrap()];
        cache.insert("key", value.clone(), MINUTE).unwrap();
        assert_eq!(cache.get("key").unwrap(), value);
        assert_eq!(cache.bytes(), 80 + 3 + len);
    }
}
