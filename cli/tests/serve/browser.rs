//! Visits `sessile serve` with a real browser. Skipped, loudly, where there is none.

use std::path::{Path, PathBuf};

use crate::chrome::{Browser, Driver, Programs};
use crate::server::Server;

const COOKIE: &str = "session";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// An empty profile.
fn profile(name: &str) -> PathBuf {
    let folder = folder("profiles").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the profile");
    folder
}

async fn log_in(browser: &Browser, server: &Server, name: &str) {
    browser.go(&server.address, "/").await;
    browser.write("#name", name).await;
    browser.click("form[action='/login'] button").await;
    assert_eq!(browser.text_of(".who .text").await.as_deref(), Some(name));
}

async fn is_logged_in(browser: &Browser, server: &Server) -> bool {
    browser.go(&server.address, "/").await;
    browser.count("form[action='/logout']").await == 1
}

/// The session's id, which only the developer tools can see.
async fn id(browser: &Browser) -> String {
    let cookie = browser.cookie(COOKIE).await;
    cookie["value"]
        .as_str()
        .expect("a session cookie")
        .to_owned()
}

/// The number in the cart, as the top of the page shows it.
async fn pieces(browser: &Browser) -> Option<String> {
    browser
        .script("return document.querySelector('.count')?.firstChild.data")
        .await
        .as_str()
        .map(str::to_owned)
}

#[tokio::test]
async fn a_visit() {
    let Some(programs) = Programs::find() else {
        return;
    };
    let driver = Driver::start(programs);
    let server = Server::start(&[]);
    let pictures = folder("screenshots");
    let _ = std::fs::remove_dir_all(&pictures);

    // A stranger: counted, not known.
    let home = profile("first");
    let first = driver.open(&home).await;
    first.go(&server.address, "/").await;
    assert_eq!(first.text_of(".visits .figure").await.as_deref(), Some("1"));
    first.reload().await;
    assert_eq!(first.text_of(".visits .figure").await.as_deref(), Some("2"));
    first.picture(&pictures, "home").await;
    first.go(&server.address, "/sessions").await;
    first.picture(&pictures, "sessions-stranger").await;

    the_cookie_is_out_of_reach(&first).await;

    // The login: a new id, and the old one worth nothing.
    let before = id(&first).await;
    log_in(&first, &server, "Ada").await;
    assert_eq!(first.count(".note.success").await, 1);
    first.picture(&pictures, "home-welcome").await;
    let after = id(&first).await;
    assert_ne!(before, after);
    let answer = server.ask("GET", "/", &format!("{COOKIE}={before}"), "");
    assert!(answer.body().contains("Log in under any name"));
    assert_ne!(
        answer.cookie(),
        Some(&*format!("{COOKIE}={before}")),
        "an unknown id was adopted"
    );

    a_message_is_shown_once(&first, &server).await;
    first.go(&server.address, "/cart").await;
    first.click("form[action='/cart/add'] button").await;
    first.picture(&pictures, "shop").await;

    // Closed and opened again: the same visit goes on.
    first.close().await;
    let first = driver.open(&home).await;
    assert!(
        is_logged_in(&first, &server).await,
        "logged out by a restart"
    );
    assert_eq!(id(&first).await, after);
    assert_eq!(pieces(&first).await.as_deref(), Some("4"));

    let second = driver.open(&profile("second")).await;
    log_in(&second, &server, "Ada").await;
    second.go(&server.address, "/sessions").await;
    assert_eq!(second.count(".device").await, 2);
    assert_eq!(second.count(".device.current").await, 1);
    first.go(&server.address, "/sessions").await;
    assert_eq!(first.count(".device").await, 2);
    first.picture(&pictures, "sessions").await;

    // One of the two is ended from the other.
    first.click(".device:not(.current) button").await;
    assert_eq!(first.count(".device").await, 1);
    assert!(is_logged_in(&first, &server).await);
    assert!(
        !is_logged_in(&second, &server).await,
        "an ended session lives"
    );

    // All of them are.
    log_in(&second, &server, "Ada").await;
    second.go(&server.address, "/cart").await;
    first.go(&server.address, "/sessions").await;
    assert_eq!(first.count(".device").await, 2);
    first.click("form[action='/sessions/end-all'] button").await;
    assert_eq!(first.path().await, "/goodbye");
    first.picture(&pictures, "goodbye").await;
    assert!(first.cookie(COOKIE).await.is_null(), "the cookie stays");
    // The second still shows a page of before; its form is worth nothing.
    second.click("form[action='/cart/add'] button").await;
    assert_eq!(second.text_of(".status").await.as_deref(), Some("403"));
    second.picture(&pictures, "problem").await;
    assert!(
        !is_logged_in(&second, &server).await,
        "an ended session lives"
    );
    assert!(!is_logged_in(&first, &server).await);
    assert_eq!(pieces(&first).await, None, "the cart outlived its session");

    the_cache_is_watched(&first, &server, &pictures).await;
    first.close().await;
    second.close().await;
}

async fn the_cookie_is_out_of_reach(browser: &Browser) {
    let cookie = browser.cookie(COOKIE).await;
    assert_eq!(cookie["httpOnly"], true);
    assert_eq!(cookie["sameSite"], "Lax");
    assert_eq!(cookie["path"], "/");
    assert_eq!(cookie["session"], false, "it would not outlive the browser");
    assert_eq!(browser.script("return document.cookie").await, "");
}

/// Adds things to the cart and takes some out.
async fn a_message_is_shown_once(browser: &Browser, server: &Server) {
    browser.go(&server.address, "/cart").await;
    assert_eq!(browser.count(".note").await, 0);
    browser.click("form[action='/cart/add'] button").await;
    assert_eq!(browser.path().await, "/cart");
    assert_eq!(browser.count(".note.success").await, 1, "seen once");
    browser.reload().await;
    assert_eq!(browser.count(".note").await, 0, "and not twice");
    assert_eq!(
        pieces(browser).await.as_deref(),
        Some("1"),
        "a reload sent the form again"
    );

    browser.click(".good:nth-child(3) form button").await;
    browser
        .click("button[aria-label='One more: Tide table']")
        .await;
    browser
        .click("button[aria-label='One more: Tide table']")
        .await;
    assert_eq!(pieces(browser).await.as_deref(), Some("4"));
    assert_eq!(
        browser.text_of(".total strong").await.as_deref(),
        Some("€ 66.00")
    );
    browser
        .click("button[aria-label='One less: Tide table']")
        .await;
    browser
        .click("button[aria-label='Remove: Storm lantern']")
        .await;
    assert_eq!(pieces(browser).await.as_deref(), Some("2"));
    assert_eq!(browser.count(".line").await, 1);
    browser.click(".good:nth-child(4) form button").await;
}

async fn the_cache_is_watched(browser: &Browser, server: &Server, pictures: &Path) {
    browser.go(&server.address, "/cache?pause").await;
    assert_eq!(browser.count("meta[http-equiv=refresh]").await, 0);
    assert!(
        browser
            .text_of("main")
            .await
            .expect("a page")
            .contains("Hit ratio")
    );
    browser.picture(pictures, "cache").await;
    browser.go(&server.address, "/cache").await;
    let content = browser
        .attribute("meta[http-equiv=refresh]", "content")
        .await;
    assert_eq!(content.as_deref(), Some("2"));
    for path in ["/", "/cart", "/sessions", "/cache?pause", "/nowhere"] {
        browser.go(&server.address, path).await;
        assert_eq!(browser.count("script").await, 0, "{path} has a script");
        assert!(!browser.text().await.is_empty());
    }
}
