//! Clips of hands, for pages that show what the recogniser does without a camera: those that the model at work knows.

use sightwire_frame::{EncodeError, Encoder, Image};
use sightwire_synth::hand::clip;
use sightwire_synth::sample::{Clip, Gesture};

/// Frames a second of a clip.
pub const FPS: u32 = 25;
const FRAMES: u32 = 25;
/// With `recognizer.arming` a motion counts only after a rest: this many frames, of which the model sees ten at a time.
const REST_FRAMES: u32 = 32;
const SIZE_PX: [u32; 2] = [640, 480];
const QUALITY: u8 = 80;

/// What there are clips of, for a model of hands or one of motion.
pub fn clip_names(of_hands: bool) -> Vec<String> {
    if of_hands {
        clip::clip_names().collect()
    } else {
        Gesture::ALL.iter().map(|g| g.name().to_owned()).collect()
    }
}

/// Those of them that are offered: the networks know a drawn thumb badly, and fists that are hardly more than it.
pub fn offered_clips(of_hands: bool) -> Vec<String> {
    const BADLY_KNOWN: [&str; 4] = ["fist", "ok", "thumb_up", "thumb_down"];
    let mut names = clip_names(of_hands);
    names.retain(|name| !BADLY_KNOWN.contains(&name.as_str()));
    names
}

/// The frames of a clip, as `data:` URLs of JPEGs; `None` if there is none of that name. Takes up to a second.
pub fn draw_clip(
    name: &str,
    of_hands: bool,
    rests: bool,
    seed: u64,
) -> Option<Result<Vec<String>, EncodeError>> {
    if of_hands {
        let clip = clip::Clip::new(name, seed, SIZE_PX)?;
        return Some(encode_frames(clip.frame_count(FPS), |index, image| {
            clip.picture_into(index, FPS, image);
        }));
    }
    let clip = Clip::new(name.parse().ok()?, seed, SIZE_PX[0], SIZE_PX[1]);
    let rest = if rests { REST_FRAMES } else { 0 };
    Some(encode_frames(rest + FRAMES, |index, image| clip.rested_into(rest, index, image)))
}

fn encode_frames(count: u32, draw: impl Fn(u32, &mut Image)) -> Result<Vec<String>, EncodeError> {
    let (mut encoder, mut image, mut jpeg) = (Encoder::new()?, Image::new(0, 0), Vec::new());
    (0..count)
        .map(|index| {
            draw(index, &mut image);
            encoder.encode(&image, QUALITY, &mut jpeg)?;
            let base64 = base64_simd::STANDARD.encode_to_string(&jpeg);
            Ok(format!("data:image/jpeg;base64,{base64}"))
        })
        .collect()
}
