//! What is made of the stage: a Debian package, an archive, lists of components, checksums.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{FOLDER, made_at, run_program};
use crate::programs::list_packages;
use crate::progress::Step;
use crate::project::{Project, remove_path};
use crate::setup::{CYCLONEDX, DEB};

/// How the names of each kind end.
pub(super) const DEB_END: &str = ".deb";
pub(super) const ARCHIVE_END: &str = ".tar.gz";
pub(super) const LIST_END: &str = ".cdx.json";

/// `sightwire_0.1.0-1_amd64.deb`
pub(super) fn make_deb(project: &Project, step: &mut Step, version: Option<&str>) -> Result<PathBuf> {
    let mut deb = Command::new(DEB.program_path(project));
    deb.args(["--package", "sightwire", "--no-build", "--compress-system", "--output", FOLDER])
        .current_dir(project.root());
    if let Some(version) = version {
        deb.args(["--deb-version", version]);
    }
    let ended = run_program(project, step, "dist-deb", &mut deb)?;
    let last = ended
        .output
        .lines()
        .rev()
        .find(|line| Path::new(line.trim()).extension().is_some_and(|end| end == "deb"));
    Ok(project.root().join(last.context("cargo-deb did not say what it wrote")?.trim()))
}

/// `sightwire-0.1.0-x86_64-linux.tar.gz`, which unpacks into a folder of that name.
pub(super) fn make_archive(project: &Project, step: &mut Step, stage: &Path) -> Result<PathBuf> {
    let name = format!("sightwire-{}-{}-linux", version(), std::env::consts::ARCH);
    let path = project.join_root(FOLDER).join(format!("{name}.tar.gz"));
    let mut tar = Command::new("sh");
    // gzip without time, so that the same files make the same archive.
    tar.args(["-ec", r#"tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$1" --transform="flags=r;s,^\.,$2," --use-compress-program="gzip -n" --file="$3" ."#])
        .args(["sh", &made_at(project), &name])
        .arg(&path)
        .current_dir(stage);
    run_program(project, step, "dist-tar", &mut tar)?;
    Ok(path)
}

/// Lists of components (`CycloneDX`): of the server, of what draws pages for it, and of the page in it.
pub(super) fn write_components(project: &Project, step: &mut Step, stage: &Path) -> Result<Vec<PathBuf>> {
    let targets = ["sightwire", "sightwire-draw", "sightwire-page"]
        .map(|name| project.join_root(FOLDER).join(format!("{name}-{}.cdx.json", version())));
    let [of_server, of_drawing, of_page] = &targets;
    let written = "dist-components";
    let mut list = Command::new(CYCLONEDX.program_path(project));
    list.args(["cyclonedx", "--format", "json", "--spec-version", "1.5", "--override-filename", written])
        .args(["--manifest-path", "crates/sightwire/Cargo.toml"])
        .current_dir(project.root());
    run_program(project, step, "dist-components", &mut list)?;
    // It writes one beside each manifest of the workspace.
    let mut texts = [("crates/sightwire", None), ("crates/draw", None)];
    for package in list_packages(project, &["--locked", "--no-deps"])? {
        let manifest = Path::new(package["manifest_path"].as_str().context("a package has a manifest")?);
        let file = manifest.with_file_name(format!("{written}.json"));
        for (folder, text) in &mut texts {
            if manifest.ends_with(format!("{folder}/Cargo.toml")) {
                *text = Some(fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?);
            }
        }
        remove_path(&file)?;
    }
    let [server, drawing] = texts.map(|(folder, text)| -> Result<Value> {
        let text =
            text.with_context(|| format!("cargo-cyclonedx wrote no list of the components of {folder}"))?;
        // Not where this repository lies.
        let text = text.replace(&*project.root().to_string_lossy(), "/sightwire");
        serde_json::from_str(&text).context("what cargo-cyclonedx wrote")
    });
    let (mut server, drawing) = (server?, drawing?);
    let list = server["components"].as_array_mut().context("a list of components has some")?;
    list.extend(come_along(project, stage)?);
    fs::write(of_server, serde_json::to_string_pretty(&server)?)?;
    fs::write(of_drawing, serde_json::to_string_pretty(&drawing)?)?;
    let mut npm = Command::new("npm");
    npm.args(["sbom", "--omit=dev", "--sbom-format=cyclonedx"]).current_dir(project.join_root("ui"));
    let page = npm.output().context("start npm")?;
    ensure!(page.status.success(), "npm sbom: {}", String::from_utf8_lossy(&page.stderr));
    let mut page: Value = serde_json::from_slice(&page.stdout).context("what npm sbom says")?;
    // The same commit gives the same list.
    let list = page.as_object_mut().context("a list of components is an object")?;
    list.remove("serialNumber");
    list["metadata"]["timestamp"] = project.git(&["log", "-1", "--format=%cI"]).into();
    fs::write(of_page, serde_json::to_string_pretty(&page)?)?;
    for target in &targets {
        let name = target.file_name().context("a file has a name")?;
        fs::copy(target, stage.join("share/doc/sightwire").join(name))?;
    }
    Ok(targets.to_vec())
}

/// The library that runs models, and models, as their manifests name them.
fn come_along(project: &Project, stage: &Path) -> Result<Vec<Value>> {
    let mut components = Vec::new();
    for (folder, kind) in [("runtime", "library"), ("models", "machine-learning-model")] {
        for entry in fs::read_dir(stage.join("lib/sightwire").join(folder))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let manifest = project.join_root("models").join(format!("{name}.toml"));
            let text =
                fs::read_to_string(&manifest).with_context(|| format!("read {}", manifest.display()))?;
            let value =
                |key| toml_value(&text, key).with_context(|| format!("{} has no {key}", manifest.display()));
            let (package, version) = (value("package")?, value("version")?);
            components.push(json!({
                "type": kind,
                "name": name,
                "description": value("title")?,
                "version": version,
                "licenses": [{ "expression": value("licence")? }],
                "purl": format!("pkg:pypi/{package}@{version}"),
            }));
        }
    }
    Ok(components)
}

/// The first value of a key of TOML that stands alone in its line, between quotes.
fn toml_value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

/// What was made of some kinds, in this run or in one before.
pub(super) fn list_made(project: &Project, ends: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(project.join_root(FOLDER))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("sightwire") && ends.iter().any(|end| name.ends_with(end)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// `SHA256SUMS` of all that lies there, as `sha256sum -c` reads it.
pub(super) fn write_checksums(project: &Project, step: &mut Step) -> Result<PathBuf> {
    let files = list_made(project, &[DEB_END, ARCHIVE_END, LIST_END])?;
    let names: Vec<_> = files.iter().filter_map(|file| file.file_name()).collect();
    let mut sums = Command::new("sh");
    sums.args(["-ec", r#"sha256sum "$@" > SHA256SUMS"#, "sh"])
        .args(names)
        .current_dir(project.join_root(FOLDER));
    run_program(project, step, "dist-checksums", &mut sums)?;
    Ok(project.join_root(FOLDER).join("SHA256SUMS"))
}

fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_manifests_are_found_by_their_key() {
        let text = "name = \"a\"\npackage = \"b\"\nversion = \"1.2\"\nversion = \"2\"\ntags = []\n";
        assert_eq!(
            ["name", "version", "tags", "ver"].map(|key| toml_value(text, key)),
            [Some("a"), Some("1.2"), None, None]
        );
    }
}
