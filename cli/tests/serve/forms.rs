//! Requests that no page of ours makes, and what every answer has.

use crate::server::{Answer, Server};

/// A session with a token, and the two.
fn visit(server: &Server) -> (String, String) {
    let answer = server.ask("GET", "/cart", "", "");
    let cookie = answer.cookie().expect("a page with forms has a session");
    (cookie.to_owned(), answer.token().to_owned())
}

fn pieces(server: &Server, cookie: &str) -> usize {
    let answer = server.ask("GET", "/cart", cookie, "");
    answer.body().matches("class=\"line\"").count()
}

fn posted(answer: &Answer, to: &str) {
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some(to))
    );
}

#[test]
fn a_form_without_a_token_of_its_session_changes_nothing() {
    let server = Server::start(&[]);
    let (cookie, token) = visit(&server);
    let (_, foreign) = visit(&server);
    let good = format!("item=mug&token={token}");
    for (cookie, form) in [
        (&*cookie, "item=mug"),
        (&*cookie, "item=mug&token="),
        (&*cookie, "item=mug&token=%00%ff"),
        (&*cookie, &*format!("item=mug&token={foreign}")),
        ("", &*good),
        ("session=", &*good),
    ] {
        let answer = server.ask("POST", "/cart/add", cookie, form);
        assert_eq!(answer.status(), 403, "{form}");
        // A cookie that is worth nothing is taken back; no other is set.
        let cookie = answer.cookie();
        assert!(matches!(cookie, None | Some("session=")), "{form}");
    }
    assert_eq!(pieces(&server, &cookie), 0);
    posted(&server.ask("POST", "/cart/add", &cookie, &good), "/cart");
    assert_eq!(pieces(&server, &cookie), 1);
}

#[test]
fn a_token_of_before_the_login_is_worth_nothing() {
    let server = Server::start(&[]);
    let (cookie, token) = visit(&server);
    let answer = server.ask(
        "POST",
        "/login",
        &cookie,
        &format!("name=Ada&token={token}"),
    );
    posted(&answer, "/");
    let cookie = answer.cookie().expect("a new id").to_owned();
    let answer = server.ask(
        "POST",
        "/cart/add",
        &cookie,
        &format!("item=mug&token={token}"),
    );
    assert_eq!(answer.status(), 403);
}

#[test]
fn a_bad_form_is_refused_with_a_page() {
    let server = Server::start(&[]);
    let (cookie, token) = visit(&server);
    for (path, fields) in [
        ("/cart/add", "item=sundial"),
        ("/cart/add", ""),
        ("/cart/change", "item=mug&quantity=256"),
        ("/cart/change", "item=mug&quantity=-1"),
        ("/sessions/end", "handle=me"),
    ] {
        let answer = server.ask("POST", path, &cookie, &format!("{fields}&token={token}"));
        assert_eq!(answer.status(), 400, "{path} {fields}");
        assert!(answer.body().contains("That form cannot be read."));
    }
    let twice = format!("token={token}&token={token}&item=mug");
    assert_eq!(
        server.ask("POST", "/cart/add", &cookie, &twice).status(),
        400
    );
    let large = format!("item=mug&token={token}&more={}", "x".repeat(20_000));
    assert_eq!(
        server.ask("POST", "/cart/add", &cookie, &large).status(),
        413
    );
    assert_eq!(pieces(&server, &cookie), 0);
}

#[test]
fn names_are_checked_and_escaped() {
    let server = Server::start(&[]);
    for (name, is_good) in [
        ("", false),
        ("++", false),
        ("a%0ab", false),
        (&*"x".repeat(41), false),
        (&*"x".repeat(40), true),
        ("%F0%9F%A6%AA", true),
        ("%3Cscript%3E", true),
    ] {
        let (cookie, token) = visit(&server);
        let answer = server.ask(
            "POST",
            "/login",
            &cookie,
            &format!("name={name}&token={token}"),
        );
        posted(&answer, "/");
        let cookie = answer.cookie().unwrap_or(&cookie).to_owned();
        let page = server.ask("GET", "/", &cookie, "");
        assert_eq!(
            page.body().contains("action=\"/logout\""),
            is_good,
            "{name}"
        );
        assert_eq!(
            page.body().contains("class=\"note error\""),
            !is_good,
            "{name}"
        );
        assert!(!page.body().contains("<script>"));
    }
}

#[test]
fn nobody_ends_the_session_of_somebody_else() {
    let server = Server::start(&[]);
    let log_in = |name: &str| {
        let (cookie, token) = visit(&server);
        let answer = server.ask(
            "POST",
            "/login",
            &cookie,
            &format!("name={name}&token={token}"),
        );
        answer.cookie().expect("a new id").to_owned()
    };
    let (ada, eve) = (log_in("Ada"), log_in("Eve"));
    let list = server.ask("GET", "/sessions", &ada, "");
    let (_, rest) = list
        .body()
        .split_once("name=\"handle\" value=\"")
        .expect("a session");
    let handle = rest.split('"').next().expect("a handle");
    let token = server.ask("GET", "/sessions", &eve, "").token().to_owned();
    let form = format!("handle={handle}&token={token}");
    posted(
        &server.ask("POST", "/sessions/end", &eve, &form),
        "/sessions",
    );
    let page = server.ask("GET", "/sessions", &ada, "");
    assert!(page.body().contains("This browser"), "ended by a stranger");
}

#[test]
fn every_answer_is_hardened() {
    let server = Server::start(&[]);
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/cache", 200),
        ("GET", "/style.css", 200),
        ("GET", "/icon.svg", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/%2e%2e/%00", 404),
        ("GET", "/login", 405),
        ("DELETE", "/", 405),
        ("POST", "/cart/add", 403),
    ] {
        let answer = server.ask(method, path, "", "");
        assert_eq!(answer.status(), status, "{path}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        let is_asset =
            answer.header("cache-control") == Some("public, max-age=31536000, immutable");
        assert_eq!(
            is_asset,
            path.ends_with(".css") || path.ends_with(".svg"),
            "{path}"
        );
        assert!(!answer.body().contains("<script"), "{path}");
    }
}

#[test]
fn looking_around_makes_no_session() {
    let server = Server::start(&[]);
    for path in [
        "/sessions",
        "/cache",
        "/goodbye",
        "/nowhere",
        "/style.css",
        "/health",
        "/health/session",
    ] {
        assert_eq!(server.ask("GET", path, "", "").cookie(), None, "{path}");
    }
    let page = server.ask("GET", "/cache", "", "");
    assert!(
        page.body().contains("<p class=\"figure\">0</p>"),
        "a record without a write"
    );
}

#[test]
fn behind_tls_the_cookie_is_secure_and_bound_to_the_host() {
    let server = Server::start(&["--secure"]);
    let answer = server.ask("GET", "/", "", "");
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    for attribute in ["Secure", "HttpOnly", "Path=/", "SameSite=Lax"] {
        assert!(cookie.split("; ").any(|part| part == attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
}

#[test]
fn whoever_watches_the_server_is_told_that_all_is_well() {
    let server = Server::start(&[]);
    let (cookie, _) = visit(&server);
    for (path, cookie, varies) in [
        ("/health", "", None),
        ("/health", &*cookie, None),
        ("/health/session", "", Some("cookie")),
        ("/health/session", &*cookie, Some("cookie")),
    ] {
        let answer = server.ask("GET", path, cookie, "");
        assert_eq!((answer.status(), answer.body()), (200, "ok\n"), "{path}");
        let vary = answer.header("vary").map(str::to_ascii_lowercase);
        assert_eq!(vary.as_deref(), varies, "only one of them reads a session");
    }
}
