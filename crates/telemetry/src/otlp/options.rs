//! `otlp.*`: where metrics and log lines are sent.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use sightwire_settings::{ConfigError, Section, Values, section};
use tracing::Level;

/// Bytes of the file with headers, at most.
const MAX_FILE: u64 = 64 << 10;

/// Where metrics and log lines are sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Otlp {
    /// Without a slash at its end, and without a secret.
    pub endpoint: String,
    /// Of each request; their values are secrets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// From one sending to the next.
    pub interval: Duration,
    /// Whether metrics are sent.
    pub metrics: bool,
    /// Log lines of this level and above are sent; `None`: none are.
    pub logs: Option<Level>,
}

impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

section! {
    /// As it is configured.
    struct OtlpKeys: "otlp" {
        /// Where metrics and log lines are sent over OTLP (http/protobuf): a collector's address, such as
        /// `http://127.0.0.1:4318`; `/v1/metrics` and `/v1/logs` are put after it. Empty: nothing is sent anywhere.
        endpoint: String = key("endpoint", Text, "").secret();
        /// File with headers of each request, one `Name: value` a line, for a collector that asks for a key.
        headers_file: Option<PathBuf> = key("headers_file", Path, "");
        /// Seconds from one sending to the next. A collector that does not take what is sent is asked more and more
        /// seldom.
        interval: Duration = key("interval_s", Seconds(1.0, 3600.0), 10.0);
        /// Send metrics, those of /metrics.
        metrics: bool = key("metrics", Flag, true);
        /// Send log lines of this level and above: error, warn, info, or off.
        logs: Option<Level> = key("logs", Choice(&["error", "warn", "info", "off"]), "warn") => parse_level;
    }
}

/// The keys of the collector.
pub static OTLP: Section = Section::new("otlp", OtlpKeys::KEYS);

impl Otlp {
    /// As these values say; `None` where nothing is sent.
    pub fn read(values: Values<'_>) -> Result<Option<Self>, ConfigError> {
        let OtlpKeys { endpoint, headers_file, interval, metrics, logs } = OtlpKeys::read(values)?;
        if endpoint.is_empty() {
            if headers_file.is_none() {
                return Ok(None);
            }
            let reason = "nothing is sent while otlp.endpoint is empty; set that, or take this away";
            return Err(values.invalid("otlp.headers_file", reason));
        }
        let uri: Option<Uri> = endpoint.parse().ok();
        let is_fine = |uri: &Uri| {
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            matches!(uri.scheme_str(), Some("http" | "https"))
                && !authority.contains('@')
                && uri.query().is_none()
        };
        if !uri.as_ref().is_some_and(is_fine) {
            let reason = "write it as http://127.0.0.1:4318, without name, password or query; a key belongs into otlp.headers_file";
            return Err(values.invalid("otlp.endpoint", reason));
        }
        let headers = headers_file.map_or(Ok(Vec::new()), |file| read_headers(&file));
        let headers = headers.map_err(|reason| values.invalid("otlp.headers_file", &reason))?;
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Ok(Some(Self { endpoint, headers, interval, metrics, logs }))
    }
}

/// Lines that are sent, by the word of the configuration.
fn parse_level(word: &str) -> Option<Level> {
    match word {
        "error" => Some(Level::ERROR),
        "warn" => Some(Level::WARN),
        "info" => Some(Level::INFO),
        _ => None,
    }
}

/// What is wrong never shows what stands in the file.
fn read_headers(file: &Path) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let unread = |error: std::io::Error| format!("it cannot be read: {error}");
    if fs::metadata(file).map_err(unread)?.len() > MAX_FILE {
        return Err(format!("it has more than {MAX_FILE} bytes"));
    }
    let text = fs::read_to_string(file).map_err(unread)?;
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            let header = line.split_once(':').and_then(|(name, value)| {
                let mut value = HeaderValue::from_str(value.trim()).ok()?;
                value.set_sensitive(true);
                Some((name.trim().parse().ok()?, value))
            });
            header.ok_or_else(|| format!("line {number} of it is no header such as `Name: value`"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use sightwire_settings::{Layers, Sections};

    use super::*;

    static SECTIONS: Sections = Sections::new(&[&OTLP]);

    fn of(set: &[&str]) -> Result<Option<Otlp>, String> {
        let mut layers = Layers::defaults(SECTIONS);
        for set in set {
            layers.add_flag(set).map_err(|error| error.to_string())?;
        }
        Otlp::read(Values::new(&layers)).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_sent_until_somebody_says_where_to() {
        assert!(of(&[]).unwrap().is_none());
        let otlp = of(&["otlp.endpoint=http://127.0.0.1:4318/"]).unwrap().unwrap();
        assert_eq!(otlp.endpoint, "http://127.0.0.1:4318");
        assert_eq!((otlp.metrics, otlp.logs), (true, Some(Level::WARN)));
    }

    #[test]
    fn a_key_of_the_collector_is_read_from_a_file_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("headers");
        fs::write(&file, "# of the collector\nx-sentry-auth: sentry sentry_key=s3cret\n\n").unwrap();
        let named = format!("otlp.headers_file={}", file.display());
        let endpoint = "otlp.endpoint=https://o1.example/api/1/integration/otlp";
        let otlp = of(&[endpoint, &named]).unwrap().unwrap();
        assert_eq!(otlp.headers[0].0, "x-sentry-auth");
        assert_eq!(otlp.headers[0].1, "sentry sentry_key=s3cret");
        assert!(!format!("{otlp:?} {:?}", otlp.headers).contains("s3cret"));
        fs::write(&file, "x: y\ns3cret\n").unwrap();
        let error = of(&[endpoint, &named]).unwrap_err();
        assert!(error.contains("line 2") && !error.contains("s3cret"), "{error}");
        assert!(of(&[&named]).unwrap_err().contains("otlp.endpoint is empty"));
    }

    #[test]
    fn what_cannot_be_sent_to_is_a_mistake_that_shows_no_password() {
        for wrong in ["127.0.0.1:4318", "ftp://a", "http://me:s3cret@a:4318", "http://a/?key=b", "otlp"] {
            let error = of(&[&format!("otlp.endpoint={wrong}")]).unwrap_err();
            assert!(error.contains("otlp.headers_file") && !error.contains("s3cret"), "{error}");
        }
        assert!(of(&["otlp.logs=loud"]).unwrap_err().contains("error, warn, info or off"));
    }
}
