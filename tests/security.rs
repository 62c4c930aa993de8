//! Statements of security about ids and what must never leave the process, each numbered as in the
//! checklists of the standards they come from (OWASP ASVS 5, NIST 800-63B).

#[path = "http/client.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of the flow, which use more of it"
)]
mod client;
#[path = "logs/hear.rs"]
mod hear;

use std::collections::HashSet;
use std::io::{self, Write};

use axum::Router;
use axum::routing::get;
use client::{App, app};
use hear::Log;
use sessile::cookie::Keyring;
use sessile::http::SignedId;
use sessile::id::{IdFormat, SessionId};
use sessile::session::Session;

const PAYLOAD: &str = "canary-payload-5e1f";

async fn write(session: Session) -> &'static str {
    session.insert("secret", PAYLOAD).expect("small");
    session.bind_owner("canary-owner-77aa").expect("short");
    "written"
}

async fn read(session: Session) -> String {
    format!("{:?} {session:?}", session.contains("secret"))
}

async fn rotate(session: Session) {
    session.cycle_id();
}

fn routes() -> Router {
    Router::new()
        .route("/write", get(write))
        .route("/read", get(read))
        .route("/rotate", get(rotate))
        .route(
            "/destroy",
            get(|session: Session| async move { session.destroy() }),
        )
}

#[cfg(target_os = "linux")]
#[test]
#[expect(unsafe_code, reason = "there is no fork without it")]
fn s2_ids_differ_across_a_fork() {
    const IDS: usize = 100;
    let draw = || {
        let mut ids = [0_u8; 43 * IDS];
        for id in ids.chunks_exact_mut(43) {
            let drawn = SessionId::random(IdFormat::Base64).expect("randomness");
            id.copy_from_slice(drawn.expose().as_bytes());
        }
        ids
    };
    let _ = draw();
    let (mut reader, mut writer) = io::pipe().expect("a pipe");
    // SAFETY: the child draws into its stack, writes to a pipe and leaves without running anything
    // else of the parent's.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let sent = writer.write_all(&draw());
        // SAFETY: leaves at once, without destructors that belong to the parent.
        unsafe { libc::_exit(i32::from(sent.is_err())) };
    }
    assert!(child > 0, "forked");
    drop(writer);
    let own = draw();
    let mut theirs = Vec::new();
    io::Read::read_to_end(&mut reader, &mut theirs).expect("the child's ids");
    assert_eq!(theirs.len(), own.len());
    let own: HashSet<&[u8]> = own.chunks_exact(43).collect();
    assert!(theirs.chunks_exact(43).all(|id| !own.contains(id)));
    // SAFETY: waits for the child made above; a null status is allowed.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
}

#[tokio::test]
async fn s7_a_stolen_snapshot_opens_no_session() {
    let App { mut client, cache } = app(routes(), |core| core);
    client.get("/write").await;
    let id = client.value("__Host-id").expect("set");
    let mut snapshot = Vec::new();
    cache.snapshot(&mut snapshot).expect("in memory");
    let raw = {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(&id)
            .expect("base64url")
    };
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    // The first sixteen bytes are enough to know it by.
    for trace in [&id.as_bytes()[..22], &raw[..16], &hex.as_bytes()[..32]] {
        assert!(!snapshot.windows(trace.len()).any(|window| window == trace));
    }
    assert!(
        snapshot
            .windows(PAYLOAD.len())
            .any(|window| window == PAYLOAD.as_bytes())
    );
}

#[tokio::test]
async fn s8_neither_ids_nor_contents_are_logged_or_shown() {
    let log = Log::default();
    let guard = log.hear(tracing::Level::TRACE);
    let keys = Keyring::new("a key of more than sixteen bytes").expect("long enough");
    let format = IdFormat::Base64;
    let App { mut client, cache } = app(routes(), |core| core.id_text(SignedId::new(format, keys)));
    let mut canaries = vec![PAYLOAD.to_owned(), "canary-owner".to_owned()];
    let mut shown = String::new();
    for path in [
        "/write", "/read", "/rotate", "/read", "/destroy", "/read", "/write",
    ] {
        shown += &client.get(path).await.body;
        canaries.extend(client.value("__Host-id"));
    }
    // An undecodable record is an event, too.
    let written = client.value("__Host-id").expect("set");
    cache.retain(|_, _| true);
    let entries: Vec<_> = cache.iter().map(|entry| entry.key).collect();
    for key in &entries {
        let minute = std::time::Duration::from_secs(60);
        cache
            .insert(key, "canary-record-12ab", minute)
            .expect("small");
    }
    canaries.push("canary-record".to_owned());
    assert!(client.get("/read").await.body.starts_with("false "));
    canaries.push(written);
    drop(guard);
    let logged = log.text();
    assert!(
        logged.contains("WARN"),
        "the undecodable record was to be logged: {logged}"
    );
    shown.push_str(&logged);
    for canary in &canaries {
        // Ids that were signed consist of the id and the signature: neither may appear.
        for part in canary.split('.') {
            let part = &part[..part.len().min(20)];
            assert!(!shown.contains(part), "{part} in {shown}");
        }
    }
}
