//! Bytes as they stand before the signature: base64url, packed by zlib where that is shorter.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::Limits;
use crate::error::{Error, ErrorKind, Result};

/// Stands before what zlib packed.
const PACKED: u8 = b'.';

/// Encodes `bytes`; packs them first if `pack` and if that saves more than the mark costs.
pub(super) fn encode(bytes: &[u8], pack: bool) -> String {
    if pack && let Some(packed) = packed(bytes) {
        return format!(".{}", URL_SAFE_NO_PAD.encode(packed));
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    // Python's default level.
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() + 1 < bytes.len()).then_some(packed)
}

/// Decodes what [`encode`] or Python made. The signature must have been checked.
pub(super) fn decode(text: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    let (is_packed, text) = match text {
        [PACKED, rest @ ..] => (true, rest),
        text => (false, text),
    };
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| corrupt("read payload: it is not base64url"))?;
    if is_packed {
        unpacked(&bytes, limits)
    } else {
        Ok(bytes)
    }
}

fn unpacked(packed: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    let most = limits.unpacked_bytes(packed.len());
    let mut decoder = ZlibDecoder::new(packed);
    let mut bytes = Vec::new();
    // One byte more than allowed is asked for, and says that there is more.
    let asked = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    decoder
        .by_ref()
        .take(asked)
        .read_to_end(&mut bytes)
        .map_err(|_| corrupt("read payload: it is not what zlib packs"))?;
    if bytes.len() > most {
        return Err(corrupt(format!(
            "read payload: it unpacks to more than {most} bytes; raise the limits if that is meant to be"
        )));
    }
    Ok(bytes)
}

pub(super) fn corrupt(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_only_what_becomes_shorter_and_marks_it() {
        let limits = Limits::default();
        let long = vec![b'x'; 1000];
        let text = encode(&long, true);
        // The header of zlib's default level, which tools know Flask's cookies by.
        assert!(text.starts_with(".eJ"), "{text}");
        assert_eq!(decode(text.as_bytes(), &limits).unwrap(), long);
        assert_eq!(encode(b"{}", true), "e30");
        assert_eq!(encode(&long, false).len(), 1334);
    }

    #[test]
    fn a_bomb_is_stopped_by_size_and_by_ratio() {
        let mut limits = Limits::default();
        let zeros = vec![0; 900 << 10];
        let text = encode(&zeros, true);
        let error = decode(text.as_bytes(), &limits).unwrap_err();
        assert!(error.to_string().contains("unpacks to more"), "{error}");
        limits.ratio = 2000;
        assert_eq!(decode(text.as_bytes(), &limits).unwrap(), zeros);
        limits.bytes = 1000;
        assert!(decode(text.as_bytes(), &limits).is_err());
    }

    #[test]
    fn torn_payloads_are_errors() {
        let limits = Limits::default();
        let text = encode(&[b'x'; 1000], true);
        for end in 0..text.len() - 1 {
            let torn = &text.as_bytes()[..end];
            assert!(decode(torn, &limits).is_err() || end == 0, "{end}");
        }
    }
}
