//! What went wrong on the network, so that a person knows what to do.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use rustls::CertificateError;
use sightwire_http_client::cause::{Cause, find_error};

/// Whom a download talks to.
pub(super) struct Peer {
    host: String,
    proxy: Option<String>,
    /// Whose name is resolved on this machine.
    resolved: String,
}

/// A redirect that is not followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Detour {
    #[error("{0} is not https, and nothing else is used")]
    Plain(String),
    #[error("too many redirects")]
    Endless,
}

impl Peer {
    /// Through the proxy that the environment names for it, if `proxy` says so.
    pub(super) fn from_url(url: &str, proxy: bool) -> Self {
        let through = if proxy { Matcher::from_env() } else { Matcher::builder().build() };
        Self::with_proxies(url, &through)
    }

    fn with_proxies(url: &str, proxies: &Matcher) -> Self {
        let parsed = Url::parse(url).ok();
        let host = parsed.as_ref().and_then(Url::host_str).unwrap_or(url).to_owned();
        let proxy = url.parse().ok().and_then(|uri| proxies.intercept(&uri));
        // Its name, or its address with a port; never the name and password that it may carry.
        let proxy = proxy.and_then(|proxy| {
            let uri = proxy.uri();
            let port = uri.port_u16().map_or_else(String::new, |port| format!(":{port}"));
            Some((matches!(uri.scheme_str(), Some("socks4" | "socks5")), uri.host()?.to_owned(), port))
        });
        // Most proxies resolve the target themselves.
        let resolved = match &proxy {
            Some((false, proxy, _)) => proxy.clone(),
            _ => host.clone(),
        };
        Self { host, proxy: proxy.map(|(_, name, port)| name + &port), resolved }
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
pub(super) fn explain_error(
    error: &(dyn Error + 'static),
    cause: &Cause<'_>,
    peer: &Peer,
    stall: Duration,
) -> String {
    let (stall, resolved) = (stall.as_secs_f32(), &peer.resolved);
    match (find_error::<Detour>(error), cause) {
        (Some(Detour::Endless), _) => format!("{peer} sends from one address to the next without end"),
        (Some(plain), _) => plain.to_string(),
        (_, Cause::Tls(error)) => explain_untrusted(error, peer),
        (_, Cause::UnknownName) => format!(
            "the name {resolved} cannot be resolved; this machine is offline, or it needs a proxy (HTTPS_PROXY)"
        ),
        (_, Cause::Refused) => format!("{peer} refuses the connection"),
        (_, Cause::BrokeOff) => broke_off(peer),
        (_, Cause::NoConnection) => format!("no connection to {peer} within {stall} s"),
        (_, Cause::Late) => format!("{peer} sent nothing for {stall} s"),
        (_, Cause::NotHttp(error)) => format!("{peer}: {error}"),
        (_, Cause::NoWay(reason)) if peer.proxy.is_some() => format!("{peer}: the proxy refuses: {reason}"),
        (_, Cause::NoWay(reason) | Cause::Other(reason)) => format!("{peer}: {reason}"),
    }
}

fn explain_untrusted(error: &rustls::Error, peer: &Peer) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => format!(
            "the certificate of {peer} is signed by an authority that is not trusted here; if it is your company's own, install it (update-ca-certificates), or name a PEM file with all authorities in SSL_CERT_FILE"
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
    fn peer(proxy: &str) -> Peer {
        Peer::with_proxies("https://models.example/file", &Matcher::builder().https(proxy).build())
    }

    fn explained(error: &(dyn Error + 'static), peer: &Peer) -> String {
        explain_error(error, &Cause::from_error(error), peer, Duration::from_secs(30))
    }

    #[test]
    fn a_name_that_nobody_has_is_told_from_a_server_that_is_off() {
        let client = |address: std::net::SocketAddr| {
            let tls = sightwire_http_client::trust::trust_nobody();
            let builder = reqwest::blocking::ClientBuilder::from(sightwire_http_client::client_builder(tls));
            builder.no_proxy().resolve("off.example", address).build().unwrap()
        };
        let here = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
        // `.invalid` has no names by RFC 6761; what the resolver says of it is the real thing.
        let error = client(here).get("https://models.invalid/").send().unwrap_err();
        let text = explained(&error, &peer(""));
        assert!(text.contains("name models.example cannot") && text.contains("HTTPS_PROXY"), "{text}");
        let text = explained(&error, &peer("http://proxy.example:3128"));
        assert!(text.contains("name proxy.example cannot"), "{text}");
        let error = client(here).get("https://off.example:9/").send().unwrap_err();
        assert_eq!(explained(&error, &peer("")), "models.example refuses the connection");
    }

    #[test]
    fn a_proxy_on_the_way_is_named_without_its_password() {
        let peer = peer("http://user:secret@proxy.example:3128");
        assert_eq!(peer.to_string(), "models.example (through the proxy proxy.example:3128)");
    }

    #[test]
    fn an_expired_certificate_makes_one_look_at_the_clock() {
        let error = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let text = explained(&error, &peer(""));
        assert!(text.contains("clock"), "{text}");
    }
}
