//! Keys leave the memory with the last clone of their ring: the process searches all of its own.
#![cfg(all(feature = "cookie", target_os = "linux"))]

use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt as _;

use sessile::cookie::Keyring;

const MASK: u8 = 0xA5;
/// What a ring derives from `0123456789abcdef0123456789abcdef` to sign and to seal, computed with
/// Python's hmac, each byte masked so that this file is not what is found.
const MASKED: [[u8; 32]; 2] = [
    [
        0x5D, 0x84, 0x59, 0x1B, 0x0D, 0x9F, 0x93, 0xD9, 0x0D, 0x21, 0x0B, 0x48, 0xAD, 0xC3, 0xC5,
        0x86, 0xBB, 0xF5, 0xDA, 0xB6, 0x0D, 0x24, 0x9F, 0x8F, 0xA6, 0x0F, 0x76, 0xC8, 0xF6, 0x14,
        0x26, 0x16,
    ],
    [
        0xCD, 0x4E, 0xF4, 0x72, 0xC2, 0x55, 0xA9, 0x6D, 0xB8, 0x12, 0x44, 0x61, 0x81, 0x50, 0x85,
        0x18, 0x3D, 0x26, 0x4C, 0xAE, 0x79, 0xCB, 0x18, 0x5F, 0xD7, 0x2F, 0x18, 0xBF, 0x3F, 0x3D,
        0x44, 0x0B,
    ],
];

/// Counts the places in this process's writable memory that hold the bytes whose masked copy is
/// given: the search itself must not hold what it searches for.
fn hits(masked: &[u8]) -> usize {
    let memory = File::open("/proc/self/mem").expect("Linux has it");
    let maps = read_to_string("/proc/self/maps").expect("Linux has it");
    let mut found = 0;
    let mut chunk = vec![0; 1 << 20];
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (range, _) = line.split_once(' ').expect("a range comes first");
        let (start, end) = range.split_once('-').expect("two addresses");
        let hex = |address| u64::from_str_radix(address, 16).expect("an address");
        let (mut at, end) = (hex(start), hex(end));
        while at < end {
            let read = memory.read_at(&mut chunk, at).unwrap_or(0);
            let read = read.min(usize::try_from(end - at).unwrap_or(read));
            found += (0..read.saturating_sub(masked.len() - 1))
                .filter(|&start| {
                    chunk[start] ^ MASK == masked[0]
                        && (1..masked.len())
                            .all(|index| chunk[start + index] ^ MASK == masked[index])
                })
                .count();
            if read <= masked.len() {
                break;
            }
            at += (read - (masked.len() - 1)) as u64;
        }
    }
    chunk.fill(0);
    found
}

#[test]
fn sec14_derived_keys_are_gone_from_memory_after_the_last_clone() {
    let ring = Keyring::new("0123456789abcdef0123456789abcdef").expect("a long key");
    let clone = ring.clone();
    drop(ring);
    let signed = clone.sign("p", "n", b"v");
    assert!(clone.verify("p", "n", &signed).is_some());
    let sealed = clone.seal("p", "n", b"v").expect("randomness");
    assert!(clone.open("p", "n", &sealed).is_some());
    for key in &MASKED {
        assert!(hits(key) >= 1, "the search finds a living key");
    }
    drop(clone);
    for key in &MASKED {
        assert_eq!(hits(key), 0);
    }
}
