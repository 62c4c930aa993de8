//! Reads a snapshot and believes nothing of it: every length is bounded before it is used, every
//! checksum and count compared.

use std::io::{self, Read};

use bytes::Bytes;

use super::encode::block_crc;
use super::{
    BLOCK_HEADER, BLOCK_MAX, END, FLAG_LIFE, FLAG_PROTECTED, FORMAT, HEADER, Held, KIND_END,
    KIND_RECORDS, MAGIC, TAG_ENTRY, TAG_NAMESPACE, VALUE_MAX,
};
use crate::cache::key::{KEY_MAX, Namespace, PREFIX_MAX};
use crate::cache::slab::Life;
use crate::cache::terms::Class;
use crate::error::{Error, ErrorKind, Result};

/// Memory taken for a block before any of it has arrived.
const TRUST: usize = 64 * 1024;

pub(super) struct Decoder<R> {
    from: R,
    /// Of everything read so far.
    crc: crc32fast::Hasher,
    /// How many bytes may still come.
    left: u64,
    taken_ms: u64,
    prefixes: Vec<Box<str>>,
    entries: u64,
    blocks: u64,
    ended: bool,
}

impl<R: Read> Decoder<R> {
    /// Reads and checks the header; the source may be `limit` bytes long.
    pub(super) fn open(from: R, limit: u64) -> Result<Self> {
        let mut decoder = Self {
            from,
            crc: crc32fast::Hasher::new(),
            left: limit,
            taken_ms: 0,
            prefixes: Vec::new(),
            entries: 0,
            blocks: 0,
            ended: false,
        };
        let header = decoder.array::<HEADER>()?;
        let mut fields = Fields(&header);
        if fields.bytes(MAGIC.len())? != MAGIC {
            return Err(corrupt("this is no snapshot of this crate"));
        }
        let format = fields.u32()?;
        if format > FORMAT {
            return Err(Error::new(
                ErrorKind::UnsupportedVersion,
                format!(
                    "read a snapshot: its format is {format}, and the newest known one {FORMAT}; \
                     use the version that wrote it, or a newer one"
                ),
            ));
        }
        decoder.taken_ms = fields.u64()?;
        let crc = fields.u32()?;
        if format != FORMAT || crc != crc32fast::hash(&header[..HEADER - 4]) {
            return Err(altered());
        }
        Ok(decoder)
    }

    /// Returns the next block of records, checked; `None` when the end was found as it must be.
    pub(super) fn block(&mut self) -> Result<Option<Bytes>> {
        if self.ended {
            return Ok(None);
        }
        let before = self.crc.clone().finalize();
        let header = self.array::<BLOCK_HEADER>()?;
        let mut fields = Fields(&header);
        let (kind, len, crc) = (fields.u32()?, fields.u32()?, fields.u32()?);
        if !matches!(kind, KIND_RECORDS | KIND_END) || len as usize > BLOCK_MAX {
            return Err(altered());
        }
        let payload = self.bytes(len as usize)?;
        if crc != block_crc(kind, len, &payload) {
            return Err(altered());
        }
        if kind == KIND_END {
            self.end(&payload, before)?;
            return Ok(None);
        }
        self.blocks += 1;
        let payload = Bytes::from(payload);
        records(&payload, |record| {
            match record {
                Record::Namespace(prefix) => self.prefixes.push(prefix.into()),
                Record::Entry { number, .. } => {
                    self.entries += 1;
                    if usize::from(number) > self.prefixes.len() {
                        return Err(altered());
                    }
                }
            }
            match self.prefixes.len() {
                0..=0xffff => Ok(()),
                _ => Err(altered()),
            }
        })?;
        Ok(Some(payload))
    }

    /// Compares the counts, and that nothing follows.
    fn end(&mut self, payload: &[u8], before: u32) -> Result<()> {
        if payload.len() != END {
            return Err(altered());
        }
        let mut fields = Fields(payload);
        let counts = [fields.u64()?, fields.u64()?, fields.u64()?];
        let found = [self.entries, self.prefixes.len() as u64, self.blocks];
        if counts != found || fields.u32()? != before {
            return Err(altered());
        }
        let mut beyond = Vec::new();
        let more = self.from.by_ref().take(1).read_to_end(&mut beyond);
        if more.map_err(failed)? != 0 {
            return Err(corrupt("something follows its end"));
        }
        self.ended = true;
        Ok(())
    }

    fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN]> {
        let bytes = self.bytes(LEN)?;
        bytes.try_into().map_err(|_| altered())
    }

    /// Reads that many bytes; memory grows with what arrives, not with what was announced.
    fn bytes(&mut self, len: usize) -> Result<Vec<u8>> {
        let Some(left) = self.left.checked_sub(len as u64) else {
            return Err(corrupt("it is longer than its limit"));
        };
        self.left = left;
        let mut bytes = Vec::with_capacity(len.min(TRUST));
        let mut source = self.from.by_ref().take(len as u64);
        // A source's own "unexpected end" is an end like any other.
        match source.read_to_end(&mut bytes) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(failed(error));
            }
            _ if bytes.len() < len => return Err(corrupt("its end is missing")),
            _ => {}
        }
        self.crc.update(&bytes);
        Ok(bytes)
    }
}

impl<R> Decoder<R> {
    /// When the snapshot was taken.
    pub(super) fn taken_ms(&self) -> u64 {
        self.taken_ms
    }

    /// The namespaces seen so far, in the order of their numbers, from one.
    pub(super) fn prefixes(&self) -> &[Box<str>] {
        &self.prefixes
    }
}

pub(super) enum Record<'a> {
    Namespace(&'a str),
    /// An entry with calendar times, in the snapshot's namespace `number`.
    Entry {
        entry: Held,
        number: u16,
    },
}

/// Calls `see` with every record of a block.
pub(super) fn records(block: &Bytes, mut see: impl FnMut(Record<'_>) -> Result<()>) -> Result<()> {
    let mut fields = Fields(block);
    while !fields.0.is_empty() {
        match fields.u8()? {
            TAG_NAMESPACE => see(Record::Namespace(prefix(&mut fields)?))?,
            TAG_ENTRY => see(entry(block, &mut fields)?)?,
            _ => return Err(altered()),
        }
    }
    Ok(())
}

fn prefix<'a>(fields: &mut Fields<'a>) -> Result<&'a str> {
    let len = usize::from(fields.u16()?);
    if len == 0 || len > PREFIX_MAX {
        return Err(altered());
    }
    std::str::from_utf8(fields.bytes(len)?).map_err(|_| altered())
}

fn entry<'a>(block: &Bytes, fields: &mut Fields<'_>) -> Result<Record<'a>> {
    let flags = fields.u8()?;
    let number = fields.u16()?;
    let (key_len, value_len) = (fields.u32()? as usize, fields.u32()? as usize);
    let known = flags & !(FLAG_PROTECTED | FLAG_LIFE) == 0;
    if !known || key_len == 0 || key_len > KEY_MAX || value_len > VALUE_MAX {
        return Err(altered());
    }
    let deadline = fields.u64()?;
    let life = match flags & FLAG_LIFE {
        0 => None,
        _ => Some(Life {
            deadline: fields.u64()?,
            idle: fields.u64()?,
            end: fields.u64()?,
        }),
    };
    if life.is_some_and(|life| life.deadline < deadline || life.end < deadline) {
        return Err(altered());
    }
    let key = block.slice_ref(fields.bytes(key_len)?);
    let value = block.slice_ref(fields.bytes(value_len)?);
    let class = match flags & FLAG_PROTECTED {
        0 => Class::Anonymous,
        _ => Class::Protected,
    };
    let entry = Held {
        key,
        namespace: Namespace::DEFAULT,
        value,
        class,
        deadline,
        life,
    };
    Ok(Record::Entry { entry, number })
}

/// What is left to read of some bytes.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or_else(altered)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN]> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or_else(altered)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn u8(&mut self) -> Result<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

/// Verifies the bytes of a snapshot and returns the number of its entries, for fuzzing.
///
/// # Errors
/// As [`Cache::restore`](crate::Cache::restore).
#[cfg(feature = "__internals")]
pub fn decode_snapshot(bytes: &[u8]) -> Result<u64> {
    let mut decoder = Decoder::open(bytes, super::MEMORY_MAX)?;
    while decoder.block()?.is_some() {}
    Ok(decoder.entries)
}

#[cold]
fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("read a snapshot: {what}; nothing was loaded, use another one or start empty"),
    )
}

#[cold]
pub(super) fn altered() -> Error {
    corrupt("it is damaged, its content is not what was written")
}

#[cold]
pub(super) fn failed(error: io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        "read a snapshot: the system refused; see that it exists and is readable",
    )
    .with_source(error)
}
