//! Runs the built command over good and bad traces.

mod figures;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const HEADER: &str = "t_seconds,op,key_id,value_size,ttl_seconds";

/// Runs `sessile replay` with `arguments`, feeding it `input`.
fn replay(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sessile"))
        .arg("replay")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A refused trace need not be read to its end.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("the command ends")
}

/// Replays and returns the JSON report.
fn report(arguments: &[&str], input: &[u8]) -> Value {
    let output = replay(&[arguments, &["--json"]].concat(), input);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    assert_eq!(error, "", "{arguments:?}");
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

/// Checks exit code 2, one line on standard error and nothing on standard output.
fn refused(arguments: &[&str], input: &[u8], expected: &str) {
    let output = replay(arguments, input);
    let error = String::from_utf8(output.stderr).expect("the message is UTF-8");
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    assert_eq!(output.stdout, b"", "{arguments:?}: a partial report");
    assert!(
        error.starts_with("sessile: ") && error.ends_with('\n') && error.lines().count() == 1,
        "{arguments:?}: not one line: {error:?}"
    );
    assert!(error.contains(expected), "{expected:?} is not in {error:?}");
}

/// Writes a file of the given content for one test.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("the file can be written");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

fn trace(lines: &str) -> Vec<u8> {
    format!("{HEADER}\n{lines}").into_bytes()
}

/// What a session trace must give where no limit evicts.
struct Anchor {
    ttl: u32,
    created: u64,
    hit_percent: &'static str,
    expired: u64,
    live_peak: u64,
}

fn check_anchor(arguments: &[&str], anchor: &Anchor) {
    let ttl = anchor.ttl.to_string();
    let report = report(&[arguments, &["--ttl", &ttl]].concat(), b"");
    let percent = 100.0
        * report["sessions"]["hit_ratio"]
            .as_f64()
            .expect("a trace of touches has a hit ratio");
    assert_eq!(format!("{percent:.2}"), anchor.hit_percent, "{ttl}");
    assert_eq!(report["sessions"]["created"], anchor.created, "{ttl}");
    assert_eq!(report["sessions"]["live_peak"], anchor.live_peak, "{ttl}");
    assert_eq!(report["removals"]["expired"], anchor.expired, "{ttl}");
    assert_eq!(
        report["sessions"]["live_end"],
        anchor.created - anchor.expired,
        "{ttl}"
    );
    assert_eq!(report["removals"]["evicted"], 0, "{ttl}");
}

const NASA: [Anchor; 3] = [
    Anchor {
        ttl: 300,
        created: 3905,
        hit_percent: "87.39",
        expired: 3903,
        live_peak: 82,
    },
    Anchor {
        ttl: 1800,
        created: 2989,
        hit_percent: "90.35",
        expired: 2853,
        live_peak: 273,
    },
    Anchor {
        ttl: 7200,
        created: 2619,
        hit_percent: "91.54",
        expired: 2003,
        live_peak: 779,
    },
];

#[test]
fn embedded_log_gives_the_known_figures() {
    for anchor in &NASA {
        check_anchor(&[], anchor);
    }
}

#[test]
fn room_for_the_peak_loses_no_live_session() {
    for anchor in &NASA {
        check_anchor(&["--max-entries", &anchor.live_peak.to_string()], anchor);
    }
}

#[test]
fn half_the_room_evicts_and_stays_within_the_limit() {
    let report = report(&["--max-entries", "136"], b"");
    assert!(report["removals"]["evicted"].as_u64().unwrap() > 1000);
    assert!(report["sessions"]["live_peak"].as_u64().unwrap() <= 136);
    let ratio = report["sessions"]["hit_ratio"].as_f64().unwrap();
    assert!((0.88..0.9035).contains(&ratio), "{ratio}");
}

#[test]
fn message_trace_gives_the_known_figures() {
    let Some(folder) = std::env::var_os("SESSILE_TRACES") else {
        eprintln!("skipped: set SESSILE_TRACES to the folder of the sample traces");
        return;
    };
    let path = Path::new(&folder).join("sess_collegemsg.csv.zst");
    for anchor in [
        Anchor {
            ttl: 1800,
            created: 25_246,
            hit_percent: "57.81",
            expired: 25_244,
            live_peak: 76,
        },
        Anchor {
            ttl: 86_400,
            created: 9291,
            hit_percent: "84.47",
            expired: 9276,
            live_peak: 389,
        },
        Anchor {
            ttl: 1_209_600,
            created: 2324,
            hit_percent: "96.12",
            expired: 2214,
            live_peak: 853,
        },
    ] {
        check_anchor(&[text(&path)], &anchor);
    }
}

#[test]
fn each_op_does_what_the_format_says() {
    let lines = "0,s,0,10,0\n\
                 1,g,0,0,0\n\
                 2,g,1,20,5\n\
                 3,a,1,0,0\n\
                 3,c,1,30,9\n\
                 4,c,2,0,0\n\
                 5,a,2,0,1\n\
                 5,s,0,11,0\n\
                 6,g,2,0,0\n\
                 11.999,g,1,0,0\n\
                 12,c,1,0,0\n";
    let report = report(&["-", "--ttl", "60"], &trace(lines));
    let (sessions, removals) = (&report["sessions"], &report["removals"]);
    // Reads: g0 hit, g1 miss, c1 hit, c2 miss, g2 miss (ended at 6), g1 hit (its
    // nine seconds end at 12), c1 miss.
    assert_eq!(sessions["reads"], 7);
    assert_eq!(sessions["hits"], 3);
    // Created: s0, g1, a2, g2 again.
    assert_eq!(sessions["created"], 4);
    assert_eq!(removals["overwritten"], 2);
    assert_eq!(removals["expired"], 2);
    assert_eq!(sessions["live_peak"], 3);
    assert_eq!(sessions["live_end"], 2);
    let counts: Vec<(&str, u64)> = report["speed"]["latency_ns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["call"].as_str().unwrap(),
                row["count"].as_u64().unwrap(),
            )
        })
        .filter(|(call, _)| *call != "purge")
        .collect();
    assert_eq!(
        counts,
        [
            ("all", 14),
            ("load", 7),
            ("put", 4),
            ("create", 2),
            ("replace", 1)
        ]
    );
}

#[test]
fn values_over_the_byte_limit_are_counted_as_refused() {
    let lines = "0,s,0,100,0\n0,s,1,1000000,0\n";
    let report = report(&["-", "--max-bytes", "100000"], &trace(lines));
    assert_eq!(report["removals"]["refused_writes"], 1);
    assert!(report["removals"]["first_refusal"].is_string());
    assert_eq!(report["sessions"]["live_end"], 1);
}

#[test]
fn threads_keep_each_session_in_order_and_together() {
    let report = report(&["--threads", "4"], b"");
    assert_eq!(report["sessions"]["reads"], 30_969);
    // Half a minute of slack moves a few ends of sessions, no more.
    let created = report["sessions"]["created"].as_u64().unwrap();
    assert!(created.abs_diff(2989) <= 60, "{created}");
    assert!(report["removals"]["evicted"] == 0);
}

#[test]
fn reads_plain_and_zstd_alike_whatever_the_name() {
    let plain = trace("0,t,0,0,0\r\n5,t,0,0,0");
    let packed = zstd::encode_all(&plain[..], 3).unwrap();
    for content in [&plain, &packed] {
        let path = file("misleading.txt", content);
        for report in [report(&[text(&path)], b""), report(&["-"], content)] {
            assert_eq!(report["trace"]["records"], 2);
            assert_eq!(report["trace"]["span_seconds"], 5.0);
            assert_eq!(report["sessions"]["hits"], 1);
        }
    }
}

#[test]
fn text_report_names_its_trace_and_origin() {
    let output = replay(&["--progress"], b"");
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for expected in [
        "Internet Traffic Archive",
        "30,969",
        "12 h 52 min 1 s",
        "90.35 %",
        "clock overhead",
        "p99.9",
    ] {
        assert!(report.contains(expected), "no {expected:?} in\n{report}");
    }
}

#[test]
fn a_trace_without_reads_has_no_hit_ratio() {
    let input = trace("0,s,0,0,0\n");
    assert!(report(&["-"], &input)["sessions"]["hit_ratio"].is_null());
    let output = replay(&["-"], &input);
    assert!(String::from_utf8_lossy(&output.stdout).contains("the trace has no reads"));
}

#[test]
fn refuses_paths_that_are_no_file() {
    refused(
        &["no/such\ntrace"],
        b"",
        "no/such?trace: there is no such file",
    );
    refused(&[env!("CARGO_TARGET_TMPDIR")], b"", "this is a directory");
}

#[test]
fn refuses_what_is_no_trace() {
    refused(&["-"], b"", "standard input: line 1: the trace is empty");
    let empty = file("empty.csv", b"");
    refused(
        &[text(&empty)],
        b"",
        "empty.csv: line 1: the trace is empty",
    );
    refused(
        &["-"],
        b"time,op\n1,g\n",
        "line 1: the header is \"time,op\"",
    );
    refused(
        &["-"],
        &[0x1F, 0x8B, 0xFF, b'\n'],
        "line 1: the line is not UTF-8",
    );
    refused(
        &["-"],
        &trace(""),
        "line 2: the trace ends after its header",
    );
    refused(&["-"], &vec![b'x'; 1 << 20], "line 1: the line is longer");
}

#[test]
fn refuses_each_kind_of_bad_line() {
    let good = "0,t,0,0,0\n";
    for (line, expected) in [
        ("", "the line has 1 column instead of 5"),
        ("1,t,0,0", "the line has 4 columns"),
        ("1,t,0,0,0,", "the line has 6 columns"),
        ("x,t,0,0,0", "the t_seconds column holds \"x\""),
        ("1,t,-1,0,0", "the key_id column holds \"-1\""),
        (
            "1,t,0,a\u{1b}[2J,0",
            "the value_size column holds \"a\\u{1b}[2J\"",
        ),
        ("1,t,0,0,1e3", "the ttl_seconds column holds \"1e3\""),
        (
            "1,t,0,99999999999,0",
            "the value_size column is over the limit",
        ),
        ("1,x,0,0,0", "the op column holds \"x\""),
    ] {
        let lines = format!("{good}{line}\n{good}");
        refused(&["-"], &trace(&lines), &format!("line 3: {expected}"));
    }
    refused(
        &["-"],
        &trace("5,t,0,0,0\n4,t,0,0,0\n"),
        "line 3: time goes backwards",
    );
    let long = format!("{good}{}\n", "1".repeat(1024));
    refused(
        &["-"],
        &trace(&long),
        "line 3: the line is longer than 1024 bytes",
    );
    let mut foreign = trace(good);
    foreign.extend(b"1,t,\xC3\x28,0,0\n");
    refused(&["-"], &foreign, "line 3: the line is not UTF-8 text");
}

#[test]
fn refuses_damaged_zstd() {
    let packed = include_bytes!("../../data/sess_nasa.csv.zst");
    for length in [4, 5, 20, 1000, packed.len() / 2, packed.len() - 1] {
        let path = file("truncated.csv.zst", &packed[..length]);
        refused(&[text(&path)], b"", "the zstd data stops in the middle");
    }
    for place in [10, packed.len() / 2] {
        let mut bytes = packed.to_vec();
        bytes[place] ^= 0xFF;
        let path = file("corrupt.csv.zst", &bytes);
        refused(&[text(&path)], b"", "corrupt.csv.zst: line ");
    }
}

#[test]
fn refuses_absurd_options() {
    for arguments in [
        ["--threads", "0"],
        ["--threads", "1025"],
        ["--ttl", "0"],
        ["--ttl", "315360001"],
        ["--max-entries", "0"],
        ["--max-bytes", "0"],
        ["--value-size", "0"],
        ["--value-size", "16777217"],
        ["--ttl", "soon"],
    ] {
        let output = replay(&arguments, b"");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
        assert!(error.contains(arguments[0]), "{arguments:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sessile"))
        .arg("replay")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}
