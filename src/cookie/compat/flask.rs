//! Flask's session: tagged JSON in a signed cookie.

mod cookie;
mod tags;

pub use cookie::{FlaskCookie, FlaskCookieBuilder};
pub use tags::Tags;
