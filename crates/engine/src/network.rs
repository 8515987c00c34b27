//! A network's file, and what it is run with.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use parking_lot::Mutex;
use sightwire_models::digest;
use sightwire_models::manifest::{File, Precision};

use crate::remote::{Offered, Terms};
use crate::{Engine, Plan, Preferred};

/// A network's file, and how it may be run.
pub struct Network {
    model: String,
    name: String,
    bytes: Cow<'static, [u8]>,
    sha256: OnceLock<String>,
    precision: Option<Precision>,
    preferred: Option<Preferred>,
    /// Held while it is decided, and so comes before the locks of trials.
    plan: Mutex<Option<Plan>>,
    offered: Option<(String, Terms)>,
}

impl Network {
    /// `precision` is what the manifest allows, `None` for a network that always is f32; `preferred` the provider that the
    /// manifest names.
    pub fn new(
        model: &str,
        name: &str,
        bytes: Cow<'static, [u8]>,
        precision: Option<Precision>,
        preferred: Option<Preferred>,
    ) -> Self {
        let (sha256, plan) = (OnceLock::new(), Mutex::new(None));
        let (model, name) = (model.to_owned(), name.to_owned());
        Self { model, name, bytes, sha256, precision, preferred, plan, offered: None }
    }

    /// As [`Network::new`], of a manifest's entry.
    pub fn of_file(
        model: &str,
        file: &File,
        bytes: Cow<'static, [u8]>,
        precision: Option<Precision>,
    ) -> Self {
        let preferred = file.provider.map(|provider| Preferred { provider, only: file.provider_only });
        Self::new(model, &file.name, bytes, precision, preferred)
    }

    /// It may be run elsewhere, under the name of this role of its model.
    #[must_use]
    pub fn with_offer(self, role: &str, terms: Terms) -> Self {
        Self { offered: Some((role.to_owned(), terms)), ..self }
    }

    /// As others know it; `None` where it is only run here. Goes through its file the first time.
    pub fn as_offered(&self) -> Option<Offered> {
        self.offered.as_ref().map(|(role, terms)| Offered::new(self, role, *terms))
    }

    /// Of which model it is, for messages.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// File name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is in the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Of the content, hexadecimal.
    pub fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| digest::sha256_hex(&self.bytes))
    }

    /// The precision that was checked against f32; `None` for a network that always is f32.
    pub fn precision(&self) -> Option<Precision> {
        self.precision
    }

    /// The provider that the manifest names.
    pub fn preferred(&self) -> Option<Preferred> {
        self.preferred
    }

    /// What it is run with. Decided when that is first asked for, and the same from then on, whatever is measured
    /// meanwhile: all pictures of a batch are looked at with the same arithmetic. `input` is the shape at which it is tried.
    pub fn plan(&self, engine: &Engine, input: &[usize]) -> Plan {
        *self.plan.lock().get_or_insert_with(|| engine.decide_plan(self, input))
    }

    /// Sets what it is run with from now on.
    pub fn run_with(&self, plan: Plan) {
        *self.plan.lock() = Some(plan);
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("name", &self.name)
            .field("bytes", &self.bytes.len())
            .field("precision", &self.precision)
            .field("plan", &*self.plan.lock())
            .finish_non_exhaustive()
    }
}
