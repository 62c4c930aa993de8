//! The administration on real servers: lists, revocation, moving from store to store.

use std::process::Command;

use crate::visit::{knows, log_in_by_hand};
use crate::{folder, mariadb, postgres, redis, sqlite};

fn sessile(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sessile"))
        .args(arguments)
        .output()
        .expect("the command starts and ends");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn sessions_move_from_redis_through_every_database_and_stay_good() {
    let Some(first) = redis() else { return };
    let server = first.serve();
    let cookies: Vec<String> = (0..30)
        .map(|n| log_in_by_hand(&server, &format!("user{n}")))
        .collect();
    let mut from = first.environment[1].1.clone();
    // Each database is copied from while the next one is filled.
    let mut alive = Vec::new();
    for next in [sqlite, postgres, mariadb]
        .iter()
        .filter_map(|start| start())
    {
        let to = next.environment[1].1.clone();
        let told = sessile(&["copy", &from, &to, "--prepare"]);
        assert!(told.contains("of them in TO"), "{told}");
        let server = next.serve();
        for cookie in &cookies {
            assert!(knows(&server.ask("GET", "/", cookie, "")), "{}", next.name);
        }
        // Repeated, with a mark: nothing is copied twice.
        let folder = folder();
        let mark = folder.path().join("mark").display().to_string();
        let again = sessile(&["copy", &from, &to, "--resume", &mark]);
        assert!(again.contains(" 0 copied"), "{again}");
        assert!(!std::path::Path::new(&mark).exists(), "the mark stays");

        let listed = sessile(&["list", "--store", &to, "--owner", "user7"]);
        assert!(listed.ends_with("1 session\n"), "{listed}");
        from = to;
        alive.push((next, server));
    }
}

#[test]
fn a_revoked_session_is_logged_out() {
    let Some(row) = redis() else { return };
    let server = row.serve();
    let (ada, bob) = (
        log_in_by_hand(&server, "Ada"),
        log_in_by_hand(&server, "Bob"),
    );
    let store = &row.environment[1].1;
    let told = sessile(&["revoke", "--store", store, "--owner", "Ada"]);
    assert_eq!(told, "1 session has ended\n");
    assert!(!knows(&server.ask("GET", "/", &ada, "")));
    assert!(knows(&server.ask("GET", "/", &bob, "")));
}
