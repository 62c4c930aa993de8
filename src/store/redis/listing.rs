//! Goes through all records, page by page, by `SCAN`, in a cluster one master after the other.

use std::pin::Pin;
use std::task::Poll;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::{Cmd, Value};

use super::link::{Answer, Doubt, Wire};
use super::scripts::Call;
use super::store::{BATCH, RedisStore};
use super::target::{Target, cluster_slots};
use crate::cache::TimeToLive;
use crate::error::{Error, ErrorKind, Result};
use crate::store::span::verb;
use crate::store::{Cursor, Page, Survey, Surveyed, page_limit};

const WHAT: &str = "list the records in redis";

/// A page is one `SCAN`, which may find nothing yet, and the records that it names, 64 at a time. In a
/// cluster whose slots are being moved, records that move may be missed.
impl Survey for RedisStore {
    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Page> {
        verb("redis", "page", async move {
            let limit = page_limit(limit);
            let mut stand = match after {
                Some(cursor) => Stand::read(cursor.as_bytes()).ok_or_else(|| {
                    Error::input(format!("{WHAT}: this cursor is none of this store's"))
                })?,
                None => Stand::default(),
            };
            if stand.found.is_empty() {
                self.scan(&mut stand, limit).await?;
            }
            let rest = stand.found.split_off(limit.min(stand.found.len()));
            let keys = std::mem::replace(&mut stand.found, rest);
            let mut records = Vec::with_capacity(keys.len());
            for batch in keys.chunks(BATCH) {
                let seen = batch.iter().map(|key| self.inner().seen(WHAT, key));
                for (key, seen) in batch.iter().zip(together(seen).await) {
                    let own = self.inner().form.own_key(key.to_vec());
                    if let (Some(key), Some((loaded, left))) = (own, seen?) {
                        records.push(Surveyed {
                            key,
                            value: loaded.value,
                            version: loaded.version,
                            left: match left {
                                TimeToLive::Forever => None,
                                TimeToLive::Left(left) => Some(left),
                            },
                        });
                    }
                }
            }
            Ok(Page {
                records,
                next: (!stand.is_over || !stand.found.is_empty())
                    .then(|| Cursor::new(stand.write())),
            })
        })
        .await
    }
}

impl RedisStore {
    async fn scan(&self, stand: &mut Stand, limit: usize) -> Result<()> {
        let mut command = redis::cmd("SCAN");
        command
            .arg(stand.cursor)
            .arg("MATCH")
            .arg(self.inner().form.pattern());
        command.arg("COUNT").arg(limit).arg("TYPE").arg("string");
        let answer = match self.inner().link.target() {
            Target::Cluster(cluster) => {
                let Answer::Value(slots) = self.inner().ask(WHAT, cluster_slots()).await? else {
                    return Err(odd());
                };
                let masters = cluster.masters(&slots);
                // The masters are in order, so that one that came or went does not confuse the walk.
                let (host, port) = match &stand.node {
                    Some(node) if stand.cursor != 0 => node.clone(),
                    node => match masters
                        .into_iter()
                        .find(|master| Some(master) > node.as_ref())
                    {
                        Some(next) => next,
                        None => {
                            stand.is_over = true;
                            return Ok(());
                        }
                    },
                };
                stand.node = Some((host.clone(), port));
                self.inner()
                    .link
                    .ask_node(WHAT, &command, &host, port)
                    .await?
            }
            _ => {
                let call = Call::from(command);
                self.inner()
                    .link
                    .ask(WHAT, &Doubt::default(), &call, &call)
                    .await?
            }
        };
        let Answer::Value(Value::Array(answer)) = answer else {
            return Err(odd());
        };
        let Ok([Value::BulkString(cursor), Value::Array(found)]) = <[Value; 2]>::try_from(answer)
        else {
            return Err(odd());
        };
        let cursor = std::str::from_utf8(&cursor)
            .ok()
            .and_then(|text| text.parse().ok());
        stand.cursor = cursor.ok_or_else(odd)?;
        stand.is_over = stand.cursor == 0 && stand.node.is_none();
        stand.found = found
            .into_iter()
            .filter_map(|key| match key {
                Value::BulkString(key) => Some(Bytes::from(key)),
                _ => None,
            })
            .collect();
        Ok(())
    }
}

/// Where a walk stands.
#[derive(Default)]
struct Stand {
    /// The master of a cluster that is being gone through.
    node: Option<(String, u16)>,
    /// The server's own cursor; zero before its beginning and after its end.
    cursor: u64,
    is_over: bool,
    /// Keys that were found and did not fit into the page: `SCAN` may find more than it was asked for.
    found: Vec<Bytes>,
}

impl Stand {
    fn write(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        bytes.put_u8(u8::from(self.is_over) | u8::from(self.node.is_some()) << 1);
        bytes.put_u64(self.cursor);
        if let Some((host, port)) = &self.node {
            bytes.put_u16(*port);
            put(&mut bytes, host.as_bytes());
        }
        for key in &self.found {
            put(&mut bytes, key);
        }
        bytes.freeze()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes::copy_from_slice(bytes);
        let flags = bytes.try_get_u8().ok()?;
        let mut stand = Self {
            is_over: flags & 1 != 0,
            cursor: bytes.try_get_u64().ok()?,
            ..Self::default()
        };
        if flags & 2 != 0 {
            let port = bytes.try_get_u16().ok()?;
            let host = String::from_utf8(take(&mut bytes)?.to_vec()).ok()?;
            stand.node = Some((host, port));
        }
        while !bytes.is_empty() {
            stand.found.push(take(&mut bytes)?);
        }
        (flags < 4).then_some(stand)
    }
}

fn put(into: &mut BytesMut, part: &[u8]) {
    // Keys and hosts' names are far below what the length's four bytes count.
    into.put_u32(u32::try_from(part.len()).unwrap_or(u32::MAX));
    into.put_slice(part);
}

fn take(from: &mut Bytes) -> Option<Bytes> {
    let len = usize::try_from(from.try_get_u32().ok()?).ok()?;
    (len <= from.len()).then(|| from.split_to(len))
}

fn odd() -> Error {
    let text = format!("{WHAT}: the server's answer is not what Redis answers");
    Error::new(ErrorKind::Unavailable, text)
}

impl Wire {
    /// Sends a command to a certain node of a cluster.
    pub(super) async fn send_to(
        &mut self,
        command: &Cmd,
        host: &str,
        port: u16,
    ) -> redis::RedisResult<Value> {
        match self {
            Self::Node(_) => self.send(command).await,
            Self::Cluster(cluster) => {
                let host = host.to_owned();
                let node = SingleNodeRoutingInfo::ByAddress { host, port };
                cluster
                    .route_command(command.clone(), RoutingInfo::SingleNode(node))
                    .await?
                    .extract_error()
            }
        }
    }
}

/// Waits for all of them at once and returns their outputs in order.
pub(super) async fn together<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut waits = false;
        for (future, output) in running.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(done) => *output = Some(done),
                    Poll::Pending => waits = true,
                }
            }
        }
        if waits {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
