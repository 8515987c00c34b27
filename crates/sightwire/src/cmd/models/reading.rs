//! `sightwire models check` of a model that reads text: a drawn page, read again and again.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sightwire_frame::Image;
use sightwire_models::manifest::Manifest;
use sightwire_ocr::{Memory, PageRequest, ReadModel, ReadOptions, ReadService, Reading, ServiceOptions};
use sightwire_server::config::Config;
use sightwire_synth::page::{self, HEIGHT, WIDTH};

use crate::engine;
use crate::print::{Printer, out};

/// One of them is made of letters that are easily taken for others.
const LINES: [&str; 8] = [
    "Sightwire reads this page",
    "The quick brown fox jumps",
    "over the lazy dog, twice.",
    "0123456789 and 98765.43",
    "Invoice No. 2026/1142",
    "Total: 1,284.50 EUR",
    "O0 l1 I| S5 B8 Z2 rn m",
    "https://example.org/a?b=1",
];
/// Runs that are measured; the first, which is not, makes the sessions.
const RUNS: usize = 10;
/// Of one page, sessions and all.
const DEADLINE: Duration = Duration::from_secs(300);

pub(super) fn check_reading(
    config: &Config,
    manifest: &Manifest,
    again: bool,
    printer: &Printer,
) -> anyhow::Result<()> {
    let name = &manifest.name;
    let model = Arc::new(ReadModel::load(&config.store, manifest)?);
    out!(printer, "{}", super::right_files(manifest))?;
    let engine = Arc::new(engine::load_engine(config, printer)?);
    let subjects = model.subjects(&engine)?;
    engine::measure_networks(&engine, name, &subjects, again, printer)?;
    super::show_ways(&engine, name, &subjects, printer)?;
    let service_options = ServiceOptions {
        threads: 1,
        queue: 1,
        idle_release: config.engine.idle_release,
        memory: Memory::unlimited(),
    };
    let service = ReadService::start(engine, service_options)?;
    let page = page::draw_page(&LINES);
    let begun = Instant::now();
    let first = read_page(&service, &model, &page)?;
    let first_took = begun.elapsed();
    let (mut detect, mut recognise, mut lines) = (Duration::ZERO, Duration::ZERO, 0);
    for _ in 0..RUNS {
        let reading = read_page(&service, &model, &page)?;
        detect += reading.times.detect;
        recognise += reading.times.recognise;
        lines += reading.regions.len();
    }
    let right = LINES.iter().filter(|line| first.regions.iter().any(|region| region.text == **line)).count();
    let ms = |time: Duration, count: usize| time.as_secs_f64() * 1e3 / count.max(1) as f64;
    let [detection, recognition] = service.plan(&model);
    out!(
        printer,
        "{name}: runs on ONNX Runtime {} (finds lines: {detection}; reads them: {recognition}); on one thread {:.1} ms to find the lines of a picture of {WIDTH}x{HEIGHT}, {:.2} ms to read one; sessions made in {:.0} ms",
        service.engine().runtime().version(),
        ms(detect, RUNS),
        ms(recognise, lines),
        ms(first_took, 1) - ms(detect + recognise, RUNS),
    )?;
    out!(
        printer,
        "{name}: found {} of {} lines of a drawn page in English and read {right} of them to the letter: {}",
        first.regions.len(),
        LINES.len(),
        verdict(first.regions.len(), right),
    )?;
    Ok(())
}

/// Whether that many lines found and read right are good.
fn verdict(found: usize, right: usize) -> &'static str {
    if found < LINES.len() {
        "bad, whatever its language: lines are missed"
    } else if right == LINES.len() {
        "as good as can be"
    } else if right + 1 == LINES.len() {
        "good; one of the lines is made of letters that are easily taken for others"
    } else if right > 0 {
        "not good for a model that reads English"
    } else {
        "right for a model of another script, bad for one that reads English"
    }
}

fn read_page(service: &ReadService, model: &Arc<ReadModel>, page: &Image) -> anyhow::Result<Reading> {
    let (tell, told) = mpsc::sync_channel(1);
    let page = page.clone();
    let submitted = service.submit(PageRequest {
        model: model.clone(),
        load: Box::new(move || Ok(page)),
        options: ReadOptions::default(),
        keep: false,
        wanted: Box::new(|| true),
        effort: Arc::default(),
        done: Box::new(move |read| {
            let _ = tell.send(read);
        }),
    });
    submitted?;
    let read = told.recv_timeout(DEADLINE).context("the page was not read in time")?;
    Ok(read?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_lines_is_called_good_or_bad() {
        assert!(verdict(8, 8).starts_with("as good"));
        assert!(verdict(8, 7).starts_with("good"));
        assert!(verdict(8, 4).starts_with("not good"));
        assert!(verdict(8, 0).contains("another script"));
        assert!(verdict(5, 5).starts_with("bad"));
    }
}
