//! Generated sequences: objects that move, hide and leave, a camera that is not punctual, a detector that errs.

use std::f32::consts::TAU;
use std::time::{Duration, Instant};

use sightwire_frame::boxes::{Detection, Rect};

use super::metrics::Boxes;

pub const WIDTH: f32 = 1280.0;
pub const HEIGHT: f32 = 720.0;

/// Numbers that are the same in every run (Steele et al. 2014, "`SplitMix`").
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.next() >> 40) as f32 / (1_u32 << 24) as f32)
    }

    pub fn chance(&mut self, share: f32) -> bool {
        self.uniform(0.0, 1.0) < share
    }

    /// Mean 0, standard deviation 1.
    fn normal(&mut self) -> f32 {
        let (a, b) = (self.uniform(1e-7, 1.0), self.uniform(0.0, 1.0));
        (-2.0 * a.ln()).sqrt() * (TAU * b).cos()
    }
}

/// How an object's foot goes through the picture.
#[derive(Clone, Copy)]
pub enum Path {
    /// From a point at a speed in pixels a second.
    Line { from: (f32, f32), speed: (f32, f32) },
    /// Round a point, at this many radians a second.
    Circle { centre: (f32, f32), radius: (f32, f32), phase: f32, turn: f32 },
}

#[derive(Clone)]
pub struct Mover {
    pub id: u64,
    pub class: usize,
    pub path: Path,
    /// Width and height in pixels.
    pub size: (f32, f32),
    /// Height's growth per pixel that the foot is below the picture's middle (perspective).
    pub perspective: f32,
    /// Seconds of the sequence in which it exists.
    pub from: f32,
    pub until: f32,
}

impl Mover {
    fn rect(&self, time: f32) -> Rect {
        let time = time - self.from;
        let (x, y) = match self.path {
            Path::Line { from, speed } => (from.0 + speed.0 * time, from.1 + speed.1 * time),
            Path::Circle { centre, radius, phase, turn } => {
                let angle = phase + turn * time;
                (centre.0 + radius.0 * angle.cos(), centre.1 + radius.1 * angle.sin())
            }
        };
        let scale = (1.0 + self.perspective * (y - HEIGHT / 2.0)).max(0.2);
        let (width, height) = (self.size.0 * scale, self.size.1 * scale);
        Rect { left: x - width / 2.0, top: y - height, right: x + width / 2.0, bottom: y }
    }
}

#[derive(Clone, Copy)]
pub struct Faults {
    /// Share of visible objects that are not found at all.
    pub misses: f32,
    /// Share of those found that get a low confidence for no reason.
    pub unsure: f32,
    /// False boxes in an analysis, on average.
    pub false_boxes: f32,
    /// Standard deviation of each edge, as a share of the box's side.
    pub jitter: f32,
    /// Share of detections with the wrong class.
    pub wrong_class: f32,
}

/// When pictures come and which are analysed.
#[derive(Clone, Copy)]
pub struct Pace {
    pub camera_fps: f32,
    /// Seconds that an analysis takes; the next one takes the newest picture then.
    pub busy: (f32, f32),
    /// One of this many pictures may be analysed.
    pub skip_frames: usize,
}

#[derive(Clone)]
pub struct Scene {
    pub movers: Vec<Mover>,
    /// Things that hide what is behind them: all that stands no lower in the picture.
    pub pillars: Vec<Rect>,
    pub faults: Faults,
    pub pace: Pace,
    pub seconds: f32,
}

/// One picture of a sequence.
pub struct Picture {
    pub at: Instant,
    pub truth: Boxes,
    /// What the detector found, where it looked at this picture.
    pub detections: Option<Vec<Detection>>,
}

impl Scene {
    pub fn play(&self, seed: u64) -> Vec<Picture> {
        let mut random = Random(seed);
        let start = Instant::now();
        let (mut free, mut next) = (0.0, 0);
        let count = (self.seconds * self.pace.camera_fps) as usize;
        (0..count)
            .map(|index| {
                let time = (index as f32 + random.uniform(0.0, 0.2)) / self.pace.camera_fps;
                let seen = self.seen(time);
                let analysed = time >= free && index >= next;
                if analysed {
                    free = time + random.uniform(self.pace.busy.0, self.pace.busy.1);
                    next = index + self.pace.skip_frames;
                }
                Picture {
                    at: start + Duration::from_secs_f32(time),
                    detections: analysed.then(|| self.detect(&seen, &mut random)),
                    truth: seen.iter().map(|(mover, rect, _)| (mover.id, *rect)).collect(),
                }
            })
            .collect()
    }

    /// Everyone in the picture, with the part of the box that lies in it and the share of that which nothing hides.
    fn seen(&self, time: f32) -> Vec<(&Mover, Rect, f32)> {
        let mut there: Vec<(&Mover, Rect)> = Vec::new();
        for mover in self.movers.iter().filter(|mover| (mover.from..mover.until).contains(&time)) {
            let whole = mover.rect(time);
            let rect = whole.clamp_to(WIDTH as u32, HEIGHT as u32);
            if rect.area() >= 0.3 * whole.area() {
                there.push((mover, rect));
            }
        }
        let share = |at: usize| {
            let (mover, rect) = there[at];
            let before = |other: &Rect| other.bottom > rect.bottom;
            let hiding: Vec<Rect> = self
                .pillars
                .iter()
                .copied()
                .filter(before)
                .chain(
                    there.iter().filter(|other| other.0.id != mover.id).map(|other| other.1).filter(before),
                )
                .collect();
            let mut open = 0;
            for step in 0..200 {
                let x = rect.left + rect.width() * ((step % 10) as f32 + 0.5) / 10.0;
                let y = rect.top + rect.height() * ((step / 10) as f32 + 0.5) / 20.0;
                let inside = |h: &Rect| h.left <= x && x < h.right && h.top <= y && y < h.bottom;
                open += u32::from(!hiding.iter().any(inside));
            }
            open as f32 / 200.0
        };
        (0..there.len()).map(|at| (there[at].0, there[at].1, share(at))).collect()
    }

    fn detect(&self, seen: &[(&Mover, Rect, f32)], random: &mut Random) -> Vec<Detection> {
        let faults = self.faults;
        let mut detections = Vec::new();
        for &(mover, rect, visible) in seen {
            if visible < 0.3 || random.chance(faults.misses) {
                continue;
            }
            // Half hidden: less sure, and less exact.
            let (confidence, jitter) = if visible < 0.7 {
                (random.uniform(0.12, 0.48), faults.jitter * 2.0)
            } else if random.chance(faults.unsure) {
                (random.uniform(0.12, 0.48), faults.jitter)
            } else {
                (random.uniform(0.62, 0.95), faults.jitter)
            };
            let (width, height) = (rect.width() * jitter, rect.height() * jitter);
            let class = if random.chance(faults.wrong_class) { mover.class + 1 } else { mover.class };
            let rect = Rect {
                left: rect.left + width * random.normal(),
                top: rect.top + height * random.normal(),
                right: rect.right + width * random.normal(),
                bottom: rect.bottom + height * random.normal(),
            };
            detections.push(Detection { rect, class, confidence });
        }
        let mut expected = faults.false_boxes;
        while random.chance(expected.min(0.5)) {
            expected -= 0.5;
            let (x, y) = (random.uniform(0.0, WIDTH), random.uniform(0.0, HEIGHT));
            let height = random.uniform(60.0, 250.0);
            let width = height * random.uniform(0.4, 2.0);
            let confidence = random.uniform(0.1, 0.75);
            let rect = Rect { left: x, top: y, right: x + width, bottom: y + height };
            detections.push(Detection { rect, class: 0, confidence });
        }
        detections
    }
}

pub const USUAL: Faults =
    Faults { misses: 0.10, unsure: 0.12, false_boxes: 0.4, jitter: 0.02, wrong_class: 0.0 };
pub const EVERY_FRAME_25: Pace = Pace { camera_fps: 25.0, busy: (0.0, 0.0), skip_frames: 1 };
/// A camera at 25 fps and a detector that manages about 8.
pub const IRREGULAR_25: Pace = Pace { camera_fps: 25.0, busy: (0.06, 0.17), skip_frames: 1 };
/// The least that the protocol's defaults give: a camera at 10 fps, every other frame analysed.
pub const SKIPPING_10: Pace = Pace { camera_fps: 10.0, busy: (0.05, 0.22), skip_frames: 2 };

/// People who cross the picture from both sides at different depths, coming and going.
pub fn street(random: &mut Random, pace: Pace) -> Scene {
    let mut movers = Vec::new();
    for id in 1..=24 {
        let foot = random.uniform(360.0, 700.0);
        let height = 90.0 + (foot - 360.0) * 0.35;
        let right = random.chance(0.5);
        let speed = height * random.uniform(0.5, 1.1) * if right { 1.0 } else { -1.0 };
        let from = random.uniform(0.0, 20.0);
        movers.push(Mover {
            id,
            class: 0,
            path: Path::Line {
                from: (if right { -height * 0.2 } else { WIDTH + height * 0.2 }, foot),
                speed: (speed, random.uniform(-6.0, 6.0)),
            },
            size: (height * 0.4, height),
            perspective: 0.0,
            from,
            until: from + (WIDTH + height * 0.4) / speed.abs(),
        });
    }
    Scene { movers, pillars: Vec::new(), faults: USUAL, pace, seconds: 25.0 }
}

/// Pairs who walk towards each other and pass, one hiding the other.
pub fn crossings(random: &mut Random, pace: Pace) -> Scene {
    let mut movers = Vec::new();
    for pair in 0..8_u64 {
        let foot = random.uniform(420.0, 660.0);
        let height = random.uniform(130.0, 190.0);
        let meet = random.uniform(300.0, 980.0);
        let from = pair as f32 * 2.2;
        for side in 0..2_u64 {
            let way = if side == 0 { 1.0 } else { -1.0 };
            let height = height * random.uniform(0.92, 1.08);
            let speed = height * random.uniform(0.7, 1.1);
            movers.push(Mover {
                id: pair * 2 + side + 1,
                class: 0,
                path: Path::Line {
                    from: (meet - way * speed * 2.5, foot + random.uniform(-25.0, 25.0)),
                    speed: (way * speed, 0.0),
                },
                size: (height * 0.4, height),
                perspective: 0.0,
                from,
                until: from + 30.0,
            });
        }
    }
    Scene { movers, pillars: Vec::new(), faults: USUAL, pace, seconds: 24.0 }
}

/// People who walk behind pillars and are out of sight for up to 0.8 s each time.
pub fn pillars(random: &mut Random, pace: Pace) -> Scene {
    let mut scene = street(random, pace);
    scene.movers.truncate(14);
    let pillar = |x: f32, width: f32| Rect { left: x, top: 0.0, right: x + width, bottom: HEIGHT };
    scene.pillars = vec![pillar(260.0, 70.0), pillar(620.0, 90.0), pillar(980.0, 60.0)];
    for mover in &mut scene.movers {
        // From when too little is seen to be found (0.3) until enough is seen to be found surely (0.7), somebody walks
        // as far as the pillar is wide.
        if let Path::Line { speed, .. } = &mut mover.path {
            speed.0 = speed.0.abs().max(90.0 / 0.8) * speed.0.signum();
        }
    }
    scene.faults.misses = 0.15;
    scene
}

/// Cars that turn, others that stand, with perspective.
pub fn car_park(random: &mut Random, pace: Pace) -> Scene {
    let mut movers = Vec::new();
    for id in 1..=6_u64 {
        let height = random.uniform(70.0, 100.0);
        movers.push(Mover {
            id,
            class: 2,
            path: Path::Circle {
                centre: (random.uniform(450.0, 830.0), random.uniform(380.0, 480.0)),
                radius: (random.uniform(220.0, 380.0), random.uniform(90.0, 170.0)),
                phase: random.uniform(0.0, TAU),
                turn: random.uniform(0.35, 0.7) * if random.chance(0.5) { 1.0 } else { -1.0 },
            },
            size: (height * 2.0, height),
            perspective: 0.0015,
            from: id as f32 * 0.7,
            until: 18.0 + id as f32,
        });
    }
    for id in 7..=10_u64 {
        movers.push(Mover {
            id,
            class: 2,
            path: Path::Line { from: (150.0 + 320.0 * (id - 7) as f32, 230.0), speed: (0.0, 0.0) },
            size: (150.0, 70.0),
            perspective: 0.0,
            from: 0.0,
            until: 25.0,
        });
    }
    let faults = Faults { misses: 0.20, unsure: 0.15, wrong_class: 0.15, ..USUAL };
    Scene { movers, pillars: Vec::new(), faults, pace, seconds: 22.0 }
}
