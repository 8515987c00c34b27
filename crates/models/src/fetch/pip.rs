//! Files that come as Python packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Failure;
use super::part::Part;

/// Fetches the wheel called `name` with the ordinary client, so that the user's own index and proxy settings hold.
pub(super) fn download_wheel(
    package: &str,
    version: &str,
    tags: &[String],
    name: &str,
    part: &mut Part,
) -> Result<(), Failure> {
    let folder = part.path().parent().unwrap_or(Path::new("."));
    let scratch = tempfile::tempdir_in(folder).map_err(Failure::Write)?;
    run_pip(package, version, tags, scratch.path())?;
    let wheel = fs::File::open(scratch.path().join(name))
        .map_err(|error| Failure::Reason(format!("pip brought another file than {name}: {error}")))?;
    part.copy_from(wheel).map_err(Failure::Write)
}

/// Fetches a wheel into `folder`, where there is none yet, and says where it lies.
pub(super) fn fetch_wheel(
    package: &str,
    version: &str,
    tags: &[String],
    folder: &Path,
) -> Result<PathBuf, Failure> {
    run_pip(package, version, tags, folder)?;
    let mut files = fs::read_dir(folder).map_err(Failure::Write)?.flatten().map(|entry| entry.path());
    files
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| Failure::Reason(format!("pip brought no wheel of {package} {version}")))
}

fn run_pip(package: &str, version: &str, tags: &[String], folder: &Path) -> Result<(), Failure> {
    let mut tried = Vec::new();
    for (program, first) in [("pip", &[][..]), ("pip3", &[]), ("python3", &["-m", "pip"])] {
        let output = Command::new(program)
            .args(first)
            .args([
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--only-binary",
                ":all:",
            ])
            .args(tags)
            .arg("--dest")
            .arg(folder)
            .arg(format!("{package}=={version}"))
            .output();
        match output {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr);
                let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
                return Err(Failure::Reason(format!("{program}: {}", last.trim())));
            }
            Err(error) => tried.push(format!("{program}: {error}")),
        }
    }
    let tried = tried.join(", ");
    Err(Failure::Reason(format!("pip cannot be run ({tried}); install Python 3 with pip")))
}
