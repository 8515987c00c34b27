//! Gets the library that runs networks, where it is missing, and loads the model then.

use anyhow::Context as _;
use sightwire_import::missing::{self, Missing};
use sightwire_models::fetch::{self, Progress as Step};

use super::{Recognizer, State};

impl Recognizer {
    /// Whether it has no model only because the library is missing.
    pub fn lacks_runtime(&self) -> bool {
        matches!(self.state(), State::Failed { missing: Some(Missing::Runtime), .. })
    }

    /// Answers whether the library is missing and nobody gets it yet; if so, [`Recognizer::get_runtime`] has to follow.
    pub fn begin_getting_runtime(&self) -> bool {
        // A user who puts another model to use is not disturbed.
        let (switching, active) = (self.switching.lock(), self.active.lock());
        let missing = switching.is_none()
            && matches!(self.state_of(&active), State::Failed { missing: Some(Missing::Runtime), .. });
        if missing {
            self.model.set_fetching("getting ONNX Runtime", None);
        }
        missing
    }

    /// Gets the library and loads the model; blocks. The state says how far it is and what came of it.
    pub fn get_runtime(&self) {
        let mut watch = in_words(|text, done| self.model.set_fetching(text, done));
        let got = missing::runtime_package(self.store())
            .and_then(|package| fetch::pull_files(self.store(), &package, &mut watch).map_err(Into::into))
            .context("the ONNX Runtime library could not be got");
        match got {
            Ok(()) => self.load_now(&|| self.engine.going_on()),
            Err(error) => {
                tracing::error!("{error:#}");
                self.record_failure(&error, Some(Missing::Runtime));
            }
        }
    }
}

/// Tells how far a fetching is: what goes on in words, and its share where that is known.
pub(crate) fn in_words(mut tell: impl FnMut(&str, Option<f32>)) -> impl FnMut(Step<'_>) {
    let mut text = String::new();
    move |step| {
        let done = match step {
            Step::Fetching(file, from) => {
                text = format!("getting {} from {from}", file.name);
                None
            }
            Step::Bytes { bytes, of } => of.map(|of| bytes as f32 / of.max(1) as f32),
            Step::Present(_) | Step::Retry { .. } | Step::Done(_) => None,
        };
        if !text.is_empty() {
            tell(&text, done);
        }
    }
}
