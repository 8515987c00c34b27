//! The document that is checked in is the one that the types make.

use std::path::Path;

/// `npm run api` in clients/js writes it anew, and makes the TypeScript of it.
#[test]
fn the_document_is_what_the_types_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let made = sightwire_api::openapi::document().text();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "crates/api/openapi.json is not what the types say: run `npm run api` in clients/js"
    );
}
