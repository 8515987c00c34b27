//! What servers say of themselves while they are measured.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::interrupt;

/// For processes to find each other, models to be loaded and streams to begin.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two pieces of an answer; the first page that is read waits for its model.
const ANSWER: Duration = Duration::from_mins(2);

/// Waits until that is so.
pub(super) fn wait_until(what: &str, is_so: impl Fn() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !is_so()? {
        interrupt::check_interrupt()?;
        if begun.elapsed() > PATIENCE {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// One of the server's counts.
pub(super) fn fetch_counter(url: &str, name: &str) -> Result<f64> {
    parse_counter(&get_text(url, "/metrics")?, name).with_context(|| format!("{url}/metrics has no {name}"))
}

fn parse_counter(metrics: &str, name: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// An answer in JSON.
pub(super) fn get_json(url: &str, path: &str) -> Result<Value> {
    serde_json::from_str(&get_text(url, path)?).with_context(|| format!("read {url}{path}"))
}

/// The body of an answer.
pub(super) fn get_text(url: &str, path: &str) -> Result<String> {
    send_request(url, ("GET", path), "", &[])
}

/// Sends a JPEG; the body of the answer.
pub(super) fn post_jpeg(url: &str, path: &str, picture: &[u8]) -> Result<String> {
    let head = format!("Content-Type: image/jpeg\r\nContent-Length: {}\r\n", picture.len());
    send_request(url, ("POST", path), &head, picture)
}

fn send_request(url: &str, (method, path): (&str, &str), head: &str, body: &[u8]) -> Result<String> {
    let address = url.trim_start_matches("http://");
    let asked = TcpStream::connect(address).and_then(|mut socket| {
        socket.set_read_timeout(Some(ANSWER))?;
        // To 1.0 an answer comes in one piece.
        let request = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\n{head}\r\n");
        socket.write_all(request.as_bytes())?;
        socket.write_all(body)?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        Ok(text)
    });
    let text = asked.with_context(|| format!("ask for {url}{path}"))?;
    match text.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
        _ => bail!("{url}{path}: {}", text.lines().next().unwrap_or("no answer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_found_by_its_whole_name() {
        let metrics = "# TYPE a counter\na_total_more 3\na_total 7\n";
        assert_eq!(parse_counter(metrics, "a_total"), Some(7.0));
        assert_eq!(parse_counter(metrics, "a"), None);
    }
}
