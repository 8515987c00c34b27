//! Requests, within bounds.

use axum::extract::Query;
use http::Uri;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes of a request.
pub const MAX_BYTES: usize = 8 << 10;

/// A request for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub path: String,
    pub query: Vec<(String, String)>,
    /// The header of that name.
    pub authorization: Option<String>,
    /// Whether the client goes on with this connection.
    pub keep_alive: bool,
}

impl Request {
    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Why something is not a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The connection ended or broke within it.
    #[error("the connection ended within a request")]
    Ended,
    #[error("the request has more than {MAX_BYTES} bytes")]
    TooLong,
    /// Not HTTP.
    #[error("this is no HTTP request")]
    Malformed,
    /// Not GET.
    #[error("only GET is answered here")]
    Method,
}

impl RequestError {
    /// Status line of the answer, if there is anyone to answer.
    pub fn status(&self) -> Option<&'static str> {
        match self {
            Self::Ended => None,
            Self::TooLong => Some("431 Request Header Fields Too Large"),
            Self::Malformed => Some("400 Bad Request"),
            Self::Method => Some("405 Method Not Allowed"),
        }
    }
}

/// Reads the next request. `buffer` keeps what came after it. `None`: the client has closed between requests.
pub async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Result<Option<Request>, RequestError> {
    let mut searched = 0;
    loop {
        if let Some(end) = find_end(buffer, searched) {
            let request = parse_request(&buffer[..end]);
            buffer.drain(..end);
            return request.map(Some);
        }
        searched = buffer.len().saturating_sub(3);
        if buffer.len() >= MAX_BYTES {
            return Err(RequestError::TooLong);
        }
        let mut bytes = [0; 1024];
        match stream.read(&mut bytes).await {
            Ok(0) if buffer.is_empty() => return Ok(None),
            Ok(0) | Err(_) => return Err(RequestError::Ended),
            Ok(count) => buffer.extend_from_slice(&bytes[..count]),
        }
    }
}

/// Where the empty line ends.
fn find_end(bytes: &[u8], from: usize) -> Option<usize> {
    let at = bytes[from..].windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(from + at + 4)
}

/// Parses a request as far as its empty line.
pub fn parse_request(head: &[u8]) -> Result<Request, RequestError> {
    let text = std::str::from_utf8(head).map_err(|_| RequestError::Malformed)?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(RequestError::Malformed);
    };
    let mut keep_alive = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        _ => return Err(RequestError::Malformed),
    };
    let mut authorization = None;
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(RequestError::Malformed)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("connection") {
            keep_alive = !value.eq_ignore_ascii_case("close")
                && (keep_alive || value.eq_ignore_ascii_case("keep-alive"));
        } else if name.eq_ignore_ascii_case("authorization") {
            authorization = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("transfer-encoding")
            || name.eq_ignore_ascii_case("content-length") && value != "0"
        {
            return Err(RequestError::Malformed);
        }
    }
    if method != "GET" {
        return Err(RequestError::Method);
    }
    let target: Uri = target.parse().map_err(|_| RequestError::Malformed)?;
    let Query(query) = Query::try_from_uri(&target).map_err(|_| RequestError::Malformed)?;
    Ok(Request { path: target.path().to_owned(), query, authorization, keep_alive })
}
