//! A camera that speaks no HTTP, or hardly: pictures without a head (`GStreamer`'s `tcpserversink`), `ICY 200 OK`, heads that no
//! client reads. It is asked as any other, and whatever comes is looked through for pictures.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::AUTHORIZATION;
use sightwire_http_client::trust;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Host;

use super::SourceError;
use super::address::{AddressError, CameraUrl};
use super::web::Web;

/// Bytes of a head, at most; what is longer is taken for pictures.
const MAX_HEAD: usize = 16 << 10;
/// Read at once.
const CHUNK: usize = 16 << 10;

/// What comes from a camera, behind its head if it has one.
pub(super) struct RawAnswer {
    stream: TcpStream,
    /// Read already.
    first: Option<Bytes>,
    camera: String,
}

impl RawAnswer {
    /// Connects to a checked address, asks, and takes off what looks like a head.
    pub(super) async fn open(web: &Web, camera: &CameraUrl, patience: Duration) -> Result<Self, SourceError> {
        let late = |_| SourceError::NoAnswer { camera: camera.to_string(), after: patience };
        timeout(patience, Self::send_request(web, camera)).await.map_err(late)?
    }

    async fn send_request(web: &Web, camera: &CameraUrl) -> Result<Self, SourceError> {
        let name = camera.to_string();
        let broken =
            |error: std::io::Error| SourceError::Broken { camera: name.clone(), reason: error.to_string() };
        let mut stream = connect_camera(web, camera).await?;
        stream.write_all(format_request(camera).as_bytes()).await.map_err(broken)?;
        let mut read = BytesMut::new();
        loop {
            if stream.read_buf(&mut read).await.map_err(broken)? == 0 {
                break;
            }
            match parse_head(&read) {
                Head::More => {}
                Head::None => break,
                Head::Ends { at, status: None | Some(200) } => {
                    let _ = read.split_to(at);
                    break;
                }
                Head::Ends { status: Some(status), .. } => {
                    return Err(SourceError::Status { camera: name.clone(), status });
                }
            }
        }
        Ok(Self { stream, first: Some(read.freeze()), camera: name })
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next_chunk(&mut self) -> Result<Option<Bytes>, SourceError> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Ok(Some(first));
        }
        let mut read = BytesMut::with_capacity(CHUNK);
        let count = self.stream.read_buf(&mut read).await;
        let broken = |error: std::io::Error| SourceError::Broken {
            camera: self.camera.clone(),
            reason: error.to_string(),
        };
        Ok((count.map_err(broken)? > 0).then(|| read.freeze()))
    }
}

async fn connect_camera(web: &Web, camera: &CameraUrl) -> Result<TcpStream, SourceError> {
    let (host, port) = (camera.host(), camera.port());
    let unreachable = |error: std::io::Error| SourceError::Unreachable {
        camera: camera.to_string(),
        reason: error.to_string(),
    };
    let addresses: Vec<IpAddr> = match &host {
        Host::Ipv4(address) => vec![(*address).into()],
        Host::Ipv6(address) => vec![(*address).into()],
        Host::Domain(name) => web.resolver().resolve(name).await.map_err(unreachable)?,
    };
    let mut why = None;
    for address in addresses {
        if let Err(kind) = web.check_connect(&host, port, address) {
            let (camera, host) = (camera.to_string(), host.to_string());
            why = Some(AddressError::Forbidden { camera, host, kind }.into());
            continue;
        }
        match timeout(web.connect_timeout(), TcpStream::connect(SocketAddr::new(address, port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => why = Some(unreachable(error)),
            Err(_) => {
                let (camera, reason) = (camera.to_string(), "it does not answer".to_owned());
                why = Some(SourceError::Unreachable { camera, reason });
            }
        }
    }
    Err(why.unwrap_or_else(|| unreachable(std::io::ErrorKind::NotFound.into())))
}

/// Of a version whose answers come in one piece.
fn format_request(camera: &CameraUrl) -> String {
    let url = camera.url();
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    let who =
        authorization_header(camera).map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
    let host = url.host_str().unwrap_or_default();
    format!("GET {}{query} HTTP/1.0\r\nHost: {host}\r\nAccept: */*\r\n{who}\r\n", url.path())
}

/// As the other client writes it.
fn authorization_header(camera: &CameraUrl) -> Option<String> {
    let credentials = camera.credentials()?;
    let client = sightwire_http_client::direct_builder(trust::trust_nobody()).build().ok()?;
    let request = client.get(camera.url().clone()).basic_auth(&credentials.name, Some(&credentials.password));
    let request = request.build().ok()?;
    Some(request.headers().get(AUTHORIZATION)?.to_str().ok()?.to_owned())
}

/// What the beginning of an answer is.
#[derive(Debug, PartialEq, Eq)]
enum Head {
    /// It cannot be told yet.
    More,
    /// It has no head of HTTP, or none that ends.
    None,
    /// It ends before that byte.
    Ends { at: usize, status: Option<u16> },
}

fn parse_head(bytes: &[u8]) -> Head {
    const BEGINNINGS: [&[u8]; 2] = [b"HTTP/", b"ICY "];
    let is_one = |beginning: &&[u8]| bytes.starts_with(beginning);
    if !BEGINNINGS.iter().any(is_one) {
        let may_become = |beginning: &&[u8]| beginning.starts_with(bytes);
        return if BEGINNINGS.iter().any(may_become) { Head::More } else { Head::None };
    }
    let empty_line =
        |end: &[u8]| bytes.windows(end.len()).position(|part| part == end).map(|at| at + end.len());
    let ends = [empty_line(b"\r\n\r\n"), empty_line(b"\n\n")].into_iter().flatten().min();
    match ends {
        Some(at) => {
            let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let status = words.nth(1).and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
            Head::Ends { at, status }
        }
        None if bytes.len() >= MAX_HEAD => Head::None,
        None => Head::More,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_taken_off_however_odd_it_is_and_pictures_are_none() {
        let ends = |text: &str, status| Head::Ends { at: text.len(), status };
        for (text, status) in [
            ("ICY 200 OK\r\nicy-name: cam\r\n\r\n", Some(200)),
            ("HTTP/1.0 401 no\n\n", Some(401)),
            ("HTTP/x.y  200\r\nX: \u{1}\u{7f}\r\n\r\n", Some(200)),
            ("HTTP/1.1\r\n\r\n", None),
        ] {
            assert_eq!(parse_head(text.as_bytes()), ends(text, status), "{text:?}");
            for cut in 0..text.len() {
                assert_eq!(parse_head(&text.as_bytes()[..cut]), Head::More, "{text:?} {cut}");
            }
        }
        assert_eq!(parse_head(b"\xff\xd8\xff\xe0"), Head::None);
        assert_eq!(parse_head(b"--frame\r\n"), Head::None);
        assert_eq!(parse_head(&[b"HTTP/1.1 200 OK\r\n", &[b'x'; MAX_HEAD][..]].concat()), Head::None);
    }
}
