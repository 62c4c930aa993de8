//! Interleaved rounds of requests: in every round each contender serves, in
//! turning order; then each once more with its allocations counted.

use std::fmt::Write as _;

use super::{Deed, Lane, Meter, Served, stranger};
use crate::report::{Table, median};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// Clients, each with a session of its own.
    pub clients: usize,
    /// Requests of each client in a round.
    pub passes: usize,
    /// Rounds.
    pub rounds: usize,
}

/// What one contender took.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub contender: &'static str,
    /// The name of its bare service.
    pub bare: &'static str,
    /// Nanoseconds per request, round by round.
    pub nanos: Vec<f64>,
    /// Allocations per request.
    pub allocations: f64,
}

/// A lane and the cookies of its clients.
struct Entrant {
    lane: Box<dyn Lane>,
    lines: Vec<String>,
    row: Row,
}

impl Entrant {
    fn new(lane: Box<dyn Lane>, clients: usize) -> Self {
        let row = Row {
            contender: lane.name(),
            bare: lane.bare(),
            nanos: Vec::new(),
            allocations: 0.0,
        };
        let mut entrant = Self {
            lane,
            lines: Vec::new(),
            row,
        };
        entrant.refill(clients);
        entrant
    }

    /// New sessions for all clients.
    fn refill(&mut self, clients: usize) {
        let strangers = vec![stranger(); clients];
        self.lines = self.lane.serve(Deed::Fill, &strangers, Meter::Time).cookies;
    }

    /// One request of each client.
    fn pass(&mut self, deed: Deed, meter: Meter) -> Served {
        let mut served = self.lane.serve(deed, &self.lines, meter);
        assert_eq!(served.refused, 0, "{} refused {deed:?}", self.row.contender);
        match deed {
            Deed::Login => self.lines = std::mem::take(&mut served.cookies),
            Deed::Logout => {
                self.check_logout();
                self.refill(self.lines.len());
            }
            _ => {}
        }
        served
    }

    fn check_logout(&mut self) {
        if self.row.contender == self.row.bare || !self.lane.forgets() {
            return;
        }
        let served = self.lane.serve(Deed::Read, &self.lines, Meter::Time);
        assert_eq!(
            served.refused,
            self.lines.len(),
            "{} knows sessions that have ended",
            self.row.contender
        );
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "nanoseconds and requests of a round lie far below 2^53"
    )]
    fn round(&mut self, deed: Deed, passes: usize) {
        let nanos: u64 = (0..passes)
            .map(|_| self.pass(deed, Meter::Time).nanos)
            .sum();
        let requests = passes * self.lines.len();
        self.row.nanos.push(nanos as f64 / requests.max(1) as f64);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "allocations and requests lie far below 2^53"
    )]
    fn count(&mut self, deed: Deed) {
        let served = self.pass(deed, Meter::Allocations);
        self.row.allocations = served.allocations as f64 / self.lines.len().max(1) as f64;
    }
}

/// Lets every lane do the deed.
#[must_use]
pub fn measure(lanes: Vec<Box<dyn Lane>>, deed: Deed, course: Course) -> Vec<Row> {
    let mut entrants: Vec<Entrant> = lanes
        .into_iter()
        .map(|lane| Entrant::new(lane, course.clients))
        .collect();
    for entrant in &mut entrants {
        // Untimed: what grows on first use has grown, and what is wrong shows.
        entrant.pass(deed, Meter::Time);
    }
    for round in 0..course.rounds {
        for place in 0..entrants.len() {
            let turn = (place + round) % entrants.len();
            entrants[turn].round(deed, course.passes);
        }
    }
    for entrant in &mut entrants {
        entrant.count(deed);
    }
    entrants.into_iter().map(|entrant| entrant.row).collect()
}

/// The table of one workload.
#[must_use]
pub fn table(name: &str, rows: &[Row]) -> Table {
    let columns = [
        "contender",
        "ns",
        "min-max",
        "ns above bare",
        "allocations",
        "above bare",
        "times ours",
    ];
    let mut table = Table::new(name, "", &columns);
    let ours = rows.iter().find(|row| row.contender == "sessile");
    let above_ours = ours.map(|ours| above(ours, rows));
    for row in rows {
        let low = row.nanos.iter().copied().fold(f64::INFINITY, f64::min);
        let high = row.nanos.iter().copied().fold(0.0, f64::max);
        let mut cells = vec![
            row.contender.to_owned(),
            format!("{:.0}", median(&row.nanos)),
            format!("{low:.0}-{high:.0}"),
        ];
        if row.contender == row.bare {
            cells.extend(["-".into(), count(row.allocations), "-".into(), "-".into()]);
        } else {
            let above_bare = above(row, rows);
            let bare = rows.iter().find(|bare| bare.contender == row.bare);
            let allocations = row.allocations - bare.map_or(0.0, |bare| bare.allocations);
            let times = above_ours.as_ref().map_or("-".into(), |ours| {
                let ratios: Vec<f64> = above_bare.iter().zip(ours).map(|(a, b)| a / b).collect();
                format!("{:.2}", median(&ratios))
            });
            cells.extend([
                format!("{:.0}", median(&above_bare)),
                count(row.allocations),
                count(allocations),
                times,
            ]);
        }
        table.row(cells);
    }
    table
}

/// What a contender takes above its bare service in the same round.
fn above(row: &Row, rows: &[Row]) -> Vec<f64> {
    let bare = rows.iter().find(|bare| bare.contender == row.bare);
    let bare = bare.map_or(&[][..], |bare| &bare.nanos);
    row.nanos.iter().zip(bare).map(|(a, b)| a - b).collect()
}

/// Allocations per request; a fraction shows only where there is one.
fn count(allocations: f64) -> String {
    let text = format!("{allocations:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Every round of every row as CSV lines, with a head for an empty text.
pub fn csv(text: &mut String, name: &str, rows: &[Row]) {
    if text.is_empty() {
        text.push_str("workload,contender,round,ns,allocations\n");
    }
    for row in rows {
        for (round, nanos) in row.nanos.iter().enumerate() {
            // Writing to a String cannot fail.
            let _always_ok = writeln!(
                text,
                "\"{name}\",\"{}\",{round},{nanos:.1},{:.3}",
                row.contender, row.allocations
            );
        }
    }
}
