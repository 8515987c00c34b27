//! Labels: what hands say, in one word.

use crate::gesture::Stroke;
use crate::shape::Shape;

/// A shape that is held, or a motion that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// A shape.
    Shape(Shape),
    /// A motion.
    Stroke(Stroke),
}

/// How many there are.
pub const LABELS: usize = Shape::ALL.len() + Stroke::ALL.len();

impl Label {
    /// All, in the order of their indexes.
    pub fn all_labels() -> impl Iterator<Item = Self> {
        Shape::ALL.into_iter().map(Self::Shape).chain(Stroke::ALL.into_iter().map(Self::Stroke))
    }

    /// Its place among [`Label::all_labels`].
    pub fn index(self) -> usize {
        match self {
            Self::Shape(shape) => shape as usize,
            Self::Stroke(stroke) => Shape::ALL.len() + stroke as usize,
        }
    }

    /// The name that answers have for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shape(shape) => shape.name(),
            Self::Stroke(stroke) => stroke.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_has_its_own_place_and_name() {
        let all: Vec<Label> = Label::all_labels().collect();
        assert_eq!(all.len(), LABELS);
        for (index, label) in all.iter().enumerate() {
            assert_eq!(label.index(), index);
            assert_eq!(all.iter().filter(|other| other.name() == label.name()).count(), 1, "{label:?}");
        }
    }
}
