//! hOCR 1.2 (<http://kba.github.io/hocr-spec/1.2/>) as XHTML: pages, blocks, lines, and words.
//!
//! A block is an area with one paragraph: what lies between an area and a line is nothing that is known.

use std::fmt::Write as _;

use sightwire_ocr::Region;

use super::{Document, Page, word_confidence};

/// What is in the file; lines have polygons, and the specification wants that said.
const CAPABILITIES: &str = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_poly ocrp_wconf";
/// A line that is less askew than this is level, degrees.
const LEVEL: f32 = 0.5;

pub(super) fn write_hocr(document: &Document) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let (model, pages) = (escape_xml(&document.model), document.pages.len());
    let title = escape_xml(document.file.as_deref().unwrap_or("Text of a picture"));
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">
<html xmlns=\"http://www.w3.org/1999/xhtml\">
 <head>
  <title>{title}</title>
  <meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\" />
  <meta name=\"ocr-system\" content=\"Sightwire {version} ({model})\" />
  <meta name=\"ocr-capabilities\" content=\"{CAPABILITIES}\" />
  <meta name=\"ocr-number-of-pages\" content=\"{pages}\" />
 </head>
 <body>
"
    );
    for (index, page) in document.pages.iter().enumerate() {
        write_page(&mut out, document.file.as_deref(), index, page);
    }
    out.push_str(" </body>\n</html>\n");
    out
}

fn write_page(out: &mut String, file: Option<&str>, index: usize, page: &Page) {
    let number = index + 1;
    let image = file.map(|file| format!("image {}; ", quote_name(file))).unwrap_or_default();
    let title = format!("{image}bbox 0 0 {} {}; ppageno {index}", page.width, page.height);
    let _ = writeln!(out, "  <div class=\"ocr_page\" id=\"page_{number}\" title=\"{}\">", escape_xml(&title));
    let (mut lines, mut words) = (0, 0);
    for (block, regions) in page.regions.chunk_by(|a, b| a.block == b.block).enumerate() {
        let (block, area) = (block + 1, bbox_text(regions.iter().flat_map(|region| &region.polygon), page));
        let _ = writeln!(out, "   <div class=\"ocr_carea\" id=\"block_{number}_{block}\" title=\"{area}\">");
        let _ = writeln!(out, "    <p class=\"ocr_par\" id=\"par_{number}_{block}\" title=\"{area}\">");
        for region in regions {
            lines += 1;
            let _ = write!(
                out,
                "     <span class=\"ocr_line\" id=\"line_{number}_{lines}\" title=\"{}{}; poly{}; x_wconf {}\">",
                bbox_text(&region.polygon, page),
                line_angle(&region.polygon),
                points_text(&region.polygon, page),
                to_percent(region.confidence),
            );
            write_words(out, region, page, number, &mut words);
            out.push_str("</span><br />\n");
        }
        out.push_str("    </p>\n   </div>\n");
    }
    out.push_str("  </div>\n");
}

/// With what stands between them in the text.
fn write_words(out: &mut String, region: &Region, page: &Page, number: usize, words: &mut usize) {
    let mut written = 0;
    for word in region.words_or_line() {
        let between = region.text.get(written..word.begin as usize).unwrap_or_default();
        written = word.end as usize;
        *words += 1;
        let _ = write!(
            out,
            "{}<span class=\"ocrx_word\" id=\"word_{number}_{words}\" title=\"{}; x_wconf {}\">{}</span>",
            escape_xml(between),
            bbox_text(&region.word_polygon(word), page),
            to_percent(word_confidence(region, word) as f32),
            escape_xml(region.word_text(word)),
        );
    }
}

/// The upright box around points, in whole pixels of the page.
fn bbox_text<'a>(points: impl IntoIterator<Item = &'a [f32; 2], IntoIter: Clone>, page: &Page) -> String {
    let points = points.into_iter();
    let least = |axis: usize| points.clone().map(|point| point[axis]).fold(f32::INFINITY, f32::min);
    let most = |axis: usize| points.clone().map(|point| point[axis]).fold(f32::NEG_INFINITY, f32::max);
    let (width, height) = (page.width as f32, page.height as f32);
    format!(
        "bbox {} {} {} {}",
        least(0).floor().clamp(0.0, width),
        least(1).floor().clamp(0.0, height),
        most(0).ceil().clamp(0.0, width),
        most(1).ceil().clamp(0.0, height),
    )
}

fn points_text(polygon: &[[f32; 2]; 4], page: &Page) -> String {
    polygon.iter().fold(String::new(), |mut out, [x, y]| {
        let (x, y) = (x.round().clamp(0.0, page.width as f32), y.round().clamp(0.0, page.height as f32));
        let _ = write!(out, " {x} {y}");
        out
    })
}

/// By how much the line is turned, counter-clockwise.
fn line_angle(polygon: &[[f32; 2]; 4]) -> String {
    let [top_left, top_right, ..] = polygon;
    let degrees = -(top_right[1] - top_left[1]).atan2(top_right[0] - top_left[0]).to_degrees();
    if degrees.abs() < LEVEL { String::new() } else { format!("; textangle {degrees:.1}") }
}

fn to_percent(confidence: f32) -> f32 {
    (confidence * 100.0).round()
}

/// A name as hOCR's grammar has it: between double quotes, with none inside, and nothing that ends a property.
fn quote_name(name: &str) -> String {
    let name = name.replace('%', "%25").replace('"', "%22").replace('\'', "%27").replace(';', "%3B");
    format!("\"{name}\"")
}

/// Escaped for XML, in text and in attributes; what XML 1.0 has no place for becomes U+FFFD.
fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_can_break_the_file() {
        assert_eq!(
            escape_xml("<b a=\"1\">&'\u{1}\u{8}\u{b}\u{fffe}\t\n"),
            concat!("&lt;b a=&quot;1&quot;&gt;&amp;&#39;", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}  ")
        );
        assert_eq!(quote_name("a\";b'100%.png"), "\"a%22%3Bb%27100%25.png\"");
    }

    #[test]
    fn boxes_are_whole_pixels_of_the_page() {
        let page = Page { width: 100, height: 50, ..Page::default() };
        let polygon = [[-3.2, 10.4], [99.5, 2.0], [120.0, 30.2], [1.0, 38.0]];
        assert_eq!(bbox_text(&polygon, &page), "bbox 0 2 100 38");
        assert_eq!(points_text(&polygon, &page), " 0 10 100 2 100 30 1 38");
        assert_eq!(line_angle(&polygon), "; textangle 4.7");
    }
}
