//! What a person sees while pictures are read: a bar with count, rate and time left. It is on stderr, and only where that
//! is a terminal; elsewhere a line says now and then how far it is.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::print::{Printer, format_count, note};
use sightwire_jobs::inputs::Inputs;

/// Where nobody watches, a long run says at this pace that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(30);
const KNOWN: &str = "{bar:28.cyan} {human_pos} of {human_len}  {rate}  {eta} left{msg}";
/// Until the pictures have been counted.
const UNKNOWN: &str = "{spinner} {human_pos}  {rate}{msg}";

pub struct Progress {
    bar: Option<ProgressBar>,
    /// How many there are with those read before, once they are counted; else 0.
    all: Arc<AtomicU64>,
    /// Pictures that are read, and not shown so far.
    ahead: usize,
    started: Instant,
    said: Instant,
    ended: Arc<AtomicBool>,
    printer: Printer,
}

impl Progress {
    /// Counts the pictures on a thread of its own: the run need not wait for it. Results that scroll by on the same
    /// terminal are progress enough.
    pub fn new(printer: &Printer, inputs: &Inputs, into_files: bool) -> Self {
        let (now, ended) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let all = Arc::new(AtomicU64::new(0));
        let watched = printer.err_is_terminal();
        let beside_results = printer.out_is_terminal() && !into_files;
        let bar = (watched && !beside_results && !inputs.is_single()).then(|| {
            let bar = ProgressBar::no_length();
            bar.set_style(bar_style(UNKNOWN));
            bar.enable_steady_tick(Duration::from_millis(250));
            let (counted, inputs, over, all) = (bar.clone(), inputs.again(), ended.clone(), all.clone());
            // Ends with the walk, or with the run.
            let _ = thread::Builder::new().name("count".into()).spawn(move || {
                let count = inputs.take_while(|_| !over.load(Ordering::Relaxed)).count();
                if !over.load(Ordering::Relaxed) {
                    all.store(count as u64, Ordering::Relaxed);
                    counted.set_length(count as u64);
                    counted.set_style(bar_style(KNOWN));
                }
            });
            bar
        });
        Self { bar, all, ahead: 0, started: now, said: now, ended, printer: printer.clone() }
    }

    /// This many more are read than are shown so far.
    pub fn set_ahead(&mut self, ahead: usize) {
        self.ahead = ahead;
    }

    /// How far it is; `before` it, others were read that are passed over.
    pub fn show(&mut self, read: usize, failed: usize, before: usize) {
        let failures = if failed == 0 { String::new() } else { format!("  {failed} failed") };
        if let Some(bar) = &self.bar {
            let all = self.all.load(Ordering::Relaxed);
            if all > 0 {
                bar.set_length(all.saturating_sub(before as u64));
            }
            bar.set_position((read + failed + self.ahead) as u64);
            bar.set_message(failures);
        } else if self.said.elapsed() >= HEARTBEAT {
            self.said = Instant::now();
            let rate = (read + failed) as f64 / self.started.elapsed().as_secs_f64();
            note!(self.printer, "{} read, {rate:.1} a second{failures}", format_count(read, "picture"));
        }
    }

    /// Takes the bar away.
    pub fn end(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar_style(template: &str) -> ProgressStyle {
    let rate = |state: &ProgressState, out: &mut dyn Write| {
        let _ = write!(out, "{:.1}/s", state.per_sec());
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_well_formed() {
        for template in [KNOWN, UNKNOWN] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
