//! The whole log of a process: what reaches its files.

use std::fs;

use sightwire_base::lines::AUDIT;
use sightwire_telemetry::logging;
use sightwire_telemetry::logging::{Log, LogFile};

#[test]
fn beside_a_flood_on_the_same_thread_no_deed_is_missing_in_any_file_and_the_flood_is_summed_up_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| LogFile { path: folder.path().join(name), max_bytes: 1 << 20, keep: 1 };
    let log = Log {
        level: "info".into(),
        json: false,
        file: Some(file("all.log")),
        audit_file: Some(file("audit.log")),
    };
    let unwritten = logging::start_logging(&log).unwrap();
    for n in 0..100 {
        tracing::warn!("a flood, {n}");
        if n >= 60 {
            tracing::info!(target: AUDIT, "AUDIT somebody did {n}");
        }
    }
    drop(unwritten);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let (all, audit) = (read("all.log"), read("audit.log"));
    let count = |text: &str, what: &str| text.lines().filter(|line| line.contains(what)).count();
    assert_eq!((count(&audit, "AUDIT"), count(&audit, "flood")), (40, 0));
    assert_eq!((count(&all, "AUDIT"), count(&all, " WARN a flood")), (40, 40));
    assert_eq!(count(&all, "60 more lines like this one: a flood, 40"), 1);
    assert!(logging::set_level("error"));
    assert!(logging::dropped_lines() == 0 && logging::failures() == 0);
}
