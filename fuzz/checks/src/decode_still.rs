use sightwire_frame::Image;
use sightwire_frame::still::{StillDecoder, StillLimits, read_density, plain_jpeg, probe_still};

/// Still pictures of all formats: no panic, no memory beyond the limits, and pages of the sizes that the headers gave.
pub fn decode_still(data: &[u8]) {
    let limits = StillLimits { max_bytes: 1 << 20, max_pixels: 1 << 18, max_side: 4096, max_pages: 10 };
    let Ok(header) = probe_still(data, &limits) else { return };
    assert!((1..=10).contains(&header.pages.len()));
    if let Some(jpeg) = plain_jpeg(data) {
        assert!(data.starts_with(jpeg.bytes) && jpeg.bytes.ends_with(&[0xff, 0xd9]));
    }
    let mut decoder = StillDecoder::new().expect("a decoder");
    let mut image = Image::default();
    for (page, &(width, height)) in header.pages.iter().enumerate() {
        assert!(read_density(data, page as u32).is_none_or(|found| found.iter().all(|value| *value >= 75.0)));
        let decoded = decoder.decode(data, page as u32, &limits, &mut image);
        assert!(image.data().len() as u64 <= limits.max_pixels * 3);
        if let Err(error) = decoded {
            // Nothing of a library's is left to panic on a crafted file: each such case gets a check of its own.
            assert!(!error.to_string().contains("the decoder failed on it"), "{error}");
            continue;
        }
        assert_eq!((image.width(), image.height()), (width, height));
    }
}
