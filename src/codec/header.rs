//! The fixed fields of a record, which are no part of the session's data.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::format::{Format, corrupt};
use crate::error::{Error, ErrorKind, Result};
use crate::time::millis;

/// The first byte of a record with a header: begins neither MessagePack nor JSON.
pub(super) const MAGIC: u8 = 0xC1;
const VERSION: u8 = 1;
/// Bytes before the owner.
const FIXED_BYTES: usize = 44;
/// The longest owner, in bytes.
pub(crate) const OWNER_BYTES_MAX: usize = 255;
const NO_END: u64 = u64::MAX;

/// When a session ends, and whether the browser keeps its cookie that long.
///
/// Never later than the absolute timeout of the manager, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Expiry {
    /// As the manager says: its idle timeout.
    #[default]
    Default,
    /// The cookie ends with the browser; the record with the manager's idle timeout.
    BrowserSession,
    /// After so long without use.
    Idle(Duration),
    /// At a moment that use does not move.
    At(SystemTime),
}

/// The fixed fields of a record.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// When the session began; 0 if the record does not say.
    pub created_ms: u64,
    /// When the record was written.
    pub written_ms: u64,
    /// When the session ends, whatever happens.
    pub end_ms: Option<u64>,
    /// What the session itself says about its end.
    pub expiry: Expiry,
    /// Whether the cookie outlives the browser, if the session says so itself.
    pub permanent: Option<bool>,
    /// Whose session it is.
    pub owner: Option<Arc<str>>,
    /// Tells this write from others, for a writer who does not know whether it arrived.
    pub nonce: u64,
    /// The session lives on under another id, and this is no session's record any more. If the id was
    /// renewed, the body says where, which is good until `end_ms`.
    pub moved: bool,
    /// When the id was issued that the record lies under; 0 if as early as the session began.
    pub id_issued_ms: u64,
}

impl Header {
    /// The longest header, in bytes.
    pub(super) const BYTES_MAX: usize = FIXED_BYTES + 1 + OWNER_BYTES_MAX + 8;

    pub(super) fn write(&self, format: Format, into: &mut Vec<u8>) {
        let (kind, expiry_ms) = match self.expiry {
            Expiry::Default => (0, 0),
            Expiry::BrowserSession => (1, 0),
            Expiry::Idle(time) => (2, millis(time)),
            Expiry::At(time) => (3, time.duration_since(UNIX_EPOCH).map_or(0, millis)),
        };
        let permanent = match self.permanent {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        };
        let owner = self.owner.as_deref().unwrap_or_default().as_bytes();
        let flags = permanent
            | u8::from(self.owner.is_some()) << 2
            | u8::from(self.moved) << 3
            | kind << 4
            | u8::from(self.id_issued_ms > 0) << 6;
        let format = match format {
            Format::MessagePack => b'm',
            Format::Json => b'j',
        };
        into.extend_from_slice(&[MAGIC, VERSION, format, flags]);
        let end_ms = self.end_ms.unwrap_or(NO_END);
        for number in [
            self.created_ms,
            self.written_ms,
            end_ms,
            expiry_ms,
            self.nonce,
        ] {
            into.extend_from_slice(&number.to_le_bytes());
        }
        if self.owner.is_some() {
            into.push(u8::try_from(owner.len()).expect("owners are at most 255 bytes"));
            into.extend_from_slice(owner);
        }
        if self.id_issued_ms > 0 {
            into.extend_from_slice(&self.id_issued_ms.to_le_bytes());
        }
    }

    /// Returns the header, the body's format, and where the body begins.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, Format, usize)> {
        let Some((fixed, rest)) = bytes.split_at_checked(FIXED_BYTES) else {
            return Err(corrupt("its header is cut off"));
        };
        let [_, version, format, flags, ..] = *fixed else {
            return Err(corrupt("its header is cut off"));
        };
        if version != VERSION || flags >> 7 != 0 {
            return Err(Error::new(
                ErrorKind::UnsupportedVersion,
                format!("decode a session record: version {version}, this crate knows {VERSION}"),
            ));
        }
        let format = match format {
            b'm' => Format::MessagePack,
            b'j' => Format::Json,
            _ => return Err(corrupt("no format is called so")),
        };
        let mut numbers = fixed[4..].chunks_exact(8).map(|bytes| {
            let bytes = bytes.try_into().expect("chunks of eight");
            u64::from_le_bytes(bytes)
        });
        let mut number = || numbers.next().expect("five numbers");
        let (created_ms, written_ms, end_ms) = (number(), number(), number());
        let (expiry_ms, nonce) = (number(), number());
        let time = Duration::from_millis(expiry_ms);
        let expiry = match flags >> 4 & 3 {
            0 => Expiry::Default,
            1 => Expiry::BrowserSession,
            2 => Expiry::Idle(time),
            _ => {
                let end = UNIX_EPOCH.checked_add(time);
                Expiry::At(end.ok_or_else(|| corrupt("its end is out of range"))?)
            }
        };
        let permanent = match flags & 3 {
            0 => None,
            1 => Some(false),
            2 => Some(true),
            _ => return Err(corrupt("its flags contradict one another")),
        };
        let (owner, mut body) = match flags & 4 {
            0 => (None, FIXED_BYTES),
            _ => {
                let owner = owner(rest).ok_or_else(|| corrupt("its owner is cut off"))?;
                (Some(owner.into()), FIXED_BYTES + 1 + owner.len())
            }
        };
        let id_issued_ms = match flags & 64 {
            0 => 0,
            _ => {
                let issued = bytes.get(body..).and_then(<[u8]>::first_chunk);
                body += 8;
                u64::from_le_bytes(*issued.ok_or_else(|| corrupt("its header is cut off"))?)
            }
        };
        let header = Self {
            created_ms,
            written_ms,
            end_ms: (end_ms != NO_END).then_some(end_ms),
            expiry,
            permanent,
            owner,
            nonce,
            moved: flags & 8 != 0,
            id_issued_ms,
        };
        Ok((header, format, body))
    }
}

fn owner(rest: &[u8]) -> Option<&str> {
    let (&len, rest) = rest.split_first()?;
    std::str::from_utf8(rest.get(..usize::from(len))?).ok()
}

/// Times and flags; the owner is left out.
impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("created_ms", &self.created_ms)
            .field("written_ms", &self.written_ms)
            .field("end_ms", &self.end_ms)
            .field("expiry", &self.expiry)
            .field("permanent", &self.permanent)
            .field("has_owner", &self.owner.is_some())
            .field("moved", &self.moved)
            .field("id_issued_ms", &self.id_issued_ms)
            .finish_non_exhaustive()
    }
}
