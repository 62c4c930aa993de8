//! What the crate says about itself: every statement that logs is made to, at the finest level, and
//! neither the log nor any error says an id, a value, a key or an owner (S8).
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

mod capture;
#[path = "../http/client.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of the flow, which use more of it"
)]
mod client;
mod errors;
mod hear;
mod lists;
mod scenes;
mod shaky;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use capture::Log;

/// Begins everything that must not be seen. Texts are cut into pieces before they are searched, so
/// that a shortened one is found as well.
pub(crate) const CANARY: &str = "canary";

/// Folders whose statements need servers or another feature, and whose tests look after them.
fn is_elsewhere(file: &str) -> bool {
    file.starts_with("store/") || !cfg!(feature = "compat") && file.contains("compat")
}

/// File and line of each statement that logs, as the source shows them.
fn statements(folder: &Path, root: &Path, into: &mut BTreeSet<(String, u32)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            statements(&path, root, into);
            continue;
        }
        let name = path.strip_prefix(root).unwrap().to_string_lossy();
        let name = name.replace('\\', "/");
        let source = fs::read_to_string(&path).unwrap();
        for (number, line) in (1..).zip(source.lines()) {
            let is_prose = line.trim_start().starts_with("//");
            let levels = ["error", "warn", "info", "debug", "trace", "event", "span"];
            let logs = |level: &&str| {
                line.contains(&format!("tracing::{level}!("))
                    || line.contains(&format!("tracing::{level}_span!("))
            };
            if !is_prose && levels.iter().any(logs) {
                into.insert((name.clone(), number));
            }
            assert!(
                is_prose
                    || !line.contains("use tracing::") && !line.contains("tracing::instrument"),
                "{name}:{number}: statements that log are written `tracing::level!`, to be found here"
            );
        }
    }
}

#[tokio::test]
async fn s8_every_statement_that_logs_was_heard_and_told_no_secret() {
    let log = Log::default();
    let guard = hear::hear(log.clone());
    let mut secrets = vec![CANARY.to_owned()];
    let mut shown = String::new();
    scenes::all(&mut secrets, &mut shown).await;
    lists::all(&mut secrets, &mut shown).await;
    errors::all(&mut secrets, &mut shown);
    drop(guard);

    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut written = BTreeSet::new();
    statements(&root, &root, &mut written);
    written.retain(|(file, _)| !is_elsewhere(file));
    assert!(written.len() >= 8, "{written:?}");
    let mut unheard = written;
    for place in log.places() {
        unheard.remove(&place);
    }
    assert!(
        unheard.is_empty(),
        "never heard: {unheard:?}\n{:?}",
        log.places()
    );

    shown += &log.text();
    assert!(secrets.len() > 8 && shown.len() > 4000, "{shown}");
    for secret in &secrets {
        // Signed ids are an id and a signature, and sealed cookies have parts: none may appear.
        for part in secret.split(['.', ':', ' ']).filter(|part| part.len() > 5) {
            let part = &part[..part.len().min(16)];
            let at = shown.find(part).map_or("", |at| {
                let line = shown[..at].rfind('\n').map_or(0, |at| at + 1);
                shown[line..].lines().next().unwrap_or_default()
            });
            assert!(at.is_empty(), "{part} in: {at}");
        }
    }
}

#[test]
fn the_listener_hears_what_is_said() {
    let log = Log::default();
    let guard = hear::hear(log.clone());
    let span = tracing::info_span!(target: "sessile::test", "outer", id = CANARY);
    span.in_scope(|| tracing::trace!(target: "sessile::test", value = ?CANARY, "told"));
    drop((span, guard));
    assert_eq!(log.text().matches(CANARY).count(), 4, "{}", log.text());
    assert_eq!(log.places().len(), 2);
}
