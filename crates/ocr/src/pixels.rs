//! Pixels as the networks take them.

use sightwire_frame::Image;

/// An upright part of a picture, px.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Writes a part of a picture into the upper left corner of `width` × `height`: planes of blue, green, red, -1 to 1; 0
/// beyond it.
pub(super) fn write_planes(image: &Image, part: Part, (width, height): (u32, u32), input: &mut Vec<f32>) {
    let (width, plane) = (width as usize, width as usize * height as usize);
    input.clear();
    input.resize(3 * plane, 0.0);
    let (blue, rest) = input.split_at_mut(plane);
    let (green, red) = rest.split_at_mut(plane);
    let (left, length) = (part.left as usize * 3, part.width as usize * 3);
    let rows = image.data().chunks_exact(image.width() as usize * 3);
    for (y, row) in rows.skip(part.top as usize).take(part.height as usize).enumerate() {
        let at = y * width..y * width + part.width as usize;
        let planes = blue[at.clone()].iter_mut().zip(&mut green[at.clone()]).zip(&mut red[at]);
        for (pixel, ((blue, green), red)) in row[left..left + length].chunks_exact(3).zip(planes) {
            *blue = normalise_value(pixel[0]);
            *green = normalise_value(pixel[1]);
            *red = normalise_value(pixel[2]);
        }
    }
}

fn normalise_value(value: u8) -> f32 {
    f32::from(value) / 127.5 - 1.0
}

/// Each pixel the mean of `factor` × `factor`.
pub(super) fn average_pixels(dense: &Image, factor: u32, out: &mut Image) {
    out.reshape(dense.width() / factor, dense.height() / factor);
    let (factor, width) = (factor as usize, out.width() as usize);
    let stride = dense.width() as usize * 3;
    let mut sums = vec![0; width * 3];
    for (rows, row) in
        dense.data().chunks_exact(stride * factor).zip(out.data_mut().chunks_exact_mut(width * 3))
    {
        average_rows(rows, factor, &mut sums, row);
    }
}

/// A row of these means, out of `factor` rows; `sums` is as long as it, whatever it holds.
pub(super) fn average_rows(rows: &[u8], factor: usize, sums: &mut [u32], row: &mut [u8]) {
    let count = (factor * factor) as u32;
    sums.fill(0);
    for one in rows.chunks_exact(rows.len() / factor) {
        for (pixels, sum) in one.chunks_exact(factor * 3).zip(sums.chunks_exact_mut(3)) {
            for pixel in pixels.chunks_exact(3) {
                sum[0] += u32::from(pixel[0]);
                sum[1] += u32::from(pixel[1]);
                sum[2] += u32::from(pixel[2]);
            }
        }
    }
    for (value, sum) in row.iter_mut().zip(&*sums) {
        *value = ((sum + count / 2) / count) as u8;
    }
}
