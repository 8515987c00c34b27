//! What a running server does, in a terminal or as JSON.
//!
//! - [`client`]: reads the server
//! - [`model`]: what is made of its answers for a person
//! - [`history`], [`monitor`]: what is kept from one reading to the next
//! - [`view`]: draws it, with the numbers of [`format`]
//! - [`screen`]: the terminal
#![forbid(unsafe_code)]
#![allow(rustdoc::private_intra_doc_links, reason = "the map above is for those who read the code")]

mod client;
mod format;
mod history;
mod model;
mod monitor;
mod screen;
#[cfg(test)]
mod stub;
mod view;

use std::io::{self, IsTerminal as _, Write};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use serde_json::Value;

use client::RawReading;
pub use client::{Address, AddressError, Client, ClientError, ReadError, Reading};
use monitor::Monitor;
pub use screen::run_screen as watch;

/// Of `--once`, where there is no terminal that could say.
const PLAIN_WIDTH: u16 = 120;
/// Of `--once`: as high as it needs to be, within reason.
const PLAIN_HEIGHT: u16 = 200;

/// A reading for programs: what the server said, whatever its version is.
#[derive(Serialize)]
struct Object<'a> {
    at: String,
    server: &'a str,
    status: &'a Value,
    streams: Option<&'a Value>,
}

/// Prints one JSON object a reading, a line each, until nobody reads them any more.
pub fn write_json(
    out: &mut dyn Write,
    client: &Client,
    interval: Duration,
    once: bool,
) -> anyhow::Result<()> {
    let mut next = Instant::now();
    loop {
        let reading = client.read_raw().map_err(|error| not_read(client, &error))?;
        let line = serde_json::to_string(&make_object(SystemTime::now(), client.address(), &reading))?;
        if !check_written(writeln!(out, "{line}").and_then(|()| out.flush()))? || once {
            return Ok(());
        }
        let now = Instant::now();
        next = (next + interval).max(now);
        thread::sleep(next - now);
    }
}

fn make_object<'a>(at: SystemTime, address: &'a Address, reading: &'a RawReading) -> Object<'a> {
    Object {
        at: humantime::format_rfc3339_millis(at).to_string(),
        server: address.as_str(),
        status: &reading.status,
        streams: reading.streams.as_ref().and_then(|answer| answer.get("streams")),
    }
}

/// Prints one reading as text.
pub fn write_once(out: &mut dyn Write, client: &Client, interval: Duration) -> anyhow::Result<()> {
    let reading = client.read().map_err(|error| not_read(client, &error))?;
    let mut monitor = Monitor::new(client.address().clone(), interval);
    monitor.apply_answer(Ok(reading), Instant::now());
    if let Some(id) = monitor.selected_id().map(str::to_owned) {
        let detail = client.read_stream(&id).map_err(|error| not_read(client, &error))?;
        monitor.apply_detail(id, detail);
    }
    let size = ratatui::crossterm::terminal::size().ok().filter(|_| io::stdout().is_terminal());
    let width = size.map_or(PLAIN_WIDTH, |(width, _)| width.max(60));
    let text = view::render_plain(&monitor, width, PLAIN_HEIGHT, Instant::now());
    check_written(writeln!(out, "{text}")).map(|_| ())
}

fn not_read(client: &Client, error: &ReadError) -> anyhow::Error {
    anyhow::anyhow!("{}: {error}", client.address().as_str())
}

/// Whether somebody still reads what is printed.
fn check_written(done: io::Result<()>) -> anyhow::Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(anyhow::anyhow!("cannot write: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use sightwire_api::stream::Streams;

    use super::*;

    fn served() -> Client {
        let address = stub::serve_answers(|path| match path {
            "/api/v1/status" => (200, stub::to_json(&stub::sample_status())),
            "/api/v1/streams" => {
                (200, stub::to_json(&Streams { streams: stub::sample_reading(2).streams.unwrap() }))
            }
            _ => (200, stub::to_json(&stub::sample_detail(1))),
        });
        Client::new(address.parse().unwrap(), None).unwrap()
    }

    fn lines(out: &[u8]) -> Vec<Value> {
        std::str::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Lets this many lines through, then nobody reads any more.
    struct Reader(Vec<u8>, usize);

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if lines(&self.0).len() == self.1 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn json_is_one_object_a_line_until_nobody_reads_it() {
        let mut out = Reader(Vec::new(), 3);
        write_json(&mut out, &served(), Duration::from_millis(1), false).unwrap();
        let objects = lines(&out.0);
        assert_eq!(objects.len(), 3);
        for line in objects {
            assert_eq!(line["status"]["process"]["threads"], 14);
            assert_eq!(line["streams"].as_array().unwrap().len(), 2);
            assert_eq!(line["streams"][1]["state"], "stalled");
            assert!(line["server"].as_str().unwrap().starts_with("http://127.0.0.1:"));
        }
    }

    #[test]
    fn once_is_one_object_or_one_picture() {
        let mut out = Vec::new();
        write_json(&mut out, &served(), Duration::from_secs(3600), true).unwrap();
        assert_eq!(lines(&out).len(), 1);

        let mut out = Vec::new();
        write_once(&mut out, &served(), Duration::from_secs(1)).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("● live") && text.contains("192.168.100.0:50000"), "{text}");
    }

    #[test]
    fn a_server_that_is_not_there_is_an_error_that_names_it() {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = Client::new(gone.to_string().parse().unwrap(), None).unwrap();
        for once in [false, true] {
            let mut out = Vec::new();
            let error = write_json(&mut out, &client, Duration::from_secs(1), once).unwrap_err().to_string();
            assert!(error.starts_with(&format!("http://{gone}: nothing listens there")), "{error}");
            assert!(out.is_empty());
        }
        assert!(write_once(&mut Vec::new(), &client, Duration::from_secs(1)).is_err());
    }

    #[test]
    fn json_is_what_the_server_said_even_where_it_could_not_be_shown() {
        let status = r#"{"new":["\u001b[2J"],"process":{"threads":"many"},"version":2}"#;
        let address = stub::serve_answers(move |path| match path {
            "/api/v1/status" => (200, status.into()),
            _ => (200, r#"{"streams":[{"id":"a"}]}"#.into()),
        });
        let client = Client::new(address.parse().unwrap(), None).unwrap();
        let mut out = Vec::new();
        write_json(&mut out, &client, Duration::from_secs(1), true).unwrap();
        let line = String::from_utf8(out).unwrap();
        let end = format!(r#","server":"http://{address}","status":{status},"streams":[{{"id":"a"}}]}}"#);
        assert!(line.starts_with(r#"{"at":""#) && line.trim_end().ends_with(&end), "{line}");
        assert!(write_once(&mut Vec::new(), &client, Duration::from_secs(1)).is_err());
    }

    #[test]
    fn the_time_is_told_in_a_way_that_programs_read() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
        let (address, reading) = ("a:1".parse().unwrap(), RawReading::default());
        let object = make_object(at, &address, &reading);
        assert_eq!((object.at.as_str(), object.streams), ("1970-01-01T00:00:01.500Z", None));
    }
}
