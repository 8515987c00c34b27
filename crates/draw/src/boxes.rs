//! What AVIF and HEIC have in common: pictures in boxes (ISO/IEC 23008-12), their size, and how they are turned.

use heifer::heifer_isobmff::boxes::Property;
use heifer::heifer_isobmff::{Error, HeifFile, ItemId};
use sightwire_documents::PageHeader;
use sightwire_documents::answer::{Refusal, sanitize_words};
use sightwire_documents::request::Request;

/// The main picture of a file; whatever else is in it (thumbnails, other pictures, depth) is not looked at.
pub(super) fn read_header(file: &[u8], request: &Request) -> Result<Vec<PageHeader>, Refusal> {
    let file = parse_heif(file)?;
    let size = upright_size(&file, file.primary_id)?;
    let pixels = u64::from(size.0) * u64::from(size.1);
    // The parent says so in its own words.
    let is_too_large = pixels > request.max_pixels || size.0.max(size.1) > request.max_side;
    if !is_too_large && coded_pixels(&file, file.primary_id)? > request.max_pixels.saturating_mul(4) {
        return Err(Refusal::Unsupported("far more pixels than are shown".into()));
    }
    Ok(vec![PageHeader { size, has_text: false, is_reduced: false, is_cut_off: false }])
}

pub(super) fn parse_heif(file: &[u8]) -> Result<HeifFile<'_>, Refusal> {
    HeifFile::parse(file).map_err(|error| damaged_file(&error))
}

pub(super) fn damaged_file(error: &Error) -> Refusal {
    Refusal::Damaged(sanitize_words(error.to_string().as_bytes()))
}

/// Pixels as they are stored.
fn coded_pixels(file: &HeifFile<'_>, id: ItemId) -> Result<u64, Refusal> {
    let (width, height) = stored_size(file, id)?;
    Ok(u64::from(width) * u64::from(height))
}

/// As stored, before it is cut and turned.
fn stored_size(file: &HeifFile<'_>, id: ItemId) -> Result<(u32, u32), Refusal> {
    let size = file.image_size(id).map_err(|error| damaged_file(&error))?;
    let size = size.ok_or_else(|| Refusal::Damaged("its size is missing".into()))?;
    if size.0 == 0 || size.1 == 0 { Err(Refusal::Damaged("a side is 0".into())) } else { Ok(size) }
}

fn upright_size(file: &HeifFile<'_>, id: ItemId) -> Result<(u32, u32), Refusal> {
    let mut size = stored_size(file, id)?;
    for change in read_changes(file, id)? {
        size = match change {
            Change::Cut { width, height, .. } => (width.min(size.0), height.min(size.1)),
            Change::Turn(quarters) if quarters % 2 == 1 => (size.1, size.0),
            Change::Turn(_) | Change::Mirror(_) => size,
        };
    }
    if size.0 == 0 || size.1 == 0 { Err(Refusal::Damaged("nothing of it is shown".into())) } else { Ok(size) }
}

/// What is done to a picture before it is shown, in this order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    /// Only this is shown, px.
    Cut { left: u32, top: u32, width: u32, height: u32 },
    /// By quarters, against the clock.
    Turn(u8),
    /// Top and bottom, else left and right.
    Mirror(bool),
}

/// All changes of a picture.
pub(super) fn read_changes(file: &HeifFile<'_>, id: ItemId) -> Result<Vec<Change>, Refusal> {
    let mut size = stored_size(file, id)?;
    let mut all = Vec::new();
    for property in file.item_properties(id).map_err(|error| damaged_file(&error))? {
        let change = match *property {
            Property::CleanAperture { width, height, horiz_offset, vert_offset } => {
                clean_aperture(size, [width, height], [horiz_offset, vert_offset])?
            }
            Property::Rotation(quarters) => Change::Turn(quarters),
            Property::Mirror(top_bottom) => Change::Mirror(top_bottom),
            _ => continue,
        };
        if matches!(change, Change::Turn(quarters) if quarters % 2 == 1) {
            size = (size.1, size.0);
        }
        all.push(change);
    }
    Ok(all)
}

/// A clean aperture is given by fractions: its size, and how far its centre is from the picture's (ISO/IEC 14496-12, `clap`).
fn clean_aperture(
    size: (u32, u32),
    sides: [(u32, u32); 2],
    offsets: [(i32, u32); 2],
) -> Result<Change, Refusal> {
    let part = |whole: u32, (side, of): (u32, u32), (offset, by): (i32, u32)| {
        if of == 0 || by == 0 {
            return Err(Refusal::Damaged("a part of it is given by a division by 0".into()));
        }
        let side = f64::from(side) / f64::from(of);
        let centre = f64::from(offset) / f64::from(by) + (f64::from(whole) - 1.0) / 2.0;
        let start = (centre - (side - 1.0) / 2.0).round().clamp(0.0, f64::from(whole)) as u32;
        Ok((start, (side.round() as u32).min(whole - start)))
    };
    let (left, width) = part(size.0, sides[0], offsets[0])?;
    let (top, height) = part(size.1, sides[1], offsets[1])?;
    Ok(Change::Cut { left, top, width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_aperture_is_around_its_centre_and_within_the_picture() {
        let cut = |side, offset| clean_aperture((100, 60), [side, (60, 1)], [offset, (0, 1)]).unwrap();
        assert_eq!(cut((80, 1), (0, 1)), Change::Cut { left: 10, top: 0, width: 80, height: 60 });
        assert_eq!(cut((80, 1), (-10, 1)), Change::Cut { left: 0, top: 0, width: 80, height: 60 });
        assert_eq!(cut((80, 1), (30, 1)), Change::Cut { left: 40, top: 0, width: 60, height: 60 });
        assert_eq!(
            cut((u32::MAX, 1), (i32::MAX, 1)),
            Change::Cut { left: 50, top: 0, width: 50, height: 60 }
        );
        assert!(clean_aperture((1, 1), [(1, 0), (1, 1)], [(0, 1), (0, 1)]).is_err());
    }
}
