//! Numbers of 16 bits (IEEE 754 binary16), in which files keep weights.

/// The same number in 32 bits; exact.
pub fn to_f32(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = u32::from(half >> 10 & 0x1f);
    let fraction = u32::from(half & 0x3ff);
    let bits = match (exponent, fraction) {
        (0, _) => {
            // Fractions of 2 to the power of -24, which f32 has as ordinary numbers.
            let value = fraction as f32 / 16_777_216.0;
            return f32::from_bits(value.to_bits() | sign);
        }
        (0x1f, _) => sign | 0x7f80_0000 | fraction << 13,
        _ => sign | (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(bits)
}

/// The nearest number in 16 bits, the even one of two; what is too large becomes infinite.
pub fn from_f32(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let size = f32::from_bits(bits & 0x7fff_ffff);
    if size.is_nan() {
        return sign | 0x7e00;
    }
    // Between 65,504 and what would be next, 65,536, the middle is rounded up.
    if size >= 65_520.0 {
        return sign | 0x7c00;
    }
    // Steps between neighbours are 2 to the power of the exponent less ten, and never less than of -24.
    let exponent = (bits >> 23 & 0xff) as i32 - 127;
    let exponent = exponent.max(-14);
    let steps = (size / 2.0_f32.powi(exponent - 10)).round_ties_even() as u16;
    // The implied one is what carries into the exponent.
    sign | (steps + ((exponent + 14) as u16) * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_of_16_bits_come_back() {
        for half in 0..=u16::MAX {
            let value = to_f32(half);
            if value.is_nan() {
                assert!(half & 0x7c00 == 0x7c00 && half & 0x3ff != 0);
                assert!(to_f32(from_f32(value)).is_nan());
            } else {
                assert_eq!(from_f32(value), half, "{value}");
            }
        }
    }

    #[test]
    fn known_numbers_are_those() {
        let known = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0400, 2.0_f32.powi(-14)),
            (0x0001, 2.0_f32.powi(-24)),
            (0x3555, 0.333_251_95),
            (0xfc00, f32::NEG_INFINITY),
        ];
        for (half, value) in known {
            assert_eq!(to_f32(half).to_bits(), f32::to_bits(value), "{half:#x}");
        }
        assert_eq!(from_f32(1.0 / 3.0), 0x3555);
        assert_eq!(from_f32(1e9), 0x7c00);
        // Half of the smallest goes to the even one, which is nothing.
        assert_eq!(from_f32(-(2.0_f32.powi(-25))), 0x8000);
        assert_eq!(from_f32(1.0 + 2.0_f32.powi(-11)), 0x3c00);
        assert_eq!(from_f32(1.0 + 3.0 * 2.0_f32.powi(-11)), 0x3c02);
    }
}
