//! The direction of a page: its lines stand one way, and short ones are hard to tell from others on their head.

/// What can be read on its head, too, as the same or as something else, says nothing of the direction.
const BOTH_WAYS: &str = "0168905HIMNOSWXZdlnopqsuwxz.,:;'\"-–+=/|()%";
/// A line that is read less surely than this says nothing either.
const SURE: f32 = 0.8;
/// A page has a direction only if it has at least this many letters that say so.
const LETTERS: usize = 8;
/// A page has a direction only if at least this many times as many letters speak for it as for the other one.
const TIMES: usize = 3;
/// What is read in the page's direction counts if it is at least this sure.
const FAIR: f32 = 0.75;
/// What is read in the page's direction counts, too, if it is less sure than what was read against it by no more than this.
const LESS: f32 = 0.2;

/// By how many quarters lines are turned that stand as the page does: of those that lie, and of those that are upright.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directions([Option<usize>; 2]);

impl Directions {
    /// Of lines: what each says, how surely it was read (0 to 1), and by how many quarters it was turned for that.
    pub fn from_lines<'a>(lines: impl Iterator<Item = (&'a str, f32, usize)>) -> Self {
        let mut letters = [0; 4];
        for (text, confidence, turned) in lines {
            letters[turned % 4] += telling_letters(text, confidence);
        }
        Self([0, 1].map(|way| {
            let (one, other) = (letters[way], letters[way + 2]);
            let (most, least, turned) = if one >= other { (one, other, way) } else { (other, one, way + 2) };
            (most >= LETTERS && most >= TIMES * least).then_some(turned)
        }))
    }

    /// By how many quarters most lines are turned that lie, or of the upright ones.
    pub fn of_lines(self, upright: bool) -> Option<usize> {
        self.0[usize::from(upright)]
    }

    /// Whether a line that was turned so stands on its head among those of the page.
    pub fn is_upside_down(self, turned: usize) -> bool {
        self.0[turned % 2].is_some_and(|direction| direction != turned)
    }
}

/// How many letters of a line that was read so surely say how it stands.
pub fn telling_letters(text: &str, confidence: f32) -> usize {
    let says = |letter: &char| !letter.is_whitespace() && !BOTH_WAYS.contains(*letter);
    if confidence >= SURE { text.chars().filter(says).count() } else { 0 }
}

/// Whether what is read in the page's direction, so surely, counts before what was read against it, so surely.
pub fn counts_before(with: f32, against: f32) -> bool {
    with > 0.0 && (with >= FAIR || with >= against - LESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_stands_as_the_letters_do_that_can_be_read_one_way_only() {
        let (receipt, price) = (("GREEN TEA", 0.95, 2), ("066", 0.98, 0));
        let lines = [receipt, price, price, price, receipt, ("gibberish", 0.6, 0)];
        let directions = Directions::from_lines(lines.into_iter());
        assert!(directions.is_upside_down(0) && !directions.is_upside_down(2));
        assert!(
            !directions.is_upside_down(1) && !directions.is_upside_down(3),
            "upright lines have a direction of their own"
        );
    }

    #[test]
    fn too_few_letters_and_two_directions_are_none() {
        let long = "Green tea and cake";
        for lines in
            [vec![("tea", 0.95, 2), ("0.68", 0.98, 0)], vec![(long, 0.95, 2), (long, 0.95, 0)], Vec::new()]
        {
            let directions = Directions::from_lines(lines.into_iter());
            assert!((0..4).all(|turned| !directions.is_upside_down(turned)));
        }
    }

    #[test]
    fn what_can_hardly_be_read_as_the_page_stands_stays() {
        assert!(counts_before(0.9, 0.98), "9.90 and 066");
        assert!(counts_before(0.5, 0.65), "6 and 9");
        assert!(!counts_before(0.45, 0.99), "STOP, upside down on purpose");
        assert!(!counts_before(0.0, 0.1), "nothing");
    }
}
