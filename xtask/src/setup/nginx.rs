//! nginx for the test that goes through it: the system's package, unpacked and not installed, because installing it starts a
//! service on port 80, now and at every start of the machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Outcome, Part, apt};
use crate::interrupt::Interrupted;
use crate::process;
use crate::progress::Step;
use crate::project::{Project, on_path, remove};

/// `.sightwire/nginx`, unless the machine has nginx.
pub(super) struct Nginx;

/// Where Debian has it, which is not on everybody's `PATH`.
const SYSTEM: &str = "/usr/sbin/nginx";

impl Nginx {
    /// `e2e/js/nginx.mjs` looks in the same places.
    fn is_there(project: &Project) -> bool {
        let own = project.own("nginx/usr/sbin/nginx");
        let runs = |program: PathBuf| process::ask(&program.to_string_lossy(), &["-v"]).is_some();
        [on_path("nginx"), Some(SYSTEM.into()), Some(own)].into_iter().flatten().any(runs)
    }
}

impl Part for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn wanted(&self, project: &Project) -> Result<Option<String>> {
        if Self::is_there(project) {
            return Ok(None);
        }
        Ok(Some(if on_path("apt-get").is_some() {
            "unpack nginx into .sightwire/nginx (apt-get download; nothing is installed or started)".into()
        } else {
            "do without nginx (no apt-get on this system); the test through nginx fails until you install it"
                .into()
        }))
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        if on_path("apt-get").is_none() {
            return Ok(Outcome::Without("no apt-get on this system".into()));
        }
        let folder = project.own("nginx");
        remove(&folder)?;
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let mut unpack = Command::new("sh");
        unpack.args(["-c", &script(apt::quiet_rights())]).current_dir(&folder);
        let failed = match process::must(project, step, "nginx", &mut unpack) {
            Ok(_) if Self::is_there(project) => return Ok(Outcome::Done("unpacked".into())),
            Ok(_) => "this system's package has no nginx that runs alone".into(),
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => format!("{error:#}"),
        };
        Ok(Outcome::Without(format!("the test through nginx fails until you install it: {failed}")))
    }
}

/// The system's lists of packages may be missing or old: they are fetched where that is allowed without a question.
fn script(rights: Option<&str>) -> String {
    let fetch = "apt-get download nginx";
    let again =
        rights.map_or_else(String::new, |rights| format!(" || {{ {rights}apt-get update && {fetch}; }}"));
    format!("{{ {fetch}{again}; }} && dpkg-deb -x nginx_*.deb . && rm nginx_*.deb")
}
