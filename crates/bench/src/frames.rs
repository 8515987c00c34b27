//! The pictures that are sent: a moving hand from generated clips, or a street, encoded once and shared by all clients.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde::Serialize;
use sightwire_frame::{Encoder, Image};
use sightwire_synth::hand::clip::Clip as HandClip;
use sightwire_synth::sample::{self, Clip, Gesture, add_grain};
use sightwire_synth::scene::Scene;

/// Each of a second: together enough pictures that none is served from a cache, few enough for memory.
const CLIPS: u64 = 2;
/// Pictures that are encoded again and again while the quality is sought.
const PROBES: usize = 4;
/// Pictures of a street, and the time from one to the next.
const STREET_FRAMES: u32 = 40;
const STREET_STEP: Duration = Duration::from_millis(500);
const QUALITY: std::ops::RangeInclusive<u8> = 5..=95;
/// Quality used when noise has to make the pictures larger.
const QUALITY_WITH_NOISE: u8 = 90;
const MAX_NOISE: u8 = 96;

/// Encoded pictures and how they came about.
pub(crate) struct FrameSet {
    /// JPEG files in the order of the gesture.
    pub(crate) jpegs: Vec<Bytes>,
    /// What the report says of them.
    pub(crate) summary: FrameSummary,
}

/// The pictures, for the report.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FrameSummary {
    pub(crate) gesture: String,
    /// How many pictures there are, each different.
    pub(crate) distinct: usize,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Mean size of a JPEG file in bytes.
    pub(crate) mean_jpeg_bytes: u64,
    /// Encoder quality, 1 to 100.
    pub(crate) quality: u8,
    /// Noise that was added to reach the size, in levels of 255 (0: none).
    pub(crate) noise: u8,
}

/// Encoder settings that give the wanted size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Setting {
    quality: u8,
    noise: u8,
}

impl FrameSet {
    /// Renders clips of `gesture` and encodes them so that a file has about `target_bytes` on average: by
    /// the quality alone if that can do it, else with noise like a poor sensor's.
    pub(crate) fn render(gesture: Gesture, width: u32, height: u32, target_bytes: usize) -> Result<Self> {
        Self::render_painted(gesture, (width, height), target_bytes, 1, |_, _| {})
    }

    /// The same this many times over, each picture painted on before it is encoded; `paint` is given its number.
    pub(crate) fn render_painted(
        gesture: Gesture,
        (width, height): (u32, u32),
        target_bytes: usize,
        times: usize,
        paint: impl Fn(usize, &mut Image),
    ) -> Result<Self> {
        let clips = (1..=CLIPS).map(|seed| Clip::new(gesture, seed, width, height));
        let images: Vec<Image> =
            clips.flat_map(|clip| (0..sample::FRAMES).map(move |i| clip.frame(i))).collect();
        Self::from_images(gesture.name(), &images, target_bytes, times, paint)
    }

    /// A generated hand that waves, as models of hands find it; to and fro, so that it never jumps.
    pub(crate) fn render_hand((width, height): (u32, u32), target_bytes: usize) -> Result<Self> {
        let clip = HandClip::new("wave", 3, [width, height]).context("a clip of a hand that waves")?;
        let turn = 2 * (clip.frame_count(sample::FPS) - 1);
        let picture = |index: u32| {
            let mut image = Image::new(width, height);
            clip.picture_into(index.min(turn - index), sample::FPS, &mut image);
            image
        };
        let images: Vec<Image> = (0..turn).map(picture).collect();
        Self::from_images("a hand", &images, target_bytes, 1, |_, _| {})
    }

    /// A generated street with cars, as models of objects find them.
    pub(crate) fn render_street((width, height): (u32, u32), target_bytes: usize) -> Result<Self> {
        let street = Scene::street(1, width, height);
        let images: Vec<Image> = (0..STREET_FRAMES).map(|index| street.frame(STREET_STEP * index)).collect();
        Self::from_images("a street", &images, target_bytes, 1, |_, _| {})
    }

    fn from_images(
        gesture: &str,
        images: &[Image],
        target_bytes: usize,
        times: usize,
        paint: impl Fn(usize, &mut Image),
    ) -> Result<Self> {
        let (width, height) = images.first().map_or((0, 0), |image| (image.width(), image.height()));
        let mut encoder = Encoder::new().context("starting the JPEG encoder")?;
        let mut jpeg = Vec::new();
        let probes: Vec<usize> = (0..PROBES).map(|i| i * images.len() / PROBES).collect();
        let setting = choose_setting(target_bytes, |setting| {
            let mut bytes = 0;
            for &i in &probes {
                encode_image(&mut encoder, &images[i], i, setting, &paint, &mut jpeg)?;
                bytes += jpeg.len();
            }
            Ok(bytes / PROBES)
        })?;
        let count = times * images.len();
        let mut jpegs = Vec::with_capacity(count);
        for (i, image) in images.iter().cycle().take(count).enumerate() {
            encode_image(&mut encoder, image, i, setting, &paint, &mut jpeg)?;
            jpegs.push(Bytes::copy_from_slice(&jpeg));
        }
        let total: usize = jpegs.iter().map(Bytes::len).sum();
        let summary = FrameSummary {
            gesture: gesture.to_owned(),
            distinct: jpegs.len(),
            width,
            height,
            mean_jpeg_bytes: (total / jpegs.len().max(1)) as u64,
            quality: setting.quality,
            noise: setting.noise,
        };
        Ok(Self { jpegs, summary })
    }
}

/// Finds the setting whose size is nearest below or at `target`; sizes grow with quality and with noise.
fn choose_setting(target: usize, mut size: impl FnMut(Setting) -> Result<usize>) -> Result<Setting> {
    let plain = |quality| Setting { quality, noise: 0 };
    if size(plain(*QUALITY.end()))? >= target {
        let quality = largest_fitting(QUALITY, |quality| Ok(size(plain(quality))? <= target))?;
        return Ok(plain(quality));
    }
    let noisy = |noise| Setting { quality: QUALITY_WITH_NOISE, noise };
    let noise = largest_fitting(0..=MAX_NOISE, |noise| Ok(size(noisy(noise))? <= target))?;
    Ok(noisy(noise))
}

/// The largest value of the range for which `fits` holds, by halving; the smallest if it never does.
fn largest_fitting(
    range: std::ops::RangeInclusive<u8>,
    mut fits: impl FnMut(u8) -> Result<bool>,
) -> Result<u8> {
    let (mut low, mut high) = range.into_inner();
    while low < high {
        let middle = high - (high - low) / 2;
        if fits(middle)? {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(low)
}

fn encode_image(
    encoder: &mut Encoder,
    image: &Image,
    number: usize,
    setting: Setting,
    paint: impl Fn(usize, &mut Image),
    out: &mut Vec<u8>,
) -> Result<()> {
    out.clear();
    let mut image = image.clone();
    if setting.noise > 0 {
        add_grain(number as u64, setting.noise, &mut image);
    }
    paint(number, &mut image);
    encoder.encode(&image, setting.quality, out).context("encoding a picture")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quality_is_enough_where_it_can_be() {
        let by_quality = |s: Setting| Ok(usize::from(s.quality) * 1000 + usize::from(s.noise) * 1000);
        assert_eq!(choose_setting(60_500, by_quality).unwrap(), Setting { quality: 60, noise: 0 });
        assert_eq!(choose_setting(1, by_quality).unwrap(), Setting { quality: 5, noise: 0 });
    }

    #[test]
    fn noise_makes_up_what_quality_cannot() {
        let size = |s: Setting| Ok(usize::from(s.quality) * 100 + usize::from(s.noise) * 1000);
        assert_eq!(choose_setting(50_000, size).unwrap(), Setting { quality: 90, noise: 41 });
        assert_eq!(choose_setting(10_000_000, size).unwrap().noise, MAX_NOISE);
    }

    #[test]
    fn frames_come_out_near_the_wanted_size() {
        let set = FrameSet::render(Gesture::Left, 160, 120, 8_000).unwrap();
        assert_eq!(set.jpegs.len(), 50);
        let mean = set.summary.mean_jpeg_bytes as f64;
        assert!((mean - 8_000.0).abs() < 1_600.0, "{mean} bytes with {:?}", set.summary);
        assert!(set.jpegs.iter().all(|jpeg| jpeg.starts_with(&[0xFF, 0xD8])));
    }
}
