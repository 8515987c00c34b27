//! nginx for the test that goes through it: the system's package, unpacked and not installed, because installing it starts a
//! service on port 80, now and at every start of the machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Outcome, Part, Purpose, apt};
use crate::process;
use crate::progress::Step;
use crate::project::{Project, on_path, remove};

/// Where Debian has it, which is not on everybody's `PATH`.
const SYSTEM: &str = "/usr/sbin/nginx";

/// `.sightwire/nginx`, unless the machine has nginx.
pub(super) fn part() -> Part {
    Part::new("nginx", wanted, unpack)
}

/// `e2e/js/nginx.mjs` looks in the same places.
fn is_there(project: &Project) -> bool {
    let own = project.own("nginx/usr/sbin/nginx");
    let runs = |program: PathBuf| process::ask(&program.to_string_lossy(), &["-v"]).is_some();
    [on_path("nginx"), Some(SYSTEM.into()), Some(own)].into_iter().flatten().any(runs)
}

fn wanted(project: &Project, _: Purpose) -> Option<String> {
    let will = if on_path("apt-get").is_some() {
        "unpack nginx into .sightwire/nginx (apt-get download; nothing is installed or started)"
    } else {
        "do without nginx (no apt-get on this system); the test through nginx fails until you install it"
    };
    (!is_there(project)).then(|| will.into())
}

fn unpack(project: &Project, _: Purpose, step: &mut Step) -> Result<Outcome> {
    if on_path("apt-get").is_none() {
        return Ok(Outcome::Without("no apt-get on this system".into()));
    }
    let folder = project.own("nginx");
    remove(&folder)?;
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let mut unpack = Command::new("sh");
    unpack.args(["-c", &script()]).current_dir(&folder);
    let unpacked = process::must(project, step, "nginx", &mut unpack).and_then(|_| {
        ensure!(is_there(project), "this system's package has no nginx that runs alone");
        Ok(())
    });
    Outcome::or_without(unpacked, "unpacked", |error| {
        format!("the test through nginx fails until you install it: {error:#}")
    })
}

/// The system's lists of packages may be missing or old: they are fetched where that is allowed without a question.
fn script() -> String {
    let fetch = "apt-get download nginx";
    let again = match apt::rights() {
        Ok(rights) if rights != apt::ASKING => format!(" || {{ {rights}apt-get update && {fetch}; }}"),
        _ => String::new(),
    };
    format!("{{ {fetch}{again}; }} && dpkg-deb -x nginx_*.deb . && rm nginx_*.deb")
}
