//! Damaged, foreign and forged bytes load nothing and break nothing.

use std::fs;
use std::io::{self, Read};
use std::time::Duration;

use sessile::{ErrorKind, Terms};

use super::{Folder, SECOND, bytes_of, cache, cache_at, small};

/// Expects that nothing at all is loaded.
fn refused(bytes: impl Read) -> ErrorKind {
    let (cache, _) = cache_at(1);
    cache.insert("there", "v", Terms::forever()).unwrap();
    let kind = cache.restore(bytes).unwrap_err().kind();
    assert_eq!(cache.len(), 1);
    assert_eq!(cache.get("there").unwrap(), "v");
    kind
}

#[test]
fn every_truncation_is_refused() {
    let whole = small();
    for len in 0..whole.len() {
        assert_eq!(refused(&whole[..len]), ErrorKind::Corrupt, "{len} bytes");
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let whole = small();
    let format = 8..12;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            let kind = refused(&flipped[..]);
            let newer = format.contains(&at) && kind == ErrorKind::UnsupportedVersion;
            assert!(
                newer || kind == ErrorKind::Corrupt,
                "byte {at}, bit {bit}: {kind:?}"
            );
        }
    }
}

#[test]
fn every_zeroed_run_and_every_repeated_part_is_refused() {
    let whole = small();
    for start in 0..whole.len() {
        let mut torn = whole.clone();
        torn[start..].fill(0);
        if torn != whole {
            assert!(
                matches!(refused(&torn[..]), ErrorKind::Corrupt),
                "from {start}"
            );
        }
        let mut twice = whole.clone();
        twice.extend_from_slice(&whole[start..]);
        assert_eq!(
            refused(&twice[..]),
            ErrorKind::Corrupt,
            "again from {start}"
        );
    }
}

#[test]
fn foreign_and_newer_files_are_refused() {
    assert_eq!(refused(&b""[..]), ErrorKind::Corrupt);
    assert_eq!(refused(&[b'x'; 5000][..]), ErrorKind::Corrupt);
    assert_eq!(
        refused(&b"\x7fELF\x02\x01\x01 and so on"[..]),
        ErrorKind::Corrupt
    );
    // An endless source is not read to its end.
    assert_eq!(refused(io::repeat(0)), ErrorKind::Corrupt);
    let mut newer = small();
    newer[8] = 2;
    assert_eq!(refused(&newer[..]), ErrorKind::UnsupportedVersion);
}

#[test]
fn an_announced_length_is_not_believed() {
    let whole = small();
    for len in [u32::MAX, 1 << 31, (1 << 30) + 1000, 1 << 30] {
        let mut lying = whole[..24].to_vec();
        lying.extend_from_slice(&1_u32.to_le_bytes());
        lying.extend_from_slice(&len.to_le_bytes());
        lying.extend_from_slice(&[0; 100]);
        assert_eq!(refused(&lying[..]), ErrorKind::Corrupt);
    }
}

#[test]
fn damage_in_the_last_of_many_blocks_loads_nothing() {
    let old = cache();
    for number in 0..20_000_u32 {
        let key = number.to_le_bytes();
        old.insert(&key, vec![7; 100], Terms::forever()).unwrap();
    }
    let mut bytes = bytes_of(&old);
    assert!(bytes.len() > 2 << 20);
    let folder = Folder::new();
    let path = folder.0.join("cache");
    let at = bytes.len() - 100;
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(refused(&bytes[..]), ErrorKind::Corrupt);
    let new = cache();
    let error = new.restore_from_file(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(new.is_empty());
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(new.restore_from_file(&path).unwrap().entries, 20_000);
    assert_eq!(new.len(), 20_000);
}

/// Sets the checksums of a one-block snapshot to what its bytes say: a forgery, no accident.
fn seal(bytes: &mut [u8]) {
    let number = |bytes: &[u8], at: usize| {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    };
    let block = |bytes: &[u8], at: usize, len: usize| {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&bytes[at..at + 8]);
        crc.update(&bytes[at + 12..at + 12 + len]);
        crc.finalize().to_le_bytes()
    };
    let header = crc32fast::hash(&bytes[..20]);
    bytes[20..24].copy_from_slice(&header.to_le_bytes());
    let len = number(bytes, 28);
    let records = block(bytes, 24, len);
    bytes[32..36].copy_from_slice(&records);
    let end = 36 + len;
    let before = crc32fast::hash(&bytes[..end]);
    let last = bytes.len();
    bytes[last - 4..].copy_from_slice(&before.to_le_bytes());
    let trailer = block(bytes, end, 28);
    bytes[end + 8..end + 12].copy_from_slice(&trailer);
}

#[test]
fn a_forgery_is_taken_or_refused_but_breaks_nothing() {
    let whole = small();
    let mut sealed = whole.clone();
    seal(&mut sealed);
    assert_eq!(sealed, whole);
    let (mut taken, mut refused) = (0, 0);
    for at in (12..20).chain(36..whole.len() - 4) {
        // The end's own length and kind are not part of what can be sealed again.
        if (whole.len() - 40..whole.len() - 32).contains(&at) {
            continue;
        }
        for byte in [0, 1, 2, 3, 0x7f, 0x80, 0xfe, 0xff] {
            let mut forged = whole.clone();
            forged[at] = byte;
            seal(&mut forged);
            let (cache, clock) = cache_at(1);
            match cache.restore(&forged[..]) {
                Ok(_) => taken += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt);
                    assert!(cache.is_empty());
                    refused += 1;
                }
            }
            for entry in &cache {
                let key = entry.namespace.key(&entry.key);
                cache.get(key);
                cache.touch(key, Duration::MAX);
            }
            clock.advance(600 * SECOND);
            cache.maintain(100);
            #[cfg(feature = "__internals")]
            cache.check_invariants();
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} {refused}");
}

#[test]
fn whole_blocks_in_other_places_are_refused() {
    let old = cache();
    for number in 0..4_u8 {
        old.insert(&[number], vec![number; 300_000], Terms::forever())
            .unwrap();
    }
    let bytes = bytes_of(&old);
    // Four blocks of one entry each, all of one length.
    let len = (bytes.len() - 24 - 40) / 4;
    let (header, rest) = bytes.split_at(24);
    let (blocks, end) = rest.split_at(4 * len);
    let blocks: Vec<&[u8]> = blocks.chunks(len).collect();
    let file = |order: &[usize]| -> Vec<u8> {
        let blocks = order.iter().map(|&at| blocks[at]);
        [header]
            .into_iter()
            .chain(blocks)
            .chain([end])
            .flatten()
            .copied()
            .collect()
    };
    assert_eq!(file(&[0, 1, 2, 3]), bytes);
    for order in [
        &[1, 0, 2, 3][..],
        &[0, 1, 2, 2],
        &[3, 2, 1, 0],
        &[0, 1, 2],
        &[0, 1, 2, 3, 3],
    ] {
        assert_eq!(refused(&file(order)[..]), ErrorKind::Corrupt, "{order:?}");
    }
}

/// Gives one byte at a time, is interrupted now and then, and fails at `fails_at`.
struct Slow<'a> {
    bytes: &'a [u8],
    turn: usize,
    fails_at: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.fails_at == 0 {
            return Err(io::Error::other("injected"));
        }
        self.fails_at -= 1;
        let len = into.len().min(1);
        self.bytes.read(&mut into[..len])
    }
}

#[test]
fn slow_sources_are_waited_for_and_failing_ones_load_nothing() {
    let whole = small();
    let slow = |fails_at| Slow {
        bytes: &whole,
        turn: 0,
        fails_at,
    };
    let (new, _) = cache_at(1);
    assert_eq!(new.restore(slow(usize::MAX)).unwrap().entries, 3);
    for fails_at in 0..=whole.len() {
        assert_eq!(refused(slow(fails_at)), ErrorKind::Io);
    }
}

#[cfg(feature = "__internals")]
#[test]
fn the_decoder_alone_counts_entries() {
    assert_eq!(sessile::internals::decode_snapshot(&small()).unwrap(), 3);
    assert!(sessile::internals::decode_snapshot(b"").is_err());
}
