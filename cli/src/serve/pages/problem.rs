//! What is shown instead of a page.

use maud::{Markup, html};

use super::{Frame, page};

/// What the page tells.
#[derive(Clone, Copy, Debug)]
pub struct Problem {
    /// The status code.
    pub status: u16,
    /// What is the matter.
    pub title: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

/// Renders the page. It knows of no session: the problem may be that there is none.
#[must_use]
pub fn problem(problem: &Problem) -> Markup {
    let body = html! {
        section.lonely {
            p.status { (problem.status) }
            h1 { (problem.title) }
            p.lead { (problem.advice) }
            p.actions { a.button.primary href="/" { "Back to the start" } }
        }
    };
    page(&Frame::default(), problem.title, &html! {}, &body)
}
