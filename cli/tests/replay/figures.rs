//! The figures of a report: that they are there, in their units and order, and agree with each other and with
//! what the trace is known to do. How fast this machine is, no test asks.

use serde_json::Value;

use crate::{replay, report, trace};

/// Enough for the cache's fixed parts to weigh little on each.
const SESSIONS: u64 = 10_000;
/// An id of 22 bytes and a value, and what is charged beside them.
const STORED: u64 = 22 + 300;
const CHARGED: u64 = STORED + 80;
const OPTIONS: [&str; 5] = ["-", "--ttl", "60", "--value-size", "300"];

/// All sessions come, all come again in time, and half of them after all have ended.
fn waves() -> Vec<u8> {
    let waves = [(0, SESSIONS), (10, SESSIONS), (70, SESSIONS / 2)];
    let lines = waves.into_iter().flat_map(|(second, sessions)| {
        (0..sessions).map(move |session| format!("{second},t,{session},0,0\n"))
    });
    trace(&lines.collect::<String>())
}

fn number(value: &Value) -> u64 {
    let number = value.as_u64();
    number.unwrap_or_else(|| panic!("a whole number, not {value}"))
}

fn fraction(value: &Value) -> f64 {
    let number = value.as_f64();
    number.unwrap_or_else(|| panic!("a number, not {value}"))
}

/// Demands that a total is a figure for each times their count, as exactly as the figure is written.
fn assert_share(each: f64, count: u64, total: u64, written_to: f64) {
    #[expect(clippy::cast_precision_loss, reason = "all far below 2^53")]
    let (count, total) = (count as f64, total as f64);
    let off = (each * count - total).abs();
    assert!(
        off <= count * written_to,
        "{each} each of {count}, {total} in all"
    );
}

/// Demands of bytes on the heap for a session that they can be true: all that is stored, and at most twice what is
/// charged.
fn assert_plausible(heap_per_session: f64) {
    let plausible = STORED..=2 * CHARGED;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bytes"
    )]
    let bytes = heap_per_session as u64;
    assert!(plausible.contains(&bytes), "{heap_per_session} on the heap");
}

#[test]
fn sessions_and_memory_are_those_of_the_trace() {
    let report = report(&OPTIONS, &waves());
    let (sessions, memory) = (&report["sessions"], &report["memory"]);
    assert_eq!(sessions["created"], SESSIONS + SESSIONS / 2);
    assert_eq!(sessions["hits"], SESSIONS);
    assert_eq!(sessions["live_peak"], SESSIONS);
    assert_eq!(sessions["live_end"], SESSIONS / 2);
    assert_eq!(report["removals"]["expired"], SESSIONS);
    assert_eq!(memory["charged_bytes_at_peak"], SESSIONS * CHARGED);
    let charged = fraction(&memory["charged_bytes_per_session"]);
    assert_share(charged, SESSIONS, SESSIONS * CHARGED, 1e-9);
    let heap = fraction(&memory["heap_bytes_per_session"]);
    assert_plausible(heap);
    let heap_in_all = number(&memory["heap_bytes_at_peak"]);
    assert_share(heap, SESSIONS, heap_in_all, 1e-9);
}

#[test]
fn a_limit_shows_in_the_peak_and_in_its_memory() {
    let room = SESSIONS / 4;
    let room_text = room.to_string();
    let report = report(
        &[&OPTIONS[..], &["--max-entries", &room_text]].concat(),
        &waves(),
    );
    assert_eq!(report["sessions"]["live_peak"], room);
    let memory = &report["memory"];
    assert_eq!(memory["charged_bytes_at_peak"], room * CHARGED);
    assert_plausible(fraction(&memory["heap_bytes_per_session"]));
}

#[test]
fn latencies_are_ordered_and_count_every_call() {
    let report = report(&OPTIONS, &waves());
    let speed = &report["speed"];
    let rows = speed["latency_ns"].as_array().expect("a row for each call");
    let count = |call: &str| {
        let row = rows.iter().find(|row| row["call"] == call);
        number(&row.unwrap_or_else(|| panic!("no row {call}"))["count"])
    };
    let (created, touched) = (SESSIONS + SESSIONS / 2, 2 * SESSIONS + SESSIONS / 2);
    assert_eq!((count("create"), count("touch")), (created, touched));
    assert_eq!(count("all"), created + touched);
    assert_eq!(speed["store_calls"], created + touched);
    assert!(count("purge") > 0);
    for row in rows {
        let steps = ["p50", "p99", "p99_9", "max"].map(|name| number(&row[name]));
        assert!(steps.is_sorted() && steps[3] > 0, "{row}");
    }
    let slowest = |row: &&Value| row["call"] != "all" && row["call"] != "purge";
    let slowest = rows.iter().filter(slowest).map(|row| number(&row["max"]));
    assert_eq!(slowest.max(), Some(number(&rows[0]["max"])), "of all");
    number(&speed["clock_overhead_ns"]);
    let elapsed = fraction(&speed["elapsed_seconds"]);
    // One thread: half of the calls took the median at least, and none took longer than all. The histograms keep
    // three digits.
    let [median, longest] = ["p50", "max"].map(|name| fraction(&rows[0][name]) / 1e9);
    let half = fraction(&rows[0]["count"]) / 2.0;
    assert!(median * half <= 1.01 * elapsed, "{median} s in {elapsed} s");
    assert!(longest <= 1.01 * elapsed, "{longest} s in {elapsed} s");
    for (rate, total) in [
        ("records_per_second", number(&report["trace"]["records"])),
        ("store_calls_per_second", created + touched),
    ] {
        // So many calls at this rate take as long as they took.
        let rate = fraction(&speed[rate]);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let off = (rate * elapsed / total as f64 - 1.0).abs();
        assert!(off < 1e-9, "{rate} a second in {elapsed} s");
    }
}

/// What a line of the report says behind its label.
fn line<'r>(report: &'r str, label: &str) -> &'r str {
    let said = report.lines().find_map(|line| {
        let line = line.strip_prefix("  ")?.strip_prefix(label)?;
        line.starts_with("  ").then(|| line.trim_start())
    });
    said.unwrap_or_else(|| panic!("no line {label:?} in\n{report}"))
}

/// A whole number with its commas.
fn whole(text: &str) -> u64 {
    let number = text.replace(',', "").parse();
    number.unwrap_or_else(|_| panic!("a whole number, not {text:?}"))
}

/// The bytes for each and in all that a line of the memory figures tells.
fn bytes(said: &str) -> (f64, u64) {
    let parts = said.split_once(" bytes  (").and_then(|(each, rest)| {
        let in_all = rest.strip_suffix(" in all)")?;
        Some((each.parse().ok()?, whole(in_all)))
    });
    parts.unwrap_or_else(|| panic!("not bytes each and in all: {said:?}"))
}

#[test]
fn the_text_says_the_same_with_its_units() {
    let output = replay(&OPTIONS, &waves());
    assert!(output.status.success());
    let report = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(whole(line(&report, "created")), SESSIONS + SESSIONS / 2);
    assert_eq!(whole(line(&report, "live at the peak")), SESSIONS);
    let (charged, in_all) = bytes(line(&report, "charged"));
    assert_eq!(in_all, SESSIONS * CHARGED);
    assert_share(charged, SESSIONS, in_all, 0.051);
    let (heap, in_all) = bytes(line(&report, "heap"));
    assert_plausible(heap);
    assert_share(heap, SESSIONS, in_all, 0.051);

    let calls = 4 * SESSIONS;
    let operations = line(&report, "operations/s");
    let (rate, rest) = operations.split_once("  (").expect("a rate and of what");
    let (rate, factor) = rate.split_once(' ').unwrap_or((rate, ""));
    assert!(
        ["", "thousand", "million"].contains(&factor),
        "{rate} {factor}"
    );
    assert!(rate.parse::<f64>().expect("a rate") > 0.0);
    let (store_calls, rest) = rest.split_once(" store calls in ").expect("calls");
    assert_eq!(whole(store_calls), calls);
    let (took, _) = rest.split_once(" ms; ").expect("milliseconds");
    assert!(took.parse::<f64>().expect("a time") > 0.0);

    assert_eq!(
        line(&report, "ns per operation")
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["count", "p50", "p99", "p99.9", "max"]
    );
    for (call, count) in [
        ("all", calls),
        ("create", SESSIONS + SESSIONS / 2),
        ("touch", 2 * SESSIONS + SESSIONS / 2),
    ] {
        let figures: Vec<u64> = line(&report, call).split_whitespace().map(whole).collect();
        assert_eq!((figures.len(), figures[0]), (5, count), "{call}");
        assert!(
            figures[1..].is_sorted() && figures[4] > 0,
            "{call}: {figures:?}"
        );
    }
    let overhead = line(&report, "clock overhead");
    let (overhead, _) = overhead.split_once(" ns, part of").expect("nanoseconds");
    whole(overhead);
}

#[test]
fn where_no_session_was_there_is_no_memory_for_each() {
    let input = trace("0,c,0,0,0\n");
    let memory = &report(&["-"], &input)["memory"];
    assert_eq!(memory["charged_bytes_at_peak"], 0);
    assert!(memory["charged_bytes_per_session"].is_null());
    assert!(memory["heap_bytes_per_session"].is_null());
    let output = replay(&["-"], &input);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(line(&text, "charged"), "none: no session was created");
}
