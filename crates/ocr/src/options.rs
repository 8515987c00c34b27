//! What a caller may choose.

/// How a picture is read. [`Default`] is what suits most pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a step of its own, on or off")]
pub struct ReadOptions {
    /// A pixel belongs to text from this probability on, 0–1.
    pub threshold: f32,
    /// A line is kept whose pixels are text with this probability on average, 0–1.
    pub box_threshold: f32,
    /// How far a line's outline is moved outwards, in parts of its area by its perimeter.
    pub unclip: f32,
    /// A picture whose longer side has more pixels is made smaller before lines are looked for; polygons stay in pixels
    /// of the original, and lines are read from the original.
    pub max_side: u32,
    /// Lines that are less sure are left out, 0–1.
    pub min_confidence: f32,
    /// Lines that stand on their head are turned.
    pub angle: bool,
    /// Find the page in a photograph, and read it as if seen from straight above.
    pub perspective: bool,
    /// Turn the picture so that its lines are level.
    pub deskew: bool,
    /// Even out contrast (CLAHE).
    pub contrast: bool,
    /// Take noise away before lines are looked for.
    pub denoise: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            threshold: 0.3,
            box_threshold: 0.5,
            unclip: 1.6,
            max_side: 2000,
            min_confidence: 0.5,
            angle: true,
            perspective: false,
            deskew: false,
            contrast: false,
            denoise: false,
        }
    }
}
