//! What went wrong on the network, so that a person knows what to do.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use rustls::CertificateError;
use ureq::http::Uri;
use ureq::{Agent, Error, Timeout};

/// Whom a download talks to.
pub(super) struct Peer {
    host: String,
    proxy: Option<String>,
    /// Whose name is resolved on this machine.
    resolved: String,
}

impl Peer {
    pub(super) fn of(url: &str, agent: &Agent) -> Self {
        let uri = url.parse::<Uri>().unwrap_or_default();
        let host = uri.host().unwrap_or(url).to_owned();
        let proxy = agent.config().proxy().filter(|proxy| !proxy.is_no_proxy(&uri));
        // Most proxies resolve the target themselves.
        let resolved = proxy.filter(|proxy| !proxy.resolve_target()).map_or(&*host, |proxy| proxy.host());
        let resolved = resolved.to_owned();
        // Without the name and password that its address may carry.
        let proxy = proxy.map(|proxy| format!("{}:{}", proxy.host(), proxy.port()));
        Self { host, proxy, resolved }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.proxy.as_ref().map_or(Ok(()), |proxy| write!(f, " (through the proxy {proxy})"))
    }
}

pub(super) fn broke_off(peer: &Peer) -> String {
    format!("the connection to {peer} broke off")
}

/// What an error means.
pub(super) fn explain(error: &Error, peer: &Peer, stall: Duration) -> String {
    let stall = stall.as_secs_f32();
    if let Some(error) = tls_error(error) {
        return untrusted(error, peer);
    }
    match error {
        error if is_unknown_name(error) => {
            let name = &peer.resolved;
            format!(
                "the name {name} cannot be resolved; this machine is offline, or it needs a proxy (HTTPS_PROXY)"
            )
        }
        Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => format!("{peer} refuses the connection"),
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe => broke_off(peer),
            ErrorKind::TimedOut => format!("{peer} sent nothing for {stall} s"),
            _ => format!("{peer}: {error}"),
        },
        Error::Timeout(Timeout::Resolve) => {
            format!("the name {} was not resolved within {stall} s", peer.resolved)
        }
        Error::Timeout(Timeout::Connect) => format!("no connection to {peer} within {stall} s"),
        Error::Timeout(_) => format!("{peer} sent nothing for {stall} s"),
        Error::RequireHttpsOnly(address) => format!("{address} is not https, and nothing else is used"),
        Error::TooManyRedirects => format!("{peer} sends from one address to the next without end"),
        Error::ConnectProxyFailed(reason) => format!("{peer}: the proxy refuses: {reason}"),
        error => format!("{peer}: {error}"),
    }
}

/// Whether the same may go well at once, even at a server that was never reached.
pub(super) fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Io(error) if tls_error_in(error).is_none() && matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    ))
}

/// Whether it is about the way to the server, and not about what the server says.
pub(super) fn is_of_the_network(error: &Error) -> bool {
    match error {
        Error::Io(error) => tls_error_in(error).is_none(),
        Error::Timeout(_) | Error::HostNotFound | Error::ConnectionFailed | Error::ConnectProxyFailed(_) => {
            true
        }
        _ => false,
    }
}

fn is_unknown_name(error: &Error) -> bool {
    match error {
        Error::HostNotFound => true,
        // The standard library has no kind for what `getaddrinfo` says.
        Error::Io(error) => error.to_string().starts_with("failed to lookup address information"),
        _ => false,
    }
}

fn tls_error(error: &Error) -> Option<&rustls::Error> {
    match error {
        Error::Rustls(error) => Some(error),
        Error::Io(error) => tls_error_in(error),
        _ => None,
    }
}

fn tls_error_in(error: &std::io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| inner.source()?.downcast_ref())
}

fn untrusted(error: &rustls::Error, peer: &Peer) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => format!(
            "the certificate of {peer} is signed by an authority that is not trusted here; if it is your company's own, name its PEM file in SSL_CERT_FILE"
        ),
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => format!(
            "the certificate of {peer} is not valid at this time ({error}); the clock here may be wrong"
        ),
        rustls::Error::InvalidCertificate(_) => format!("the certificate of {peer} is not trusted: {error}"),
        _ => format!("no secure connection to {peer}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On the way to models.example, perhaps through a proxy.
    fn peer(proxy: Option<&str>) -> Peer {
        let proxy = proxy.map(|address| ureq::Proxy::new(address).unwrap());
        let agent: Agent = Agent::config_builder().proxy(proxy).build().into();
        Peer::of("https://models.example/file", &agent)
    }

    #[test]
    fn a_name_that_nobody_has_is_told_from_a_server_that_is_off() {
        // `.invalid` has no names by RFC 6761; what the resolver says of it is the real thing.
        let error = std::net::ToSocketAddrs::to_socket_addrs("models.invalid:443").unwrap_err();
        let error = Error::Io(error);
        let text = explain(&error, &peer(None), Duration::from_secs(30));
        assert!(text.contains("name models.example cannot") && text.contains("HTTPS_PROXY"), "{text}");
        let text = explain(&error, &peer(Some("http://proxy.example:3128")), Duration::from_secs(30));
        assert!(text.contains("name proxy.example cannot"), "{text}");
        let refused = Error::Io(std::io::Error::from(ErrorKind::ConnectionRefused));
        let text = explain(&refused, &peer(None), Duration::from_secs(30));
        assert_eq!(text, "models.example refuses the connection");
    }

    #[test]
    fn a_proxy_on_the_way_is_named_without_its_password() {
        let peer = peer(Some("http://user:secret@proxy.example:3128"));
        assert_eq!(peer.to_string(), "models.example (through the proxy proxy.example:3128)");
    }

    #[test]
    fn an_expired_certificate_makes_one_look_at_the_clock() {
        let error = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let text = explain(&Error::Rustls(error), &peer(None), Duration::from_secs(30));
        assert!(text.contains("clock"), "{text}");
    }
}
