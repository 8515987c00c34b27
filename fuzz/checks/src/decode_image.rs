use sightwire_frame::header::{Limits, probe_header};
use sightwire_frame::{Decoder, Image, Resizer};

/// The decoders of frames: no panic, no memory beyond the limits, and a picture of the size that the header gave.
pub fn decode_image(data: &[u8]) {
    let limits = Limits { max_bytes: 1 << 20, max_pixels: 1 << 18, max_side: 4096 };
    let mut image = Image::default();
    let decoded = Decoder::new().expect("a decoder").decode(data, &limits, &mut image);
    assert!(image.data().len() as u64 <= limits.max_pixels * 3);
    if decoded.is_ok() {
        let header = probe_header(data).expect("what decodes has a header");
        let (width, height) = (image.width(), image.height());
        let sizes = [(header.width, header.height), (header.height, header.width)];
        assert!(sizes.contains(&(width, height)));
        let mut small = Image::default();
        Resizer::new().resize(&image, 32, 32, &mut small).expect("a picture can be resized");
    }
}
