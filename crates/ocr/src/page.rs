//! One picture on its way: lines are found in it by one thread, and read by all that have nothing better to do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::enhance::{self, Affine, Homography};
use parking_lot::Mutex;
use sightwire_frame::{Image, Resizer};
use sightwire_layout::{Directions, arrange_lines};

use super::canvas::{self, Fit, Tile};
use super::ctc::{self, Text};
use super::direction::{self, Samples};
use super::doubt;
use super::gutter;
use super::line::{self, Cut, Cutter, Line};
use super::model::{ANGLE_SIZE, ANGLES, input_shape};

use super::outline::{self, Map};
use super::pixels;
use super::service::ReadError;
use super::sessions::{Purpose, Sessions};
use super::words::{self, Word};
use super::{ReadModel, ReadOptions, Reading, Region, Times};

/// A line that is read as surely as this is not looked at again.
const SURE: f32 = 0.9;
/// A line that is not read surely is read turned, too, if it stands on its head with more than this probability.
const MAYBE_ON_ITS_HEAD: f32 = 0.5;
/// A line that is read less surely than this is read turned, too; the surer text counts.
const ILLEGIBLE: f32 = 0.6;

/// Letters of a line that are read by themselves, at most, to find out whether they stand.
const LETTERS_EACH: usize = 4;

/// Letters stand if they are read standing with at least this part of the confidence with which they are read laid down: the
/// network knows letters that were laid to the left, but none that were laid to the right.
const NEARLY: f32 = 0.7;

/// Memory that a thread uses again for each picture and line.
#[derive(Default)]
pub(super) struct Buffers {
    resizer: Resizer,
    scaled: Image,
    input: Vec<f32>,
    cutter: Cutter,
    squeezed: Image,
}

/// What is larger is let go when the lines of a picture are found: reading them takes less.
const KEPT_BYTES: usize = 4 << 20;

impl Buffers {
    fn shrink(&mut self) {
        if self.scaled.data().len() > KEPT_BYTES {
            self.scaled = Image::default();
        }
    }
}

/// A picture whose lines are known.
pub(super) struct Page {
    pub(super) model: Arc<ReadModel>,
    pub(super) options: ReadOptions,
    /// Width and height of the picture, px.
    size: (u32, u32),
    /// The picture itself, if it is to be kept.
    image: Option<Arc<Image>>,
    /// What lines are cut out of: the picture, or what preprocessing has made of it.
    prepared: Arc<Image>,
    /// In pixels of `prepared`.
    outlines: Vec<[[f32; 2]; 4]>,
    /// Lines that the options leave out unread.
    passed_over: usize,
    /// How large a pixel of `prepared` was when lines were looked for.
    scale: f64,
    /// Lines that nobody has begun, the widest at the end: what takes longest is begun first. Comes after the lock of the pool,
    /// under which lines are claimed, and after `lines`.
    queue: Mutex<Vec<usize>>,
    left: AtomicUsize,
    /// Known when all have been read once; those that stand on their head then are read again.
    directions: OnceLock<Directions>,
    lines: Mutex<Vec<Option<Read>>>,
    /// From `prepared` to `image`.
    back: Homography,
    corners: Option<[[f32; 2]; 4]>,
    skew: f32,
    /// By how many quarters clockwise the picture was turned so that it stands upright.
    turned: usize,
    times: Times,
    begun: Instant,
    detected: Instant,
}

/// A line that was read.
#[derive(Debug)]
struct Read {
    text: Text,
    /// Along the outline.
    words: Vec<Word>,
    turned: usize,
}

impl Read {
    /// `line` lies as it was read, or is another cut of the same.
    fn new(text: Text, line: &Line) -> Self {
        Self { words: words::split_words(&text, line), text, turned: line.turned }
    }
}

impl Page {
    /// Finds the lines of a picture.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn find_lines(
        model: Arc<ReadModel>,
        options: ReadOptions,
        (image, keep): (Image, bool),
        mut times: Times,
        begun: Instant,
        sessions: &Sessions,
        buffers: &mut Buffers,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, ReadError> {
        let image = Arc::new(image);
        let size = (image.width(), image.height());
        let kept = keep.then(|| image.clone());
        let started = Instant::now();
        let Prepared { picture: prepared, back, corners, skew } = prepare_image(image, &options, wanted)?;
        times.prepare = started.elapsed();
        let started = Instant::now();
        let mut page = Self {
            model,
            options,
            size,
            image: kept,
            prepared,
            lines: Mutex::default(),
            left: AtomicUsize::new(0),
            outlines: Vec::new(),
            passed_over: 0,
            scale: 1.0,
            queue: Mutex::default(),
            directions: OnceLock::new(),
            back,
            corners,
            skew,
            turned: 0,
            times,
            begun,
            detected: started,
        };
        page.find_outlines(sessions, buffers, wanted)?;
        page.note_detected(started);
        if page.options.angle {
            let quarters = page.find_direction(sessions, buffers, wanted)?;
            if quarters != 0 {
                page.turn_upright(quarters);
                page.find_outlines(sessions, buffers, wanted)?;
                page.note_detected(started);
            }
        }
        Ok(page)
    }

    fn note_detected(&mut self, started: Instant) {
        self.detected = Instant::now();
        self.times.detect = self.detected - started;
    }

    /// Looks for lines in the prepared picture.
    fn find_outlines(
        &mut self,
        sessions: &Sessions,
        buffers: &mut Buffers,
        wanted: &dyn Fn() -> bool,
    ) -> Result<(), ReadError> {
        if !self.prepared.is_empty() {
            let fit = Fit::new(self.prepared.width(), self.prepared.height(), self.options.max_side);
            self.scale = f64::from(fit.width) / f64::from(self.prepared.width());
            let tiles = fit.tiles(sessions.canvas_px(&self.model, self.size, &self.options));
            (self.outlines, self.passed_over) = detect_lines(
                &self.model,
                &self.options,
                &self.prepared,
                (fit, &tiles),
                sessions,
                buffers,
                wanted,
            )?;
        }
        buffers.shrink();
        self.choose_outlines();
        Ok(())
    }

    /// By how many quarters the page is turned clockwise. A few of its lines are read for that; what they say is kept.
    fn find_direction(
        &self,
        sessions: &Sessions,
        buffers: &mut Buffers,
        wanted: &dyn Fn() -> bool,
    ) -> Result<usize, ReadError> {
        let samples = Samples::choose(&self.outlines);
        for (number, index) in samples.lines.iter().enumerate() {
            if !wanted() {
                return Err(ReadError::Unwanted);
            }
            self.read_line(*index, sessions, buffers)?;
            let lines = self.lines.lock();
            let read =
                samples.lines[..=number].iter().filter_map(|index| Some((index, lines[*index].as_ref()?)));
            let read: Vec<_> = read
                .map(|(index, Read { text, turned, .. })| {
                    (&*text.text, text.confidence(), direction::quarter_of(&self.outlines[*index], *turned))
                })
                .collect();
            let left = samples.lines.len() - number - 1;
            if let Some(quarters) = direction::page_direction(samples.upright, &read, left) {
                drop(lines);
                let columns =
                    quarters == 1 && self.is_in_columns(&samples.lines[..=number], sessions, buffers)?;
                return Ok(if columns { 0 } else { quarters });
            }
        }
        Ok(0)
    }

    /// Whether lines that stand upright are columns of letters that stand, as in Chinese and Japanese: laid down, they are read as
    /// surely as lines of a page on its side. Some of their letters are read by themselves.
    fn is_in_columns(
        &self,
        lines: &[usize],
        sessions: &Sessions,
        buffers: &mut Buffers,
    ) -> Result<bool, ReadError> {
        let height = self.model.table().line_height;
        let [mut laid, mut standing] = [0.0; 2];
        for index in lines {
            let read = self.lines.lock()[*index].as_ref().map(|Read { text, turned, .. }| {
                let letters = text.text.chars().zip(&text.middles);
                let ideographs = letters.filter(|(letter, _)| ctc::is_ideograph(*letter));
                (*turned, ideographs.map(|(_, middle)| *middle).collect::<Vec<f32>>())
            });
            let Some((turned, middles)) = read.filter(|(_, middles)| !middles.is_empty()) else { continue };
            let mut line =
                buffers.cutter.cut_line(&self.prepared, &self.outlines[*index], height, Cut::Sharp)?;
            if line.turned != turned {
                line.turn_half();
            }
            for middle in middles.iter().step_by(middles.len().div_ceil(LETTERS_EACH)) {
                let [as_laid, as_standing] = line.letter(*middle);
                laid += self.read_text(&as_laid, sessions, buffers)?.confidence();
                standing += self.read_text(&as_standing, sessions, buffers)?.confidence();
            }
        }
        Ok(laid > 0.0 && standing >= NEARLY * laid)
    }

    /// Turns the prepared picture back that is turned clockwise by so many quarters. Where nobody else has it, that takes no
    /// memory.
    fn turn_upright(&mut self, quarters: usize) {
        let picture = Arc::make_mut(&mut self.prepared);
        let size = (picture.width(), picture.height());
        picture.turn_quarters(4 - quarters);
        let there = Affine::quarter_turns(size, 4 - quarters);
        self.back = Homography::from(there.invert()).then(&self.back);
        self.turned = 4 - quarters;
        if let Some(corners) = &mut self.corners {
            corners.rotate_left(quarters);
        }
    }

    /// Keeps the outlines that the options want, and makes a queue of them.
    fn choose_outlines(&mut self) {
        let polygons: Vec<_> =
            self.outlines.iter().map(|outline| self.to_original(self.shown_outline(*outline))).collect();
        let chosen = choose_lines(&polygons, &self.options);
        self.passed_over += self.outlines.len() - chosen.len();
        self.outlines = chosen.into_iter().map(|index| self.outlines[index]).collect();
        let outlines = &self.outlines;
        let mut queue: Vec<usize> = (0..outlines.len()).collect();
        let length = |index: &usize| length_ratio(&outlines[*index]);
        queue.sort_by(|a, b| length(a).total_cmp(&length(b)).then(b.cmp(a)));
        self.lines = Mutex::new(outlines.iter().map(|_| None).collect());
        self.left = AtomicUsize::new(outlines.len());
        self.queue = Mutex::new(queue);
    }

    /// What is shown of a line, in pixels of `prepared`.
    fn shown_outline(&self, outline: [[f32; 2]; 4]) -> [[f32; 2]; 4] {
        outline::shown_outline(outline, self.scale, self.options.unclip)
    }

    /// Whether there are no lines in it.
    pub(super) fn is_blank(&self) -> bool {
        self.outlines.is_empty()
    }

    /// The next line that nobody has begun.
    pub(super) fn claim_line(&self) -> Option<usize> {
        self.queue.lock().pop()
    }

    /// Whether every line has been begun.
    pub(super) fn is_claimed(&self) -> bool {
        self.queue.lock().is_empty()
    }

    /// Marks a claimed line as done; says whether it was the last one.
    pub(super) fn finish_line(&self) -> bool {
        self.left.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// After the last one: whether lines are to be read once more, because they stand on their head among others that do not.
    /// They can be claimed then.
    pub(super) fn begin_again(&self) -> bool {
        if !self.options.angle || self.directions.get().is_some() {
            return false;
        }
        let lines = self.lines.lock();
        let read = lines.iter().flatten();
        let directions = Directions::from_lines(
            read.map(|Read { text, turned, .. }| (&*text.text, text.confidence(), *turned)),
        );
        let against =
            |index: &usize| lines[*index].as_ref().is_some_and(|read| directions.is_upside_down(read.turned));
        let again: Vec<usize> = (0..lines.len()).filter(against).collect();
        let any = !again.is_empty();
        self.left.store(again.len(), Ordering::Release);
        *self.queue.lock() = again;
        any && self.directions.set(directions).is_ok()
    }

    /// Reads a claimed line; turned by half a turn, too, if it may stand on its head, or does so against the page.
    pub(super) fn read_line(
        &self,
        index: usize,
        sessions: &Sessions,
        buffers: &mut Buffers,
    ) -> Result<(), ReadError> {
        if self.directions.get().is_some() {
            return self.read_turned(index, sessions, buffers);
        }
        // To find out how the page lies.
        if self.lines.lock()[index].is_some() {
            return Ok(());
        }
        let model = &self.model;
        let height = model.table().line_height;
        let cut = |buffers: &mut Buffers, how| {
            buffers.cutter.cut_line(&self.prepared, &self.outlines[index], height, how)
        };
        let mut line = cut(buffers, Cut::Sharp)?;
        let mut text = self.read_text(&line, sessions, buffers)?;
        // Text that is read well stands upright; the network for angles errs more often than that of letters.
        if self.options.angle && text.confidence() < SURE {
            let illegible = text.confidence() < ILLEGIBLE;
            if illegible || self.may_stand_on_its_head(&line, sessions, buffers)? {
                line.turn_half();
                let other = self.read_text(&line, sessions, buffers)?;
                if other.confidence() > text.confidence() {
                    text = other;
                } else {
                    line.turn_half();
                }
            }
        }
        if text.confidence() < SURE {
            let mut smooth = cut(buffers, Cut::Smooth)?;
            if smooth.turned != line.turned {
                smooth.turn_half();
            }
            let other = self.read_text(&smooth, sessions, buffers)?;
            if other.confidence() > text.confidence() {
                text = other;
            }
        }
        self.lines.lock()[index] = Some(Read::new(text, &line));
        Ok(())
    }

    /// Reads a line as the page stands that it stood against; that counts unless it can hardly be read so.
    fn read_turned(&self, index: usize, sessions: &Sessions, buffers: &mut Buffers) -> Result<(), ReadError> {
        let Some(turned) = self.lines.lock()[index].as_ref().map(|read| read.turned) else { return Ok(()) };
        let height = self.model.table().line_height;
        let mut line = buffers.cutter.cut_line(&self.prepared, &self.outlines[index], height, Cut::Sharp)?;
        while line.turned == turned {
            line.turn_half();
        }
        let text = self.read_text(&line, sessions, buffers)?;
        if let Some(read) = &mut self.lines.lock()[index]
            && sightwire_layout::counts_before(text.confidence(), read.text.confidence())
        {
            *read = Read::new(text, &line);
        }
        Ok(())
    }

    /// What a line says, read as it lies.
    fn read_text(&self, line: &Line, sessions: &Sessions, buffers: &mut Buffers) -> Result<Text, ReadError> {
        let model = &self.model;
        let alphabet = model.alphabet(sessions.engine())?;
        let mut letters = Vec::new();
        for piece in line.pieces() {
            let width = line::width_for(piece.seen.1 - piece.seen.0);
            line.fill_input(piece.seen, width, &mut buffers.squeezed, &mut buffers.input);
            let size = input_shape((width, line.image.height()));
            let read = sessions.with_session(model, Purpose::Recognise, |session| {
                session.run_sized(&size, &buffers.input, |shape, values| match shape {
                    [.., steps, classes] if *classes == alphabet.len() as i64 => {
                        let step_px = width as f32 / (*steps).max(1) as f32;
                        let from = piece.seen.0 as f32;
                        Ok(ctc::decode_letters(values, alphabet, from, step_px, piece.kept.0..piece.kept.1))
                    }
                    other => Err(other.last().copied().unwrap_or(0)),
                })
            })?;
            match read {
                Some(Ok(read)) => letters.extend(read),
                Some(Err(found)) => {
                    let model = model.name().to_owned();
                    return Err(ReadError::Alphabet { model, found, expected: alphabet.len() });
                }
                None => {}
            }
        }
        Ok(ctc::spell_text(&letters))
    }

    /// Asks the network for angles, if there is one.
    fn may_stand_on_its_head(
        &self,
        line: &Line,
        sessions: &Sessions,
        buffers: &mut Buffers,
    ) -> Result<bool, ReadError> {
        line.fill_input((0, line.image.width()), ANGLE_SIZE.0, &mut buffers.squeezed, &mut buffers.input);
        let angles = sessions.with_session(&self.model, Purpose::Angle, |session| {
            session.run_with(&buffers.input, |values| (values.len() == ANGLES).then(|| values[1]))
        })?;
        Ok(angles.flatten().is_none_or(|turned| turned > MAYBE_ON_ITS_HEAD))
    }

    /// All lines in reading order.
    pub(super) fn build_reading(&self, wait: Duration) -> Reading {
        let lines = std::mem::take(&mut *self.lines.lock());
        let polygons: Vec<_> = self.outlines.iter().map(|outline| self.shown_outline(*outline)).collect();
        let read = lines.iter().zip(&polygons);
        let read: Vec<_> =
            read.filter_map(|(read, polygon)| Some((&read.as_ref()?.text, length_ratio(polygon)))).collect();
        let doubt = self.model.known_alphabet().and_then(|known| doubt::find_doubt(&read, known));
        let (mut regions, mut outlines): (Vec<Region>, Vec<_>) = Default::default();
        for ((outline, polygon), read) in self.outlines.iter().zip(polygons).zip(lines) {
            let Some(Read { text, mut words, turned }) = read else { continue };
            let confidence = text.confidence();
            if text.text.is_empty() || confidence < self.options.min_confidence {
                continue;
            }
            words::rescale_words(&mut words, *outline, polygon, turned);
            let mut polygon = self.to_original(polygon);
            // The order of lines is that of the page, which lies flat only where it was straightened, and upright where it was
            // turned.
            let is_level = self.corners.is_some() || self.turned != 0;
            let mut outline = if is_level { *outline } else { self.to_original(*outline) };
            outline.rotate_left(turned);
            polygon.rotate_left(turned);
            outlines.push(outline);
            regions.push(Region {
                polygon,
                text: text.text,
                confidence,
                characters: text.characters,
                words,
                block: 0,
                row: 0,
            });
        }
        let mut sorted: Vec<Option<Region>> = regions.into_iter().map(Some).collect();
        let regions = arrange_lines(&outlines).into_iter().filter_map(|place| {
            let region = sorted[place.line].take()?;
            Some(Region { block: place.block, row: place.row, ..region })
        });
        let regions: Vec<Region> = regions.collect();
        let times =
            Times { wait, recognise: self.detected.elapsed(), total: self.begun.elapsed(), ..self.times };
        let left_out = self.passed_over + self.outlines.len() - regions.len();
        let (size, image, corners, skew) = (self.size, self.image.clone(), self.corners, self.skew);
        let turned = 90 * self.turned as u16;
        Reading { regions, left_out, doubt, size, image, corners, skew, turned, times }
    }

    /// In pixels of the picture.
    fn to_original(&self, outline: [[f32; 2]; 4]) -> [[f32; 2]; 4] {
        let (width, height) = (self.size.0 as f32, self.size.1 as f32);
        outline.map(|corner| {
            let [x, y] = if self.back == Homography::IDENTITY { corner } else { self.back.apply(corner) };
            [x.clamp(0.0, width), y.clamp(0.0, height)]
        })
    }
}

/// How many times as long as high a line is, in whichever direction.
fn length_ratio([a, b, c, _]: &[[f32; 2]; 4]) -> f32 {
    let side = |from: &[f32; 2], to: &[f32; 2]| (to[0] - from[0]).hypot(to[1] - from[1]);
    let (across, down) = (side(a, b), side(b, c));
    across.max(down) / across.min(down).max(1.0)
}

/// A page is turned if it has at most this many times as many pixels then, and [`SMALL_PX`] more.
const LARGER_BY_TURNING: f64 = 2.0;
/// Pixels that a page may have beyond [`LARGER_BY_TURNING`] when it is turned: small pictures may have them in any case.
const SMALL_PX: f64 = 4e6;
/// Pixels around a page that was turned.
const GROUND: [u8; 3] = [255; 3];

/// What is to be read.
struct Prepared {
    /// The picture with whatever preprocessing was asked for.
    picture: Arc<Image>,
    /// From its points to those of the picture before.
    back: Homography,
    /// Of the page that was straightened, in the picture before.
    corners: Option<[[f32; 2]; 4]>,
    /// By how much it was turned, degrees clockwise.
    skew: f32,
}

/// The picture before a step is let go after it, unless somebody else has it.
fn prepare_image(
    image: Arc<Image>,
    options: &ReadOptions,
    wanted: &dyn Fn() -> bool,
) -> Result<Prepared, ReadError> {
    let mut prepared = Prepared { picture: image, back: Homography::IDENTITY, corners: None, skew: 0.0 };
    let go_on = || wanted().then_some(()).ok_or(ReadError::Unwanted);
    if options.corners.is_some() || options.perspective {
        go_on()?;
        let image = &*prepared.picture;
        let found = || enhance::find_corners(image).map(|found| found.points);
        let straight = match options.corners {
            Some(given) => Some((given.straighten(image)?, given.points())),
            None => {
                found().and_then(|points| enhance::straighten_page(image, points).map(|flat| (flat, points)))
            }
        };
        if let Some(((page, there), points)) = straight {
            (prepared.picture, prepared.back) = (Arc::new(page), there.invert());
            prepared.corners = Some(points);
        }
    }
    if options.denoise {
        go_on()?;
        let picture = std::mem::take(&mut prepared.picture);
        prepared.picture = Arc::new(enhance::denoise_image(picture));
    }
    if options.contrast {
        go_on()?;
        prepared.picture = Arc::new(enhance::even_contrast(&prepared.picture));
    }
    if options.deskew {
        go_on()?;
        let skew = enhance::measure_skew(&prepared.picture);
        if skew != 0.0 && can_be_turned(&prepared.picture, skew) {
            let (turned, there) = enhance::rotate_image(&prepared.picture, skew, GROUND);
            prepared.back = Homography::from(there.invert()).then(&prepared.back);
            (prepared.picture, prepared.skew) = (Arc::new(turned), skew);
        }
    }
    Ok(prepared)
}

/// Whether a picture does not become much larger when it is turned, as a long strip does.
fn can_be_turned(image: &Image, degrees: f32) -> bool {
    let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    let across = width * cos.abs() + height * sin.abs();
    let down = width * sin.abs() + height * cos.abs();
    across * down <= LARGER_BY_TURNING * width * height + SMALL_PX
}

/// In pixels of the picture; and how many were left out because there are too many.
type Outlines = (Vec<[[f32; 2]; 4]>, usize);

/// The outlines of the lines of a picture, in its pixels.
fn detect_lines(
    model: &Arc<ReadModel>,
    options: &ReadOptions,
    image: &Image,
    (fit, tiles): (Fit, &[Tile]),
    sessions: &Sessions,
    buffers: &mut Buffers,
    wanted: &dyn Fn() -> bool,
) -> Result<Outlines, ReadError> {
    canvas::scale_image(image, fit, &mut buffers.resizer, &mut buffers.scaled)?;
    let (width, height) = (fit.width as usize, fit.height as usize);
    let mut map = Map { width, height, values: vec![0.0; width * height] };
    for tile in tiles {
        if !wanted() {
            return Err(ReadError::Unwanted);
        }
        let expected = tile.canvas.0 as usize * tile.canvas.1 as usize;
        let found = sessions.with_session(model, Purpose::Detect(tile.canvas), |session| {
            // A thread that waits for a session holds none of these, which are larger than the picture.
            let mut input = sessions.input();
            pixels::write_planes(&buffers.scaled, tile.part(), tile.canvas, &mut input);
            let found = session.run_sized(&input_shape(tile.canvas), &input, |_, values| {
                if values.len() != expected {
                    return Err(values.len());
                }
                for y in tile.keep_y.0..tile.keep_y.1 {
                    let from = (y - tile.top) as usize * tile.canvas.0 as usize;
                    let row = &values[from..from + tile.canvas.0 as usize];
                    let to = y as usize * width;
                    map.values[to + tile.keep_x.0 as usize..to + tile.keep_x.1 as usize].copy_from_slice(
                        &row[(tile.keep_x.0 - tile.left) as usize..(tile.keep_x.1 - tile.left) as usize],
                    );
                }
                Ok(())
            });
            sessions.keep_input(input);
            found
        })?;
        if let Some(Err(found)) = found {
            return Err(ReadError::Map { model: model.name().to_owned(), found, expected });
        }
    }
    let (across, down) =
        (f64::from(image.width()) / f64::from(fit.width), f64::from(image.height()) / f64::from(fit.height));
    let (outlines, left_out) = outline::find_outlines(&map, options);
    let outlines = gutter::split_lines(&buffers.scaled, outlines)
        .into_iter()
        .map(|outline| {
            outline.map(|[x, y]| {
                [
                    (x * across).clamp(0.0, f64::from(image.width())) as f32,
                    (y * down).clamp(0.0, f64::from(image.height())) as f32,
                ]
            })
        })
        .collect();
    Ok((outlines, left_out))
}

/// Which outlines are read, in their order: those that are as high as the options ask, and of more than they allow the
/// largest. `polygons` are in pixels of the picture.
fn choose_lines(polygons: &[[[f32; 2]; 4]], options: &ReadOptions) -> Vec<usize> {
    let size = |[a, b, c, d]: &[[f32; 2]; 4]| {
        let side = |from: &[f32; 2], to: &[f32; 2]| (to[0] - from[0]).hypot(to[1] - from[1]);
        [side(a, b).midpoint(side(d, c)), side(a, d).midpoint(side(b, c))]
    };
    let sizes: Vec<[f32; 2]> = polygons.iter().map(size).collect();
    let is_high = |index: &usize| sizes[*index][0].min(sizes[*index][1]) >= options.min_detection_size;
    let mut chosen: Vec<usize> = (0..polygons.len()).filter(is_high).collect();
    let most = options.max_candidates as usize;
    if chosen.len() > most {
        let area = |index: &usize| sizes[*index][0] * sizes[*index][1];
        chosen.sort_by(|a, b| area(b).total_cmp(&area(a)).then(a.cmp(b)));
        chosen.truncate(most);
        chosen.sort_unstable();
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_lines_are_not_chosen_and_of_many_the_largest() {
        let outline =
            |x: f32, width: f32, height: f32| [[x, 0.0], [x + width, 0.0], [x + width, height], [x, height]];
        let all = [outline(0.0, 50.0, 10.0), outline(60.0, 9.0, 80.0), outline(80.0, 300.0, 12.0)];
        let chosen = |max_candidates, min_detection_size| {
            choose_lines(&all, &ReadOptions { max_candidates, min_detection_size, ..ReadOptions::default() })
        };
        assert_eq!(chosen(10, 0.0), [0, 1, 2]);
        assert_eq!(chosen(10, 10.0), [0, 2]);
        assert_eq!(chosen(10, 12.5), [0; 0]);
        assert_eq!(chosen(2, 0.0), [1, 2]);
        assert_eq!(chosen(1, 0.0), [2]);
    }
}
