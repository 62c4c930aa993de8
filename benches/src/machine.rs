//! Where and from what a result came: date, machine, compiler, commit.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// The lines that head a result file.
#[must_use]
pub fn describe() -> Vec<String> {
    vec![
        format!("date: {}", date()),
        format!("machine: {}, {} cores visible", model(), cores()),
        format!("compiler: {}", first_line("rustc", &["--version"])),
        format!("commit: {}", commit()),
        "profile: bench (see the workspace's Cargo.toml), the same for every contender".into(),
    ]
}

/// The day in UTC as `YYYY-MM-DD`.
#[must_use]
pub fn date() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (year, month, day) = civil(seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The calendar day so many days after 1 January 1970 (Hinnant's algorithm).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// Keeps the calling thread on one core, the next one for the next client. Left to itself the system now and then
/// has two clients take turns on one core for most of a round, which halves what they seem to do.
#[cfg(all(feature = "peers", target_os = "linux"))]
pub fn stay(client: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    let count = usize::try_from(allowed.count()).unwrap_or(0).max(1);
    if let Some(core) = cores.nth(client % count) {
        let mut one = CpuSet::new();
        one.set(core);
        // Where that is forbidden the thread stays where it was put.
        let _moved = sched_setaffinity(None, &one);
    }
}

/// Elsewhere threads stay where they are put.
#[cfg(not(all(feature = "peers", target_os = "linux")))]
pub fn stay(_client: usize) {}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
    };
    let name = field("model name").unwrap_or_else(|| "unknown processor".into());
    match (field("cpu family"), field("model\t")) {
        (Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => name,
    }
}

fn commit() -> String {
    let head = first_line("git", &["rev-parse", "--short=12", "HEAD"]);
    match first_line("git", &["status", "--porcelain"]).as_str() {
        "unknown" => head,
        _ => format!("{head} with uncommitted changes"),
    }
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    Command::new(program)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .and_then(|text| text.lines().next().map(str::to_owned))
        .unwrap_or_else(|| "unknown".into())
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_454), (2026, 1, 1));
    }
}
