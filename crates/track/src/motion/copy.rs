//! A small copy of a picture, to find motion in: noise averages out, and the cost is bounded.

use sightwire_frame::Image;

/// Rows and columns of a cell that are looked at, at most: what lies between them adds cost and little else.
const SAMPLES: usize = 4;
/// Weights of blue, green and red in grey, of 256 (ITU-R BT.601).
const GREY: [u32; 3] = [29, 150, 77];

/// The copy. Each of its pixels is the mean of a square cell of the picture.
#[derive(Debug, Default)]
pub(super) struct Copy {
    /// Side of a cell, px of the picture.
    pub(super) cell: u32,
    /// Width of the copy in cells.
    pub(super) width: usize,
    /// Height of the copy in cells.
    pub(super) height: usize,
    /// Brightness of each cell, 0 to 255.
    pub(super) grey: Vec<f32>,
    /// Blue of each cell, 0 to 255.
    pub(super) blue: Vec<f32>,
    /// Red of each cell, 0 to 255.
    pub(super) red: Vec<f32>,
    /// Where in a row the samples of each cell begin.
    columns: Vec<usize>,
    /// Sums over the rows of a cell, for each value of a picture's row.
    sums: Vec<u16>,
}

impl Copy {
    /// Copies a picture, which has pixels, so that no side is longer than `max_side`.
    pub(super) fn copy_image(&mut self, image: &Image, max_side: u32) {
        let (from_width, from_height) = (image.width() as usize, image.height() as usize);
        let cell = from_width.max(from_height).div_ceil(max_side.max(1) as usize);
        self.cell = cell as u32;
        self.width = (from_width / cell).max(1);
        self.height = (from_height / cell).max(1);
        for plane in [&mut self.grey, &mut self.blue, &mut self.red] {
            plane.resize(self.width * self.height, 0.0);
        }
        let row_bytes = from_width * 3;
        self.sums.resize(row_bytes, 0);
        let samples = cell.min(SAMPLES);
        let scale = 1.0 / (samples * samples) as f32;
        self.columns.clear();
        let cells = (0..self.width)
            .flat_map(|x| (0..samples).map(move |sample| x * cell + sample_place(sample, samples, cell)));
        self.columns.extend(cells.map(|column| column.min(from_width - 1) * 3));
        for y in 0..self.height {
            self.sums.fill(0);
            for sample in 0..samples {
                let row = (y * cell + sample_place(sample, samples, cell)).min(from_height - 1);
                let pixels = &image.data()[row * row_bytes..][..row_bytes];
                for (sum, value) in self.sums.iter_mut().zip(pixels) {
                    *sum += u16::from(*value);
                }
            }
            let at = y * self.width;
            match samples {
                1 => self.sum_columns::<1>(at, scale),
                2 => self.sum_columns::<2>(at, scale),
                3 => self.sum_columns::<3>(at, scale),
                _ => self.sum_columns::<SAMPLES>(at, scale),
            }
        }
    }

    /// Sums over the columns of each cell, for a row of the copy that begins at `at`.
    fn sum_columns<const N: usize>(&mut self, at: usize, scale: f32) {
        let row = at..at + self.width;
        let targets =
            self.grey[row.clone()].iter_mut().zip(&mut self.blue[row.clone()]).zip(&mut self.red[row]);
        for (((grey, blue), red), columns) in targets.zip(self.columns.chunks_exact(N)) {
            let mut colour = [0_u32; 3];
            for column in columns {
                if let Some([b, g, r]) = self.sums.get(*column..*column + 3) {
                    colour[0] += u32::from(*b);
                    colour[1] += u32::from(*g);
                    colour[2] += u32::from(*r);
                }
            }
            let sum = GREY[0] * colour[0] + GREY[1] * colour[1] + GREY[2] * colour[2];
            *grey = sum as f32 * scale / 256.0;
            *blue = colour[0] as f32 * scale;
            *red = colour[2] as f32 * scale;
        }
    }
}

/// Where in a cell sample `index` of `samples` is taken.
fn sample_place(index: usize, samples: usize, cell: usize) -> usize {
    (2 * index + 1) * cell / (2 * samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_the_mean_of_its_pixels() {
        let mut image = Image::new(4, 2);
        for (index, value) in image.data_mut().iter_mut().enumerate() {
            *value = (index * 7 % 256) as u8;
        }
        let mut copy = Copy::default();
        copy.copy_image(&image, 2);
        assert_eq!((copy.cell, copy.width, copy.height), (2, 2, 1));
        let pixel = |x: usize, y: usize, channel: usize| f32::from(image.data()[(y * 4 + x) * 3 + channel]);
        let mean = |channel| {
            (pixel(2, 0, channel) + pixel(3, 0, channel) + pixel(2, 1, channel) + pixel(3, 1, channel)) / 4.0
        };
        assert!((copy.blue[1] - mean(0)).abs() < 1e-4 && (copy.red[1] - mean(2)).abs() < 1e-4);
        let grey = (29.0 * mean(0) + 150.0 * mean(1) + 77.0 * mean(2)) / 256.0;
        assert!((copy.grey[1] - grey).abs() < 1e-3);
    }

    #[test]
    fn every_shape_of_picture_has_a_copy() {
        for (width, height) in [(1, 1), (1, 5000), (5000, 1), (321, 7), (33, 1999), (320, 240)] {
            let mut image = Image::new(width, height);
            image.data_mut().fill(200);
            let mut copy = Copy::default();
            copy.copy_image(&image, 320);
            assert!((1..=320).contains(&copy.width) && (1..=320).contains(&copy.height), "{width}x{height}");
            assert!(copy.grey.iter().all(|grey| (grey - 200.0).abs() < 0.01));
        }
    }
}
