//! Certificates of a test's own.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::need;

/// An authority (`ca`), a certificate from it for a server on this machine (`server`), and an authority
/// that has nothing to do with either (`other`); each a `.crt` and a `.key` in a folder.
pub struct Certificates(TempDir);

impl Certificates {
    /// Makes them; `None`, loudly, if openssl is not installed.
    pub fn make(what: &str) -> Option<Self> {
        let [openssl] = need(what, ["openssl"])?;
        let made = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        let run = |arguments: &str| {
            let done = Command::new(&openssl)
                .args(arguments.split(' '))
                .current_dir(made.0.path())
                .output()
                .expect("openssl starts");
            assert!(
                done.status.success(),
                "{}",
                String::from_utf8_lossy(&done.stderr)
            );
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        for (name, authority) in [("authority", "ca"), ("stranger", "other")] {
            run(&format!(
                "req -x509 {key} -days 2 -subj /CN={name} -keyout {authority}.key -out {authority}.crt"
            ));
        }
        std::fs::write(
            made.file("names"),
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
        )
        .expect("the folder can be written");
        run(&format!(
            "req {key} -subj /CN=server -keyout server.key -out server.csr"
        ));
        run(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt",
        );
        Some(made)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// As an argument.
    pub fn path(&self, name: &str) -> String {
        self.file(name).to_string_lossy().into_owned()
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).expect("it was made")
    }
}
