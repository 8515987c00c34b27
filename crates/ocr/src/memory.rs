//! How much memory readers may take, and what each of their sessions takes.
//!
//! All of it was measured as resident memory of a process (docs/reading.md says how), with the networks of ppocr-v4. What
//! a session takes besides its network's file and its pixels is the same for others of their kind.

use std::fmt;
use std::sync::Arc;

use super::canvas::{Fit, LONGEST};
use sightwire_engine::Plan;
use sightwire_models::Provider;
use sightwire_models::manifest::Precision;

use super::ReadOptions;

const MB: u64 = 1 << 20;
/// Of a server that reads: itself, the libraries that run networks, the model's files, and what making sessions leaves.
const PROCESS: u64 = 170 * MB;
/// A picture of that many bytes has to find room, or nothing of use can be read: 4 megapixels.
const LEAST_PICTURE: u64 = 28 * MB;
/// Of a pixel of a picture that is read as it is, in bytes: its colours.
const PLAIN_PX: u64 = 3;
/// Of one that is prepared or kept, in bytes: before and after a step, and its lightness. What nobody else has is turned to stand
/// upright where it is; of one that is kept as it was there are two then.
const PREPARED_PX: u64 = 7;
/// The same where it is made level, and twice as large then at most.
const TURNED_PX: u64 = 9;
/// Of the picture as it was, where it is kept beside two others.
const KEPT_PX: u64 = 3;
/// Of a pixel of the copy in which lines are looked for: its colours, and what the network says of it.
const SCALED_PX: u64 = 3 + 4;
/// A copy may take this much without counting: what finds lines at the smallest canvas takes less than what reads them, by that.
const SCALED: u64 = 24 * MB;
/// The part of what is left that pictures may take without others being looked at in smaller parts, as a divisor.
const FOR_PICTURES: u64 = 5;
/// The smallest canvas at which lines are looked for in parts of a picture, px.
const LEAST_CANVAS: u64 = 736 * 352;
/// A canvas does not become smaller than this, px, to leave room for what reads lines: that rather gives way.
const SMALL_CANVAS: u64 = 736 * 736;
/// The largest canvas at which lines are looked for in parts of a picture, px.
const MOST_CANVAS: u64 = LONGEST as u64 * LONGEST as u64;
/// What the sessions for one picture take, one after the other: with OpenVINO at bf16, which takes most, the one that reads
/// lines takes more than the one that finds them.
const LEAST_SESSIONS: u64 = 62 * MB + 45 * MB + MAKING;

/// What making a session takes besides it, and leaves in pieces that are too small to be given back: this much stays free.
pub(super) const MAKING: u64 = 36 * MB;

/// What a process may take that reads text.
#[derive(Clone)]
pub struct Memory {
    /// Resident bytes of the process, all in all.
    limit: u64,
    /// What pictures take at most that are kept to be shown.
    kept: u64,
    others: Others,
    /// For sessions, besides the limit.
    beyond: u64,
}

/// Says how many bytes pictures take now, those under way and those that are kept.
pub type Others = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Less than one picture needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} MiB are too little for reading text: the process takes {}, its networks at least {}, kept pictures {}, and a picture of 4 megapixels {}; at least {} MiB are needed",
    .limit / MB, PROCESS / MB, LEAST_SESSIONS / MB, .kept.div_ceil(MB), LEAST_PICTURE / MB, .least.div_ceil(MB)
)]
pub struct TooLittle {
    limit: u64,
    kept: u64,
    least: u64,
}

/// What pictures under way may take, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForPictures {
    /// All of them together.
    pub together: u64,
    /// A single one that takes more than all may take together.
    pub alone: u64,
    /// A single one while it is decoded: nothing is read then, and no session needed.
    pub decoding: u64,
}

/// What sessions take of memory, by what they are run with, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Costs {
    pub(super) recogniser: u64,
    pub(super) angle: u64,
    detector: u64,
    detector_px: u64,
    /// Of all sessions together: what the library compiled for one of a kind, others use.
    shared: u64,
}

/// What sessions take, in bytes.
struct Session {
    /// Of each for one byte of its network's file, in hundredths.
    file: u64,
    /// Of one that finds lines, besides what goes by the file.
    detector: u64,
    /// Of one that finds lines, for each pixel of the largest canvas.
    detector_px: u64,
    /// Of one that reads lines of all widths, besides what goes by the file.
    recogniser: u64,
    /// Of one that tells whether a line stands on its head.
    angle: u64,
    /// What all of them share.
    shared: u64,
}

/// Of the input of the network that finds lines, for each pixel.
const INPUT_PX: u64 = 12;

fn session_costs(plan: Plan) -> Session {
    let (recogniser, angle) = (36 * MB, 8 * MB);
    match (plan.provider, plan.precision) {
        (Provider::Cpu, _) => Session {
            file: 130,
            detector: 4 * MB,
            detector_px: 190,
            recogniser: 29 * MB,
            angle: 3 * MB,
            shared: 0,
        },
        // A session for each size.
        (Provider::OpenVino, Precision::Bf16) => {
            Session { file: 250, detector: 5 * MB, detector_px: 54, recogniser, angle, shared: 45 * MB }
        }
        // One session for all sizes.
        (Provider::OpenVino | Provider::Cuda, _) => {
            Session { file: 250, detector: 5 * MB, detector_px: 145, recogniser, angle, shared: 25 * MB }
        }
    }
}

impl Costs {
    /// Of networks with files of that many bytes: that finds lines, and that reads them.
    pub(super) fn new(plans: [Plan; 2], files: [usize; 2]) -> Self {
        let [detector, recogniser] = plans.map(session_costs);
        let of = |session: &Session, file: usize| file as u64 * session.file / 100;
        Self {
            recogniser: recogniser.recogniser + of(&recogniser, files[1]),
            angle: detector.angle,
            detector: detector.detector + of(&detector, files[0]),
            detector_px: detector.detector_px,
            shared: detector.shared.max(recogniser.shared),
        }
    }

    /// Of a session that finds lines at canvases of at most this many pixels.
    pub(super) fn detector(&self, px: u64) -> u64 {
        self.detector + self.detector_px * px
    }

    /// What the input of one takes while it runs.
    pub(super) fn input(px: u64) -> u64 {
        INPUT_PX * px
    }
}

/// Bytes that a decoded picture of this many pixels takes at most at one time while it is read with these options; `kept` if it is
/// wanted as it was afterwards.
pub fn reading_bytes(size: (u32, u32), options: &ReadOptions, kept: bool) -> u64 {
    picture_bytes(size, options, kept) + scaled_bytes(size, options).saturating_sub(SCALED)
}

fn picture_bytes((width, height): (u32, u32), options: &ReadOptions, kept: bool) -> u64 {
    let bytes_per_pixel = match (options.steps(), kept) {
        (0, false) => PLAIN_PX,
        (steps, _) => {
            let prepared = if options.deskew { TURNED_PX } else { PREPARED_PX };
            prepared + if kept && steps > 1 { KEPT_PX } else { 0 }
        }
    };
    u64::from(width) * u64::from(height) * bytes_per_pixel
}

/// The copy in which lines are looked for.
fn scaled_bytes((width, height): (u32, u32), options: &ReadOptions) -> u64 {
    let fit = Fit::new(width.max(1), height.max(1), options.max_side);
    u64::from(fit.width) * u64::from(fit.height) * SCALED_PX
}

impl Memory {
    /// At most `limit` resident bytes, of which kept pictures take `kept` at most; `others` says what pictures take now.
    pub fn new(limit: u64, kept: u64, others: Others) -> Self {
        Self { limit, kept, others, beyond: 0 }
    }

    /// This many bytes more for sessions. Pictures are looked at in the same parts as without.
    #[must_use]
    pub fn and_beyond(self, bytes: u64) -> Self {
        Self { beyond: bytes, ..self }
    }

    /// As if there were no end of it.
    pub fn unlimited() -> Self {
        Self::new(1 << 50, 0, Arc::new(|| 0))
    }

    /// What pictures under way may take of `limit` bytes, where those that are kept take at most `kept`.
    pub fn for_pictures(limit: u64, kept: u64) -> Result<ForPictures, TooLittle> {
        let least = PROCESS + LEAST_SESSIONS + kept + LEAST_PICTURE;
        if limit < least {
            return Err(TooLittle { limit, kept, least });
        }
        let left = limit - PROCESS - kept;
        let alone = left - LEAST_SESSIONS;
        Ok(ForPictures { together: (left / FOR_PICTURES).min(alone), alone, decoding: left - MAKING })
    }

    /// What sessions may take now.
    pub(super) fn session_room(&self, costs: &Costs) -> u64 {
        (self.limit + self.beyond).saturating_sub(PROCESS + costs.shared + (self.others)())
    }

    /// Pixels of the largest canvas at which lines are looked for in a picture, so that what finds them has room beside what
    /// reads them, where there is enough for both. Always the same for one picture, whatever else is read, and whatever is done
    /// with it: as if it were prepared or kept, if there is room for that.
    pub(super) fn canvas_px(&self, costs: &Costs, size: (u32, u32), options: &ReadOptions) -> u64 {
        let alone = Self::for_pictures(self.limit, self.kept).map_or(0, |most| most.alone);
        let prepared = u64::from(size.0) * u64::from(size.1) * PREPARED_PX;
        let plain = || picture_bytes(size, options, false) + scaled_bytes(size, options);
        self.canvas_beside(costs, if prepared <= alone { prepared } else { plain() })
    }

    /// The same beside a picture that takes this many bytes.
    fn canvas_beside(&self, costs: &Costs, picture: u64) -> u64 {
        let left = self.limit.saturating_sub(PROCESS + costs.shared + self.kept);
        let pictures = (left / FOR_PICTURES).max(picture);
        let beside = costs.recogniser + costs.angle + MAKING;
        let px = |others: u64| left.saturating_sub(others + costs.detector) / (costs.detector_px + INPUT_PX);
        px(pictures + beside).max(px(pictures).min(SMALL_CANVAS)).clamp(LEAST_CANVAS, MOST_CANVAS)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of the files of ppocr-v4.
    const FILES: [usize; 2] = [4_745_517, 10_857_958];

    fn costs(provider: Provider, precision: Precision) -> Costs {
        Costs::new([Plan { provider, precision }; 2], FILES)
    }

    fn memory(mb: u64) -> Memory {
        Memory::new(mb * MB, mb * MB / 25, Arc::new(|| 0))
    }

    #[test]
    fn more_memory_lets_larger_parts_be_looked_at_and_larger_pictures_be_read() {
        let f32 = costs(Provider::OpenVino, Precision::F32);
        let of = |mb: u64, px: u64| memory(mb).canvas_beside(&f32, px * PREPARED_PX);
        assert_eq!((of(400, 1_000_000), of(5000, 1_000_000)), (SMALL_CANVAS, MOST_CANVAS));
        let usual = [1_000_000, 8_700_000, 20_000_000, 30_000_000].map(|px| of(600, px));
        assert!(usual[0] >= 1312 * 736 && usual[0] == usual[1], "{usual:?}");
        assert!(usual[2] < usual[0] && usual[3] <= SMALL_CANVAS, "{usual:?}");
        let pictures = |mb: u64| Memory::for_pictures(mb * MB, mb * MB / 25).unwrap().alone;
        let alone = [400, 600, 1200].map(|mb| pictures(mb) / PREPARED_PX / 1_000_000);
        assert!(alone[0] >= 10 && alone[1] >= 35 && alone[2] >= 100, "{alone:?} megapixels");
    }

    #[test]
    fn what_finds_lines_has_room_beside_any_picture_and_beside_what_reads_them_for_usual_ones() {
        for provider in [Provider::Cpu, Provider::OpenVino, Provider::Cuda] {
            for precision in [Precision::F32, Precision::Bf16] {
                let costs = costs(provider, precision);
                for mb in [400, 600, 1200, 4000] {
                    let kept = mb * MB / 25;
                    let ForPictures { together, alone, .. } = Memory::for_pictures(mb * MB, kept).unwrap();
                    let with = |bytes: u64| {
                        let memory = Memory::new(mb * MB, kept, Arc::new(move || bytes + kept));
                        let px = memory.canvas_beside(&costs, bytes);
                        (costs.detector(px) + Costs::input(px), memory.session_room(&costs))
                    };
                    let name = format!("{provider} {precision:?} {mb} MiB");
                    let (detector, room) = with(alone);
                    assert!(detector.max(costs.recogniser) <= room + 10 * MB, "{name}: {detector} of {room}");
                    let (detector, room) = with(together);
                    assert!(mb == 400 || detector + costs.recogniser + costs.angle <= room, "{name}");
                }
            }
        }
    }

    #[test]
    fn the_small_profile_has_room_for_20_megapixels_that_are_read_as_they_are() {
        let ForPictures { alone, decoding, .. } = Memory::for_pictures(400 * MB, 15 * MB).unwrap();
        assert!(20_000_000 * 9 < decoding, "a progressive JPEG, colour as dense as light");
        let plain = ReadOptions::default();
        for size in [(5472, 3648), (3888, 5184), (6000, 4000)] {
            assert!(reading_bytes(size, &plain, false) <= alone, "{size:?}");
        }
        let bytes = |options: &ReadOptions, kept| reading_bytes((5472, 3648), options, kept);
        let (deskew, fine) = (ReadOptions { deskew: true, ..plain }, ReadOptions { max_side: 4000, ..plain });
        assert!(bytes(&fine, false) > bytes(&plain, false) + 40 * MB, "the copy counts if it is large");
        assert!(bytes(&plain, true) > alone && bytes(&deskew, false) > alone);
        let both = ReadOptions { contrast: true, ..deskew };
        assert!(bytes(&both, false) == bytes(&deskew, false) && bytes(&both, true) > bytes(&deskew, true));
    }

    #[test]
    fn what_one_picture_needs_is_said_where_there_is_less() {
        let error = Memory::for_pictures(300 * MB, 40 * MB).unwrap_err().to_string();
        assert!(error.starts_with("300 MiB are too little"), "{error}");
        let least = error.rsplit_once("at least ").and_then(|(_, rest)| rest.split(' ').next()).unwrap();
        let least: u64 = least.parse().unwrap();
        assert!(Memory::for_pictures(least * MB, 40 * MB).is_ok(), "{error}");
        assert!(Memory::for_pictures((least - 1) * MB, 40 * MB).is_err());
    }
}
