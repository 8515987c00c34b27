//! Upright boxes in a picture, and what was found in them.

/// An upright box in pixels of the picture it was found in: x to the right, y down, (0, 0) the picture's upper left
/// corner. Edges lie between pixels, so a box over the whole picture is (0, 0, width, height). It may reach past the
/// picture, and is empty where an edge is at or past its opposite, or not a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// x of the left edge.
    pub left: f32,
    /// y of the upper edge.
    pub top: f32,
    /// x of the right edge.
    pub right: f32,
    /// y of the lower edge.
    pub bottom: f32,
}

impl Rect {
    /// Width in pixels, never negative.
    pub fn width(&self) -> f32 {
        (self.right - self.left).max(0.0)
    }

    /// Height in pixels, never negative.
    pub fn height(&self) -> f32 {
        (self.bottom - self.top).max(0.0)
    }

    /// Area in square pixels, never negative.
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// x and y of the middle.
    pub fn centre(&self) -> (f32, f32) {
        (f32::midpoint(self.left, self.right), f32::midpoint(self.top, self.bottom))
    }

    /// Intersection over union: 1 for the same box, 0 where the boxes share nothing or one is empty.
    pub fn iou(&self, other: &Self) -> f32 {
        let shared = Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
        .area();
        let union = self.area() + other.area() - shared;
        if shared > 0.0 && union > 0.0 { shared / union } else { 0.0 }
    }

    /// The part of it that lies in a picture of that size.
    #[must_use]
    pub fn clamp_to(&self, width: u32, height: u32) -> Self {
        let (width, height) = (width as f32, height as f32);
        Self {
            left: self.left.clamp(0.0, width),
            top: self.top.clamp(0.0, height),
            right: self.right.clamp(0.0, width),
            bottom: self.bottom.clamp(0.0, height),
        }
    }

    /// The same box in a picture that is `x` times as wide and `y` times as high.
    #[must_use]
    pub fn scaled(&self, x: f32, y: f32) -> Self {
        Self { left: self.left * x, top: self.top * y, right: self.right * x, bottom: self.bottom * y }
    }
}

/// One object that was found in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Where, in pixels of the original picture.
    pub rect: Rect,
    /// Which of the model's classes.
    pub class: usize,
    /// How sure the detector is, 0–1.
    pub confidence: f32,
}
