//! TLS, with certificates of the test's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use sessile::ErrorKind;
use tempfile::TempDir;

use crate::kit::{self, created, text};
use crate::servers::{Redis, free_port, need};

/// An authority and a server's certificate from it.
struct Certificates(TempDir);

impl Certificates {
    fn make() -> Option<Self> {
        let [openssl] = need("TLS to Redis", ["openssl"])?;
        let made = Self(tempfile::tempdir().unwrap());
        let run = |arguments: &str| {
            let done = Command::new(&openssl)
                .args(arguments.split(' '))
                .current_dir(made.0.path())
                .output()
                .unwrap();
            assert!(
                done.status.success(),
                "{}",
                String::from_utf8_lossy(&done.stderr)
            );
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
        run(&format!(
            "req -x509 {key} -subj /CN=authority -keyout ca.key -out ca.crt"
        ));
        run(&format!(
            "req -x509 {key} -subj /CN=stranger -keyout other.key -out other.crt"
        ));
        std::fs::write(
            made.file("names"),
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
        )
        .unwrap();
        run(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server -keyout server.key -out server.csr",
        );
        run(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt",
        );
        Some(made)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_over_tls_prove_who_they_are_and_clients_may_have_to() {
    let Some(made) = Certificates::make() else {
        return;
    };
    let name = |file: &str| made.file(file).to_string_lossy().into_owned();
    let (crt, key, ca) = (name("server.crt"), name("server.key"), name("ca.crt"));
    let port = free_port().to_string();
    let options = [
        "--tls-port",
        &port,
        "--tls-cert-file",
        &crt,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        "no",
    ];
    let Some(server) = Redis::start("TLS to Redis", &options) else {
        return;
    };
    assert!(Path::new(&ca).is_file());
    for (scheme, host) in [("rediss", "127.0.0.1"), ("valkeys", "localhost")] {
        let url = format!("{scheme}://{host}:{port}");
        let store = kit::on(&url)
            .root_certificate(made.text("ca.crt"))
            .connect()
            .await
            .unwrap();
        created(&store, "k", "v").await;
        assert_eq!(text(&store, "k").await.as_deref(), Some("v"));
        // An authority that did not sign it, and those of the operating system.
        let strange = kit::on(&url).patience(kit::patient().attempts(1));
        let strange = strange.root_certificate(made.text("other.crt"));
        let system = kit::on(&url).patience(kit::patient().attempts(1));
        for builder in [strange, system] {
            let error = builder.connect().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        }
    }
    server.ask(&["config", "set", "tls-auth-clients", "yes"]);
    let url = format!("rediss://127.0.0.1:{port}");
    let nobody = kit::on(&url)
        .patience(kit::patient().attempts(1))
        .root_certificate(made.text("ca.crt"));
    let error = nobody.clone().connect().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout),
        "{error}"
    );
    let known = nobody.client_certificate(made.text("server.crt"), made.text("server.key"));
    assert!(!format!("{known:?}").contains("BEGIN"));
    known.connect().await.unwrap();
}
