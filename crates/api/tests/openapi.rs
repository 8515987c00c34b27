//! The documents that are checked in are those that the types make.

use std::path::Path;

/// `npm run api` in clients/js writes them anew, and makes the TypeScript of one.
fn is_checked_in(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        assert!(std::fs::write(&path, made).is_ok(), "{} cannot be written", path.display());
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == made, "crates/api/{name} is not what the types say: run `npm run api` in clients/js");
}

#[test]
fn the_openapi_document_is_what_the_types_say() {
    is_checked_in("openapi.json", &sightwire_api::openapi::build_document().text());
}

#[test]
fn the_asyncapi_document_is_what_the_types_say() {
    is_checked_in("asyncapi.json", &sightwire_api::asyncapi::build_document().text());
}
