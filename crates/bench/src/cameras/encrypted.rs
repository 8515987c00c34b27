//! The same viewers at a server that encrypts and at one that does not, in turn: what TLS costs.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::pairs::{self, Shape, Side};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A server without TLS, on this machine
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    url: String,
    /// A server with TLS, on this machine; whatever certificate it shows is taken
    #[arg(long, default_value = "https://127.0.0.1:8443")]
    secure_url: String,
    #[command(flatten)]
    shape: Shape,
}

/// Prints a table with a row for each number of viewers.
pub(crate) fn main(args: &Args) -> Result<()> {
    let secure = args.secure_url.replacen("https://", "http://", 1);
    ensure!(secure != args.secure_url, "--secure-url has to begin with https://");
    let connector = Some(TlsConnector::from(Arc::new(client_config()?)));
    let secure = Side { connector, ..Side::new("TLS", &secure)? };
    pairs::compare_sides(&Side::new("plain", &args.url)?, &secure, &args.shape)
}

fn client_config() -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let config = config.context("TLS cannot be set up")?.dangerous();
    Ok(config.with_custom_certificate_verifier(Arc::new(Anybody(provider))).with_no_client_auth())
}

/// Takes whatever certificate is shown: what is measured is on this machine.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
