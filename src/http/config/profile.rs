//! The three sets of defaults: our own, Flask's and Django's.

use super::settings::{Layout, SignerForm};
use super::store::{CookieForm, StoreKind};
use crate::codec::Format;
use crate::cookie::SameSite;
use crate::id::IdFormat;
use crate::session::EmptyPolicy;

const DAY: u64 = 86_400;

/// What holds where nobody said anything.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) name: &'static str,
    pub(super) store: StoreKind,
    pub(super) cookie_name: &'static str,
    /// Whether `APPLICATION_ROOT` is the cookie's path; elsewhere it is some other program's.
    pub(super) rooted: bool,
    pub(super) secure: bool,
    pub(super) same_site: Option<SameSite>,
    pub(super) lifetime_s: u64,
    pub(super) absolute_s: Option<u64>,
    /// Whether new sessions are permanent: in a cookie, and on a server.
    pub(super) permanent: [bool; 2],
    /// Whether each answer refreshes the cookie, or only those to changes; `None`: each renewal.
    pub(super) refresh: Option<bool>,
    pub(super) save_on_error: bool,
    pub(super) empty: EmptyPolicy,
    pub(super) id: IdFormat,
    /// The prefix of plain keys; `None` where keys are digests.
    pub(super) plain_keys: Option<&'static str>,
    pub(super) format: Format,
    pub(super) layout: Layout,
    pub(super) signer: SignerForm,
    pub(super) salt: &'static str,
    pub(super) cookie_form: CookieForm,
    pub(super) sql_table: &'static str,
}

pub(super) const NATIVE: &Profile = &Profile {
    name: "native",
    store: StoreKind::Cache,
    cookie_name: "id",
    rooted: false,
    secure: true,
    same_site: Some(SameSite::Lax),
    lifetime_s: 14 * DAY,
    absolute_s: Some(30 * DAY),
    permanent: [false, false],
    refresh: None,
    save_on_error: false,
    empty: EmptyPolicy::Delete,
    id: IdFormat::Base64,
    plain_keys: None,
    format: Format::MessagePack,
    layout: Layout::Native,
    signer: SignerForm::Native,
    salt: "sessile.session-id",
    cookie_form: CookieForm::Encrypted,
    sql_table: "flask_sessions",
};

pub(super) const FLASK: &Profile = &Profile {
    name: "Flask",
    store: StoreKind::SecureCookie,
    cookie_name: "session",
    rooted: true,
    secure: false,
    same_site: None,
    lifetime_s: 31 * DAY,
    absolute_s: None,
    // Flask's own sessions begin impermanent, those of Flask-Session permanent.
    permanent: [false, true],
    refresh: Some(true),
    save_on_error: true,
    empty: EmptyPolicy::Delete,
    id: IdFormat::Base64,
    plain_keys: Some("session:"),
    format: Format::MessagePack,
    layout: Layout::Bare,
    signer: SignerForm::FlaskSession,
    salt: "flask-session",
    cookie_form: CookieForm::Flask,
    sql_table: "flask_sessions",
};

pub(super) const DJANGO: &Profile = &Profile {
    name: "Django",
    store: StoreKind::Sql,
    cookie_name: "sessionid",
    rooted: false,
    secure: false,
    same_site: Some(SameSite::Lax),
    lifetime_s: 14 * DAY,
    absolute_s: None,
    permanent: [true, true],
    refresh: Some(false),
    save_on_error: false,
    empty: EmptyPolicy::Keep,
    id: IdFormat::Django,
    plain_keys: Some(""),
    format: Format::Json,
    layout: Layout::Django,
    signer: SignerForm::Native,
    salt: "sessile.session-id",
    cookie_form: CookieForm::Django,
    sql_table: "django_session",
};
