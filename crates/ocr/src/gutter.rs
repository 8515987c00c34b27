//! Lines that were found as one across the gutter of two columns, which are hardly further apart than words there.
//!
//! The network that finds text bridges such a gutter. In the picture it is still there: without ink, mostly wider than the
//! spaces between a line's words, and at the same place in many lines below each other.

use std::ops::RangeInclusive;

use sightwire_frame::Image;

type Point = [f64; 2];
type Outline = [Point; 4];

/// A line of two columns is at least this many times as long as high.
const LONG: f64 = 12.0;
/// Each half of a line of two columns is at least this many times as long as high.
const HALF: f64 = 4.0;
/// Room without ink counts from this share of a line's height on.
const SPACE: f64 = 0.12;
/// Room without ink may be a gutter's from this share of a line's height on.
const GUTTER: f64 = 0.25;
/// Room without ink speaks for a gutter clearly if it is at least this many times as wide as most spaces of the line.
const WIDER: f64 = 1.5;
/// And this many times as wide as most others that may be a gutter's, of which there are so many.
const WIDER_THAN_OTHERS: f64 = 1.3;
const OTHERS: usize = 2;
/// Letters of a line with at least this many places without ink for each of its heights stand apart, as those of a
/// typewriter do.
const APART: f64 = 1.1;
/// Where letters stand apart, what is between words is wider than this share of all places without ink.
const LETTERS: f64 = 0.88;
/// Where letters stand apart, room may be a gutter's from this share of what is between words on.
const NARROWER: f64 = 0.8;
/// A column of pixels is without ink if its brightness changes by no more than this share of what the line's does.
const QUIET: f64 = 0.3;
/// What a line says for a gutter that is clearly there.
const CLEAR: i32 = 2;
/// For this many lines that may have a gutter, one at least has it clearly.
const CLEARLY: i32 = 2;
/// What a line says for a gutter that may be there.
const FAIR: i32 = 1;
/// What a line says for a gutter that it goes across.
const AGAINST: i32 = -3;
/// What lines below each other say for a gutter, at least, all together.
const ENOUGH: i32 = 10;
/// Gutters of a page at most.
const MOST: usize = 4;
/// Pixels of a line, in the picture in which lines were found, that are looked at, at most.
const MOST_PX: f64 = 8192.0;
/// Outlines reach this far beyond their text, in heights.
const OUTWARDS: f64 = 0.3;
/// A line is parted where its room is at least this share of the gutter's width: a space of a heading is not.
const SHARE: f64 = 0.6;
/// Where text left of a gutter is ragged, a line is parted where its room is at least this share of its height.
const ROOM: f64 = 0.8;
/// Room that halves of a line get at a gutter, in heights, if there is as much.
const MARGIN: f64 = 0.25;
/// A line that ends this near to a gutter, in heights, with another one beside it that begins as near to it, has it, too.
const NEAR: f64 = 0.8;
/// A line that begins at a gutter has it, too, if another one beside it ends at most this many heights before: ragged text.
const RAGGED: f64 = 12.0;
/// A line that ends at a gutter and the one that begins there stand at one height, within this share of the first one's.
const SAME_ROW: f64 = 0.5;
/// A line that ends at a gutter and the one that begins there are at most this many lines apart from the top.
const BESIDE: usize = 4;

/// A line, from where to where it goes along the direction of the page, px.
#[derive(Clone, Debug)]
struct Line {
    outline: Outline,
    from: f64,
    to: f64,
    /// Where it stands across that direction.
    at: f64,
    height: f64,
    rooms: Vec<Room>,
}

/// Room without ink in a line that may be a gutter.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Room {
    from: f64,
    to: f64,
    /// Whether it is wider than spaces are.
    is_clear: bool,
}

/// Parts lines at gutters. Outlines are in pixels of `image`, in which they were found.
pub(super) fn split_lines(image: &Image, outlines: Vec<Outline>) -> Vec<Outline> {
    let along = line_direction(&outlines);
    let mut lines: Vec<Line> =
        outlines.into_iter().map(|outline| Line::from_outline(image, outline, along)).collect();
    lines.sort_by(|a, b| a.at.total_cmp(&b.at));
    for _ in 0..MOST {
        let Some(gutter) = best_gutter(&lines) else { break };
        let mut parted = Vec::with_capacity(lines.len() * 2);
        for (index, mut line) in lines.into_iter().enumerate() {
            match line.room_at(gutter.place).filter(|_| gutter.band.contains(&index)) {
                Some(room) if room.to - room.from >= gutter.least_room(&line) => {
                    parted.extend(line.split_at(room));
                }
                Some(space) => {
                    line.rooms.retain(|room| *room != space);
                    parted.push(line);
                }
                None => parted.push(line),
            }
        }
        lines = parted;
    }
    lines.into_iter().map(|line| line.outline).collect()
}

/// Along most long lines: a unit vector to the right, or down if they are upright.
fn line_direction(outlines: &[Outline]) -> Point {
    let angles = outlines
        .iter()
        .filter_map(|outline| {
            let (along, length, height) = line_sides(outline);
            (length >= LONG * height).then(|| along[1].atan2(along[0]))
        })
        .collect();
    let (sin, cos) = median(angles).sin_cos();
    [cos, sin]
}

/// The direction of the longer sides, which goes to the right or nearly straight down; how long they are, and the shorter ones.
fn line_sides([a, b, _, d]: &Outline) -> (Point, f64, f64) {
    let side = |to: &Point| [to[0] - a[0], to[1] - a[1]];
    let (across, down) = (side(b), side(d));
    let (width, height) = (across[0].hypot(across[1]), down[0].hypot(down[1]));
    let (along, length, breadth) =
        if width >= height { (across, width, height) } else { (down, height, width) };
    (along.map(|part| part / length.max(1.0)), length, breadth.max(1.0))
}

/// A strip without ink between two columns.
struct Gutter {
    place: f64,
    /// The lines that say so, from the top.
    band: RangeInclusive<usize>,
    /// As wide as it is in most of them, px.
    width: f64,
    /// Whether text left of it is ragged in most of them, so that nobody knows how wide it is.
    is_ragged: bool,
}

impl Gutter {
    /// How wide room is at least in which a line is parted, px.
    fn least_room(&self, line: &Line) -> f64 {
        (SHARE * self.width).max(if self.is_ragged { ROOM * line.height } else { 0.0 })
    }
}

/// Where more lines below each other speak for a gutter than in any other place.
fn best_gutter(lines: &[Line]) -> Option<Gutter> {
    let beside = |index: usize| &lines[index.saturating_sub(BESIDE)..(index + BESIDE + 1).min(lines.len())];
    let mut places: Vec<f64> =
        lines.iter().flat_map(|line| &line.rooms).map(|room| f64::midpoint(room.from, room.to)).collect();
    places.sort_by(f64::total_cmp);
    places.dedup_by(|a, b| (*a - *b).abs() < 1.0);
    let mut best: Option<(i32, f64, RangeInclusive<usize>)> = None;
    for place in places {
        // The best run of lines: what speaks for the gutter less what speaks against it.
        let (mut sum, mut begin, mut parts, mut fair, mut clear) = (0, 0, false, 0, 0);
        for (index, line) in lines.iter().enumerate() {
            if sum <= 0 {
                (sum, begin, parts, fair, clear) = (0, index, false, 0, 0);
            }
            let (vote, _) = line.vote(place, beside(index));
            sum += vote;
            fair += i32::from(vote == FAIR);
            clear += i32::from(vote == CLEAR);
            parts |= vote > 0 && line.room_at(place).is_some();
            // Spaces of like lines stand below each other, too, but few of them are wider than the others.
            let is_clear = clear * CLEARLY >= fair;
            if parts
                && is_clear
                && vote > 0
                && sum >= ENOUGH
                && best.as_ref().is_none_or(|(most, ..)| sum > *most)
            {
                best = Some((sum, place, begin..=index));
            }
        }
    }
    let (_, place, band) = best?;
    let votes: Vec<_> = band.clone().map(|index| lines[index].vote(place, beside(index))).collect();
    let ragged = votes.iter().filter(|vote| **vote == (CLEAR, None)).count();
    let is_ragged = ragged * 2 > votes.iter().filter(|(vote, _)| *vote > 0).count();
    let width = median(votes.iter().filter_map(|(_, width)| *width).collect());
    Some(Gutter { place, band, width, is_ragged })
}

impl Line {
    fn from_outline(image: &Image, outline: Outline, page: Point) -> Self {
        let (along, length, height) = line_sides(&outline);
        let centre = [0, 1].map(|axis| outline.iter().map(|corner| corner[axis]).sum::<f64>() / 4.0);
        let middle = centre[0] * page[0] + centre[1] * page[1];
        let is_level = along[0] * page[0] + along[1] * page[1] > 0.9;
        let half = if is_level { length } else { height } / 2.0;
        let begin = [centre[0] - along[0] * length / 2.0, centre[1] - along[1] * length / 2.0];
        let rooms = if is_level && length >= LONG * height && length <= MOST_PX {
            find_rooms(image, begin, along, length, height)
        } else {
            Vec::new()
        };
        let from = middle - half;
        Self {
            outline,
            from,
            to: middle + half,
            at: centre[1] * page[0] - centre[0] * page[1],
            height: if is_level { height } else { length },
            rooms: rooms
                .into_iter()
                .map(|room| Room { from: from + room.from, to: from + room.to, ..room })
                .collect(),
        }
    }

    /// What it says for a gutter at this place, where 0 is nothing, and how wide that would be.
    fn vote(&self, place: f64, beside: &[Self]) -> (i32, Option<f64>) {
        let near = NEAR * self.height;
        let begins = |other: &&Self| {
            (other.from - place).abs() <= near && (other.at - self.at).abs() <= self.height * SAME_ROW
        };
        let ends_before = |other: &Self| {
            let room = place - other.to;
            room > near
                && room <= RAGGED * self.height
                && (other.at - self.at).abs() <= self.height * SAME_ROW
        };
        if self.from + HALF * self.height < place && place < self.to - HALF * self.height {
            let vote = |room: Room| (if room.is_clear { CLEAR } else { FAIR }, Some(room.to - room.from));
            self.room_at(place).map_or((AGAINST, None), vote)
        } else if (self.to - place).abs() <= near
            && let Some(other) = beside.iter().find(begins)
        {
            (CLEAR, Some(other.from - self.to + 2.0 * OUTWARDS * self.height))
        } else if (self.from - place).abs() <= near && beside.iter().any(ends_before) {
            // Left of it text is ragged: how wide the gutter is nobody knows here.
            (CLEAR, None)
        } else {
            (0, None)
        }
    }

    fn room_at(&self, place: f64) -> Option<Room> {
        let spans = self.from + HALF * self.height < place && place < self.to - HALF * self.height;
        self.rooms.iter().find(|room| spans && room.from <= place && place <= room.to).copied()
    }

    /// Both halves, with some room around them, with which letters are read best.
    fn split_at(self, room: Room) -> [Self; 2] {
        let length = (self.to - self.from).max(1.0);
        let [a, b, c, d] = self.outline;
        let is_wide = (b[0] - a[0]).hypot(b[1] - a[1]) >= (d[0] - a[0]).hypot(d[1] - a[1]);
        let at = |share: f64, [from, to]: [Point; 2]| {
            [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * share)
        };
        let half = |low: f64, high: f64, rooms: Vec<Room>| {
            let [first, last] = [low, high].map(|place| (place - self.from) / length);
            let outline = if is_wide {
                [at(first, [a, b]), at(last, [a, b]), at(last, [d, c]), at(first, [d, c])]
            } else {
                [at(first, [a, d]), at(first, [b, c]), at(last, [b, c]), at(last, [a, d])]
            };
            Self { outline, from: low, to: high, rooms, ..self }
        };
        let (before, after): (Vec<_>, Vec<_>) =
            self.rooms.iter().filter(|other| **other != room).partition(|other| other.to <= room.from);
        let margin = ((room.to - room.from) / 2.0).max(MARGIN * self.height).min(room.to - room.from);
        [half(self.from, room.from + margin, before), half(room.to - margin, self.to, after)]
    }
}

/// Places without ink along a line, px from its beginning.
fn find_rooms(image: &Image, begin: Point, along: Point, length: f64, height: f64) -> Vec<Room> {
    let activity: Vec<f64> = (0..length as usize)
        .map(|step| {
            let place = [0, 1].map(|axis| begin[axis] + along[axis] * step as f64);
            measure_activity(image, place, along, height * 0.6)
        })
        .collect();
    let mut sorted = activity.clone();
    sorted.sort_by(f64::total_cmp);
    let quiet = QUIET * sorted.get(sorted.len() * 9 / 10).copied().unwrap_or(0.0);
    let mut spaces: Vec<(f64, f64)> = Vec::new();
    let mut step = 0;
    for run in activity.chunk_by(|a, b| (*a <= quiet) == (*b <= quiet)) {
        if run[0] <= quiet
            && run.len() as f64 >= SPACE * height
            && step > 0
            && step + run.len() < activity.len()
        {
            spaces.push((step as f64, (step + run.len()) as f64));
        }
        step += run.len();
    }
    let mut widths: Vec<f64> = spaces.iter().map(|(from, to)| to - from).collect();
    widths.sort_by(f64::total_cmp);
    let is_apart = widths.len() as f64 * height >= APART * length;
    let share = if is_apart { LETTERS } else { 0.5 };
    let usual = widths.get((widths.len() as f64 * share) as usize).copied().unwrap_or(0.0);
    // What is between letters stands below each other from line to line, and is not a gutter.
    let least = if is_apart { NARROWER * usual } else { 0.0 }.max(GUTTER * height);
    let wide: Vec<(f64, f64)> = spaces.into_iter().filter(|(from, to)| to - from >= least).collect();
    let is_clear = |(from, to): (f64, f64)| {
        // Letters may stand so far apart that most places without ink are between them.
        let others: Vec<f64> = wide
            .iter()
            .filter(|other| other.0.total_cmp(&from).is_ne())
            .map(|(from, to)| to - from)
            .collect();
        let usual = usual * WIDER;
        to - from
            >= if others.len() >= OTHERS { usual.max(median(others) * WIDER_THAN_OTHERS) } else { usual }
    };
    wide.iter().map(|(from, to)| Room { from: *from, to: *to, is_clear: is_clear((*from, *to)) }).collect()
}

/// 0 of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// How much the brightness changes across a line at a place on its middle.
fn measure_activity(image: &Image, place: Point, along: Point, breadth: f64) -> f64 {
    let (mut low, mut high) = (255_u8, 0_u8);
    let (width, height) = (image.width() as usize, image.height() as usize);
    for step in 0..=breadth as usize {
        let off = step as f64 - breadth / 2.0;
        let [x, y] = [place[0] - along[1] * off, place[1] + along[0] * off];
        if x < 0.0 || y < 0.0 || x as usize >= width || y as usize >= height {
            continue;
        }
        let green = image.data()[(y as usize * width + x as usize) * 3 + 1];
        (low, high) = (low.min(green), high.max(green));
    }
    f64::from(high.saturating_sub(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: u32 = 6;
    const HEIGHT: u32 = 14;

    /// A white picture; a line of print is drawn as letters of 6 px with 2 between and words with a space between.
    struct Print {
        image: Image,
        outlines: Vec<Outline>,
    }

    impl Print {
        fn new() -> Self {
            let mut image = Image::new(900, 600);
            image.data_mut().fill(255);
            Self { image, outlines: Vec::new() }
        }

        /// Words of this many letters from `x` on; says where the last one ends.
        fn draw(&mut self, x: u32, y: u32, words: &[u32], space: u32) -> u32 {
            let mut left = x;
            for (index, letters) in words.iter().enumerate() {
                left += if index > 0 { space } else { 0 };
                for _ in 0..*letters {
                    for row in y..y + HEIGHT {
                        let from = ((row * 900 + left) * 3) as usize;
                        self.image.data_mut()[from..from + LETTER as usize * 3].fill(0);
                    }
                    left += LETTER + 2;
                }
            }
            left - 2
        }

        fn outline(&mut self, from: u32, to: u32, y: u32) {
            let [from, to, y] = [from, to, y].map(f64::from);
            let bottom = y + f64::from(HEIGHT);
            self.outlines.push([[from, y - 5.0], [to, y - 5.0], [to, bottom + 5.0], [from, bottom + 5.0]]);
        }

        /// What is parted: from where to where, at what height.
        fn parted(self) -> Vec<[i64; 3]> {
            let outlines = split_lines(&self.image, self.outlines).into_iter();
            let mut found: Vec<[i64; 3]> =
                outlines.map(|[a, b, ..]| [a[0], b[0], a[1]].map(|part| part.round() as i64)).collect();
            found.sort_by_key(|[from, _, y]| [*y, *from]);
            found
        }
    }

    /// Words whose spaces are at other places in each line, and fill about 400 px.
    fn words(line: u32) -> Vec<u32> {
        (0..8).map(|word| 2 + (word * 31 + line * 17 + word * line * 7 + line * line) % 9).collect()
    }

    /// Lines of two columns with this much room between, each found as one with its neighbour if `joined` says so.
    fn columns(print: &mut Print, gutter: u32, space: u32, joined: impl Fn(u32) -> bool) {
        for line in 0..12 {
            let y = 40 + line * 30;
            let mut words = words(line);
            // Every line ends at the same place.
            let length =
                |words: &[u32]| words.iter().map(|letters| letters * 8 + space).sum::<u32>() - space - 2;
            while length(&words) > 380 {
                words.pop();
            }
            let last = words.len() - 1;
            words[last] += (380 - length(&words)) / 8;
            let left = 440 - gutter / 2 - length(&words);
            let end = print.draw(left, y, &words, space);
            let right = end + gutter;
            let to = print.draw(right, y, &words, space);
            if joined(line) {
                print.outline(left - 5, to + 5, y);
            } else {
                print.outline(left - 5, end + 5, y);
                print.outline(right - 5, to + 5, y);
            }
        }
    }

    #[test]
    fn lines_found_as_one_across_a_gutter_are_parted_whether_few_or_all_are() {
        for joined in [|_| true, |line: u32| line % 4 == 1] {
            let mut print = Print::new();
            columns(&mut print, 14, 6, joined);
            let parted = print.parted();
            assert_eq!(parted.len(), 24, "{parted:?}");
            for pair in parted.chunks(2) {
                let [[_, end, y], [begin, _, other]] = [pair[0], pair[1]];
                assert_eq!(y, other);
                assert!((433..=447).contains(&end) && (433..=447).contains(&begin), "{pair:?}");
            }
        }
    }

    #[test]
    fn upright_lines_are_parted_too() {
        let mut print = Print::new();
        columns(&mut print, 14, 6, |_| true);
        let (width, height) = (print.image.width(), print.image.height());
        let mut turned = Image::new(height, width);
        for y in 0..height {
            for x in 0..width {
                let (from, to) =
                    (((y * width + x) * 3) as usize, ((x * height + height - 1 - y) * 3) as usize);
                turned.data_mut()[to..to + 3].copy_from_slice(&print.image.data()[from..from + 3]);
            }
        }
        let outlines: Vec<Outline> = print
            .outlines
            .iter()
            .map(|[a, b, c, d]| [d, a, b, c].map(|[x, y]| [f64::from(height) - y, *x]))
            .collect();
        assert_eq!(split_lines(&turned, outlines).len(), 24);
    }

    #[test]
    fn a_heading_across_and_text_without_columns_stay_whole() {
        let mut print = Print::new();
        columns(&mut print, 18, 6, |line| line % 2 == 0);
        // Over the gutter stands a letter, or a space.
        for (row, words) in [(12, &[90][..]), (13, &[48, 40])] {
            let y = 40 + row * 30;
            let to = print.draw(60, y, words, 6);
            print.outline(55, to + 5, y);
        }
        let parted = print.parted();
        assert_eq!(parted.len(), 26, "{parted:?}");
        assert_eq!(parted[24..], [[55, 783, 395], [55, 773, 425]]);

        let mut text = Print::new();
        for line in 0..14 {
            let y = 40 + line * 30;
            let words: Vec<u32> = words(line).into_iter().chain(words(line + 3)).collect();
            let to = text.draw(40, y, &words, 10);
            text.outline(35, to + 5, y);
        }
        let whole = text.outlines.len();
        assert_eq!(text.parted().len(), whole);
    }

    #[test]
    fn like_lines_whose_spaces_stand_below_each_other_stay_whole() {
        let mut chat = Print::new();
        for line in 0..16 {
            let y = 20 + line * 30;
            let to = chat.draw(40, y, &[4, 1, 2, 3, 5, 7, 6, 2], 9);
            chat.outline(35, to + 5, y);
        }
        let whole = chat.outlines.len();
        assert_eq!(chat.parted().len(), whole);
    }

    #[test]
    fn a_line_that_was_found_across_ragged_columns_is_parted() {
        let mut page = Print::new();
        for line in 0..9 {
            let y = 20 + line * 30;
            // The right ones begin at 430 px, of the left ones only the one across ends near that.
            let last = if line == 1 { [11, 11] } else { [5 + line % 3 * 2, 4] };
            let left = page.draw(40, y, &[&[4, 7, 3, 6], &last[..]].concat(), 6);
            let right = page.draw(430, y, &[5, 8, 4, 9, 6], 6);
            if line == 1 {
                page.outline(35, right + 5, y);
            } else {
                page.outline(35, left + 5, y);
                page.outline(425, right + 5, y);
            }
        }
        assert_eq!(page.parted().len(), 18);
    }

    #[test]
    fn print_of_a_typewriter_stays_whole() {
        // Letters and spaces at a distance of 16 px, so that they stand below each other.
        let (mut text, distance) = (Print::new(), 16);
        for line in 0..14 {
            let y = 40 + line * 30;
            let words: Vec<u32> = words(line).into_iter().chain(words(line + 3)).collect();
            let mut left = 40;
            'line: for word in words {
                for _ in 0..word {
                    if left > 840 {
                        break 'line;
                    }
                    text.draw(left, y, &[1], 0);
                    left += distance;
                }
                left += distance;
            }
            text.outline(35, left, y);
        }
        let whole = text.outlines.len();
        assert_eq!(text.parted().len(), whole);
    }
}
