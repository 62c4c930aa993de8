//! What the `requests` binary is made of: session layers behind one trait,
//! what a request does, the interleaved rounds and the crowd on one session.

mod actix;
mod crowd;
mod lanes;
mod rounds;
mod tower;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

pub use crowd::{Crowd, crowd};
pub use lanes::{contenders, lanes};
pub use rounds::{Course, Row, csv, measure, table};

use crate::heap;

/// What the handler of a request does with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Makes one of [`NAMES`].
    Fill,
    /// Never asks for it.
    Untouched,
    /// Reads one name.
    Read,
    /// Writes one name.
    Write,
    /// Writes who it is, and asks for a new id.
    Login,
    /// Ends it.
    Logout,
}

impl Deed {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Deed; 6] = [
        Deed::Fill,
        Deed::Untouched,
        Deed::Read,
        Deed::Write,
        Deed::Login,
        Deed::Logout,
    ];

    /// Whether the client is given a cookie that it needs next time.
    #[must_use]
    pub fn gives_cookie(self) -> bool {
        matches!(self, Deed::Fill | Deed::Login)
    }
}

/// The names in a session; each has a number.
pub const NAMES: [&str; 20] = [
    "account", "attempts", "basket", "campaign", "currency", "group", "height", "items", "landing",
    "language", "member", "offers", "page", "points", "region", "seen", "tenant", "theme",
    "visits", "width",
];

/// The name that is read and written.
pub const NAME: &str = NAMES[12];

/// A number that was never written before: some layers save nothing if a value is what it was.
#[must_use]
pub fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Two threads may get the same one, which harms nobody; a locked instruction would cost more.
    let number = NEXT.load(Relaxed) + 1;
    NEXT.store(number, Relaxed);
    number
}

/// Where the session layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// Around the router, or without one: the request's extensions are empty.
    After,
    /// Inside of it, as with `Router::layer`: the router has left an extension in the request.
    Before,
}

/// What is measured while a lane serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meter {
    /// Wall time; allocations are not counted.
    Time,
    /// Allocations; the time includes the counting.
    Allocations,
}

/// What serving some requests took.
#[derive(Clone, Debug, Default)]
pub struct Served {
    /// Wall time.
    pub nanos: u64,
    /// Allocations, where they were counted.
    pub allocations: u64,
    /// Responses whose status was not 200.
    pub refused: usize,
    /// Of each request whose deed gives one: the `Cookie` line that its client sends next.
    pub cookies: Vec<String>,
}

/// A session layer around a service, and the runtime it runs on.
pub trait Lane {
    /// The contender's name.
    fn name(&self) -> &'static str;

    /// The name of the same service without sessions.
    fn bare(&self) -> &'static str;

    /// Whether a logout makes the cookie worthless.
    fn forgets(&self) -> bool {
        true
    }

    /// Serves one request after the other, each with one of the `Cookie` lines.
    fn serve(&mut self, deed: Deed, lines: &[String], meter: Meter) -> Served;
}

/// The measurement under way inside [`Lane::serve`].
struct Running(Instant);

impl Meter {
    fn start(self) -> Running {
        heap::count(self == Meter::Allocations);
        Running(Instant::now())
    }
}

impl Running {
    fn stop(self) -> Served {
        let nanos = self.0.elapsed().as_nanos();
        let allocations = heap::allocations();
        heap::count(false);
        Served {
            nanos: u64::try_from(nanos).unwrap_or(u64::MAX),
            allocations,
            ..Served::default()
        }
    }
}

/// The `Cookie` line of a browser that was sent these `Set-Cookie` lines, with
/// two cookies of others around.
fn cookie_line<'s>(set_cookies: impl Iterator<Item = &'s str>) -> String {
    let mut line = String::from("consent=analytics.no%2Cads.no");
    for cookie in set_cookies {
        line.push_str("; ");
        line.push_str(cookie.split(';').next().unwrap_or(""));
    }
    line.push_str("; _visit=GA1.2.1873302146.1763712000");
    line
}

/// Bytes whose clones allocate nothing, as what a server has read.
fn shared(line: &str) -> bytes::Bytes {
    let bytes = bytes::Bytes::from(line.as_bytes().to_vec());
    // The first clone makes the count that is shared from then on.
    drop(bytes.clone());
    bytes
}

/// The `Cookie` line of a browser without a session.
#[must_use]
pub fn stranger() -> String {
    cookie_line(std::iter::empty())
}
