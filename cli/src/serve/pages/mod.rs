//! The pages: pure functions from plain data to HTML. No script anywhere; what changes something is a
//! form that posts.

pub mod cache;
pub mod cart;
pub mod home;
pub mod problem;
pub mod sessions;
mod span;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::csrf;
use super::style;

/// The project's mark: something that sits on its rock and stays there.
pub const MARK: &str = include_str!("../mark.svg");

/// What surrounds each page.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Which part of the site this is, to be marked in the navigation.
    pub place: Place,
    /// The name of whoever is logged in.
    pub user: Option<String>,
    /// How many pieces are in the cart.
    pub pieces: u64,
    /// The token of this page's forms; empty on pages that have none.
    pub token: String,
    /// What to tell once.
    pub notes: Vec<Note>,
}

/// The parts of the site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Where the visit begins.
    Home,
    /// The catalogue and the cart.
    Cart,
    /// One's own sessions.
    Sessions,
    /// The cache at work.
    Cache,
    /// Pages beside the navigation.
    #[default]
    Elsewhere,
}

/// A message that is shown once.
#[derive(Clone, Debug)]
pub struct Note {
    /// `info`, `success`, `warning` or `error`.
    pub level: &'static str,
    /// What it says.
    pub text: String,
}

const NAVIGATION: [(Place, &str, &str); 4] = [
    (Place::Home, "/", "Home"),
    (Place::Cart, "/cart", "Shop"),
    (Place::Sessions, "/sessions", "Sessions"),
    (Place::Cache, "/cache", "Cache"),
];

/// A whole document: `head` goes into the head, `body` into the main part.
fn page(frame: &Frame, title: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · sessile" }
                link rel="icon" type="image/svg+xml" href="/icon.svg";
                link rel="stylesheet" href=(style::path());
                (head)
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (top(frame))
                main #main.wrap {
                    (notes(&frame.notes))
                    (body)
                }
                footer.foot {
                    div.wrap {
                        p { "Sessions in this process’s memory. No database, no script, one cookie." }
                        p { "sessile " (env!("CARGO_PKG_VERSION")) }
                    }
                }
            }
        }
    }
}

fn top(frame: &Frame) -> Markup {
    html! {
        header.top {
            div.wrap {
                a.brand href="/" { (PreEscaped(MARK)) span { "sessile" } }
                nav.nav aria-label="Main" {
                    @for (place, path, name) in NAVIGATION {
                        a href=(path) aria-current=[(place == frame.place).then_some("page")] {
                            (name)
                            @if place == Place::Cart && frame.pieces > 0 {
                                " " span.count { (frame.pieces) span.unseen { " in the cart" } }
                            }
                        }
                    }
                }
                div.who {
                    @if let Some(user) = &frame.user {
                        span.name title=(user) { (avatar(user)) span.text { (user) } }
                        @if !frame.token.is_empty() {
                            form method="post" action="/logout" {
                                (token(frame))
                                button.quiet type="submit" { "Log out" }
                            }
                        }
                    } @else if frame.place != Place::Home {
                        a.button.quiet href="/" { "Log in" }
                    }
                }
            }
        }
    }
}

fn notes(notes: &[Note]) -> Markup {
    html! {
        @if !notes.is_empty() {
            div.notes {
                @for note in notes {
                    @let is_urgent = matches!(note.level, "warning" | "error");
                    p class={ "note " (note.level) } role=(if is_urgent { "alert" } else { "status" }) {
                        (note.text)
                    }
                }
            }
        }
    }
}

/// The first letter of a name, in a circle.
fn avatar(user: &str) -> Markup {
    html! { span.avatar aria-hidden="true" { @if let Some(first) = user.chars().next() { (first) } } }
}

/// The hidden field that proves that a form came from here.
fn token(frame: &Frame) -> Markup {
    html! { input type="hidden" name=(csrf::FIELD) value=(frame.token); }
}

/// A picture drawn as one line.
fn picture(path: &str) -> Markup {
    html! {
        svg.picture viewBox="0 0 24 24" aria-hidden="true" { path d=(path); }
    }
}

/// A price.
fn euros(cents: u64) -> String {
    format!("€\u{a0}{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_stays_text() {
        let frame = Frame {
            user: Some("<b onclick=x>".to_owned()),
            notes: vec![Note {
                level: "info",
                text: "\"><script>".to_owned(),
            }],
            ..Frame::default()
        };
        let page = page(&frame, "<title>", &html! {}, &html! {}).into_string();
        assert!(!page.contains("<b ") && !page.contains("<script") && !page.contains("<title><"));
        assert!(page.contains("&lt;b onclick=x&gt;") && page.contains("&lt;script&gt;"));
    }

    #[test]
    fn prices_have_two_digits_of_cents() {
        assert_eq!(euros(905), "€\u{a0}9.05");
        assert_eq!(euros(0), "€\u{a0}0.00");
    }
}
