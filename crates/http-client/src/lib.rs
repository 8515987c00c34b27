//! How Sightwire asks others over HTTP: cameras, servers with models, other Sightwires.
//!
//! - [`client_builder`]: where every client begins; [`direct_builder`]: where those do that ask an address which somebody gave
//! - [`document`]: a short document, all of it
//! - [`cause`]: why a request failed
//! - [`trust`]: whose certificates are trusted
//!
//! What a client may reach and how long it waits is up to the code that builds one.
#![forbid(unsafe_code)]

pub mod cause;
pub mod document;
pub mod trust;

use reqwest::ClientBuilder;
use reqwest::redirect::Policy;
use rustls::ClientConfig;

/// A client of HTTP/1 that names itself, trusts whom `tls` trusts ([`trust::Trust::tls`]), tries nothing twice and tells
/// no server where it was before. It follows redirects and takes the environment's proxies unless told otherwise.
///
/// For a client that blocks, `reqwest::blocking::ClientBuilder::from(builder(tls))`.
pub fn client_builder(tls: ClientConfig) -> ClientBuilder {
    ClientBuilder::new()
        .http1_only()
        .referer(false)
        .retry(reqwest::retry::never())
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("sightwire/", env!("CARGO_PKG_VERSION")))
}

/// As [`client_builder`], but the address that was given is the one that is asked: no proxy of the environment is between, and a
/// redirect is an answer like any other. For cameras, and for a Sightwire.
pub fn direct_builder(tls: ClientConfig) -> ClientBuilder {
    client_builder(tls).no_proxy().redirect(Policy::none())
}
