//! Packages of the system (Debian and its children): build tools and a browser.

use std::io::IsTerminal;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::Purpose::{Demo, Full, Test};
use super::{Outcome, Part, Purpose, python};
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

const PACKAGES: [Package; 14] = [
    Package {
        name: "build-essential",
        there: || has_program("cc") && has_program("make"),
        purpose: Demo,
        without: "nothing can be compiled without a C compiler; without make alone the server is built with the slower JPEG \
                  decoder and the system's allocator",
    },
    Package {
        name: "cmake",
        there: || has_program("cmake"),
        purpose: Demo,
        without: "the server is built with the slower JPEG decoder, whose pixels differ slightly",
    },
    Package {
        name: "nasm",
        there: || has_program("nasm"),
        purpose: Demo,
        without: "JPEG decoding is slower",
    },
    Package {
        name: "chromium",
        there: || has_program("chromium"),
        purpose: Test,
        without: "the browser tests are skipped",
    },
    Package {
        name: "chromium-headless-shell",
        there: || has_program("chromium-headless-shell"),
        purpose: Test,
        without: "the browser tests use all of Chromium, which takes twice as long",
    },
    Package {
        name: "libnss3-tools",
        there: || has_program("certutil"),
        purpose: Test,
        without: "Chromium is not tried with a certificate of the server's own authority",
    },
    Package {
        name: "ffmpeg",
        there: || has_program("ffmpeg"),
        purpose: Test,
        without: "the browser test with a video file is skipped, and ffmpeg and ffprobe are not tried as viewers of cameras",
    },
    Package {
        name: "gstreamer1.0-tools",
        there: || has_program("gst-launch-1.0"),
        purpose: Test,
        without: "GStreamer is not tried as a viewer of cameras",
    },
    Package {
        name: "gstreamer1.0-plugins-good",
        there: || process::command_output("gst-inspect-1.0", &["--exists", "multipartdemux"]).is_some(),
        purpose: Test,
        without: "GStreamer is not tried as a viewer of cameras",
    },
    Package {
        name: "poppler-utils",
        there: || has_program("pdftotext") && has_program("pdfimages"),
        purpose: Test,
        without: "searchable PDFs are not tried",
    },
    Package {
        name: "python3-venv",
        there: python::can_all_be_made,
        purpose: Test,
        without: "the Python client's tests are skipped, and those with servers of KServe",
    },
    Package {
        name: "mmdebstrap",
        there: || has_program("mmdebstrap"),
        purpose: Full,
        without: "packages are not tried",
    },
    Package {
        name: "systemd-container",
        there: || has_program("systemd-nspawn"),
        purpose: Full,
        without: "the package is not tried with a systemd that has booted",
    },
    Package {
        name: "buildah",
        there: || has_program("buildah"),
        purpose: Full,
        without: "the container's image is not built",
    },
];

/// The system packages that one purpose needs.
pub(super) fn apt_part() -> Part {
    Part::new("system packages", describe_wanted, install_packages)
}

fn missing_packages(purpose: Purpose) -> Vec<&'static Package> {
    PACKAGES.iter().filter(|package| package.purpose <= purpose && !(package.there)()).collect()
}

fn describe_wanted(_: &Project, purpose: Purpose) -> Option<String> {
    let names = join_names(&missing_packages(purpose));
    (!names.is_empty()).then(|| match sudo_prefix() {
        Ok("") => format!("install with apt-get: {names}"),
        Ok(_) => format!("install with sudo apt-get: {names}"),
        Err(why) => format!("do without {names} ({why})"),
    })
}

/// `dpkg --configure -a` ends what an interrupted run began, and does nothing else.
fn install_packages(project: &Project, purpose: Purpose, step: &mut Step) -> Result<Outcome> {
    let packages = missing_packages(purpose);
    let names = join_names(&packages);
    let rights = match sudo_prefix() {
        Ok(rights) => rights,
        Err(why) => {
            for package in packages {
                eprintln!("           without {}: {}", package.name, package.without);
            }
            eprintln!("           to have them, as root: apt-get install {names}");
            return Ok(Outcome::Without(why.to_owned()));
        }
    };
    let asking = rights == ASKING;
    let quietly = if asking { "" } else { "env DEBIAN_FRONTEND=noninteractive " };
    let mut script = Command::new("sh");
    script.arg("-ec").arg(format!(
        "{rights}dpkg --configure -a; {rights}apt-get update; \
         {rights}{quietly}apt-get install -y --no-install-recommends {names}"
    ));
    if asking {
        let status = script.status().context("start sudo apt-get")?;
        ensure!(status.success(), "sudo apt-get ended with {status}; install by hand: {names}");
    } else {
        process::run_required(project, step, "apt", &mut script)?;
    }
    if let Some(still) = missing_packages(purpose).first() {
        bail!("apt-get ended well, yet {} is not there; install it by hand", still.name);
    }
    Ok(Outcome::Done(names))
}

fn has_program(program: &str) -> bool {
    on_path(program).is_some()
}

fn join_names(packages: &[&Package]) -> String {
    packages.iter().map(|package| package.name).collect::<Vec<_>>().join(" ")
}

/// What stands before a command of apt's here if sudo will ask for the password, on the terminal.
pub(super) const ASKING: &str = "sudo ";

/// What stands before a command of apt's that needs root, or why there is none that could be run.
pub(super) fn sudo_prefix() -> Result<&'static str, &'static str> {
    if !has_program("apt-get") {
        return Err("no apt-get on this system");
    }
    if process::command_output("id", &["-u"]).as_deref() == Some("0") {
        return Ok("");
    }
    if !has_program("sudo") {
        return Err("not root, and no sudo");
    }
    if process::command_output("sudo", &["-n", "true"]).is_some() {
        return Ok("sudo -n ");
    }
    if std::io::stdin().is_terminal() {
        Ok(ASKING)
    } else {
        Err("not root, and nobody to type sudo's password")
    }
}
