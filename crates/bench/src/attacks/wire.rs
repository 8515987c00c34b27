//! As much of WebSocket and Socket.IO as an attacker and an honest client need, on a blocking socket.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Opcode of a frame that carries text.
pub(super) const TEXT: u8 = 1;
/// Opcode of a ping of the protocol.
pub(super) const PING: u8 = 9;
const PONG: u8 = 10;
/// Frames of the protocols here are short.
const MAX_PAYLOAD: usize = 1 << 20;

/// A frame of a client; its mask is all zeros.
pub(super) fn encode_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        middle @ 126..65_536 => {
            frame.push(0x80 | 0x7E);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 0x7F);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// A `frame` event with a picture.
pub(super) fn encode_event(picture: &[u8]) -> Vec<u8> {
    let text = base64_simd::STANDARD.encode_to_string(picture);
    format!(r#"42["frame",{{"image":"{text}"}}]"#).into_bytes()
}

/// A client's end of a WebSocket, with what was read and not yet parsed.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Socket {
    /// Connects and shakes hands.
    pub(super) fn open(address: SocketAddr, path: &str) -> io::Result<Self> {
        let mut stream = connect_stream(address)?;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        let (head, rest) = read_head(&mut stream)?;
        if !head.starts_with("HTTP/1.1 101") {
            return Err(io::Error::other(head));
        }
        Ok(Self { stream, buffer: rest })
    }

    /// A Socket.IO session that has been told `status`.
    pub(super) fn open_session(address: SocketAddr) -> io::Result<Self> {
        let mut socket = Self::open(address, "/socket.io/?EIO=4&transport=websocket")?;
        socket.next()?;
        socket.send(TEXT, b"40")?;
        loop {
            let text = socket.next()?;
            if text.starts_with(b"42[\"status\"") {
                return Ok(socket);
            }
            if text.starts_with(b"42[\"error\"") || text.starts_with(b"44") {
                return Err(io::Error::other(String::from_utf8_lossy(&text).into_owned()));
            }
        }
    }

    pub(super) fn send(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&encode_frame(opcode, payload))
    }

    /// The next text. Engine.IO's pings are answered on the way.
    pub(super) fn next(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let (opcode, payload) = self.next_frame()?;
            match (opcode, &payload[..]) {
                (TEXT, b"2") => self.send(TEXT, b"3")?,
                (TEXT, _) => return Ok(payload),
                (PONG, _) => {}
                _ => return Err(io::Error::other(format!("a frame of kind {opcode}"))),
            }
        }
    }

    fn next_frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        loop {
            if let Some((opcode, start, end)) = parse_frame(&self.buffer) {
                let payload = self.buffer.get(start..end).unwrap_or_default().to_vec();
                self.buffer.drain(..end);
                return Ok((opcode, payload));
            }
            let mut some = [0; 16 << 10];
            let count = self.stream.read(&mut some)?;
            if count == 0 || self.buffer.len() > MAX_PAYLOAD {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend(some.get(..count).unwrap_or_default());
        }
    }
}

/// Kind, and where the payload of the first frame is, if it is all there.
fn parse_frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let [first, second, rest @ ..] = bytes else { return None };
    let (start, length) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(rest.first_chunk::<2>().copied()?))),
        127 => (10, u64::from_be_bytes(rest.first_chunk::<8>().copied()?) as usize),
        short => (2, usize::from(short)),
    };
    (bytes.len() >= start + length).then_some((first & 0x0f, start, start + length))
}

/// A connection whose reads do not wait for ever.
pub(super) fn connect_stream(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

/// The head of an answer, and what came with it.
pub(super) fn read_head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        if let Some(end) = all.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let rest = all.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&all).into_owned(), rest));
        }
        let mut some = [0; 4096];
        let count = stream.read(&mut some)?;
        if count == 0 || all.len() > 64 << 10 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        all.extend(some.get(..count).unwrap_or_default());
    }
}

/// One request on a connection that is kept, and the body of its answer.
pub(super) fn send_request(
    stream: &mut TcpStream,
    method: &str,
    path: &str,
    body: &[u8],
) -> io::Result<(String, Vec<u8>)> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
        stream.peer_addr()?,
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    let (head, mut rest) = read_head(stream)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let length: usize = length.ok_or_else(|| io::Error::other("an answer without a length"))?;
    let have = rest.len();
    rest.resize(length.max(have), 0);
    stream.read_exact(rest.get_mut(have..).unwrap_or_default())?;
    Ok((head, rest))
}
