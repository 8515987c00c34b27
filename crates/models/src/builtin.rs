//! The manifests that the binary brings along, and the files of its own models.

use crate::manifest::Manifest;

macro_rules! models_dir {
    ($name:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/", $name)
    };
}

const MANIFESTS: [(&str, &str); 11] = [
    ("gestures", include_str!(models_dir!("gestures.toml"))),
    ("wlasl20", include_str!(models_dir!("wlasl20.toml"))),
    ("yolox-nano", include_str!(models_dir!("yolox-nano.toml"))),
    ("motion", include_str!(models_dir!("motion.toml"))),
    ("ppocr-v4", include_str!(models_dir!("ppocr-v4.toml"))),
    ("hands", include_str!(models_dir!("hands.toml"))),
    ("pose", include_str!(models_dir!("pose.toml"))),
    ("runtime-openvino", include_str!(models_dir!("runtime-openvino.toml"))),
    ("runtime-cpu-x86_64", include_str!(models_dir!("runtime-cpu-x86_64.toml"))),
    ("runtime-cpu-aarch64", include_str!(models_dir!("runtime-cpu-aarch64.toml"))),
    ("runtime-cuda", include_str!(models_dir!("runtime-cuda.toml"))),
];

const CARDS: [(&str, &str); 6] = [
    ("gestures", include_str!(models_dir!("gestures.md"))),
    ("wlasl20", include_str!(models_dir!("wlasl20.md"))),
    ("yolox-nano", include_str!(models_dir!("yolox-nano.md"))),
    ("motion", include_str!(models_dir!("motion.md"))),
    ("hands", include_str!(models_dir!("hands.md"))),
    ("pose", include_str!(models_dir!("pose.md"))),
];

const FILES: [(&str, &[u8]); 2] = [
    ("gestures_backbone.onnx", include_bytes!(models_dir!("gestures_backbone.onnx"))),
    ("gestures_head.onnx", include_bytes!(models_dir!("gestures_head.onnx"))),
];

/// The manifests that are compiled in; one that is wrong is left out and logged.
pub fn builtin_manifests() -> Vec<Manifest> {
    MANIFESTS
        .iter()
        .filter_map(|(name, text)| match Manifest::parse(text, name) {
            Ok(manifest) => Some(manifest),
            Err(error) => {
                // A test parses every one of them, so this is not seen.
                tracing::error!(%error, "a built-in manifest is wrong");
                None
            }
        })
        .collect()
}

/// The text of a built-in manifest.
pub fn manifest_text(name: &str) -> Option<&'static str> {
    MANIFESTS.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// The model card (Markdown) of a built-in model.
pub fn model_card(name: &str) -> Option<&'static str> {
    CARDS.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// The content of a built-in file.
pub fn builtin_file(name: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(n, _)| *n == name).map(|(_, bytes)| *bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_builtin_manifest_or_card_is_lost() {
        let names: Vec<_> = builtin_manifests().into_iter().map(|manifest| manifest.name).collect();
        assert_eq!(names, MANIFESTS.map(|(name, _)| name), "each parses and has the name it is found by");
        assert!(CARDS.iter().all(|(name, _)| manifest_text(name).is_some()));
    }
}
