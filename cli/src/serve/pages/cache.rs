//! The cache at work.

use std::time::Duration;

use indicatif::{HumanBytes, HumanCount};
use maud::{Markup, html};
use sessile::Stats;

use super::span::about;
use super::{Frame, page};

/// Seconds after which the page comes again.
const REFRESH_SECONDS: u32 = 2;

/// What the page tells.
#[derive(Clone, Debug)]
pub struct Work {
    /// The cache's own counters.
    pub stats: Stats,
    /// The most sessions it may hold.
    pub max_entries: Option<u64>,
    /// Bytes on the heap of the whole program.
    pub heap_bytes: u64,
    /// How long the program has been running.
    pub uptime: Duration,
    /// Reads and writes in each of the last seconds, oldest first.
    pub recent: Vec<u64>,
    /// Whether the page stands still.
    pub is_paused: bool,
}

/// Renders the page.
#[must_use]
pub fn cache(frame: &Frame, work: &Work) -> Markup {
    let stats = &work.stats;
    let refresh = html! {
        @if !work.is_paused { meta http-equiv="refresh" content=(REFRESH_SECONDS); }
    };
    let body = html! {
        div.headline {
            h1.title { "The cache at work" }
            p.live {
                @if work.is_paused {
                    span.dot {} "Paused · " a href="/cache" { "Go on" }
                } @else {
                    span.dot.on {} "Every " (REFRESH_SECONDS) " seconds · " a href="/cache?pause" { "Pause" }
                }
            }
        }
        div.tiles {
            section.card aria-labelledby="live" {
                h2 #live { "Live sessions" }
                p.figure { (HumanCount(stats.entries)) }
                p.hint { (HumanCount(stats.protected_entries)) " logged in"
                    @if let Some(max) = work.max_entries { ", room for " (HumanCount(max)) } }
                @if let Some(max) = work.max_entries { (bar(stats.entries, max)) }
            }
            section.card.ratio aria-labelledby="ratio" {
                div {
                    h2 #ratio { "Hit ratio" }
                    p.figure { (percent(stats)) }
                    p.hint { "of " (HumanCount(stats.hits + stats.misses)) " reads" }
                }
                (ring(stats.hit_ratio()))
            }
            section.card aria-labelledby="recent" {
                h2 #recent { "Reads and writes per second" }
                (history(&work.recent))
            }
        }
        div.tiles {
            (table("Reads", &[
                ("Hits", count(stats.hits)),
                ("Misses", count(stats.misses)),
                ("In all", count(stats.hits + stats.misses)),
            ]))
            (table("Writes", &[
                ("Inserts", count(stats.inserts)),
                ("Updates", count(stats.updates)),
                ("In all", count(stats.inserts + stats.updates)),
            ]))
            (table("Departures", &[
                ("Removed", count(stats.removed + stats.cleared)),
                ("Expired", count(stats.expired)),
                ("Evicted", count(stats.evicted)),
            ]))
        }
        (memory(work))
    };
    page(frame, "The cache at work", &refresh, &body)
}

/// Renders the page where no cache serves the reads.
#[must_use]
pub fn elsewhere(frame: &Frame, store: &str) -> Markup {
    let body = html! {
        section.lonely {
            h1 { "No cache at work" }
            p.lead { "The sessions are kept by the store " code { (store) } ", and each request asks it. Put the embedded \
                      cache before a durable store with " code { "SESSION_TYPE=tiered" } "." }
            p.actions { a.button href="/" { "Back" } }
        }
    };
    page(frame, "No cache at work", &html! {}, &body)
}

fn memory(work: &Work) -> Markup {
    let stats = &work.stats;
    let each = stats.bytes.checked_div(stats.entries);
    html! {
        section.card.memory aria-labelledby="memory" {
            h2 #memory { "Memory" }
            dl.meta {
                div { dt { "Charged for sessions" } dd { (HumanBytes(stats.bytes)) } }
                div { dt { "Per session" } dd { @match each { Some(each) => (HumanBytes(each)), None => "–" } } }
                div { dt { "Heap of the whole program" } dd { (HumanBytes(work.heap_bytes)) } }
                div { dt { "Running for" } dd { (about(work.uptime)) } }
            }
            p.hint {
                "Charged are key, value and 80 bytes for each session. The heap is everything: the cache’s tables and slots, the \
                 web server, the requests under way."
            }
        }
    }
}

fn table(title: &str, rows: &[(&str, String)]) -> Markup {
    html! {
        section.card {
            h2 { (title) }
            dl.counts { @for (name, value) in rows { div { dt { (name) } dd { (value) } } } }
        }
    }
}

fn count(count: u64) -> String {
    HumanCount(count).to_string()
}

fn percent(stats: &Stats) -> String {
    if stats.hits + stats.misses == 0 {
        return "–".to_owned();
    }
    if stats.misses == 0 {
        return "100\u{a0}%".to_owned();
    }
    format!("{:.1}\u{a0}%", stats.hit_ratio() * 100.0)
}

/// How full something is, as a line.
fn bar(part: u64, whole: u64) -> Markup {
    let share = part as f64 / whole.max(1) as f64 * 100.0;
    // The first one is seen, too.
    let least = if part == 0 { 0.0 } else { 1.0 };
    html! {
        svg.bar viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="4" {}
            rect.fill width=(format!("{:.2}", share.clamp(least, 100.0))) height="4" {}
        }
    }
}

/// A share of one, as a ring.
fn ring(share: f64) -> Markup {
    html! {
        svg.ring viewBox="0 0 36 36" aria-hidden="true" {
            // A circumference of 100 makes dashes percents.
            circle.track cx="18" cy="18" r="15.915" {}
            circle.fill cx="18" cy="18" r="15.915" transform="rotate(-90 18 18)"
                stroke-dasharray=(format!("{:.1} 100", share.clamp(0.0, 1.0) * 100.0)) {}
        }
    }
}

/// One column per second, the highest as high as the picture.
fn history(recent: &[u64]) -> Markup {
    let top = recent.iter().copied().max().unwrap_or(0).max(1);
    let now = recent.last().copied().unwrap_or(0);
    html! {
        svg.history viewBox=(format!("0 0 {} 40", recent.len().max(1) * 4)) preserveAspectRatio="none" role="img"
            aria-label=(format!("Highest {top}, now {now}")) {
            @for (second, &calls) in recent.iter().enumerate() {
                @let height = (calls as f64 / top as f64 * 40.0).max(0.6);
                rect x=(second * 4) y=(format!("{:.1}", 40.0 - height)) width="3" height=(format!("{height:.1}")) {}
            }
        }
        p.hint { "the last " (recent.len()) " seconds, highest " (HumanCount(top)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work() -> Work {
        Work {
            stats: Stats::default(),
            max_entries: Some(1000),
            heap_bytes: 3 << 20,
            uptime: Duration::from_secs(90),
            recent: Vec::new(),
            is_paused: false,
        }
    }

    #[test]
    fn an_idle_cache_has_no_ratio_and_no_session_to_divide_by() {
        let page = cache(&Frame::default(), &work()).into_string();
        assert!(page.contains("3.00 MiB") && page.contains("http-equiv=\"refresh\""));
        assert!(!page.contains("NaN") && !page.contains("inf"));
    }

    #[test]
    fn the_counters_are_on_the_page() {
        let mut work = work();
        work.stats.entries = 1234;
        work.stats.bytes = 1234 * 300;
        (work.stats.hits, work.stats.misses) = (990, 10);
        work.recent = vec![0, 7, 3];
        work.is_paused = true;
        let page = cache(&Frame::default(), &work).into_string();
        for part in ["1,234", "99.0\u{a0}%", "300 B", "Highest 7, now 3"] {
            assert!(page.contains(part), "{part}");
        }
        assert!(
            !page.contains("http-equiv=\"refresh\""),
            "a paused page stands still"
        );
    }
}
