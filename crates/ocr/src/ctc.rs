//! From the values of a recogniser to text: CTC, greedy (Graves et al. 2006), and what the recogniser knows better than
//! its first choice says: spaces, and letters that look alike.

use std::ops::Range;

/// Between two characters stands a space if some step there gives it this probability, though nothing at all is likelier:
/// the recogniser learned from print without spaces, too, and hardly ever is sure of one.
const DOUBTFUL_SPACE: f32 = 0.05;
/// A character that looks like another one is that one if it stands among its kind, and has this share of the first
/// choice's probability.
const ALIKE: f32 = 0.15;

/// A letter has at most this many steps after its first.
const REACH: usize = 3;
/// A letter ends with the first step at which it has less than this share of its probability at its first one.
const FADED: f32 = 0.2;

/// An evenly spaced line has at least this many pairs of neighbouring letters.
const EVEN_PAIRS: usize = 5;
/// Neighbouring letters of an evenly spaced line are usually no nearer than this to each other, in steps.
const NARROW: f32 = 3.5;
/// Of the pairs of neighbouring letters of an evenly spaced line, at least this share is as far from each other as most, or
/// a multiple of that.
const EVENLY: f32 = 0.95;
/// Letters of an evenly spaced line may be off their place by this share of the usual distance, or by what rounding to steps
/// makes if that is more.
const UNEVEN: f32 = 0.2;
const ROUNDED: f32 = 1.0;
/// Where a space is at least this sure, letters of an evenly spaced line are at least this many times as far from each
/// other.
const SURE_SPACE: f32 = 0.5;
const WIDE: f32 = 1.6;
/// Between letters that are further apart by no more than this, in steps, there is no space.
const SLACK: f32 = 1.0;

/// What the classes of a recogniser stand for.
#[derive(Debug)]
pub(super) struct Alphabet {
    /// The first one stands for nothing.
    characters: Vec<String>,
    space: Option<usize>,
    zero: Option<usize>,
    small_o: Option<usize>,
    large_o: Option<usize>,
}

/// A character of a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Letter {
    character: String,
    confidence: f32,
    /// Where its middle is on the line, in steps.
    at: f32,
    /// Where its middle is, in pixels of the line as it is read.
    at_px: f32,
    /// How sure a space before it is; 0 if there is none.
    space: f32,
    /// A space that nobody but the recogniser's doubts speaks for.
    doubtful: bool,
    /// Of what looks like it and has a fair share: 0, o, O.
    alike: Option<(char, f32)>,
}

/// A line's text, how sure each of its characters is, and where.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(clippy::struct_field_names, reason = "it is the text itself, beside what is known of it")]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) characters: Vec<f32>,
    /// The middles of the characters, in pixels of the line as it is read; of a space that of the letter after it.
    pub(super) middles: Vec<f32>,
}

impl Alphabet {
    pub(super) fn new(characters: Vec<String>) -> Self {
        let class = |wanted: &str| characters.iter().rposition(|character| character == wanted);
        let (space, zero, small_o, large_o) = (class(" "), class("0"), class("o"), class("O"));
        Self { characters, space, zero, small_o, large_o }
    }

    pub(super) fn len(&self) -> usize {
        self.characters.len()
    }

    /// Whether it has this letter.
    pub(super) fn has_letter(&self, letter: char) -> bool {
        let mut buffer = [0; 4];
        let letter: &str = letter.encode_utf8(&mut buffer);
        self.characters.iter().any(|character| character == letter)
    }
}

impl Letter {
    fn is_digit(&self) -> bool {
        self.character.chars().all(|character| character.is_ascii_digit())
    }
}

impl Text {
    /// The mean of its characters; 0 where there are none. Spaces do not count: how sure one is says little of the text.
    pub(super) fn confidence(&self) -> f32 {
        let letters = self.text.chars().zip(&self.characters).filter(|(character, _)| *character != ' ');
        let (sum, count) =
            letters.fold((0.0, 0_u32), |(sum, count), (_, sure)| (sum + f64::from(*sure), count + 1));
        if count == 0 { 0.0 } else { (sum / f64::from(count)) as f32 }
    }

    /// One confidence and one place for each character, though a class may stand for several.
    fn push(&mut self, characters: &str, confidence: f32, middle: f32) {
        self.text.push_str(characters);
        self.characters.extend(characters.chars().map(|_| confidence));
        self.middles.extend(characters.chars().map(|_| middle));
    }
}

/// The letters of a line, or of a piece of it that begins at `from`: those whose middles lie in `kept`. `values` holds a row of
/// probabilities for each step, which is this many pixels long as the line is read. Of equal steps in a row one counts.
pub(super) fn decode_letters(
    values: &[f32],
    alphabet: &Alphabet,
    from: f32,
    step_px: f32,
    kept: Range<u32>,
) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::new();
    let kept = kept.start as f32..kept.end as f32;
    let place = |index: usize| from + (index as f32 + 0.5) * step_px;
    let (mut last, mut space, mut doubt) = (0, 0.0_f32, 0.0_f32);
    for (index, step) in values.chunks_exact(alphabet.len()).enumerate() {
        let (class, confidence) = find_largest(step);
        if class == 0 {
            doubt = doubt.max(alphabet.space.map_or(0.0, |space| step[space]));
        } else if Some(class) == alphabet.space {
            space = space.max(confidence);
        } else if class != last {
            if kept.contains(&place(index)) {
                let doubtful = space == 0.0 && doubt > DOUBTFUL_SPACE;
                let middle =
                    letter_middle(values, alphabet.len(), index, class).unwrap_or(index as f32 + 0.5);
                letters.push(Letter {
                    character: alphabet.characters[class].clone(),
                    confidence,
                    at: middle + from / step_px,
                    at_px: middle * step_px + from,
                    space: if doubtful { doubt } else { space },
                    doubtful,
                    alike: find_lookalike(step, class, alphabet),
                });
            }
            (space, doubt) = (0.0, 0.0);
        } else {
            doubt = 0.0;
        }
        last = class;
    }
    letters
}

/// Where the middle of a letter is that begins at a step, in steps: its steps and their neighbours weigh as much as they are sure of it.
fn letter_middle(values: &[f32], classes: usize, index: usize, class: usize) -> Option<f32> {
    let sure = |step: usize| values.get(step * classes + class).copied().unwrap_or(0.0);
    let steps = index.saturating_sub(1)..=index + REACH;
    let (mut sum, mut weight) = (0.0, 0.0);
    for step in steps {
        // Another letter of the same kind may follow.
        if step > index && sure(step) < sure(index) * FADED {
            let rest = sure(step);
            (sum, weight) = (sum + rest * (step as f32 + 0.5), weight + rest);
            break;
        }
        (sum, weight) = (sum + sure(step) * (step as f32 + 0.5), weight + sure(step));
    }
    (weight > 0.0).then(|| sum / weight)
}

/// What looks like a class and is fairly likely, too.
fn find_lookalike(step: &[f32], class: usize, alphabet: &Alphabet) -> Option<(char, f32)> {
    let share = |other: Option<usize>, character: char| {
        other.filter(|other| step[*other] >= step[class] * ALIKE).map(|other| (character, step[other]))
    };
    if Some(class) == alphabet.zero {
        share(alphabet.small_o, 'o')
    } else if Some(class) == alphabet.small_o || Some(class) == alphabet.large_o {
        share(alphabet.zero, '0')
    } else {
        None
    }
}

/// Makes a line's text of its letters, with the spaces and look-alikes that fit.
pub(super) fn spell_text(letters: &[Letter]) -> Text {
    let mut text = Text::default();
    let pitch = Pitch::from_letters(letters);
    let latin = !letters.iter().any(|letter| letter.character.chars().any(is_ideograph));
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &letters[before]);
        if let Some(before) = before
            && letter.space > 0.0
            && (!letter.doubtful || may_be_parted(letters, index, before))
            && !pitch.is_too_near(letters, index)
        {
            text.push(" ", letter.space, letter.at_px);
        }
        let character = if latin { half_width(&letter.character) } else { &letter.character };
        match letter.alike {
            Some((other, confidence)) if stands_among(letters, index, other) => {
                text.push(other.encode_utf8(&mut [0; 4]), confidence, letter.at_px);
            }
            _ => text.push(character, letter.confidence, letter.at_px),
        }
    }
    text
}

/// How far letters of a line are from each other, in steps.
struct Pitch {
    /// Of all, where all are as far from the next as others, or twice as far: as typewriters and printers of receipts write.
    even: Option<f32>,
    /// Of digits, which are equally wide in nearly all print.
    digits: Option<f32>,
}

impl Pitch {
    fn from_letters(letters: &[Letter]) -> Self {
        let far = |pair: &[Letter]| pair[1].at - pair[0].at;
        let usual = median(letters.windows(2).map(far).collect());
        let fits = |pair: &&[Letter]| {
            let times = (far(pair) / usual).round().max(1.0);
            (far(pair) - times * usual).abs() <= (UNEVEN * usual).max(ROUNDED)
        };
        // Spaces take as much room as a letter there.
        let spaced = letters.windows(2).all(|pair| pair[1].space < SURE_SPACE || far(pair) >= WIDE * usual);
        let pairs = letters.len().saturating_sub(1);
        let even = letters.windows(2).filter(fits).count() as f32;
        let is_even = pairs >= EVEN_PAIRS && usual >= NARROW && even >= EVENLY * pairs as f32;
        let digits = letters.windows(2).filter(|pair| pair.iter().all(Letter::is_digit)).map(far);
        let digits: Vec<f32> = digits.collect();
        Self {
            even: (spaced && is_even).then_some(usual),
            digits: (!digits.is_empty()).then(|| median(digits)),
        }
    }

    /// Whether two letters are so near each other that there is no space between them, whatever the recogniser says.
    fn is_too_near(&self, letters: &[Letter], index: usize) -> bool {
        let (before, letter) = (&letters[index - 1], &letters[index]);
        let far = letter.at - before.at;
        let is_digit =
            |index: Option<usize>| index.and_then(|index| letters.get(index)).is_some_and(Letter::is_digit);
        let is_mark = |letter: &Letter| matches!(&*letter.character, "." | ",");
        let is_number = (before.is_digit() && is_mark(letter) && is_digit(Some(index + 1)))
            || (is_mark(before) && letter.is_digit() && is_digit(index.checked_sub(2)));
        self.even.is_some_and(|pitch| far <= pitch + SLACK)
            || (is_number && self.digits.is_some_and(|pitch| far <= pitch + SLACK))
    }
}

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Whether a doubtful space may stand before a letter.
fn may_be_parted(letters: &[Letter], index: usize, before: &Letter) -> bool {
    let letter = &letters[index];
    let first = |letter: &Letter| letter.character.chars().next().unwrap_or(' ');
    let (left, right) = (first(before), first(letter));
    if is_wide_mark(left) || is_wide_mark(right) || (is_ideograph(left) && is_ideograph(right)) {
        return false;
    }
    if ",.;:!?)]}%".contains(right) || "([{".contains(left) {
        return false;
    }
    // A quotation mark that opens: it begins the line, or follows a space.
    let opens = index < 2 || before.space > 0.0;
    !("\"'".contains(left) && opens)
}

/// Whether the letters on both sides in the same word are of that character's kind.
fn stands_among(letters: &[Letter], index: usize, character: char) -> bool {
    let kind = |letter: &Letter| {
        let mut characters = letter.character.chars();
        characters.all(
            |other| {
                if character == '0' { other.is_ascii_digit() } else { other.is_ascii_lowercase() }
            },
        )
    };
    let before = index.checked_sub(1).map(|before| &letters[before]).filter(|_| letters[index].space == 0.0);
    let after = letters.get(index + 1).filter(|after| after.space == 0.0);
    before.is_some_and(kind) && after.is_some_and(kind)
}

pub(super) fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{2fff}' | '\u{3040}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Marks that bring their own room along.
pub(super) fn is_wide_mark(character: char) -> bool {
    matches!(character, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}')
}

/// A full-width mark as it is written between Latin letters.
fn half_width(character: &str) -> &str {
    match character {
        "，" => ",",
        "：" => ":",
        "；" => ";",
        "！" => "!",
        "？" => "?",
        "（" => "(",
        "）" => ")",
        other => other,
    }
}

/// Where the largest value stands, and what it is. Looked for in pieces, which the compiler makes fast.
fn find_largest(values: &[f32]) -> (usize, f32) {
    const PIECE: usize = 64;
    let mut best = (0, f32::MIN);
    for (index, piece) in values.chunks(PIECE).enumerate() {
        let top = piece.iter().copied().fold(f32::MIN, f32::max);
        if top > best.1 {
            let within = piece.iter().position(|value| *value >= top).unwrap_or(0);
            best = (index * PIECE + within, top);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [&str; 12] = ["", "a", "b", " ", "0", "o", "1", "，", "中", "\"", ".", "O"];

    fn alphabet() -> Alphabet {
        Alphabet::new(CLASSES.map(str::to_owned).to_vec())
    }

    /// A step that gives these characters these probabilities.
    fn step(likely: &[(&str, f32)]) -> Vec<f32> {
        let value =
            |class: &&str| likely.iter().find(|(name, _)| name == class).map_or(0.0, |(_, value)| *value);
        CLASSES.iter().map(value).collect()
    }

    fn read(steps: &[Vec<f32>]) -> Text {
        let values: Vec<f32> = steps.concat();
        spell_text(&decode_letters(&values, &alphabet(), 0.0, 1.0, 0..steps.len() as u32))
    }

    /// One step for each character; `_` is nothing, `~` nothing with a doubtful space.
    fn written(line: &str) -> String {
        let steps: Vec<_> = line
            .chars()
            .map(|character| match character {
                '_' => step(&[("", 1.0)]),
                '~' => step(&[("", 0.8), (" ", 0.2)]),
                other => step(&[(other.encode_utf8(&mut [0; 4]), 1.0)]),
            })
            .collect();
        read(&steps).text
    }

    #[test]
    fn repeats_are_one_and_nothing_stands_between_two_of_a_kind() {
        let text = read(&[
            step(&[("", 0.9)]),
            step(&[("a", 0.8)]),
            step(&[("a", 0.9)]),
            step(&[("", 0.6)]),
            step(&[("a", 0.7)]),
            step(&[("b", 0.95)]),
        ]);
        assert_eq!(text.text, "aab");
        assert_eq!(text.characters, [0.8, 0.7, 0.95]);
        assert!((text.confidence() - 0.816_667).abs() < 1e-5);
        assert!(read(&[]).confidence() < f32::EPSILON);
    }

    #[test]
    fn a_doubtful_space_between_two_words_is_one() {
        assert_eq!(written("~a~b_a~"), "a ba", "and none before the first or after the last character");
        assert_eq!(written("a~ _b"), "a b", "no second one");
        assert_eq!(written(" a b "), "a b");
        assert_eq!(written("a~.~b"), "a. b", "none before a mark that closes");
        assert_eq!(written("\"~a\"~b~\"~a\""), "\"a\" b \"a\"", "none after a quotation mark that opens");
        assert_eq!(written("中~_中~a，~中"), "中中 a，中", "none between ideographs and around their marks");
        let text = read(&[step(&[("a", 1.0)]), step(&[("", 0.8), (" ", 0.2)]), step(&[("b", 1.0)])]);
        assert_eq!(text.characters, [1.0, 0.2, 1.0]);
        assert!(text.confidence() > 0.999, "a space says little of the text");
    }

    /// Letters this many steps from each other; after `~` a space is doubtful, a space takes as much room as a letter.
    fn evenly(line: &str, pitch: usize) -> String {
        let mut steps: Vec<Vec<f32>> = Vec::new();
        for character in line.chars() {
            match character {
                '~' => {
                    let last = steps.len() - 1;
                    steps[last] = step(&[("", 0.8), (" ", 0.2)]);
                }
                other => {
                    steps.push(step(&[(other.encode_utf8(&mut [0; 4]), 1.0)]));
                    steps.extend(std::iter::repeat_n(step(&[("", 1.0)]), pitch - 1));
                }
            }
        }
        read(&steps).text
    }

    #[test]
    fn between_letters_at_even_distances_is_no_space_but_where_one_letter_is_left_out() {
        assert_eq!(evenly("ab~ab1~a", 4), "abab1a");
        assert_eq!(evenly("ab~a bb1 a", 4), "aba bb1 a");
        // At uneven distances a doubtful space is one.
        let uneven = [("a", 3), ("b", 5), ("a", 2), ("b", 7), ("a", 3), ("b", 4), ("a", 6)];
        let mut steps: Vec<Vec<f32>> = Vec::new();
        for (letter, room) in uneven {
            steps.push(step(&[(letter, 1.0)]));
            steps.extend(std::iter::repeat_n(step(&[("", 0.8), (" ", 0.2)]), room));
        }
        assert_eq!(read(&steps).text, "a b a b a b a");
    }

    #[test]
    fn a_number_is_not_broken_at_its_point_nor_between_digits_as_near_as_others() {
        // Digits are four steps from each other, a point is three from them, letters as they come.
        let number = |after_point: usize| {
            let letters =
                [("b", 2), ("a", 6), ("1", 3), ("0", 3), (".", after_point), ("1", 3), ("0", 1), ("a", 5)];
            let mut steps: Vec<Vec<f32>> = Vec::new();
            for (letter, room) in letters {
                let room_for =
                    if letter == "." { step(&[("", 0.8), (" ", 0.2)]) } else { step(&[("", 1.0)]) };
                steps.push(step(&[(letter, 1.0)]));
                steps.extend(std::iter::repeat_n(room_for, room));
            }
            read(&steps).text
        };
        assert_eq!(number(2), "ba10.10a");
        assert_eq!(number(7), "ba10. 10a");
    }

    #[test]
    fn what_looks_alike_is_what_its_neighbours_are() {
        let between = |left: &str, first: (&str, f32), second: (&str, f32), right: &str| {
            read(&[step(&[(left, 1.0)]), step(&[first, second]), step(&[(right, 1.0)])]).text
        };
        assert_eq!(between("a", ("0", 0.7), ("o", 0.2), "b"), "aob");
        assert_eq!(between("a", ("0", 0.9), ("o", 0.1), "b"), "a0b", "too unlikely");
        assert_eq!(between("a", ("0", 0.7), ("o", 0.2), "1"), "a01", "a code");
        assert_eq!(between("1", ("o", 0.7), ("0", 0.2), "1"), "101");
        assert_eq!(between("1", ("O", 0.7), ("0", 0.2), "1"), "101");
        assert_eq!(between("a", ("o", 0.7), ("0", 0.2), "b"), "aob");
    }

    #[test]
    fn full_width_marks_stay_only_among_ideographs() {
        assert_eq!(written("a，b"), "a,b");
        assert_eq!(written("中，b"), "中，b");
    }

    #[test]
    fn of_a_piece_only_what_is_kept_counts_and_a_space_at_its_end_is_the_next_ones() {
        let steps = [step(&[("a", 1.0)]), step(&[("", 0.8), (" ", 0.2)]), step(&[("b", 1.0)])].concat();
        let mut all = decode_letters(&steps, &alphabet(), 0.0, 1.0, 0..1);
        all.extend(decode_letters(&steps, &alphabet(), 0.0, 1.0, 1..3));
        assert_eq!(spell_text(&all).text, "a b");
    }

    #[test]
    fn the_largest_of_many_is_found() {
        for at in [0, 63, 64, 6624] {
            let mut values = vec![0.1; 6625];
            values[at] = 0.2;
            assert_eq!(find_largest(&values), (at, 0.2));
        }
    }
}
