//! A login with axum: `cargo run --example axum_login --features axum`.

use std::sync::Arc;

use axum::extract::Path;
use axum::routing::{get, post};
use sessile::cookie::CookieConfig;
use sessile::http::{Core, SessionLayer};
use sessile::session::{Session, Sessions};
use sessile::{Cache, CacheStore, Result};

async fn login(session: Session, Path(name): Path<String>) -> Result<()> {
    session.cycle_id(); // A new id: whoever knew the old one is not logged in.
    session.bind_owner(&name)
}

async fn visits(session: Session) -> Result<String> {
    session.modify("visits", |seen: Option<u32>| Some(seen.unwrap_or(0) + 1))?;
    let visits: Option<u32> = session.get("visits")?;
    Ok(format!("{:?} was here {visits:?} times", session.owner()))
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let store = CacheStore::new(Arc::new(Cache::builder().max_entries(100_000).build()?));
    let sessions = Sessions::builder(store).build()?;
    let cookie = CookieConfig::builder().secure(false).build()?; // Plain http: on this machine only.
    let core = Core::builder(sessions).cookie(cookie).build()?;
    let app = axum::Router::new()
        .route("/", get(visits))
        .route("/login/{name}", post(login))
        .route(
            "/logout",
            post(|session: Session| async move { session.destroy() }),
        )
        .layer(SessionLayer::new(core));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, app).await?)
}
