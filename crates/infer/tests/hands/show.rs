//! A client of the service, whose pictures come at times that the test chooses.

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use sightwire_frame::Image;
use sightwire_frame::header::Limits;
use sightwire_hands::label::Label;
use sightwire_hands::shape::Shape;
use sightwire_hands::watch::{Sight, WatchOptions};
use sightwire_infer::clip::scheduler::Verdict;
use sightwire_infer::landmarks::{HandClient, HandService, HandServiceOptions, HandSight};
use sightwire_infer::sender::{Frame, Payload, Prediction};

use crate::drawn::{Drawn, draw};
use crate::{model, networks};

pub const WIDTH: u32 = 640;
pub const HEIGHT: u32 = 480;

/// As usual, with arming; no client sends too much.
pub fn options() -> HandServiceOptions {
    HandServiceOptions {
        limits: Limits { max_bytes: 10 << 20, max_pixels: 40_000_000, max_side: 16_384 },
        max_fps: 1000.0,
        idle_release: Duration::from_secs(60),
        watch: WatchOptions::default(),
    }
}

/// With the model of drawn hands.
pub fn service() -> HandService {
    HandService::start(model::model(), model::engine(), options()).unwrap()
}

/// The same with one that finds drawn shoulders.
pub fn service_with_shoulders() -> HandService {
    HandService::start(model::model_with(&networks::body()), model::engine(), options()).unwrap()
}

/// A client that is shown pictures.
pub struct Show {
    client: HandClient,
    told: mpsc::Receiver<Arc<Prediction>>,
    /// When its next picture comes.
    at: Instant,
    every: Duration,
    /// What was said, once each time that it began, and the motions.
    pub said: Vec<&'static str>,
    /// Pictures in which palms were looked for.
    pub looked: usize,
}

impl Show {
    /// With 30 pictures a second.
    pub fn new(service: &HandService) -> Self {
        let (sender, told) = mpsc::channel();
        let client = service.join(Box::new(move |prediction| drop(sender.send(prediction.clone()))));
        let every = Duration::from_secs(1) / 30;
        Self { client, told, at: Instant::now(), every, said: Vec::new(), looked: 0 }
    }

    /// With this many pictures a second.
    pub fn at_rate(service: &HandService, rate: u32) -> Self {
        Self { every: Duration::from_secs(1) / rate, ..Self::new(service) }
    }

    fn told(&mut self) -> HandSight {
        let prediction = self.told.recv_timeout(Duration::from_secs(20)).expect("the picture was looked at");
        let sight = prediction.sight.as_deref().expect("hands").clone();
        let name = sight.sight.said.map(|said| {
            assert_eq!(said.label.index(), prediction.label);
            said.label.name()
        });
        if self.said.last().copied().unwrap_or("none") != name.unwrap_or("none") {
            self.said.push(name.unwrap_or("none"));
        }
        self.looked += usize::from(sight.sight.looked);
        sight
    }

    /// Shows a picture; what was seen in it.
    pub fn picture(&mut self, image: Image) -> HandSight {
        self.at += self.every;
        assert_eq!(self.client.push_picture(Arc::new(image), self.at), Verdict::Queued);
        self.told()
    }

    /// The same with a file, as old clients send them.
    pub fn file(&mut self, payload: Payload) -> HandSight {
        self.push(payload);
        self.told()
    }

    /// Hands a file in, and waits for nothing.
    pub fn push(&mut self, payload: Payload) {
        self.at += self.every;
        let frame = Frame { payload, arrived: self.at, id: Some(7) };
        assert_eq!(self.client.push(frame).0, Verdict::Queued);
    }

    pub fn hands(&mut self, hands: &[Drawn]) -> Sight {
        self.picture(draw(hands, WIDTH, HEIGHT)).sight
    }

    /// A hand that stays for this long; what was seen last.
    pub fn holds(&mut self, hand: Drawn, time: Duration) -> Sight {
        let until = self.at + time;
        let mut sight = Sight::default();
        while self.at < until {
            sight = self.hands(&[hand]);
        }
        sight
    }

    /// A hand that goes this many palm lengths in this time, as an arm does: it speeds up and slows down. Where it is then.
    pub fn moves(&mut self, hand: Drawn, way: [f32; 2], time: Duration) -> Drawn {
        let steps = (time.as_secs_f32() / self.every.as_secs_f32()).round();
        for step in 1..=steps as u16 {
            let share = f32::from(step) / steps;
            let share = share.powi(3) * (10.0 - 15.0 * share + 6.0 * share * share);
            self.hands(&[hand.moved(way[0] * share, way[1] * share)]);
        }
        hand.moved(way[0], way[1])
    }

    /// The motions among what was said.
    pub fn strokes(&self) -> Vec<&'static str> {
        let stroke = |name: &&'static str| {
            Label::all_labels().any(|label| matches!(label, Label::Stroke(stroke) if stroke.name() == *name))
        };
        self.said.iter().copied().filter(|name| stroke(name)).collect()
    }
}

/// An open palm in the middle of the picture.
pub fn palm() -> Drawn {
    Drawn::new(Shape::OpenPalm, [330.0, 270.0], 80.0)
}
