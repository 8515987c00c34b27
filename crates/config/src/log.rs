//! `log.*`: what is written down, and where.

use std::path::{Path, PathBuf};

use super::{ConfigError, Log, LogFile, Values};

pub(super) fn read(r: &Values<'_>) -> Result<Log, ConfigError> {
    let max_bytes = (r.int("log.file_mb", 1, 1 << 20)? as u64) << 20;
    let keep = r.int("log.files", 0, 1000)?;
    let file = |name| {
        let path = Some(r.text(name)).filter(|path| !path.is_empty()).map(PathBuf::from);
        path.map(|path| LogFile { path, max_bytes, keep })
    };
    let (whole, audit) = (file("log.file"), file("log.audit_file"));
    if let (Some(whole), Some(audit)) = (&whole, &audit)
        && are_one(&whole.path, &audit.path)
    {
        return Err(r.invalid(
            "log.audit_file",
            "it must be another file than log.file, and those that are kept of it",
        ));
    }
    Ok(Log {
        level: match r.text("log.level").to_lowercase().as_str() {
            // Python's names, which the prototypes took.
            "warning" => "warn".into(),
            "critical" | "fatal" => "error".into(),
            level @ ("error" | "warn" | "info" | "debug" | "trace") => level.into(),
            _ => return Err(r.invalid("log.level", "it must be error, warn, info, debug or trace")),
        },
        json: match r.text("log.format").as_str() {
            "text" => false,
            "json" => true,
            _ => return Err(r.invalid("log.format", "it must be text or json")),
        },
        file: whole,
        audit_file: audit,
    })
}

/// Whether they are one file, or one is among those that are kept of the other (`NAME.1`).
fn are_one(a: &Path, b: &Path) -> bool {
    let whole = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        folder.join(path.file_name().unwrap_or_default())
    };
    let (a, b) = (whole(a), whole(b));
    let is_kept = |kept: &Path, of: &Path| {
        let end = kept.as_os_str().to_str().zip(of.to_str()).and_then(|(kept, of)| kept.strip_prefix(of));
        let number = end.and_then(|end| end.strip_prefix('.'));
        number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
    };
    a == b || is_kept(&a, &b) || is_kept(&b, &a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_are_one_however_they_are_written_and_the_kept_ones_are_taken() {
        let one = |a: &str, b: &str| are_one(Path::new(a), Path::new(b));
        assert!(one("a.log", "./a.log") && one("/tmp/a.log", "/tmp/../tmp/a.log"));
        assert!(one("/tmp/a.log.1", "/tmp/a.log") && one("/tmp/a.log", "/tmp/a.log.12"));
        assert!(!one("a.log", "b.log") && !one("/tmp/a.log", "/tmp/a.log.old") && !one("a/x", "b/x"));
    }
}
