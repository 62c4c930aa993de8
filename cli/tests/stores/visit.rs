//! The same short visit on every store.

use std::path::{Path, PathBuf};

use crate::chrome::{Browser, Driver, Programs};
use crate::server::{Answer, Server};
use crate::{KEEPERS, Row, null, secure_cookie};

fn profile(row: &Row, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stores");
    let folder = folder.join(format!("{} {name}", row.name));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the profile");
    folder
}

async fn log_in(browser: &Browser, server: &Server) {
    browser.go(&server.address, "/").await;
    browser.write("#name", "Ada").await;
    browser.click("form[action='/login'] button").await;
    assert_eq!(browser.text_of(".who .text").await.as_deref(), Some("Ada"));
}

async fn is_logged_in(browser: &Browser, server: &Server) -> bool {
    browser.go(&server.address, "/").await;
    browser.count("form[action='/logout']").await == 1
}

async fn sees_a_message_once(browser: &Browser, server: &Server) {
    browser.go(&server.address, "/cart").await;
    browser.click("form[action='/cart/add'] button").await;
    assert_eq!(browser.count(".note.success").await, 1, "seen once");
    browser.reload().await;
    assert_eq!(browser.count(".note").await, 0, "and not twice");
    assert_eq!(browser.count(".line").await, 1, "the cart holds it");
}

#[tokio::test]
async fn every_store_works_in_a_browser() {
    let Some(programs) = Programs::find() else {
        return;
    };
    let driver = Driver::start(programs);
    for row in KEEPERS.iter().filter_map(|start| start()) {
        let server = row.serve();
        let first = driver.open(&profile(&row, "first")).await;
        let second = driver.open(&profile(&row, "second")).await;
        log_in(&first, &server).await;
        sees_a_message_once(&first, &server).await;
        log_in(&second, &server).await;
        first.go(&server.address, "/sessions").await;
        assert_eq!(first.count(".device").await, 2, "{}", row.name);
        first.go(&server.address, "/cache?pause").await;
        assert!(!first.text().await.is_empty());
        first.go(&server.address, "/sessions").await;
        first.click("form[action='/sessions/end-all'] button").await;
        assert_eq!(first.path().await, "/goodbye", "{}", row.name);
        assert!(!is_logged_in(&first, &server).await, "{}", row.name);
        assert!(!is_logged_in(&second, &server).await, "{}", row.name);
        first.close().await;
        second.close().await;
    }
    let row = secure_cookie().expect("it needs no server");
    let server = row.serve();
    let browser = driver.open(&profile(&row, "only")).await;
    log_in(&browser, &server).await;
    sees_a_message_once(&browser, &server).await;
    browser.go(&server.address, "/sessions").await;
    assert!(browser.text().await.contains("carries its own session"));
    assert!(is_logged_in(&browser, &server).await);
    browser.click("form[action='/logout'] button").await;
    assert!(!is_logged_in(&browser, &server).await);
    browser.close().await;
}

/// A cookie and a token of a page with forms.
fn begin(server: &Server) -> (String, String) {
    let answer = server.ask("GET", "/cart", "", "");
    assert_eq!(answer.status(), 200, "{}", answer.0);
    let cookie = answer.cookie().expect("a page with forms has a session");
    (cookie.to_owned(), answer.token().to_owned())
}

pub(crate) fn log_in_by_hand(server: &Server, name: &str) -> String {
    let (cookie, token) = begin(server);
    let answer = server.ask(
        "POST",
        "/login",
        &cookie,
        &format!("name={name}&token={token}"),
    );
    assert_eq!(answer.status(), 303, "{}", answer.0);
    answer.cookie().expect("a new id").to_owned()
}

pub(crate) fn knows(answer: &Answer) -> bool {
    answer.body().contains("action=\"/logout\"")
}

/// Without a browser, so that it runs wherever the servers are.
#[test]
fn every_store_keeps_a_login_and_forgets_it() {
    for row in KEEPERS.iter().filter_map(|start| start()) {
        let server = row.serve();
        let cookie = log_in_by_hand(&server, "Ada");
        let home = server.ask("GET", "/", &cookie, "");
        assert!(knows(&home), "{}: {}", row.name, home.0);
        let token = home.token().to_owned();
        let answer = server.ask("POST", "/logout", &cookie, &format!("token={token}"));
        assert_eq!(answer.status(), 303, "{}", row.name);
        assert!(!knows(&server.ask("GET", "/", &cookie, "")), "{}", row.name);
    }
}

#[test]
fn where_nothing_is_kept_the_page_says_why() {
    let server = null().expect("it needs no server").serve();
    let answer = server.ask("GET", "/", "", "");
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.cookie(), None);
    assert_eq!(server.ask("GET", "/goodbye", "", "").status(), 200);
}
