//! `images.*`: how large pictures may be.

use sightwire_frame::header::Limits;
use sightwire_settings::{Section, section};

section! {
    /// How large pictures may be, and how much memory all of them may take.
    #[derive(Clone, Debug)]
    pub struct ImageOptions: "images" {
        /// Largest picture, in pixels; checked in the header, before decoding. 4K is 8.3 million; a larger one costs
        /// everybody's time. A stream's picture with more (up to 100 million) is looked at and drawn at a half, a
        /// quarter or an eighth of its sides.
        pub max_pixels: u64 = key("max_pixels", Int(1, 1 << 32), 10000000) => |pixels| pixels as u64;
        /// Largest width or height of a picture.
        pub max_side: u32 = key("max_side_px", Int(1, 65_535), 16384) => |side| side as u32;
        /// Memory, in MiB, for the pixels of all single pictures together that are decoded and worked on (text reading,
        /// `/api/v1/detect`): 3 to 15 bytes a pixel, by format and by what is done with it. What does not fit waits for
        /// its turn; a picture that never fits is refused with 413. Live frames do not count: each thread, analysis and
        /// view has at most one.
        pub decode_memory_bytes: usize = key("decode_memory_mb", Mib(16, 1 << 20), 1024).see_page("reading.md#memory");
    }
}

/// The keys of pictures.
pub static IMAGES: Section = Section::new("images", ImageOptions::KEYS);

impl ImageOptions {
    /// Of a picture that came in a message of at most this many bytes.
    pub fn limits(&self, max_bytes: usize) -> Limits {
        Limits { max_bytes, max_pixels: self.max_pixels, max_side: self.max_side }
    }
}
