//! A connection to Redis, and why there is none in words that show no password.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ErrorKind, InfoDict, IntoConnectionInfo as _, ProtocolVersion,
    PushInfo, RedisConnectionInfo, RedisError,
};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::heard::Heard;
use crate::store::{Refusal, StoreError};

/// Longest time until there is a way to Redis, and again until it has answered what is asked first.
const CONNECTED: Duration = Duration::from_secs(1);
/// Commands that wait to be sent; more wait at their callers.
const PIPELINED: usize = 64;
/// The first version that takes our scripts.
const OLDEST: u32 = 7;
/// Longest text of Redis's own that is passed on.
const MAX_WORDS: usize = 200;

/// Where Redis is, and as whom we ask there.
#[derive(Clone)]
pub(super) struct Address {
    place: Place,
    settings: RedisConnectionInfo,
}

#[derive(Clone)]
enum Place {
    Tcp { host: String, port: u16, tls: Option<TlsConnector> },
    Unix(PathBuf),
}

/// A URL that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is of another form.
    #[error(
        "must be redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// with the same, or redis+unix:///PATH[?db=DATABASE&user=USER&pass=PASSWORD]; what is no letter or digit in a user or password is written as % and two hexadecimal digits"
    )]
    Form,
    /// A secure connection is asked for, and nobody is trusted.
    #[error("begins with rediss://, and no certificate authority is trusted")]
    NobodyTrusted,
}

/// Without its password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Host and port, or a path.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { host, port, .. } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Place::Tcp { host, port, .. } => write!(f, "{host}:{port}"),
            Place::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What bytes go over.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// What drives a connection. It ends with it, and ends it when it is dropped.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Address {
    pub(super) fn from_url(url: &str, trust: Option<Arc<ClientConfig>>) -> Result<Self, UrlError> {
        // The part after `#` is how the crate is told to check no certificate.
        let (scheme, rest) = url.split_once("://").filter(|_| !url.contains('#')).ok_or(UrlError::Form)?;
        // The crate reads the secure scheme only where it has its own TLS.
        let (plain, is_secure) = match scheme {
            "redis" => ("redis", false),
            "rediss" => ("redis", true),
            "redis+unix" | "unix" => ("redis+unix", false),
            _ => return Err(UrlError::Form),
        };
        let info = format!("{plain}://{rest}").into_connection_info().map_err(|_| UrlError::Form)?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let tls = match trust {
            _ if !is_secure => None,
            Some(trust) => Some(TlsConnector::from(trust)),
            None => return Err(UrlError::NobodyTrusted),
        };
        let place = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Place::Tcp { host: host.clone(), port: *port, tls },
            ConnectionAddr::Unix(path) => Place::Unix(path.clone()),
            _ => return Err(UrlError::Form),
        };
        Ok(Self { place, settings })
    }

    /// A connection on which messages are heard already or will be, and its driver, which nobody has begun to poll.
    pub(super) async fn dial(
        &self,
        heard: Arc<Heard>,
    ) -> Result<(MultiplexedConnection, Driver), StoreError> {
        let wire = timeout(CONNECTED, self.open_wire()).await.map_err(|_| {
            away_error(format!("{self} takes no connection within {} s", CONNECTED.as_secs()))
        })??;
        let config = AsyncConnectionConfig::new()
            // The caller has a deadline for all that an answer takes.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(PIPELINED)
            .set_push_sender(move |push: PushInfo| {
                heard.take_push(&push);
                Ok::<(), ()>(())
            });
        let made = MultiplexedConnection::new_with_config(&self.settings, wire, config);
        let made = timeout(CONNECTED, made).await.map_err(|_| self.late_error(CONNECTED))?;
        let (connection, driver) = made.map_err(|error| self.command_error(&error))?;
        Ok((connection, Box::pin(driver)))
    }

    /// Asks who is there, and for all messages. Answers the version of Redis.
    pub(super) async fn greet_server(
        &self,
        connection: &mut MultiplexedConnection,
        channel: &str,
    ) -> Result<Arc<str>, StoreError> {
        let greeted = timeout(CONNECTED, async {
            let info: InfoDict = redis::cmd("INFO").query_async(connection).await?;
            connection.subscribe(channel).await?;
            Ok(info)
        });
        let info = greeted
            .await
            .map_err(|_| self.late_error(CONNECTED))?
            .map_err(|error| self.command_error(&error))?;
        let version: String = info.get("redis_version").unwrap_or_default();
        let first = version.split('.').next().and_then(|first| first.parse::<u32>().ok());
        if first.is_none_or(|first| first < OLDEST) {
            return Err(Refusal::TooOld(shorten_text(&version)).into());
        }
        if info.get::<String>("role").is_some_and(|role| role == "slave") {
            return Err(Refusal::Replica.into());
        }
        Ok(shorten_text(&version))
    }

    async fn open_wire(&self) -> Result<Box<dyn Wire>, StoreError> {
        let (host, port, tls) = match &self.place {
            Place::Tcp { host, port, tls } => (host, *port, tls),
            Place::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(|error| self.no_way(&error))?;
                return Ok(Box::new(stream));
            }
        };
        let stream = self.connect_tcp(host, port).await?;
        let Some(tls) = tls else { return Ok(Box::new(stream)) };
        let insecure =
            |error: &dyn fmt::Display| away_error(format!("{self}: no secure connection: {error}"));
        let name = ServerName::try_from(host.clone()).map_err(|error| insecure(&error))?;
        let stream = tls.connect(name, stream).await.map_err(|error| insecure(&error))?;
        Ok(Box::new(stream))
    }

    async fn connect_tcp(&self, host: &str, port: u16) -> Result<TcpStream, StoreError> {
        let unknown = || away_error(format!("the name {host} cannot be resolved"));
        let addresses = lookup_host((host, port)).await.map_err(|_| unknown())?;
        let mut last = unknown();
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    set_socket_options(&stream).map_err(|error| self.no_way(&error))?;
                    return Ok(stream);
                }
                Err(error) => last = self.no_way(&error),
            }
        }
        Err(last)
    }

    fn no_way(&self, error: &io::Error) -> StoreError {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => away_error(format!("nothing listens at {self}")),
            _ => away_error(format!("no way to {self}: {error}")),
        }
    }

    /// There was no answer.
    pub(super) fn late_error(&self, after: Duration) -> StoreError {
        away_error(format!("{self} does not answer within {} ms", after.as_millis()))
    }

    /// The connection is gone.
    pub(super) fn lost_error(&self) -> StoreError {
        away_error(format!("the connection to {self} was lost"))
    }

    /// The answer is none of ours.
    pub(super) fn odd_answer(&self) -> StoreError {
        away_error(format!("{self} answers what cannot be understood; something else writes there"))
    }

    /// What a failed command means.
    pub(super) fn command_error(&self, error: &RedisError) -> StoreError {
        let words = self.redact_words(error.detail().unwrap_or_default());
        match (error.kind(), error.code()) {
            (ErrorKind::RESP3NotSupported, _) => Refusal::TooOld("5 or older".into()).into(),
            (_, Some("READONLY")) => Refusal::Replica.into(),
            (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS" | "NOAUTH" | "NOPERM")) => {
                Refusal::Denied(words).into()
            }
            (_, Some("LOADING")) => away_error(format!("{self} is still loading what it keeps")),
            (_, Some("MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN")) => {
                away_error(format!("{self} belongs to a Redis Cluster, which cannot be used"))
            }
            (_, Some(code)) => away_error(format!("{self} answers {code}: {words}")),
            (ErrorKind::Parse, _) => away_error(format!("{self} does not speak as Redis does")),
            _ => self.lost_error(),
        }
    }

    /// What Redis says, if it may be shown. It repeats the arguments of commands that it does not know, and a password is
    /// one of them.
    fn redact_words(&self, words: &str) -> Arc<str> {
        let password = self.settings.password().unwrap_or_default();
        let shows_arguments = words.contains("with args beginning with");
        let shows_password = !password.is_empty() && words.contains(password);
        if shows_arguments || shows_password {
            return "it does not know a command that is needed".into();
        }
        shorten_text(words)
    }
}

pub(super) fn away_error(why: impl Into<Arc<str>>) -> StoreError {
    StoreError::Away(why.into())
}

/// Of a foreign text, so much as may be shown.
fn shorten_text(text: &str) -> Arc<str> {
    text.chars().filter(|char| !char.is_control()).take(MAX_WORDS).collect::<String>().into()
}

fn set_socket_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // What we gave up waiting for is not to arrive after what we sent later by another connection.
    stream.set_zero_linger()?;
    let keepalive =
        TcpKeepalive::new().with_time(Duration::from_secs(5)).with_interval(Duration::from_secs(1));
    SockRef::from(stream).set_tcp_keepalive(&keepalive.with_retries(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<Address, UrlError> {
        Address::from_url(url, None)
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (url, shown) in [
            ("redis://redis.example", "redis.example:6379"),
            ("redis://:geheim@redis.example:7000/2", "redis.example:7000"),
            ("redis://ward:geheim@[::1]:7000", "[::1]:7000"),
            ("redis+unix:///run/redis.sock?pass=geheim", "/run/redis.sock"),
            ("unix:///run/redis.sock", "/run/redis.sock"),
        ] {
            let address = address(url).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(format!("{address:?}"), shown);
        }
    }

    #[test]
    fn what_is_no_address_of_redis_is_refused() {
        for url in [
            "",
            "redis.example:6379",
            "http://redis.example",
            "redis://",
            "redis://redis.example/first",
            "redis://redis.example#insecure",
        ] {
            assert_eq!(address(url).unwrap_err(), UrlError::Form, "{url:?}");
        }
        assert_eq!(address("rediss://redis.example").unwrap_err(), UrlError::NobodyTrusted);
    }

    #[test]
    fn redis_is_not_quoted_where_it_repeats_what_we_sent() {
        let address = address("redis://:geheim@redis.example").unwrap();
        for words in [
            "unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'gehe",
            "wrong number of arguments: geheim",
        ] {
            assert!(!address.redact_words(words).contains("geh"), "{words}");
        }
        assert_eq!(
            &*address.redact_words("invalid username-password pair"),
            "invalid username-password pair"
        );
    }
}
