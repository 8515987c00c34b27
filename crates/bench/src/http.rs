//! As much of HTTP/1.1 as a load generator needs: one keep-alive connection, one request at a time.

use std::{io, time::Duration};

use crate::load::target::Target;
use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// An answer larger than this ends the connection: nothing this program asks for comes near it.
const MAX_BODY_BYTES: usize = 32 << 20;
const MAX_LINE_BYTES: u64 = 16 << 10;
const MAX_HEADERS: usize = 100;

/// One connection to the server.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    authority: String,
}

/// An answer's status and body.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The whole body, its transfer encoding removed.
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(target: &Target, timeout: Duration) -> io::Result<Self> {
        let stream = tokio::time::timeout(timeout, TcpStream::connect(target.address)).await??;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), authority: target.authority.clone() })
    }

    /// Sends a GET and reads the whole answer.
    pub(crate) async fn get(&mut self, path: &str) -> io::Result<Response> {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\n\r\n", self.authority);
        self.stream.get_mut().write_all(head.as_bytes()).await?;
        self.read_response().await
    }

    /// Sends a POST of `text/plain` whose body is the `parts` one after the other, and reads the answer.
    pub(crate) async fn post(&mut self, path: &str, parts: &[Bytes]) -> io::Result<Response> {
        self.send("POST", path, "text/plain;charset=UTF-8", parts).await
    }

    /// Sends a request with that body, and reads the answer.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        parts: &[Bytes],
    ) -> io::Result<Response> {
        let length: usize = parts.iter().map(Bytes::len).sum();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n",
            self.authority
        );
        self.stream.get_mut().write_all(head.as_bytes()).await?;
        for part in parts {
            self.stream.get_mut().write_all(part).await?;
        }
        self.read_response().await
    }

    async fn read_response(&mut self) -> io::Result<Response> {
        let line = self.read_line().await?;
        let status = line
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.split(' ').nth(1))
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| malformed_error("status line"))?;
        let mut length = Some(0);
        for _ in 0..MAX_HEADERS {
            let line = self.read_line().await?;
            if line.is_empty() {
                let body = match length {
                    Some(length) => self.read_exactly(length).await?,
                    None => self.read_chunks().await?,
                };
                return Ok(Response { status, body });
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed_error("header"))?;
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse().map_err(|_| malformed_error("Content-Length"))?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                length = None;
            }
        }
        Err(malformed_error("header count"))
    }

    async fn read_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.read_line().await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| malformed_error("chunk size"))?;
            if body.len() + size > MAX_BODY_BYTES {
                return Err(malformed_error("body length"));
            }
            body.extend_from_slice(&self.read_exactly(size).await?);
            if !self.read_line().await?.is_empty() {
                return Err(malformed_error("chunk end"));
            }
            if size == 0 {
                return Ok(body);
            }
        }
    }

    async fn read_exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if length > MAX_BODY_BYTES {
            return Err(malformed_error("body length"));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(body)
    }

    async fn read_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.stream).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await?;
        if line.pop() != Some(b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        String::from_utf8(line).map_err(|_| malformed_error("text"))
    }
}

fn malformed_error(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server's HTTP answer has a malformed {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn answer(raw: &'static str) -> io::Result<Response> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(raw.as_bytes()).await.unwrap();
        });
        let target = Target { authority: address.to_string(), address };
        let response = Connection::open(&target, Duration::from_secs(2)).await?.get("/").await;
        server.await.unwrap();
        response
    }

    #[tokio::test]
    async fn bodies_with_length_and_in_chunks_are_read() {
        let sized = answer("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await.unwrap();
        assert_eq!((sized.status, sized.body.as_slice()), (200, b"hello".as_slice()));
        let chunked =
            "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        let chunked = answer(chunked).await.unwrap();
        assert_eq!((chunked.status, chunked.body.as_slice()), (404, b"hello".as_slice()));
    }

    #[tokio::test]
    async fn a_broken_answer_is_an_error() {
        for raw in
            ["SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", "HTTP/1.1 200 OK\r\n"]
        {
            assert!(answer(raw).await.is_err(), "{raw}");
        }
    }
}
