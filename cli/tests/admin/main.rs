//! The commands that look after the sessions of a store, on files that a cache wrote.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use sessile::{Cache, CacheStore, SessionId, Sessions, Terms};

const CANARY: &str = "canary-value-of-a-session";

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("admin")
        .join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn sessile(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sessile"))
        .args(arguments)
        .env_remove("SESSION_TYPE")
        .output()
        .expect("the command starts and ends")
}

/// What it printed, if it succeeded.
fn printed(arguments: &[&str]) -> String {
    let output = sessile(arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What it complained about, in one line.
fn refused(arguments: &[&str]) -> String {
    let output = sessile(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

/// Writes a snapshot with the sessions of these owners, and returns their ids.
async fn snapshot(file: &Path, owners: &[&str]) -> Vec<SessionId> {
    let cache = Arc::new(Cache::builder().unlimited_entries().build().expect("valid"));
    let sessions = Sessions::builder(CacheStore::new(Arc::clone(&cache)))
        .idle(Duration::from_secs(3600))
        .build()
        .expect("valid");
    let mut ids = Vec::new();
    for owner in owners {
        let session = sessions.fresh();
        session.insert("canary", CANARY).expect("open");
        session.insert("cart", &[1, 2, 3]).expect("open");
        session.bind_owner(owner).expect("a short name");
        let _ = sessions.commit(&session).await.expect("room");
        ids.push(session.id().expect("it is stored"));
    }
    cache.snapshot_to_file(file).expect("it can be written");
    ids
}

fn place(file: &Path) -> String {
    format!("snapshot:{}", file.display())
}

#[tokio::test]
async fn sessions_are_listed_and_shown_without_ids_and_values() {
    let file = folder("list").join("sessions.snapshot");
    let ids = snapshot(&file, &["ada", "bob", "ada"]).await;
    let place = place(&file);
    let all = printed(&["list", "--store", &place]);
    assert!(all.ends_with("3 sessions\n"), "{all}");
    let adas = printed(&["list", "--store", &place, "--owner", "ada"]);
    assert!(
        adas.ends_with("2 sessions\n") && !adas.contains("bob"),
        "{adas}"
    );
    let one = printed(&["list", "--store", &place, "--limit", "1"]);
    assert!(one.ends_with("1 session\n"), "{one}");

    let json = printed(&["list", "--store", &place, "--owner", "bob", "--json"]);
    let row: serde_json::Value = serde_json::from_str(&json).expect("one object");
    assert_eq!((&row["owner"], &row["values"]), (&"bob".into(), &2.into()));
    let left = row["left"].as_u64().expect("it ends");
    assert!((3000..=3600).contains(&left), "{left}");
    let handle = row["handle"].as_str().expect("text");
    let shown = printed(&["show", "--store", &place, handle]);
    assert!(shown.contains("  canary: text, "), "{shown}");
    assert!(shown.contains("  cart: a list of 3"), "{shown}");

    for text in [&all, &adas, &json, &shown] {
        assert!(!text.contains(CANARY));
        for id in &ids {
            assert!(!text.contains(id.expose()), "an id is shown");
        }
    }
    assert!(refused(&["show", "--store", &place, "17"]).contains("32 lower-case hex digits"));
    let nobody = "0".repeat(32);
    assert!(refused(&["show", "--store", &place, &nobody]).contains("no session of this store"));
}

#[tokio::test]
async fn sessions_are_ended_by_handle_by_owner_and_all() {
    let file = folder("revoke").join("sessions.snapshot");
    snapshot(&file, &["ada", "bob", "ada", "eve", "eve"]).await;
    let place = place(&file);
    let bob = printed(&["list", "--store", &place, "--owner", "bob", "--json"]);
    let bob: serde_json::Value = serde_json::from_str(&bob).expect("one object");
    let bob = bob["handle"].as_str().expect("text");
    assert_eq!(
        printed(&["revoke", "--store", &place, bob]),
        "1 session has ended\n"
    );
    assert!(refused(&["revoke", "--store", &place, bob]).contains("were not there"));
    let adas = printed(&["revoke", "--store", &place, "--owner", "ada"]);
    assert_eq!(adas, "2 sessions have ended\n");
    let rest = printed(&["list", "--store", &place]);
    assert!(
        rest.ends_with("2 sessions\n") && rest.contains("eve"),
        "{rest}"
    );
    printed(&["revoke", "--store", &place, "--all"]);
    assert!(printed(&["list", "--store", &place]).ends_with("0 sessions\n"));
    let output = sessile(&["revoke", "--store", &place]);
    assert_eq!(output.status.code(), Some(2), "of nobody");
}

#[tokio::test]
async fn what_a_renewed_id_left_behind_is_no_session_and_goes_with_all() {
    use sessile::codec::{FieldsBuilder, Format, Header, Layout, Record};

    let file = folder("claims").join("sessions.snapshot");
    let cache = Cache::builder().unlimited_entries().build().expect("valid");
    let minute = Terms::ttl(Duration::from_secs(60));
    for moved in [true, false] {
        let header = Header {
            moved,
            ..Header::default()
        };
        let (layout, format) = (Layout::Native, Format::MessagePack);
        let bytes = Record::begin(&header, layout, format);
        let bytes = FieldsBuilder::new(layout, format, 0, bytes).finish().0;
        let key = format!("record {moved}");
        cache.insert(&*key, bytes, minute).expect("room");
    }
    cache.snapshot_to_file(&file).expect("it can be written");
    let place = place(&file);
    assert!(printed(&["list", "--store", &place]).ends_with("\n1 session\n"));
    let ended = printed(&["revoke", "--store", &place, "--all"]);
    assert_eq!(ended, "1 session has ended\n");
    let cache = Cache::builder().unlimited_entries().build().expect("valid");
    cache.restore_from_file(&file).expect("it is whole");
    assert!(cache.is_empty());
}

#[tokio::test]
async fn a_copy_brings_all_over_keeps_what_is_there_and_may_be_repeated() {
    let folder = folder("copy");
    let (from, to) = (folder.join("from"), folder.join("to"));
    let owners: Vec<String> = (0..2_500).map(|n| format!("user {n}")).collect();
    let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
    snapshot(&from, &owners).await;
    let (from, to) = (place(&from), place(&to));
    let first = printed(&["copy", &from, &to]);
    assert!(
        first.starts_with("2,500 sessions read, 2,500 copied, 0 were"),
        "{first}"
    );
    assert!(
        first.ends_with("2,500 live in FROM now, 2,500 of them in TO\n"),
        "{first}"
    );
    printed(&["revoke", "--store", &to, "--owner", "user 7"]);
    let again = printed(&["copy", &from, &to]);
    assert!(
        again.starts_with("2,500 sessions read, 1 copied, 2,499 were"),
        "{again}"
    );
    let row = printed(&["list", "--store", &to, "--owner", "user 7", "--json"]);
    let row: serde_json::Value = serde_json::from_str(&row).expect("one object");
    assert!(
        row["left"].as_u64().is_some_and(|left| left <= 3600),
        "{row}"
    );

    assert!(refused(&["copy", &from, &from]).contains("the same store"));
    let mark = folder.join("mark");
    let mark = mark.to_str().expect("text");
    assert!(
        refused(&["copy", &from, &to, "--resume", mark]).contains("a snapshot is read at once")
    );
}

#[test]
fn what_cannot_be_opened_is_refused_in_words() {
    let file = folder("refused").join("none");
    assert!(refused(&["list", "--store", &place(&file)]).contains("there is no such snapshot"));
    std::fs::write(&file, "not a snapshot").expect("writable");
    let torn = refused(&["list", "--store", &place(&file)]);
    assert!(torn.contains("snapshot"), "{torn}");
    let address = "reddis://:hunter2@10.0.0.7";
    let unknown = refused(&["list", "--store", address]);
    assert!(
        unknown.contains("redis://") && !unknown.contains("hunter2"),
        "{unknown}"
    );
    assert!(refused(&["list"]).contains("inside the server's own process"));
    let exposed = refused(&["list", "--store", "redis://user:hunter2@h:port"]);
    assert!(!exposed.contains("hunter2"), "{exposed}");
}

#[tokio::test]
async fn expired_sessions_are_neither_listed_nor_copied() {
    let file = folder("expired").join("sessions.snapshot");
    let cache = Cache::builder().unlimited_entries().build().expect("valid");
    let long = Terms::ttl(Duration::from_secs(600));
    let short = Terms::ttl(Duration::from_millis(1));
    cache.insert("long", "x", long).expect("room");
    cache.insert("short", "x", short).expect("room");
    cache.snapshot_to_file(&file).expect("it can be written");
    std::thread::sleep(Duration::from_millis(20));
    let listed = printed(&["list", "--store", &place(&file)]);
    assert!(
        listed.contains("unreadable") && listed.ends_with("1 session\n"),
        "{listed}"
    );
    let cleared = printed(&["clear-expired", "--store", &place(&file)]);
    assert!(cleared.ends_with("removed\n"), "{cleared}");
}
