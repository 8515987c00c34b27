//! Streamers: a thread each, which sends pictures at a set rate and answers what the server says.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use parking_lot::Mutex;
use socket2::SockRef;
use thiserror::Error;

use super::pictures::Pictures;
use crate::live::fanout::Source;
use crate::live::kind::{Kind, WireError, check_status, take_line};
use crate::live::messages::{STREAM, close_error, contains_bytes};
use crate::live::sender::{Pace, write_all};
use crate::live::websocket::{self, Frames, Message, Opcode};

/// For an answer, and for a picture to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// For the server's side of a goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// Streams that are numbered from 0. They end when this is dropped.
pub(super) struct Streamers {
    shared: Arc<Shared>,
    threads: Vec<Option<Running>>,
}

struct Shared {
    /// Where streams go to, in turn; at least one.
    addresses: Vec<SocketAddr>,
    pictures: Arc<Pictures>,
    /// Pictures a second, in thousandths.
    rate: AtomicU64,
    /// Pictures sent so far, by stream.
    sent: Vec<AtomicU64>,
    /// Why a stream ended that was not told to.
    problem: Mutex<Option<String>>,
}

struct Running {
    leave: Arc<Leave>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Leave {
    now: AtomicBool,
    by_reset: AtomicBool,
}

struct Streamer {
    shared: Arc<Shared>,
    index: usize,
    stream: TcpStream,
    frames: Frames,
    ear: Ear,
}

/// What the server has said.
#[derive(Default)]
struct Ear {
    connected: bool,
    error: Option<String>,
    replies: Vec<u8>,
}

/// Why a stream ended.
#[derive(Debug, Error)]
enum Ended {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl Streamers {
    /// This many streams, all let in; pictures of one are due between those of the others. With several addresses, of which
    /// there has to be one, the first stream goes to the first, the second to the second, and so on.
    pub(super) fn start(
        addresses: Vec<SocketAddr>,
        pictures: Arc<Pictures>,
        count: usize,
        fps: f64,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            addresses,
            pictures,
            rate: AtomicU64::new(milli_fps(fps)),
            sent: (0..count).map(|_| AtomicU64::new(0)).collect(),
            problem: Mutex::new(None),
        });
        let mut streamers = Self { shared, threads: Vec::new() };
        streamers.threads.resize_with(count, || None);
        (0..count).try_for_each(|index| streamers.start_stream(index))?;
        Ok(streamers)
    }

    /// A stream begins, or begins again; its pictures are numbered on.
    pub(super) fn start_stream(&mut self, index: usize) -> Result<()> {
        let name = format!("{STREAM}{index}");
        let streamer = Streamer::open(self.shared.clone(), index)
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| format!("beginning the stream {name}"))?;
        let leave = Arc::new(Leave::default());
        let told = leave.clone();
        let thread = thread::Builder::new().name(name).spawn(move || streamer.run(&told))?;
        self.threads[index] = Some(Running { leave, thread });
        Ok(())
    }

    /// A stream ends: as a client that says goodbye, or by a reset. Returns when it has.
    pub(super) fn end_stream(&mut self, index: usize, reset: bool) {
        if let Some(running) = self.threads[index].take() {
            running.leave.by_reset.store(reset, Ordering::Relaxed);
            running.leave.now.store(true, Ordering::Relaxed);
            let _ = running.thread.join();
        }
    }

    /// Whether the stream is live.
    pub(super) fn is_live(&self, index: usize) -> bool {
        self.threads[index].is_some()
    }

    /// Why a stream ended that was not told to.
    pub(super) fn problem(&self) -> Option<String> {
        self.shared.problem.lock().clone()
    }
}

impl Source for Streamers {
    fn set_fps(&self, fps: f64) {
        self.shared.rate.store(milli_fps(fps), Ordering::Relaxed);
    }

    fn sent_count(&self) -> u64 {
        self.shared.sent.iter().map(|sent| sent.load(Ordering::Relaxed)).sum()
    }
}

impl Drop for Streamers {
    fn drop(&mut self) {
        for running in self.threads.iter().flatten() {
            running.leave.now.store(true, Ordering::Relaxed);
        }
        (0..self.threads.len()).for_each(|index| self.end_stream(index, false));
    }
}

fn milli_fps(fps: f64) -> u64 {
    (fps * 1000.0).max(1.0) as u64
}

impl Streamer {
    /// Connects, and waits to be let in.
    fn open(shared: Arc<Shared>, index: usize) -> Result<Self, Ended> {
        let address = shared.addresses[index % shared.addresses.len()];
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let kind = Kind::for_messages(shared.pictures.are_binary());
        stream.write_all(kind.format_request(&format!("/ws/stream/{STREAM}{index}"), address).as_bytes())?;
        let (mut line, mut buffer) = (Vec::new(), [0; 4096]);
        let mut streamer = Self { shared, index, stream, frames: Frames::default(), ear: Ear::default() };
        let mut upgraded = false;
        while !streamer.ear.connected {
            let read = streamer.stream.read(&mut buffer)?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let mut bytes = &buffer[..read];
            while !upgraded {
                let Some(at) = take_line(&mut line, &mut bytes)? else { break };
                check_status(&line[at.clone()], 101)?;
                upgraded = at.is_empty();
                line.clear();
                if upgraded {
                    let hello = websocket::encode_masked(Opcode::Text, br#"{"analysis_mode":"normal"}"#);
                    streamer.stream.write_all(&hello)?;
                }
            }
            if upgraded {
                streamer.handle_bytes(bytes)?;
            }
        }
        Ok(streamer)
    }

    fn run(mut self, leave: &Leave) {
        if let Err(error) = self.send_pictures(leave) {
            *self.shared.problem.lock() = Some(format!("{STREAM}{} ended: {error}", self.index));
        } else if leave.by_reset.load(Ordering::Relaxed) {
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        } else {
            // Whether it is heard is the server's affair.
            let _ = self.say_goodbye();
        }
    }

    fn send_pictures(&mut self, leave: &Leave) -> Result<(), Ended> {
        let (all, rate) = (self.shared.sent.len(), self.shared.rate.load(Ordering::Relaxed));
        let share = Duration::from_secs_f64(1000.0 / rate as f64 * self.index as f64 / all as f64);
        let mut pace = Pace::from(Instant::now() + share);
        while !leave.now.load(Ordering::Relaxed) {
            self.read_messages()?;
            if !pace.wait_due(self.shared.rate.load(Ordering::Relaxed)) {
                continue;
            }
            let sequence = self.shared.sent[self.index].load(Ordering::Relaxed);
            let (start, rest) = self.shared.pictures.encode_message(self.index, sequence);
            self.shared.sent[self.index].store(sequence + 1, Ordering::Relaxed);
            write_all(&mut self.stream, &mut [IoSlice::new(&start), IoSlice::new(&rest)])?;
        }
        Ok(())
    }

    /// Hears what has come, without waiting, and answers it.
    fn read_messages(&mut self) -> Result<(), Ended> {
        let mut buffer = [0; 4096];
        loop {
            self.stream.set_nonblocking(true)?;
            let read = self.stream.read(&mut buffer);
            self.stream.set_nonblocking(false)?;
            match read {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(read) => self.handle_bytes(&buffer[..read])?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        let replies = std::mem::take(&mut self.ear.replies);
        Ok(self.stream.write_all(&replies)?)
    }

    fn handle_bytes(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        let ear = &mut self.ear;
        self.frames.feed(bytes, |message| Ok(ear.handle_message(message)?))
    }

    fn say_goodbye(&mut self) -> io::Result<()> {
        self.stream.write_all(&websocket::encode_masked(Opcode::Close, &1000_u16.to_be_bytes()))?;
        self.stream.set_read_timeout(Some(GOODBYE))?;
        while self.stream.read(&mut [0; 1024])? > 0 {}
        self.stream.shutdown(Shutdown::Both)
    }
}

impl Ear {
    fn handle_message(&mut self, message: Message<'_>) -> Result<(), WireError> {
        let start = message.start;
        match message.opcode {
            Opcode::Ping => self.replies.extend(websocket::encode_masked(Opcode::Pong, start)),
            Opcode::Text if contains_bytes(start, b"\"connected\"") => self.connected = true,
            Opcode::Text if contains_bytes(start, b"\"error\"") => {
                self.error = Some(String::from_utf8_lossy(start).into_owned());
            }
            Opcode::Text if contains_bytes(start, b"\"ping\"") => {
                self.replies.extend(websocket::encode_masked(Opcode::Text, br#"{"type":"pong"}"#));
            }
            Opcode::Close => return Err(close_error(start, self.error.take())),
            _ => {}
        }
        Ok(())
    }
}
