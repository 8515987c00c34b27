//! Sizes that follow the picture's.

/// Line width and letter size for a picture, so that a view looks the same from 160×120 to 4K.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Width of a box's line, pixels.
    pub line_px: u16,
    /// Size of a label's letters (the em), pixels.
    pub text_px: u16,
}

impl Scale {
    /// By the shorter side: 640×480 gives lines of 2 and letters of 15 pixels.
    pub fn from_size(width: u32, height: u32) -> Self {
        // Past 8K nothing grows further.
        let short = width.min(height).min(4320) as u16;
        // Smaller letters than 10 pixels cannot be read, whatever the picture.
        Self { line_px: ((short + 135) / 270).max(1), text_px: (6 + short / 52).max(10) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_picture() {
        let sizes = [(160, 120), (320, 240), (640, 480), (1280, 720), (1920, 1080), (3840, 2160)];
        let scales = sizes.map(|(width, height)| Scale::from_size(width, height));
        assert!(scales.windows(2).all(|w| w[0].text_px <= w[1].text_px && w[0].line_px <= w[1].line_px));
        assert_eq!(scales[0], Scale { line_px: 1, text_px: 10 });
        assert_eq!(scales[2], Scale { line_px: 2, text_px: 15 });
        assert_eq!(Scale::from_size(480, 640), scales[2], "upright pictures too");
        assert_eq!(Scale::from_size(u32::MAX, u32::MAX), Scale::from_size(7680, 4320));
    }
}
