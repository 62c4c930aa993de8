//! Answers to requests that cannot be carried out.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use sessile::Error;
use sessile::http::SessionRejection;

use super::pages::problem::{Problem, problem};

/// Why there is no page.
#[derive(Debug)]
pub enum Refusal {
    /// The form is not one of ours, or was filled in by a program.
    BadForm,
    /// The form's token is not one of this session: another site sent it, or the session has ended.
    StaleForm,
    /// More than any form here takes.
    TooLarge,
    /// No such page.
    NotFound,
    /// The page is there, but not for this method.
    WrongMethod,
    /// The store could not give the request its session.
    NoSession(SessionRejection),
    /// Something failed on our side.
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, title, advice) = match self {
            Self::BadForm => (
                StatusCode::BAD_REQUEST,
                "That form cannot be read.",
                "Go back, reload the page and try it again.",
            ),
            Self::StaleForm => (
                StatusCode::FORBIDDEN,
                "That form is out of date.",
                "Your session has ended, or you have logged in since the page was loaded. Nothing was changed: \
                 go back, reload that page and try again.",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "That is too much.",
                "No form here needs so many bytes. Nothing was changed.",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "There is nothing here.",
                "The address may be mistyped, or what was here has moved. Your session has not.",
            ),
            Self::WrongMethod => (
                StatusCode::METHOD_NOT_ALLOWED,
                "That is not a page to look at.",
                "Forms are sent to this address; it has nothing to show.",
            ),
            // An outsider learns that it failed, the log says why.
            Self::NoSession(rejection) => return rejection.into_response(),
            Self::Failed(error) => return error.into_response(),
        };
        let page = problem(&Problem {
            status: status.as_u16(),
            title,
            advice,
        });
        (status, Html(page.into_string())).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::HttpBody;
    use sessile::ErrorKind;

    use super::*;

    #[test]
    fn what_fails_on_our_side_has_an_empty_body() {
        let error = Error::new(ErrorKind::Io, "read a session: the disk said no");
        let answer = Refusal::from(error).into_response();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.body().is_end_stream(), "an outsider was told why");
    }

    #[test]
    fn what_the_visitor_can_mend_has_a_page() {
        let answer = Refusal::StaleForm.into_response();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(!answer.body().is_end_stream());
    }
}
