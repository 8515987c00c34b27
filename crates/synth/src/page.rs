//! Drawn pages of text: to measure a model that reads, and to try reading without a page of one's own.

use sightwire_annotate::{Colour, Face, Letters, Typesetter};
use sightwire_frame::Image;

/// Width of a page in pixels.
pub const WIDTH: u32 = 640;
/// Height of a page in pixels.
pub const HEIGHT: u32 = 480;
const LETTERS_PX: u16 = 28;
/// Of the first line, and from one to the next.
const BASELINE_PX: (f32, f32) = (60.0, 54.0);
const MARGIN_PX: f32 = 40.0;

/// Black on white; eight lines have room.
pub fn draw_page(lines: &[impl AsRef<str>]) -> Image {
    let mut page = Image::new(WIDTH, HEIGHT);
    page.data_mut().fill(255);
    let mut typesetter = Typesetter::new();
    let letters = Letters { px: LETTERS_PX, face: Face::Regular, colour: Colour::BLACK };
    for (index, line) in lines.iter().enumerate() {
        let baseline = BASELINE_PX.0 + BASELINE_PX.1 * index as f32;
        typesetter.draw(&mut page, letters, line.as_ref(), (MARGIN_PX, baseline));
    }
    page
}

/// The lines of an invoice; no two numbers below a million give the same.
pub fn invoice_lines(number: u64) -> [String; 8] {
    let number = number % 1_000_000;
    let (lamps, bulbs) = (2 + number % 5, 6 + number % 7);
    let cents = lamps * 8_950 + bulbs * 475;
    [
        "Harbour Lamps Ltd.".to_owned(),
        format!("Invoice No. 2026/{:06}", 1142 + number),
        format!("{} May 2026", 1 + number % 31),
        format!("{lamps} desk lamps at 89.50"),
        format!("{bulbs} bulbs at 4.75"),
        format!("Total: {}.{:02} EUR", cents / 100, cents % 100),
        "Payable within 30 days.".to_owned(),
        "Thank you for your order.".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_gives_another_invoice_and_every_line_of_it_is_on_the_page() {
        let (one, other) = (invoice_lines(0), invoice_lines(1));
        assert_ne!(one, other);
        let page = draw_page(&one);
        let row_bytes = WIDTH as usize * 3;
        let rows: Vec<&[u8]> = page.data().chunks_exact(row_bytes).collect();
        let is_dark = |row: usize| rows[row].iter().any(|&level| level < 128);
        for index in 0..one.len() {
            let baseline = (BASELINE_PX.0 + BASELINE_PX.1 * index as f32) as usize;
            assert!((baseline - 20..baseline).any(is_dark), "line {index}");
        }
        let margin = MARGIN_PX as usize * 3 / 2;
        assert!(rows.iter().all(|row| row[row_bytes - margin..].iter().all(|&level| level == 255)));
    }
}
