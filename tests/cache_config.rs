//! What the builder refuses, and in which words.

use sessile::{Builder, Cache, ErrorKind, Fault};

fn refused(builder: Builder, words: &[&str]) {
    let error = builder.build().expect_err("this configuration is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(error.kind().fault(), Fault::Configuration);
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{text:?} does not say {word:?}");
    }
}

fn any() -> Builder {
    Cache::builder().unlimited_entries()
}

#[test]
fn an_entry_limit_must_be_stated() {
    refused(
        Cache::builder(),
        &["no entry limit", "max_entries", "unlimited_entries"],
    );
    refused(Cache::builder().max_bytes(1 << 20), &["no entry limit"]);
}

#[test]
fn absurd_limits_are_refused_by_name_and_number() {
    refused(
        Cache::builder().max_entries(0),
        &["max_entries is 0", "from 1 to"],
    );
    let beyond = (1 << 40) + 1;
    refused(
        Cache::builder().max_entries(beyond),
        &["max_entries is 1099511627777"],
    );
    refused(any().max_bytes(0), &["max_bytes is 0", "from 1024 to"]);
    refused(any().max_bytes(1023), &["max_bytes is 1023"]);
    refused(
        any().max_bytes((1 << 50) + 1),
        &["max_bytes is 1125899906842625"],
    );
}

#[test]
fn a_protected_budget_must_leave_room_for_others() {
    let hundred = || Cache::builder().max_entries(100);
    refused(
        hundred().protected_entries(0),
        &["protected_entries is 0", "from 1 to 99"],
    );
    refused(
        hundred().protected_entries(100),
        &["protected_entries is 100", "limit of 100"],
    );
    refused(
        hundred().protected_entries(101),
        &["protected_entries is 101"],
    );
    let bytes = || any().max_bytes(10_000);
    refused(bytes().protected_bytes(0), &["protected_bytes is 0"]);
    refused(
        bytes().protected_bytes(10_000),
        &["protected_bytes is 10000"],
    );
    assert!(hundred().protected_entries(99).build().is_ok());
    assert!(bytes().protected_bytes(9_999).build().is_ok());
    assert!(
        any().protected_entries(5).build().is_ok(),
        "a budget without a limit"
    );
}

#[test]
fn shards_are_a_power_of_two_up_to_1024() {
    for shards in [0, 3, 1000, 2048, usize::MAX] {
        let number = format!("shards is {shards}");
        refused(
            any().shards(shards),
            &[&number, "power of two from 1 to 1024"],
        );
    }
    for shards in [1, 2, 1024] {
        assert!(any().shards(shards).build().is_ok());
    }
}

#[test]
fn copies_and_queues_have_bounds() {
    refused(any().copy_up_to((1 << 20) + 1), &["copy_up_to is 1048577"]);
    assert!(any().copy_up_to(0).build().is_ok());
    assert!(any().copy_up_to(1 << 20).build().is_ok());
    refused(
        any().listener_queue(0),
        &["listener_queue is 0", "from 1 to"],
    );
    refused(
        any().listener_queue((1 << 24) + 1),
        &["listener_queue is 16777217"],
    );
}

#[test]
fn the_smallest_and_largest_limits_work() {
    let cache = Cache::builder()
        .max_entries(1)
        .max_bytes(1024)
        .build()
        .unwrap();
    cache.insert("a", "b", sessile::Terms::forever()).unwrap();
    assert_eq!(cache.len(), 1);
    let cache = Cache::builder()
        .max_entries(1 << 40)
        .max_bytes(1 << 50)
        .build()
        .unwrap();
    cache.insert("a", "b", sessile::Terms::forever()).unwrap();
    assert_eq!(cache.len(), 1);
}

#[test]
fn the_last_word_counts() {
    let cache = Cache::builder()
        .max_entries(1)
        .unlimited_entries()
        .build()
        .unwrap();
    for number in 0..100_u32 {
        cache
            .insert(&number.to_le_bytes(), "v", sessile::Terms::forever())
            .unwrap();
    }
    assert_eq!(cache.len(), 100);
}
