//! A store's row in the table of README.md, from what the conformance suite found.

use sessile::store::contract::{Finding, Report};

/// Fails if the contract is broken; otherwise writes the store's row to the folder that
/// `SESSILE_ROWS` names, if it names one.
///
/// `place` orders the rows. `tested` says with which server; `weakened` what the store promises less
/// than its docs' readers would expect, beyond what the suite itself was told.
#[track_caller]
pub(crate) fn row(place: u8, store: &str, tested: &str, weakened: &str, report: &Report) {
    report.assert_kept();
    let Some(folder) = std::env::var_os("SESSILE_ROWS") else {
        return;
    };
    let checked = report.checked();
    let passed = checked.iter().filter(|it| it.finding == Finding::Passed);
    let mut lacks: Vec<&str> = Vec::new();
    for it in checked {
        // "the store has no idle timeouts", said of several checks.
        if let Finding::NotApplicable(why) = it.finding
            && why != "the store keeps every lifetime"
        {
            let why = why.trim_start_matches("the store ");
            if !lacks.contains(&why) {
                lacks.push(why);
            }
        }
    }
    if !weakened.is_empty() {
        lacks.push(weakened);
    }
    let row = format!(
        "| {store} | {} of {} checks | {} | {tested} |\n",
        passed.count(),
        checked.len(),
        if lacks.is_empty() {
            "none".to_owned()
        } else {
            lacks.join("; ")
        },
    );
    let file = std::path::Path::new(&folder).join(format!("{place:02}"));
    std::fs::write(file, row).expect("the folder of rows can be written");
}
