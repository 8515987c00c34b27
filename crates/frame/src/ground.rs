//! What is seen behind a picture that is transparent in places.

/// From this brightness on, a colour is hard to see on white paper.
const LIGHT: u32 = 192;
/// In a picture that is shown on black, at most one edge in this many is of something darker.
const DARK_PART: usize = 50;
/// What covers less than that is not seen.
const SEEN: u8 = 128;

/// The grey on which a picture is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ground(u8);

impl Ground {
    pub const WHITE: Self = Self(255);
    const BLACK: Self = Self(0);

    /// White as paper; black where what stands against the ground is light, such as white text that is to be laid over
    /// something dark. A pixel has `channels` samples: 2 (grey) or 4 (colours), the last of which is its opacity.
    pub fn from_samples(samples: &[u8], width: u32, channels: usize) -> Self {
        let (mut edges, mut dark) = (0, 0);
        for row in samples.chunks_exact((width as usize * channels).max(1)) {
            for (left, right) in row.chunks_exact(channels).zip(row[channels..].chunks_exact(channels)) {
                let [left_seen, right_seen] = [left, right].map(|pixel| pixel[channels - 1] >= SEEN);
                if left_seen != right_seen {
                    edges += 1;
                    dark += usize::from(pixel_brightness(if left_seen { left } else { right }) < LIGHT);
                }
            }
        }
        if edges > 0 && dark * DARK_PART <= edges { Self::BLACK } else { Self::WHITE }
    }

    /// What a colour looks like on it that covers it by `opacity`.
    pub fn blend_colour(self, colour: u8, opacity: u8) -> u8 {
        let (colour, opacity) = (u32::from(colour), u32::from(opacity));
        ((colour * opacity + u32::from(self.0) * (255 - opacity) + 127) / 255) as u8
    }
}

/// Rec. 601.
fn pixel_brightness(pixel: &[u8]) -> u32 {
    match *pixel {
        [red, green, blue, _] => {
            (299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1000
        }
        _ => u32::from(pixel[0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: [u8; 2] = [0, 0];

    /// A row of bars on transparent ground, each of that grey and this wide.
    fn bars(bars: &[(u8, usize)]) -> Vec<[u8; 2]> {
        let mut row = vec![HIDDEN; 3];
        for &(grey, width) in bars {
            row.extend(vec![[grey, 255]; width]);
            row.extend([HIDDEN; 3]);
        }
        row
    }

    fn of(row: &[[u8; 2]]) -> Ground {
        Ground::from_samples(row.as_flattened(), row.len() as u32, 2)
    }

    #[test]
    fn what_is_light_at_its_edges_is_shown_on_black() {
        assert_eq!(of(&bars(&[(255, 4)])), Ground::BLACK);
        assert_eq!(of(&bars(&[(192, 4)])), Ground::BLACK);
        assert_eq!(of(&bars(&[(191, 4)])), Ground::WHITE);
        assert_eq!(of(&bars(&[(0, 4)])), Ground::WHITE);
        assert_eq!(of(&[HIDDEN; 9]), Ground::WHITE);
        assert_eq!(of(&[[255, 255]; 9]), Ground::WHITE);
        // A page that was cut out: what is written on it stays in sight on any ground.
        let mut page = bars(&[(255, 60)]);
        page[20..40].fill([0, 255]);
        assert_eq!(of(&page), Ground::BLACK);
        // White boxes with dark text beside them.
        assert_eq!(of(&bars(&[(255, 900), (255, 900), (0, 2)])), Ground::WHITE);
        let coloured = |[red, green, blue]: [u8; 3]| {
            Ground::from_samples(&[0, 0, 0, 0, red, green, blue, 255, red, green, blue, 255], 3, 4)
        };
        assert_eq!(coloured([255, 255, 200]), Ground::BLACK);
        assert_eq!(coloured([255, 255, 0]), Ground::BLACK);
        assert_eq!(coloured([255, 0, 0]), Ground::WHITE);
    }

    #[test]
    fn colours_are_mixed_with_what_is_behind() {
        assert_eq!([0, 128, 255].map(|opacity| Ground::WHITE.blend_colour(55, opacity)), [255, 155, 55]);
        assert_eq!([0, 128, 255].map(|opacity| Ground::BLACK.blend_colour(200, opacity)), [0, 100, 200]);
    }
}
