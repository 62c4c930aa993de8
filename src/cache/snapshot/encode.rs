//! Writes a snapshot, block by block.

use std::collections::HashMap;
use std::io::{self, Write};

use super::{
    BLOCK_FULL, BLOCK_HEADER, END, FLAG_LIFE, FLAG_PROTECTED, FORMAT, Held, KIND_END, KIND_RECORDS,
    MAGIC, Snapshot, TAG_ENTRY, TAG_NAMESPACE, VALUE_MAX,
};
use crate::cache::key::Namespace;
use crate::cache::terms::Class;
use crate::error::{Error, ErrorKind, Result};

pub(super) struct Encoder<W> {
    to: W,
    /// Of everything written so far.
    crc: crc32fast::Hasher,
    bytes: u64,
    /// The block on its way, its header's place included.
    block: Vec<u8>,
    numbers: HashMap<Namespace, u16>,
    entries: u64,
    blocks: u64,
}

impl<W: Write> Encoder<W> {
    pub(super) fn start(to: W, taken_ms: u64) -> Result<Self> {
        let mut header = Vec::with_capacity(super::HEADER);
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&FORMAT.to_le_bytes());
        header.extend_from_slice(&taken_ms.to_le_bytes());
        let crc = crc32fast::hash(&header);
        header.extend_from_slice(&crc.to_le_bytes());
        let mut encoder = Self {
            to,
            crc: crc32fast::Hasher::new(),
            bytes: 0,
            block: vec![0; BLOCK_HEADER],
            numbers: HashMap::from([(Namespace::DEFAULT, 0)]),
            entries: 0,
            blocks: 0,
        };
        encoder.write(&header)?;
        Ok(encoder)
    }

    /// Adds an entry whose times are the calendar's; `prefix` names its namespace.
    pub(super) fn entry(
        &mut self,
        entry: &Held,
        prefix: impl FnOnce(Namespace) -> Option<Box<str>>,
    ) -> Result<()> {
        let value_len = u32::try_from(entry.value.len())
            .ok()
            .filter(|&len| len as usize <= VALUE_MAX)
            .ok_or_else(|| too_long(entry.value.len()))?;
        let number = self.number(entry.namespace, prefix)?;
        let mut flags = 0;
        if entry.class == Class::Protected {
            flags |= FLAG_PROTECTED;
        }
        if entry.life.is_some() {
            flags |= FLAG_LIFE;
        }
        let key_len = u32::try_from(entry.key.len()).expect("no key is longer than 64 KiB");
        self.block.extend_from_slice(&[TAG_ENTRY, flags]);
        self.block.extend_from_slice(&number.to_le_bytes());
        self.block.extend_from_slice(&key_len.to_le_bytes());
        self.block.extend_from_slice(&value_len.to_le_bytes());
        self.block.extend_from_slice(&entry.deadline.to_le_bytes());
        if let Some(life) = &entry.life {
            for number in [life.deadline, life.idle, life.end] {
                self.block.extend_from_slice(&number.to_le_bytes());
            }
        }
        self.block.extend_from_slice(&entry.key);
        self.block.extend_from_slice(&entry.value);
        self.entries += 1;
        if self.block.len() >= BLOCK_FULL {
            self.close(KIND_RECORDS)?;
        }
        Ok(())
    }

    /// The snapshot's own number of a namespace, introduced by a record when it first appears.
    fn number(
        &mut self,
        namespace: Namespace,
        prefix: impl FnOnce(Namespace) -> Option<Box<str>>,
    ) -> Result<u16> {
        if let Some(&number) = self.numbers.get(&namespace) {
            return Ok(number);
        }
        let number = u16::try_from(self.numbers.len()).expect("a cache has 65535 namespaces");
        let prefix = prefix(namespace).expect("namespaces are never forgotten");
        let len = u16::try_from(prefix.len()).expect("no prefix is longer than 1024 bytes");
        self.block.push(TAG_NAMESPACE);
        self.block.extend_from_slice(&len.to_le_bytes());
        self.block.extend_from_slice(prefix.as_bytes());
        self.numbers.insert(namespace, number);
        Ok(number)
    }

    /// Writes the last block and the end.
    pub(super) fn end(mut self) -> Result<Snapshot> {
        if self.block.len() > BLOCK_HEADER {
            self.close(KIND_RECORDS)?;
        }
        let namespaces = self.numbers.len() as u64 - 1;
        for number in [self.entries, namespaces, self.blocks] {
            self.block.extend_from_slice(&number.to_le_bytes());
        }
        let crc = self.crc.clone().finalize();
        self.block.extend_from_slice(&crc.to_le_bytes());
        debug_assert_eq!(self.block.len(), BLOCK_HEADER + END);
        self.close(KIND_END)?;
        self.to.flush().map_err(failed)?;
        Ok(Snapshot {
            entries: self.entries,
            bytes: self.bytes,
        })
    }

    /// Fills in the block's header, writes the block and begins another.
    fn close(&mut self, kind: u32) -> Result<()> {
        let mut block = std::mem::take(&mut self.block);
        let (header, payload) = block.split_at_mut(BLOCK_HEADER);
        let len = u32::try_from(payload.len()).expect("`BLOCK_MAX` is below 4 GiB");
        header[..4].copy_from_slice(&kind.to_le_bytes());
        header[4..8].copy_from_slice(&len.to_le_bytes());
        header[8..].copy_from_slice(&block_crc(kind, len, payload).to_le_bytes());
        self.write(&block)?;
        self.blocks += 1;
        // The memory of one large entry goes back at once.
        block.truncate(BLOCK_HEADER);
        block.shrink_to(2 * BLOCK_FULL);
        self.block = block;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.to.write_all(bytes).map_err(failed)?;
        self.crc.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// The checksum of a block: its kind, its length, its payload.
pub(super) fn block_crc(kind: u32, len: u32, payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&kind.to_le_bytes());
    crc.update(&len.to_le_bytes());
    crc.update(payload);
    crc.finalize()
}

#[cold]
fn too_long(len: usize) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        format!(
            "write a snapshot: a value is {len} bytes long; at most {VALUE_MAX} are allowed, so \
             limit what is stored with max_bytes"
        ),
    )
}

#[cold]
pub(super) fn failed(error: io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        "write a snapshot: the system refused; see that the place exists, is writable and has room",
    )
    .with_source(error)
}
