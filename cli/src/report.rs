//! The report of a replay, for people and for programs.

use std::fmt::{self, Write};

use hdrhistogram::Histogram;
use indicatif::HumanCount;
use serde::Serialize;

use crate::input::Source;
use crate::measure::Verb;
use crate::replay::{Outcome, Settings};
use crate::workload::{Defaults, Workload};

/// All figures of one replay. Its text form is the report for people.
#[derive(Debug, Serialize)]
pub struct Report {
    trace: Trace,
    settings: Options,
    sessions: Sessions,
    removals: Removals,
    speed: Speed,
    memory: Memory,
}

#[derive(Debug, Serialize)]
struct Trace {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    records: u64,
    distinct_keys: u64,
    span_seconds: f64,
}

#[derive(Debug, Serialize)]
struct Options {
    ttl_seconds: u32,
    value_size_bytes: u32,
    max_entries: Option<usize>,
    max_bytes: Option<u64>,
    threads: usize,
    slack_seconds: f64,
    slack_records: u32,
}

#[derive(Debug, Serialize)]
struct Sessions {
    reads: u64,
    hits: u64,
    hit_ratio: Option<f64>,
    created: u64,
    live_peak: u64,
    live_end: u64,
}

#[derive(Debug, Serialize)]
struct Removals {
    expired: u64,
    evicted: u64,
    removed: u64,
    cleared: u64,
    overwritten: u64,
    refused_writes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_refusal: Option<String>,
}

#[derive(Debug, Serialize)]
struct Speed {
    elapsed_seconds: f64,
    records_per_second: f64,
    store_calls: u64,
    store_calls_per_second: f64,
    latency_ns: Vec<Latency>,
    clock_overhead_ns: u64,
}

#[derive(Debug, Serialize)]
struct Latency {
    call: &'static str,
    count: u64,
    p50: u64,
    p99: u64,
    p99_9: u64,
    max: u64,
}

#[derive(Debug, Serialize)]
struct Memory {
    charged_bytes_at_peak: u64,
    charged_bytes_per_session: Option<f64>,
    heap_bytes_at_peak: Option<u64>,
    heap_bytes_per_session: Option<f64>,
}

impl Report {
    /// Gathers the figures of a replay.
    #[must_use]
    pub fn new(
        source: &Source,
        workload: &Workload,
        defaults: Defaults,
        settings: &Settings,
        outcome: &Outcome,
    ) -> Self {
        let calls = outcome.latencies.calls();
        let elapsed_seconds = outcome.elapsed.as_secs_f64();
        let peak = outcome.peak;
        let mut latency_ns = vec![Latency::of("all", &calls)];
        for verb in Verb::ALL {
            let histogram = outcome.latencies.of(verb);
            if !histogram.is_empty() {
                latency_ns.push(Latency::of(verb.name(), histogram));
            }
        }
        Self {
            trace: Trace {
                name: source.name(),
                origin: source.origin(),
                records: workload.records(),
                distinct_keys: workload.distinct_keys(),
                span_seconds: seconds(workload.span_ms()),
            },
            settings: Options {
                ttl_seconds: defaults.ttl_seconds,
                value_size_bytes: defaults.value_size,
                max_entries: settings.max_entries,
                max_bytes: settings.max_bytes,
                threads: workload.threads(),
                slack_seconds: workload.slack().time.as_secs_f64(),
                slack_records: workload.slack().records,
            },
            sessions: Sessions {
                reads: outcome.reads,
                hits: outcome.hits,
                hit_ratio: ratio(outcome.hits, outcome.reads),
                created: outcome.stats.inserts,
                live_peak: peak.live,
                live_end: outcome.live_end,
            },
            removals: Removals {
                expired: outcome.stats.expired,
                evicted: outcome.stats.evicted,
                removed: outcome.stats.removed,
                cleared: outcome.stats.cleared,
                overwritten: outcome.stats.updates,
                refused_writes: outcome.refused,
                first_refusal: outcome.refusal.clone(),
            },
            speed: Speed {
                elapsed_seconds,
                records_per_second: per_second(workload.records(), elapsed_seconds),
                store_calls: calls.len(),
                store_calls_per_second: per_second(calls.len(), elapsed_seconds),
                latency_ns,
                clock_overhead_ns: outcome.clock_overhead_ns,
            },
            memory: Memory {
                charged_bytes_at_peak: peak.bytes,
                charged_bytes_per_session: ratio(peak.bytes, peak.live),
                heap_bytes_at_peak: peak.heap,
                heap_bytes_per_session: peak.heap.and_then(|heap| ratio(heap, peak.live)),
            },
        }
    }

    /// Returns the report as one JSON object over several lines.
    ///
    /// # Panics
    /// Never: all keys are text and all numbers finite.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report is plain JSON");
        text.push('\n');
        text
    }
}

impl Latency {
    fn of(call: &'static str, histogram: &Histogram<u64>) -> Self {
        Self {
            call,
            count: histogram.len(),
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p99_9: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = self.settings.threads > 1;
        let about = if several { " (sampled)" } else { "" };
        self.write_trace(f)?;

        let s = &self.sessions;
        writeln!(f, "\nSessions")?;
        match s.hit_ratio {
            Some(ratio) => line(
                f,
                "hit ratio",
                format_args!(
                    "{:.2} %  ({} of {} reads)",
                    ratio * 100.0,
                    HumanCount(s.hits),
                    HumanCount(s.reads)
                ),
            )?,
            None => line(f, "hit ratio", format_args!("none: the trace has no reads"))?,
        }
        line(f, "created", HumanCount(s.created))?;
        line(
            f,
            "live at the peak",
            format_args!("{}{about}", HumanCount(s.live_peak)),
        )?;
        line(f, "live at the end", HumanCount(s.live_end))?;

        let r = &self.removals;
        writeln!(f, "\nRemovals")?;
        line(f, "expired", HumanCount(r.expired))?;
        line(f, "evicted", HumanCount(r.evicted))?;
        line(f, "removed", HumanCount(r.removed))?;
        line(f, "cleared", HumanCount(r.cleared))?;
        line(f, "overwritten", HumanCount(r.overwritten))?;
        match &r.first_refusal {
            None => line(f, "refused writes", HumanCount(r.refused_writes))?,
            Some(reason) => line(
                f,
                "refused writes",
                format_args!("{}, the first: {reason}", HumanCount(r.refused_writes)),
            )?,
        }

        self.write_speed(f)?;

        let m = &self.memory;
        writeln!(
            f,
            "\nMemory per live session at the peak, fixed parts included"
        )?;
        per_session(
            f,
            "charged",
            m.charged_bytes_per_session,
            m.charged_bytes_at_peak,
        )?;
        if let Some(heap) = m.heap_bytes_at_peak {
            per_session(f, "heap", m.heap_bytes_per_session, heap)?;
        }
        Ok(())
    }
}

impl Report {
    fn write_trace(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (t, o) = (&self.trace, &self.settings);
        writeln!(f, "Trace")?;
        line(f, "name", &t.name)?;
        if let Some(origin) = t.origin {
            line(f, "origin", origin)?;
        }
        line(f, "records", HumanCount(t.records))?;
        line(f, "distinct keys", HumanCount(t.distinct_keys))?;
        line(f, "span of time", span(t.span_seconds))?;
        line(
            f,
            "defaults",
            format_args!(
                "time to live {} s, value size {} bytes, where a record has none",
                HumanCount(o.ttl_seconds.into()),
                HumanCount(o.value_size_bytes.into())
            ),
        )?;
        let limit = |limit: Option<u64>, unit: &str| match limit {
            Some(limit) => format!("{} {unit}", HumanCount(limit)),
            None => format!("no limit of {unit}"),
        };
        line(
            f,
            "cache",
            format_args!(
                "{}, {}",
                limit(o.max_entries.map(|n| n as u64), "entries"),
                limit(o.max_bytes, "bytes")
            ),
        )?;
        if o.threads == 1 {
            return line(f, "threads", 1);
        }
        line(
            f,
            "threads",
            format_args!(
                "{}, within about {} s of trace time and {} records of each other",
                o.threads,
                o.slack_seconds,
                HumanCount(o.slack_records.into())
            ),
        )
    }

    fn write_speed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = &self.speed;
        writeln!(f, "\nSpeed")?;
        line(
            f,
            "operations/s",
            format_args!(
                "{}  ({} store calls in {:.1} ms; measuring, purging{} included)",
                rounded(s.store_calls_per_second),
                HumanCount(s.store_calls),
                s.elapsed_seconds * 1000.0,
                if self.settings.threads > 1 {
                    ", waiting for each other"
                } else {
                    ""
                }
            ),
        )?;
        writeln!(f)?;
        writeln!(
            f,
            "  {:<16} {:>13} {:>9} {:>9} {:>9} {:>13}",
            "ns per operation", "count", "p50", "p99", "p99.9", "max"
        )?;
        for row in &s.latency_ns {
            writeln!(
                f,
                "  {:<16} {:>13} {:>9} {:>9} {:>9} {:>13}",
                row.call,
                HumanCount(row.count).to_string(),
                HumanCount(row.p50).to_string(),
                HumanCount(row.p99).to_string(),
                HumanCount(row.p99_9).to_string(),
                HumanCount(row.max).to_string()
            )?;
        }
        line(
            f,
            "clock overhead",
            format_args!("{} ns, part of each figure above", s.clock_overhead_ns),
        )
    }
}

fn line(f: &mut fmt::Formatter<'_>, label: &str, value: impl fmt::Display) -> fmt::Result {
    writeln!(f, "  {label:<18} {value}")
}

fn per_session(
    f: &mut fmt::Formatter<'_>,
    label: &str,
    each: Option<f64>,
    total: u64,
) -> fmt::Result {
    match each {
        Some(each) => line(
            f,
            label,
            format_args!("{each:.1} bytes  ({} in all)", HumanCount(total)),
        ),
        None => line(f, label, "none: no session was created"),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for display; 53 bits are ample"
)]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for display; 53 bits are ample"
)]
fn per_second(count: u64, seconds: f64) -> f64 {
    // A clock too coarse for a tiny trace must not make the rate infinite.
    count as f64 / seconds.max(1e-9)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of a century fit 53 bits"
)]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// A rate with the digits that mean something.
fn rounded(rate: f64) -> String {
    match rate {
        r if r >= 1e6 => format!("{:.2} million", r / 1e6),
        r if r >= 1e3 => format!("{:.1} thousand", r / 1e3),
        r => format!("{r:.0}"),
    }
}

/// Writes a span such as `12 h 52 min 1 s`.
fn span(seconds: f64) -> String {
    let total = std::time::Duration::from_secs_f64(seconds);
    let whole = total.as_secs();
    let mut text = String::new();
    for (count, unit) in [
        (whole / 86_400, "d"),
        (whole / 3600 % 24, "h"),
        (whole / 60 % 60, "min"),
    ] {
        if count > 0 {
            let _ = write!(text, "{count} {unit} ");
        }
    }
    match total.subsec_millis() {
        0 => text + &format!("{} s", whole % 60),
        millis => text + &format!("{}.{millis:03} s", whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_rates_read_well() {
        assert_eq!(span(46_321.0), "12 h 52 min 1 s");
        assert_eq!(span(0.0), "0 s");
        assert_eq!(span(641.581), "10 min 41.581 s");
        assert_eq!(span(16_736_181.0), "193 d 16 h 56 min 21 s");
        assert_eq!(rounded(2_345_678.0), "2.35 million");
        assert_eq!(rounded(12_340.0), "12.3 thousand");
        assert_eq!(rounded(99.6), "100");
    }

    #[test]
    fn nothing_divides_by_zero() {
        assert_eq!(ratio(0, 0), None);
        assert!(per_second(5, 0.0).is_finite());
    }
}
