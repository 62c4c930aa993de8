//! Compares sixteen bytes with one in four instructions.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "the compiler turns the safe loop below into forty instructions, a tenth of a read"
    )
)]

/// Bit `i` is set if byte `i` of `bytes` equals `byte`, counted from the lowest.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn equal_bytes(bytes: [u64; 2], byte: u8) -> u32 {
    // SAFETY: the function needs SSE2, which every x86-64 processor has: it is part of the target.
    unsafe { sse2(bytes, byte) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn sse2(bytes: [u64; 2], byte: u8) -> u32 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8};
    let [low, high] = bytes;
    let sixteen = _mm_set_epi64x(high.cast_signed(), low.cast_signed());
    let equal = _mm_cmpeq_epi8(sixteen, _mm_set1_epi8(byte.cast_signed()));
    _mm_movemask_epi8(equal).cast_unsigned()
}

/// The same for other processors, and the model that the test compares with.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(bytes: [u64; 2], byte: u8) -> u32 {
    let mut found = 0;
    for (at, other) in bytes.into_iter().flat_map(u64::to_le_bytes).enumerate() {
        found |= u32::from(other == byte) << at;
    }
    found
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) use portable as equal_bytes;

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_the_plain_loop() {
        let mut word = 0x0123_4567_8000_7f80_u64;
        for _ in 0..1000 {
            word = word.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let bytes = [word, word.rotate_left(29) & 0x00ff_ffff_00ff_00ff];
            for byte in word.to_le_bytes().into_iter().chain([0, 1, 127, 128, 255]) {
                let expected = super::portable(bytes, byte);
                assert_eq!(super::equal_bytes(bytes, byte), expected);
            }
        }
    }
}
