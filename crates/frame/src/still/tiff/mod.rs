//! TIFF, through the `tiff` crate, page by page.
//!
//! The library knows nothing of palettes, of strips that reach beyond the picture in fax pages, and of bits in reverse
//! order. All three are given to it as something that it knows, by changing a few bytes on their way to it
//! ([`patched`]); the rest is done to the samples here ([`samples`]).

mod directory;
mod patched;
mod samples;

use ::tiff::decoder::{Decoder, TiffCodingUnit};
use ::tiff::tags::{CompressionMethod, Tag};
use ::tiff::{ColorType, TiffError};

use self::directory::Layout;
pub(super) use self::directory::{Page, pages};
use self::patched::Patched;
use self::samples::{Ink, Samples};
use super::{StillError, StillFormat};
use crate::codec::CodecError;
use crate::header::{self, Segments};
use crate::image::Image;

/// Values of `PhotometricInterpretation`: TIFF 6.0, section 8.
mod photometric {
    pub const WHITE_IS_ZERO: u64 = 0;
    pub const BLACK_IS_ZERO: u64 = 1;
    pub const PALETTE: u64 = 3;
}

/// With more samples a pixel it is not a picture.
const MOST_SAMPLES: u16 = 8;

fn damaged_tiff(reason: impl Into<CodecError>) -> StillError {
    StillError::damaged(StillFormat::Tiff, reason)
}

fn unsupported_tiff(what: impl Into<String>) -> StillError {
    StillError::unsupported(StillFormat::Tiff, what)
}

fn tiff_error(error: TiffError) -> StillError {
    match error {
        TiffError::UnsupportedError(error) => unsupported_tiff(error.to_string()),
        TiffError::IoError(_) => damaged_tiff("it ends before its last row"),
        error => damaged_tiff(CodecError::from_library(error)),
    }
}

/// Decodes a page, whose size has been checked against the limits, as it is stored.
pub(super) fn decode_page(
    bytes: &[u8],
    page: &Page,
    max_pixels: u64,
    out: &mut Image,
) -> Result<(), StillError> {
    let mut stored = Patched::new(bytes);
    let layout = Layout::from_bytes(bytes);
    stored.patch(layout.first_place(), layout.write_number(page.directory, layout.place_bytes()));
    let meaning = page.photometric.map(|short| short.value);
    if let (Some(short), Some(photometric::WHITE_IS_ZERO | photometric::PALETTE)) =
        (page.photometric, meaning)
    {
        stored.patch(short.at, layout.write_number(photometric::BLACK_IS_ZERO, short.bytes));
    }
    // 2^32 - 1 means that there is one strip; fax pages have at most 65,535 rows for the library.
    if let Some(short) = page.rows_per_strip.filter(|short| short.value > u64::from(page.stored.1)) {
        stored.patch(short.at, layout.write_number(page.stored.1.into(), short.bytes));
    }
    let mut decoder = Decoder::new(stored).map_err(tiff_error)?;
    if decoder.dimensions().map_err(tiff_error)? != page.stored {
        return Err(damaged_tiff("a tag is there twice"));
    }
    let ink = read_ink(&mut decoder, meaning)?;
    let coding = read_number(&mut decoder, Tag::Compression)?.unwrap_or(1);
    check_chunk_size(&decoder, max_pixels)?;
    let jpegs = if coding == u32::from(CompressionMethod::ModernJPEG.to_u16()) {
        Some(Jpegs::new(bytes, &mut decoder)?)
    } else {
        None
    };
    let reversed = read_number(&mut decoder, Tag::FillOrder)? == Some(2);
    // Only now: the directory has no bits in reverse.
    decoder.inner().reverse_bits(reversed && jpegs.is_none());
    out.reshape(page.stored.0, page.stored.1);
    let used = if ink.has_colours_only() && decoder.colortype().map_err(tiff_error)?.bit_depth() == 16 {
        let mut most = 0;
        each_chunk(&mut decoder, jpegs.as_ref(), page.stored, |samples, _| {
            most = most.max(samples.max_value());
        })?;
        samples::used_bits(most)
    } else {
        16
    };
    each_chunk(&mut decoder, jpegs.as_ref(), page.stored, |samples, at| samples.paint(&ink, used, at, out))
}

/// A tag that holds one number.
fn read_number(decoder: &mut Decoder<Patched<'_>>, tag: Tag) -> Result<Option<u32>, StillError> {
    decoder.find_tag_unsigned(tag).map_err(tiff_error)
}

/// What the samples of a page mean.
fn read_ink(decoder: &mut Decoder<Patched<'_>>, meaning: Option<u64>) -> Result<Ink, StillError> {
    let formats =
        decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat).map_err(tiff_error)?.unwrap_or_default();
    match formats.iter().find(|&&format| !matches!(format, 1 | 4)) {
        Some(3) => return Err(unsupported_tiff("samples in floating point")),
        Some(2) => return Err(unsupported_tiff("samples below zero")),
        Some(_) => return Err(unsupported_tiff("complex samples")),
        None => {}
    }
    if read_number(decoder, Tag::SamplesPerPixel)?.is_some_and(|count| count > MOST_SAMPLES.into()) {
        return Err(unsupported_tiff(format!("more than {MOST_SAMPLES} samples a pixel")));
    }
    let extra =
        decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples).map_err(tiff_error)?.unwrap_or_default();
    let colour = decoder.colortype().map_err(tiff_error)?;
    let is_supported = match colour {
        ColorType::Gray(bits) => matches!(bits, 1 | 2 | 4 | 8 | 16),
        colour => matches!(colour.bit_depth(), 8 | 16),
    };
    if !is_supported {
        return Err(unsupported_tiff(format!("{} bits a sample", colour.bit_depth())));
    }
    let alpha = samples::Alpha::from_extra(extra.first().copied());
    let palette = meaning == Some(photometric::PALETTE);
    match colour {
        ColorType::Gray(bits) if palette && bits <= 8 => {
            let map =
                decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap).map_err(tiff_error)?.unwrap_or_default();
            Ink::palette(&map, bits).ok_or_else(|| damaged_tiff("its palette is missing or too short"))
        }
        ColorType::Gray(_) | ColorType::Multiband { .. } if !palette => {
            Ok(Ink::Grey { inverted: meaning == Some(photometric::WHITE_IS_ZERO), alpha })
        }
        ColorType::RGB(_) => Ok(Ink::Rgb),
        ColorType::RGBA(_) => Ok(Ink::Rgba(alpha)),
        ColorType::CMYK(_) | ColorType::CMYKA(_) => Ok(Ink::Cmyk),
        ColorType::YCbCr(_) => Ok(Ink::YCbCr),
        colour => Err(unsupported_tiff(format!("colours as {colour:?}"))),
    }
}

/// A strip or tile is decoded at once; 16-bit CMYK takes eight bytes a pixel.
const MOST_CHUNK_BYTES: usize = 512 << 20;

/// The library takes memory for a whole tile, however small the page is.
fn check_chunk_size(decoder: &Decoder<Patched<'_>>, max_pixels: u64) -> Result<(), StillError> {
    let (width, height) = decoder.chunk_dimensions();
    if decoder.get_chunk_type() == ::tiff::decoder::ChunkType::Tile
        && u64::from(width) * u64::from(height) > max_pixels
    {
        return Err(damaged_tiff("a tile is larger than a page may be"));
    }
    Ok(())
}

/// Calls `each` with the samples of every strip or tile of a page of that width and height, and where their first pixel is.
fn each_chunk(
    decoder: &mut Decoder<Patched<'_>>,
    jpegs: Option<&Jpegs<'_>>,
    (page_width, page_height): (u32, u32),
    mut each: impl FnMut(&Samples<'_>, (u32, u32)),
) -> Result<(), StillError> {
    let (chunk_width, chunk_height) = decoder.chunk_dimensions();
    let across = page_width.div_ceil(chunk_width);
    let down = page_height.div_ceil(chunk_height);
    let mut buffer = Vec::new();
    for (index, (row, column)) in
        (0..down).flat_map(|row| (0..across).map(move |column| (row, column))).enumerate()
    {
        let index = index as u32;
        if let Some(jpegs) = jpegs {
            jpegs.check_chunk(index, (chunk_width, chunk_height.min(page_height)))?;
        }
        let unit = TiffCodingUnit(index);
        let (width, height) = decoder.chunk_data_dimensions(index);
        let layout = decoder.image_coding_unit_layout(unit).map_err(tiff_error)?;
        if layout.complete_len > MOST_CHUNK_BYTES {
            let most = MOST_CHUNK_BYTES >> 20;
            return Err(unsupported_tiff(format!(
                "strips or tiles of more than {most} MB; save it with smaller ones"
            )));
        }
        buffer.clear();
        buffer.resize(layout.complete_len, 0);
        decoder.read_coding_unit_bytes(unit, &mut buffer).map_err(tiff_error)?;
        let colour = decoder.colortype().map_err(tiff_error)?;
        let samples = Samples {
            bytes: &buffer,
            width: width as usize,
            height: height as usize,
            bits: colour.bit_depth(),
            each: colour.num_samples().into(),
            planes: layout.planes,
        };
        each(&samples, (column * chunk_width, row * chunk_height));
    }
    Ok(())
}

/// The JPEGs within a page. Each is checked before the library sees it, which takes memory for what the JPEG says.
struct Jpegs<'a> {
    bytes: &'a [u8],
    places: Vec<u64>,
    lengths: Vec<u64>,
}

impl<'a> Jpegs<'a> {
    fn new(bytes: &'a [u8], decoder: &mut Decoder<Patched<'_>>) -> Result<Self, StillError> {
        let mut list = |strips, tiles| -> Result<Vec<u64>, StillError> {
            let found = decoder.find_tag_unsigned_vec(strips).map_err(tiff_error)?;
            Ok(if found.is_some() {
                found
            } else {
                decoder.find_tag_unsigned_vec(tiles).map_err(tiff_error)?
            }
            .unwrap_or_default())
        };
        let places = list(Tag::StripOffsets, Tag::TileOffsets)?;
        let lengths = list(Tag::StripByteCounts, Tag::TileByteCounts)?;
        if decoder.find_tag(Tag::JPEGTables).map_err(tiff_error)?.is_some() {
            let tables = decoder.get_tag_u8_vec(Tag::JPEGTables).map_err(tiff_error)?;
            if count_frames(&tables) != 0 {
                return Err(damaged_tiff("the tables of its JPEGs hold a picture"));
            }
        }
        // The library copies each whole, so many strips in the same place would cost a multiple of the file.
        if lengths.iter().fold(0, |sum: u64, &length| sum.saturating_add(length)) > bytes.len() as u64 {
            return Err(damaged_tiff("the JPEGs within it overlap"));
        }
        Ok(Self { bytes, places, lengths })
    }

    /// Whether the JPEG of a chunk is no larger than the chunk.
    fn check_chunk(&self, index: u32, (width, height): (u32, u32)) -> Result<(), StillError> {
        let stored =
            self.stored_chunk(index as usize).ok_or_else(|| damaged_tiff("it ends before its last row"))?;
        let header =
            header::probe_header(stored).map_err(|error| damaged_tiff(CodecError::from_library(error)))?;
        if count_frames(stored) != 1 || header.width > width || header.height > height {
            return Err(damaged_tiff("a JPEG within it is larger than its place"));
        }
        Ok(())
    }

    fn stored_chunk(&self, index: usize) -> Option<&'a [u8]> {
        let place = usize::try_from(*self.places.get(index)?).ok()?;
        let length = usize::try_from(*self.lengths.get(index)?).ok()?;
        self.bytes.get(place..place.checked_add(length)?)
    }
}

/// Frame headers of a JPEG before its first scan.
fn count_frames(jpeg: &[u8]) -> usize {
    let is_frame = |marker: u8| matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
    Segments::new(jpeg).map_while(Result::ok).filter(|segment| is_frame(segment.marker)).count()
}
