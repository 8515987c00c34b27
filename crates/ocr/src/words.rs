//! The words of a line, and where each begins and ends: between the middles of the letters on both sides, as the
//! recogniser's steps give them, where the line has no ink.

use super::Region;
use super::ctc::{Text, is_ideograph, is_wide_mark};
use super::line::Line;

/// A column has no ink if its brightness changes by no more than this share of what it does around it.
const QUIET: f32 = 0.25;
/// Where changes of the brightness differ by less than this, nothing can be told of columns.
const CONTRAST: u32 = 24;

/// A word of a line: what stands between spaces. Ideographs, which have none, are parted from other letters and after their
/// marks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Word {
    /// Where it stands in the line's text, bytes.
    pub begin: u32,
    /// Where it ends there.
    pub end: u32,
    /// Where its box begins along the line: 0 is the left side of the polygon.
    pub from: f32,
    /// Where its box ends along the line: 1 is the right side of the polygon.
    pub to: f32,
}

impl Region {
    /// Its words; where none are known, all of it as one.
    pub fn words_or_line(&self) -> Vec<Word> {
        if self.words.is_empty() {
            return vec![Word { begin: 0, end: self.text.len() as u32, from: 0.0, to: 1.0 }];
        }
        self.words.clone()
    }

    /// The characters of a word.
    pub fn word_text(&self, word: Word) -> &str {
        self.text.get(word.begin as usize..word.end as usize).unwrap_or_default()
    }

    /// The part of the polygon that a word takes, clockwise from the top left of the text.
    pub fn word_polygon(&self, word: Word) -> [[f32; 2]; 4] {
        let [top_left, top_right, bottom_right, bottom_left] = self.polygon;
        [
            point_between(top_left, top_right, word.from),
            point_between(top_left, top_right, word.to),
            point_between(bottom_left, bottom_right, word.to),
            point_between(bottom_left, bottom_right, word.from),
        ]
    }

    /// How sure each of its characters is; nothing where that is not known.
    pub fn word_characters(&self, word: Word) -> &[f32] {
        let before = self.text.get(..word.begin as usize).unwrap_or_default().chars().count();
        let count = self.word_text(word).chars().count();
        self.characters.get(before..before + count).unwrap_or_default()
    }
}

fn point_between(from: [f32; 2], to: [f32; 2], share: f32) -> [f32; 2] {
    [0, 1].map(|axis: usize| from[axis] + (to[axis] - from[axis]) * share)
}

/// The words of a line that was read as it lies, in shares of its length.
pub(super) fn split_words(text: &Text, line: &Line) -> Vec<Word> {
    let width = line.image.width().max(1);
    place_words(text, width as f32, |from, to| widest_gap(line, from, to))
}

/// From shares of an outline's length to those of what is shown of it: the same with less room around it.
pub(super) fn rescale_words(words: &mut [Word], outline: [[f32; 2]; 4], shown: [[f32; 2]; 4], turned: usize) {
    let length = |polygon: [[f32; 2]; 4]| {
        let (from, to) = (polygon[turned % 4], polygon[(turned + 1) % 4]);
        (to[0] - from[0]).hypot(to[1] - from[1])
    };
    let (whole, rest) = (length(outline), length(shown));
    if rest <= 0.0 {
        return;
    }
    let share = |at: f32| ((at * whole - (whole - rest) / 2.0) / rest).clamp(0.0, 1.0);
    for word in words {
        (word.from, word.to) = (share(word.from), share(word.to));
    }
}

/// A stretch of the text that is one word: its bytes and its characters.
struct Stretch {
    bytes: (usize, usize),
    first: usize,
    last: usize,
    spaced: bool,
}

/// `gap` finds columns without ink between two others.
fn place_words(text: &Text, width: f32, gap: impl Fn(f32, f32) -> Option<(f32, f32)>) -> Vec<Word> {
    let stretches = find_stretches(&text.text);
    let middle = |index: usize| text.middles.get(index).copied().unwrap_or(0.0).clamp(0.0, width);
    let mut words: Vec<Word> = Vec::with_capacity(stretches.len());
    let mut begin = 0.0;
    for (index, stretch) in stretches.iter().enumerate() {
        let last = middle(stretch.last);
        let (end, next) = match stretches.get(index + 1) {
            None => (width, width),
            Some(after) => {
                let first = middle(after.first).max(last);
                let half = f32::midpoint(last, first);
                let bare = gap(last, first).filter(|_| after.spaced);
                bare.unwrap_or((half, half))
            }
        };
        words.push(Word {
            begin: stretch.bytes.0 as u32,
            end: stretch.bytes.1 as u32,
            from: begin / width,
            to: end.max(begin) / width,
        });
        begin = next.max(begin);
    }
    words
}

fn find_stretches(text: &str) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let (mut last, mut spaced) = (' ', false);
    for (index, (at, character)) in text.char_indices().enumerate() {
        if character.is_whitespace() {
            spaced = true;
        } else {
            let end = at + character.len_utf8();
            match stretches.last_mut() {
                Some(stretch) if !spaced && !is_parted(last, character) => {
                    (stretch.bytes.1, stretch.last) = (end, index);
                }
                _ => stretches.push(Stretch { bytes: (at, end), first: index, last: index, spaced }),
            }
            spaced = false;
        }
        last = character;
    }
    stretches
}

/// Whether two neighbours without a space between them are of two words.
fn is_parted(left: char, right: char) -> bool {
    let is_mark = |character: char| is_wide_mark(character) && !character.is_alphanumeric();
    if is_opening(right) {
        return true;
    }
    if is_mark(left) || is_mark(right) {
        return is_mark(left) && !is_mark(right) && !is_opening(left);
    }
    is_ideograph(left) != is_ideograph(right)
}

/// Whether a wide mark stands before what it belongs to.
fn is_opening(character: char) -> bool {
    "「『（《〈【〔［｛".contains(character)
}

/// The widest stretch without ink between two columns.
fn widest_gap(line: &Line, from: f32, to: f32) -> Option<(f32, f32)> {
    let (from, to) = (from as u32, (to.ceil() as u32).min(line.image.width()));
    let activity: Vec<u32> = (from..to).map(|x| line.column_activity(x)).collect();
    let (least, most) = (*activity.iter().min()?, *activity.iter().max()?);
    if most - least < CONTRAST {
        return None;
    }
    let quiet = least + ((most - least) as f32 * QUIET) as u32;
    let (mut best, mut run) = ((0, 0), 0);
    for (index, value) in activity.iter().enumerate() {
        run = if *value <= quiet { run + 1 } else { 0 };
        if run > best.0 {
            best = (run, index as u32 + 1);
        }
    }
    let (width, end) = best;
    Some(((from + end - width) as f32, (from + end) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text whose characters have these middles.
    fn text(text: &str, middles: &[f32]) -> Text {
        Text { text: text.into(), characters: vec![1.0; middles.len()], middles: middles.to_vec() }
    }

    fn shares(text: &Text, gap: impl Fn(f32, f32) -> Option<(f32, f32)>) -> Vec<(&str, f32, f32)> {
        let word = |word: Word| (&text.text[word.begin as usize..word.end as usize], word.from, word.to);
        place_words(text, 100.0, gap).into_iter().map(word).collect()
    }

    #[test]
    fn a_word_ends_where_the_ink_does_or_halfway_to_the_next() {
        let line = text("ab cd", &[10.0, 20.0, 60.0, 60.0, 80.0]);
        assert_eq!(shares(&line, |_, _| None), [("ab", 0.0, 0.4), ("cd", 0.4, 1.0)]);
        let bare = |from: f32, to: f32| Some((from + 5.0, to - 10.0));
        assert_eq!(shares(&line, bare), [("ab", 0.0, 0.25), ("cd", 0.5, 1.0)]);
        assert!(shares(&text("", &[]), bare).is_empty());
    }

    #[test]
    fn ideographs_are_parted_from_letters_and_after_their_marks() {
        let words = |line: &str| -> Vec<String> {
            let read = text(line, &vec![50.0; line.chars().count()]);
            shares(&read, |_, _| None).into_iter().map(|(word, ..)| word.to_owned()).collect()
        };
        assert_eq!(words("使用Rust编程，很快。"), ["使用", "Rust", "编程，", "很快。"]);
        assert_eq!(words("他说：「你好」（二）"), ["他说：", "「你好」", "（二）"]);
        assert_eq!(words("don't stop, 3.5 km"), ["don't", "stop,", "3.5", "km"]);
        assert_eq!(words("ＡＢＣ１２３"), ["ＡＢＣ１２３"], "wide letters are letters");
    }

    #[test]
    fn middles_that_lie_askew_make_no_word_end_before_it_begins() {
        let line = text("a b c", &[50.0, 30.0, 30.0, 120.0, 120.0]);
        for (word, from, to) in shares(&line, |_, _| None) {
            assert!((0.0..=to).contains(&from) && to <= 1.0, "{word} {from} {to}");
        }
    }

    #[test]
    fn a_polygon_with_less_room_around_it_has_the_same_words_at_the_same_places() {
        let rectangle = |from: f32, to: f32| [[from, 0.0], [to, 0.0], [to, 10.0], [from, 10.0]];
        let mut words =
            [Word { from: 0.0, to: 0.3, ..Word::default() }, Word { from: 0.5, to: 1.0, ..Word::default() }];
        rescale_words(&mut words, rectangle(0.0, 100.0), rectangle(10.0, 90.0), 0);
        let seen = words.map(|word| [word.from, word.to].map(|share| (share * 1e4).round() / 1e4));
        assert_eq!(seen, [[0.0, 0.25], [0.5, 1.0]]);
    }

    #[test]
    fn a_word_of_a_line_on_its_head_begins_at_the_right() {
        let region = Region {
            polygon: [[100.0, 20.0], [0.0, 20.0], [0.0, 0.0], [100.0, 0.0]],
            text: "é b".into(),
            characters: vec![0.5, 0.1, 1.0],
            confidence: 0.75,
            ..Region::default()
        };
        let word = Word { begin: 0, end: 2, from: 0.0, to: 0.25 };
        assert_eq!((region.word_text(word), region.word_characters(word)), ("é", &[0.5][..]));
        assert_eq!(region.word_polygon(word), [[100.0, 20.0], [75.0, 20.0], [75.0, 0.0], [100.0, 0.0]]);
        let word = Word { begin: 3, end: 4, from: 0.5, to: 1.0 };
        assert_eq!((region.word_text(word), region.word_characters(word)), ("b", &[1.0][..]));
    }

    #[test]
    fn the_gap_is_where_there_is_no_ink() {
        let mut image = sightwire_frame::Image::new(60, 48);
        for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
            let (x, y) = (index % 60, index / 60);
            let ink = !(20..35).contains(&x) && (10..30).contains(&y);
            pixel.fill(if ink { 0 } else { 250 });
        }
        let line = Line { image, turned: 0 };
        assert_eq!(widest_gap(&line, 10.0, 45.0), Some((20.0, 35.0)));
        assert_eq!(widest_gap(&line, 0.0, 15.0), None, "all is ink");
        assert_eq!(widest_gap(&line, 15.0, 15.0), None);
    }
}
