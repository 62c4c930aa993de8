//! What is not tested here says so.

/// Says loudly that something is not tested, and why.
///
/// # Panics
/// If `SESSILE_TEST_SERVERS` is `all`: then everything is to be tested.
pub(crate) fn not_tested(what: &str, why: &str) {
    let all = std::env::var("SESSILE_TEST_SERVERS").is_ok_and(|value| value == "all");
    assert!(!all, "{what} cannot be tested: {why}");
    // Past the test harness, which keeps what passing tests print to itself.
    use std::io::Write;
    let _ = writeln!(
        std::io::stderr().lock(),
        "\n*** NOT TESTED: {what}, because {why} ***\n"
    );
}
