//! What looks at the pictures of an analysis: a network here or elsewhere, or what moves.

use std::mem::discriminant;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sightwire_frame::Image;
use sightwire_frame::boxes::Detection;
use sightwire_hub::picture::Picture;
use sightwire_track::{Motion, MotionOptions};

use crate::dependencies::Dependencies;
use crate::detector::{BASE_CONFIDENCE, Model, find_objects};
use crate::remote::FindError;

/// A network that is gated by motion looks at least once in this time.
const GATED_EVERY: Duration = Duration::from_secs(10);
/// Boxes of two classes that overlap this much are one thing; people on horses and things in hands overlap less.
const SAME_THING_IOU: f32 = 0.75;

/// The state of what looks; a network has none but its gate's.
pub(crate) struct Looker {
    model: Model,
    motion: Option<Box<Motion>>,
    options: MotionOptions,
    gated: bool,
    looked: Option<Instant>,
}

impl Looker {
    /// With the model that is at work, once there is one.
    pub(crate) async fn new(deps: &Dependencies) -> Self {
        let (model, gated) = (deps.detector.at_work().await, deps.options.detector.gated);
        let options = motion_options(&model);
        Self { model, motion: None, options, gated, looked: None }
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// Whether another model is at work by now, which looks from now on: one elsewhere that has gone or come back.
    pub(crate) async fn takes_another(&mut self, deps: &Dependencies) -> bool {
        if deps.detector.remote().is_none() {
            return false;
        }
        let model = deps.detector.at_work().await;
        let is_same = discriminant(&model) == discriminant(&self.model);
        if !is_same {
            let options = motion_options(&model);
            *self = Self { model, motion: None, options, gated: self.gated, looked: None };
        }
        !is_same
    }

    /// What is in a picture, whose pixels are `image`; of a model elsewhere, if it says so within that time. `None` where the
    /// gate is closed.
    pub(crate) async fn find_objects(
        &mut self,
        deps: &Dependencies,
        picture: &Picture,
        image: &Arc<Image>,
        within: Duration,
    ) -> Result<Option<Vec<Detection>>, FindError> {
        let now = picture.captured();
        if matches!(self.model, Model::Motion) {
            let detections = self.with_motion(deps, image, move |m, image| m.update(now, image)).await?;
            return Ok(Some(detections));
        }
        if self.gated && !matches!(self.model, Model::Elsewhere(_)) {
            let moving = self.with_motion(deps, image, move |m, image| m.is_moving(now, image)).await?;
            let long_ago = self.looked.is_none_or(|at| now.saturating_duration_since(at) >= GATED_EVERY);
            if !moving && !long_ago {
                return Ok(None);
            }
        }
        let detections = match (&self.model, deps.detector.remote()) {
            (Model::Network(service), _) => {
                find_objects(service, image.clone(), BASE_CONFIDENCE, ()).await?.detections
            }
            (Model::Remote(_), Some(remote)) => {
                let file = Box::pin(async { Ok(picture.jpeg(&*deps.pixels).await?.clone()) });
                let detections = remote.find_objects(&deps.pixels, image, file, within).await?;
                self.model = Model::Remote(remote.known_model());
                detections
            }
            // It looks for itself; none of this process looks with it.
            (Model::Elsewhere(_) | Model::Motion | Model::Remote(_), _) => return Ok(None),
        };
        self.looked = Some(now);
        Ok(Some(without_doubles(detections)))
    }

    async fn with_motion<R: Send + 'static>(
        &mut self,
        deps: &Dependencies,
        image: &Arc<Image>,
        work: impl FnOnce(&mut Motion, &Image) -> R + Send + 'static,
    ) -> Result<R, FindError> {
        let mut motion = self.motion.take().unwrap_or_else(|| Box::new(Motion::new(self.options)));
        let image = image.clone();
        let done = deps.pixels.run(move |_| {
            let result = work(&mut motion, &image);
            (motion, result)
        });
        let (motion, result) = done.await?;
        self.motion = Some(motion);
        Ok(result)
    }
}

fn motion_options(model: &Model) -> MotionOptions {
    match model {
        Model::Motion => MotionOptions::default(),
        Model::Network(_) | Model::Elsewhere(_) | Model::Remote(_) => MotionOptions::for_gate(),
    }
}

/// Detectors suppress overlapping boxes within a class only: one thing may come as a car and as a truck. The surest stays.
fn without_doubles(detections: Vec<Detection>) -> Vec<Detection> {
    let mut kept: Vec<Detection> = Vec::with_capacity(detections.len());
    for detection in detections {
        let double = |other: &Detection| {
            other.class != detection.class && other.rect.iou(&detection.rect) >= SAME_THING_IOU
        };
        if !kept.iter().any(double) {
            kept.push(detection);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use sightwire_frame::boxes::Rect;

    use super::*;

    fn detection(left: f32) -> Detection {
        let rect = Rect { left, top: 0.0, right: left + 40.0, bottom: 40.0 };
        Detection { rect, class: 2, confidence: 0.9 }
    }

    #[test]
    fn one_thing_that_was_found_as_two_is_the_surer_one() {
        let car = detection(100.0);
        let truck = Detection { class: 7, confidence: 0.4, ..detection(102.0) };
        let person = Detection { class: 0, confidence: 0.5, ..detection(120.0) };
        assert_eq!(without_doubles(vec![car, person, truck]), [car, person]);
    }
}
