//! Whose certificates are trusted.

use std::env;
use std::ffi::OsString;
use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, WantsVerifier,
};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// The certificate authorities whose word is taken for who a server is.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// Those installed on this machine or, as with OpenSSL, those in the file that `SSL_CERT_FILE` names or the folders that
    /// `SSL_CERT_DIR` names instead. They are read once: an authority that is installed later is trusted after a restart.
    #[default]
    System,
    /// These alone.
    Only(Arc<RootCertStore>),
    /// None: a server that shows this very certificate, whatever its names and its validity, is who it should be.
    Certificate(CertificateDer<'static>),
}

/// Why no certificate can be checked.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A machine without authorities, such as a slim container.
    #[error("no certificate authorities are installed here (often the package ca-certificates)")]
    NoneInstalled,
    /// As a composed container has it whose own variable is not set.
    #[error("SSL_CERT_FILE is set and empty; unset it, or name a file of certificate authorities")]
    NoName,
    /// A wrong path, for example.
    #[error("the file of certificate authorities {} (SSL_CERT_FILE) cannot be read: {error}", file.display())]
    Unreadable {
        /// As the variable names it.
        file: OsString,
        /// Why it cannot be read.
        error: io::Error,
    },
    /// A file of another kind.
    #[error("the file of certificate authorities {} (SSL_CERT_FILE) has no certificate in PEM form", .0.display())]
    NoneInFile(OsString),
    /// Wrong paths, or folders with other files.
    #[error("no certificate authority can be read from the folders {} (SSL_CERT_DIR)", .0.display())]
    NoneInFolders(OsString),
}

impl Trust {
    /// TLS that trusts these authorities.
    pub fn tls(&self) -> Result<ClientConfig, &'static TrustError> {
        match self {
            Self::System => system().as_ref().cloned(),
            Self::Only(roots) => Ok(tls().with_root_certificates(roots.clone()).with_no_client_auth()),
            Self::Certificate(certificate) => {
                let builder = tls();
                let algorithms = builder.crypto_provider().signature_verification_algorithms;
                let this = This { certificate: certificate.clone(), algorithms };
                Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(this)).with_no_client_auth())
            }
        }
    }
}

/// TLS that trusts nobody, for plain http: reading the system's authorities takes some milliseconds.
pub fn nobody() -> ClientConfig {
    tls().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

fn tls() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|error| unreachable!("ring has the suites of TLS 1.2 and 1.3: {error}"))
}

/// Of [`Trust::Certificate`]: the handshake's signature shows that the server has the certificate's private key.
#[derive(Debug)]
struct This {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for This {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn system() -> &'static Result<ClientConfig, TrustError> {
    static SYSTEM: OnceLock<Result<ClientConfig, TrustError>> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let builder = tls().with_platform_verifier().map_err(|_| why_none())?;
        Ok(builder.with_no_client_auth())
    })
}

/// The verifier itself says only that there are none.
fn why_none() -> TrustError {
    match (env::var_os("SSL_CERT_FILE"), env::var_os("SSL_CERT_DIR")) {
        (Some(file), _) if file.is_empty() => TrustError::NoName,
        (Some(file), _) => match std::fs::read(&file) {
            Err(error) => TrustError::Unreadable { file, error },
            Ok(_) => TrustError::NoneInFile(file),
        },
        (None, Some(folders)) => TrustError::NoneInFolders(folders),
        (None, None) => TrustError::NoneInstalled,
    }
}
