//! Many viewers on one thread: large reads, nothing kept, nothing looked at but headers and stamps.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::load::stats::{Percentiles, histogram_percentiles};
use anyhow::{Context as _, Result, bail};
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, SockRef, Socket, Type};

use super::kind::{Kind, Part, Wire};
use super::stamp::now_ns;

const READ_BYTES: usize = 256 << 10;
const WAKE: Token = Token(usize::MAX);
/// How long all viewers together have to get their first picture.
const BEGIN: Duration = Duration::from_secs(30);

/// What viewers have got since the last question.
#[derive(Debug, Clone, Default)]
pub(crate) struct Got {
    /// Pictures that came whole.
    pub(crate) parts: u64,
    /// Bytes from the sockets.
    pub(crate) bytes: u64,
    /// Numbers that were left out between two parts of one source at one viewer.
    pub(crate) skipped: u64,
    /// The same of the viewer that lost the most.
    pub(crate) most_skipped: u64,
    /// Parts that came again.
    pub(crate) duplicates: u64,
    /// Parts older than the one before.
    pub(crate) disordered: u64,
    /// Parts whose size or stream is not that of their stamp.
    pub(crate) damaged: u64,
    /// By source: the longest that a viewer waited from one part to the next, in nanoseconds.
    pub(crate) gaps_ns: Vec<u64>,
    /// From the sending to the part's last byte read.
    pub(crate) age: Percentiles,
    /// Parts that carry no stamp: drawn or encoded anew.
    pub(crate) unstamped: u64,
    /// Parts of the viewer that got the fewest.
    pub(crate) least_parts: u64,
    /// Viewers that have never got a part.
    pub(crate) waiting: usize,
    /// Viewers that are connected.
    pub(crate) viewers: usize,
    /// Viewers whose answer ended or went wrong, and what the last one said.
    pub(crate) lost: u64,
    /// Why the last viewer was lost.
    pub(crate) problem: Option<String>,
    /// Pictures with the time of their last byte, where they are kept.
    pub(crate) kept: Vec<(u64, Vec<u8>)>,
}

/// Which answer is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// The server that is asked.
    pub(crate) address: SocketAddr,
    /// Path and query of the request.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    /// Whether whole pictures are kept, with their times.
    pub(crate) keep: bool,
}

/// The viewers of one scenario. They leave when this is dropped.
pub(crate) struct Viewers {
    commands: mpsc::Sender<Command>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

enum Command {
    Open(Vec<Viewer>),
    Take(mpsc::Sender<Got>),
    /// One leaves, or all; by a reset if so wished.
    Leave {
        which: Option<usize>,
        reset: bool,
    },
}

struct Viewer {
    stream: TcpStream,
    wire: Box<dyn Wire>,
    /// Answers that the socket has not taken yet.
    replies: Vec<u8>,
    tally: Tally,
    ended: bool,
}

/// What one viewer has got.
#[derive(Default)]
struct Tally {
    parts: u64,
    skipped: u64,
    /// The newest part of each source, by the source's number; none before the first.
    last: Vec<Option<Last>>,
    has_any: bool,
}

/// The newest part of a source.
#[derive(Clone, Copy)]
struct Last {
    sequence: u64,
    at_ns: u64,
}

struct Reading {
    poll: Poll,
    commands: mpsc::Receiver<Command>,
    /// By their tokens; none where one has left.
    viewers: Vec<Option<Viewer>>,
    got: Got,
    ages: Histogram<u64>,
}

impl Viewers {
    /// A thread without viewers.
    pub(crate) fn start() -> Result<Self> {
        let poll = Poll::new().context("starting to poll")?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (give, commands) = mpsc::channel();
        let ages = Histogram::new_with_bounds(1, 600_000_000, 3)?;
        let reading = Reading { poll, commands, viewers: Vec::new(), got: Got::default(), ages };
        let thread = thread::Builder::new().name("viewers".to_owned()).spawn(move || reading.run())?;
        Ok(Self { commands: give, waker, thread: Some(thread) })
    }

    /// This many more viewers; they are numbered from 0 in the order in which they came.
    pub(crate) fn start_viewers(&self, ask: &Ask, count: usize) -> Result<()> {
        let viewers = (0..count).map(|_| Viewer::open(ask)).collect::<Result<Vec<_>>>()?;
        self.send_command(Command::Open(viewers))
    }

    /// This many more viewers; returns when each of them and of those before has a picture.
    pub(crate) fn open_viewers(&self, ask: &Ask, count: usize) -> Result<()> {
        self.start_viewers(ask, count)?;
        let begun = Instant::now();
        loop {
            let got = self.take_results()?;
            if let Some(problem) = got.problem {
                bail!("a viewer of {} got no pictures: {problem}", ask.path);
            }
            if got.waiting == 0 {
                return Ok(());
            }
            if begun.elapsed() > BEGIN {
                bail!("not every viewer of {} had a picture within {} s", ask.path, BEGIN.as_secs());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// What they have got since the last time.
    pub(crate) fn take_results(&self) -> Result<Got> {
        let (give, take) = mpsc::channel();
        self.send_command(Command::Take(give))?;
        take.recv().context("the viewers' thread has ended")
    }

    /// That one leaves, or all. Returns when their sockets are closed.
    pub(crate) fn remove_viewers(&self, which: Option<usize>, reset: bool) -> Result<Got> {
        self.send_command(Command::Leave { which, reset })?;
        self.take_results()
    }

    fn send_command(&self, command: Command) -> Result<()> {
        self.commands.send(command).ok().context("the viewers' thread has ended")?;
        self.waker.wake().context("waking the viewers' thread")
    }
}

impl Drop for Viewers {
    fn drop(&mut self) {
        let (give, _) = mpsc::channel();
        self.commands = give;
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Connects and asks; blocking, since a connection to this machine is made at once. `receive_bytes`: the size of its
/// receive buffer, which has to be set before.
pub(crate) fn connect_viewer(ask: &Ask, receive_bytes: Option<usize>) -> io::Result<std::net::TcpStream> {
    let socket = Socket::new(Domain::for_address(ask.address), Type::STREAM, None)?;
    if let Some(bytes) = receive_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.connect(&ask.address.into())?;
    let mut stream = std::net::TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.write_all(ask.kind.format_request(&ask.path, ask.address).as_bytes())?;
    Ok(stream)
}

impl Viewer {
    fn open(ask: &Ask) -> Result<Self> {
        let stream = connect_viewer(ask, None).context("connecting a viewer")?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: TcpStream::from_std(stream),
            wire: ask.kind.make_wire(ask.keep),
            replies: Vec::new(),
            tally: Tally::default(),
            ended: false,
        })
    }

    /// Reads what is there. Whether the answer goes on.
    fn read_parts(&mut self, buffer: &mut [u8], got: &mut Got, ages: &mut Histogram<u64>) -> Result<bool> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => bail!("the server closed"),
                Ok(read) => {
                    got.bytes += read as u64;
                    let (now_ns, tally) = (now_ns(), &mut self.tally);
                    let mut count = |part| tally.count_part(part, now_ns, got, ages);
                    self.wire.feed(&buffer[..read], &mut count)?;
                    self.send_replies();
                    // Less than there was room for: that was all, and the next byte is told of.
                    if read < buffer.len() {
                        return Ok(!self.wire.has_ended());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Answers are few bytes: what the socket does not take now goes out after the next read.
    fn send_replies(&mut self) {
        self.replies.append(&mut self.wire.take_replies());
        if !self.replies.is_empty() {
            let written = self.stream.write(&self.replies).unwrap_or(0);
            self.replies.drain(..written);
        }
    }
}

impl Tally {
    fn count_part(&mut self, part: Part, now_ns: u64, got: &mut Got, ages: &mut Histogram<u64>) {
        got.parts += 1;
        self.parts += 1;
        self.has_any = true;
        got.damaged += u64::from(!part.whole);
        match part.stamp {
            None => got.unstamped += 1,
            Some(stamp) => {
                ages.saturating_record(stamp.age(now_ns).as_micros() as u64);
                let source = stamp.source as usize;
                if let Some(last) = element_mut(&mut self.last, source)
                    .replace(Last { sequence: stamp.sequence, at_ns: now_ns })
                {
                    let gap = element_mut(&mut got.gaps_ns, source);
                    *gap = now_ns.saturating_sub(last.at_ns).max(*gap);
                    match stamp.sequence.checked_sub(last.sequence) {
                        None => got.disordered += 1,
                        Some(0) => got.duplicates += 1,
                        Some(step) => {
                            got.skipped += step - 1;
                            self.skipped += step - 1;
                        }
                    }
                }
            }
        }
        if !part.jpeg.is_empty() {
            got.kept.push((now_ns, part.jpeg));
        }
    }

    /// The waits that go on.
    fn count_gaps(&self, now_ns: u64, gaps_ns: &mut Vec<u64>) {
        for (source, last) in self.last.iter().enumerate() {
            if let Some(last) = last {
                let gap = element_mut(gaps_ns, source);
                *gap = now_ns.saturating_sub(last.at_ns).max(*gap);
            }
        }
    }
}

/// The element, which is made if it is not there.
fn element_mut<T: Default + Clone>(all: &mut Vec<T>, index: usize) -> &mut T {
    if all.len() <= index {
        all.resize(index + 1, T::default());
    }
    &mut all[index]
}

impl Reading {
    fn run(mut self) {
        let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; READ_BYTES]);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
                Ok(()) => {}
            }
            for event in &events {
                let viewer = self.viewers.get_mut(event.token().0).and_then(Option::as_mut);
                let Some(viewer) = viewer.filter(|viewer| !viewer.ended) else { continue };
                let problem = match viewer.read_parts(&mut buffer, &mut self.got, &mut self.ages) {
                    Ok(true) => continue,
                    Ok(false) => "the answer ended".to_owned(),
                    Err(error) => error.to_string(),
                };
                viewer.ended = true;
                self.got.lost += 1;
                self.got.problem = Some(problem);
                let _ = self.poll.registry().deregister(&mut viewer.stream);
            }
            loop {
                match self.commands.try_recv() {
                    Ok(command) => self.handle_command(command),
                    Err(mpsc::TryRecvError::Empty) => break,
                    Err(mpsc::TryRecvError::Disconnected) => return,
                }
            }
        }
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Open(viewers) => {
                for mut viewer in viewers {
                    let token = Token(self.viewers.len());
                    let registered =
                        self.poll.registry().register(&mut viewer.stream, token, Interest::READABLE);
                    if let Err(error) = registered {
                        self.got.problem = Some(error.to_string());
                    }
                    self.viewers.push(Some(viewer));
                }
            }
            Command::Take(give) => {
                let mut got = std::mem::take(&mut self.got);
                got.least_parts = u64::MAX;
                let now_ns = now_ns();
                for viewer in self.viewers.iter_mut().flatten() {
                    let tally = &mut viewer.tally;
                    tally.count_gaps(now_ns, &mut got.gaps_ns);
                    got.least_parts = got.least_parts.min(std::mem::take(&mut tally.parts));
                    got.most_skipped = got.most_skipped.max(std::mem::take(&mut tally.skipped));
                    got.waiting += usize::from(!tally.has_any);
                    got.viewers += usize::from(!viewer.ended);
                }
                got.age = histogram_percentiles(&self.ages);
                self.ages.reset();
                let _ = give.send(got);
            }
            Command::Leave { which, reset } => {
                let all = 0..self.viewers.len();
                for viewer in &mut self.viewers[which.map_or(all, |one| one..one + 1)] {
                    // Closing it takes it out of the poll.
                    if let Some(viewer) = viewer.take().filter(|_| reset) {
                        let _ = SockRef::from(&viewer.stream).set_linger(Some(Duration::ZERO));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::stamp::Stamp;
    use crate::cameras::camera::Camera;

    use super::*;

    fn camera() -> (Camera, Ask) {
        let camera = Camera::start(vec![Bytes::from(vec![0xff; 5000]); 3], 50.0).unwrap();
        let address = camera.url().strip_prefix("http://").unwrap().strip_suffix("/stream").unwrap().parse();
        let (address, path) = (address.unwrap(), "/stream".to_owned());
        let ask = Ask { address, path, kind: Kind::Multipart, keep: false };
        (camera, ask)
    }

    #[test]
    fn what_viewers_get_is_counted_until_they_leave() {
        let ((camera, ask), viewers) = (camera(), Viewers::start().unwrap());
        viewers.open_viewers(&ask, 3).unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        let mut got = viewers.take_results().unwrap();
        while got.parts < 3 && Instant::now() < until {
            thread::sleep(Duration::from_millis(200));
            got = viewers.take_results().unwrap();
        }
        assert_eq!((got.viewers, got.waiting, got.lost, got.unstamped), (3, 0, 0, 0));
        // The camera counts for all its readers together.
        assert_eq!((got.duplicates, got.disordered, got.damaged), (0, 0, 0));
        assert_eq!(got.gaps_ns.len(), 1);
        assert!(got.parts >= 3 && got.age.count == got.parts && got.bytes > got.parts * 5000);
        viewers.remove_viewers(Some(1), true).unwrap();
        assert_eq!(viewers.take_results().unwrap().viewers, 2);
        assert!(camera.left_at(Duration::from_millis(20)).is_none());
        assert_eq!(viewers.remove_viewers(None, false).unwrap().viewers, 0);
        assert!(camera.left_at(Duration::from_secs(30)).is_some());
    }

    #[test]
    fn pictures_are_kept_where_it_is_asked_for_and_a_refusal_is_told() {
        let ((_camera, ask), viewers) = (camera(), Viewers::start().unwrap());
        viewers.start_viewers(&Ask { keep: true, ..ask.clone() }, 1).unwrap();
        let mut kept = Vec::new();
        while kept.is_empty() {
            thread::sleep(Duration::from_millis(10));
            kept = viewers.take_results().unwrap().kept;
        }
        assert!(kept[0].1.starts_with(&[0xff, 0xff, 0xff, 0xfe]), "the stamp follows the first two bytes");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let refusing = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.1 503 Busy\r\n\r\n").unwrap();
            let _ = stream.read(&mut [0; 100]);
        });
        let error = viewers.open_viewers(&Ask { address, ..ask }, 1).unwrap_err();
        assert!(error.to_string().contains("503"), "{error}");
        refusing.join().unwrap();
    }

    #[test]
    fn pictures_lost_doubled_or_out_of_order_are_counted_by_source_and_viewer() {
        let (mut got, mut ages) = (Got::default(), Histogram::new_with_bounds(1, 600_000_000, 3).unwrap());
        let mut tally = Tally::default();
        let parts = [(0, 5), (1, 70), (0, 6), (0, 9), (0, 9), (1, 71), (0, 8), (1, 75)];
        for (ms, (source, sequence)) in parts.into_iter().enumerate() {
            let stamp = Some(Stamp::now(source, 1000, sequence));
            let part = Part { stamp, bytes: 1000, whole: sequence != 6, jpeg: Vec::new() };
            tally.count_part(part, ms as u64 * 1_000_000, &mut got, &mut ages);
        }
        assert_eq!(
            (got.parts, got.skipped, got.duplicates, got.disordered, got.damaged),
            (8, 2 + 3, 1, 1, 1)
        );
        assert_eq!((tally.parts, tally.skipped), (8, 5));
        assert_eq!(got.gaps_ns, [2_000_000, 4_000_000]);
        tally.count_gaps(20_000_000, &mut got.gaps_ns);
        assert_eq!(got.gaps_ns, [14_000_000, 13_000_000]);
    }
}
