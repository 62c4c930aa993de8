//! The contenders, each with its defaults and sessions of fourteen days.

use axum::extract::FromRequestParts as _;
use http::request::Parts;
use sessile::http::{Core, SessionLayer};
use sessile::session::Sessions;
use sessile::{Cache, CacheStore};
use tokio::runtime::{Builder, Runtime};
use tower::Layer as _;

use super::actix::actix_lane;
use super::tower::{Api, BARE, Nobody, TowerLane, handler};
use super::{Deed, Lane, NAME, NAMES, Routing, next_number};

/// The names of the rows.
const OURS: &str = "sessile";
const MEMORY: &str = "tower-sessions 0.15 MemoryStore";
const MOKA: &str = "tower-sessions 0.14 moka store";
const AXUM_SESSION: &str = "axum_session, memory only";
const BARE_ACTIX: &str = "bare (actix)";
const ACTIX: &str = "actix-session, cookie store";

/// Sessions that every store has room for.
const ROOM: usize = 1_000_000;

/// The contenders' names.
#[must_use]
pub fn contenders() -> Vec<&'static str> {
    vec![BARE, OURS, MEMORY, MOKA, AXUM_SESSION, BARE_ACTIX, ACTIX]
}

/// Those wanted, and the bare services, which the others are compared with.
#[must_use]
pub fn lanes(routing: Routing, wants: impl Fn(&str) -> bool) -> Vec<Box<dyn Lane>> {
    let mut lanes: Vec<Box<dyn Lane>> = vec![Box::new(TowerLane::new(
        BARE,
        routing,
        runtime(),
        handler::<Nobody>,
    ))];
    if wants(OURS) {
        let layer = ours();
        lanes.push(Box::new(TowerLane::new(
            OURS,
            routing,
            runtime(),
            move |deed| layer.layer(handler::<Ours>(deed)),
        )));
    }
    if wants(MEMORY) {
        use tower_sessions::cookie::time::Duration;
        use tower_sessions::{Expiry, MemoryStore, SessionManagerLayer};
        let layer = SessionManagerLayer::new(MemoryStore::default())
            .with_expiry(Expiry::OnInactivity(Duration::days(14)));
        lanes.push(Box::new(TowerLane::new(
            MEMORY,
            routing,
            runtime(),
            move |deed| layer.layer(handler::<tower_sessions::Session>(deed)),
        )));
    }
    if wants(MOKA) {
        use tower_sessions_014::cookie::time::Duration;
        use tower_sessions_014::{Expiry, SessionManagerLayer};
        let store = tower_sessions_moka_store::MokaStore::new(Some(ROOM as u64));
        let layer =
            SessionManagerLayer::new(store).with_expiry(Expiry::OnInactivity(Duration::days(14)));
        lanes.push(Box::new(TowerLane::new(
            MOKA,
            routing,
            runtime(),
            move |deed| layer.layer(handler::<tower_sessions_014::Session>(deed)),
        )));
    }
    if wants(AXUM_SESSION) {
        use axum_session::{SessionConfig, SessionLayer, SessionNullPool, SessionStore};
        let runtime = runtime();
        let store = SessionStore::<SessionNullPool>::new(None, SessionConfig::default());
        let layer = SessionLayer::new(runtime.block_on(store).expect("no database can fail"));
        lanes.push(Box::new(TowerLane::new(
            AXUM_SESSION,
            routing,
            runtime,
            move |deed| layer.layer(handler::<Pooled>(deed)),
        )));
    }
    // Actix's services are always routed.
    if wants(ACTIX) {
        lanes.push(actix_lane(BARE_ACTIX, BARE_ACTIX, false));
        lanes.push(actix_lane(ACTIX, BARE_ACTIX, true));
    }
    lanes
}

pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime of this thread")
}

/// Our layer on a cache of its own.
pub(super) fn ours() -> SessionLayer<sessile::http::Stored<CacheStore>> {
    let cache = Cache::builder().max_entries(ROOM);
    let store = CacheStore::new(cache.build().expect("a valid cache").into());
    let sessions = Sessions::builder(store).build().expect("valid sessions");
    SessionLayer::new(Core::builder(sessions).build().expect("a valid core"))
}

/// Our sessions.
struct Ours;

impl Api for Ours {
    async fn act(deed: Deed, parts: &mut Parts) -> bool {
        let session = sessile::session::Session::from_request_parts(parts, &()).await;
        let session = session.expect("the layer is there");
        let set = |name: &str| {
            let set = session.insert(name, &next_number());
            set.expect("a number fits");
        };
        match deed {
            Deed::Fill => NAMES.into_iter().for_each(set),
            Deed::Untouched => {}
            Deed::Read => return matches!(session.get::<u64>(NAME), Ok(Some(_))),
            Deed::Write => set(NAME),
            Deed::Login => {
                set("user");
                session.cycle_id();
            }
            Deed::Logout => session.destroy(),
        }
        true
    }
}

/// The sessions of tower-sessions, whose releases differ in nothing used here.
macro_rules! tower_sessions_api {
    ($session:ty) => {
        impl Api for $session {
            async fn act(deed: Deed, parts: &mut Parts) -> bool {
                let session = Self::from_request_parts(parts, &()).await;
                let session = session.expect("the layer is there");
                let done = match deed {
                    Deed::Fill => {
                        for name in NAMES {
                            let set = session.insert(name, next_number()).await;
                            set.expect("a number fits");
                        }
                        Ok(())
                    }
                    Deed::Untouched => Ok(()),
                    Deed::Read => return matches!(session.get::<u64>(NAME).await, Ok(Some(_))),
                    Deed::Write => session.insert(NAME, next_number()).await,
                    Deed::Login => {
                        let set = session.insert("user", next_number()).await;
                        set.expect("a number fits");
                        session.cycle_id().await
                    }
                    Deed::Logout => session.flush().await,
                };
                done.is_ok()
            }
        }
    };
}

tower_sessions_api!(tower_sessions::Session);
tower_sessions_api!(tower_sessions_014::Session);

/// The sessions of axum_session without a database.
type Pooled = axum_session::Session<axum_session::SessionNullPool>;

impl Api for Pooled {
    async fn act(deed: Deed, parts: &mut Parts) -> bool {
        let session = Self::from_request_parts(parts, &()).await;
        let session = session.expect("the layer is there");
        match deed {
            Deed::Fill => NAMES
                .into_iter()
                .for_each(|name| session.set(name, next_number())),
            Deed::Untouched => {}
            Deed::Read => return session.get::<u64>(NAME).is_some(),
            Deed::Write => session.set(NAME, next_number()),
            Deed::Login => {
                session.set("user", next_number());
                session.renew();
            }
            Deed::Logout => session.destroy(),
        }
        true
    }
}
