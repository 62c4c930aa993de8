//! TLS, with certificates of the test's own.

use sessile::ErrorKind;

use crate::kit::{self, created, text};
use crate::servers::{Certificates, Proxy, Redis, free_port, trips};

/// A server, its port for TLS, and its certificates.
fn start() -> Option<(Redis, u16, Certificates)> {
    let made = Certificates::make("TLS to Redis")?;
    let [crt, key, ca] = ["server.crt", "server.key", "ca.crt"].map(|file| made.path(file));
    let port = free_port();
    let port_text = port.to_string();
    let options = [
        "--tls-port",
        &port_text,
        "--tls-cert-file",
        &crt,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        "no",
    ];
    let server = Redis::start("TLS to Redis", &options)?;
    Some((server, port, made))
}

#[tokio::test]
async fn each_verb_takes_one_round_trip() {
    let Some((_server, port, made)) = start() else {
        return;
    };
    let proxy = Proxy::to(port).await;
    let url = format!("rediss://127.0.0.1:{}", proxy.port());
    let store = kit::on(&url)
        .patience(trips::patience())
        .root_certificate(made.text("ca.crt"))
        .connect()
        .await
        .unwrap();
    trips::check(&store, || proxy.turns(), &[("purge_expired", 0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_over_tls_prove_who_they_are_and_clients_may_have_to() {
    let Some((server, port, made)) = start() else {
        return;
    };
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
