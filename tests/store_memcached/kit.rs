//! What these tests share: a store on a server, and the server's protocol spoken by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use sessile::store::{MemcachedBuilder, MemcachedStore, Patience, Terms};

use crate::servers::Memcached;

/// Half an hour.
pub(crate) fn terms() -> Terms {
    Terms::ttl(Duration::from_secs(1800))
}

/// Three attempts of a second each, so that a test of a dead server is short.
pub(crate) fn patience() -> Patience {
    Patience::new()
        .timeout(Duration::from_secs(1))
        .pause(Duration::from_millis(5))
}

pub(crate) fn on(server: &Memcached) -> MemcachedBuilder {
    MemcachedStore::builder().servers(server.address())
}

/// A client of few words.
pub(crate) struct Raw(BufReader<TcpStream>);

impl Raw {
    pub(crate) fn to(server: &Memcached) -> Self {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends a request and returns the first line of its answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> String {
        self.0.get_mut().write_all(request).unwrap();
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The value under a name.
    pub(crate) fn get(&mut self, name: &str) -> Option<Vec<u8>> {
        let line = self.ask(format!("mg {name} v\r\n").as_bytes());
        let length: usize = line.strip_prefix("VA ")?.parse().unwrap();
        let mut value = vec![0; length + 2];
        self.0.read_exact(&mut value).unwrap();
        value.truncate(length);
        Some(value)
    }

    pub(crate) fn set(&mut self, name: &str, value: &[u8]) {
        let line = format!("ms {name} {}\r\n", value.len());
        let request = [line.as_bytes(), value, b"\r\n"].concat();
        assert_eq!(self.ask(&request), "HD");
    }

    /// The names of all items, once the server's listing is as complete as its counter says.
    pub(crate) fn names(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        crate::servers::wait_until("the listing", || {
            names = self.listing();
            names.len() as u64 == self.stat("curr_items")
        });
        names
    }

    fn listing(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        let mut line = self.ask(b"lru_crawler metadump all\r\n");
        while line != "END" {
            // The server lists for one at a time, and for its own purposes: BUSY.
            let Some(name) = line.strip_prefix("key=") else {
                return Vec::new();
            };
            names.push(plain(name.split(' ').next().unwrap()));
            line.clear();
            self.0.read_line(&mut line).unwrap();
            line.truncate(line.trim_end().len());
        }
        names
    }

    /// One of the server's counters.
    pub(crate) fn stat(&mut self, name: &str) -> u64 {
        let mut found = 0;
        let mut line = self.ask(b"stats\r\n");
        while line != "END" {
            if let Some(number) = line.strip_prefix(&format!("STAT {name} ")) {
                found = number.parse().unwrap();
            }
            line.clear();
            self.0.read_line(&mut line).unwrap();
            line.truncate(line.trim_end().len());
        }
        found
    }
}

/// A name out of the percent form in which the server lists it.
fn plain(listed: &str) -> String {
    let mut parts = listed.split('%');
    let mut name = parts.next().unwrap().to_owned();
    for part in parts {
        let (hex, rest) = part.split_at(2);
        name.push(char::from(u8::from_str_radix(hex, 16).unwrap()));
        name.push_str(rest);
    }
    name
}
