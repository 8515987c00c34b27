//! How Sightwire asks others over HTTP: cameras, servers with models, other Sightwires.
//!
//! - [`builder`]: where every client begins
//! - [`cause`]: why a request failed
//! - [`trust`]: whose certificates are trusted
//!
//! What a client may reach, how long it waits and whether it goes through a proxy is up to whoever builds one.
#![forbid(unsafe_code)]

pub mod cause;
pub mod trust;

use reqwest::ClientBuilder;
use rustls::ClientConfig;

/// A client of HTTP/1 that names itself, trusts whom `tls` trusts ([`trust::Trust::tls`]), tries nothing twice and tells
/// no server where it was before. It follows redirects and takes the environment's proxies unless told otherwise.
///
/// For a client that blocks, `reqwest::blocking::ClientBuilder::from(builder(tls))`.
pub fn builder(tls: ClientConfig) -> ClientBuilder {
    ClientBuilder::new()
        .http1_only()
        .referer(false)
        .retry(reqwest::retry::never())
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("sightwire/", env!("CARGO_PKG_VERSION")))
}
