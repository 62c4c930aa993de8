//! Messages and flash values, as Django, Flask and tipfy have them.

use std::time::Duration;

use sessile::codec::{Layout, Value};
use sessile::session::{Committed, Level, Message, Session};

use crate::kit::Kit;

fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| &*message.body).collect()
}

fn take(session: &Session) -> Vec<String> {
    let taken = session.messages().take().unwrap();
    taken.into_iter().map(|message| message.body).collect()
}

fn add(session: &Session, body: &str) {
    assert!(session.messages().add(Level::INFO, body).unwrap());
}

/// Ends a request and begins the next one.
fn next(kit: &Kit, session: &Session) -> Session {
    kit.commit(session);
    match session.id() {
        Some(id) => kit.again(&id),
        None => kit.sessions.fresh(),
    }
}

#[test]
fn ms01_ms04_adding_counts_and_stores() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    add(&session, "Test message 1");
    add(&session, "Test message 2");
    assert_eq!(session.messages().count().unwrap(), 2);
    assert!(session.is_modified());
    assert_eq!(next(&kit, &session).messages().count().unwrap(), 2);
}

#[test]
fn ms02_text_made_on_the_spot_is_stored() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    add(&session, &format!("{} {}", "lazy", 1));
    assert_eq!(take(&next(&kit, &session)), ["lazy 1"]);
}

#[test]
fn ms03_nothing_added_stores_nothing() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    assert!(session.messages().peek().unwrap().is_empty());
    assert_eq!(kit.commit(&session), Committed::Nothing);
    assert_eq!(kit.records(), 0);
}

#[test]
fn ms05_what_was_read_is_gone_also_what_was_added_before_reading() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    add(&session, "old");
    let session = next(&kit, &session);
    add(&session, "new");
    assert_eq!(take(&session), ["old", "new"]);
    assert_eq!(kit.commit(&session), Committed::Removed);
    assert_eq!(kit.records(), 0, "messages alone do not keep a session");
}

#[test]
fn ms06_what_is_added_after_reading_waits() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    add(&session, "old");
    let session = next(&kit, &session);
    assert_eq!(take(&session), ["old"]);
    add(&session, "new");
    assert_eq!(take(&next(&kit, &session)), ["new"]);
}

#[test]
fn ms07_ms08_ms10_post_redirect_show_once() {
    let kit = Kit::new();
    let mut session = kit.sessions.fresh();
    for (level, _) in &Level::ALL[1..] {
        for round in 0..5 {
            session.messages().add(*level, format!("{round}")).unwrap();
            session = next(&kit, &session);
        }
        assert_eq!(take(&session), ["0", "1", "2", "3", "4"]);
        session = next(&kit, &session);
        assert!(take(&session).is_empty());
    }
}

#[test]
fn ms09_ms19_levels_have_numbers_and_tags() {
    let numbers = Level::ALL.map(|(level, tag)| (level.0, tag));
    let known = [
        (10, "debug"),
        (20, "info"),
        (25, "success"),
        (30, "warning"),
        (40, "error"),
    ];
    assert_eq!(numbers, known);
    assert_eq!(Level(29).tag(), "");
    assert!(Level::DEBUG < Level::ERROR);
}

#[test]
fn ms13_what_was_taken_can_be_looked_at_again() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    add(&session, "a");
    assert_eq!(texts(&session.messages().peek().unwrap()), ["a"]);
    assert_eq!(texts(&session.messages().peek().unwrap()), ["a"]);
    assert_eq!(take(&session), ["a"]);
    assert_eq!(texts(&session.messages().shown()), ["a"]);
    assert_eq!(texts(&session.messages().shown()), ["a"]);
}

/// How many of Django's six test messages are kept.
fn kept_of_six(session: &Session) -> usize {
    for level in [10, 20, 25, 30, 40, 29] {
        session.messages().add(Level(level), "text").unwrap();
    }
    session.messages().count().unwrap()
}

#[test]
fn ms14_ms15_ms16_ms17_the_minimum_level() {
    let kit = Kit::new();
    assert_eq!(kept_of_six(&kit.sessions.fresh()), 5);
    for (minimum, kept) in [(5, 6), (30, 2), (29, 3)] {
        let session = kit.sessions.fresh();
        session.messages().set_minimum(Some(Level(minimum)));
        assert_eq!(kept_of_six(&session), kept, "set by the request");
        let kit = Kit::with(|it| it.minimum_level(Level(minimum)));
        assert_eq!(kept_of_six(&kit.sessions.fresh()), kept, "set for all");
    }
    let session = kit.sessions.fresh();
    assert!(!session.messages().add(Level::ERROR, "").unwrap());
    assert!(!session.is_modified(), "an empty text is dropped");
}

#[test]
fn ms18_ms28_tags() {
    let tags = |level, extra: &str| Message::new(Level(level), "x").tagged(extra).tags();
    assert_eq!(tags(20, ""), "info");
    assert_eq!(tags(10, "extra-tag"), "extra-tag debug");
    assert_eq!(tags(29, ""), "");
    assert_eq!(tags(29, "own"), "own");
}

// MS20, a tag map of one's own.
#[test]
fn ms20_tags_by_another_name() {
    let message = Message::new(Level(29), "x").tagged("a");
    let name = |level: Level| {
        if level == Level(29) {
            "custom"
        } else {
            level.tag()
        }
    };
    assert_eq!(message.tags_by(name), "a custom");
}

#[test]
fn ms28_all_of_a_message_survives() {
    let kit = Kit::new();
    let message = Message::new(Level::WARNING, "bo\"dy <é>")
        .titled("title")
        .in_category("cat")
        .living(Duration::from_millis(1500))
        .tagged("a b");
    let session = kit.sessions.fresh();
    assert!(session.messages().push(message.clone()).unwrap());
    let session = next(&kit, &session);
    assert_eq!(session.messages().take().unwrap(), [message]);
}

#[test]
fn fl14_a_second_flash_modifies_again() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    add(&session, "Zap");
    kit.commit(&session);
    assert!(!session.is_modified());
    add(&session, "Zip");
    assert!(session.is_modified());
    assert_eq!(take(&next(&kit, &session)), ["Zap", "Zip"]);
}

#[test]
fn fl15_categories() {
    let kit = Kit::new();
    let filled = || {
        let session = kit.sessions.fresh();
        for (category, body) in [("", "Hello"), ("error", "World"), ("warning", "Test")] {
            let message = Message::new(Level::INFO, body);
            let message = match category {
                "" => message,
                category => message.in_category(category),
            };
            session.messages().push(message).unwrap();
        }
        next(&kit, &session)
    };
    assert_eq!(take(&filled()), ["Hello", "World", "Test"]);
    let session = filled();
    let taken = session.messages().take().unwrap();
    let categories: Vec<&str> = taken.iter().map(|it| &*it.category).collect();
    assert_eq!(categories, ["message", "error", "warning"]);

    let session = filled();
    let some = session.messages().take_in(&["message"]).unwrap();
    assert_eq!(texts(&some), ["Hello"]);
    let session = next(&kit, &session);
    let some = session.messages().take_in(&["message", "warning"]).unwrap();
    assert_eq!(texts(&some), ["Test"]);
    // Those of other categories were left.
    assert_eq!(take(&next(&kit, &session)), ["World"]);
}

#[test]
fn flask_reads_and_writes_the_same_list() {
    let kit = Kit::with(|it| it.layout(Layout::Bare));
    let session = kit.sessions.fresh();
    session.messages().add(Level::ERROR, "failed").unwrap();
    add(&session, "plain");
    kit.commit(&session);
    let session = next(&kit, &session);
    let pairs: Vec<(String, String)> = session.get("_flashes").unwrap().unwrap();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(pairs, [pair("error", "failed"), pair("message", "plain")]);
    let taken = session.messages().take().unwrap();
    assert_eq!((taken[0].level, &*taken[0].body), (Level::ERROR, "failed"));
    assert!(session.is_empty());
}

#[test]
fn tp14_tp40_tp42_a_flash_value_is_shown_once() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    assert!(session.flashes().take::<String>("key").unwrap().is_empty());
    assert!(!session.is_modified(), "nothing was there to take");
    session.flashes().push("key", "a flash value").unwrap();
    let session = next(&kit, &session);
    let read = |session: &Session| session.flashes().take::<String>("key").unwrap();
    assert_eq!(read(&session), ["a flash value"]);
    assert!(read(&session).is_empty());
    assert!(read(&next(&kit, &session)).is_empty());
}

#[test]
fn tp15_tp44_flashed_messages_come_before_those_of_the_request() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    let normal = Message::new(Level::INFO, "normal");
    session.messages().now(normal.clone()).unwrap();
    assert_eq!(take(&session), ["normal"]);
    let flash = Message::new(Level::INFO, "flash")
        .titled("Title")
        .in_category("success")
        .living(Duration::from_secs(5000));
    session.messages().push(flash.clone()).unwrap();
    let session = next(&kit, &session);
    session.messages().now(normal.clone()).unwrap();
    assert_eq!(session.messages().take().unwrap(), [flash, normal]);
}

#[test]
fn tp41_keys_of_flash_values_do_not_meet() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    session.flashes().push("a", &1).unwrap();
    session.flashes().push("b", &vec!["x"]).unwrap();
    session.flashes().push("a", &2).unwrap();
    let session = next(&kit, &session);
    assert_eq!(session.flashes().peek::<u8>("a").unwrap(), [1, 2]);
    assert!(session.flashes().take::<String>("a").is_err(), "they stay");
    assert_eq!(session.flashes().take::<u8>("a").unwrap(), [1, 2]);
    let b = session.flashes().take::<Vec<String>>("b").unwrap();
    assert_eq!(b, [["x"]]);
}

#[test]
fn tp43_reading_the_last_flash_removes_the_session_that_held_nothing_else() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    session.flashes().push("a", &1).unwrap();
    let session = next(&kit, &session);
    session.flashes().take::<u8>("a").unwrap();
    assert_eq!(kit.commit(&session), Committed::Removed);
    assert_eq!(session.id(), None);
}

#[test]
fn tp45_what_is_added_after_taking_is_not_shown_now() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    assert!(take(&session).is_empty());
    add(&session, "later");
    assert!(session.messages().shown().is_empty());
    assert_eq!(take(&next(&kit, &session)), ["later"]);
}

#[test]
fn kept_messages_come_again() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    add(&session, "a");
    let session = next(&kit, &session);
    assert_eq!(take(&session), ["a"]);
    assert_eq!(session.messages().keep().unwrap(), 1);
    assert_eq!(take(&next(&kit, &session)), ["a"]);
}

#[test]
fn messages_are_no_data_and_names_of_this_crate_are_refused() {
    let session = Kit::new().sessions.fresh();
    add(&session, "a");
    session.flashes().push("k", &1).unwrap();
    assert!(session.is_empty() && session.keys().is_empty());
    assert!(!session.contains("_sessile.messages"));
    assert!(session.insert("_sessile.messages", &1).is_err());
    let whole: Vec<(String, Value)> = session.items().unwrap();
    assert!(whole.is_empty());
}

#[test]
fn messages_of_requests_at_once_both_survive_and_are_shown_once() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    add(&session, "first");
    kit.commit(&session);
    let id = session.id().unwrap();
    let (a, b) = (kit.again(&id), kit.again(&id));
    assert_eq!(take(&a), ["first"]);
    add(&b, "second");
    kit.commit(&b);
    kit.commit(&a);
    assert_eq!(take(&kit.again(&id)), ["second"]);
}

#[test]
fn no_more_than_a_hundred_wait() {
    let kit = Kit::new();
    let session = kit.sessions.fresh();
    for number in 0..150 {
        add(&session, &format!("{number}"));
    }
    let waiting = take(&session);
    assert_eq!((waiting.len(), &*waiting[0]), (100, "50"));
}
