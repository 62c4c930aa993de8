//! Room in the hands of a write on its way: whoever finds nobody to give way waits, and gets it.

use sessile::internals::held;
use sessile::{Cache, Replaced};

use crate::planted::found;
use crate::{MINUTE, both, cache, explore, keys};

type Insert = fn(&Cache, &str);

/// One place, and a newcomer to each of two shards. Whoever evicts the holder from the other shard has its
/// place in hand, and no lock, until he is back in his own.
fn handed_on(insert: Insert) -> impl Fn() + Sync + Send {
    move || {
        let (cache, _) = cache(Cache::builder().max_entries(1).shards(2));
        let (left, right) = (keys(&cache, 0), keys(&cache, 1));
        cache.insert(&right[0], "v", MINUTE).expect("room");
        let (a, b) = (left[0].clone(), right[1].clone());
        both(
            &cache,
            move |cache| {
                let done = cache.insert(&a, "v", MINUTE);
                done.expect("somebody gives way, sooner or later");
            },
            move |cache| insert(cache, &b),
        );
        assert_eq!(cache.len(), 1, "one place");
        assert!(!cache.contains(&right[0]), "its place was wanted");
        cache.check_invariants();
    }
}

#[test]
fn a_place_in_anothers_hands_is_waited_for() {
    let model = handed_on(|cache, key| {
        let done = cache.insert(key, "v", MINUTE);
        done.expect("somebody gives way, sooner or later");
    });
    explore("one place, in another's hands", 3, model);
}

#[test]
fn a_newcomer_that_gives_up_at_once_is_found_out() {
    let model = handed_on(|cache, key| {
        assert_ne!(held(cache).entries, 0, "nobody to give way");
        cache.insert(key, "v", MINUTE).expect("somebody gives way");
    });
    found("refused instead of waiting", "nobody to give way", model);
}

/// Two newcomers to two shards, each with an entry there that gives way at once and is half of what is needed.
fn halves(insert: fn(&Cache, &str) -> bool) -> impl Fn() + Sync + Send {
    move || {
        let builder = Cache::builder().unlimited_entries().max_bytes(1024);
        let (cache, _) = cache(builder.protected_bytes(100).shards(2));
        let (left, right) = (keys(&cache, 0), keys(&cache, 1));
        for half in [&left[0], &right[0]] {
            cache.insert(half, vec![0; 390], MINUTE).expect("room");
        }
        let (a, b) = (left[1].clone(), right[1].clone());
        let done = both(
            &cache,
            move |cache| insert(cache, &a),
            move |cache| insert(cache, &b),
        );
        assert_eq!(done, (true, true), "the other gives way");
        assert_eq!(cache.len(), 1, "room for one");
        cache.check_invariants();
    }
}

#[test]
fn of_two_that_have_half_the_room_in_hand_one_gives_it_up() {
    let model = halves(|cache, key| cache.insert(key, vec![1; 800], MINUTE).is_ok());
    explore("two halves of the room", 3, model);
}

#[test]
fn a_newcomer_that_comes_in_two_halves_is_found_out() {
    let model = halves(|cache, key| {
        let half = cache.insert(key, vec![1; 390], MINUTE);
        let rest = cache.replace(key, vec![1; 800], MINUTE, None);
        half.is_ok() && matches!(rest, Ok(Replaced::Done(_)))
    });
    found("half, then the rest", "the other gives way", model);
}
