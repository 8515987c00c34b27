//! What is seen behind a picture that is transparent in places.

/// From this brightness on, a colour cannot be told from white paper, nor from one that is on it.
const LIGHT: u32 = 192;
/// Of all that is seen, at most one part in so many is darker in a picture that is shown on black.
const DARK_PART: u64 = 50;

/// The grey on which a picture is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ground(u8);

impl Ground {
    pub const WHITE: Self = Self(255);
    const BLACK: Self = Self(0);

    /// White as paper; black where all that can be seen is light, such as white text that is to be laid over something
    /// dark. A pixel has `channels` samples: 2 (grey) or 4 (colours), the last of which is its opacity.
    pub fn of(samples: &[u8], channels: usize) -> Self {
        let pixels = (samples.len() / channels) as u64;
        let (mut seen, mut dark) = (0, 0);
        // A row or so at a time: most pictures have something dark near their beginning.
        for part in samples.chunks(channels * 4096) {
            for pixel in part.chunks_exact(channels) {
                let (brightness, opacity) = match *pixel {
                    [grey, opacity] => (u32::from(grey), opacity),
                    [red, green, blue, opacity] => {
                        ((u32::from(red) + 2 * u32::from(green) + u32::from(blue)) / 4, opacity)
                    }
                    _ => return Self::WHITE,
                };
                seen += u64::from(opacity);
                dark += if brightness < LIGHT { u64::from(opacity) } else { 0 };
            }
            if dark * DARK_PART > pixels * 255 {
                return Self::WHITE;
            }
        }
        if seen > 0 && dark * DARK_PART <= seen { Self::BLACK } else { Self::WHITE }
    }

    /// What a colour looks like on it that covers it by `opacity`.
    pub fn shows(self, colour: u8, opacity: u8) -> u8 {
        let (colour, opacity) = (u32::from(colour), u32::from(opacity));
        ((colour * opacity + u32::from(self.0) * (255 - opacity) + 127) / 255) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred pixels, so many of which have that colour; the rest is not seen, whatever its colour is.
    fn with(count: usize, grey: u8) -> Vec<[u8; 2]> {
        let mut pixels = vec![[0, 0]; 100 - count];
        pixels.extend(vec![[grey, 255]; count]);
        pixels
    }

    #[test]
    fn what_is_light_throughout_is_shown_on_black() {
        let of = |pixels: &[[u8; 2]]| Ground::of(pixels.as_flattened(), 2);
        assert_eq!(of(&with(10, 255)), Ground::BLACK);
        assert_eq!(of(&with(10, 192)), Ground::BLACK);
        assert_eq!(of(&with(10, 191)), Ground::WHITE);
        assert_eq!(of(&with(10, 0)), Ground::WHITE);
        assert_eq!(of(&with(0, 0)), Ground::WHITE);
        // A page that was cut out: what is written on it stays in sight on any ground.
        let mut page = with(60, 255);
        page[50][0] = 0;
        assert_eq!(of(&page), Ground::BLACK);
        page[51..53].fill([0, 255]);
        assert_eq!(of(&page), Ground::WHITE);
        let coloured = |colour: [u8; 3]| Ground::of(&[colour[0], colour[1], colour[2], 255].repeat(9), 4);
        assert_eq!(coloured([255, 255, 200]), Ground::BLACK);
        assert_eq!(coloured([255, 0, 0]), Ground::WHITE);
    }

    #[test]
    fn colours_are_mixed_with_what_is_behind() {
        assert_eq!([0, 128, 255].map(|opacity| Ground::WHITE.shows(55, opacity)), [255, 155, 55]);
        assert_eq!([0, 128, 255].map(|opacity| Ground::BLACK.shows(200, opacity)), [0, 100, 200]);
    }
}
