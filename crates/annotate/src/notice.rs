//! Words to a viewer: a strip over the picture, and a picture of words while there is no other.

use super::annotate::{Annotator, whole_area};
use super::area::Area;
use super::scale::Scale;
use super::symbol;
use super::text::{ELLIPSIS, Letters};
use super::wrap::{Line, wrap_text};
use super::{Colour, Face};
use sightwire_frame::Image;

/// What a banner is about. Each has its own sign, so that colour is not all that tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something to know, while all works as it should.
    Info,
    /// Something is not as it should be and may mend itself.
    Warning,
    /// Something is wrong, and there is nothing to see.
    Error,
}

/// Where a banner lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Along the picture's upper edge.
    Top,
    /// Along the picture's lower edge.
    Bottom,
}

const STRIP: Colour = Colour::rgb(14, 17, 22);
const STRIP_OPACITY: f32 = 0.86;
const TEXT: Colour = Colour::rgb(245, 247, 250);
const PLACE: Colour = Colour::rgb(20, 24, 31);
const PLACE_TITLE: Colour = Colour::rgb(226, 231, 238);
const PLACE_SYMBOL: Colour = Colour::rgb(84, 96, 114);
const PLACE_TEXT: Colour = Colour::rgb(152, 162, 176);
/// Lines of a banner.
const BANNER_LINES: usize = 3;
/// Largest picture of words.
const MOST_WIDTH: u32 = 7680;
const MOST_HEIGHT: u32 = 4320;

impl Tone {
    fn colour(self) -> Colour {
        match self {
            Self::Info => Colour::rgb(86, 180, 233),
            Self::Warning => Colour::rgb(240, 185, 40),
            Self::Error => Colour::rgb(255, 120, 90),
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Info => "ℹ",
            Self::Warning => "⚠",
            Self::Error => "✖",
        }
    }
}

impl Annotator {
    /// Lays a strip over the picture's whole width with the text in up to three lines; what has no room ends in "…".
    /// An empty text draws nothing.
    pub fn draw_banner(&mut self, image: &mut Image, text: &str, tone: Tone, edge: Edge) {
        if image.is_empty() {
            return;
        }
        let scale = Scale::from_size(image.width(), image.height());
        let px = f32::from(scale.text_px);
        // A descender, an accent below it, and a row of pixels between them.
        let (pad, step) = ((px * 0.6).round(), (px * 1.3 + 1.5).round());
        let (width, height) = (image.width() as f32, image.height() as f32);
        let letters = Letters { px: scale.text_px, face: Face::Bold, colour: TEXT };
        let sign = Letters { colour: tone.colour(), px: (px * 1.2).round() as u16, ..letters };
        // In a picture that is too narrow for words the sign goes first.
        let with_sign = width > 12.0 * px;
        let left = if with_sign { pad * 1.6 + self.typesetter.width(sign, tone.sign()) } else { pad };
        // Most of the picture stays to be seen.
        let most = (((height * 0.5 - pad) / step) as usize).clamp(1, BANNER_LINES);
        wrap_text(&self.typesetter, letters, text, width - left - pad, most, &mut self.lines);
        if self.lines.is_empty() {
            return;
        }
        let rule = i64::from(scale.line_px.max(2));
        let strip_height = (pad + step * self.lines.len() as f32) as i64 + rule;
        let picture = whole_area(image);
        let (strip, seam) = match edge {
            Edge::Top => {
                let bottom = strip_height.min(picture.bottom);
                (Area { bottom, ..picture }, Area { top: bottom - rule, bottom, ..picture })
            }
            Edge::Bottom => {
                let top = (picture.bottom - strip_height).max(0);
                (Area { top, ..picture }, Area { top, bottom: top + rule, ..picture })
            }
        };
        strip.blend(image, STRIP, STRIP_OPACITY);
        seam.fill(image, tone.colour());
        let first = if edge == Edge::Bottom { strip.top + rule } else { strip.top };
        // Half the padding, and the line's middle on the middle of its letters.
        let baseline = first as f32 + (pad / 2.0 + px * 1.02).round();
        if with_sign {
            self.typesetter.draw(image, sign, tone.sign(), (pad, baseline));
        }
        for index in 0..self.lines.len() {
            self.draw_line(image, letters, (text, index), (left, baseline + step * index as f32));
        }
    }

    /// Lays a plate with these lines into the picture's upper left corner, as long as it leaves most of the picture to be seen.
    pub fn draw_facts(&mut self, image: &mut Image, lines: &[&str]) {
        if image.is_empty() || lines.is_empty() {
            return;
        }
        let scale = Scale::from_size(image.width(), image.height());
        let px = f32::from(scale.text_px);
        let (pad, step) = ((px * 0.6).round(), (px * 1.3 + 1.5).round());
        let letters = Letters { px: scale.text_px, face: Face::Bold, colour: TEXT };
        let widths = lines.iter().map(|line| self.typesetter.width(letters, line));
        let width = widths.fold(0.0, f32::max) + 2.0 * pad;
        let height = pad + step * lines.len() as f32;
        if width > image.width() as f32 * 0.8 || height > image.height() as f32 * 0.4 {
            return;
        }
        let plate = Area { right: width.ceil() as i64, bottom: height as i64, ..whole_area(image) };
        plate.blend(image, STRIP, STRIP_OPACITY);
        // As in a banner.
        let baseline = (pad / 2.0 + px * 1.02).round();
        for (index, line) in lines.iter().enumerate() {
            self.typesetter.draw(image, letters, line, (pad, baseline + step * index as f32));
        }
    }

    /// A dark, calm picture with a title and a sentence or two, for viewers of a camera that has not sent one yet. Sizes
    /// are taken to lie between 1×1 and 7680×4320.
    pub fn draw_placeholder(&mut self, width: u32, height: u32, title: &str, text: &str) -> Image {
        let (width, height) = (width.clamp(1, MOST_WIDTH), height.clamp(1, MOST_HEIGHT));
        let mut image = Image::new(width, height);
        whole_area(&image).fill(&mut image, PLACE);
        let scale = Scale::from_size(width, height);
        let size = |times: f32| (f32::from(scale.text_px) * times).round() as u16;
        let title_letters = Letters { px: size(1.6), face: Face::Bold, colour: PLACE_TITLE };
        let text_letters = Letters { px: size(1.05), face: Face::Regular, colour: PLACE_TEXT };
        let room = (width as f32 * 0.86).min(f32::from(text_letters.px) * 34.0);
        let (title_step, text_step) = (f32::from(title_letters.px) * 1.3, f32::from(text_letters.px) * 1.45);
        let gap = f32::from(scale.text_px) * 0.6;

        wrap_text(&self.typesetter, title_letters, title, room, 2, &mut self.lines);
        let titles = self.lines.len();
        let left_over = height as f32 * 0.9 - titles as f32 * title_step - gap;
        let most = ((left_over / text_step) as usize).min(5);
        let mut lines = Vec::new();
        wrap_text(&self.typesetter, text_letters, text, room, most, &mut lines);

        let block = titles as f32 * title_step + gap + lines.len() as f32 * text_step;
        let mut y = (height as f32 - block) / 2.0;
        let symbol_width = f32::from(scale.text_px) * 3.2;
        let symbol_height = symbol_width * symbol::HEIGHT + gap * 1.5;
        if block + symbol_height < height as f32 * 0.8 && symbol_width < width as f32 * 0.5 {
            y += symbol_height / 2.0;
            let centre = (width as f32 / 2.0, y - gap * 1.5 - symbol_width * symbol::HEIGHT / 2.0);
            let line = f32::from(scale.line_px) * 1.2;
            symbol::draw_camera(&mut self.stroker, &mut image, centre, (symbol_width, line), PLACE_SYMBOL);
        }
        for index in 0..titles {
            let x = (width as f32 - self.lines[index].width) / 2.0;
            self.draw_line(&mut image, title_letters, (title, index), (x, y + f32::from(title_letters.px)));
            y += title_step;
        }
        y += gap;
        self.lines = lines;
        for index in 0..self.lines.len() {
            let x = (width as f32 - self.lines[index].width) / 2.0;
            self.draw_line(&mut image, text_letters, (text, index), (x, y + f32::from(text_letters.px)));
            y += text_step;
        }
        image
    }

    /// Draws a line of the text that was wrapped last.
    fn draw_line(
        &mut self,
        image: &mut Image,
        letters: Letters,
        (text, index): (&str, usize),
        at: (f32, f32),
    ) {
        let Line { text: bytes, cut, .. } = self.lines[index].clone();
        let end = self.typesetter.draw(image, letters, &text[bytes], at);
        if cut {
            self.typesetter.draw(image, letters, ELLIPSIS, (end, at.1));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flat(width: u32, height: u32, level: u8) -> Image {
        Image::from_bgr(width, height, vec![level; (width * height * 3) as usize]).unwrap()
    }

    /// For each row, how many pixels differ from the first one of the row.
    fn ink(image: &Image, from: u32) -> Vec<usize> {
        let rows = image.data().chunks_exact(image.width() as usize * 3).skip(from as usize);
        rows.map(|row| row.chunks_exact(3).filter(|pixel| **pixel != row[..3]).count()).collect()
    }

    /// Runs of rows with ink.
    fn bands(ink: &[usize]) -> usize {
        ink.split(|count| *count == 0).filter(|band| !band.is_empty()).count()
    }

    /// First row that is not of that level.
    fn strip_top(image: &Image, level: u8) -> u32 {
        let stride = image.width() as usize * 3;
        image.data().chunks_exact(stride).position(|row| row.iter().any(|l| *l != level)).unwrap() as u32
    }

    const LONG: &str = "Ägypten: kein Bild gjpqy seit 7 s, die Kamera antwortet nicht, ÄÖÜ gjpqy und sie wird gleich \
        noch einmal gefragt, ÄÖÜ gjpqy, und dann noch einmal, bis sie wieder ein Bild schickt gjpqy ÄÖÜ, vielleicht";

    #[test]
    fn the_lines_of_a_banner_do_not_touch() {
        for (width, height) in [(320, 240), (640, 480), (1280, 720), (1920, 1080)] {
            let mut image = flat(width, height, 90);
            let text = LONG.repeat(3);
            Annotator::new().draw_banner(&mut image, &text, Tone::Error, Edge::Bottom);
            let top = strip_top(&image, 90);
            assert!(height - top <= height / 2, "{width}x{height}: {top}");
            let ink = ink(&image, top);
            assert_eq!(bands(&ink), BANNER_LINES, "{width}x{height}: {ink:?}");
            assert!(ink.iter().sum::<usize>() > 500);
            assert_eq!(ink.last(), Some(&0), "there is room below the last line");
        }
    }

    #[test]
    fn a_banner_changes_nothing_but_its_strip() {
        for edge in [Edge::Top, Edge::Bottom] {
            let mut image = flat(640, 480, 90);
            Annotator::new().draw_banner(&mut image, "Frozen for 12 s", Tone::Warning, edge);
            let rows = image.data().chunks_exact(640 * 3);
            let changed: Vec<_> = rows.map(|row| row.iter().any(|level| *level != 90)).collect();
            let count = changed.iter().filter(|row| **row).count();
            assert!((20..50).contains(&count), "{count}");
            assert_eq!(
                changed.iter().position(|row| *row),
                Some(if edge == Edge::Top { 0 } else { 480 - count })
            );
        }
    }

    #[test]
    fn facts_lie_in_their_corner_and_leave_a_small_picture_alone() {
        let mut image = flat(640, 480, 90);
        Annotator::new().draw_facts(&mut image, &["Objects: 3", "Unique IDs: 17"]);
        let is_changed = |x: usize, y: usize| image.data()[(y * 640 + x) * 3..][..3] != [90; 3];
        assert!(is_changed(0, 0) && is_changed(60, 20) && !is_changed(300, 20) && !is_changed(20, 100));
        let corner: Vec<usize> =
            (0..60).map(|y| (1..110).filter(|x| image.data()[(y * 640 + x) * 3] > 200).count()).collect();
        assert_eq!(bands(&corner), 2, "two lines: {corner:?}");
        let mut small = flat(40, 30, 90);
        Annotator::new().draw_facts(&mut small, &["Objects: 3", "Unique IDs: 17"]);
        assert_eq!(small, flat(40, 30, 90));
    }

    #[test]
    fn a_banner_reads_on_white_and_on_black() {
        for level in [0, 255] {
            let mut image = flat(320, 240, level);
            Annotator::new().draw_banner(&mut image, "W", Tone::Info, Edge::Bottom);
            let pixel = &image.data()[image.data().len() - 3..];
            let strip = Colour { blue: pixel[0], green: pixel[1], red: pixel[2] };
            for colour in [TEXT, Tone::Info.colour(), Tone::Warning.colour(), Tone::Error.colour()] {
                assert!(strip.contrast(colour) > 4.5, "{level}: {colour:?} on {strip:?}");
            }
            assert!(strip.contrast(TEXT) > 10.0);
        }
    }

    #[test]
    fn a_short_text_takes_one_line_and_no_text_nothing() {
        let mut annotator = Annotator::new();
        let mut image = flat(640, 480, 90);
        annotator.draw_banner(&mut image, " \n", Tone::Info, Edge::Bottom);
        assert!(image.data().iter().all(|level| *level == 90));
        annotator.draw_banner(&mut image, "live again", Tone::Info, Edge::Bottom);
        assert_eq!(annotator.lines.len(), 1);
        assert_eq!(bands(&ink(&image, strip_top(&image, 90))), 1);
    }

    #[test]
    fn a_placeholder_has_its_words_in_the_middle() {
        for (width, height) in [(160, 120), (320, 240), (640, 480), (1920, 1080)] {
            let image =
                Annotator::new().draw_placeholder(width, height, "Front door", "Waiting for a picture.");
            assert_eq!((image.width(), image.height()), (width, height));
            let pixels =
                || image.data().chunks_exact(3).enumerate().filter(|(_, pixel)| **pixel != PLACE.bgr());
            let column = |i: usize| i % width as usize;
            let row = |i: usize| i / width as usize;
            let left = pixels().map(|(i, _)| column(i)).min().unwrap();
            let right = width as usize - 1 - pixels().map(|(i, _)| column(i)).max().unwrap();
            let top = pixels().map(|(i, _)| row(i)).min().unwrap();
            let bottom = height as usize - 1 - pixels().map(|(i, _)| row(i)).max().unwrap();
            assert!(left.abs_diff(right) <= 3, "{width}x{height}: {left} {right}");
            assert!(left > 3 && top > 3 && top.abs_diff(bottom) < height as usize / 8, "{top} {bottom}");
        }
        assert!(PLACE.contrast(PLACE_TITLE) > 7.0 && PLACE.contrast(PLACE_TEXT) > 4.5);
    }

    #[test]
    fn a_placeholder_of_any_size_is_bounded() {
        for (size, made) in
            [((0, 0), (1, 1)), ((u32::MAX, 2), (MOST_WIDTH, 2)), ((3, u32::MAX), (3, MOST_HEIGHT))]
        {
            let image = Annotator::new().draw_placeholder(size.0, size.1, "title", "text");
            assert_eq!((image.width(), image.height()), made);
        }
    }

    proptest! {
        #[test]
        fn any_words_in_any_picture_are_safe(
            text in any::<String>(), title in any::<String>(), size in (0u32..260, 0u32..200), top in any::<bool>(),
        ) {
            let mut annotator = Annotator::new();
            let edge = if top { Edge::Top } else { Edge::Bottom };
            annotator.draw_banner(&mut Image::new(size.0, size.1), &text, Tone::Warning, edge);
            annotator.draw_placeholder(size.0, size.1, &title, &text);
        }
    }
}
