//! `recognizer.*`: how signs are recognised.

use std::path::Path;
use std::time::Duration;

use sightwire_import::foreign::Foreign;
use sightwire_settings::kind::Who;
use sightwire_settings::{Section, section};

use crate::ModelChoice;

section! {
    /// How signs are recognised, and by whom that may be changed.
    #[derive(Clone, Debug)]
    pub struct RecognizerSettings: "recognizer" {
        /// Name of the model (`sightwire models list` shows all), or path of a Keras file (.h5, .keras), which is
        /// imported at the first start. auto: hands if it has been fetched, else gestures.
        pub model: ModelChoice = key("model", Text, "auto").old_names(&["MODEL_PATH"]) => ModelChoice::from_word;
        /// Motions count only after the hand was held still: with the model hands as an open palm for 0.45 s, with
        /// gestures in whatever shape. Imported models are not concerned. false: every motion counts, also of people
        /// who talk or walk by.
        pub arming: bool = key("arming", Flag, true);
        /// Hands that are followed in one picture with the model hands, 1 to 4. Two people have four.
        pub hands: usize = key("hands", Int(1, 4), 2);
        /// Who may switch the model while the server runs: local (on this machine, or with an operator's key), anyone
        /// (everyone who reaches the server, without a key; to be removed) or nobody.
        pub switching: Who = key("switching", WhoMay, "local");
        /// Answer every frame with "hello" 0.9 and run no model, to test the wiring.
        pub dummy: bool = key("dummy", Flag, false).old_names(&["USE_DUMMY_MODEL"]);
        /// Clients of one process at once. One more is told that the server is at capacity; with 0 everyone is.
        pub max_clients: usize = key("max_clients", Int(0, 100_000), 50).at_once().old_names(&["MAX_CLIENTS"]);
        /// Frames a second of one client that are analysed; more are answered all the same.
        pub max_fps: f32 = key("max_fps", Number(1.0, 1000.0), 60.0) => |fps| fps as f32;
        /// Past capacity, the seconds that a client waits before another client that has had its turn must give way.
        pub turn_gap: Duration = key("turn_gap_s", Seconds(0.0, 3600.0), 1.0);
        /// Past capacity, the most seconds that a client waits for its turn. With too many clients, turns get shorter.
        pub turn_wait: Duration = key("turn_wait_s", Seconds(0.0, 3600.0), 15.0);
        /// The most seconds that a reply waits for the prediction of its own frame, if that is about to be ready. 0: it
        /// does not wait.
        pub reply_wait: Duration = key("reply_wait_s", Seconds(0.0, 1.0), 0.010);
        /// Score below which the answer is "none". 0 takes the model's own (0.5 for gestures).
        pub threshold: Option<f32> = key("threshold", Number(0.0, 1.0), 0.0) => |least| Some(least as f32).filter(|least| *least > 0.0);
    }
}

/// The keys of the recogniser.
pub static RECOGNIZER: Section =
    Section::new("recognizer", RecognizerSettings::KEYS).with_spelling("recogniser");

impl ModelChoice {
    /// By its word in the configuration: `auto`, a name, or the path of a file.
    fn from_word(word: String) -> Self {
        if word.contains(['/', '\\']) || is_file_name(&word) {
            Self::File(word.into())
        } else if word == "auto" {
            Self::Best
        } else {
            Self::Name(word)
        }
    }
}

/// Files of other kinds, too: they are refused with a reason.
fn is_file_name(model: &str) -> bool {
    let path = Path::new(model);
    path.extension()
        .is_some_and(|end| ["h5", "hdf5", "keras"].iter().any(|known| end.eq_ignore_ascii_case(known)))
        || Foreign::by_name(path).is_some()
}
