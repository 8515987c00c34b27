//! Whom the hands belong to.

/// The head and shoulders of somebody, at one moment. Places are pixels of a picture of 640 × 480.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// The middle of the face.
    pub head: [f32; 2],
    /// P where the body is, in pixels. A head is 1.6 P wide and 2.4 P high.
    pub palm_px: f32,
    /// Whether the whole body is seen, not only what is above the table.
    pub is_whole: bool,
}

/// A person through time.
#[derive(Debug, Clone)]
pub(super) struct Body {
    /// Of the face, at 0 s.
    pub(super) head: [f32; 2],
    /// To the right, in pixels a second.
    pub(super) speed: f32,
    pub(super) palm_px: f32,
    pub(super) is_whole: bool,
}

impl Body {
    /// Somebody who stays where they are.
    pub(super) fn sitting(head: [f32; 2], palm_px: f32) -> Self {
        Self { head, speed: 0.0, palm_px, is_whole: false }
    }

    pub(super) fn person_at(&self, t: f32) -> Person {
        let [x, y] = self.head;
        Person { head: [x + self.speed * t, y], palm_px: self.palm_px, is_whole: self.is_whole }
    }
}
