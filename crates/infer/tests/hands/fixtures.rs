//! The models of drawn hands and shoulders, and what they look like, as files for the tests of the whole server: `e2e/fixtures/drawn-hands`
//! lies as a folder of models does. `UPDATE_GOLDEN=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use sightwire_hands::BONES;
use sightwire_hands::shape::Shape;

use crate::drawn::{COLOURS, LINE, LINES, RADIUS, SHOULDER, SHOULDERS, joints};
use crate::{model, networks};

/// What is drawn, as JSON: the same numbers as in [`crate::drawn`].
fn drawing() -> String {
    let mut text = format!(
        "{{\n  \"radius\": {RADIUS},\n  \"line\": {LINE},\n  \"grey\": {LINES},\n  \"colours\": {COLOURS:?},\n"
    );
    write!(text, "  \"shoulder\": {SHOULDER},\n  \"shoulders\": {SHOULDERS:?},\n").unwrap();
    let bones = BONES.map(|(from, to)| [from, to]);
    write!(text, "  \"bones\": {bones:?},\n  \"shapes\": {{").unwrap();
    for (index, shape) in Shape::ALL.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(text, "{comma}\n    \"{}\": {:?}", shape.name(), joints(shape)).unwrap();
    }
    text.push_str("\n  }\n}\n");
    text
}

#[test]
fn the_files_for_the_tests_of_the_server_are_those_that_are_made_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/fixtures/drawn-hands");
    let (palm, hand, body) = (networks::palm(), networks::hand(), networks::body());
    let manifest = model::manifest(&[("palm", &palm), ("hand", &hand)]);
    let files = [
        (format!("{}.toml", model::NAME), manifest.into_bytes()),
        (format!("{}/palm.tflite", model::NAME), palm),
        (format!("{}/hand.tflite", model::NAME), hand),
        (format!("{}.toml", model::POSE), model::pose_manifest(&body).into_bytes()),
        (format!("{}/pose.tflite", model::POSE), body),
        ("drawing.json".to_owned(), drawing().into_bytes()),
    ];
    for (name, bytes) in files {
        assert!(bytes.len() < 150_000, "{name} has {} bytes", bytes.len());
        let path = folder.join(&name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        let there = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(there == bytes, "{name} is another file; UPDATE_GOLDEN=1 writes it anew");
    }
}
