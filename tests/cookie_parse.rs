//! Reading `Cookie` headers, honest and hostile. Names begin with the scenario they re-create.
#![cfg(feature = "cookie")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use sessile::cookie::{HEADER_BYTES_MAX, PAIRS_MAX, candidates, cookies};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

#[expect(
    unsafe_code,
    reason = "an allocator that counts is the only honest witness"
)]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn pairs<'h>(lines: &'h [&'h str]) -> Vec<(&'h str, &'h str)> {
    cookies(lines).collect()
}

#[test]
fn wz10_duplicates_keep_their_order_and_nameless_pairs_are_ignored() {
    assert_eq!(
        pairs(&["dup=1; =nameless; dup=2; also nameless; other=3"]),
        [("dup", "1"), ("dup", "2"), ("other", "3")]
    );
    // The first is what a caller gets that asks for one.
    assert_eq!(candidates(&["dup=1; dup=2"], "dup").next(), Some("1"));
    assert_eq!(candidates(&["=1; a=2"], "").next(), None);
}

#[test]
fn values_are_taken_as_browsers_and_libraries_send_them() {
    let line = "a=1;b=2;  c = 3 ;\td=\t; e=\"quoted; f=\"q u o\"; g=\"\"; h=\"; i=x=y==; ; j";
    assert_eq!(
        pairs(&[line]),
        [
            ("a", "1"),
            ("b", "2"),
            ("c", "3"),
            ("d", ""),
            ("e", "\"quoted"),
            ("f", "q u o"),
            ("g", ""),
            ("h", "\""),
            ("i", "x=y=="),
        ]
    );
}

#[test]
fn candidates_are_what_a_filter_would_find() {
    let lines = ["id=1; idx=2; xid=3; id =4; id; ID=5; id=\"6\"", "id=7"];
    for name in ["id", "idx", "xid", "ID", "missing"] {
        let filtered = cookies(&lines).filter(|(other, _)| *other == name);
        assert_eq!(
            candidates(&lines, name).collect::<Vec<_>>(),
            filtered.map(|(_, value)| value).collect::<Vec<_>>(),
            "{name}"
        );
    }
}

#[test]
fn s28_several_header_lines_are_one_list() {
    assert_eq!(
        pairs(&["a=1", "b=2; c=3", "", "d=4"]),
        [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]
    );
}

#[test]
fn s27_sec19_every_copy_of_a_name_is_offered_in_order() {
    for copies in 2..=50 {
        let line = (0..copies).map(|copy| format!("id={copy}"));
        let line = line.collect::<Vec<_>>().join("; ");
        let values = candidates([line.as_str()], "id").map(|value| value.parse::<usize>());
        let values: Result<Vec<_>, _> = values.collect();
        assert_eq!(values, Ok((0..copies).collect()));
    }
}

#[test]
fn a_spoilt_pair_leaves_its_neighbours_alone() {
    let line: &[u8] = b"a=1; b=\xff\xfe; c=x\r\nSet-Cookie: y; d=\0; \xc3=e; f\x01=1; g=\xc3\xa4";
    let pairs: Vec<_> = cookies([line]).collect();
    assert_eq!(pairs, [("a", "1"), ("g", "ä")]);
    assert_eq!(candidates([line], "b").next(), None);
    assert_eq!(candidates([line], "c").next(), None);
}

#[test]
fn sec21_ten_thousand_pairs_are_read_up_to_the_limit_without_allocation() {
    let line = "a=1; ".repeat(10_000);
    let before = ALLOCATIONS.get();
    let mut read = cookies([line.as_str()]);
    let count = read.by_ref().count();
    let is_cut = read.is_cut();
    let found = black_box(candidates([line.as_str()], "b").count());
    assert_eq!(ALLOCATIONS.get(), before, "reading allocates nothing");
    assert_eq!((count, is_cut, found), (PAIRS_MAX, true, 0));
    // What is within the limits is not called cut.
    let line = "a=1; ".repeat(PAIRS_MAX);
    let mut read = cookies([line.as_str()]);
    assert_eq!(read.by_ref().count(), PAIRS_MAX);
    assert!(!read.is_cut());
}

#[test]
fn sec21_work_ends_with_the_byte_limit_and_no_half_pair_is_read() {
    let first = format!("a={}", "v".repeat(HEADER_BYTES_MAX - 10));
    for (second, expected) in [
        ("b=123456", Some("123456")),
        ("b=1234567", None),
        ("b=1; c=234567", Some("1")),
    ] {
        let lines = [first.as_str(), second, "d=4"];
        let mut read = cookies(&lines);
        let pairs: Vec<_> = read.by_ref().collect();
        assert_eq!(pairs[0].1.len(), HEADER_BYTES_MAX - 10);
        assert_eq!(pairs.get(1).map(|pair| pair.1), expected, "{second}");
        assert_eq!(candidates(&lines, "b").next(), expected);
        assert_eq!(candidates(&lines, "d").next(), None);
        assert!(read.is_cut());
    }
}

/// The best of a few runs.
fn best(line: &str) -> Duration {
    let run = |_| {
        let start = Instant::now();
        black_box(cookies([line]).count());
        black_box(candidates([line], "b").count());
        start.elapsed()
    };
    (0..9).map(run).min().expect("nine runs")
}

#[test]
fn sec21_hostile_headers_are_read_in_linear_work() {
    for filler in [
        ";", "=", "=;", " ", "\"", "\t;", "a", "a;", "b", "b ", "b=;",
    ] {
        let line = filler.repeat(HEADER_BYTES_MAX / filler.len());
        let head = &line[..line.len() / 16];
        // Sixteen times the bytes; a square would be 256 times the work.
        let is_linear =
            |(short, long): (Duration, Duration)| long < short * 100 + Duration::from_micros(50);
        let mut times = (best(head), best(&line));
        // Noise only ever adds: the best of more runs is nearer to the truth, for both.
        for _ in 0..100 {
            if is_linear(times) {
                break;
            }
            times = (times.0.min(best(head)), times.1.min(best(&line)));
        }
        assert!(is_linear(times), "{filler:?}: {times:?}");
    }
    let spaces = " ".repeat(HEADER_BYTES_MAX - 4) + ";b=1";
    assert_eq!(candidates([spaces.as_str()], "b").next(), Some("1"));
}
