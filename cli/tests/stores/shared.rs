//! Two servers on one store.

use crate::visit::{knows, log_in_by_hand};
use crate::{KEEPERS, Row, redis, tiered_redis};

fn a_logout_in_one_ends_it_in_the_other(row: &Row) {
    let (one, two) = (row.serve(), row.serve());
    let cookie = log_in_by_hand(&one, "Ada");
    let home = two.ask("GET", "/", &cookie, "");
    assert!(knows(&home), "{}: the other server knows nothing", row.name);
    let token = home.token().to_owned();
    let answer = two.ask("POST", "/logout", &cookie, &format!("token={token}"));
    assert_eq!(answer.status(), 303, "{}", row.name);
    assert!(
        !knows(&one.ask("GET", "/", &cookie, "")),
        "{}: it lives on",
        row.name
    );
}

#[test]
fn two_servers_share_logins_and_logouts() {
    // The embedded cache is nobody else's, and a cache before files hears nothing of others.
    let of_one = ["cache", "tiered", "tiered redis"];
    for row in KEEPERS.iter().filter_map(|start| start()) {
        if !of_one.contains(&row.name) {
            a_logout_in_one_ends_it_in_the_other(&row);
        }
    }
}

#[test]
fn logging_out_everywhere_ends_sessions_of_other_servers() {
    let Some(row) = redis() else { return };
    let (one, two) = (row.serve(), row.serve());
    let (here, there) = (log_in_by_hand(&one, "Ada"), log_in_by_hand(&two, "Ada"));
    let page = one.ask("GET", "/sessions", &here, "");
    assert_eq!(page.body().matches("card device").count(), 2, "{}", page.0);
    let token = page.token().to_owned();
    let answer = one.ask(
        "POST",
        "/sessions/end-all",
        &here,
        &format!("token={token}"),
    );
    assert_eq!(answer.header("location"), Some("/goodbye"));
    assert!(!knows(&two.ask("GET", "/", &there, "")));
}

#[test]
fn caches_before_one_redis_hear_of_each_others_logouts() {
    let Some(row) = tiered_redis() else { return };
    let (one, two) = (row.serve(), row.serve());
    let cookie = log_in_by_hand(&one, "Ada");
    // Both hold a copy now.
    let home = two.ask("GET", "/", &cookie, "");
    assert!(knows(&home) && knows(&one.ask("GET", "/", &cookie, "")));
    let token = home.token().to_owned();
    let answer = two.ask("POST", "/logout", &cookie, &format!("token={token}"));
    assert_eq!(answer.status(), 303);
    // The news takes its way through the server.
    crate::servers::wait_until("the other server's news", || {
        !knows(&one.ask("GET", "/", &cookie, ""))
    });
}
