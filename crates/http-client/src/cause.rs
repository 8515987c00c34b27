//! Why a request failed: what lies at the bottom of a chain of errors of which each knows only its own layer.

use std::error::Error;
use std::io::{self, ErrorKind};

/// What went wrong between here and a server.
#[derive(Debug)]
pub enum Cause<'a> {
    /// Its certificate is not trusted, or there is no secure connection.
    Tls(&'a rustls::Error),
    /// Its name, or that of the proxy, cannot be resolved.
    UnknownName,
    /// No connection within the time allowed.
    NoConnection,
    /// Nothing listens there.
    Refused,
    /// The network, or a proxy on the way, has no connection to give; in its own words.
    NoWay(String),
    /// A connection, and no answer or nothing more of it within the time allowed.
    Late,
    /// The connection ended before the answer did.
    BrokeOff,
    /// What came is not HTTP.
    NotHttp(&'a hyper::Error),
    /// Anything else, in its own words, without the address asked for.
    Other(String),
}

impl<'a> Cause<'a> {
    /// Of a failed request, or of a failed read of its answer (also where an [`io::Error`] is around it).
    pub fn from_error(error: &'a (dyn Error + 'static)) -> Self {
        if let Some(error) = find_error(error) {
            return Self::Tls(error);
        }
        let request = find_error::<reqwest::Error>(error);
        let connecting = request.is_some_and(reqwest::Error::is_connect);
        if request.is_some_and(reqwest::Error::is_dns) {
            return Self::UnknownName;
        }
        if request.is_some_and(reqwest::Error::is_timeout) {
            return if connecting { Self::NoConnection } else { Self::Late };
        }
        if let Some(error) = find_error::<hyper::Error>(error) {
            if error.is_parse() {
                return Self::NotHttp(error);
            }
            if error.is_incomplete_message() || error.is_canceled() {
                return Self::BrokeOff;
            }
        }
        match innermost_io(error).map(io::Error::kind) {
            Some(ErrorKind::ConnectionRefused) => Self::Refused,
            Some(ErrorKind::TimedOut) if connecting => Self::NoConnection,
            Some(ErrorKind::TimedOut | ErrorKind::WouldBlock) => Self::Late,
            Some(
                ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe,
            ) => Self::BrokeOff,
            Some(ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown) => {
                Self::NoWay(root_cause(error))
            }
            _ if connecting => Self::NoWay(root_cause(error)),
            _ => Self::Other(root_cause(error)),
        }
    }
}

impl Cause<'_> {
    /// For people, as a clause that follows the address.
    pub fn in_words(self) -> String {
        match self {
            Self::Tls(error) => format!("no secure connection: {error}"),
            Self::UnknownName => "its name cannot be resolved".to_owned(),
            Self::NoConnection => "it takes no connection in time".to_owned(),
            Self::Refused => "nothing listens there".to_owned(),
            Self::NoWay(why) | Self::Other(why) => why,
            Self::Late => "it does not answer in time".to_owned(),
            Self::BrokeOff => "the connection ended before its answer did".to_owned(),
            Self::NotHttp(error) => format!("it does not speak HTTP: {error}"),
        }
    }
}

/// The error of this type in a chain of them. One within an error of the system is not that one's source.
pub fn find_error<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    error_chain(error).find_map(|error| error.downcast_ref())
}

/// What lies at the bottom of an error, in its own words. Never those of a request's error: they show its URL.
pub fn root_cause(error: &(dyn Error + 'static)) -> String {
    let bottom = error_chain(error).filter(|error| !error.is::<reqwest::Error>()).last();
    bottom.map_or_else(|| "no reason given".to_owned(), ToString::to_string)
}

fn innermost_io<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    error_chain(error).filter_map(|error| error.downcast_ref()).last()
}

/// An error, what it was caused by, and so on.
fn error_chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let cause = |&error: &&'a (dyn Error + 'static)| match error.downcast_ref::<io::Error>() {
        Some(error) if error.get_ref().is_some() => error.get_ref().map(|inner| inner as _),
        _ => error.source(),
    };
    std::iter::successors(Some(error), cause)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};
    use std::thread;
    use std::time::Duration;

    use reqwest::blocking::{ClientBuilder, Response};

    use super::*;
    use crate::trust;

    /// Where everybody hears these words, whatever he asks, and nothing more.
    fn server(words: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(words.as_bytes());
            }
        });
        address
    }

    fn get(url: &str, proxy: Option<String>) -> Result<Response, reqwest::Error> {
        let builder = ClientBuilder::from(crate::client_builder(trust::trust_nobody())).no_proxy();
        let builder = builder.timeout(Duration::from_millis(300)).connect_timeout(Duration::from_millis(200));
        let proxied = proxy.map(|proxy| reqwest::Proxy::all(proxy).unwrap());
        let builder = proxied.into_iter().fold(builder, ClientBuilder::proxy);
        builder.build().unwrap().get(url).send()
    }

    fn nobody() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    #[test]
    fn what_is_wrong_between_here_and_a_server_is_told_apart() {
        let of = |url: String| get(&url, None).unwrap_err();
        let refused = of(format!("http://{}/", nobody()));
        assert!(matches!(Cause::from_error(&refused), Cause::Refused), "{refused:?}");
        // `.invalid` has no names by RFC 6761.
        let unknown = of("http://models.invalid/".to_owned());
        assert!(matches!(Cause::from_error(&unknown), Cause::UnknownName), "{unknown:?}");
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let late = of(format!("http://{}/", silent.local_addr().unwrap()));
        assert!(matches!(Cause::from_error(&late), Cause::Late), "{late:?}");
        let closed = of(format!("http://{}/", server("")));
        assert!(matches!(Cause::from_error(&closed), Cause::BrokeOff), "{closed:?}");
        let ssh = of(format!("http://{}/", server("SSH-2.0-OpenSSH_9.2\r\n\r\n")));
        assert!(matches!(Cause::from_error(&ssh), Cause::NotHttp(_)), "{ssh:?}");
        let plain = of(format!("https://{}/", server("HTTP/1.1 400 Bad Request\r\n\r\n")));
        assert!(matches!(Cause::from_error(&plain), Cause::Tls(_)), "{plain:?}");
    }

    #[test]
    fn an_answer_that_is_cut_off_is_known_through_the_error_of_its_reader() {
        let cut = server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        let error = get(&format!("http://{cut}/"), None).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
        assert!(matches!(Cause::from_error(&error), Cause::BrokeOff), "{error:?}");
    }

    #[test]
    fn a_proxy_that_has_no_connection_to_give_is_no_way_there() {
        for (scheme, proxy) in [
            ("http", server("HTTP/1.1 503 Service Unavailable\r\n\r\n")),
            ("http", server("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")),
            ("socks5h", nobody()),
        ] {
            let error = get("https://models.example/", Some(format!("{scheme}://{proxy}"))).unwrap_err();
            assert!(matches!(Cause::from_error(&error), Cause::NoWay(_)), "{error:?}");
        }
    }

    #[test]
    fn the_bottom_of_an_error_never_shows_the_address_that_was_asked_for() {
        let error = get(&format!("http://{}/?token=secret", nobody()), None).unwrap_err();
        assert!(error.to_string().contains("secret"));
        assert!(!root_cause(&error).contains("secret"), "{}", root_cause(&error));
    }
}
