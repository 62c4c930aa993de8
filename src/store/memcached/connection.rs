//! One connection: a request out, its whole answer in, and never used again if that did not work out.
//!
//! [`Connection::exchange`] takes the connection and gives it back with the answer. Whatever comes in
//! between, an error, a timeout, a future that is dropped, takes the connection with it: the type
//! system sees to it that no stream in doubt is used again.

use std::io;
use std::pin::Pin;
use std::task::{Context, Waker};

use bytes::Bytes;
use tokio::io::{
    AsyncBufRead as _, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite,
    AsyncWriteExt as _, BufReader,
};

use super::address::Address;
use super::reply::{self, Code, LINE_MAX, Refusal, Reply};
use super::request::Request;
use crate::error::{Error, ErrorKind};
use crate::store::remote::Failed;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(super) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    asked: u32,
}

/// A whole answer.
pub(super) struct Answer {
    pub(super) reply: Reply,
    /// What followed the line of a [`Code::Value`]; else empty.
    pub(super) value: Bytes,
}

impl Connection {
    /// Connects and shows the credentials, if there are any.
    pub(super) async fn open(address: &Address, credentials: Option<&str>) -> Result<Self, Failed> {
        let stream = connect(address).await.map_err(unreachable)?;
        let fresh = Self {
            stream: BufReader::new(stream),
            asked: 0,
        };
        let Some(credentials) = credentials else {
            return Ok(fresh);
        };
        let request = Request::Credentials(credentials);
        let (open, _) = fresh.exchange(&request, 0).await?;
        Ok(open)
    }

    /// Asks and waits for the whole answer, whose value may have `value_max` bytes.
    pub(super) async fn exchange(
        mut self,
        request: &Request<'_>,
        value_max: usize,
    ) -> Result<(Self, Answer), Failed> {
        self.asked = self.asked.wrapping_add(1);
        let bytes = request.encode(self.asked);
        self.stream.write_all(&bytes).await.map_err(unreachable)?;
        self.stream.flush().await.map_err(unreachable)?;
        let reply = self.line().await?;
        self.check(request, &reply)?;
        let value = match reply.code {
            Code::Value(length) if length > value_max => return Err(too_long()),
            Code::Value(length) => self.data(length).await?,
            _ => Bytes::new(),
        };
        Ok((self, Answer { reply, value }))
    }

    async fn line(&mut self) -> Result<Reply, Failed> {
        let mut line = Vec::new();
        let limit = LINE_MAX as u64 + 2;
        let mut bounded = (&mut self.stream).take(limit);
        let read = bounded.read_until(b'\n', &mut line).await;
        read.map_err(unreachable)?;
        match line.strip_suffix(b"\r\n") {
            Some(line) => reply::parse(line).map_err(|_| nonsense()),
            None if line.len() as u64 == limit || line.ends_with(b"\n") => Err(nonsense()),
            None => Err(unreachable(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn check(&self, request: &Request<'_>, reply: &Reply) -> Result<(), Failed> {
        match reply.code {
            Code::Refused(refusal) => Err(refused(refusal)),
            _ if request.takes(reply, self.asked) => Ok(()),
            _ => Err(nonsense()),
        }
    }

    async fn data(&mut self, length: usize) -> Result<Bytes, Failed> {
        // The server's word about the length reserves no more than this before bytes do arrive.
        let mut data = Vec::with_capacity((length + 2).min(64 << 10));
        let mut bounded = (&mut self.stream).take(length as u64 + 2);
        bounded.read_to_end(&mut data).await.map_err(unreachable)?;
        if data.len() < length + 2 {
            return Err(unreachable(io::ErrorKind::UnexpectedEof.into()));
        }
        match data.ends_with(b"\r\n") {
            true => data.truncate(length),
            false => return Err(nonsense()),
        }
        Ok(data.into())
    }

    /// Whether the stream waits for a request: nothing came unasked, not even its end.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream)
            .poll_fill_buf(&mut context)
            .is_pending()
    }
}

async fn connect(address: &Address) -> io::Result<Box<dyn Stream>> {
    match address {
        Address::Tcp(host, port) => {
            let stream = tokio::net::TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Address::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn unreachable(error: io::Error) -> Failed {
    let text = "reach memcached: the connection failed; see whether the server runs";
    Failed::ForNow(Error::new(ErrorKind::Unavailable, text).with_source(error))
}

pub(super) fn nonsense() -> Failed {
    let text =
        "understand memcached: the answer is none of the meta protocol's; see what listens there";
    Failed::ForNow(Error::new(ErrorKind::Unavailable, text))
}

fn too_long() -> Failed {
    let text = "read a session from memcached: it is longer than this store writes any; raise value_max if \
                others write longer ones";
    Failed::ForGood(Error::new(ErrorKind::TooLarge, text))
}

fn refused(refusal: Refusal) -> Failed {
    let (kind, text) = match refusal {
        Refusal::TooLarge => (
            ErrorKind::TooLarge,
            "store a session in memcached: it exceeds the server's limit for items; put less into it, or \
             raise the limit (-I)",
        ),
        Refusal::OutOfMemory => (
            ErrorKind::Full,
            "store a session in memcached: its memory is used up and it evicts nothing (-M); give it more",
        ),
        Refusal::Unauthenticated => (
            ErrorKind::InvalidConfig,
            "open a connection to memcached: it refuses user and password, or wants them; check both",
        ),
        Refusal::UnknownCommand => (
            ErrorKind::InvalidConfig,
            "ask memcached: it does not know the meta protocol; it must be of version 1.6 or later",
        ),
        Refusal::Client => (
            ErrorKind::Unavailable,
            "ask memcached: it refused the request; see whether it is behind a proxy that changes requests",
        ),
        Refusal::Server => {
            let text = "ask memcached: it failed; see what it logs";
            return Failed::ForNow(Error::new(ErrorKind::Unavailable, text));
        }
    };
    Failed::ForGood(Error::new(kind, text))
}
