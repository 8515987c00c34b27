//! A picture's number, painted on it so that it survives being drawn on and encoded anew: blocks of a coding unit's size,
//! a little lighter or darker than grey, which a motion detector does not take for motion.

use sightwire_frame::Image;

/// Pixels of a block's side: of the coding unit of a JPEG with 4:2:0 colour.
const BLOCK: usize = 16;
const BITS: usize = 8;
/// The number and its complement.
const BLOCKS: usize = 2 * BITS;
const GREY: i16 = 128;
const STEP: i16 = 5;
/// Numbers that can be told apart.
pub(crate) const NUMBERS: usize = 1 << BITS;

/// Paints `number` on the picture's last rows, on the left and on the right: a box may lie over one of them.
pub(crate) fn paint_number(number: usize, image: &mut Image) {
    for start in left_edges(image) {
        for block in 0..BLOCKS {
            let value = (GREY + if block_bit(number, block) { STEP } else { -STEP }) as u8;
            for pixel in block_pixels(image, start, block, 0) {
                image.data_mut()[pixel..pixel + 3].fill(value);
            }
        }
    }
}

/// The number, where one of its two places is legible.
pub(crate) fn read_number(image: &Image) -> Option<usize> {
    left_edges(image).into_iter().find_map(|start| {
        let bits: Vec<bool> = (0..BLOCKS)
            .map(|block| {
                let (mut sum, mut count) = (0, 0);
                for pixel in block_pixels(image, start, block, BLOCK / 4) {
                    sum += i64::from(image.data()[pixel + 1]);
                    count += 1;
                }
                sum > i64::from(GREY) * count
            })
            .collect();
        let number = (0..BITS).map(|at| usize::from(bits[at]) << at).sum();
        (0..BLOCKS).all(|block| bits[block] == block_bit(number, block)).then_some(number)
    })
}

fn block_bit(number: usize, block: usize) -> bool {
    let bit = number >> (block % BITS) & 1 == 1;
    if block < BITS { bit } else { !bit }
}

/// Left edges of the two places, px.
fn left_edges(image: &Image) -> [usize; 2] {
    let width = image.width() as usize;
    [0, width.saturating_sub(BLOCKS * BLOCK) / BLOCK * BLOCK]
}

/// Where the pixels of a block begin in the data, without this many at its edges. None outside of the picture.
fn block_pixels(image: &Image, start: usize, block: usize, margin: usize) -> Vec<usize> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (left, top) = (start + block * BLOCK, (height / BLOCK).saturating_sub(1) * BLOCK);
    let rows = top + margin..(top + BLOCK - margin).min(height);
    rows.flat_map(|y| (left + margin..(left + BLOCK - margin).min(width)).map(move |x| (y * width + x) * 3))
        .collect()
}

#[cfg(test)]
mod tests {
    use sightwire_frame::header::Limits;
    use sightwire_frame::{Decoder, Encoder};

    use super::*;

    #[test]
    fn a_number_survives_two_encodings_and_a_box_over_one_of_its_places() {
        let (mut encoder, mut decoder) = (Encoder::new().unwrap(), Decoder::new().unwrap());
        for number in [0, 1, 77, 149, 255] {
            let mut image = Image::new(640, 480);
            for (i, byte) in image.data_mut().iter_mut().enumerate() {
                *byte = (i * i % 251) as u8;
            }
            paint_number(number, &mut image);
            for quality in [90, 70] {
                let mut jpeg = Vec::new();
                encoder.encode(&image, quality, &mut jpeg).unwrap();
                decoder.decode(&jpeg, &Limits::default(), &mut image).unwrap();
                assert_eq!(read_number(&image), Some(number), "at {quality}");
                let row = image.width() as usize * 3;
                image.data_mut()[470 * row..470 * row + 300].fill(255);
            }
        }
    }

    #[test]
    fn a_picture_without_a_number_has_none() {
        assert_eq!(read_number(&Image::new(640, 480)), None);
        assert_eq!(read_number(&Image::new(8, 8)), None);
    }
}
