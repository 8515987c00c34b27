//! Files at an address: https only, redirects included; goes on where an earlier try broke off, if the server can.

use std::error::Error;
use std::io::{self, Read};
use std::thread::sleep;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::blocking::{Client, ClientBuilder, Response};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, IF_RANGE, RANGE,
};
use reqwest::redirect::Policy;
use sightwire_http_client::cause::{Cause, root_cause};
use sightwire_http_client::trust::Trust;

use super::part::Part;
use super::words::{self, Detour, Peer};
use super::{Failure, Progress};

/// A try that brought as much again is not a failure in a row with the last one.
const WORTHWHILE_BYTES: u64 = 1 << 20;
/// Between two reports of progress.
const REPORT: Duration = Duration::from_millis(100);
const MAX_REDIRECTS: usize = 5;

/// How long servers are waited for, and how often they are asked.
#[derive(Clone, Debug)]
pub struct HttpsOptions {
    /// Longest wait for an answer to begin, with the name, the connection and redirects before it; and for each piece of it.
    pub stall: Duration,
    /// Tries that may fail in a row.
    pub tries: u32,
    /// Between the first try and the second; doubles from then on.
    pub pause: Duration,
    /// Bound of a file whose size the manifest does not state.
    pub max_bytes: u64,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// Whether to go through the proxy that the environment names.
    pub proxy: bool,
}

impl HttpsOptions {
    /// The usual ones, with the proxy and the certificate authorities of the environment.
    pub fn from_env() -> Self {
        Self {
            stall: Duration::from_secs(30),
            tries: 5,
            pause: Duration::from_secs(1),
            max_bytes: 2 << 30,
            trust: Trust::System,
            proxy: true,
        }
    }
}

/// Brings the partial file to its whole length. Says whether it was joined from pieces that may be of different files.
pub(super) fn download_url(
    url: &str,
    size_bytes: Option<u64>,
    part: &mut Part,
    options: &HttpsOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<bool, Failure> {
    if size_bytes.is_some_and(|size| part.len() > size) {
        part.clear().map_err(Failure::Write)?;
    }
    if part.len() > 0 && size_bytes == Some(part.len()) {
        return Ok(true);
    }
    if !url.starts_with("https:") {
        return Err(Failure::Reason(Detour::Plain(url.to_owned()).to_string()));
    }
    let client = build_client(options)?;
    let peer = Peer::from_url(url, options.proxy);
    let mut download = Download {
        client,
        url,
        peer,
        options,
        part,
        progress,
        expected: size_bytes,
        size: size_bytes,
        etag: None,
        reached: false,
        joined: false,
    };
    download.run()?;
    Ok(download.joined)
}

fn build_client(options: &HttpsOptions) -> Result<Client, Failure> {
    let tls = options.trust.tls().map_err(|error| Failure::Reason(error.to_string()))?;
    let builder = ClientBuilder::from(sightwire_http_client::client_builder(tls))
        .https_only(true)
        .redirect(Policy::custom(|attempt| match attempt.url().scheme() {
            "https" if attempt.previous().len() <= MAX_REDIRECTS => attempt.follow(),
            "https" => attempt.error(Detour::Endless),
            _ => {
                let address = attempt.url().to_string();
                attempt.error(Detour::Plain(address))
            }
        }))
        // Of an answer's beginning and of each piece of it. A connection has a little less, so that the error tells which
        // of them it was.
        .timeout(options.stall)
        .connect_timeout(options.stall.mul_f64(0.95));
    let builder = if options.proxy { builder } else { builder.no_proxy() };
    builder.build().map_err(|error| Failure::Reason(root_cause(&error)))
}

struct Download<'a> {
    client: Client,
    url: &'a str,
    peer: Peer,
    options: &'a HttpsOptions,
    part: &'a mut Part,
    progress: &'a mut dyn FnMut(Progress<'_>),
    /// Bytes of the whole, by the manifest.
    expected: Option<u64>,
    /// By the manifest, else by the server's last answer.
    size: Option<u64>,
    /// Of the content that the server gave first.
    etag: Option<String>,
    /// Whether the server was reached at all.
    reached: bool,
    joined: bool,
}

/// How a try ended, if not well.
enum Stop {
    /// The next one may go better.
    Again(String),
    /// Trying again does not help.
    Finally(Failure),
}

impl Download<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let mut failures = 0;
        let mut furthest = self.part.len();
        loop {
            let reason = match self.attempt() {
                Ok(()) => return Ok(()),
                Err(Stop::Finally(failure)) => return Err(failure),
                Err(Stop::Again(reason)) => reason,
            };
            // Counted from the furthest point: from a server that always starts anew, nothing is gained.
            if self.part.len() >= furthest + WORTHWHILE_BYTES {
                failures = 0;
            }
            furthest = furthest.max(self.part.len());
            failures += 1;
            if failures >= self.options.tries {
                let tries = if failures > 1 { format!(" ({failures} tries)") } else { String::new() };
                return Err(Failure::Reason(format!("{reason}{tries}")));
            }
            let pause = self.options.pause * (1 << (failures - 1).min(5));
            (self.progress)(Progress::Retry { reason: &reason, pause });
            sleep(pause);
        }
    }

    fn attempt(&mut self) -> Result<(), Stop> {
        let have = self.part.len();
        // Ranges are of the file itself only where nothing is compressed on the way.
        let mut request = self.client.get(self.url).header(ACCEPT_ENCODING, "identity");
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
            if let Some(etag) = &self.etag {
                request = request.header(IF_RANGE, etag);
            }
        }
        let mut response = request.send().map_err(|error| self.stop_for(&error))?;
        self.reached = true;
        match response.status() {
            StatusCode::OK => self.start_anew(&response)?,
            StatusCode::PARTIAL_CONTENT => self.go_on(&response)?,
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => return self.nothing_more(&response),
            status => return Err(self.refused_stop(status)),
        }
        self.receive(&mut response)
    }

    /// The answer is the whole file.
    fn start_anew(&mut self, response: &Response) -> Result<(), Stop> {
        if header_text(response, CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html")) {
            return Err(reason_stop(format!("{} sent a web page instead of the file", self.peer)));
        }
        let size = header_text(response, CONTENT_LENGTH).and_then(|length| length.parse().ok());
        self.check_size(size)?;
        self.etag = strong_etag(response);
        // Only now: a page of a proxy or a server in trouble must not cost what is already here.
        self.part.clear().map_err(write_stop)?;
        self.joined = false;
        self.size = self.expected.or(size);
        self.check_space()
    }

    /// The answer is the file from some byte on.
    fn go_on(&mut self, response: &Response) -> Result<(), Stop> {
        let range = header_text(response, CONTENT_RANGE).and_then(ContentRange::parse);
        let size = range.as_ref().and_then(|range| range.size);
        self.check_size(size)?;
        let etag = strong_etag(response);
        let fits = range.is_some_and(|range| range.first == Some(self.part.len()))
            && (self.etag.is_none() || self.etag == etag)
            && (size.is_none() || self.size.is_none() || self.size == size);
        if !fits {
            self.restart_part()?;
            return Err(Stop::Again(format!("{} sent another piece than was asked for", self.peer)));
        }
        self.joined |= self.part.len() > 0 && self.etag.is_none();
        self.etag = etag;
        self.size = self.size.or(size);
        self.check_space()
    }

    /// The server has nothing beyond what is here: it is whole, or of another file.
    fn nothing_more(&mut self, response: &Response) -> Result<(), Stop> {
        let size =
            header_text(response, CONTENT_RANGE).and_then(ContentRange::parse).and_then(|range| range.size);
        self.check_size(size)?;
        if size == Some(self.part.len()) {
            self.joined = true;
            return Ok(());
        }
        self.restart_part()?;
        Err(Stop::Again("what an earlier try left is not of this file".to_owned()))
    }

    /// Makes the next try start from nothing.
    fn restart_part(&mut self) -> Result<(), Stop> {
        self.etag = None;
        self.size = self.expected;
        self.joined = false;
        self.part.clear().map_err(write_stop)
    }

    fn check_size(&self, size: Option<u64>) -> Result<(), Stop> {
        match (size, self.expected) {
            (Some(size), Some(expected)) if size != expected => {
                Err(reason_stop(format!("the file there has {size} bytes, {expected} were expected")))
            }
            (Some(size), None) if size > self.options.max_bytes => Err(reason_stop(format!(
                "the file there has {size} bytes, more than the {} that a model may have",
                self.options.max_bytes
            ))),
            _ => Ok(()),
        }
    }

    fn check_space(&self) -> Result<(), Stop> {
        let (Some(size), Some(free)) = (self.size, self.part.free_bytes()) else { return Ok(()) };
        let needed = size.saturating_sub(self.part.len());
        if needed <= free {
            return Ok(());
        }
        let text =
            format!("{:.1} MB are needed there, {:.1} MB are free", needed as f64 / 1e6, free as f64 / 1e6);
        Err(write_stop(io::Error::new(io::ErrorKind::StorageFull, text)))
    }

    fn receive(&mut self, response: &mut Response) -> Result<(), Stop> {
        let bound = self.size.unwrap_or(self.options.max_bytes);
        let mut buffer = vec![0; 1 << 16];
        let mut reported = None::<Instant>;
        loop {
            if reported.is_none_or(|at| at.elapsed() >= REPORT) {
                (self.progress)(Progress::Bytes { bytes: self.part.len(), of: self.size });
                reported = Some(Instant::now());
            }
            let n = response.read(&mut buffer).map_err(|error| self.stop_for(&error))?;
            if n == 0 {
                break;
            }
            if self.part.len() + n as u64 > bound {
                self.restart_part()?;
                return Err(reason_stop(format!("more than {bound} bytes came")));
            }
            self.part.append(&buffer[..n]).map_err(write_stop)?;
        }
        (self.progress)(Progress::Bytes { bytes: self.part.len(), of: self.size });
        match self.size {
            Some(size) if self.part.len() < size => Err(Stop::Again(words::broke_off(&self.peer))),
            _ => Ok(()),
        }
    }

    fn stop_for(&self, error: &(dyn Error + 'static)) -> Stop {
        let cause = Cause::from_error(error);
        let text = words::explain_error(error, &cause, &self.peer, self.options.stall);
        // A server that was reached once may be reached again. One that never was has a wrong name, or is off.
        let again = match cause {
            Cause::BrokeOff => true,
            Cause::Tls(_) | Cause::NotHttp(_) | Cause::Other(_) => false,
            Cause::UnknownName | Cause::NoConnection | Cause::Refused | Cause::NoWay(_) | Cause::Late => {
                self.reached
            }
        };
        if again { Stop::Again(text) } else { reason_stop(text) }
    }

    fn refused_stop(&self, status: StatusCode) -> Stop {
        let (peer, code) = (&self.peer, status.as_u16());
        match code {
            401 | 403 => reason_stop(format!("{peer} refuses to give it (HTTP {code})")),
            404 | 410 => reason_stop(format!("{peer} has no such file (HTTP {code})")),
            408 | 425 | 429 | 500..=599 => Stop::Again(format!("{peer} is in trouble (HTTP {code})")),
            _ => reason_stop(format!("{peer} answered HTTP {code}")),
        }
    }
}

/// `Content-Range`, RFC 9110 section 14.4: `bytes 5-9/10`, `bytes 5-9/*`, `bytes */10`.
struct ContentRange {
    first: Option<u64>,
    size: Option<u64>,
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
        let first = range.split_once('-').and_then(|(first, _)| first.parse().ok());
        Some(Self { first, size: size.parse().ok() })
    }
}

fn header_text(response: &Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// A weak one says nothing of single bytes.
fn strong_etag(response: &Response) -> Option<String> {
    header_text(response, ETAG).filter(|etag| etag.starts_with('"')).map(str::to_owned)
}

fn reason_stop(text: String) -> Stop {
    Stop::Finally(Failure::Reason(text))
}

fn write_stop(error: io::Error) -> Stop {
    Stop::Finally(Failure::Write(error))
}
