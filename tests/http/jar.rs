//! Cookies of the application's own beside the session's, through a router.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use sessile::cookie::{CookieConfig, JarSettings, Keyring, SignedCookie};
use sessile::http::{Cookies, JarLayer, SessionLayer};
use sessile::session::Session;
use sessile::{Error, ErrorKind};

use crate::client::{self, Client};

struct Failed(Error);

impl axum::response::IntoResponse for Failed {
    fn into_response(self) -> axum::response::Response {
        (StatusCode::BAD_REQUEST, self.0.to_string()).into_response()
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

type Said = Result<String, Failed>;

fn settings() -> JarSettings {
    let ring = Keyring::new(b"an example key of 32 bytes, not!").expect("long");
    JarSettings::new().keyring(ring)
}

fn browser(routes: Router) -> Client {
    Client::new(routes.layer(JarLayer::new(settings())))
}

async fn set(cookies: Cookies) -> Said {
    cookies.with(|jar| {
        jar.set("foo", "bar")?;
        jar.set("baz", "ding")
    })?;
    Ok(String::new())
}

async fn show(cookies: Cookies) -> Said {
    Ok(cookies.with(|jar| Ok(format!("{:?} {:?}", jar.get("foo"), jar.get("baz"))))?)
}

async fn delete(cookies: Cookies) -> Said {
    cookies.with(|jar| jar.remove("foo"))?;
    Ok(String::new())
}

/// Reads the map's value and sets it, as the scenarios' handlers do.
async fn swap(cookies: Cookies) -> Said {
    Ok(cookies.with(|jar| {
        let map = jar.signed("map")?;
        let before = map.get::<String>("foo")?;
        map.insert("foo", "bar")?;
        Ok(before.unwrap_or_else(|| "undefined".to_owned()))
    })?)
}

#[tokio::test]
async fn tp03_attributes_are_defaults_overridden_by_name() {
    let theme = CookieConfig::builder()
        .name("foo")
        .path("/a")
        .http_only(false);
    let settings = settings().cookie(theme.build().expect("sound"));
    let routes = Router::new().route("/set", get(set));
    let mut browser = Client::new(routes.layer(JarLayer::new(settings)));
    let answer = browser.get("/set").await;
    let expected = [
        "foo=bar; Path=/a; Secure; SameSite=Lax",
        "baz=ding; Path=/; Secure; HttpOnly; SameSite=Lax",
    ];
    assert_eq!(answer.set_cookies(), expected);
}

#[tokio::test]
async fn tp05_tp11_tp33_tp34_plain_cookies_are_set_deleted_and_set_again() {
    let routes = Router::new()
        .route("/set", get(set))
        .route("/show", get(show))
        .route("/delete", get(delete));
    let mut browser = browser(routes);
    for _ in 0..2 {
        assert_eq!(
            browser.get("/show").await.body.split(' ').next(),
            Some("None")
        );
        browser.get("/set").await;
        assert_eq!(
            browser.get("/show").await.body,
            r#"Some("bar") Some("ding")"#
        );
        let deleted = browser.get("/delete").await;
        assert_eq!(deleted.set_cookies().len(), 1);
        assert_eq!(browser.get("/show").await.body, r#"None Some("ding")"#);
    }
}

#[tokio::test]
async fn tp12_what_was_set_and_unset_is_never_sent() {
    async fn waver(cookies: Cookies) -> Said {
        cookies.with(|jar| jar.set("foo", "bar"))?;
        cookies.with(|jar| Ok(jar.unset("foo")))?;
        Ok(String::new())
    }
    let mut browser = browser(Router::new().route("/", get(waver)));
    let answer = browser.get("/").await;
    assert!(answer.set_cookies().is_empty());
}

#[tokio::test]
async fn tp04_tp13_tp35_a_signed_map_is_read_by_the_next_request() {
    let mut browser = browser(Router::new().route("/", get(swap)));
    assert_eq!(browser.get("/").await.body, "undefined");
    assert_eq!(browser.get("/").await.body, "bar");
    let forged = format!("map={}", browser.value("map").expect("set").to_lowercase());
    assert_eq!(browser.get_with("/", &[&forged]).await.body, "undefined");
}

#[tokio::test]
async fn tp36_tp37_tp38_maps_that_are_not_loaded_or_made_apart() {
    async fn not_loaded(cookies: Cookies) -> Said {
        cookies.with(|jar| jar.put_signed("map", SignedCookie::new()))?;
        swap(cookies).await
    }
    async fn made_apart(cookies: Cookies) -> Said {
        let map = SignedCookie::of(&std::collections::BTreeMap::from([("foo", "made")]))?;
        cookies.with(|jar| jar.put_signed("map", map))?;
        Ok(String::new())
    }
    async fn of_a_text(_: Cookies) -> Said {
        SignedCookie::of("foo")?;
        Ok(String::new())
    }
    let routes = Router::new()
        .route("/", get(swap))
        .route("/new", get(not_loaded))
        .route("/made", get(made_apart))
        .route("/text", get(of_a_text));
    let mut browser = browser(routes);
    assert_eq!(browser.get("/new").await.body, "undefined");
    assert_eq!(browser.get("/new").await.body, "undefined");
    browser.get("/made").await;
    assert_eq!(browser.get("/").await.body, "made");
    assert_eq!(browser.get("/text").await.status, 400);
}

#[tokio::test]
async fn cookies_and_the_session_stand_side_by_side_one_header_a_name() {
    async fn both(session: Session, cookies: Cookies) -> Said {
        session.insert("a", &1)?;
        cookies.with(|jar| jar.set("theme", "light"))?;
        cookies.with(|jar| jar.set("theme", "dark"))?;
        Ok(String::new())
    }
    async fn neither() {}
    let routes = Router::new()
        .route("/both", get(both))
        .route("/neither", get(neither))
        .layer(SessionLayer::new(client::core(|core| core)));
    let mut browser = browser(routes);
    let answer = browser.get("/both").await;
    let names: Vec<_> = answer
        .set_cookies()
        .into_iter()
        .filter_map(|line| line.split('=').next())
        .collect();
    assert_eq!(names, ["__Host-id", "theme"]);
    assert_eq!(browser.value("theme").as_deref(), Some("dark"));
    assert_eq!(answer.vary(), Some("Cookie"));
    let bare = browser.get("/neither").await;
    assert_eq!((bare.set_cookies().len(), bare.vary()), (0, None));
}

#[tokio::test]
async fn a_map_too_large_for_its_cookie_is_an_empty_500() {
    async fn large(cookies: Cookies) -> Said {
        cookies.with(|jar| jar.signed("map")?.insert("a", &"x".repeat(4000)))?;
        Ok("half-way".to_owned())
    }
    let mut browser = browser(Router::new().route("/", get(large)));
    let answer = browser.get("/").await;
    assert_eq!((answer.status, answer.body.as_str()), (500, ""));
    assert!(answer.set_cookies().is_empty());
}

#[tokio::test]
async fn a_jar_asked_for_inside_itself_is_an_error_and_stays_whole() {
    async fn nested(cookies: Cookies) -> Said {
        let again = cookies.clone();
        let inner = cookies.with(|jar| {
            jar.set("foo", "bar")?;
            again.with(|jar| jar.set("foo", "worse"))
        });
        assert_eq!(inner.expect_err("its own").kind(), ErrorKind::InvalidInput);
        let handle = Arc::new(cookies.clone());
        let other = std::thread::spawn(move || handle.with(|jar| jar.set("baz", "ding")));
        other.join().expect("no panic")?;
        show(cookies).await
    }
    let mut browser = browser(Router::new().route("/", get(nested)));
    let answer = browser.get("/").await;
    assert_eq!(answer.body, r#"Some("bar") Some("ding")"#);
    assert_eq!(answer.set_cookies().len(), 2);
}

#[tokio::test]
async fn without_a_layer_handlers_get_an_empty_500() {
    let mut browser = Client::new(Router::new().route("/", get(show)));
    let answer = browser.get("/").await;
    assert_eq!((answer.status, answer.body.as_str()), (500, ""));
}
