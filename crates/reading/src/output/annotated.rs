//! The picture itself with its lines marked.

use sightwire_annotate::{self as annotate, TextRegion};
use sightwire_frame::Image;
use sightwire_ocr::Region;

/// Why a marked picture cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the picture of {width}x{height} cannot be written as PNG: {source}")]
pub struct AnnotateError {
    width: u32,
    height: u32,
    source: png::EncodingError,
}

/// Marks the lines in `image` and encodes it as PNG.
pub fn annotate_image(image: &mut Image, regions: &[Region]) -> Result<Vec<u8>, AnnotateError> {
    mark_regions(image, regions);
    let (width, height) = (image.width(), image.height());
    encode_png(image).map_err(|source| AnnotateError { width, height, source })
}

fn mark_regions(image: &mut Image, regions: &[Region]) {
    let marks: Vec<_> = regions
        .iter()
        .map(|region| TextRegion {
            polygon: region.polygon,
            text: &region.text,
            confidence: region.confidence,
        })
        .collect();
    annotate::draw_regions(image, &marks);
}

/// Its bytes; `image` is left with its colours in another order.
fn encode_png(image: &mut Image) -> Result<Vec<u8>, png::EncodingError> {
    let (width, height) = (image.width(), image.height());
    image.data_mut().chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // A page of 20 megapixels takes a tenth of the time of the usual setting, and is a few per cent larger.
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(image.data())?;
    writer.finish()?;
    Ok(out)
}
