//! Tables on the terminal, in a results file, and every round as CSV.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::machine;
use crate::sample::{Row, Sample};

/// A table with a title and a sentence below it.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What was measured.
    pub title: String,
    /// How to read it; may be empty.
    pub note: String,
    /// The heads of the columns.
    pub columns: Vec<String>,
    /// The cells, first column text and the others figures.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(title: impl Into<String>, note: impl Into<String>, columns: &[&str]) -> Table {
        Table {
            title: title.into(),
            note: note.into(),
            columns: columns.iter().map(|&column| column.into()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The table in columns for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| self.width(column))
            .collect();
        let mut text = format!("\n{}\n", self.title);
        for cells in std::iter::once(&self.columns).chain(&self.rows) {
            for (place, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                let aligned = if place == 0 {
                    format!("  {cell:<width$}")
                } else {
                    format!("  {cell:>width$}")
                };
                text.push_str(&aligned);
            }
            text.push('\n');
        }
        if !self.note.is_empty() {
            text.push_str(&format!("  {}\n", self.note));
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        std::iter::once(&self.columns)
            .chain(&self.rows)
            .filter_map(|cells| cells.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    }

    /// The table in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("\n## {}\n\n", self.title);
        if !self.note.is_empty() {
            text.push_str(&format!("{}\n\n", self.note));
        }
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        text.push_str(&line(&self.columns));
        let rule: Vec<String> = (0..self.columns.len())
            .map(|column| if column == 0 { "---" } else { "---:" }.into())
            .collect();
        text.push_str(&line(&rule));
        for cells in &self.rows {
            text.push_str(&line(cells));
        }
        text
    }
}

/// The table of one workload.
#[must_use]
pub fn workload(name: &str, threads: usize, rows: &[Row]) -> Table {
    let title = match threads {
        1 => format!("{name}, 1 thread"),
        _ => format!("{name}, {threads} threads"),
    };
    let any = |wanted: fn(&Sample) -> bool| rows.iter().flat_map(|row| &row.samples).any(wanted);
    let hits = any(|sample| sample.hit_ratio.is_some());
    let slowest = any(|sample| sample.slowest_ns > 0);
    let left = any(|sample| sample.left.is_some());
    let mut columns = vec!["contender", "ns/op", "min-max", "times ours"];
    columns.extend(hits.then_some("hits %"));
    columns.push("held");
    columns.extend(slowest.then_some("slowest us"));
    columns.extend(left.then_some("left MiB"));
    let mut table = Table::new(title, "", &columns);
    let ours = rows.iter().find(|row| row.contender == "sessile");
    for row in rows {
        let costs: Vec<f64> = row.samples.iter().map(|sample| sample.ns_per_op).collect();
        let low = costs.iter().copied().fold(f64::INFINITY, f64::min);
        let high = costs.iter().copied().fold(0.0, f64::max);
        let mut cells = vec![
            row.contender.to_owned(),
            format!("{:.1}", median(&costs)),
            format!("{low:.1}-{high:.1}"),
            ours.map_or("-".into(), |ours| format!("{:.2}", times(row, ours))),
        ];
        if let Some(last) = row.samples.last() {
            if hits {
                cells.push(percent(last.hit_ratio));
            }
            cells.push(last.held.to_string());
            if slowest {
                let most = row.samples.iter().map(|sample| sample.slowest_ns).max();
                cells.push((most.unwrap_or(0) / 1_000).to_string());
            }
            if left {
                cells.push(last.left.map_or("-".into(), mib));
            }
        }
        table.row(cells);
    }
    table
}

/// How many times our cost a contender has: the median of the ratios of the
/// same round, which a slow round of the whole machine leaves alone.
fn times(row: &Row, ours: &Row) -> f64 {
    let ratios: Vec<f64> = row
        .samples
        .iter()
        .zip(&ours.samples)
        .map(|(theirs, ours)| theirs.ns_per_op / ours.ns_per_op)
        .collect();
    median(&ratios)
}

/// The middle value; of an even number, the mean of the middle two.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[length / 2],
        length => f64::midpoint(sorted[length / 2 - 1], sorted[length / 2]),
    }
}

/// A share as a percentage with two places.
#[must_use]
pub fn percent(share: Option<f64>) -> String {
    share.map_or("-".into(), |share| format!("{:.2}", share * 100.0))
}

/// Bytes as whole mebibytes.
#[must_use]
pub fn mib(bytes: i64) -> String {
    (bytes / (1 << 20)).to_string()
}

/// Every round of every row as CSV lines, with a head for an empty text.
pub fn csv(text: &mut String, name: &str, threads: usize, rows: &[Row]) {
    if text.is_empty() {
        text.push_str(
            "workload,threads,contender,round,ns_per_op,hit_ratio,held,slowest_ns,left_bytes\n",
        );
    }
    for row in rows {
        for (round, sample) in row.samples.iter().enumerate() {
            let hits = sample
                .hit_ratio
                .map_or(String::new(), |hits| hits.to_string());
            let left = sample.left.map_or(String::new(), |left| left.to_string());
            // Writing to a String cannot fail.
            let _always_ok = writeln!(
                text,
                "{name},{threads},\"{}\",{round},{:.3},{hits},{},{},{left}",
                row.contender, sample.ns_per_op, sample.held, sample.slowest_ns
            );
        }
    }
}

/// A results file: what it is, where it came from, and the tables.
///
/// # Errors
/// Names the file when it cannot be written.
pub fn write_markdown(path: &Path, heading: &str, tables: &[Table]) -> Result<(), String> {
    let mut text = format!("# {heading}\n\n");
    for line in machine::describe() {
        text.push_str(&format!("- {line}\n"));
    }
    for table in tables {
        text.push_str(&table.markdown());
    }
    write(path, &text)
}

/// Writes a file.
///
/// # Errors
/// Names the file when it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|reason| format!("cannot write {}: {reason}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }
}
