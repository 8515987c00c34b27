//! A picture fitted into the input of a detector: made smaller or larger in its own proportions, the rest grey, and
//! taken apart into planes of floating-point values.

use crate::boxes::Rect;
use crate::image::Image;
use crate::resize::{ResizeError, Resizer};

/// The grey beside the picture, as YOLO networks were trained with.
const PADDING: u8 = 114;

/// Where the picture lies in the input, and how its sides are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In the upper left corner; sides rounded down (YOLOX, `preproc` in `yolox/data/data_augment.py`).
    TopLeft,
    /// In the middle; sides rounded to the nearest (Ultralytics, `LetterBox` in `ultralytics/data/augment.py`).
    Centre,
}

/// Order of the three planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planes {
    /// The blue plane first, then green and red.
    Bgr,
    /// The red plane first, then green and blue.
    Rgb,
}

/// How a picture lies in a network's input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// A pixel of the picture is this many pixels of the input.
    pub scale: f32,
    /// Columns of the input left of the picture.
    pub left: u32,
    /// Rows of the input above the picture.
    pub top: u32,
    /// Columns of the input that the picture takes, at least 1.
    pub width: u32,
    /// Rows of the input that the picture takes, at least 1.
    pub height: u32,
}

impl Fit {
    /// A picture of `from` (width, height) in an input of `to`. No side may be 0.
    pub fn new(from: (u32, u32), to: (u32, u32), placement: Placement) -> Self {
        let (from_width, from_height) = (f64::from(from.0), f64::from(from.1));
        let scale = (f64::from(to.0) / from_width).min(f64::from(to.1) / from_height);
        let side = |from: f64, to: u32| {
            let exact = from * scale;
            let rounded = match placement {
                Placement::TopLeft => exact.floor(),
                Placement::Centre => exact.round_ties_even(),
            };
            (rounded as u32).clamp(1, to)
        };
        let (width, height) = (side(from_width, to.0), side(from_height, to.1));
        let (left, top) = match placement {
            Placement::TopLeft => (0, 0),
            Placement::Centre => ((to.0 - width) / 2, (to.1 - height) / 2),
        };
        Self { scale: scale as f32, left, top, width, height }
    }

    /// A box of the input in the picture. It may reach past the picture.
    pub fn to_picture(&self, rect: &Rect) -> Rect {
        let (left, top) = (self.left as f32, self.top as f32);
        Rect {
            left: (rect.left - left) / self.scale,
            top: (rect.top - top) / self.scale,
            right: (rect.right - left) / self.scale,
            bottom: (rect.bottom - top) / self.scale,
        }
    }
}

/// Fits pictures into one input, whose memory it keeps.
pub struct Letterbox {
    width: u32,
    height: u32,
    placement: Placement,
    planes: Planes,
    /// What each of the 256 colour values is in the input.
    values: [f32; 256],
    resizer: Resizer,
    resized: Image,
    fit: Option<Fit>,
    input: Vec<f32>,
}

impl Letterbox {
    /// For an input of three planes of `width` × `height` values each; colour values (0–255) are divided by `divide_by`.
    pub fn new(width: u32, height: u32, placement: Placement, planes: Planes, divide_by: f32) -> Self {
        Self {
            width,
            height,
            placement,
            planes,
            values: std::array::from_fn(|value| value as f32 / divide_by),
            resizer: Resizer::new(),
            resized: Image::default(),
            fit: None,
            input: vec![0.0; 3 * width as usize * height as usize],
        }
    }

    /// Puts a picture into the input.
    pub fn fit(&mut self, image: &Image) -> Result<Fit, ResizeError> {
        let (from_width, from_height) = (image.width(), image.height());
        if from_width == 0 || from_height == 0 {
            let (to_width, to_height) = (self.width, self.height);
            return Err(ResizeError::Size { from_width, from_height, to_width, to_height });
        }
        let fit = Fit::new((from_width, from_height), (self.width, self.height), self.placement);
        let picture = if (fit.width, fit.height) == (from_width, from_height) {
            image
        } else {
            self.resizer.resize(image, fit.width, fit.height, &mut self.resized)?;
            &self.resized
        };
        if self.fit != Some(fit) {
            // What lies beside the picture stays as it is from picture to picture.
            self.input.fill(self.values[usize::from(PADDING)]);
            self.fit = Some(fit);
        }
        let plane = self.width as usize * self.height as usize;
        let (first, rest) = self.input.split_at_mut(plane);
        let (second, third) = rest.split_at_mut(plane);
        let (blue, green, red) = match self.planes {
            Planes::Bgr => (first, second, third),
            Planes::Rgb => (third, second, first),
        };
        let columns = fit.width as usize;
        for (row, pixels) in picture.data().chunks_exact(columns * 3).enumerate() {
            let begin = (fit.top as usize + row) * self.width as usize + fit.left as usize;
            let place = begin..begin + columns;
            let targets = blue[place.clone()].iter_mut().zip(&mut green[place.clone()]).zip(&mut red[place]);
            for (pixel, ((blue, green), red)) in pixels.chunks_exact(3).zip(targets) {
                *blue = self.values[usize::from(pixel[0])];
                *green = self.values[usize::from(pixel[1])];
                *red = self.values[usize::from(pixel[2])];
            }
        }
        Ok(fit)
    }

    /// The input with the last picture: plane after plane, rows from the top.
    pub fn input(&self) -> &[f32] {
        &self.input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, bgr: [u8; 3]) -> Image {
        Image::from_bgr(width, height, bgr.repeat(width as usize * height as usize)).unwrap()
    }

    #[test]
    fn sides_and_place_are_those_of_the_networks_own_preparation() {
        let place = |from, to, placement| {
            let fit = Fit::new(from, to, placement);
            (fit.width, fit.height, fit.left, fit.top)
        };
        let nano = (416, 416);
        assert_eq!(place((810, 1080), nano, Placement::TopLeft), (312, 416, 0, 0));
        assert_eq!(place((640, 480), nano, Placement::TopLeft), (416, 312, 0, 0));
        // 427 * 416 / 640 = 277.55: down in one, to the nearest in the other.
        assert_eq!(place((640, 427), nano, Placement::TopLeft), (416, 277, 0, 0));
        assert_eq!(place((640, 427), nano, Placement::Centre), (416, 278, 0, 69));
        assert_eq!(place((480, 640), (640, 640), Placement::Centre), (480, 640, 80, 0));
        // Half a pixel of padding goes to the right and below.
        assert_eq!(place((5, 10), (10, 10), Placement::Centre), (5, 10, 2, 0));
        assert_eq!(Fit::new((100_000, 1), nano, Placement::TopLeft).height, 1);
    }

    #[test]
    fn colours_scale_and_padding_stand_where_they_belong() {
        for (planes, first, last) in [(Planes::Bgr, 10.0, 30.0), (Planes::Rgb, 30.0, 10.0)] {
            let mut letterbox = Letterbox::new(8, 8, Placement::Centre, planes, 255.0);
            letterbox.fit(&picture(4, 2, [10, 20, 30])).unwrap();
            let value = |plane: usize, x: usize, y: usize| letterbox.input()[plane * 64 + y * 8 + x] * 255.0;
            for (plane, expected) in [first, 20.0, last].into_iter().enumerate() {
                for y in 0..8 {
                    let expected = if (2..6).contains(&y) { expected } else { 114.0 };
                    assert!((0..8).all(|x| (value(plane, x, y) - expected).abs() < 1e-4), "row {y}");
                }
            }
        }
    }

    #[test]
    fn nothing_of_the_picture_before_stays_beside_the_next() {
        let mut letterbox = Letterbox::new(8, 8, Placement::TopLeft, Planes::Bgr, 1.0);
        letterbox.fit(&picture(8, 8, [1, 2, 3])).unwrap();
        letterbox.fit(&picture(8, 4, [1, 2, 3])).unwrap();
        assert!(letterbox.input()[32..64].iter().all(|value| (value - 114.0).abs() < 1e-4));
        assert!(letterbox.fit(&Image::default()).is_err());
    }

    #[test]
    fn a_box_of_the_input_comes_back_to_its_place_in_the_picture() {
        let fit = Fit::new((1280, 720), (640, 640), Placement::Centre);
        assert_eq!((fit.scale, fit.left, fit.top), (0.5, 0, 140));
        let rect = Rect { left: 50.0, top: 190.0, right: 150.0, bottom: 240.0 };
        let expected = Rect { left: 100.0, top: 100.0, right: 300.0, bottom: 200.0 };
        assert_eq!(fit.to_picture(&rect), expected);
    }
}
