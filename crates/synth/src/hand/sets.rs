//! Sets of performances that tests, benches and model cards mean by the same name.

use super::{Act, Performance, Shape, Stroke};
use crate::random::Random;

/// One performance, not yet made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// What is done.
    pub act: Act,
    /// From what it is made.
    pub seed: u64,
}

impl Case {
    /// Makes it.
    pub fn performance(&self) -> Performance {
        Performance::new(self.act, self.seed)
    }
}

fn make_cases(count: usize, seed: u64, stream: u64, acts: impl Iterator<Item = Act> + Clone) -> Vec<Case> {
    let mut random = Random::new(seed, stream);
    acts.cycle().take(count).map(|act| Case { act, seed: random.bits() }).collect()
}

/// Held shapes, each as often as the others, [`Shape::None`] among them.
pub fn shape_cases(count: usize, seed: u64) -> Vec<Case> {
    make_cases(count, seed, 1, Shape::ALL.into_iter().map(Act::Held))
}

/// Strokes that are meant, each as often as the others.
pub fn stroke_cases(count: usize, seed: u64) -> Vec<Case> {
    make_cases(count, seed, 2, Stroke::ALL.into_iter().map(Act::Stroke))
}

/// Hands that mean nothing, each kind as often as the others.
pub fn bystander_cases(count: usize, seed: u64) -> Vec<Case> {
    let acts = [Act::Talk, Act::Sign, Act::Walk, Act::Drink, Act::Type, Act::HoldCup, Act::Empty];
    make_cases(count, seed, 3, acts.into_iter())
}
