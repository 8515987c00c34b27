//! What panics is said in the log, as everything else: where, and what was given up with it.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sightwire_base::lines;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Panics of this process so far.
pub fn panic_count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Has every panic from now on counted and written into the log, in the place of the standard library's message on stderr.
pub fn into_the_log() {
    panic::set_hook(Box::new(|info| {
        COUNT.fetch_add(1, Ordering::Relaxed);
        let current = thread::current();
        let name = current.name().unwrap_or("without a name");
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let trace = Backtrace::capture();
        let trace = (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string());
        tracing::error!(
            thread = name,
            place,
            trace,
            "PANIC: {}. Given up: {}. This is a mistake in Sightwire: please report this line",
            lines::short_sentence(payload_text(info.payload())),
            given_up(name)
        );
    }));
}

fn payload_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// What a thread of that name is at, which others do not notice.
fn given_up(thread: &str) -> &'static str {
    let pool = thread.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
    match pool {
        "net" => "the request, connection or task that it was at",
        "clip" | "hands" => "a frame of one client",
        "detect" => "a picture of one stream",
        "read" => "a picture whose text was being read",
        "main" => "the program",
        _ => "what it was at",
    }
}

#[cfg(test)]
mod tests {
    use sightwire_base::captured;

    use super::*;

    #[test]
    fn a_panic_is_one_line_with_thread_place_and_what_is_lost() {
        into_the_log();
        let before = panic_count();
        let lines = thread::Builder::new()
            .name("read-3".into())
            .spawn(|| {
                let log = captured::capture_log();
                let _ = panic::catch_unwind(|| panic!("no\nsuch {}", "line"));
                log.lines_with("PANIC")
            })
            .unwrap()
            .join()
            .unwrap();
        assert!(panic_count() > before);
        let [line] = &lines[..] else { panic!("{lines:?}") };
        for part in
            ["ERROR", "no\\nsuch line", "Given up: a picture whose text", "thread=\"read-3\"", "panics.rs:"]
        {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
}
