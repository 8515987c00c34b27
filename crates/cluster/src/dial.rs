//! Connections to other processes.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Bytes go both ways over it.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection to another process.
pub type Connection = Box<dyn Duplex>;

/// A connection that is being made.
pub type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<Connection>> + Send + 'a>>;

/// How other processes are reached.
pub trait Dial: fmt::Debug + Send + Sync + 'static {
    /// A new connection to `http://` or `https://`, host and port. The caller sees to a deadline.
    fn dial<'a>(&'a self, url: &'a str) -> Dialing<'a>;
}

/// A peer that takes nothing for this long is gone.
const TAKES_NOTHING: Duration = Duration::from_millis(2500);
/// Unread bytes that the system holds: a busy process is not to find seconds of old pictures.
const UNREAD: usize = 512 << 10;

/// Over TCP, encrypted where the address says so.
#[derive(Debug)]
pub struct Net {
    tls: Option<Arc<ClientConfig>>,
}

impl Net {
    /// `tls` says whose certificates are trusted; without it no `https://` can be reached.
    pub fn new(tls: Option<Arc<ClientConfig>>) -> Self {
        Self { tls }
    }

    async fn connect(&self, url: &str) -> io::Result<Connection> {
        let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
        let uri: Uri = url.parse().map_err(|_| invalid("its address is none"))?;
        let host = uri.host().ok_or_else(|| invalid("its address has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let secured = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secured { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        socket.set_tcp_user_timeout(Some(TAKES_NOTHING))?;
        socket.set_recv_buffer_size(UNREAD)?;
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(5)))?;
        if !secured {
            return Ok(Box::new(stream));
        }
        let tls = self.tls.clone().ok_or_else(|| invalid("it has https, and nothing says whom to trust"))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| invalid("its host is no name"))?;
        Ok(Box::new(TlsConnector::from(tls).connect(name, stream).await?))
    }
}

impl Dial for Net {
    fn dial<'a>(&'a self, url: &'a str) -> Dialing<'a> {
        Box::pin(self.connect(url))
    }
}
