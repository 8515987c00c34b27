//! Whose files these are: what to do where a store belongs to another user, as that of the installed server does.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::bail;
use rustix::process::geteuid;
use sightwire_access::store::StoreError;
use sightwire_models::fetch::FetchError;

/// What to do about an error that comes from a file or folder of another user.
pub(crate) fn cure(error: &anyhow::Error) -> Option<String> {
    let (path, error) = error.chain().find_map(denied)?;
    if error.kind() != ErrorKind::PermissionDenied {
        return None;
    }
    let part = path.ancestors().find(|part| fs::metadata(part).is_ok())?;
    let owner = fs::metadata(part).ok()?.uid();
    (owner != geteuid().as_raw()).then(|| {
        let name = name_of(owner);
        format!("{} belongs to the user {name}: {}", part.display(), as_user(&name))
    })
}

/// The file that could not be read or written, and why.
fn denied<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<(&'a Path, &'a io::Error)> {
    if let Some(StoreError::Read { path, error } | StoreError::Write { path, error }) = error.downcast_ref() {
        return Some((path, error));
    }
    match error.downcast_ref()? {
        FetchError::Write { path, error } => Some((path, error)),
        _ => None,
    }
}

/// Refuses to write as root into a store of another user, who could neither read nor replace it.
pub(crate) fn refuse_root(home: &Path) -> anyhow::Result<()> {
    let owner = fs::metadata(home).map_or(0, |folder| folder.uid());
    if geteuid().is_root() && owner != 0 {
        let name = name_of(owner);
        bail!(
            "{} belongs to the user {name}, who could not read what root writes there: {}",
            home.display(),
            as_user(&name)
        );
    }
    Ok(())
}

/// How to run a command as that user: root needs no `sudo`, which a small machine lacks.
fn as_user(name: &str) -> String {
    let how = if geteuid().is_root() { format!("runuser -u {name} --") } else { format!("sudo -u {name}") };
    let command = std::env::args().skip(1).take(2).filter(|word| !word.starts_with('-'));
    let words: Vec<String> = command.collect();
    format!("run `{how} sightwire {} …`", words.join(" "))
}

/// The name of a user, or the number of one without a name.
fn name_of(id: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of_line = |line: &str| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(id)).then(|| name.to_owned())
    };
    users.lines().find_map(of_line).unwrap_or_else(|| format!("'#{id}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_name_or_a_number() {
        assert_eq!(name_of(0), "root");
        assert_eq!(name_of(4_000_000_000), "'#4000000000'");
    }

    #[test]
    fn only_a_file_of_somebody_else_is_told_to_be_so() {
        let of = |path: &Path, kind| {
            let error = io::Error::from(kind);
            cure(&anyhow::Error::from(StoreError::Read { path: path.to_owned(), error }))
        };
        let own = tempfile::tempdir().unwrap();
        assert_eq!(of(own.path(), ErrorKind::PermissionDenied), None);
        assert_eq!(of(Path::new("/proc/1"), ErrorKind::NotFound), None);
    }
}
