//! `cargo xtask bench telling [--pairs N] [idle|sign|relay|fan-out…]`: what it costs to be watched: metrics scraped every second, the log as JSON on stderr and in a file,
//! and both sent to a collector over OTLP. The same load at a server that does all of it and at one that does nothing, in turn.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::loads::{self, Load};
use super::turns::{PAIRS, parse_pairs};
use super::{Section, generator_path, median, start_server};
use crate::project::Project;

/// Each with how often a second metrics are scraped meanwhile.
const LOADS: [(Load, u32); 5] = [
    (loads::IDLE, 1),
    (loads::SIGN, 1),
    (loads::RELAY, 1),
    // What one a second costs is less than two runs of this differ by.
    (Load { title: "the same relay, scraped 40 times a second: CPU s", ..loads::RELAY }, 40),
    (loads::FAN_OUT, 1),
];

/// Measures all loads and writes them into the page.
pub(super) fn bench_telling(args: &[String]) -> Result<ExitCode> {
    let (pairs, named) = parse_pairs(args)?;
    let mut section = Section::set_up("telling")?;
    let project = section.project.clone();
    let _ = write!(
        section.text,
        " The server's CPU, {pairs} pairs.\n\n\
         | load | nothing | all of it | ratio (median of pairs) | all pairs | scrapes | sent over OTLP |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for (load, scrapes_per_s) in
        LOADS.iter().filter(|(load, _)| named.is_empty() || named.iter().any(|name| load.name == name))
    {
        let row = measure_row(&project, load, *scrapes_per_s, pairs)?;
        eprintln!("{row}");
        section.text.push('\n');
        section.text.push_str(&row);
    }
    section.finish_page(pairs >= PAIRS && named.is_empty())
}

fn measure_row(project: &Project, load: &Load, scrapes_per_s: u32, pairs: usize) -> Result<String> {
    let (mut plain, mut telling, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut scrapes, mut sent) = (0, 0);
    for pair in 0..pairs {
        let mut used = [0.0; 2];
        for turn in 0..2 {
            let tells = (pair + turn) % 2 == 1;
            let (cpu, scraped, taken) = measure_load(project, load, scrapes_per_s, tells)?;
            used[usize::from(tells)] = cpu;
            (scrapes, sent) = (scrapes + scraped, sent + taken);
        }
        plain.push(used[0]);
        telling.push(used[1]);
        ratios.push(used[1] / used[0]);
    }
    let all = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect::<Vec<_>>().join(" ");
    Ok(format!(
        "| {} | {:.2} | {:.2} | {:.3} | {all} | {scrapes} | {sent} |",
        load.title,
        median(&mut plain),
        median(&mut telling),
        median(&mut ratios),
    ))
}

/// What counts of a server under that load; how often it was scraped, and how often it sent something.
fn measure_load(project: &Project, load: &Load, scrapes_per_s: u32, tells: bool) -> Result<(f64, u64, u64)> {
    let (ended, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut settings: Vec<String> = load.settings.iter().map(|&setting| setting.to_owned()).collect();
    let sink = start_collector(&ended, &sent)?;
    if tells {
        let file = project.own_path("bench/telling.log");
        settings.extend([
            "log.format=json".to_owned(),
            format!("log.file={}", file.display()),
            format!("otlp.endpoint=http://{sink}"),
            "otlp.interval_s=1".to_owned(),
            "otlp.logs=info".to_owned(),
        ]);
    }
    let server = start_server(project, "server-bench", &settings)?;
    let address = server.url().trim_start_matches("http://").to_owned();
    let scraping = tells.then(|| {
        let ended = ended.clone();
        let every = Duration::from_secs(1) / scrapes_per_s;
        thread::spawn(move || scrape_metrics(&address, every, &ended))
    });
    let figures = load.run_load(project, &server, &generator_path(project))?;
    ended.store(true, Ordering::Relaxed);
    let scraped = scraping.and_then(|thread| thread.join().ok()).unwrap_or_default();
    server.stop()?;
    Ok((figures.cpu, scraped, sent.load(Ordering::Relaxed)))
}

/// Asks for `/metrics` again and again until the end; how often it got them.
fn scrape_metrics(address: &str, every: Duration, ended: &AtomicBool) -> u64 {
    let (mut scraped, mut next) = (0, Instant::now());
    while !ended.load(Ordering::Relaxed) {
        let asked = TcpStream::connect(address).and_then(|mut socket| {
            let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            socket.write_all(request.as_bytes())?;
            let mut text = Vec::new();
            socket.read_to_end(&mut text)?;
            Ok(text.ends_with(b"# EOF\n") || text.ends_with(b"# EOF\n\r\n0\r\n\r\n"))
        });
        scraped += u64::from(asked.unwrap_or_default());
        next += every;
        while let Some(left) = next.checked_duration_since(Instant::now())
            && !ended.load(Ordering::Relaxed)
        {
            thread::sleep(left.min(Duration::from_millis(100)));
        }
    }
    scraped
}

/// The address of a collector that takes everything and keeps nothing.
fn start_collector(ended: &Arc<AtomicBool>, sent: &Arc<AtomicU64>) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("listen as a collector")?;
    listener.set_nonblocking(true)?;
    let (address, ended, sent) = (listener.local_addr()?.to_string(), ended.clone(), sent.clone());
    thread::spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            let Ok((socket, _)) = listener.accept() else {
                thread::sleep(Duration::from_millis(5));
                continue;
            };
            let sent = sent.clone();
            thread::spawn(move || serve_requests(socket, &sent));
        }
    });
    Ok(address)
}

/// Answers one request after the other until the connection ends.
fn serve_requests(mut socket: TcpStream, sent: &AtomicU64) -> Option<()> {
    socket.set_nonblocking(false).ok()?;
    let mut text = Vec::new();
    let mut piece = [0; 16 << 10];
    loop {
        let head = loop {
            if let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            let count = socket.read(&mut piece).ok().filter(|count| *count > 0)?;
            text.extend_from_slice(piece.get(..count)?);
        };
        let lower = String::from_utf8_lossy(text.get(..head)?).to_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"))?;
        let whole = head + length.trim().parse::<usize>().ok()?;
        while text.len() < whole {
            let count = socket.read(&mut piece).ok().filter(|count| *count > 0)?;
            text.extend_from_slice(piece.get(..count)?);
        }
        text.drain(..whole);
        sent.fetch_add(1, Ordering::Relaxed);
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
    }
}
