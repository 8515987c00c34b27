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
    /// A connection, and no answer or nothing more of it within the time allowed.
    Late,
    /// The connection ended before the answer did.
    BrokeOff,
    /// What came is no HTTP.
    NotHttp(&'a hyper::Error),
    /// Anything else, in its own words, without the address asked for.
    Other(String),
}

impl<'a> Cause<'a> {
    /// Of a failed request, or of a failed read of its answer (also where an [`io::Error`] is around it).
    pub fn of(error: &'a (dyn Error + 'static)) -> Self {
        if let Some(error) = find(error) {
            return Self::Tls(error);
        }
        let request = find::<reqwest::Error>(error);
        let connecting = request.is_some_and(reqwest::Error::is_connect);
        if request.is_some_and(reqwest::Error::is_dns) {
            return Self::UnknownName;
        }
        if request.is_some_and(reqwest::Error::is_timeout) {
            return if connecting { Self::NoConnection } else { Self::Late };
        }
        if let Some(error) = find::<hyper::Error>(error) {
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
            _ => Self::Other(root_cause(error)),
        }
    }
}

/// The error of this type in a chain of them. One within an error of the system is not that one's source.
pub fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// What lies at the bottom of an error, in its own words. Never those of a request's error: they show its URL.
pub fn root_cause(error: &(dyn Error + 'static)) -> String {
    let bottom = chain(error).filter(|error| !error.is::<reqwest::Error>()).last();
    bottom.map_or_else(|| "no reason given".to_owned(), ToString::to_string)
}

fn innermost_io<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    chain(error).filter_map(|error| error.downcast_ref()).last()
}

/// An error, what it was caused by, and so on.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let cause = |&error: &&'a (dyn Error + 'static)| match error.downcast_ref::<io::Error>() {
        Some(error) if error.get_ref().is_some() => error.get_ref().map(|inner| inner as _),
        _ => error.source(),
    };
    std::iter::successors(Some(error), cause)
}
