//! Shapes and strokes of generated hands (`sightwire_synth::hand`), whose ranges were fixed before what recognises them was
//! written: how many are right, and what is said of hands that mean nothing.
//!
//! The sets here are the held-out ones: constants were chosen on others. `cargo xtask bench hands` measures more of each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod player;

use sightwire_hands::label::Label;
use sightwire_hands::watch::WatchOptions;
use sightwire_synth::hand::observe::Camera;
use sightwire_synth::hand::sets;
use sightwire_synth::hand::{Act, Label as Truth, Shape, Stroke};

use player::{Said, play};

/// Of the sets that are judged.
const SEED: u64 = 20_261_125;
