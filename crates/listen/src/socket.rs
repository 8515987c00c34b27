//! What connections come from and go over: TCP, or pipes in memory, which keep to the runtime's clock; either with TLS.

use std::future::{Future, poll_fn};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use rustls::ServerConnection;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;

/// A peer that acknowledges nothing for this long has vanished.
const VANISHED: Duration = Duration::from_millis(2500);
/// Unread bytes the kernel may hold for one connection beyond what is in flight; less means fresher replies.
const UNSENT_BYTES: u32 = 16 << 10;
/// Connection requests that wait while none is accepted.
const BACKLOG: u32 = 4096;

/// A connection and the address of its peer, when one comes.
pub type Accepting<'a> = Pin<Box<dyn Future<Output = io::Result<(Socket, SocketAddr)>> + Send + 'a>>;

/// What connections come from.
pub trait Listener: Send + 'static {
    /// Waits for the next connection. Dropping the future loses none.
    fn accept(&mut self) -> Accepting<'_>;

    /// The address that clients open.
    fn address(&self) -> io::Result<SocketAddr>;
}

/// Binds a TCP address. `v6_only`: an IPv6 address leaves IPv4 to another listener.
pub fn bind_tcp(address: SocketAddr, v6_only: bool) -> io::Result<TcpListener> {
    let socket =
        if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() && v6_only {
        SockRef::from(&socket).set_only_v6(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Listener for TcpListener {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            let (stream, peer) = TcpListener::accept(self).await?;
            Ok((Socket::Tcp(stream), peer))
        })
    }

    fn address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}

/// Accepts what its [`Dialer`]s connect.
#[derive(Debug)]
pub struct PipeListener {
    address: SocketAddr,
    incoming: mpsc::Receiver<(DuplexStream, SocketAddr)>,
}

/// Connects to a [`PipeListener`].
#[derive(Clone, Debug)]
pub struct Dialer {
    address: SocketAddr,
    outgoing: mpsc::Sender<(DuplexStream, SocketAddr)>,
    buffer: usize,
}

/// A listener without a network. Each direction of its connections holds this many unread bytes.
pub fn new_pipes(address: SocketAddr, buffer: usize) -> (Dialer, PipeListener) {
    let (outgoing, incoming) = mpsc::channel(BACKLOG as usize);
    (Dialer { address, outgoing, buffer }, PipeListener { address, incoming })
}

impl Dialer {
    /// Connects; the server sees `peer` as the client's address. An error when the server has gone.
    pub async fn connect(&self, peer: SocketAddr) -> io::Result<DuplexStream> {
        let (near, far) = tokio::io::duplex(self.buffer);
        let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
        self.outgoing.send((far, peer)).await.map_err(refused)?;
        Ok(near)
    }

    /// The address that the listener goes by.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Listener for PipeListener {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            match self.incoming.recv().await {
                Some((stream, peer)) => Ok((Socket::Pipe(Pipe::new(stream)), peer)),
                // Nobody can connect any more.
                None => std::future::pending().await,
            }
        })
    }

    fn address(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// What a connection goes over.
#[derive(Debug)]
pub enum Socket {
    /// A connection through the kernel.
    Tcp(TcpStream),
    /// A connection within this process, through memory.
    Pipe(Pipe),
    /// One of these, encrypted.
    Secured(Box<TlsStream<Socket>>),
}

/// One end of a pipe.
#[derive(Debug)]
pub struct Pipe {
    stream: DuplexStream,
    /// A byte that was looked at and not taken.
    ahead: Option<u8>,
    /// Who waits for room.
    writer: Option<Waker>,
}

impl Pipe {
    fn new(stream: DuplexStream) -> Self {
        Self { stream, ahead: None, writer: None }
    }

    /// What came of a write; if nothing, the writer waits.
    fn record_write<T>(&mut self, cx: &Context<'_>, written: Poll<T>) -> Poll<T> {
        if written.is_pending() {
            self.writer = Some(cx.waker().clone());
        }
        written
    }

    /// Nobody waits for what this does not write, and who waited before goes on waiting.
    fn send_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let waker = self.writer.as_ref().unwrap_or(Waker::noop());
        match Pin::new(&mut self.stream).poll_write(&mut Context::from_waker(waker), bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// Writes what there is room for, and waits for nothing.
struct Now<'a>(&'a mut Socket);

impl io::Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send_now(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads what has come, and wakes the task when more does.
struct Came<'a, 'b> {
    socket: &'a mut Socket,
    cx: &'a mut Context<'b>,
}

impl io::Read for Came<'_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(bytes);
        match Pin::new(&mut *self.socket).poll_read(self.cx, &mut buf) {
            Poll::Ready(read) => read.map(|()| buf.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// Sends of what is encrypted as much as there is room for at this moment; how much that was.
fn send_encrypted_now(socket: &mut Socket, session: &mut ServerConnection) -> io::Result<usize> {
    let mut sent = 0;
    while session.wants_write() {
        match session.write_tls(&mut Now(socket)) {
            Ok(0) => break,
            Ok(count) => sent += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

/// Whether something can be read (1), or the peer has closed (0).
fn poll_decrypted(
    cx: &mut Context<'_>,
    socket: &mut Socket,
    session: &mut ServerConnection,
) -> Poll<io::Result<usize>> {
    loop {
        let state = session.process_new_packets();
        let state = state.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if state.plaintext_bytes_to_read() > 0 {
            return Poll::Ready(Ok(1));
        }
        if state.peer_has_closed() {
            return Poll::Ready(Ok(0));
        }
        match session.read_tls(&mut Came { socket, cx }) {
            Ok(0) => return Poll::Ready(Ok(0)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}

impl Socket {
    /// What this connection is after its handshake.
    pub fn from_tls(stream: TlsStream<Self>) -> Self {
        Self::Secured(Box::new(stream))
    }

    /// Whether what was written may wait for the kernel here: then it is gone only when it was flushed.
    pub fn keeps_what_is_written(&self) -> bool {
        matches!(self, Self::Secured(_))
    }

    /// The first byte that comes, which stays to be read; `None` where the peer closes before.
    pub async fn first_byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        if let Self::Tcp(stream) = self {
            return Ok((stream.peek(&mut byte).await? > 0).then_some(byte[0]));
        }
        poll_fn(|cx| self.poll_peek(cx)).await?;
        Ok(if let Self::Pipe(pipe) = self { pipe.ahead } else { None })
    }

    /// Prompt writes, and a peer that vanished is found.
    pub fn set_options(&self) -> io::Result<()> {
        let Self::Tcp(stream) = self else { return Ok(()) };
        stream.set_nodelay(true)?;
        let socket = SockRef::from(stream);
        // A peer that vanished without a word: probes find it where nothing is being sent, the user timeout where
        // something is.
        socket.set_tcp_keepalive(
            &TcpKeepalive::new()
                .with_time(Duration::from_secs(1))
                .with_interval(Duration::from_secs(1))
                .with_retries(3),
        )?;
        #[cfg(target_os = "linux")]
        {
            socket.set_tcp_user_timeout(Some(VANISHED))?;
            socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
        }
        Ok(())
    }

    /// The kernel gives up no peer by itself any more.
    pub fn disable_user_timeout(&self) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Tcp(stream) => SockRef::from(stream).set_tcp_user_timeout(None),
            Self::Secured(stream) => stream.get_ref().0.disable_user_timeout(),
            _ => Ok(()),
        }
    }

    /// As many bytes as there is room for at this moment, though the socket may not be called writable. None, where it took some
    /// of what was written before.
    pub fn send_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => SockRef::from(&*stream).send(bytes),
            Self::Pipe(pipe) => pipe.send_now(bytes),
            Self::Secured(stream) => {
                let (socket, session) = stream.get_mut();
                let before = send_encrypted_now(socket, session)?;
                let taken = session.writer().write(bytes)?;
                let after = send_encrypted_now(socket, session)?;
                if before + taken + after == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(taken) }
            }
        }
    }

    /// Whether the peer has closed (`Ok(0)`) or sent something (`Ok(1)`), which stays to be read.
    pub fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut byte = [0];
        let mut buf = ReadBuf::new(&mut byte);
        match self {
            Self::Tcp(stream) => stream.poll_peek(cx, &mut buf),
            Self::Pipe(pipe) => {
                if pipe.ahead.is_none() {
                    ready!(Pin::new(&mut pipe.stream).poll_read(cx, &mut buf))?;
                    pipe.ahead = buf.filled().first().copied();
                }
                Poll::Ready(Ok(usize::from(pipe.ahead.is_some())))
            }
            Self::Secured(stream) => {
                let (socket, session) = stream.get_mut();
                poll_decrypted(cx, socket, session)
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Pipe(pipe) => {
                if buf.remaining() > 0
                    && let Some(byte) = pipe.ahead.take()
                {
                    buf.put_slice(&[byte]);
                    return Poll::Ready(Ok(()));
                }
                Pin::new(&mut pipe.stream).poll_read(cx, buf)
            }
            Self::Secured(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Pipe(pipe) => {
                let written = Pin::new(&mut pipe.stream).poll_write(cx, buf);
                pipe.record_write(cx, written)
            }
            Self::Secured(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Pipe(pipe) => {
                let written = Pin::new(&mut pipe.stream).poll_write_vectored(cx, bufs);
                pipe.record_write(cx, written)
            }
            Self::Secured(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Pipe(pipe) => pipe.stream.is_write_vectored(),
            Self::Secured(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Pipe(pipe) => Pin::new(&mut pipe.stream).poll_flush(cx),
            Self::Secured(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Pipe(pipe) => Pin::new(&mut pipe.stream).poll_shutdown(cx),
            Self::Secured(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_looked_at_in_a_pipe_is_still_read() {
        let (dialer, mut listener) = new_pipes(([127, 0, 0, 1], 80).into(), 64);
        let mut near = dialer.connect(([127, 0, 0, 9], 1).into()).await.unwrap();
        let (mut far, peer) = listener.accept().await.unwrap();
        assert_eq!((peer.port(), dialer.address()), (1, listener.address().unwrap()));
        near.write_all(b"abc").await.unwrap();
        for _ in 0..2 {
            assert_eq!(poll_fn(|cx| far.poll_peek(cx)).await.unwrap(), 1);
        }
        let mut read = [0; 3];
        far.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"abc");
        drop(near);
        assert_eq!(poll_fn(|cx| far.poll_peek(cx)).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_pipe_takes_nothing_now_and_later_again() {
        let (dialer, mut listener) = new_pipes(([127, 0, 0, 1], 80).into(), 4);
        let mut near = dialer.connect(([127, 0, 0, 9], 1).into()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        assert_eq!(far.send_now(b"abcdef").unwrap(), 4);
        assert_eq!(far.send_now(b"ef").unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(near.read_u8().await.unwrap(), b'a');
        assert_eq!(far.send_now(b"ef").unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_room_in_a_pipe_is_woken_though_something_was_to_be_sent_at_once_meanwhile() {
        let (dialer, mut listener) = new_pipes(([127, 0, 0, 1], 80).into(), 4);
        let mut near = dialer.connect(([127, 0, 0, 9], 1).into()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        far.write_all(b"abcd").await.unwrap();
        let reading = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            near.read_u8().await.unwrap();
            near
        });
        let mut looked = false;
        let write = poll_fn(|cx| {
            let written = Pin::new(&mut far).poll_write(cx, b"e");
            if written.is_pending() && !std::mem::replace(&mut looked, true) {
                assert_eq!(far.send_now(b"e").unwrap_err().kind(), io::ErrorKind::WouldBlock);
            }
            written
        });
        let written = tokio::time::timeout(Duration::from_secs(2), write).await;
        assert_eq!(written.expect("it is woken").unwrap(), 1);
        reading.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_connects_to_a_server_that_has_gone() {
        let (dialer, listener) = new_pipes(([127, 0, 0, 1], 80).into(), 4);
        drop(listener);
        let refused = dialer.connect(([127, 0, 0, 9], 1).into()).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }
}
