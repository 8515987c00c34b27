//! Which detector it is to be: the network asked for if it can be had, else motion.

use std::fmt::Display;

use sightwire_models::fetch::Progress;
use sightwire_models::store::Store;

use super::model::DetectModel;

/// Name of the detector without a network.
pub const MOTION: &str = "motion";
/// Name that stands for [`DEFAULT_MODEL`] if it can be had, else [`MOTION`].
pub const AUTO: &str = "auto";
/// The model that [`AUTO`] tries to get.
pub const DEFAULT_MODEL: &str = "yolox-nano";

/// What detection is done with.
#[derive(Debug)]
pub enum Chosen {
    /// A network; its files are here and verified.
    Network(DetectModel),
    /// No network: whatever moves is a detection.
    Motion {
        /// Why it is not the model asked for: what was tried, and how to supply the file by hand. For people.
        note: Option<String>,
    },
}

/// Gets the model called `name` (or [`AUTO`], or [`MOTION`]), from the store, the mirror folder or its address. Blocks
/// while it is fetched. Never fails: where there is no model there is motion.
pub fn choose_model(store: &Store, name: &str, progress: &mut dyn FnMut(Progress<'_>)) -> Chosen {
    let name = match name {
        MOTION => return Chosen::Motion { note: None },
        AUTO => DEFAULT_MODEL,
        name => name,
    };
    match DetectModel::load_or_fetch(store, name, progress) {
        Ok(model) => Chosen::Network(model),
        Err(error) => Chosen::Motion { note: Some(fallback_note(name, &error)) },
    }
}

/// Why motion takes the place of a model, for people.
pub fn fallback_note(model: &str, error: &dyn Display) -> String {
    format!(
        "Detection shows whatever moves, without classes, because the model {model} cannot be used: {error}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_cannot_be_had_leaves_motion_and_says_why_and_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let (home, mirror) = (dir.path().join("home"), dir.path().join("mirror"));
        std::fs::create_dir_all(&mirror).unwrap();
        // What the mirror has goes before the address, and is not the right file.
        std::fs::write(mirror.join("yolox_nano.onnx"), b"not a model").unwrap();
        let store = Store::new(home, Some(mirror));
        let Chosen::Motion { note: Some(note) } = choose_model(&store, AUTO, &mut |_| {}) else {
            panic!("motion")
        };
        assert!(note.contains("yolox-nano") && note.contains("yolox_nano.onnx"), "{note}");
        let Chosen::Motion { note: Some(note) } = choose_model(&store, "gestures", &mut |_| {}) else {
            panic!("motion")
        };
        assert!(note.contains("clip-classification"), "{note}");
        assert!(matches!(choose_model(&store, MOTION, &mut |_| {}), Chosen::Motion { note: None }));
    }
}
