//! Starts `sessile serve` for a test, and talks to it without a browser.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A running server; it ends with this value.
pub(crate) struct Server {
    child: Child,
    /// Kept open, so that the server never writes into a closed pipe.
    _stdout: BufReader<ChildStdout>,
    /// As the server printed it: `http://127.0.0.1:40123/`.
    pub(crate) address: String,
}

impl Server {
    /// Starts one on a free port.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(&[], arguments)
    }

    /// Starts one on a free port, with these variables in its environment.
    pub(crate) fn start_in(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sessile"))
            .envs(environment.iter().copied())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut address = String::new();
        stdout.read_line(&mut address).expect("the address");
        assert!(!address.is_empty(), "it does not serve");
        Self {
            child,
            _stdout: stdout,
            address: address.trim_end().to_owned(),
        }
    }

    /// Host and port, as `Host` headers have them.
    pub(crate) fn host(&self) -> &str {
        let address = self.address.strip_prefix("http://");
        address.expect("an http address").trim_end_matches('/')
    }

    /// Sends a request at once after the start, and returns the whole answer.
    pub(crate) fn ask(&self, method: &str, path: &str, cookie: &str, form: &str) -> Answer {
        let mut stream = TcpStream::connect(self.host()).expect("the server takes connections");
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).expect("a socket");
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.host()
        );
        if !cookie.is_empty() {
            request += &format!("Cookie: {cookie}\r\n");
        }
        if method == "POST" {
            let length = form.len();
            request += "Content-Type: application/x-www-form-urlencoded\r\n";
            request += &format!("Content-Length: {length}\r\n");
        }
        // A refused body need not be read to its end.
        let _ = stream.write_all(format!("{request}\r\n{form}").as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Answer(String::from_utf8(answer).expect("all pages are UTF-8"))
    }

    /// Sends a signal, and returns the exit code; `None` if the signal itself ended it.
    pub(crate) fn end_by(mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("kill starts").success());
        self.child.wait().expect("the server ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer, head and body.
pub(crate) struct Answer(pub(crate) String);

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        let code = self.0.split(' ').nth(1).and_then(|code| code.parse().ok());
        code.unwrap_or_else(|| panic!("no status line: {:?}", self.0))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.0.split_once("\r\n\r\n")?;
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(its, value)| its.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(crate) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// The session cookie that the answer sets, as a request sends it back.
    pub(crate) fn cookie(&self) -> Option<&str> {
        self.header("set-cookie")?.split(';').next()
    }

    /// The token of the page's forms.
    pub(crate) fn token(&self) -> &str {
        let (_, rest) = self
            .body()
            .split_once("name=\"token\" value=\"")
            .expect("a form");
        rest.split('"').next().expect("a value")
    }
}
