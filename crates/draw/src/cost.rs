//! What a page of a PDF costs to be drawn, by its operators alone: nothing is drawn, no font is loaded, and each form is looked
//! at once, however often it is drawn. A few hundred bytes may ask for years of work.

use std::collections::HashMap;

use hayro::hayro_syntax::content::TypedIter;
use hayro::hayro_syntax::content::ops::TypedInstruction;
use hayro::hayro_syntax::object::{Array, Dict, Name, Number, Object, ObjectIdentifier, Stream};
use hayro::hayro_syntax::page::{Page, Resources};
use sightwire_documents::answer::Refusal;

/// Forms within forms (patterns, glyphs and masks as well); programs write a handful.
const DEEPEST: u32 = 24;
/// Operators and glyphs, each counted as often as it is carried out.
const MOST_OPERATORS: u64 = 10_000_000;
/// A form takes as many besides its own, and so do this many bytes of a stream, which is unpacked each time that it is drawn.
const OPERATORS_OF_FORM: u64 = 10;
const BYTES_OF_OPERATOR: usize = 32;
/// Pixels of layers that are laid over each other: each takes as many as the page has.
const MOST_LAYER_PIXELS: u64 = 3_000_000_000;
/// Dashes of lines.
const MOST_DASHES: u64 = 1_000_000;
/// Pixels of pictures, each counted as often as it is drawn.
const MOST_IMAGE_PIXELS: u64 = 1_000_000_000;
/// Layers that a mask takes, and all that is painted through it.
const LAYERS_OF_MASK: u64 = 3;

/// What drawing a content stream takes.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    operators: u64,
    /// Of them, those that paint.
    paints: u64,
    layers: u64,
    dashes: u64,
    image_pixels: u64,
}

impl Cost {
    fn combine(&mut self, other: Self, with: impl Fn(u64, u64) -> u64) {
        self.operators = with(self.operators, other.operators);
        self.paints = with(self.paints, other.paints);
        self.layers = with(self.layers, other.layers);
        self.dashes = with(self.dashes, other.dashes);
        self.image_pixels = with(self.image_pixels, other.image_pixels);
    }

    fn add(&mut self, other: Self, times: u64) {
        self.combine(other, |sum, more| sum.saturating_add(more.saturating_mul(times)));
    }

    /// What it is too much of, if that can be told already.
    fn check_limits(&self, page_pixels: u64) -> Result<(), Refusal> {
        let checks = [
            (self.operators, MOST_OPERATORS, "operators and glyphs"),
            (self.layers.saturating_mul(page_pixels), MOST_LAYER_PIXELS, "pixels of layers"),
            (self.dashes, MOST_DASHES, "dashes"),
            (self.image_pixels, MOST_IMAGE_PIXELS, "pixels of pictures"),
        ];
        let over = checks.into_iter().find(|(count, most, _)| count > most);
        over.map_or(Ok(()), |(_, most, what)| {
            Err(Refusal::TooMuch(format!("it has more than {most} {what}")))
        })
    }
}

/// Refuses a page that would take too much work, at that many pixels.
pub(super) fn check_page(page: &Page<'_>, pixels: u64) -> Result<(), Refusal> {
    let mut reckoning = Reckoning { page_pixels: pixels, looked_at: 0, known: HashMap::new() };
    let (width, height) = page.render_dimensions();
    let area = f64::from(width) * f64::from(height);
    let Some(content) = page.page_stream() else { return Ok(()) };
    let top = Content { resources: page.resources(), owner: None, area, depth: 0 };
    reckoning.content_cost(content, &top).map(drop)
}

struct Reckoning {
    page_pixels: u64,
    looked_at: u64,
    /// By the stream and whose resources it uses.
    known: HashMap<(ObjectIdentifier, Option<ObjectIdentifier>), Cost>,
}

/// A content stream, and within what it is drawn.
struct Content<'r, 'a> {
    resources: &'r Resources<'a>,
    /// Whose they are; `None`: the page's.
    owner: Option<ObjectIdentifier>,
    /// Of the page, in square points: what a pattern may have to fill.
    area: f64,
    depth: u32,
}

impl Content<'_, '_> {
    fn check_depth(&self) -> Result<(), Refusal> {
        if self.depth > DEEPEST {
            let too_deep = format!("its forms lie within each other more than {DEEPEST} deep");
            return Err(Refusal::TooMuch(too_deep));
        }
        Ok(())
    }
}

/// What of the graphics state makes painting dear.
#[derive(Clone, Copy, Default)]
struct State {
    /// Layers of each thing that is painted.
    layers: u64,
    /// Mean length of a dash.
    dash: Option<f64>,
    /// For each thing that is painted.
    fill: Option<Cost>,
    stroke: Option<Cost>,
    glyph: Option<Cost>,
}

/// How far a path goes.
#[derive(Clone, Copy, Default)]
struct PathLength {
    at: (f64, f64),
    length: f64,
}

impl PathLength {
    fn line_to(&mut self, x: Number, y: Number) {
        let to = (x.as_f64(), y.as_f64());
        self.length += (to.0 - self.at.0).abs() + (to.1 - self.at.1).abs();
        self.at = to;
    }
}

impl Reckoning {
    fn content_cost(&mut self, data: &[u8], within: &Content<'_, '_>) -> Result<Cost, Refusal> {
        within.check_depth()?;
        let bytes = (data.len() / BYTES_OF_OPERATOR) as u64;
        let mut cost = Cost { operators: OPERATORS_OF_FORM + bytes, ..Cost::default() };
        let (mut state, mut saved) = (State::default(), Vec::new());
        let mut path = PathLength::default();
        let mut operators = TypedIter::new(data);
        while let Some(operator) = operators.next() {
            self.looked_at += 1;
            cost.operators = cost.operators.saturating_add(1);
            if self.looked_at > MOST_OPERATORS {
                cost.operators = self.looked_at;
            }
            match operator {
                TypedInstruction::SaveState(_) => saved.push(state),
                TypedInstruction::RestoreState(_) => state = saved.pop().unwrap_or_default(),
                TypedInstruction::SetGraphicsState(name) => {
                    if let Some(dict) = within.resources.get_ext_g_state(name.0) {
                        self.set_state(&dict, &mut state, &mut cost, within)?;
                    }
                }
                TypedInstruction::DashPattern(dash) => state.dash = mean_dash(dash.0),
                TypedInstruction::NonStrokeColorNamed(colour) => {
                    state.fill = self.pattern_cost(colour.1, within)?;
                }
                TypedInstruction::StrokeColorNamed(colour) => {
                    state.stroke = self.pattern_cost(colour.1, within)?;
                }
                TypedInstruction::TextFont(font) => state.glyph = self.font_cost(font.0, within)?,
                TypedInstruction::MoveTo(to) => path.at = (to.0.as_f64(), to.1.as_f64()),
                TypedInstruction::LineTo(to) => path.line_to(to.0, to.1),
                TypedInstruction::CubicTo(to) => {
                    path.line_to(to.0, to.1);
                    path.line_to(to.2, to.3);
                    path.line_to(to.4, to.5);
                }
                TypedInstruction::CubicStartTo(to) => {
                    path.line_to(to.0, to.1);
                    path.line_to(to.2, to.3);
                }
                TypedInstruction::CubicEndTo(to) => {
                    path.line_to(to.0, to.1);
                    path.line_to(to.2, to.3);
                }
                TypedInstruction::RectPath(rect) => {
                    path.length += 2.0 * (rect.2.as_f64().abs() + rect.3.as_f64().abs());
                }
                TypedInstruction::StrokePath(_) | TypedInstruction::CloseAndStrokePath(_) => {
                    cost.add_stroke(state, &mut path);
                }
                TypedInstruction::FillPathNonZero(_)
                | TypedInstruction::FillPathNonZeroCompatibility(_)
                | TypedInstruction::FillPathEvenOdd(_) => {
                    cost.add_paint(state, state.fill, 1);
                    path = PathLength::default();
                }
                TypedInstruction::FillAndStrokeNonZero(_)
                | TypedInstruction::FillAndStrokeEvenOdd(_)
                | TypedInstruction::CloseFillAndStrokeNonZero(_)
                | TypedInstruction::CloseFillAndStrokeEvenOdd(_) => {
                    cost.add_paint(state, state.fill, 1);
                    cost.add_stroke(state, &mut path);
                }
                TypedInstruction::EndPath(_) => path = PathLength::default(),
                TypedInstruction::Shading(_) => {
                    cost.add_paint(state, None, 1);
                    cost.layers = cost.layers.saturating_add(1);
                }
                TypedInstruction::ShowText(text) => cost.add_text(state, text.0.as_bytes().len()),
                TypedInstruction::NextLineAndShowText(text) => cost.add_text(state, text.0.as_bytes().len()),
                TypedInstruction::ShowTextWithParameters(text) => {
                    cost.add_text(state, text.2.as_bytes().len());
                }
                TypedInstruction::ShowTexts(texts) => {
                    let texts = texts.0.iter::<hayro::hayro_syntax::object::String<'_>>();
                    cost.add_text(state, texts.map(|text| text.as_bytes().len()).sum());
                }
                TypedInstruction::InlineImage(image) => cost.add_image(state, image.0.dict()),
                TypedInstruction::XObject(name) => {
                    if let Some(stream) = within.resources.get_x_object(name.0) {
                        self.x_object(&stream, state, &mut cost, within)?;
                    }
                }
                _ => {}
            }
            cost.check_limits(self.page_pixels)?;
        }
        Ok(cost)
    }

    fn x_object(
        &mut self,
        stream: &Stream<'_>,
        state: State,
        cost: &mut Cost,
        within: &Content<'_, '_>,
    ) -> Result<(), Refusal> {
        let dict = stream.dict();
        match dict.get::<Name<'_>>("Subtype").as_deref() {
            Some(b"Image") => cost.add_image(state, dict),
            Some(b"Form") => {
                let form = self.stream_cost(stream, within)?;
                cost.add(form, 1);
                let own = match dict.get::<Dict<'_>>("Group") {
                    Some(_) => state.layers.max(1),
                    None => form.paints.saturating_mul(state.layers),
                };
                cost.layers = cost.layers.saturating_add(own);
            }
            _ => {}
        }
        Ok(())
    }

    /// A form, a pattern's cell, a glyph.
    fn stream_cost(&mut self, stream: &Stream<'_>, within: &Content<'_, '_>) -> Result<Cost, Refusal> {
        let own = stream.dict().get::<Dict<'_>>("Resources").map(Resources::new);
        let owner = if own.is_some() { Some(stream.obj_id()) } else { within.owner };
        let key = (stream.obj_id(), owner);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let resources = own.as_ref().unwrap_or(within.resources);
        let inner = Content { resources, owner, area: within.area, depth: within.depth + 1 };
        let cost = match stream.decoded_data() {
            Ok(data) => self.content_cost(&data, &inner)?,
            Err(_) => Cost::default(),
        };
        self.known.insert(key, cost);
        Ok(cost)
    }

    fn set_state(
        &mut self,
        dict: &Dict<'_>,
        state: &mut State,
        cost: &mut Cost,
        within: &Content<'_, '_>,
    ) -> Result<(), Refusal> {
        if let Some(mode) = dict.get::<Object<'_>>("BM") {
            let first = match mode {
                Object::Name(name) => Some(name),
                Object::Array(modes) => modes.iter::<Name<'_>>().next(),
                _ => None,
            };
            let is_normal = first.is_none_or(|mode| matches!(&*mode, b"Normal" | b"Compatible"));
            state.layers = u64::from(!is_normal);
        }
        if let Some(mask) = dict.get::<Dict<'_>>("SMask") {
            state.layers = LAYERS_OF_MASK;
            if let Some(form) = mask.get::<Stream<'_>>("G") {
                let form = self.stream_cost(&form, within)?;
                cost.add(form, 1);
                cost.layers = cost.layers.saturating_add(LAYERS_OF_MASK);
            }
        }
        if let Some(dash) = dict.get::<Array<'_>>("D").and_then(|dash| dash.iter::<Array<'_>>().next()) {
            state.dash = mean_dash(&dash);
        }
        Ok(())
    }

    /// What it takes to fill anything with a pattern of that name.
    fn pattern_cost(
        &mut self,
        name: Option<&Name<'_>>,
        within: &Content<'_, '_>,
    ) -> Result<Option<Cost>, Refusal> {
        let Some(Object::Stream(cell)) = name.and_then(|name| within.resources.get_pattern(name)) else {
            return Ok(None);
        };
        let of_cell = self.stream_cost(&cell, within)?;
        // Drawn once for each tile that may lie on the page.
        let dict = cell.dict();
        let step = |key| dict.get::<Number>(key).map_or(0.0, |step| step.as_f64().abs());
        let [a, b, c, d, ..] = dict.get::<[f64; 6]>("Matrix").unwrap_or([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        let tile = step("XStep") * step("YStep") * (a * d - b * c).abs();
        let tiles = (within.area / tile).ceil();
        let tiles = if tiles.is_finite() { tiles.max(1.0) as u64 } else { 1 };
        let mut cost = Cost { operators: tiles, ..Cost::default() };
        cost.add(of_cell, tiles);
        Ok(Some(cost))
    }

    /// The dearest glyph of a font whose glyphs are drawn by operators.
    fn font_cost(&mut self, name: &Name<'_>, within: &Content<'_, '_>) -> Result<Option<Cost>, Refusal> {
        let Some(font) = within.resources.get_font(name) else { return Ok(None) };
        let Some(glyphs) = font.get::<Dict<'_>>("CharProcs") else { return Ok(None) };
        let own = font.get::<Dict<'_>>("Resources").map(Resources::new);
        let owner = if own.is_some() { font.obj_id().or(within.owner) } else { within.owner };
        let resources = own.as_ref().unwrap_or(within.resources);
        let inner = Content { resources, owner, area: within.area, depth: within.depth + 1 };
        inner.check_depth()?;
        let mut dearest = Cost::default();
        for name in glyphs.keys() {
            let Some(glyph) = glyphs.get::<Stream<'_>>(&*name) else { continue };
            dearest.combine(self.stream_cost(&glyph, &inner)?, u64::max);
        }
        Ok(Some(dearest))
    }
}

impl Cost {
    /// `by`: what each takes besides.
    fn add_paint(&mut self, state: State, by: Option<Cost>, times: u64) {
        self.paints = self.paints.saturating_add(times);
        self.layers = self.layers.saturating_add(state.layers);
        if let Some(by) = by {
            self.add(by, times);
        }
    }

    fn add_stroke(&mut self, state: State, path: &mut PathLength) {
        self.add_paint(state, state.stroke, 1);
        if let Some(dash) = state.dash {
            self.dashes = self.dashes.saturating_add((path.length / dash) as u64);
        }
        *path = PathLength::default();
    }

    fn add_text(&mut self, state: State, glyphs: usize) {
        self.add_paint(state, state.fill, 1);
        self.operators = self.operators.saturating_add(glyphs as u64);
        if let Some(glyph) = state.glyph {
            self.add(glyph, glyphs as u64);
        }
    }

    fn add_image(&mut self, state: State, dict: &Dict<'_>) {
        self.add_paint(state, state.fill, 1);
        let side = |long, short| dict.get::<u32>(long).or_else(|| dict.get::<u32>(short)).unwrap_or(0);
        let pixels = u64::from(side("Width", "W")) * u64::from(side("Height", "H"));
        self.image_pixels = self.image_pixels.saturating_add(pixels);
    }
}

/// Of dashes and the gaps between them; `None` of a line without.
fn mean_dash(array: &Array<'_>) -> Option<f64> {
    let lengths: Vec<f64> = array.iter::<Number>().map(|length| length.as_f64()).collect();
    let sum: f64 = lengths.iter().sum();
    (sum > 0.0).then(|| sum / lengths.len() as f64)
}
