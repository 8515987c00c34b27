//! A picture that is not live looks not live.

use sightwire_frame::Image;

/// Takes most of the colour and a third of the light out of the picture.
pub fn dim_image(image: &mut Image) {
    for pixel in image.data_mut().chunks_exact_mut(3) {
        let [blue, green, red] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
        // Luma of BT.601, as JPEG has it, of 256.
        let grey = (29 * blue + 150 * green + 77 * red) >> 8;
        for (level, old) in pixel.iter_mut().zip([blue, green, red]) {
            // Four fifths grey, one fifth colour, times 0.62.
            *level = (((grey * 4 + old) * 32 + 128) >> 8) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_darker_and_greyer_and_still_the_same_picture() {
        let mut image = Image::from_bgr(3, 1, vec![255, 255, 255, 0, 0, 255, 0, 0, 0]).unwrap();
        dim_image(&mut image);
        let pixels: Vec<_> = image.data().chunks_exact(3).map(<[u8]>::to_vec).collect();
        assert_eq!(pixels[0], [159; 3]);
        assert!(pixels[1][2] > pixels[1][0] && pixels[1][2] - pixels[1][0] < 60, "{pixels:?}");
        assert_eq!(pixels[2], [0; 3]);
    }
}
