//! Two results of one picture, side by side.

use std::fmt;

use crate::output::Document;

/// By how much results differ from those of the same pictures read alone.
#[derive(Debug, Default)]
pub struct Difference {
    pictures: usize,
    /// Largest difference of any coordinate.
    largest_px: f32,
    /// Lines whose text is another.
    texts: usize,
    /// Pictures with more or fewer lines, or pages of another size.
    shapes: usize,
    /// The first picture that differs.
    first: Option<String>,
}

impl Difference {
    /// Compares one picture's results, line by line in reading order.
    pub fn add(&mut self, name: &str, alone: &Document, other: &Document) {
        self.pictures += 1;
        let shape = |document: &Document| {
            let pages = document.pages.iter();
            pages.map(|page| (page.width, page.height, page.regions.len())).collect::<Vec<_>>()
        };
        let mut differs = shape(alone) != shape(other);
        self.shapes += usize::from(differs);
        for (a, b) in alone.regions().zip(other.regions()) {
            let coordinates = a.polygon.as_flattened().iter().zip(b.polygon.as_flattened());
            for difference in coordinates.map(|(a, b)| (a - b).abs()) {
                // What is not a number is not the same.
                let difference = if difference.is_nan() { f32::INFINITY } else { difference };
                self.largest_px = self.largest_px.max(difference);
                differs |= difference > 0.0;
            }
            self.texts += usize::from(a.text != b.text);
            differs |= a.text != b.text;
        }
        if differs {
            self.first.get_or_insert_with(|| name.to_owned());
        }
    }

    /// Whether nothing differs at all.
    pub fn is_none(&self) -> bool {
        self.first.is_none()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never "0.000" for what is not the same: the last digit is rounded up.
        let px = (f64::from(self.largest_px) * 1e3).ceil() / 1e3;
        write!(f, "{:>4} readings  {px:.3} px  {} texts differ", self.pictures, self.texts)?;
        if self.shapes > 0 {
            write!(f, "  {} with other lines or pages", self.shapes)?;
        }
        match &self.first {
            Some(first) => write!(f, "  (first: {first})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use sightwire_ocr::Region;

    use super::*;
    use crate::output::Page;

    fn document(texts: &[&str], left: f32) -> Document {
        let region = |text: &&str| Region {
            polygon: [[left, 0.0], [9.0, 0.0], [9.0, 5.0], [left, 5.0]],
            text: (*text).to_owned(),
            confidence: 0.9,
            ..Region::default()
        };
        let page = Page {
            width: 9,
            height: 5,
            skew: 0.0,
            turned: 0,
            corners: None,
            left_out: 0,
            regions: texts.iter().map(region).collect(),
        };
        Document { pages: vec![page], ..Document::default() }
    }

    #[test]
    fn the_same_is_no_difference() {
        let mut difference = Difference::default();
        difference.add("a.png", &document(&["one", "two"], 0.1), &document(&["one", "two"], 0.1));
        assert!(difference.is_none());
        assert_eq!(difference.to_string(), "   1 readings  0.000 px  0 texts differ");
    }

    #[test]
    fn the_smallest_difference_is_one_and_is_never_printed_as_none() {
        let mut difference = Difference::default();
        difference.add("a.png", &document(&["one"], 0.1), &document(&["one"], 0.1_f32.next_up()));
        assert!(!difference.is_none());
        assert_eq!(difference.to_string(), "   1 readings  0.001 px  0 texts differ  (first: a.png)");
    }

    #[test]
    fn other_texts_missing_lines_and_nonsense_are_differences() {
        let base = document(&["one", "two"], 0.0);
        for other in
            [document(&["one", "2"], 0.0), document(&["one"], 0.0), document(&["one", "two"], f32::NAN)]
        {
            let mut difference = Difference::default();
            difference.add("a.png", &base, &other);
            assert!(!difference.is_none(), "{difference}");
        }
    }
}
