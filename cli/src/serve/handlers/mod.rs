//! The requests: each reads its session, changes it or not, and answers with a page or with the way to
//! one (so that reloading never sends a form twice).

pub mod account;
pub mod health;
pub mod overview;
pub mod sessions;
pub mod shop;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, RawForm, Request};
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse};
use maud::Markup;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sessile::Result;
use sessile::session::{Message, Session};

use super::app::App;
use super::cart::Cart;
use super::csrf;
use super::pages::{Frame, Note, Place};
use super::refusal::Refusal;

/// The name in the session of who is logged in. Beside the session's owner, so that it may be shown as
/// it was written.
const USER: &str = "user";
/// The name of the cart.
const CART: &str = "cart";
/// The name of the counter.
const VISITS: &str = "visits";

type Answer<T = Html<String>> = Result<T, Refusal>;

fn answer(page: Markup) -> Html<String> {
    Html(page.into_string())
}

/// What surrounds a page with forms, messages included: they are shown by this page and no other.
fn frame(session: &Session, place: Place) -> Result<Frame> {
    let messages = session.messages().take()?;
    let note = |message: Message| Note {
        level: message.level.tag(),
        text: message.body,
    };
    Ok(Frame {
        token: csrf::token(session)?,
        notes: messages.into_iter().map(note).collect(),
        ..bare_frame(session, place)?
    })
}

/// What surrounds a page that only looks: it takes no message and changes nothing.
fn bare_frame(session: &Session, place: Place) -> Result<Frame> {
    let cart: Option<Cart> = session.get(CART)?;
    Ok(Frame {
        place,
        user: session.get(USER)?,
        pieces: cart.unwrap_or_default().pieces(),
        ..Frame::default()
    })
}

/// A form that came from a page of this session.
pub struct Posted<T> {
    session: Session,
    form: T,
}

#[derive(Deserialize)]
struct Token {
    #[serde(rename = "token", default)]
    text: String,
}

impl<T: DeserializeOwned> FromRequest<App> for Posted<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        debug_assert_eq!(request.method(), Method::POST);
        let (mut parts, body) = request.into_parts();
        let session = Session::from_request_parts(&mut parts, app)
            .await
            .map_err(Refusal::NoSession)?;
        let body = RawForm::from_request(Request::from_parts(parts, body), app).await;
        let RawForm(bytes) = body.map_err(|rejection| {
            if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
                Refusal::TooLarge
            } else {
                Refusal::BadForm
            }
        })?;
        // The token first: nothing else of a foreign form is looked at.
        let token: Token = read(&bytes)?;
        if !csrf::holds(&session, &token.text)? {
            return Err(Refusal::StaleForm);
        }
        let form = read(&bytes)?;
        Ok(Self { session, form })
    }
}

fn read<T: DeserializeOwned>(form: &Bytes) -> Result<T, Refusal> {
    serde_urlencoded::from_bytes(form).map_err(|_| Refusal::BadForm)
}

/// A form of which only the button counts.
#[derive(Deserialize)]
pub struct Button {}
