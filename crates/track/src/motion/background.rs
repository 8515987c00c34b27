//! What is there when nothing moves: for each place a mean and a variance, of light that may change as a whole.

use super::MotionOptions;
use super::copy::Copy;

/// Standard deviation of a place of which little is known yet, and the least that is assumed, grey levels.
const FIRST_DEVIATION: f32 = 4.0;
const LEAST_DEVIATION: f32 = 1.0;
/// Places darker than this say nothing of the light.
const DARK: f32 = 16.0;
/// Step between the places at which the light is looked at.
const LIGHT_STEP: usize = 13;
/// Blue and red are noisier than grey, and coarser in a JPEG: a difference of theirs counts as this share of itself.
const COLOUR: f32 = 0.75;
/// Light that changes by less is the same, to within what the median of a noisy picture strays.
const SAME_LIGHT: f32 = 0.012;
/// A change of the light is never quite the same everywhere: this share of it is tolerated when it happens.
const UNEVEN_LIGHT: f32 = 0.5;
/// How fast what may be a new background follows its pixels.
const CANDIDATE_RATE: f32 = 0.1;
/// What was the background before something came to rest there is remembered for about this time, s.
const REMEMBERED_S: f32 = 600.0;
/// In the first seconds little is old: what was there for half of the time so far, and for this long, s, is background.
const FIRST_REST_S: f32 = 2.0;

/// The model. All planes have the size of the copy.
#[derive(Debug, Default)]
pub(super) struct Background {
    pub(super) mean: Vec<f32>,
    variance: Vec<f32>,
    pub(super) blue: Vec<f32>,
    pub(super) red: Vec<f32>,
    /// What stands there now, where it is not the background, and for how long it has, s.
    candidate: Vec<f32>,
    pub(super) rest_s: Vec<f32>,
    /// What was the background before that came to rest; NaN where nothing did.
    before: Vec<f32>,
    before_blue: Vec<f32>,
    before_red: Vec<f32>,
    /// How far each place is from the background, in what is tolerated there; 0 within that.
    pub(super) contrast: Vec<f32>,
    ratios: Vec<f32>,
    forget_row: f32,
}

impl Background {
    /// The first picture, of a new size.
    pub(super) fn begin_picture(&mut self, copy: &Copy) {
        let size = copy.grey.len();
        let planes = [
            &mut self.variance,
            &mut self.candidate,
            &mut self.rest_s,
            &mut self.before,
            &mut self.before_blue,
            &mut self.before_red,
            &mut self.contrast,
        ];
        for plane in planes {
            plane.clear();
            plane.resize(size, 0.0);
        }
        self.before.fill(f32::NAN);
        self.variance.fill(FIRST_DEVIATION * FIRST_DEVIATION);
        for (plane, from) in
            [(&mut self.mean, &copy.grey), (&mut self.blue, &copy.blue), (&mut self.red, &copy.red)]
        {
            plane.clear();
            plane.extend_from_slice(from);
        }
    }

    /// Takes the picture into the mean as a share `rate` of it.
    pub(super) fn learn(&mut self, copy: &Copy, rate: f32) {
        for (plane, from) in
            [(&mut self.mean, &copy.grey), (&mut self.blue, &copy.blue), (&mut self.red, &copy.red)]
        {
            for (mean, value) in plane.iter_mut().zip(from) {
                *mean += rate * (value - *mean);
            }
        }
    }

    /// By how much the light has changed as a whole: the median of all ratios, so that it takes half of the picture to
    /// mistake an object for light. `None` where it is the same.
    pub(super) fn light_change(&mut self, copy: &Copy) -> Option<f32> {
        self.ratios.clear();
        let places = self.mean.iter().zip(&copy.grey).step_by(LIGHT_STEP);
        self.ratios.extend(places.filter(|(mean, _)| **mean > DARK).map(|(mean, grey)| grey / mean));
        // Too dark a picture has no light to speak of.
        if self.ratios.len() * LIGHT_STEP * 4 < self.mean.len() {
            return None;
        }
        let middle = self.ratios.len() / 2;
        let (_, median, _) = self.ratios.select_nth_unstable_by(middle, f32::total_cmp);
        let light = median.clamp(0.1, 10.0);
        ((light - 1.0).abs() >= SAME_LIGHT).then_some(light)
    }

    /// Adapts to the light, sets `contrast`, and returns the number of places that are not background, however uneven the
    /// light may be.
    pub(super) fn compare(&mut self, copy: &Copy, light: Option<f32>, options: &MotionOptions) -> usize {
        if let Some(light) = light {
            let known = [&mut self.mean, &mut self.blue, &mut self.red];
            let before = [&mut self.before, &mut self.before_blue, &mut self.before_red];
            for value in known.into_iter().chain(before).flatten() {
                // Not `min`, which would make a number of what is none.
                let lit = *value * light;
                *value = if lit > 255.0 { 255.0 } else { lit };
            }
        }
        raise_contrast(&copy.grey, &self.mean, 1.0, &mut self.contrast);
        raise_contrast(&copy.blue, &self.blue, COLOUR, &mut self.contrast);
        raise_contrast(&copy.red, &self.red, COLOUR, &mut self.contrast);
        let uneven = light.map_or(0.0, |light| UNEVEN_LIGHT * (light - 1.0).abs().min(1.0));
        let mut changed = 0.0;
        for ((contrast, mean), variance) in self.contrast.iter_mut().zip(&self.mean).zip(&self.variance) {
            let limit = options.contrast.max(options.deviations * variance.sqrt());
            changed += if *contrast > limit { 1.0 } else { 0.0 };
            let relative = *contrast / (limit + uneven * mean);
            *contrast = if relative > 1.0 { relative } else { 0.0 };
        }
        changed as usize
    }

    /// Takes one place for background as it is now.
    pub(super) fn accept_place(&mut self, copy: &Copy, index: usize) {
        self.mean[index] = copy.grey[index];
        self.blue[index] = copy.blue[index];
        self.red[index] = copy.red[index];
        self.contrast[index] = 0.0;
        self.rest_s[index] = 0.0;
    }

    /// Follows the picture where it is background, and what has come to rest where it is not. `rate` is the share of the
    /// picture in the new mean, `elapsed_s` the time since the last one, `age_s` that since the beginning.
    pub(super) fn follow(
        &mut self,
        copy: &Copy,
        rate: f32,
        elapsed_s: f32,
        age_s: f32,
        options: &MotionOptions,
    ) {
        let absorb_s = options.absorb.as_secs_f32().min((age_s / 2.0).max(FIRST_REST_S));
        let size = copy.grey.len();
        track_mean(&self.contrast, rate, &copy.grey, &mut self.mean, Some(&mut self.variance));
        track_mean(&self.contrast, rate, &copy.blue, &mut self.blue, None);
        track_mean(&self.contrast, rate, &copy.red, &mut self.red, None);
        for (rest_s, contrast) in self.rest_s.iter_mut().zip(&self.contrast) {
            *rest_s = if *contrast == 0.0 { 0.0 } else { *rest_s };
        }
        let contrast = &self.contrast;
        for i in (0..size).filter(|i| contrast[*i] > 0.0) {
            let grey = copy.grey[i];
            let returned = (grey - self.before[i]).abs() <= options.contrast
                && COLOUR * (copy.blue[i] - self.before_blue[i]).abs() <= options.contrast
                && COLOUR * (copy.red[i] - self.before_red[i]).abs() <= options.contrast;
            if (grey - self.candidate[i]).abs() <= options.contrast {
                self.rest_s[i] += elapsed_s;
                self.candidate[i] += CANDIDATE_RATE * (grey - self.candidate[i]);
            } else {
                self.rest_s[i] = 0.0;
                self.candidate[i] = grey;
            }
            if returned || self.rest_s[i] >= absorb_s {
                (self.before_blue[i], self.before_red[i]) = (self.blue[i], self.red[i]);
                self.before[i] = if returned { f32::NAN } else { self.mean[i] };
                self.mean[i] = if returned { grey } else { self.candidate[i] };
                (self.blue[i], self.red[i]) = (copy.blue[i], copy.red[i]);
                self.variance[i] = FIRST_DEVIATION * FIRST_DEVIATION;
                self.rest_s[i] = 0.0;
            }
        }
        self.forget_rows(copy.width, copy.height, elapsed_s);
    }

    /// What stood where a car is now parked for an hour is not background any more: a row after the other is forgotten.
    fn forget_rows(&mut self, width: usize, height: usize, elapsed_s: f32) {
        let rows = height as f32;
        let from = self.forget_row.min(rows) as usize;
        self.forget_row += rows * (elapsed_s / REMEMBERED_S).min(1.0);
        let to = self.forget_row.min(rows) as usize;
        self.before[from * width..to * width].fill(f32::NAN);
        if self.forget_row >= rows {
            self.forget_row = 0.0;
        }
    }
}

/// Raises `contrast` to the difference of the picture from the mean, a `weight` of it; sets it where that is 1.
fn raise_contrast(from: &[f32], mean: &[f32], weight: f32, contrast: &mut [f32]) {
    for ((contrast, value), mean) in contrast.iter_mut().zip(from).zip(mean) {
        let away = weight * (value - mean).abs();
        let least = if weight < 1.0 { *contrast } else { 0.0 };
        *contrast = if away > least { away } else { least };
    }
}

/// Takes a share `rate` of the picture into the mean, and what it strays into the variance, where it is background. A
/// function of its own so that the compiler knows the planes apart, and works on several places at once.
fn track_mean(contrast: &[f32], rate: f32, from: &[f32], mean: &mut [f32], variance: Option<&mut Vec<f32>>) {
    let share = |contrast: f32| if contrast == 0.0 { rate } else { 0.0 };
    if let Some(variance) = variance {
        let places = variance.iter_mut().zip(mean.iter()).zip(from).zip(contrast);
        for (((variance, mean), value), contrast) in places {
            let away = value - mean;
            let tracked = *variance + share(*contrast) * (away * away - *variance);
            *variance = tracked.max(LEAST_DEVIATION * LEAST_DEVIATION);
        }
    }
    for ((mean, value), contrast) in mean.iter_mut().zip(from).zip(contrast) {
        *mean += share(*contrast) * (value - *mean);
    }
}
