//! The model that knows hands: offered where the weaker one is at work, and fetched on request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use sightwire_api::status::{BetterModel, Progress as Told};
use sightwire_models::fetch;

use super::{GESTURES, HANDS, Recognizer, State, has_hands};
use crate::ModelChoice;
use crate::runtime::in_words;

/// How far its fetching is.
#[derive(Clone, Debug, Default)]
pub(crate) enum Fetching {
    #[default]
    Nobody,
    Now {
        text: String,
        done: Option<f32>,
    },
    Failed(String),
}

impl Fetching {
    /// The model is at work now, however it came.
    pub(crate) fn forget_failure(&mut self) {
        if matches!(self, Self::Failed(_)) {
            *self = Self::Nobody;
        }
    }
}

impl Recognizer {
    /// A model that is better than the one at work; how far its fetching is, or why it cannot be used.
    pub fn better_model(&self) -> Option<BetterModel> {
        let weak = matches!(self.state(), State::Ready(service) if service.name() == GESTURES);
        if !weak || self.options.settings.model != ModelChoice::Best {
            return None;
        }
        let fetching = self.better.lock().clone();
        let here = has_hands(self.store());
        if here && self.turned_down.load(Ordering::Relaxed) && matches!(fetching, Fetching::Nobody) {
            return None;
        }
        let manifest = self.store().manifest(HANDS).ok()?;
        let (progress, error) = match fetching {
            Fetching::Nobody => (None, self.instead.lock().clone()),
            Fetching::Now { text, done } => (Some(Told { progress: done.map(f64::from), text }), None),
            Fetching::Failed(error) => (None, Some(error)),
        };
        Some(BetterModel {
            command: format!("sightwire models pull {HANDS}"),
            error,
            here,
            name: manifest.name.clone(),
            progress,
            size_bytes: manifest.files.iter().filter_map(|file| file.size_bytes).sum(),
            title: manifest.title,
        })
    }

    /// Answers whether it is to be fetched, and nobody does it yet; if so, [`Recognizer::get_better`] has to follow.
    pub fn begin_getting_better(&self) -> bool {
        if self.better_model().is_none() {
            return false;
        }
        let mut fetching = self.better.lock();
        let begin = !matches!(*fetching, Fetching::Now { .. });
        if begin {
            *fetching = Fetching::Now { text: format!("getting the model {HANDS}"), done: None };
        }
        begin
    }

    /// Fetches it, and puts it to work; blocks. The old one goes on meanwhile, and if this fails.
    pub fn get_better(&self) {
        let mut watch = in_words(|text, done| {
            *self.better.lock() = Fetching::Now { text: text.to_owned(), done };
        });
        let get = || -> anyhow::Result<()> {
            fetch::pull_files(self.store(), &self.store().manifest(HANDS)?, &mut watch)?;
            // A user who chose another one meanwhile keeps it.
            if *self.model() == *GESTURES {
                self.activate_model(HANDS)?;
            }
            Ok(())
        };
        let got = catch_unwind(AssertUnwindSafe(get))
            .unwrap_or_else(|_| Err(anyhow::anyhow!("getting it broke off; the log says where")));
        *self.better.lock() = match got {
            Ok(()) => Fetching::Nobody,
            Err(error) => {
                tracing::error!("the model {HANDS} was not got, and {GESTURES} goes on: {error:#}");
                Fetching::Failed(format!("{error:#}"))
            }
        };
    }
}
