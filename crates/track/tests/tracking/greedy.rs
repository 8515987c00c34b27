//! The tracker to beat: each box to the track that it overlaps most, the best pair first; no motion, no unsure boxes.

use std::time::{Duration, Instant};

use sightwire_frame::boxes::{Detection, Rect};

const LEAST_CONFIDENCE: f32 = 0.5;
const LEAST_IOU: f32 = 0.3;
/// As long as the tracker under test keeps what it lost.
const BUFFER: Duration = Duration::from_secs(1);

struct Held {
    id: u64,
    rect: Rect,
    seen: Instant,
    hits: u32,
}

#[derive(Default)]
pub struct GreedyTracker {
    held: Vec<Held>,
    ids: u64,
}

impl GreedyTracker {
    pub fn update(&mut self, now: Instant, detections: &[Detection]) {
        self.held.retain(|held| now - held.seen <= BUFFER);
        let sure: Vec<_> = detections.iter().filter(|found| found.confidence >= LEAST_CONFIDENCE).collect();
        let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
        for (a, held) in self.held.iter().enumerate() {
            for (b, found) in sure.iter().enumerate() {
                let iou = held.rect.iou(&found.rect);
                if iou >= LEAST_IOU {
                    pairs.push((iou, a, b));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut taken = vec![false; sure.len()];
        for (_, a, b) in pairs {
            if !taken[b] && self.held[a].seen < now {
                taken[b] = true;
                let held = &mut self.held[a];
                (held.rect, held.seen, held.hits) = (sure[b].rect, now, held.hits + 1);
            }
        }
        for (found, taken) in sure.iter().zip(taken) {
            if !taken {
                self.ids += 1;
                self.held.push(Held { id: self.ids, rect: found.rect, seen: now, hits: 1 });
            }
        }
    }

    /// The boxes of the newest analysis, from the second time on that they were found.
    pub fn boxes(&self, now: Instant) -> Vec<(u64, Rect)> {
        self.held
            .iter()
            .filter(|held| held.seen == now && held.hits > 1)
            .map(|held| (held.id, held.rect))
            .collect()
    }
}
