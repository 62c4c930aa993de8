//! What files are called: digests, so that no key names a path and no listing tells an id.

use std::fmt;

/// What a record's file ends in.
const RECORD: &str = ".session";
/// What a file ends in that is not yet a record.
const DRAFT: &str = ".writing";
/// What a record's file ends in that was found damaged and set aside.
const DAMAGED: &str = ".damaged";

/// How many buckets a directory has: one for each first byte of a digest.
pub(super) const BUCKETS: u16 = 256;

/// The digest of a key. Its first byte names the bucket, the others the file in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name([u8; 32]);

impl Name {
    pub(super) fn of(key: &[u8]) -> Self {
        Self(*blake3::hash(key).as_bytes())
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The first name of a bucket, in the order of names.
    pub(super) fn first_of(bucket: u8) -> Self {
        let mut bytes = [0; 32];
        bytes[0] = bucket;
        Self(bytes)
    }

    pub(super) fn bucket(self) -> u8 {
        self.0[0]
    }

    pub(super) fn file(self) -> String {
        self.with_suffix(RECORD)
    }

    pub(super) fn damaged_file(self) -> String {
        self.with_suffix(DAMAGED)
    }

    fn with_suffix(self, suffix: &str) -> String {
        let mut text = hex(&self.0[1..]);
        text.push_str(suffix);
        text
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name")
    }
}

/// What a file in a bucket is, by what it is called.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Record(Name),
    Draft,
    Damaged,
    /// None of ours; nobody touches it.
    Foreign,
}

impl Kind {
    pub(super) fn of(bucket: u8, file: &[u8]) -> Self {
        let Ok(file) = std::str::from_utf8(file) else {
            return Self::Foreign;
        };
        if let Some(digits) = file.strip_suffix(RECORD) {
            return name_of(bucket, digits).map_or(Self::Foreign, Self::Record);
        }
        if let Some(digits) = file.strip_suffix(DAMAGED) {
            return name_of(bucket, digits).map_or(Self::Foreign, |_| Self::Damaged);
        }
        match file.strip_suffix(DRAFT).map(digits_of::<16>) {
            Some(Some(_)) => Self::Draft,
            _ => Self::Foreign,
        }
    }
}

/// A name for a draft, which nobody can predict.
pub(super) fn draft_file(drawn: [u8; 16]) -> String {
    let mut text = hex(&drawn);
    text.push_str(DRAFT);
    text
}

/// A bucket's directory.
pub(super) fn bucket_file(bucket: u8) -> String {
    hex(&[bucket])
}

fn name_of(bucket: u8, digits: &str) -> Option<Name> {
    let rest = digits_of::<31>(digits)?;
    let mut bytes = [bucket; 32];
    bytes[1..].copy_from_slice(&rest);
    Some(Name(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(digit).collect()
}

/// The bytes of exactly twice as many hexadecimal digits, lower case as we write them.
fn digits_of<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let digits = digits.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_names_a_path() {
        let long = "x".repeat(60_000);
        let hostile = [
            "..",
            "../../etc/passwd",
            "/",
            "/etc/passwd",
            "a/b",
            "a\\b",
            "a\0b",
            ".",
            "",
            "~",
            "CON",
            "é\u{202e}",
            &long,
            "ab.session",
            "%2e%2e%2f",
        ];
        for key in hostile {
            let name = Name::of(key.as_bytes());
            let file = name.file();
            assert_eq!(file.len(), 62 + RECORD.len());
            let digits = file.strip_suffix(RECORD).expect("our suffix");
            assert!(
                digits
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            );
            assert_eq!(Kind::of(name.bucket(), file.as_bytes()), Kind::Record(name));
            assert_eq!(bucket_file(name.bucket()).len(), 2);
        }
    }

    #[test]
    fn files_are_told_apart_by_their_names() {
        let name = Name::of(b"key");
        let kind = |file: &str| Kind::of(name.bucket(), file.as_bytes());
        assert_eq!(kind(&name.damaged_file()), Kind::Damaged);
        assert_eq!(kind(&draft_file([7; 16])), Kind::Draft);
        let upper = name.file().to_uppercase();
        for foreign in [
            "",
            "README",
            ".session",
            "ab.session",
            "xyz.writing",
            &upper,
        ] {
            assert_eq!(kind(foreign), Kind::Foreign, "{foreign}");
        }
        assert_eq!(Kind::of(0, b"\xff.session"), Kind::Foreign);
    }
}
