//! `log.*`: what is written down, and where.

use std::path::PathBuf;

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
        && whole.path == audit.path
    {
        return Err(r.invalid("log.audit_file", "it must be another file than log.file"));
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
