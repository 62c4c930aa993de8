//! The command itself: its first line, its end, and what it refuses.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::server::Server;

fn serve(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sessile"))
        .arg("serve")
        .args(arguments)
        .output()
        .expect("the command starts and ends")
}

#[test]
fn the_first_line_is_an_address_that_works_at_once() {
    let server = Server::start(&["--idle", "90s", "--max-entries", "10"]);
    let port = server.host().strip_prefix("127.0.0.1:").expect("loopback");
    assert_ne!(port.parse::<u16>().expect("a port"), 0);
    let answer = server.ask("GET", "/", "", "");
    assert_eq!(answer.status(), 200);
    assert!(answer.body().contains("90 seconds after your last click"));
}

#[test]
fn it_ends_on_ctrl_c_and_on_sigterm() {
    for signal in ["-INT", "-TERM"] {
        let server = Server::start(&[]);
        assert_eq!(server.ask("GET", "/goodbye", "", "").status(), 200);
        assert_eq!(server.end_by(signal), Some(0), "{signal}");
    }
}

#[test]
fn an_address_in_use_is_refused_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = serve(&["--listen", &address]);
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert_eq!(output.stdout, b"");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.starts_with(&format!("sessile: {address}: the address is in use")));
    assert!(error.contains("--listen 127.0.0.1:0"), "{error}");
}

#[test]
fn bad_values_are_refused() {
    for (arguments, expected) in [
        (["--listen", "localhost"], "invalid socket address"),
        (["--listen", "127.0.0.1:99999"], "invalid socket address"),
        (["--max-entries", "0"], "0 is not in 1.."),
        (["--max-entries", "many"], "invalid digit"),
        (["--idle", "30"], "like 30m"),
        (["--idle", "0s"], "between 1s and 90d"),
        (["--idle", "1000d"], "between 1s and 90d"),
    ] {
        let output = serve(&arguments);
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}
