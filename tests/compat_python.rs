//! Both ways with the real packages: Rust reads what Python writes, and Python what Rust writes.
//!
//! `.ci/run python` installs the packages and runs this. `SESSILE_PYTHON` names an interpreter that has
//! them (then it must work); without it the one that the step left below the target folder is taken,
//! and without either the tests are skipped, loudly.
#![cfg(feature = "compat")]

mod python;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use python::cases::{self, Case};
use python::formats::Formats;
use python::peer;
use sessile::cookie::compat::Value;
use sessile::cookie::compat::flask::FlaskCookie;

/// Cases for each of the twelve formats, each way.
const CASES: usize = 100;

/// Python's clock in these tests.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_308_874_145_250)
}

/// Texts agree to the byte unless zlib packed one of them.
fn count_equal(name: &str, ours: &[u8], theirs: &[u8], equal: &mut usize) {
    let is_packed = |text: &[u8]| text.starts_with(b".");
    if ours == theirs {
        *equal += 1;
    } else {
        assert!(
            is_packed(ours) || is_packed(theirs),
            "{name}: ours\n{}\ntheirs\n{}",
            String::from_utf8_lossy(ours),
            String::from_utf8_lossy(theirs)
        );
    }
}

#[test]
fn python_reads_what_rust_writes_and_writes_the_same() {
    let Some(python) = peer::python() else { return };
    let formats = Formats::new(now());
    let mut sent = Vec::new();
    for (name, kinds) in formats.names() {
        let mut random = cases::Random::new(name);
        for _ in 0..CASES {
            let value = cases::session(&mut random, kinds);
            let text = formats.write(name, &value);
            sent.push(Case::new(name, &value, &text));
        }
    }
    let answers = peer::ask(&python, &["answer"], &cases::lines(&sent));
    let answers = cases::parse(&answers);
    assert_eq!(answers.len(), sent.len());
    let mut equal = 0;
    for (case, answer) in sent.iter().zip(&answers) {
        let read = formats.read(&case.format, &answer.bytes());
        assert_eq!(
            cases::sorted(&read),
            cases::sorted(&case.value()),
            "{}",
            case.format
        );
        count_equal(&case.format, &case.bytes(), &answer.bytes(), &mut equal);
    }
    println!("{} cases, {equal} equal to the byte", sent.len());
}

#[test]
fn rust_reads_what_python_writes_and_writes_the_same() {
    let Some(python) = peer::python() else { return };
    let formats = Formats::new(now());
    let made = peer::ask(&python, &["generate", &CASES.to_string(), "7"], "");
    let made = cases::parse(&made);
    assert_eq!(made.len(), CASES * formats.names().count());
    let mut equal = 0;
    for case in &made {
        let read = formats.read(&case.format, &case.bytes());
        assert_eq!(
            cases::sorted(&read),
            cases::sorted(&case.value()),
            "{}",
            case.format
        );
        let ours = formats.write(&case.format, &case.value());
        count_equal(&case.format, &ours, &case.bytes(), &mut equal);
    }
    println!("{} cases, {equal} equal to the byte", made.len());
}

#[test]
fn a_visit_to_flask_goes_on_where_rust_left_it() {
    let Some(python) = peer::python() else { return };
    let flask = FlaskCookie::new("the secret that both sides share").unwrap();
    let mut session = flask.open(None, now());
    session.insert("visits", 41);
    session.insert("_permanent", true);
    let cookie = flask.write(&session, now()).unwrap().unwrap();
    let answer = peer::ask(&python, &["browse"], &cookie);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["body"], "42");
    let session = flask
        .read(answer["cookie"].as_str().unwrap(), now())
        .unwrap();
    assert_eq!(session.get("visits"), Some(&Value::from(42)));
    assert_eq!(session.get("_permanent"), Some(&Value::from(true)));
    let Some(Value::Tuple(last)) = session.get("last") else {
        panic!("no tuple")
    };
    assert_eq!(last[1], Value::Bytes(vec![0xff]));
    assert!(matches!(last[2], Value::DateTime(time) if time.unix_seconds() == 1_308_874_145));
}
