//! One's own sessions.

use std::time::Duration;

use maud::{Markup, html};

use super::span::ago;
use super::{Frame, page, token};

/// One session in the list.
#[derive(Clone, Debug)]
pub struct Row {
    /// Names it to its owner; opens nothing.
    pub handle: String,
    /// How long ago it began.
    pub age: Duration,
    /// How long ago it was last used.
    pub unused: Duration,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// Renders the page of somebody who is logged in.
#[must_use]
pub fn sessions(frame: &Frame, rows: &[Row]) -> Markup {
    let body = html! {
        h1.title { "Your sessions" }
        p.lead {
            "Every browser in which you are logged in"
            @if let Some(user) = &frame.user { " as " strong { (user) } }
            ". A session that you end is gone at once: its next request finds nothing."
        }
        ul.devices { @for row in rows { (device(frame, row)) } }
        div.actions {
            @if rows.len() > 1 {
                form method="post" action="/sessions/end-others" {
                    (token(frame))
                    button type="submit" { "Log out the others" }
                }
            }
            form method="post" action="/sessions/end-all" {
                (token(frame))
                button.danger type="submit" { "Log out everywhere" }
            }
        }
    };
    page(frame, "Your sessions", &html! {}, &body)
}

fn device(frame: &Frame, row: &Row) -> Markup {
    html! {
        li.card.device.current[row.is_current] {
            div {
                h2 {
                    (if row.is_current { "This browser" } else { "Another browser" })
                    @if row.is_current { " " span.badge { "you are here" } }
                }
                dl.meta {
                    div { dt { "Created" } dd { (ago(row.age)) } }
                    div { dt { "Last seen" } dd { (ago(row.unused)) } }
                    div { dt { "Known as" } dd { code { (row.handle.get(..8).unwrap_or_default()) } } }
                }
            }
            form method="post" action="/sessions/end" {
                (token(frame))
                input type="hidden" name="handle" value=(row.handle);
                button type="submit" {
                    (if row.is_current { "End this one" } else { "End it" })
                }
            }
        }
    }
}

/// Renders the page where nothing is kept on the server that could be listed.
#[must_use]
pub fn in_cookies(frame: &Frame) -> Markup {
    let body = html! {
        section.lonely {
            h1 { "Your sessions" }
            p.lead { "Each browser carries its own session in its cookie. The server keeps none, so there is nothing to list \
                      here and nothing to end from elsewhere: a copy of the cookie stays good until it expires." }
            p.actions { a.button href="/" { "Back" } }
        }
    };
    page(frame, "Your sessions", &html! {}, &body)
}

/// Renders the page of somebody who is not.
#[must_use]
pub fn nobody(frame: &Frame) -> Markup {
    let body = html! {
        section.lonely {
            h1 { "Your sessions" }
            p.lead { "Log in under any name, in two browsers if you like, and find them listed here: when each began, when it \
                      was last seen, and a button that ends it." }
            p.actions { a.button.primary href="/" { "Log in" } }
        }
    };
    page(frame, "Your sessions", &html! {}, &body)
}
