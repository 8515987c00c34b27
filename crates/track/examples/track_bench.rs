//! Times of tracking: `cargo run --release -p sightwire-track --example track_bench`.
//!
//! Prints microseconds per call: the median and the fastest of many. One thread; run it on a machine that is quiet.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sightwire_frame::boxes::{Detection, Rect};
use sightwire_track::assignment::{Costs, assign_pairs};
use sightwire_track::{Tracker, TrackerOptions};

/// Numbers that look random and are the same each time (Marsaglia 2003).
struct Random(u32);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) as f32 / (1_u32 << 24) as f32
    }
}

/// This many objects that wander over a picture of 1920x1080, found with a little jitter.
fn crowd(random: &mut Random, count: usize, step: f32) -> Vec<Detection> {
    (0..count)
        .map(|index| {
            let index = index as f32;
            let x = (index * 173.0 + step * (1.0 + index % 5.0)) % 1900.0 + 2.0 * random.next();
            let y = (index * 97.0 + step * (index % 3.0)) % 900.0 + 2.0 * random.next();
            let rect = Rect { left: x, top: y, right: x + 60.0, bottom: y + 140.0 };
            Detection { rect, class: 0, confidence: if random.next() < 0.2 { 0.3 } else { 0.8 } }
        })
        .collect()
}

/// Boxes anywhere.
fn chaos(random: &mut Random, count: usize) -> Vec<Detection> {
    (0..count)
        .map(|_| {
            let (left, top) = (random.next() * 1500.0, random.next() * 800.0);
            let rect = Rect { left, top, right: left + 400.0, bottom: top + 400.0 };
            Detection { rect, class: 0, confidence: 0.6 + 0.4 * random.next() }
        })
        .collect()
}

/// Calls `run`, which gives the time of what counts, for about a second and prints the times.
fn time(name: &str, mut run: impl FnMut() -> Duration) {
    let mut micros = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        micros.push(run().as_secs_f64() * 1e6);
    }
    micros.sort_by(f64::total_cmp);
    println!("{name:<52} {:>10.1} {:>10.1}", micros[micros.len() / 2], micros[0]);
}

fn timed<T>(step: impl FnOnce() -> T) -> Duration {
    let begin = Instant::now();
    black_box(step());
    begin.elapsed()
}

fn main() {
    println!("{:<52} {:>10} {:>10}", "microseconds per call", "median", "least");
    let start = Instant::now();
    for count in [5, 50, 200] {
        let mut random = Random(7);
        let mut tracker = Tracker::new(TrackerOptions::default());
        let mut steps = 0_u32;
        time(&format!("update, {count} boxes and as many tracks"), || {
            steps += 1;
            let detections = crowd(&mut random, count, steps as f32);
            timed(|| tracker.update(start + Duration::from_millis(40) * steps, &detections))
        });
        let now = start + Duration::from_millis(40) * steps;
        time(&format!("predict, {} tracks kept, with trails", tracker.len()), || {
            timed(|| tracker.predict(now))
        });
    }
    let mut random = Random(7);
    let mut tracker = Tracker::new(TrackerOptions::default());
    let mut steps = 0_u32;
    time("update, 10,000 random boxes that all overlap", || {
        steps += 1;
        let detections = chaos(&mut random, 10_000);
        timed(|| tracker.update(start + Duration::from_millis(40) * steps, &detections))
    });
    for size in [50, 256] {
        let costs = Costs::new(size, size, |_, _| random.next());
        time(&format!("assignment, {size} x {size} random costs"), || timed(|| assign_pairs(&costs, 2.0)));
    }
}
