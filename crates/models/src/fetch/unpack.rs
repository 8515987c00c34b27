//! Takes the wanted files out of a package.

use std::fs;
use std::io;
use std::path::Path;

use super::{Failure, FetchError};

/// Terms under which a package may be passed on: they stay with its files.
const TERMS: [&str; 3] = ["LICENSE", "NOTICE", "ThirdPartyNotices.txt"];

/// Unpacks the members of a zip whose path begins with `prefix`, by their last name, into `target`; and the package's terms.
pub(super) fn unpack_wheel(
    archive: &Path,
    prefix: &str,
    without: &[String],
    target: &Path,
) -> Result<(), FetchError> {
    let wrong = |reason: String| FetchError::Unpack { archive: archive.to_owned(), reason };
    let file = fs::File::open(archive).map_err(|error| wrong(error.to_string()))?;
    let mut zip = zip::ZipArchive::new(file).map_err(|error| wrong(error.to_string()))?;
    let mut unpacked = 0;
    for index in 0..zip.len() {
        let mut member = zip.by_index(index).map_err(|error| wrong(error.to_string()))?;
        let path = member.name().map_err(|error| wrong(error.to_string()))?.into_owned();
        let terms = path.split_once('/').is_some_and(|(_, name)| TERMS.contains(&name));
        let wanted = path.starts_with(prefix) && !without.iter().any(|end| path.ends_with(end));
        if member.is_dir() || !(wanted || terms) {
            continue;
        }
        let Some(name) = path.rsplit('/').next().filter(|name| !matches!(*name, "" | "." | "..")) else {
            continue;
        };
        let to = target.join(name);
        let mut out = fs::File::create(&to).map_err(|error| FetchError::Write { path: to.clone(), error })?;
        io::copy(&mut member, &mut out).map_err(|error| FetchError::Write { path: to, error })?;
        unpacked += usize::from(wanted);
    }
    if unpacked == 0 {
        return Err(wrong(format!("it has no files below {prefix:?}")));
    }
    Ok(())
}

/// Opens one member of a zip and hands its content out.
pub(super) fn read_member<T>(
    archive: &Path,
    path: &str,
    take: impl FnOnce(&mut dyn io::Read) -> T,
) -> Result<T, Failure> {
    let file = fs::File::open(archive).map_err(|error| Failure::Reason(error.to_string()))?;
    let mut zip = zip::ZipArchive::new(file).map_err(|error| Failure::Reason(error.to_string()))?;
    let absent = |error| Failure::Reason(format!("it has no {path}: {error}"));
    let mut member = zip.by_name(path).map_err(absent)?;
    Ok(take(&mut member))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn only_the_wanted_members_are_unpacked_and_none_outside_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("a.zip");
        let mut zip = zip::ZipWriter::new(fs::File::create(&archive).unwrap());
        for name in
            ["pkg/lib/a.so", "pkg/lib/b_gpu.so", "other/c.so", "pkg/lib/../../../evil.so", "pkg/LICENSE"]
        {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        let target = dir.path().join("deep/target");
        fs::create_dir_all(&target).unwrap();
        unpack_wheel(&archive, "pkg/lib", &["_gpu.so".into()], &target).unwrap();
        let mut names: Vec<_> = fs::read_dir(&target).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["LICENSE", "a.so", "evil.so"], "members land in the folder by their last name");
        assert!(!dir.path().join("evil.so").exists());
        assert!(unpack_wheel(&archive, "nothing", &[], &target).is_err());
    }
}
