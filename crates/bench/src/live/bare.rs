//! What a server is measured by: a bare loop that writes the same bytes to as many sockets, in a process of its own.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use clap::ValueEnum as _;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};

use super::kind::Kind;
use super::viewers::Ask;

const WAKE: Token = Token(usize::MAX);
/// Without a rate: how often the bytes are made anew.
const ANEW: Duration = Duration::from_millis(33);

/// The options of the loop's own process.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How pictures are sent
    #[arg(long, value_enum, default_value_t = Kind::Multipart)]
    kind: Kind,
    /// Pictures a second for each socket; 0: as fast as they are taken
    #[arg(long, default_value_t = 0.0)]
    fps: f64,
    /// Bytes of a picture
    #[arg(long, default_value_t = 75_000)]
    bytes: usize,
    /// Threads, each with its share of the sockets
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

/// A child process that runs the bare loop; killed when this is dropped.
pub(crate) struct Bare {
    child: Child,
    address: SocketAddr,
    kind: Kind,
}

impl Bare {
    /// Starts the process and waits for its address.
    pub(crate) fn start(kind: Kind, fps: f64, bytes: usize, threads: usize) -> Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        let name = kind.to_possible_value().context("the kind's name")?;
        let mut child = Command::new(program)
            .args(["bare", "--kind", name.get_name(), "--fps", &fps.to_string()])
            .args(["--bytes", &bytes.to_string(), "--threads", &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the bare loop")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("the bare loop said {line:?}"))?;
        Ok(Self { child, address, kind })
    }

    /// Who asks for its pictures.
    pub(crate) fn make_ask(&self) -> Ask {
        Ask { address: self.address, path: "/".to_owned(), kind: self.kind, keep: false }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the loop until the parent's end of the pipe closes.
pub(crate) fn main(args: &Args) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").context("opening a port")?;
    println!("{}", listener.local_addr()?);
    thread::spawn(|| {
        // The parent has ended, however it ended.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let writers = (0..args.threads.max(1)).map(|_| Writer::start(args)).collect::<Result<Vec<_>>>()?;
    for (stream, (give, waker)) in listener.incoming().zip(writers.iter().cycle()) {
        let mut stream = stream?;
        stream.set_nodelay(true)?;
        let mut request = [0; 4096];
        if stream.read(&mut request)? > 0 {
            stream.write_all(args.kind.answer_head())?;
            stream.set_nonblocking(true)?;
            give.send(TcpStream::from_std(stream)).ok().context("a writer has ended")?;
            waker.wake()?;
        }
    }
    Ok(())
}

struct Writer {
    poll: Poll,
    new: mpsc::Receiver<TcpStream>,
    sockets: Vec<Socket>,
    /// Sockets that have room.
    ready: VecDeque<usize>,
    part: Bytes,
    kind: Kind,
    bytes: usize,
    sequence: u64,
    /// Whether each picture is sent once and then waited for the next.
    paced: bool,
}

struct Socket {
    stream: TcpStream,
    /// What is being written, and how far.
    part: Bytes,
    at: usize,
    is_ready: bool,
    ended: bool,
}

impl Writer {
    fn start(args: &Args) -> Result<(mpsc::Sender<TcpStream>, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (give, new) = mpsc::channel();
        let mut writer = Self {
            poll,
            new,
            sockets: Vec::new(),
            ready: VecDeque::new(),
            part: Bytes::new(),
            kind: args.kind,
            bytes: args.bytes,
            sequence: 0,
            paced: args.fps > 0.0,
        };
        let interval = if args.fps > 0.0 { Duration::from_secs_f64(1.0 / args.fps) } else { ANEW };
        thread::Builder::new().name("bare".to_owned()).spawn(move || writer.run(interval))?;
        Ok((give, waker))
    }

    fn run(&mut self, interval: Duration) -> io::Result<()> {
        let (mut events, mut due) = (Events::with_capacity(1024), Instant::now());
        loop {
            let now = Instant::now();
            if now >= due {
                due = due.max(now.checked_sub(interval).unwrap_or(now)) + interval;
                self.part = self.kind.encode_picture(self.bytes, self.sequence);
                self.sequence += 1;
                if self.paced {
                    (0..self.sockets.len()).for_each(|index| self.begin_part(index));
                }
            }
            // One part each, so that all get their turn; then a look at what else has happened.
            for _ in 0..self.ready.len() {
                if let Some(index) = self.ready.pop_front() {
                    self.write_socket(index);
                }
            }
            let wait = if self.ready.is_empty() {
                due.saturating_duration_since(Instant::now())
            } else {
                Duration::ZERO
            };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                if event.token() == WAKE {
                    while let Ok(stream) = self.new.try_recv() {
                        self.add_socket(stream)?;
                    }
                } else if event.is_writable() {
                    self.queue_socket(event.token().0);
                }
            }
        }
    }

    fn add_socket(&mut self, mut stream: TcpStream) -> io::Result<()> {
        let index = self.sockets.len();
        self.poll.registry().register(&mut stream, Token(index), Interest::WRITABLE)?;
        let at = self.part.len();
        self.sockets.push(Socket { stream, part: self.part.clone(), at, is_ready: false, ended: false });
        if self.paced {
            Ok(())
        } else {
            self.begin_part(index);
            Ok(())
        }
    }

    /// The newest part is next, if the last one is through.
    fn begin_part(&mut self, index: usize) {
        let socket = &mut self.sockets[index];
        if socket.at == socket.part.len() {
            (socket.part, socket.at) = (self.part.clone(), 0);
            self.queue_socket(index);
        }
    }

    fn queue_socket(&mut self, index: usize) {
        let socket = &mut self.sockets[index];
        if !socket.is_ready && !socket.ended && socket.at < socket.part.len() {
            socket.is_ready = true;
            self.ready.push_back(index);
        }
    }

    fn write_socket(&mut self, index: usize) {
        let socket = &mut self.sockets[index];
        socket.is_ready = false;
        loop {
            match socket.stream.write(&socket.part[socket.at..]) {
                Ok(0) => socket.ended = true,
                Ok(written) => socket.at += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => socket.ended = true,
            }
            if socket.ended {
                return;
            }
            if socket.at == socket.part.len() {
                break;
            }
        }
        if !self.paced {
            self.begin_part(index);
        }
    }
}
