//! Programs of other packages that tests run: the system's packages, unpacked and not installed, because installing one starts a
//! service, now and at every start of the machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Outcome, Part, apt};
use crate::process;
use crate::progress::Step;
use crate::project::{Project, on_path, remove};

/// A package of Debian's, unpacked into a folder of its name in `.sightwire` unless the machine has its programs.
struct Package {
    name: &'static str,
    /// Where Debian has its programs, which is not always on everybody's `PATH`.
    folder: &'static str,
    programs: &'static [&'static str],
    /// With which each of them says its version and does nothing else.
    version: &'static str,
    /// What is lost without it.
    without: &'static str,
}

/// `e2e/js/nginx.mjs` looks in the same places.
const NGINX: Package = Package {
    name: "nginx",
    folder: "usr/sbin",
    programs: &["nginx"],
    version: "-v",
    without: "the test through nginx fails until you install it",
};

/// `e2e/js/prometheus.mjs` looks in the same places.
const PROMETHEUS: Package = Package {
    name: "prometheus",
    folder: "usr/bin",
    programs: &["prometheus", "promtool"],
    version: "--version",
    without: "the tests of deploy/prometheus fail until you install it",
};

pub(super) fn nginx() -> Part {
    Part::new("nginx", |project, _| NGINX.wanted(project), |project, _, step| NGINX.unpack(project, step))
}

pub(super) fn prometheus() -> Part {
    Part::new(
        "prometheus",
        |project, _| PROMETHEUS.wanted(project),
        |project, _, step| PROMETHEUS.unpack(project, step),
    )
}

impl Package {
    fn is_there(&self, project: &Project) -> bool {
        let runs = |program: PathBuf| process::ask(&program.to_string_lossy(), &[self.version]).is_some();
        let folders = [PathBuf::from("/").join(self.folder), project.own(self.name).join(self.folder)];
        self.programs.iter().all(|program| {
            let places = folders.iter().map(|folder| folder.join(program));
            on_path(program).into_iter().chain(places).any(runs)
        })
    }

    fn wanted(&self, project: &Project) -> Option<String> {
        let Self { name, without, .. } = self;
        let will = if on_path("apt-get").is_some() {
            format!(
                "unpack {name} into .sightwire/{name} (apt-get download; nothing is installed or started)"
            )
        } else {
            format!("do without {name} (no apt-get on this system); {without}")
        };
        (!self.is_there(project)).then_some(will)
    }

    fn unpack(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        if on_path("apt-get").is_none() {
            return Ok(Outcome::Without("no apt-get on this system".into()));
        }
        let folder = project.own(self.name);
        remove(&folder)?;
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let mut unpack = Command::new("sh");
        unpack.args(["-c", &self.script()]).current_dir(&folder);
        let unpacked = process::must(project, step, self.name, &mut unpack).and_then(|_| {
            ensure!(self.is_there(project), "this system's package has no {} that runs alone", self.name);
            Ok(())
        });
        Outcome::or_without(unpacked, "unpacked", |error| format!("{}: {error:#}", self.without))
    }

    /// The system's lists of packages may be missing or old: they are fetched where that is allowed without a question.
    fn script(&self) -> String {
        let name = self.name;
        let fetch = format!("apt-get download {name}");
        let again = match apt::rights() {
            Ok(rights) if rights != apt::ASKING => format!(" || {{ {rights}apt-get update && {fetch}; }}"),
            _ => String::new(),
        };
        format!("{{ {fetch}{again}; }} && dpkg-deb -x {name}_*.deb . && rm {name}_*.deb")
    }
}
