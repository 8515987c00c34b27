//! Four-colour JPEGs.

/// Four bytes a pixel, inverted CMYK as Adobe writes it, to BGR.
///
/// The formula is OpenCV's (`icvCvt_CMYK2BGR_8u_C4C3R`, modules/imgcodecs/src/utils.cpp): `k - ((255 - c) * k >> 8)`.
pub(crate) fn to_bgr(cmyk: &[u8], bgr: &mut [u8]) {
    for (ink, pixel) in cmyk.chunks_exact(4).zip(bgr.chunks_exact_mut(3)) {
        let black = u32::from(ink[3]);
        let blend = |colour: u8| (black - (((255 - u32::from(colour)) * black) >> 8)) as u8;
        pixel.copy_from_slice(&[blend(ink[2]), blend(ink[1]), blend(ink[0])]);
    }
}

/// YCCK to CMYK in place: the first three are YCbCr of the inverted colours (JFIF's matrix), black stays.
#[cfg(not(feature = "turbo"))]
pub(crate) fn from_ycck(pixels: &mut [u8]) {
    for pixel in pixels.chunks_exact_mut(4) {
        let [luma, blue, red] = [pixel[0], pixel[1], pixel[2]].map(i32::from);
        let (blue, red) = (blue - 128, red - 128);
        // In 1/65536, rounded.
        let scaled = |sum: i32| (sum + 32_768) >> 16;
        let rgb = [
            luma + scaled(91_881 * red),
            luma + scaled(-22_554 * blue - 46_802 * red),
            luma + scaled(116_130 * blue),
        ];
        for (ink, colour) in pixel.iter_mut().zip(rgb) {
            *ink = 255 - colour.clamp(0, 255) as u8;
        }
    }
}
