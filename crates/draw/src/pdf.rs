//! PDF, with hayro.

use std::collections::HashMap;

use hayro::hayro_interpret::{InterpreterSettings, TransformExt as _};
use hayro::hayro_syntax::content::TypedIter;
use hayro::hayro_syntax::content::ops::TypedInstruction;
use hayro::hayro_syntax::object::dict::keys::{RESOURCES, SUBTYPE};
use hayro::hayro_syntax::object::{Dict, Name, ObjectIdentifier};
use hayro::hayro_syntax::page::{Page, Resources};
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::{self, Pixmap, RasterizerSettings, RenderContext, TargetInit};
use hayro::{RenderCache, RenderSettings, render_into};
use sightwire_documents::answer::Refusal;
use sightwire_documents::request::Request;
use sightwire_documents::{DPI, PageHeader};

use crate::cost;

/// Points of an inch.
const POINTS: f64 = 72.0;
/// Of a page on either side: programs write no larger ones, hostile files anything.
const MOST_POINTS: f64 = 1e6;
/// Longest side that the renderer draws, pixels.
const LONGEST_SIDE: u32 = 32_000;
/// Operations that are looked at for text in all pages together: a second's worth.
const MOST_OPERATIONS: u32 = 5_000_000;
/// Forms within forms that are looked into.
const DEEPEST_FORM: u32 = 8;

/// The pages' sizes, or why the file is refused.
pub(super) fn read_header(file: Vec<u8>, request: &Request) -> Result<Vec<PageHeader>, Refusal> {
    let pdf = open_pdf(file)?;
    let pages = pdf.pages();
    if pages.len() > request.max_pages as usize {
        return Err(Refusal::TooManyPages);
    }
    if pages.is_empty() {
        return Err(Refusal::Damaged("it has no pages".into()));
    }
    let mut search = TextSearch { operations_left: MOST_OPERATIONS, forms: HashMap::new() };
    let page = |(number, page): (usize, &Page<'_>)| {
        let (size, is_reduced) = page_size(page.render_dimensions(), request.max_pixels, request.max_side);
        PageHeader { size, has_text: search.search_page(number, page), is_reduced, is_cut_off: false }
    };
    Ok(pages.iter().enumerate().map(page).collect())
}

/// A page, from 0, on white, at that size.
pub(super) fn draw_page(file: Vec<u8>, page: u32, (width, height): (u32, u32)) -> Result<Pixmap, Refusal> {
    let pdf = open_pdf(file)?;
    let page = pdf.pages().get(page as usize).ok_or(Refusal::NoPage(page))?;
    cost::check_page(page, u64::from(width) * u64::from(height))?;
    let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(Refusal::Damaged("a page is too large to be drawn".into()));
    };
    let points = page.render_dimensions();
    let scale = |pixels: u16, points: f32| f64::from(pixels) / f64::from(points);
    let scale = Affine::scale_non_uniform(scale(width, points.0), scale(height, points.1));
    let transform = scale * page.initial_transform(true).to_kurbo();
    let mut context = RenderContext::new(width, height);
    let settings = InterpreterSettings::default();
    // Of a page that is read, letters keep their places and shapes: they are not fitted to the grid of pixels.
    let rendering = RenderSettings { hinting: false, ..RenderSettings::default() };
    render_into(page, &RenderCache::new(), &settings, &rendering, &mut context, transform);
    context.flush();
    let mut pixels = Pixmap::new(width, height);
    let target =
        RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..RasterizerSettings::default() };
    context.render_with(&mut pixels, &mut vello_cpu::Resources::default(), target);
    Ok(pixels)
}

fn open_pdf(file: Vec<u8>) -> Result<Pdf, Refusal> {
    Pdf::new(file).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Refusal::Protected,
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => {
            Refusal::Unsupported("an encryption that is not known".into())
        }
        LoadPdfError::Decryption(_) => Refusal::Damaged("its encryption is not well-formed".into()),
        LoadPdfError::Invalid => Refusal::Damaged("its pages cannot be found".into()),
    })
}

/// In pixels, at [`DPI`] or smaller, and whether it is smaller.
fn page_size((width, height): (f32, f32), max_pixels: u64, max_side: u32) -> ((u32, u32), bool) {
    let max_side = max_side.min(LONGEST_SIDE);
    let whole = |points: f32| f64::from(points.max(1.0)).min(MOST_POINTS) * DPI / POINTS;
    let (width, height) = (whole(width), whole(height));
    let (across, down) = (width.round().max(1.0), height.round().max(1.0));
    if across.max(down) <= f64::from(max_side) && across * down <= max_pixels as f64 {
        return ((across as u32, down as u32), false);
    }
    let by_side = f64::from(max_side) / width.max(height);
    let by_pixels = (max_pixels as f64 / (width * height)).sqrt();
    let scale = by_side.min(by_pixels).min(1.0);
    let side = |pixels: f64| (pixels * scale).clamp(1.0, f64::from(max_side)) as u32;
    // What is cut off is less than a pixel, so no limit is passed.
    ((side(width), side(height)), true)
}

/// Looks for operators that show text, in whichever mode, invisible too: without fonts, so it is fast.
struct TextSearch {
    operations_left: u32,
    /// Those that were looked into, and whose resources they had: each is unpacked once.
    forms: HashMap<(ObjectIdentifier, Owner), bool>,
}

/// Whose resources a form uses: its own, those of another form, or of a page.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    Page(usize),
    Form(ObjectIdentifier),
}

impl TextSearch {
    fn search_page(&mut self, number: usize, page: &Page<'_>) -> bool {
        self.search_content(page.typed_operations(), (page.resources(), Owner::Page(number)), 0)
    }

    fn search_content(
        &mut self,
        mut operations: TypedIter<'_>,
        resources: (&Resources<'_>, Owner),
        depth: u32,
    ) -> bool {
        while let Some(operation) = operations.next() {
            self.operations_left = self.operations_left.saturating_sub(1);
            if self.operations_left == 0 {
                return false;
            }
            let found = match operation {
                TypedInstruction::ShowText(_)
                | TypedInstruction::ShowTexts(_)
                | TypedInstruction::NextLineAndShowText(_)
                | TypedInstruction::ShowTextWithParameters(_) => true,
                TypedInstruction::XObject(form) if depth < DEEPEST_FORM => {
                    self.search_form(form.0, resources, depth + 1)
                }
                _ => false,
            };
            if found {
                return true;
            }
        }
        false
    }

    fn search_form(
        &mut self,
        name: &Name<'_>,
        (resources, owner): (&Resources<'_>, Owner),
        depth: u32,
    ) -> bool {
        let Some(stream) = resources.get_x_object(name) else { return false };
        let dict = stream.dict();
        if dict.get::<Name<'_>>(SUBTYPE).is_none_or(|subtype| subtype.as_str() != "Form") {
            return false;
        }
        let own = dict.get::<Dict<'_>>(RESOURCES).map(Resources::new);
        let owner = if own.is_some() { Owner::Form(stream.obj_id()) } else { owner };
        let key = (stream.obj_id(), owner);
        if let Some(known) = self.forms.get(&key) {
            return *known;
        }
        // One that contains itself has what it has beside that.
        self.forms.insert(key, false);
        let Ok(content) = stream.decoded() else { return false };
        let found =
            self.search_content(TypedIter::new(&content), (own.as_ref().unwrap_or(resources), owner), depth);
        self.forms.insert(key, found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_drawn_at_200_dpi_or_as_large_as_the_limits_allow() {
        let a4 = (595.276, 841.89);
        assert_eq!(page_size(a4, 100_000_000, 65_535), ((1654, 2339), false));
        let (smaller, is_reduced) = page_size(a4, 1_000_000, 65_535);
        assert!(
            is_reduced && smaller.0 * smaller.1 <= 1_000_000 && smaller.0 * smaller.1 > 997_000,
            "{smaller:?}"
        );
        assert_eq!(page_size(a4, 100_000_000, 1000), ((707, 1000), true));
        assert_eq!(page_size((f32::MAX, 1.0), 1000, 1000).0.1, 1, "a page of one line");
        assert_eq!(page_size((f32::NAN, -3.0), 1000, 1000), ((3, 3), false));
        assert_eq!(page_size((f32::INFINITY, f32::INFINITY), 1000, 1000).0, (31, 31));
    }
}
