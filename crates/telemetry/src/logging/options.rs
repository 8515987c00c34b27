//! `log.*`: what is written down, and where.

use std::path::{Path, PathBuf};

use sightwire_settings::{ConfigError, Section, Values, section};

/// What is written down, and where.
#[derive(Clone, Debug)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`: lines below it are left out.
    pub level: String,
    /// Lines are JSON, instead of text.
    pub json: bool,
    /// A file that lines go to, beside stderr.
    pub file: Option<LogFile>,
    /// For what was done by whom alone.
    pub audit_file: Option<LogFile>,
}

/// A log file, which begins anew when it is full.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// Where it is.
    pub path: PathBuf,
    /// It is full then.
    pub max_bytes: u64,
    /// Full ones that are kept beside it.
    pub keep: usize,
}

section! {
    /// As it is configured.
    struct LogKeys: "log" {
        /// error, warn, info, debug or trace. `RUST_LOG` overrides it.
        level: String = key("level", Word(&["error", "warn", "info", "debug", "trace"]), "info").at_once().old_names(&["LOG_LEVEL"]), parse |text: String| parse_level(&text);
        /// text, or json with one object per line.
        json: bool = key("format", Choice(&["text", "json"]), "text") => |format| format == "json";
        /// A file for the log, beside stderr. If it cannot be opened, the server does not start. If it cannot be
        /// written later, the server goes on, and stderr says so. Another program may move it away (logrotate): then it
        /// is begun anew.
        file: Option<PathBuf> = key("file", Path, "");
        /// MiB of a log file. A full one becomes `NAME.1`, the one before `NAME.2`, and so on.
        file_bytes: u64 = key("file_mb", Mib(1, 1 << 20), 10) => |bytes| bytes as u64;
        /// Full log files that are kept beside the one being written.
        files: usize = key("files", Int(0, 1000), 5);
        /// A file for the lines alone that say who changed what (`AUDIT`); they are in the log, too, whatever
        /// `log.level` is.
        audit_file: Option<PathBuf> = key("audit_file", Path, "");
    }
}

/// The keys of the log.
pub static LOG: Section = Section::new("log", LogKeys::KEYS);

impl Log {
    /// As these values say.
    pub fn read(values: Values<'_>) -> Result<Self, ConfigError> {
        let keys = LogKeys::read(values)?;
        if let (Some(whole), Some(audit)) = (&keys.file, &keys.audit_file)
            && are_one(whole, audit)
        {
            let reason = "it must be another file than log.file, and those that are kept of it";
            return Err(values.invalid("log.audit_file", reason));
        }
        let file = |path: Option<PathBuf>| {
            path.map(|path| LogFile { path, max_bytes: keys.file_bytes, keep: keys.files })
        };
        Ok(Self {
            file: file(keys.file.clone()),
            audit_file: file(keys.audit_file.clone()),
            level: keys.level,
            json: keys.json,
        })
    }
}

fn parse_level(text: &str) -> Result<String, &'static str> {
    match text.to_lowercase().as_str() {
        // Python's names, which the prototypes took.
        "warning" => Ok("warn".to_owned()),
        "critical" | "fatal" => Ok("error".to_owned()),
        level @ ("error" | "warn" | "info" | "debug" | "trace") => Ok(level.to_owned()),
        _ => Err("it must be error, warn, info, debug or trace"),
    }
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
