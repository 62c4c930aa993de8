//! Where the visit begins: the counter, the login, and what the session holds.

use std::time::Duration;

use indicatif::HumanCount;
use maud::{Markup, html};

use super::span::exactly;
use super::{Frame, page, token};

/// The longest name that somebody may log in under, in characters.
pub const NAME_CHARS_MAX: usize = 40;

/// What the page tells.
#[derive(Clone, Debug)]
pub struct Home {
    /// How often this session has been here.
    pub visits: u64,
    /// Name and value of all that the session holds.
    pub stored: Vec<(String, String)>,
    /// How long an unused session lives.
    pub idle: Duration,
    /// The name of the session cookie.
    pub cookie: String,
    /// Whether it is sent over https only.
    pub is_secure: bool,
}

/// Renders the page.
#[must_use]
pub fn home(frame: &Frame, home: &Home) -> Markup {
    let body = html! {
        section.hero {
            div.pitch {
                h1 { "Sessions that stay " em { "where they are." } }
                p.lead {
                    "This small shop keeps you logged in and remembers your cart. All of it lives in the memory of the \
                     program that renders this page: no database, no script, one cookie."
                }
                p.actions {
                    a.button.primary href="/cart" { "Put something in the cart" }
                    a.button href="/cache" { "Watch the cache" }
                }
            }
            div.card.panel {
                p.visits {
                    span.figure { (HumanCount(home.visits)) }
                    span.label { (if home.visits == 1 { "visit in this session" } else { "visits in this session" }) }
                }
                @match &frame.user {
                    Some(user) => (welcome(user)),
                    None => (login(frame)),
                }
            }
        }
        section aria-labelledby="stored" {
            h2 #stored { "What is stored about you" }
            div.card.stored { (stored(&home.stored)) }
            (facts(home))
        }
    };
    page(frame, "Home", &html! {}, &body)
}

fn login(frame: &Frame) -> Markup {
    html! {
        form.login method="post" action="/login" {
            (token(frame))
            label for="name" { "Log in under any name" }
            div.field {
                input #name name="name" type="text" required maxlength=(NAME_CHARS_MAX) autocomplete="nickname"
                    placeholder="Ada" aria-describedby="name-hint";
                button.primary type="submit" { "Log in" }
            }
            p.hint #name-hint { "No password: whoever takes the same name shares your list of sessions." }
        }
    }
}

fn welcome(user: &str) -> Markup {
    html! {
        div.welcome {
            p { "Logged in as " strong { (user) } "." }
            p.hint {
                "Log in once more in another browser, then "
                a href="/sessions" { "end that session" } " from here."
            }
        }
    }
}

fn stored(stored: &[(String, String)]) -> Markup {
    html! {
        @if stored.is_empty() {
            p.hint { "Nothing yet." }
        } @else {
            table.pairs {
                caption.unseen { "Names and values in your session" }
                thead.unseen { tr { th scope="col" { "Name" } th scope="col" { "Value" } } }
                tbody {
                    @for (name, value) in stored {
                        tr { th scope="row" { (name) } td { code { (value) } } }
                    }
                }
            }
        }
    }
}

fn facts(home: &Home) -> Markup {
    html! {
        ul.facts {
            li {
                strong { "One cookie" }
                "It is called " code { (home.cookie) } " and holds a random number, nothing else. Scripts cannot read it, other \
                 sites cannot send it along with a form"
                @if home.is_secure { ", and it travels over https only" }
                "."
            }
            li {
                strong { "A new number at login" }
                "Whoever knew or chose the old one knows nothing now: that number is worth nothing, and what you had comes along."
            }
            li {
                strong { "Gone by itself" }
                (exactly(home.idle)) " after your last click, or as soon as you log out. Then the memory is free for somebody else."
            }
        }
    }
}

/// Renders the page after the logout.
#[must_use]
pub fn goodbye(frame: &Frame) -> Markup {
    let body = html! {
        section.lonely {
            h1 { "You are logged out." }
            p.lead { "The record is gone from the cache and the cookie from your browser. Nothing of you is stored here any more." }
            p.actions { a.button.primary href="/" { "Start again" } a.button href="/cache" { "Watch the cache" } }
        }
    };
    page(frame, "Logged out", &html! {}, &body)
}
