//! Packages of the system (Debian and its children): build tools and a browser.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{Outcome, Part, Purpose};
use crate::process;
use crate::progress::Step;
use crate::project::{Project, on_path};

/// One package, and how to see that it is there.
struct Package {
    name: &'static str,
    there: fn() -> bool,
    purpose: Purpose,
    /// What is lost without it.
    without: &'static str,
}

const PACKAGES: [Package; 8] = [
    Package {
        name: "build-essential",
        there: || on_path("cc").is_some() && on_path("make").is_some(),
        purpose: Purpose::Demo,
        without: "nothing can be compiled without a C compiler; without make alone the server is built with the slower JPEG \
                  decoder and the system's allocator",
    },
    Package {
        name: "cmake",
        there: || on_path("cmake").is_some(),
        purpose: Purpose::Demo,
        without: "the server is built with the slower JPEG decoder, whose pixels differ slightly",
    },
    Package {
        name: "nasm",
        there: || on_path("nasm").is_some(),
        purpose: Purpose::Demo,
        without: "JPEG decoding is slower",
    },
    Package {
        name: "chromium",
        there: || on_path("chromium").is_some(),
        purpose: Purpose::Test,
        without: "the browser tests are skipped",
    },
    Package {
        name: "ffmpeg",
        there: || on_path("ffmpeg").is_some(),
        purpose: Purpose::Test,
        without: "the browser test with a video file is skipped, and ffmpeg and ffprobe are not tried as viewers of cameras",
    },
    Package {
        name: "gstreamer1.0-tools",
        there: || on_path("gst-launch-1.0").is_some(),
        purpose: Purpose::Test,
        without: "GStreamer is not tried as a viewer of cameras",
    },
    Package {
        name: "gstreamer1.0-plugins-good",
        there: || has_element("multipartdemux"),
        purpose: Purpose::Test,
        without: "GStreamer is not tried as a viewer of cameras",
    },
    Package {
        name: "python3-venv",
        there: || process::ask("python3", &["-c", "import ensurepip, venv"]).is_some(),
        purpose: Purpose::Test,
        without: "the Python client's tests are skipped",
    },
];

/// How packages can be installed here.
enum Access {
    Root,
    Sudo,
    /// sudo will ask for the password, on the terminal.
    SudoAsking,
    None(&'static str),
}

/// The system packages that one purpose needs.
pub(super) struct Packages {
    pub(super) purpose: Purpose,
}

impl Packages {
    fn missing(&self) -> Vec<&'static Package> {
        let all = self.purpose != Purpose::Demo;
        PACKAGES
            .iter()
            .filter(|package| (all || package.purpose == Purpose::Demo) && !(package.there)())
            .collect()
    }
}

impl Part for Packages {
    fn name(&self) -> &'static str {
        "system packages"
    }

    fn wanted(&self, _: &Project) -> Result<Option<String>> {
        let names = names(&self.missing());
        if names.is_empty() {
            return Ok(None);
        }
        Ok(Some(match access() {
            Access::Root => format!("install with apt-get: {names}"),
            Access::Sudo | Access::SudoAsking => format!("install with sudo apt-get: {names}"),
            Access::None(why) => format!("do without {names} ({why})"),
        }))
    }

    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        let missing = self.missing();
        let names = names(&missing);
        match access() {
            Access::Root => install(project, step, "", &names)?,
            Access::Sudo => install(project, step, "sudo -n ", &names)?,
            Access::SudoAsking => install_asking(&names)?,
            Access::None(why) => {
                for package in &missing {
                    eprintln!("           without {}: {}", package.name, package.without);
                }
                eprintln!("           to have them, as root: apt-get install {names}");
                return Ok(Outcome::Without(why.to_owned()));
            }
        }
        if let Some(still) = self.missing().first() {
            bail!("apt-get ended well, yet {} is not there; install it by hand", still.name);
        }
        Ok(Outcome::Done(names))
    }
}

/// Whether `GStreamer` has a piece of that name.
fn has_element(name: &str) -> bool {
    process::ask("gst-inspect-1.0", &["--exists", name]).is_some()
}

/// What stands before a command that needs root, where nobody has to be asked.
pub(super) fn quiet_rights() -> Option<&'static str> {
    match access() {
        Access::Root => Some(""),
        Access::Sudo => Some("sudo -n "),
        Access::SudoAsking | Access::None(_) => None,
    }
}

fn names(packages: &[&Package]) -> String {
    packages.iter().map(|package| package.name).collect::<Vec<_>>().join(" ")
}

fn access() -> Access {
    if on_path("apt-get").is_none() {
        return Access::None("no apt-get on this system");
    }
    if process::ask("id", &["-u"]).as_deref() == Some("0") {
        return Access::Root;
    }
    if on_path("sudo").is_none() {
        return Access::None("not root, and no sudo");
    }
    if process::ask("sudo", &["-n", "true"]).is_some() {
        return Access::Sudo;
    }
    if std::io::stdin().is_terminal() {
        return Access::SudoAsking;
    }
    Access::None("not root, and nobody to type sudo's password")
}

/// `dpkg --configure -a` ends what an interrupted run began, and does nothing else.
fn install(project: &Project, step: &mut Step, rights: &str, names: &str) -> Result<()> {
    let script = format!(
        "set -e; {rights}dpkg --configure -a; {rights}apt-get update; \
         {rights}env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {names}"
    );
    process::must(project, step, "apt", Command::new("sh").args(["-c", &script]))?;
    Ok(())
}

/// The same on the user's terminal, where sudo can ask.
fn install_asking(names: &str) -> Result<()> {
    let script = format!(
        "sudo dpkg --configure -a && sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}"
    );
    let status = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::inherit())
        .status()
        .context("start sudo apt-get")?;
    if !status.success() {
        bail!("sudo apt-get ended with {status}; install by hand: {names}");
    }
    Ok(())
}
