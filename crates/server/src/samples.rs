//! Clips of gestures, for pages that show what the recogniser does without a camera.

use sightwire_frame::{EncodeError, Encoder, Image};
use sightwire_synth::sample::{Clip, Gesture};

/// Frames a second of a clip.
pub const FPS: u32 = 25;
const FRAMES: u32 = 25;
/// Before it moves, the hand rests for so many frames: with `recognizer.arming`, a motion counts only after that.
const REST_FRAMES: u32 = 20;
const SIZE_PX: (u32, u32) = (640, 480);
const QUALITY: u8 = 80;

/// The frames of a clip, as `data:` URLs of JPEGs. Takes a hundred milliseconds.
pub fn draw(gesture: Gesture, seed: u64) -> Result<Vec<String>, EncodeError> {
    let clip = Clip::new(gesture, seed, SIZE_PX.0, SIZE_PX.1);
    let mut encoder = Encoder::new()?;
    let (mut image, mut jpeg) = (Image::new(0, 0), Vec::new());
    (0..REST_FRAMES + FRAMES)
        .map(|index| {
            match index.checked_sub(REST_FRAMES) {
                None => clip.rest_into(index, &mut image),
                Some(index) => clip.frame_into(index, &mut image),
            }
            encoder.encode(&image, QUALITY, &mut jpeg)?;
            let base64 = base64_simd::STANDARD.encode_to_string(&jpeg);
            Ok(format!("data:image/jpeg;base64,{base64}"))
        })
        .collect()
}
