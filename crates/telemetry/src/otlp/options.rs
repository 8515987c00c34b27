//! `otlp.*`: where metrics and log lines are sent.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use tracing::Level;

use super::{ConfigError, Values};

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

pub(super) fn read(r: &Values<'_>) -> Result<Option<Otlp>, ConfigError> {
    let logs = match r.text("otlp.logs").as_str() {
        "off" => None,
        "error" => Some(Level::ERROR),
        "warn" => Some(Level::WARN),
        "info" => Some(Level::INFO),
        _ => return Err(r.invalid("otlp.logs", "it must be error, warn, info or off")),
    };
    let interval = r.seconds("otlp.interval_s", 1.0, 3600.0)?;
    let (endpoint, file) = (r.text("otlp.endpoint"), r.text("otlp.headers_file"));
    if endpoint.is_empty() {
        if file.is_empty() {
            return Ok(None);
        }
        let reason = "nothing is sent while otlp.endpoint is empty; set that, or take this away";
        return Err(r.invalid("otlp.headers_file", reason));
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
        return Err(r.invalid("otlp.endpoint", reason));
    }
    let headers = if file.is_empty() { Ok(Vec::new()) } else { headers(Path::new(&file)) };
    let headers = headers.map_err(|reason| r.invalid("otlp.headers_file", &reason))?;
    let endpoint = endpoint.trim_end_matches('/').to_owned();
    Ok(Some(Otlp { endpoint, headers, interval, metrics: r.flag("otlp.metrics"), logs }))
}

/// What is wrong never shows what stands in the file.
fn headers(file: &Path) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
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
    use crate::{Config, Layers};

    fn of(set: &[&str]) -> Result<Config, String> {
        let mut layers = Layers::defaults();
        for set in set {
            layers.add_flag(set).map_err(|error| error.to_string())?;
        }
        Config::from_layers(&layers).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_sent_until_somebody_says_where_to() {
        assert!(of(&[]).unwrap().otlp.is_none());
        let otlp = of(&["otlp.endpoint=http://127.0.0.1:4318/"]).unwrap().otlp.unwrap();
        assert_eq!(otlp.endpoint, "http://127.0.0.1:4318");
        assert_eq!((otlp.metrics, otlp.logs), (true, Some(tracing::Level::WARN)));
    }

    #[test]
    fn a_key_of_the_collector_is_read_from_a_file_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("headers");
        std::fs::write(&file, "# of the collector\nx-sentry-auth: sentry sentry_key=s3cret\n\n").unwrap();
        let named = format!("otlp.headers_file={}", file.display());
        let endpoint = "otlp.endpoint=https://o1.example/api/1/integration/otlp";
        let config = of(&[endpoint, &named]).unwrap();
        let otlp = config.otlp.clone().unwrap();
        assert_eq!(otlp.headers[0].0, "x-sentry-auth");
        assert_eq!(otlp.headers[0].1, "sentry sentry_key=s3cret");
        assert!(!format!("{config:?} {:?}", otlp.headers).contains("s3cret"));
        std::fs::write(&file, "x: y\ns3cret\n").unwrap();
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
