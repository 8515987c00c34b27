//! BMP's run lengths: `BI_RLE8` and `BI_RLE4`.

use super::{Coding, Header};
use crate::image::Image;

/// Decodes runs. What they skip has the palette's first colour. `None` if they end before the picture does.
pub(super) fn decode_runs(stored: &[u8], header: &Header, out: &mut Image) -> Option<()> {
    let nibbles = header.coding == Coding::Runs4;
    let (width, height) = (header.width as usize, header.height as usize);
    let ground = header.colour(0);
    out.data_mut().chunks_exact_mut(3).for_each(|pixel| pixel.copy_from_slice(&ground));
    let mut bytes = stored.iter().copied();
    let (mut x, mut y) = (0, 0);
    // Pixels beyond a row's end are dropped, as others do.
    let mut put = |x: usize, y: usize, index: u8| {
        if x < width && y < height {
            let row = if header.top_down { y } else { height - 1 - y };
            let at = (row * width + x) * 3;
            out.data_mut()[at..at + 3].copy_from_slice(&header.colour(index));
        }
    };
    while y < height {
        match (bytes.next()?, bytes.next()?) {
            (0, 0) => (x, y) = (0, y + 1),
            (0, 1) => return Some(()),
            (0, 2) => (x, y) = (x + usize::from(bytes.next()?), y + usize::from(bytes.next()?)),
            // Pixels one by one, filled up to two bytes.
            (0, count) => {
                let count = usize::from(count);
                let used = if nibbles { count.div_ceil(2) } else { count };
                for place in 0..used.next_multiple_of(2) {
                    let byte = bytes.next()?;
                    if nibbles {
                        for (index, half) in [byte >> 4, byte & 15].into_iter().enumerate() {
                            if place * 2 + index < count {
                                put(x + place * 2 + index, y, half);
                            }
                        }
                    } else if place < count {
                        put(x + place, y, byte);
                    }
                }
                x += count;
            }
            (count, byte) => {
                let pair = if nibbles { [byte >> 4, byte & 15] } else { [byte; 2] };
                for place in 0..usize::from(count) {
                    put(x + place, y, pair[place % 2]);
                }
                x += usize::from(count);
            }
        }
    }
    Some(())
}
