//! A throw-away memcached.

use super::{Program, free_port, need, wait_for_port};

/// A memcached of its own, empty, on a free port.
pub struct Memcached {
    program: Program,
    port: u16,
}

impl Memcached {
    /// Starts it with further arguments; `None`, loudly, if it is not installed.
    pub fn start(what: &str, arguments: &[&str]) -> Option<Self> {
        let [program] = need(what, ["memcached"])?;
        let port = free_port();
        let mut program = Program::new(program);
        let number = port.to_string();
        let common = ["-l", "127.0.0.1", "-U", "0", "-u", "nobody", "-p", &number];
        program.start(common.iter().chain(arguments).copied());
        wait_for_port("memcached", port);
        Some(Self { program, port })
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once, and all it holds with it.
    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// Starts it again, empty.
    pub fn restart(&mut self) {
        self.program.restart();
        wait_for_port("memcached", self.port);
    }

    /// Stops it in its tracks, or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        self.program.freeze(frozen);
    }
}
