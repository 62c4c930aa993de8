//! Numbers in base 62, as Django writes timestamps.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) fn encode(number: i64) -> String {
    let mut digits = Vec::new();
    let mut rest = number.unsigned_abs();
    loop {
        let digit = usize::try_from(rest % 62).expect("a remainder is small");
        digits.push(char::from(DIGITS[digit]));
        rest /= 62;
        if rest == 0 {
            break;
        }
    }
    let sign = if number < 0 { "-" } else { "" };
    sign.chars().chain(digits.into_iter().rev()).collect()
}

/// `None` for what is no number or does not fit 64 bits.
pub(super) fn decode(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number: i64 = 0;
    for digit in digits {
        let at = DIGITS.iter().position(|other| other == digit)?;
        number = number
            .checked_mul(62)?
            .checked_add(i64::try_from(at).ok()?)?;
    }
    Some(if is_negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sg58_base62_round_trip_with_negatives() {
        for number in [
            -1_000_000_000,
            10,
            1_000_000_000,
            620_000_000_000,
            0,
            61,
            62,
            i64::MAX,
        ] {
            assert_eq!(decode(encode(number).as_bytes()), Some(number));
            assert_eq!(decode(encode(-number).as_bytes()), Some(-number));
        }
        assert_eq!(encode(1000), "G8");
        for wrong in ["", "-", "a b", "--1", "zzzzzzzzzzzz"] {
            assert_eq!(decode(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
