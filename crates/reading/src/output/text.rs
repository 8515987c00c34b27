//! The words alone.

use super::Document;

/// What tells pages apart, as text files of scans have it.
const FORM_FEED: &str = "\u{c}";

pub(super) fn write(document: &Document) -> String {
    let page = |page: &super::Page| {
        let lines: Vec<&str> = page.regions.iter().map(|region| &*region.text).collect();
        lines.join("\n")
    };
    document.pages.iter().map(page).collect::<Vec<_>>().join(FORM_FEED)
}
