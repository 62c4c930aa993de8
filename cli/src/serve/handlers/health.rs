//! Answers for whoever watches the server, and the two ends of the measurement in `benches/serve.sh`:
//! one is beside the sessions, the other reads one.

use sessile::Result;
use sessile::session::Session;

use super::{Answer, VISITS};

/// What both say when all is well.
const WELL: &str = "ok\n";

/// Says that the server answers.
pub async fn server() -> &'static str {
    WELL
}

/// Says that sessions can be read: the caller's, if it sent a cookie. Begins none.
pub async fn session(session: Session) -> Answer<&'static str> {
    let read: Result<Option<u64>> = session.get(VISITS);
    read.map(|_| WELL).map_err(Into::into)
}
