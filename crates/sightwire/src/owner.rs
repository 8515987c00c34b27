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
pub(crate) fn suggest_cure(error: &anyhow::Error) -> Option<String> {
    let (path, error) = error.chain().find_map(denied_file)?;
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
fn denied_file<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<(&'a Path, &'a io::Error)> {
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

/// For root, who reads everything: that the user whose store this is could not read the configuration.
pub(crate) fn cannot_read(configuration: &Path, home: &Path) -> Option<String> {
    if !geteuid().is_root() {
        return None;
    }
    let [file, home] = [configuration, home].map(fs::metadata);
    let (file, home) = (file.ok()?, home.ok()?);
    let may = may_read(file.mode(), (file.uid(), file.gid()), (home.uid(), home.gid()));
    (!may).then(|| {
        let (name, file) = (name_of(home.uid()), configuration.display());
        format!("the user {name}, whose store this is, may not read {file}: `chgrp {name} {file}; chmod 640 {file}`")
    })
}

/// Whether a user with the one group may read a file of these permissions; both are given as user and group.
fn may_read(mode: u32, file: (u32, u32), user: (u32, u32)) -> bool {
    let bits = match user {
        (0, _) => return true,
        (user, _) if user == file.0 => 0o400,
        (_, group) if group == file.1 => 0o040,
        _ => 0o004,
    };
    mode & bits != 0
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
    fn a_file_is_read_by_its_user_its_group_or_all() {
        let (root, service) = ((0, 0), (101, 102));
        assert!(may_read(0o600, root, root));
        assert!(!may_read(0o600, root, service), "as an editor of root's leaves it");
        assert!(may_read(0o640, (0, 102), service) && may_read(0o400, service, service));
        assert!(may_read(0o644, root, service) && !may_read(0o044, service, service));
    }

    #[test]
    fn only_a_file_of_somebody_else_is_told_to_be_so() {
        let of = |path: &Path, kind| {
            let error = io::Error::from(kind);
            suggest_cure(&anyhow::Error::from(StoreError::Read { path: path.to_owned(), error }))
        };
        let own = tempfile::tempdir().unwrap();
        assert_eq!(of(own.path(), ErrorKind::PermissionDenied), None);
        assert_eq!(of(Path::new("/proc/1"), ErrorKind::NotFound), None);
    }
}
