//! Applications in Python that share sessions with a store: one request of one that counts visits.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use super::not_tested;

/// A script of `tests/python/` and the interpreter that runs it.
pub(crate) struct Peer {
    python: OsString,
    script: &'static str,
}

impl Peer {
    /// Finds the interpreter, which `SESSILE_PYTHON` names; without one says loudly what is not tested.
    pub(crate) fn find(script: &'static str, what: &str) -> Option<Self> {
        let Some(python) = std::env::var_os("SESSILE_PYTHON") else {
            not_tested(what, "SESSILE_PYTHON names no Python");
            return None;
        };
        Some(Self { python, script })
    }

    /// One request: the count, and the session's id, which differs from the one sent if that was unknown.
    pub(crate) async fn visit(&self, arguments: &[&str]) -> (u32, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
        let mut command = Command::new(&self.python);
        command
            .args(["-W", "ignore"])
            .arg(script.join(self.script))
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stderr(Stdio::inherit());
        let output =
            tokio::task::spawn_blocking(move || command.output().expect("the interpreter starts"));
        let output = output.await.expect("nobody cancels it");
        assert!(output.status.success(), "{} failed: see above", self.script);
        let output = String::from_utf8(output.stdout).expect("it prints text");
        let (visits, id) = output.trim().split_once(' ').expect("a count and an id");
        (visits.parse().expect("a count"), id.to_owned())
    }

    /// `{"_permanent": true, "visits": ...}` in MessagePack, as Flask-Session writes it.
    pub(crate) fn session(visits: u8) -> Vec<u8> {
        [b"\x82\xaa_permanent\xc3\xa6visits", &[visits][..]].concat()
    }
}
