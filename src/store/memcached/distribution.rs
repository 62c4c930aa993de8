//! Which of several servers has a key: the one with the highest score (rendezvous hashing).
//!
//! The score is MurmurHash3 (32 bits, seed 0) of `server-key`, as in pymemcache's `HashClient`, so that
//! both find each other's records. Adding the n-th server moves one key in n, and all of them to the
//! new one. Which server is where in the list does not matter; what it is called does.

/// The index of the server with the highest score. Ties go to the name that sorts last.
pub(super) fn choose<'s>(servers: impl Iterator<Item = &'s str>, key: &str) -> Option<usize> {
    servers
        .enumerate()
        .map(|(at, name)| (murmur3(&[name, "-", key].concat()), name, at))
        .max()
        .map(|(_, _, at)| at)
}

fn murmur3(text: &str) -> u32 {
    let mix = |word: u32| {
        let word = word.wrapping_mul(0xcc9e_2d51).rotate_left(15);
        word.wrapping_mul(0x1b87_3593)
    };
    let (words, rest) = text.as_bytes().as_chunks::<4>();
    let mut hash = 0_u32;
    for word in words {
        hash = (hash ^ mix(u32::from_le_bytes(*word))).rotate_left(13);
        hash = hash.wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    // A last word of zero mixes to zero, which changes nothing.
    hash ^= mix(u32::from_le_bytes(last));
    hash ^= u32::try_from(text.len()).unwrap_or(u32::MAX);
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_published_ones() {
        for (text, hash) in [
            ("", 0),
            ("test", 0xba6b_d213),
            ("Hello, world!", 0xc036_3e43),
        ] {
            assert_eq!(murmur3(text), hash, "{text}");
        }
    }

    #[test]
    fn a_new_server_takes_its_share_and_nothing_else_moves() {
        let three = ["a:1", "b:1", "c:1"];
        let four = ["d:1", "c:1", "b:1", "a:1"];
        let mut counts = [0; 4];
        for number in 0..4000 {
            let key = format!("session:{number}");
            let before = three[choose(three.into_iter(), &key).expect("one of three")];
            let after = choose(four.into_iter(), &key).expect("one of four");
            counts[after] += 1;
            assert!(
                after == 0 || four[after] == before,
                "{key} moved for nothing"
            );
        }
        assert!(
            counts.iter().all(|count| (800..1200).contains(count)),
            "{counts:?}"
        );
        assert_eq!(choose(std::iter::empty(), "k"), None);
    }
}
