//! How keys and records are stored: native, behind a small header, or bare, exactly as given.

use std::io::Write;

use bytes::Bytes;
use redis::{RedisWrite, ToRedisArgs};
use sha1::{Digest, Sha1};

use crate::cache::Version;
use crate::error::{Error, Result};
use crate::store::Loaded;
use crate::store::random::draw_version;

/// A native record: this byte, eight bytes of version, and the value.
///
/// The byte begins neither a record of the session layer nor one of Flask-Session, so that a record
/// that was written bare is not taken for a native one.
pub(super) const FORMAT: u8 = 0xf1;
/// What stands before the value of a native record.
pub(super) const HEADER_LEN: usize = 9;
/// Redis refuses strings beyond 512 MiB.
const STORED_MAX: usize = 512 << 20;
const PREFIX_MAX: usize = 1024;

/// The way records lie in the database.
#[derive(Clone)]
pub(super) struct Form {
    bare: bool,
    /// What every stored key begins with, delimiters included.
    prefix: Vec<u8>,
}

/// A value made ready to be stored: header and value meet in the command's own buffer, so that the
/// value is copied once.
pub(super) struct Written {
    header: Header,
    value: Bytes,
    pub(super) version: Version,
}

#[derive(Clone, Copy)]
enum Header {
    Native([u8; HEADER_LEN]),
    Bare,
}

impl Written {
    fn header(&self) -> &[u8] {
        match &self.header {
            Header::Native(header) => header,
            Header::Bare => &[],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.header().len() + self.value.len()
    }

    /// Whether exactly this is stored.
    pub(super) fn is(&self, stored: &[u8]) -> bool {
        stored
            .strip_prefix(self.header())
            .is_some_and(|rest| rest == self.value)
    }
}

impl ToRedisArgs for Written {
    fn write_redis_args<W: RedisWrite + ?Sized>(&self, out: &mut W) {
        let mut writer = out.writer_for_next_arg();
        // A command's buffer takes everything.
        let _ = writer.write_all(self.header());
        let _ = writer.write_all(&self.value);
    }
}

impl Form {
    /// Native keys are `LENGTH:PREFIX:KEY`, so that no two prefixes share a key; bare ones `PREFIXKEY`.
    pub(super) fn new(prefix: &[u8], bare: bool) -> Result<Self> {
        if prefix.len() > PREFIX_MAX {
            return Err(Error::config(format!(
                "open a redis store: its key prefix has {} bytes; {PREFIX_MAX} are allowed",
                prefix.len()
            )));
        }
        let prefix = match bare {
            true => prefix.to_vec(),
            false => {
                let length = format!("{}:", prefix.len());
                [length.as_bytes(), prefix, b":"].concat()
            }
        };
        Ok(Self { bare, prefix })
    }

    pub(super) const fn is_bare(&self) -> bool {
        self.bare
    }

    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    pub(super) fn key(&self, key: &[u8]) -> Vec<u8> {
        [&self.prefix, key].concat()
    }

    /// The caller's key of a stored one; `None` for one that is not ours.
    pub(super) fn own_key(&self, mut stored: Vec<u8>) -> Option<Bytes> {
        let is_own = stored.len() > self.prefix.len() && stored.starts_with(&self.prefix);
        is_own.then(|| Bytes::from(stored.split_off(self.prefix.len())))
    }

    /// A pattern of `SCAN` that all our keys match: the prefix's own bytes mean themselves.
    pub(super) fn pattern(&self) -> Vec<u8> {
        let mut pattern = Vec::with_capacity(self.prefix.len() + 1);
        for &byte in &self.prefix {
            if matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\') {
                pattern.push(b'\\');
            }
            pattern.push(byte);
        }
        pattern.push(b'*');
        pattern
    }

    pub(super) fn write(&self, value: Bytes) -> Result<Written> {
        if value.len() > STORED_MAX - HEADER_LEN {
            return Err(Error::input(format!(
                "store a record in redis: it has {} bytes; a record can have {}",
                value.len(),
                STORED_MAX - HEADER_LEN
            )));
        }
        if self.bare {
            return Ok(Written {
                header: Header::Bare,
                version: digest(&value),
                value,
            });
        }
        let version = draw_version()?;
        let [a, b, c, d, e, f, g, h] = version.to_u64().to_be_bytes();
        Ok(Written {
            header: Header::Native([FORMAT, a, b, c, d, e, f, g, h]),
            version,
            value,
        })
    }

    /// What was stored; `None` if it is malformed.
    pub(super) fn read(&self, stored: Vec<u8>) -> Option<Loaded> {
        let version = self.version(&stored)?;
        let mut value = Bytes::from(stored);
        if !self.bare {
            value = value.split_off(HEADER_LEN);
        }
        Some(Loaded { value, version })
    }

    /// The version of a whole stored record, or of a native one's header.
    pub(super) fn version(&self, stored: &[u8]) -> Option<Version> {
        if self.bare {
            return Some(digest(stored));
        }
        let (&format, rest) = stored.split_first()?;
        let number = rest.first_chunk()?;
        (format == FORMAT).then(|| Version::from_u64(u64::from_be_bytes(*number)))
    }

    /// A version as the scripts compare it: as stored, or as the beginning of `redis.sha1hex`.
    pub(super) fn spell(&self, version: Version) -> Vec<u8> {
        match self.bare {
            true => format!("{:016x}", version.to_u64()).into_bytes(),
            false => version.to_u64().to_be_bytes().to_vec(),
        }
    }

    /// The version that a script spelt.
    pub(super) fn spelt(&self, version: &[u8]) -> Option<Version> {
        let number = match self.bare {
            true => u64::from_str_radix(std::str::from_utf8(version).ok()?, 16).ok()?,
            false => u64::from_be_bytes(version.try_into().ok()?),
        };
        Some(Version::from_u64(number))
    }
}

fn digest(content: &[u8]) -> Version {
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 20]>::from(Sha1::digest(content));
    Version::from_u64(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(written: &Written) -> Vec<u8> {
        let arguments = written.to_redis_args();
        let [stored] = <[_; 1]>::try_from(arguments).unwrap();
        stored
    }

    #[test]
    fn no_two_prefixes_share_a_key() {
        let keys = [b"".as_slice(), b"a", b"ab", b"1:a:", b"2:ab:x", b"b"];
        let mut seen = std::collections::BTreeMap::new();
        for prefix in keys {
            let form = Form::new(prefix, false).unwrap();
            for key in keys {
                let stored = form.key(key);
                assert_eq!(seen.insert(stored, (prefix, key)), None);
            }
        }
        for (stored, (prefix, key)) in seen {
            for other in keys {
                let form = Form::new(other, false).unwrap();
                let own = form.own_key(stored.clone());
                let is_own = prefix == other && !key.is_empty();
                assert_eq!(own.as_deref(), is_own.then_some(key));
            }
        }
    }

    #[test]
    fn patterns_match_the_prefix_and_nothing_else() {
        let form = Form::new(b"a*[b]?\\{c}", true).unwrap();
        assert_eq!(form.pattern(), b"a\\*\\[b\\]\\?\\\\{c}*");
        assert!(Form::new(&[b'p'; PREFIX_MAX + 1], true).is_err());
    }

    #[test]
    fn records_are_read_as_written_and_malformed_ones_are_not() {
        for bare in [false, true] {
            let form = Form::new(b"p", bare).unwrap();
            for value in ["", "value"] {
                let written = form.write(value.into()).unwrap();
                let stored = stored(&written);
                assert_eq!(stored.len(), written.len());
                assert!(written.is(&stored) && !written.is(&[&stored[..], b"x"].concat()));
                let loaded = form.read(stored).unwrap();
                assert_eq!(
                    (loaded.value, loaded.version),
                    (value.into(), written.version)
                );
                let spelt = form.spell(written.version);
                assert_eq!(form.spelt(&spelt), Some(written.version));
            }
        }
        let form = Form::new(b"p", false).unwrap();
        let whole = stored(&form.write("value".into()).unwrap());
        for end in 0..HEADER_LEN {
            assert_eq!(form.read(whole[..end].to_vec()), None);
        }
        let mut other = whole;
        other[0] ^= 1;
        assert_eq!(form.read(other), None);
    }

    #[test]
    fn a_bare_version_is_the_beginning_of_the_digest() {
        // echo -n abc | sha1sum
        let form = Form::new(b"", true).unwrap();
        let version = form.version(b"abc").unwrap();
        assert_eq!(form.spell(version), b"a9993e364706816a");
    }
}
