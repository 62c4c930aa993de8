//! What these tests share.

use std::time::Duration;

use sessile::store::{MongoBuilder, MongoStore, Patience, Terms};

use crate::double::Double;

/// Where sessions are by default.
pub(crate) const SESSIONS: &str = "flask_session.sessions";

/// Half an hour.
pub(crate) fn terms() -> Terms {
    Terms::ttl(Duration::from_secs(1800))
}

pub(crate) fn patience() -> Patience {
    Patience::new()
        .timeout(Duration::from_secs(2))
        .pause(Duration::from_millis(5))
}

pub(crate) fn on(double: &Double) -> MongoBuilder {
    MongoStore::builder()
        .address(double.address())
        .patience(patience())
}
