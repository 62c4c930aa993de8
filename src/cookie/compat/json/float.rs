//! Floating-point numbers in the shortest digits that read back, laid out as Python does.

/// Where a library changes from plain decimals to an exponent.
pub(super) struct Layout {
    /// The least exponent of ten written out.
    least: i32,
    /// Whether exponents have a sign and two digits.
    is_padded: bool,
}

/// `repr` of a float, as `json` writes it: `1.0`, `0.0001`, `1e-05`, `1e+16`.
pub(super) const PYTHON: Layout = Layout {
    least: -4,
    is_padded: true,
};
/// msgspec's: `1.0`, `0.00001`, `1e-6`, `1e16`.
pub(super) const MSGSPEC: Layout = Layout {
    least: -5,
    is_padded: false,
};
/// The first exponent of ten that is not written out.
const BEYOND: i32 = 16;

/// Writes a finite number.
pub(super) fn write(float: f64, layout: &Layout, out: &mut String) {
    // Rust writes the shortest digits, too: `d.ddde-7`.
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific
        .split_once('e')
        .expect("the form asked for has an exponent");
    let exponent: i32 = exponent.parse().expect("Rust wrote a number");
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    out.push_str(sign);
    if !(layout.least..BEYOND).contains(&exponent) {
        out.push_str(mantissa);
        out.push_str(&match (layout.is_padded, exponent < 0) {
            (true, true) => format!("e-{:02}", -exponent),
            (true, false) => format!("e+{exponent:02}"),
            (false, _) => format!("e{exponent}"),
        });
        return;
    }
    let digits = mantissa.replace('.', "");
    match usize::try_from(exponent) {
        Ok(exponent) if digits.len() > exponent + 1 => {
            out.push_str(&digits[..=exponent]);
            out.push('.');
            out.push_str(&digits[exponent + 1..]);
        }
        Ok(exponent) => {
            out.push_str(&digits);
            out.extend(std::iter::repeat_n('0', exponent + 1 - digits.len()));
            out.push_str(".0");
        }
        Err(_) => {
            out.push_str("0.");
            out.extend((exponent..-1).map(|_| '0'));
            out.push_str(&digits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_those_of_python_and_of_msgspec() {
        for (float, python, msgspec) in [
            (1.0, "1.0", "1.0"),
            (-0.0, "-0.0", "-0.0"),
            (0.1, "0.1", "0.1"),
            (12345.678, "12345.678", "12345.678"),
            (1e15, "1000000000000000.0", "1000000000000000.0"),
            (1e16, "1e+16", "1e16"),
            (
                123_456_789_012_345_680.0,
                "1.2345678901234568e+17",
                "1.2345678901234568e17",
            ),
            (1e22, "1e+22", "1e22"),
            (1e-3, "0.001", "0.001"),
            (1e-4, "0.0001", "0.0001"),
            (1.5e-5, "1.5e-05", "0.000015"),
            (1e-6, "1e-06", "1e-6"),
            (1.5e-7, "1.5e-07", "1.5e-7"),
            (1e300, "1e+300", "1e300"),
            (5e-324, "5e-324", "5e-324"),
            (
                f64::MAX,
                "1.7976931348623157e+308",
                "1.7976931348623157e308",
            ),
            (
                9_007_199_254_740_993.0,
                "9007199254740992.0",
                "9007199254740992.0",
            ),
        ] {
            let mut text = String::new();
            write(float, &PYTHON, &mut text);
            assert_eq!(text, python);
            text.clear();
            write(float, &MSGSPEC, &mut text);
            assert_eq!(text, msgspec);
        }
    }
}
