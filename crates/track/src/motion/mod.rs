//! Detection without a network: whatever differs from what is usually there.
//!
//! - `copy`: a small copy of the picture, which bounds the cost
//! - `background`: what is usually there, for each place of the copy
//! - `shadow`: what is only darker
//! - `blobs`: from changed places to things
//! - `ghost`: what is only gone
//!
//! It knows no classes, sees nothing in a single picture, and needs a camera that stands still.

mod background;
mod blobs;
mod copy;
mod ghost;
mod shadow;

use std::time::{Duration, Instant};

use sightwire_frame::Image;
use sightwire_frame::boxes::{Detection, Rect};

use background::Background;
use blobs::{Blob, Blobs};
use copy::Copy;
use shadow::Shadows;

/// Labels by class: whatever moves is of the only one.
pub const LABELS: [&str; 1] = ["motion"];

/// What counts as motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotionOptions {
    /// The longest side of the copy that is looked at, px.
    pub max_side: u32,
    /// A place has changed only if it differs by more than this many grey levels (of 255).
    pub contrast: f32,
    /// A place has changed only if it differs by more than this many standard deviations of what it usually is.
    pub deviations: f32,
    /// The least that is a thing, as a share of the picture.
    pub min_area: f32,
    /// Things nearer to each other than this share of the longest side are one.
    pub near: f32,
    /// Whether shadows are told from things.
    pub shadows: bool,
    /// How long the background takes to follow slow changes.
    pub adapt: Duration,
    /// What has come to rest becomes background after this time (and does so sooner in the first seconds).
    pub absorb: Duration,
    /// At the beginning, and after the whole picture has changed, nothing is found for this long.
    pub learn: Duration,
    /// The picture has changed as a whole where more than this share of its places has.
    pub whole: f32,
    /// After this time without a picture it begins anew.
    pub pause: Duration,
    /// Things of a picture at most, the surest.
    pub max_boxes: usize,
}

impl Default for MotionOptions {
    fn default() -> Self {
        Self {
            max_side: 320,
            contrast: 12.0,
            deviations: 4.5,
            min_area: 0.000_8,
            near: 0.012,
            shadows: true,
            adapt: Duration::from_secs(10),
            absorb: Duration::from_secs(30),
            learn: Duration::from_secs(1),
            whole: 0.5,
            pause: Duration::from_secs(60),
            max_boxes: 50,
        }
    }
}

impl MotionOptions {
    /// To tell whether it is worth looking at a picture at all: a smaller copy, and shadows count.
    #[must_use]
    pub fn for_gate() -> Self {
        Self { max_side: 160, shadows: false, min_area: 0.000_4, ..Self::default() }
    }
}

/// A change of the light by more than this share is followed by unrest.
const LIGHT_STEP: f32 = 0.05;
/// Unrest after a change of the light lasts this long: lamps warm up, cameras adjust.
const UNREST: Duration = Duration::from_millis(800);
/// Pictures that the background is made of at least.
const MIN_LEARNED: u32 = 3;
/// The background never follows a single picture by more.
const MAX_RATE: f32 = 0.5;

/// Finds what moves in the pictures of one camera.
#[derive(Debug)]
pub struct Motion {
    options: MotionOptions,
    copy: Copy,
    background: Background,
    shadows: Shadows,
    blobs: Blobs,
    /// `None` before the first picture.
    state: Option<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    size: (u32, u32),
    last: Instant,
    /// When the background was begun.
    begun: Instant,
    /// Of how many pictures the background is made so far; `None` once there is one.
    learned: Option<u32>,
    light_changed: Option<Instant>,
}

impl Motion {
    /// Nothing is known of the background yet.
    pub fn new(options: MotionOptions) -> Self {
        Self {
            options,
            copy: Copy::default(),
            background: Background::default(),
            shadows: Shadows::default(),
            blobs: Blobs::default(),
            state: None,
        }
    }

    /// What moves in the next picture, taken at `now`: the surest first; class 0; how sure says how much it stands out. A
    /// picture of another size, or after a long pause, begins anew.
    pub fn update(&mut self, now: Instant, image: &Image) -> Vec<Detection> {
        if !self.compare_picture(now, image) {
            return Vec::new();
        }
        let blobs = self.find_blobs();
        let mut found: Vec<Detection> = blobs.iter().map(|blob| self.to_detection(blob, image)).collect();
        found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        found.truncate(self.options.max_boxes);
        found
    }

    /// As [`Motion::update`], for who wants to know only whether there is something. Yes while the background is learned.
    /// Each picture goes to one of the two.
    pub fn is_moving(&mut self, now: Instant, image: &Image) -> bool {
        !self.compare_picture(now, image) || !self.find_blobs().is_empty()
    }

    /// Whether nothing is known of the background yet, or any more.
    pub fn is_learning(&self) -> bool {
        self.state.is_none_or(|state| state.learned.is_some())
    }

    /// Compares a picture with the background, and adapts that. False while there is none.
    fn compare_picture(&mut self, now: Instant, image: &Image) -> bool {
        if image.is_empty() {
            return false;
        }
        let options = self.options;
        self.copy.copy_image(image, options.max_side);
        let size = (image.width(), image.height());
        let known = self
            .state
            .filter(|state| state.size == size && now.saturating_duration_since(state.last) <= options.pause);
        let Some(mut state) = known else {
            self.background.begin_picture(&self.copy);
            self.state = Some(State { size, last: now, begun: now, learned: Some(1), light_changed: None });
            return false;
        };
        let elapsed = now.saturating_duration_since(state.last);
        let age = now.saturating_duration_since(state.begun);
        state.last = now;
        let ready = self.compare_background(now, elapsed, age, &mut state);
        self.state = Some(state);
        ready
    }

    fn compare_background(
        &mut self,
        now: Instant,
        elapsed: Duration,
        age: Duration,
        state: &mut State,
    ) -> bool {
        let options = self.options;
        let light = self.background.light_change(&self.copy);
        let other_light = light.is_some_and(|light| (light - 1.0).abs() > LIGHT_STEP);
        if other_light {
            state.light_changed = Some(now);
        }
        let changed = self.background.compare(&self.copy, light, &options);
        // With another light half of that says that it is another picture, or that the light is not the same everywhere.
        let whole = if other_light { options.whole / 2.0 } else { options.whole };
        if changed as f32 > whole * self.copy.grey.len() as f32 {
            self.background.begin_picture(&self.copy);
            (state.begun, state.learned) = (now, Some(1));
            return false;
        }
        if let Some(count) = &mut state.learned {
            *count += 1;
            self.background.learn(&self.copy, 1.0 / *count as f32);
            if age >= options.learn && *count >= MIN_LEARNED {
                state.learned = None;
            }
            return false;
        }
        let unrest =
            state.light_changed.is_some_and(|changed| now.saturating_duration_since(changed) < UNREST);
        if options.shadows || unrest {
            self.shadows.remove(&self.copy, &mut self.background, unrest);
        }
        let elapsed_s = elapsed.as_secs_f32();
        let rate = 1.0 - (-elapsed_s / options.adapt.as_secs_f32().max(0.1)).exp();
        let rate = rate.min(MAX_RATE);
        self.background.follow(&self.copy, rate, elapsed_s, age.as_secs_f32(), &options);
        true
    }

    fn find_blobs(&mut self) -> Vec<Blob> {
        let (width, size) = (self.copy.width, self.copy.grey.len());
        let min_area = (self.options.min_area * size as f32).ceil().max(1.0) as usize;
        let near = (self.options.near * self.copy.width.max(self.copy.height) as f32).round() as usize;
        let mut found = self.blobs.find_parts(&self.background.contrast, width, min_area);
        let places = self.blobs.places();
        found.retain(|part| {
            let gone = ghost::is_ghost(&self.copy, &self.background, places, part);
            if gone {
                ghost::accept_ghost(&self.copy, &mut self.background, places, part);
            }
            !gone
        });
        blobs::merge_blobs(&mut found, near, min_area);
        found
    }

    fn to_detection(&self, blob: &Blob, image: &Image) -> Detection {
        let cell = self.copy.cell as f32;
        // Cells that did not fit in whole at the right and below belong to the last ones.
        let edge = |place: usize, cells: usize, side: u32| {
            if place == cells { side as f32 } else { place as f32 * cell }
        };
        let rect = Rect {
            left: edge(blob.left, self.copy.width, image.width()),
            top: edge(blob.top, self.copy.height, image.height()),
            right: edge(blob.right, self.copy.width, image.width()),
            bottom: edge(blob.bottom, self.copy.height, image.height()),
        };
        // 0.5 for what is just tolerated no more, nearing 1.
        let contrast = blob.contrast / blob.area.max(1) as f32;
        let rect = rect.clamp_to(image.width(), image.height());
        Detection { rect, class: 0, confidence: (contrast / (contrast + 1.0)).clamp(0.0, 1.0) }
    }
}

#[cfg(test)]
mod tests;
