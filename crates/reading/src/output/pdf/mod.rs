//! A PDF that looks like the pictures and can be searched: under each picture stands its text, unseen, each word where it
//! is in the picture.
//!
//! - [`Pdf`]: takes page after page, so that no more than one needs to be decoded
//! - `font`: characters without shapes
//! - `picture`: what is seen

mod font;
mod picture;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Filter, Finish as _, Name, Rect, Ref, Str, TextStr};
use sightwire_frame::Image;
use sightwire_frame::still::read_density;
use sightwire_ocr::Region;

use super::Page;
use font::Unseen;

/// Pixels per inch of a picture whose file says nothing of it: what scans need at least.
const DENSITY: f32 = 200.0;
/// Points in an inch.
const POINTS: f32 = 72.0;
/// Points of a side at most (PDF 1.7, annex C): a larger page is made smaller.
const LONGEST: f32 = 14_400.0;

const CATALOG: Ref = Ref::new(1);
const TREE: Ref = Ref::new(2);
const FONT: Name<'_> = Name(b"F");
const PICTURE: Name<'_> = Name(b"P");

/// A file that is being made.
pub struct Pdf {
    file: pdf_writer::Pdf,
    font: Unseen,
    pages: Vec<Ref>,
    next: i32,
}

impl Default for Pdf {
    fn default() -> Self {
        let mut file = pdf_writer::Pdf::new();
        file.set_version(1, 7);
        Self { file, font: Unseen::default(), pages: Vec::new(), next: font::FREE }
    }
}

impl Pdf {
    /// Adds the next page of a picture. `image` is its upright pixels; where the picture is a JPEG, `bytes` go into the file
    /// as they are.
    pub fn push(&mut self, bytes: &[u8], page: &Page, image: &Image) {
        let density = read_density(bytes, self.pages.len() as u32).unwrap_or([DENSITY; 2]);
        let paper = Paper::new((image.width(), image.height()), density);
        let [id, picture, content] = [0, 1, 2].map(|index| Ref::new(self.next + index));
        self.next += 3;
        self.pages.push(id);
        let corners = picture::write_picture(&mut self.file, picture, bytes, image);
        let mut drawn = Content::new();
        drawn.save_state().transform(paper.transform(corners)).x_object(PICTURE).restore_state();
        drawn.begin_text().set_text_rendering_mode(TextRenderingMode::Invisible);
        for region in &page.regions {
            self.write_line(&mut drawn, region, &paper);
        }
        drawn.end_text();
        self.file.stream(content, &deflate_bytes(drawn.finish().as_slice())).filter(Filter::FlateDecode);
        let mut object = self.file.page(id);
        object.parent(TREE).media_box(Rect::new(0.0, 0.0, paper.width, paper.height)).contents(content);
        let mut resources = object.resources();
        resources.x_objects().pair(PICTURE, picture);
        resources.fonts().pair(FONT, font::FONT);
        resources.finish();
    }

    /// The bytes of the file.
    pub fn finish(mut self, title: Option<&str>) -> Vec<u8> {
        self.file.catalog(CATALOG).pages(TREE);
        self.file.pages(TREE).kids(self.pages.iter().copied()).count(self.pages.len() as i32);
        self.font.add_to(&mut self.file);
        let mut info = self.file.document_info(Ref::new(self.next));
        info.producer(TextStr(concat!("Sightwire ", env!("CARGO_PKG_VERSION"))));
        if let Some(title) = title {
            info.title(TextStr(title));
        }
        info.finish();
        self.file.finish()
    }

    /// Word by word; the spaces between them fill their gaps.
    fn write_line(&mut self, drawn: &mut Content, region: &Region, paper: &Paper) {
        let words = region.words_or_line();
        for (index, word) in words.iter().enumerate() {
            let place = Place::new(region.word_polygon(*word), paper);
            let (bytes, width) = self.font.encode_text(region.word_text(*word));
            if width == 0.0 || place.height <= 0.0 {
                continue;
            }
            drawn.set_font(FONT, three_decimals(place.height)).set_text_matrix(place.matrix);
            drawn.set_horizontal_scaling(place.horizontal_scaling(place.length, width)).show(Str(&bytes));
            let Some(next) = words.get(index + 1).filter(|next| next.begin > word.end) else { continue };
            let (bytes, width) = self.font.encode_text(" ");
            let share = (next.from - word.to) / (word.to - word.from).max(f32::EPSILON);
            drawn
                .set_horizontal_scaling(place.horizontal_scaling(place.length * share, width))
                .show(Str(&bytes));
        }
    }
}

/// A page's size in points, and how to get there from pixels.
struct Paper {
    width: f32,
    height: f32,
    scale: [f32; 2],
}

impl Paper {
    fn new((width, height): (u32, u32), density: [f32; 2]) -> Self {
        let mut scale = density.map(|density| POINTS / density);
        let (width, height) = (width as f32, height as f32);
        let longest = (width * scale[0]).max(height * scale[1]);
        if longest > LONGEST {
            scale = scale.map(|scale| scale * LONGEST / longest);
        }
        Self { width: width * scale[0], height: height * scale[1], scale }
    }

    /// From pixels, y down, to points, y up.
    fn map_point(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [x * self.scale[0], self.height - y * self.scale[1]]
    }

    /// For a picture whose upper left, upper right and lower left corner go there, in sides of the page.
    fn transform(&self, corners: [[f32; 2]; 3]) -> [f32; 6] {
        let [left, right, below] = corners.map(|[x, y]| [x * self.width, (1.0 - y) * self.height]);
        [right[0] - left[0], right[1] - left[1], left[0] - below[0], left[1] - below[1], below[0], below[1]]
            .map(three_decimals)
    }
}

/// Where a word stands, in points.
struct Place {
    length: f32,
    height: f32,
    matrix: [f32; 6],
}

impl Place {
    fn new(polygon: [[f32; 2]; 4], paper: &Paper) -> Self {
        let [top_left, top_right, bottom_right, bottom_left] = polygon.map(|corner| paper.map_point(corner));
        let from_to = |from: [f32; 2], to: [f32; 2]| [to[0] - from[0], to[1] - from[1]];
        let mean = |a: [f32; 2], b: [f32; 2]| [f32::midpoint(a[0], b[0]), f32::midpoint(a[1], b[1])];
        let along = mean(from_to(top_left, top_right), from_to(bottom_left, bottom_right));
        let up = mean(from_to(bottom_left, top_left), from_to(bottom_right, top_right));
        let length = along[0].hypot(along[1]);
        let [cos, sin] = if length > 0.0 { along.map(|part| part / length) } else { [1.0, 0.0] };
        let height = cos * up[1] - sin * up[0];
        let below = f32::from(-font::DESCENT) / f32::from(font::ASCENT - font::DESCENT) * height;
        let begin = [bottom_left[0] - sin * below, bottom_left[1] + cos * below];
        let matrix = [cos, sin, -sin, cos, begin[0], begin[1]].map(three_decimals);
        Self { length, height, matrix }
    }

    /// By how much letters are to be widened so that they take a length, per cent; `width` is theirs in thousandths.
    fn horizontal_scaling(&self, length: f32, width: f32) -> f32 {
        three_decimals(100.0 * length.max(0.0) / (width / 1e3 * self.height)).max(1.0)
    }
}

fn three_decimals(value: f32) -> f32 {
    (value * 1e3).round() / 1e3
}

/// As [`Filter::FlateDecode`] has it.
fn deflate_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // A `Vec` takes whatever is written.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole<const N: usize>(values: [f32; N]) -> [i32; N] {
        values.map(|value| value.round() as i32)
    }

    #[test]
    fn pages_are_as_large_as_the_file_says_but_not_larger_than_readers_take() {
        let paper = Paper::new((2480, 3508), [300.0, 300.0]);
        assert!((paper.width - 595.2).abs() < 0.1 && (paper.height - 841.9).abs() < 0.1);
        let fax = Paper::new((1728, 1078), [204.0, 98.0]);
        assert!((fax.width - 609.9).abs() < 0.1 && (fax.height - 792.0).abs() < 0.1);
        let strip = Paper::new((65_000, 650), [DENSITY; 2]);
        assert!((strip.width - LONGEST).abs() < 0.1 && (strip.height - 144.0).abs() < 0.1);
        assert_eq!(whole(strip.map_point([0.0, 650.0])), [0, 0]);
    }

    #[test]
    fn a_picture_that_lies_on_its_side_is_put_upright() {
        let paper = Paper::new((100, 200), [POINTS; 2]);
        let upright = paper.transform([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(whole(upright), [100, 0, 0, 200, 0, 0]);
        // What is stored at the upper left goes to the upper right, what is at the upper right to the lower right.
        let turned = paper.transform([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]);
        assert_eq!(whole(turned), [0, -200, 100, 0, 0, 200]);
    }

    #[test]
    fn a_word_has_the_direction_and_height_of_its_line() {
        let paper = Paper::new((200, 100), [POINTS; 2]);
        let level = Place::new([[10.0, 20.0], [60.0, 20.0], [60.0, 40.0], [10.0, 40.0]], &paper);
        assert_eq!((level.length, level.height), (50.0, 20.0));
        assert_eq!(whole(level.matrix), [1, 0, 0, 1, 10, 64], "a fifth of it is below the baseline");
        assert!((level.horizontal_scaling(50.0, 2500.0) - 100.0).abs() < 1e-3);
        let on_its_head = Place::new([[60.0, 40.0], [10.0, 40.0], [10.0, 20.0], [60.0, 20.0]], &paper);
        assert_eq!(whole(on_its_head.matrix), [-1, 0, 0, -1, 60, 76]);
        // From the bottom to the top.
        let upright = Place::new([[20.0, 90.0], [20.0, 10.0], [40.0, 10.0], [40.0, 90.0]], &paper);
        assert_eq!((upright.length, upright.height), (80.0, 20.0));
        assert_eq!(whole(upright.matrix), [0, 1, -1, 0, 36, 10]);
    }
}
