//! Finds Python with the packages, and asks `tests/python/peer.py`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The interpreter, or `None` and a loud word.
pub(crate) fn python() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("SESSILE_PYTHON") {
        return Some(named.into());
    }
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../python/bin/python3");
    if installed.exists() {
        return Some(installed);
    }
    eprintln!("SKIPPED: NO PYTHON WITH FLASK AND DJANGO. To have it: .ci/run python");
    None
}

/// What `peer.py` writes when called with `arguments` and given `input`.
pub(crate) fn ask(python: &Path, arguments: &[&str], input: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/peer.py");
    let mut peer = Command::new(python)
        .arg("-W")
        .arg("ignore")
        .arg(script)
        .args(arguments)
        .env("PYTHONIOENCODING", "utf-8")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("SESSILE_PYTHON names an interpreter");
    let mut stdin = peer.stdin.take().expect("it was asked for");
    let input = input.to_owned();
    // Both pipes are served at once: neither side waits for the other's.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = peer.wait_with_output().expect("it was started");
    let written = writer.join().expect("it only writes");
    assert!(output.status.success(), "peer.py failed: see above");
    written.expect("peer.py reads all there is");
    String::from_utf8(output.stdout).expect("peer.py writes ASCII")
}
