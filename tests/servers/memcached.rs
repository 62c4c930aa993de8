//! A throw-away memcached.

use super::{Program, free_port, need, shifted, wait_for_port};

/// A memcached of its own, empty, on a free port.
pub struct Memcached {
    program: Program,
    port: u16,
}

impl Memcached {
    /// Starts it with further arguments; `None`, loudly, if it is not installed.
    pub fn start(what: &str, arguments: &[&str]) -> Option<Self> {
        let [program] = need(what, ["memcached"])?;
        Some(Self::of(Program::new(program), arguments))
    }

    /// Starts it with a clock that is off by so much, such as `+1h`.
    pub fn start_at(what: &str, shift: &str) -> Option<Self> {
        let [program] = need(what, ["memcached"])?;
        let program = Program::new(program).with(shifted(what, shift)?);
        Some(Self::of(program, &[]))
    }

    fn of(mut program: Program, arguments: &[&str]) -> Self {
        let port = free_port();
        let number = port.to_string();
        let common = ["-l", "127.0.0.1", "-U", "0", "-u", "nobody", "-p", &number];
        program.start(common.iter().chain(arguments).copied());
        wait_for_port("memcached", port);
        Self { program, port }
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
