//! What was seen, as it is told to clients and viewers.

use sightwire_api::sign::{HandHint, HandSide, HandSight, SeenHand, Shoulders};

use crate::Side;
use crate::gesture::Arming;
use crate::label::Label;
use crate::watch::{Sight, WatchedHand};

/// Of a picture of this size, pixels.
pub fn to_hand_sight(width: u32, height: u32, sight: &Sight, hints: &[HandHint]) -> HandSight {
    HandSight {
        width,
        height,
        hands: sight.hands.iter().map(to_seen_hand).collect(),
        motion: sight.said.and_then(|said| match said.label {
            Label::Stroke(stroke) => Some(stroke.name().to_owned()),
            Label::Shape(_) => None,
        }),
        hints: hints.to_vec(),
        shoulders: sight.shoulders.map(|Shoulders { left, right }| Shoulders {
            left: left.map(round_tenths),
            right: right.map(round_tenths),
        }),
    }
}

fn round_tenths(value: f32) -> f32 {
    (value * 10.0).round() / 10.0
}

fn to_seen_hand(seen: &WatchedHand) -> SeenHand {
    let (arming, armed_ms) = match seen.arming {
        Arming::Not => (0.0, 0),
        Arming::Filling(share) => ((share * 100.0).round() / 100.0, 0),
        Arming::Armed(left) => (1.0, left.as_millis() as u32),
    };
    SeenHand {
        id: seen.hand.id,
        side: match seen.hand.side {
            Side::Left => HandSide::Left,
            Side::Right => HandSide::Right,
        },
        presence: (seen.hand.presence * 1000.0).round() / 1000.0,
        points: seen.hand.points.iter().map(|point| point.map(round_tenths)).collect(),
        shape: seen.shape.map(|shape| shape.name().to_owned()),
        arming,
        armed_ms,
    }
}
