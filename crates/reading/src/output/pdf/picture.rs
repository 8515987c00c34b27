//! The picture of a page: a JPEG as it came, else without loss where that takes no more than twice a JPEG's room.

use pdf_writer::types::Predictor;
use pdf_writer::{Filter, Name, Pdf, Ref};
use sightwire_frame::still::plain_jpeg;
use sightwire_frame::{Encoder, Image};

/// Of pictures that take less room as JPEG. Letters keep their edges.
const QUALITY: u8 = 90;
/// This many times as much as that may be taken for the picture itself.
const WORTH: usize = 2;
/// Colours of a palette.
const MOST_COLOURS: usize = 256;
const UPRIGHT: [[f32; 2]; 3] = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];

/// What its pixels need.
#[derive(Debug, PartialEq)]
enum Colours {
    /// A number for each, one bit where there are two; blue, green, red.
    Palette(Vec<[u8; 3]>),
    Grey,
    All,
}

/// Writes a picture as an object of the file. Says where its upper left, upper right and lower left corner go on the page,
/// whose sides are 1 long: y down.
pub(super) fn write_picture(pdf: &mut Pdf, id: Ref, file: &[u8], image: &Image) -> [[f32; 2]; 3] {
    if let Some(jpeg) = plain_jpeg(file) {
        write_jpeg(pdf, id, jpeg.bytes, jpeg.stored, jpeg.grey);
        return jpeg.corners;
    }
    let size = (image.width(), image.height());
    let colours = Colours::from_image(image);
    let lossless = encode_lossless(image, &colours);
    let mut jpeg = Vec::new();
    if !matches!(colours, Colours::Palette(_)) {
        // Where there can be none, the picture itself is there.
        let _ = Encoder::new().and_then(|mut encoder| encoder.encode(image, QUALITY, &mut jpeg));
    }
    match lossless {
        Some(bytes) if jpeg.is_empty() || bytes.len() <= WORTH * jpeg.len() => {
            write_lossless(pdf, id, &bytes, size, &colours);
        }
        _ => write_jpeg(pdf, id, &jpeg, size, false),
    }
    UPRIGHT
}

fn write_jpeg(pdf: &mut Pdf, id: Ref, bytes: &[u8], (width, height): (u32, u32), grey: bool) {
    let mut picture = pdf.image_xobject(id, bytes);
    picture.filter(Filter::DctDecode);
    picture.width(width as i32).height(height as i32).bits_per_component(8);
    if grey { picture.color_space().device_gray() } else { picture.color_space().device_rgb() }
}

fn write_lossless(pdf: &mut Pdf, id: Ref, bytes: &[u8], (width, height): (u32, u32), colours: &Colours) {
    let (bits, channels) = (colours.bits(), if *colours == Colours::All { 3 } else { 1 });
    let mut picture = pdf.image_xobject(id, bytes);
    picture.filter(Filter::FlateDecode);
    picture.width(width as i32).height(height as i32).bits_per_component(bits);
    match colours {
        Colours::Palette(palette) => {
            let lookup: Vec<u8> =
                palette.iter().flat_map(|[blue, green, red]| [*red, *green, *blue]).collect();
            picture.color_space().indexed(Name(b"DeviceRGB"), palette.len() as i32 - 1, &lookup);
        }
        Colours::Grey => picture.color_space().device_gray(),
        Colours::All => picture.color_space().device_rgb(),
    }
    let mut rows = picture.decode_parms();
    rows.predictor(Predictor::PngOptimum).colors(channels).bits_per_component(bits).columns(width as i32);
}

impl Colours {
    fn from_image(image: &Image) -> Self {
        let (mut palette, mut grey): (Vec<[u8; 3]>, bool) = (Vec::new(), true);
        let mut last = None;
        for pixel in image.data().as_chunks::<3>().0 {
            if last == Some(*pixel) {
                continue;
            }
            last = Some(*pixel);
            grey &= pixel[0] == pixel[1] && pixel[1] == pixel[2];
            if palette.len() <= MOST_COLOURS
                && let Err(place) = palette.binary_search(pixel)
            {
                palette.insert(place, *pixel);
            }
            if !grey && palette.len() > MOST_COLOURS {
                return Self::All;
            }
        }
        // More than two greys are well guessed from their neighbours, and numbers of colours are not.
        if grey && palette.len() > 2 { Self::Grey } else { Self::Palette(palette) }
    }

    fn bits(&self) -> i32 {
        match self {
            Self::Palette(palette) if palette.len() <= 2 => 1,
            _ => 8,
        }
    }
}

/// The compressed rows of a PNG, which are a PDF's as well (PDF 1.7, 7.4.4.4).
fn encode_lossless(image: &Image, colours: &Colours) -> Option<Vec<u8>> {
    let mut png = Vec::new();
    encode_png(image, colours, &mut png).ok()?;
    let (mut rest, mut rows) = (png.get(8..)?, Vec::new());
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (kind, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        if kind == b"IDAT" {
            rows.extend_from_slice(after.get(..length)?);
        }
        rest = after.get(length + 4..)?;
    }
    Some(rows)
}

fn encode_png(image: &Image, colours: &Colours, out: &mut Vec<u8>) -> Result<(), png::EncodingError> {
    use std::io::Write as _;

    let mut encoder = png::Encoder::new(out, image.width(), image.height());
    match colours {
        // Without its palette, which the PDF has: to a PNG the numbers are greys.
        Colours::Palette(_) | Colours::Grey => encoder.set_color(png::ColorType::Grayscale),
        Colours::All => encoder.set_color(png::ColorType::Rgb),
    }
    encoder.set_depth(if colours.bits() == 1 { png::BitDepth::One } else { png::BitDepth::Eight });
    if matches!(colours, Colours::Palette(_)) {
        encoder.set_filter(png::Filter::NoFilter);
    } else {
        encoder.set_filter(png::Filter::Adaptive);
    }
    let mut writer = encoder.write_header()?;
    let mut rows = writer.stream_writer()?;
    let (mut row, mut last) = (Vec::new(), ([0; 3], 0));
    for pixels in image.data().chunks_exact(image.width().max(1) as usize * 3) {
        row.clear();
        let pixels = pixels.as_chunks::<3>().0;
        match colours {
            Colours::Grey => row.extend(pixels.iter().map(|pixel| pixel[0])),
            Colours::All => row.extend(pixels.iter().flat_map(|[blue, green, red]| [*red, *green, *blue])),
            Colours::Palette(palette) if palette.len() <= 2 => {
                let bit = |pixel: &[u8; 3]| u8::from(palette.first() != Some(pixel));
                row.extend(pixels.chunks(8).map(|eight| {
                    eight.iter().enumerate().fold(0, |byte, (index, pixel)| byte | bit(pixel) << (7 - index))
                }));
            }
            Colours::Palette(palette) => row.extend(pixels.iter().map(|pixel| {
                if last.0 != *pixel {
                    last = (*pixel, palette.binary_search(pixel).unwrap_or(0) as u8);
                }
                last.1
            })),
        }
        rows.write_all(&row)?;
    }
    rows.finish()?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(pixel: impl Fn(usize) -> [u8; 3]) -> Image {
        let data = (0..20 * 16).flat_map(pixel).collect();
        Image::from_bgr(20, 16, data).unwrap()
    }

    fn written(image: &Image, file: &[u8]) -> String {
        let mut pdf = Pdf::new();
        assert_eq!(write_picture(&mut pdf, Ref::new(1), file, image), UPRIGHT);
        String::from_utf8_lossy(&pdf.finish()).into_owned()
    }

    #[test]
    fn few_colours_have_a_palette_and_two_take_a_bit_each() {
        let scan = drawn(|index| [if index % 7 == 0 { 10 } else { 255 }; 3]);
        assert_eq!(Colours::from_image(&scan), Colours::Palette(vec![[10; 3], [255; 3]]));
        let pdf = written(&scan, b"II*\0");
        assert!(pdf.contains("/BitsPerComponent 1") && pdf.contains("/Indexed"), "{pdf}");
        let shot = drawn(|index| [(index % 200) as u8, 0, 255]);
        assert!(matches!(Colours::from_image(&shot), Colours::Palette(palette) if palette.len() == 200));
        assert_eq!(Colours::from_image(&drawn(|index| [(index % 250) as u8; 3])), Colours::Grey);
        assert_eq!(Colours::from_image(&drawn(|index| [index as u8, (index >> 8) as u8, 1])), Colours::All);
    }

    #[test]
    fn what_is_noisy_is_a_jpeg_and_a_jpeg_stays_what_it_is() {
        let mut noise = fastrand::Rng::with_seed(1);
        let mut large = Image::new(400, 300);
        large.data_mut().iter_mut().for_each(|value| *value = noise.u8(60..190));
        let pdf = written(&large, b"BM");
        assert!(pdf.contains("/DCTDecode"), "{}", &pdf[..200]);
        let mut jpeg = Vec::new();
        Encoder::new().unwrap().encode(&large, 40, &mut jpeg).unwrap();
        let mut pdf = Pdf::new();
        write_picture(&mut pdf, Ref::new(1), &jpeg, &large);
        assert!(pdf.finish().windows(jpeg.len()).any(|bytes| bytes == jpeg));
    }
}
