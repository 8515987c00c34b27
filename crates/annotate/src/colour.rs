//! Colours, how well they are told apart, and the palette.

/// A colour as it lies in an [`Image`](sightwire_frame::Image): sRGB, 8 bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Blue, 0–255; it comes first in memory.
    pub blue: u8,
    /// Green, 0–255; it comes second.
    pub green: u8,
    /// Red, 0–255; it comes last.
    pub red: u8,
}

/// One colour for each class or track, told apart with any of the common colour blindnesses.
///
/// The seven of Okabe and Ito, "Color Universal Design" (2008), <https://jfly.uni-koeln.de/color/>, without their black,
/// which is not a colour for lines over pictures, and a light grey. Neighbours differ in lightness as well. Past eight
/// classes colours repeat: the label says what it is, the colour only helps.
pub const PALETTE: [Colour; 8] = [
    Colour::rgb(230, 159, 0),
    Colour::rgb(86, 180, 233),
    Colour::rgb(240, 228, 66),
    Colour::rgb(0, 158, 115),
    Colour::rgb(204, 121, 167),
    Colour::rgb(0, 114, 178),
    Colour::rgb(213, 94, 0),
    Colour::rgb(200, 200, 200),
];

impl Colour {
    /// The ink on light plates, and the seam around marks.
    pub const BLACK: Self = Self::rgb(0, 0, 0);
    /// The ink on dark plates.
    pub const WHITE: Self = Self::rgb(255, 255, 255);

    /// The colour of a CSS `rgb(red green blue)`.
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self { blue, green, red }
    }

    /// The palette's colour for a class or a track: the same number always gets the same.
    pub const fn from_index(index: usize) -> Self {
        PALETTE[index % PALETTE.len()]
    }

    /// Relative luminance, 0 (black) to 1 (white): WCAG 2.2, <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>.
    pub fn luminance(self) -> f32 {
        let linear = |level: u8| {
            let level = f32::from(level) / 255.0;
            if level <= 0.04045 { level / 12.92 } else { ((level + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// Contrast ratio, 1 to 21: <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>. Text needs 4.5.
    pub fn contrast(self, other: Self) -> f32 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever reads better on this colour: their contrast is never below 4.58.
    #[must_use]
    pub fn ink(self) -> Self {
        // Where both have the same contrast: sqrt(1.05 * 0.05) - 0.05.
        if self.luminance() > 0.179_129 { Self::BLACK } else { Self::WHITE }
    }

    pub(super) const fn bgr(self) -> [u8; 3] {
        [self.blue, self.green, self.red]
    }
}

/// `over` laid on the pixel, with `alpha` of 256.
#[inline]
pub(super) fn blend_pixel(pixel: &mut [u8], over: [u8; 3], alpha: u32) {
    for (level, over) in pixel.iter_mut().zip(over) {
        *level = ((u32::from(*level) * (256 - alpha) + u32::from(over) * alpha + 128) >> 8) as u8;
    }
}

/// Alpha of 256 for an opacity, where what is not a number is invisible.
#[inline]
pub(super) fn alpha_of(opacity: f32) -> u32 {
    // `as` makes 0 of NaN.
    (opacity.clamp(0.0, 1.0) * 256.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luminance_and_contrast_are_those_of_the_standard() {
        assert!((Colour::WHITE.contrast(Colour::BLACK) - 21.0).abs() < 1e-4);
        // The standard's own example of the lightest grey that passes on white is #767676.
        assert!(Colour::rgb(0x76, 0x76, 0x76).contrast(Colour::WHITE) >= 4.5);
        assert!(Colour::rgb(0x77, 0x77, 0x77).contrast(Colour::WHITE) < 4.5);
    }

    #[test]
    fn the_ink_reads_on_every_colour() {
        for colour in PALETTE {
            assert!(colour.contrast(colour.ink()) >= 4.5, "{colour:?}");
        }
        for red in (0..=255).step_by(5) {
            for green in (0..=255).step_by(5) {
                for blue in (0..=255).step_by(5) {
                    let colour = Colour::rgb(red, green, blue);
                    let contrast = colour.contrast(colour.ink());
                    assert!(contrast >= 4.5, "{colour:?}: {contrast}");
                }
            }
        }
    }

    /// Linear RGB as a person without one kind of cone sees it: Machado, Oliveira and Fernandes (2009), severity 1.
    const BLINDNESSES: [(&str, [[f32; 3]; 3]); 4] = [
        ("none", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "protanopia",
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
        ),
        (
            "deuteranopia",
            [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_82, 0.042_94, 0.968_881],
            ],
        ),
        (
            "tritanopia",
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_9],
            ],
        ),
    ];

    /// CIE L*a*b* of linear sRGB, white D65.
    fn lab(linear: [f32; 3]) -> [f32; 3] {
        let [r, g, b] = linear;
        let f = |t: f32| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
        let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
        let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn the_palette_is_told_apart_with_any_colour_blindness() {
        let linear = |level: u8| (f32::from(level) / 255.0).powf(2.2);
        for (name, matrix) in BLINDNESSES {
            let seen = PALETTE.map(|c| {
                let rgb = [c.red, c.green, c.blue].map(linear);
                lab(matrix.map(|row| row.iter().zip(rgb).map(|(m, v)| m * v).sum::<f32>().clamp(0.0, 1.0)))
            });
            for (i, one) in seen.iter().enumerate() {
                for two in &seen[..i] {
                    let apart = one.iter().zip(two).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
                    // Differences of about 2 are just noticed side by side.
                    assert!(apart > 10.0, "{name}: {i} is {apart} from another");
                }
            }
        }
    }
}
