//! AVIF: the boxes with heifer's parser, AV1 with rav1d.

use heifer::Image;
use heifer::heifer_isobmff::boxes::{ColorInfo, Property};
use heifer::heifer_isobmff::{HeifFile, ItemId};
use re_rav1d::dav1d::pixel::{MatrixCoefficients, YUVRange};
use re_rav1d::dav1d::{Decoder, Picture, PixelLayout, PlanarImageComponent, Settings};
use sightwire_documents::answer::{Refusal, sanitize_words};
use sightwire_documents::request::Request;

use crate::Rgba;
use crate::boxes::{self, Change, damaged_file};
use crate::yuv::{Frame, Matrix, Plane};

/// What a picture's second part has to be called for it to be its opacity.
const ALPHA: &str = "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha";

/// The main picture, upright.
pub(super) fn draw_avif(file: &[u8], request: &Request) -> Result<Rgba, Refusal> {
    let file = boxes::parse_heif(file)?;
    let most = request.max_pixels.saturating_mul(4).min(u64::from(u32::MAX)) as u32;
    let mut image = Item { file: &file, most }.colours(file.primary_id)?;
    for change in boxes::read_changes(&file, file.primary_id)? {
        image = match change {
            Change::Cut { left, top, width, height } => image.crop(left, top, width, height),
            Change::Turn(0) => image,
            Change::Turn(quarters) => image.rotate_ccw(quarters),
            Change::Mirror(top_bottom) => image.mirror(top_bottom),
        };
    }
    Ok(Rgba { size: (image.width, image.height), data: image.data })
}

/// Decodes items of a file.
struct Item<'a> {
    file: &'a HeifFile<'a>,
    /// Pixels of a frame.
    most: u32,
}

impl Item<'_> {
    /// A picture with its opacity, as stored.
    fn colours(&self, id: ItemId) -> Result<Image<u8>, Refusal> {
        let mut image = self.decode_item(id)?;
        let second =
            self.file.referencing_items(id, b"auxl").into_iter().find(|second| self.is_alpha(*second));
        if let Some(second) = second {
            let opacity = self.decode_item(second)?;
            if (opacity.width, opacity.height) != (image.width, image.height) {
                return Err(Refusal::Unsupported("opacity of another size".into()));
            }
            for (pixel, opacity) in image.data.chunks_exact_mut(4).zip(opacity.data.chunks_exact(4)) {
                pixel[3] = opacity[1];
            }
        }
        Ok(image)
    }

    fn is_alpha(&self, id: ItemId) -> bool {
        let is_alpha =
            |property: &Property| matches!(property, Property::AuxiliaryType(kind) if kind == ALPHA);
        self.file.item_properties(id).is_ok_and(|mut properties| properties.any(is_alpha))
    }

    /// One frame, or the tiles of a grid.
    fn decode_item(&self, id: ItemId) -> Result<Image<u8>, Refusal> {
        let kind = self.file.item(id).map_err(|error| damaged_file(&error))?.item_type;
        match &kind.0 {
            b"av01" => self.decode_frame(id),
            b"grid" => self.decode_grid(id),
            _ => Err(Refusal::Unsupported(format!("a picture of the kind {}", sanitize_words(&kind.0)))),
        }
    }

    fn decode_grid(&self, id: ItemId) -> Result<Image<u8>, Refusal> {
        let grid = self.file.grid(id).map_err(|error| damaged_file(&error))?;
        let tiles = self.file.referenced_items(id, b"dimg");
        let (width, height) = (grid.output_width, grid.output_height);
        let is_too_large = u64::from(width) * u64::from(height) > u64::from(self.most);
        if width == 0
            || height == 0
            || is_too_large
            || tiles.len() != usize::from(grid.rows) * usize::from(grid.columns)
        {
            return Err(Refusal::Damaged("its tiles do not make a picture".into()));
        }
        let mut whole = Image::filled_samples(width, height, 8, [0, 0, 0, 255]);
        for (index, tile) in tiles.iter().enumerate() {
            let tile = match &self.file.item(*tile).map_err(|error| damaged_file(&error))?.item_type.0 {
                b"av01" => self.decode_frame(*tile)?,
                _ => return Err(Refusal::Unsupported("tiles of another kind".into())),
            };
            let (column, row) = (index % usize::from(grid.columns), index / usize::from(grid.columns));
            // All tiles have one size, so each begins where this many of them end.
            whole.draw(&tile, column as i64 * i64::from(tile.width), row as i64 * i64::from(tile.height));
        }
        Ok(whole)
    }

    fn decode_frame(&self, id: ItemId) -> Result<Image<u8>, Refusal> {
        let data = self.file.item_data(id).map_err(|error| damaged_file(&error))?.into_owned();
        let picture = decode_av1(data, self.most)?;
        let mut matrix = Matrix::of_frame(picture.matrix_coefficients());
        let mut is_full = picture.color_range() == YUVRange::Full;
        // What the file says counts before what the frame says.
        let properties = self.file.item_properties(id).map_err(|error| damaged_file(&error))?;
        for property in properties {
            if let Property::Color(ColorInfo::Nclx { matrix: number, full_range, .. }) = property {
                (matrix, is_full) = (Matrix::from_number(*number), *full_range);
            }
        }
        let matrix = matrix.ok_or_else(|| Refusal::Unsupported("colours of a rare kind".into()))?;
        to_rgba(&picture, matrix, is_full)
    }
}

fn decode_av1(data: Vec<u8>, most_pixels: u32) -> Result<Picture, Refusal> {
    let failed =
        |error: re_rav1d::dav1d::Error| Refusal::Damaged(sanitize_words(error.to_string().as_bytes()));
    // The library ends the process on it.
    if data.is_empty() {
        return Err(Refusal::Damaged("it has no frame".into()));
    }
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(most_pixels);
    let mut decoder = Decoder::with_settings(&settings).map_err(failed)?;
    match decoder.send_data(data, None, None, None) {
        Ok(()) => {}
        Err(error) if error.is_again() => {}
        Err(error) => return Err(failed(error)),
    }
    loop {
        match decoder.get_picture() {
            Ok(picture) => return Ok(picture),
            Err(error) if error.is_again() => match decoder.send_pending_data() {
                // All was sent, and there is no picture in it.
                Ok(()) => {
                    return decoder.get_picture().map_err(|_| Refusal::Damaged("it has no frame".into()));
                }
                Err(error) if error.is_again() => {}
                Err(error) => return Err(failed(error)),
            },
            Err(error) => return Err(failed(error)),
        }
    }
}

fn to_rgba(picture: &Picture, matrix: Matrix, is_full: bool) -> Result<Image<u8>, Refusal> {
    let rare = || Refusal::Unsupported("samples of a rare depth".into());
    let bits = picture.bits_per_component().ok_or_else(rare)?.0 as u32;
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let part = |component| picture.plane(component);
    let luma = part(PlanarImageComponent::Y);
    let (halved, chroma) = match picture.pixel_layout() {
        PixelLayout::I400 => ((false, false), None),
        layout => {
            let halved = match layout {
                PixelLayout::I420 => (true, true),
                PixelLayout::I422 => (true, false),
                PixelLayout::I400 | PixelLayout::I444 => (false, false),
            };
            (halved, Some([part(PlanarImageComponent::U), part(PlanarImageComponent::V)]))
        }
    };
    let stride = |component| picture.stride(component) as usize;
    let plane = |bytes, component| Plane { bytes, stride: stride(component), is_wide: bits > 8 };
    let frame = Frame {
        size: (width, height),
        luma: plane(&luma, PlanarImageComponent::Y),
        chroma: chroma
            .as_ref()
            .map(|[u, v]| [plane(u, PlanarImageComponent::U), plane(v, PlanarImageComponent::V)]),
        halved,
        bits,
        is_full,
        matrix,
    };
    let data = frame.to_rgba().ok_or_else(|| Refusal::Damaged("its planes are too short".into()))?;
    let (width, height) = (width as u32, height as u32);
    Ok(Image { width, height, bit_depth: 8, has_alpha: false, data })
}

impl Matrix {
    fn of_frame(matrix: MatrixCoefficients) -> Option<Self> {
        Some(match matrix {
            MatrixCoefficients::Identity => Self::Identity,
            MatrixCoefficients::BT709 | MatrixCoefficients::ChromaticityDerivedNonConstantLuminance => {
                Self::BT709
            }
            MatrixCoefficients::BT2020NonConstantLuminance => Self::BT2020,
            MatrixCoefficients::Unspecified
            | MatrixCoefficients::BT470BG
            | MatrixCoefficients::BT470M
            | MatrixCoefficients::ST170M => Self::BT601,
            MatrixCoefficients::ST240M => Self::ST240,
            _ => return None,
        })
    }
}
