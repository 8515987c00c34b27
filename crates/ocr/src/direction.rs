//! How a page lies: level, on its side or on its head, as a few of its lines say.

use std::f32::consts::FRAC_PI_2;

use sightwire_layout::Directions;

use super::line;

/// A line says how a page lies if it is at least this many times as long as high: a short word may be as high as it is long.
const LONG: f64 = 1.5;
/// Lines that are read for it at most.
const MOST: usize = 12;
/// A page does not stand as it should if at least this many lines say so, unless it has fewer that are long.
const LINES: usize = 2;

/// Which lines are read to find out how a page lies: the longest ones of those that lie, or of those that stand upright if
/// these are longer all together.
#[derive(Debug, PartialEq)]
pub(super) struct Samples {
    pub(super) upright: bool,
    /// The line with most letters first.
    pub(super) lines: Vec<usize>,
}

impl Samples {
    pub(super) fn choose(outlines: &[[[f32; 2]; 4]]) -> Self {
        let mut ways: [(f64, Vec<(usize, f64)>); 2] = Default::default();
        for (index, outline) in outlines.iter().enumerate() {
            let (across, down) = line::sides(outline);
            let (length, ratio) = (across.max(down), across.max(down) / across.min(down).max(1.0));
            if ratio >= LONG {
                let (all, lines) = &mut ways[quarter_of(outline, usize::from(down > across)) % 2];
                *all += length;
                lines.push((index, ratio));
            }
        }
        let upright = ways[1].0 > ways[0].0;
        let [(_, level), (_, standing)] = ways;
        let mut lines = if upright { standing } else { level };
        lines.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        lines.truncate(MOST);
        Self { upright, lines: lines.into_iter().map(|(index, _)| index).collect() }
    }
}

/// By how many quarters a line is turned clockwise, more or less, whose text begins at this corner of its outline. Outlines
/// themselves may begin at any corner where they lean.
pub(super) fn quarter_of(outline: &[[f32; 2]; 4], corner: usize) -> usize {
    let [from, to] = [outline[corner % 4], outline[(corner + 1) % 4]];
    let angle = (to[1] - from[1]).atan2(to[0] - from[0]);
    (angle / FRAC_PI_2).round().rem_euclid(4.0) as usize
}

/// By how many quarters a page is turned clockwise, as lines of it say: what each says, how surely it was read, and by how many
/// quarters it is turned. `None` if more of them are to be asked; `left` are there.
pub(super) fn page_direction(upright: bool, lines: &[(&str, f32, usize)], left: usize) -> Option<usize> {
    let Some(turned) = Directions::from_lines(lines.iter().copied()).of_lines(upright) else {
        return (left == 0).then_some(0);
    };
    let says = |(text, confidence, way): &&(&str, f32, usize)| {
        *way == turned && sightwire_layout::telling_letters(text, *confidence) > 0
    };
    let enough = turned == 0 || left == 0 || lines.iter().filter(says).count() >= LINES;
    enough.then_some(turned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line that lies: where it begins, how long and how high it is.
    fn line(x: f32, y: f32, length: f32, height: f32) -> [[f32; 2]; 4] {
        [[x, y], [x + length, y], [x + length, y + height], [x, y + height]]
    }

    #[test]
    fn the_longest_lines_are_asked_of_the_direction_in_which_most_text_lies() {
        let mut outlines =
            vec![line(0.0, 0.0, 90.0, 20.0), line(0.0, 40.0, 300.0, 20.0), line(0.0, 80.0, 25.0, 20.0)];
        // Beside the text, a note on its side.
        outlines.push(line(400.0, 0.0, 20.0, 200.0));
        assert_eq!(Samples::choose(&outlines), Samples { upright: false, lines: vec![1, 0] });
        outlines.push(line(440.0, 0.0, 20.0, 250.0));
        assert_eq!(Samples::choose(&outlines), Samples { upright: true, lines: vec![4, 3] });
        assert_eq!(Samples::choose(&[]).lines, [0; 0]);
        let many: Vec<_> = (0..100).map(|row| line(0.0, 30.0 * row as f32, 200.0, 20.0)).collect();
        assert_eq!(Samples::choose(&many).lines.len(), MOST);
    }

    #[test]
    fn a_line_is_turned_as_its_text_goes_wherever_its_outline_begins() {
        let level = line(10.0, 10.0, 200.0, 20.0);
        for degrees in [-40.0_f32, -4.0, 0.0, 30.0] {
            for quarters in 0..4 {
                let (sin, cos) = (degrees + 90.0 * quarters as f32).to_radians().sin_cos();
                let outline = level.map(|[x, y]| [x * cos - y * sin, x * sin + y * cos]);
                for begin in 0..4 {
                    let mut outline = outline;
                    outline.rotate_left(begin);
                    assert_eq!(quarter_of(&outline, 4 - begin), quarters, "{degrees} {begin}");
                    assert_eq!(Samples::choose(&[outline]).upright, quarters % 2 == 1, "{degrees} {begin}");
                }
            }
        }
    }

    #[test]
    fn one_line_that_stands_is_enough_and_of_others_two() {
        let (standing, turned) = (("Green tea and cake", 0.95, 0), ("Green tea and cake", 0.95, 2));
        assert_eq!(page_direction(false, &[standing], 5), Some(0));
        assert_eq!(page_direction(false, &[turned], 5), None);
        assert_eq!(page_direction(false, &[turned, turned], 5), Some(2));
        assert_eq!(page_direction(false, &[turned], 0), Some(2), "there is no other");
        assert_eq!(page_direction(false, &[standing, turned], 1), None);
        assert_eq!(page_direction(false, &[standing, turned], 0), Some(0), "some stand, some do not");
        let sideways = [("Green tea", 0.95, 3), ("and cake", 0.95, 3)];
        assert_eq!(page_direction(true, &sideways, 5), Some(3));
    }

    #[test]
    fn what_reads_both_ways_or_badly_says_nothing() {
        for text in ["SOS", "NOON", "8008", "96", "SOS NOON 8008 SIS 96 OXO"] {
            assert_eq!(page_direction(false, &[(text, 0.99, 2), (text, 0.99, 2)], 3), None, "{text}");
            assert_eq!(page_direction(true, &[(text, 0.99, 3); 2], 0), Some(0), "{text}");
        }
        assert_eq!(page_direction(true, &[("Green tea and cake", 0.6, 1); 8], 0), Some(0));
    }
}
