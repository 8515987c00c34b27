//! Whose certificates are trusted.

use std::ffi::OsString;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::{env, fmt, io};

use parking_lot::Mutex;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, WantsVerifier,
};
use rustls_platform_verifier::{BuilderVerifierExt as _, Verifier};

/// The certificate authorities whose word is taken for who a server is.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// Those installed on this machine or, as with OpenSSL, those in the file that `SSL_CERT_FILE` names or the folders that
    /// `SSL_CERT_DIR` names instead. They are read once: an authority that is installed later is trusted after a restart.
    #[default]
    System,
    /// These authorities alone.
    Only(Arc<RootCertStore>),
    /// None: a server that shows the very certificate with that fingerprint, whatever its names and its validity, is who it
    /// should be.
    Fingerprint(Fingerprint),
}

/// SHA-256 of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// That of a certificate.
    pub fn from_certificate(certificate: &CertificateDer<'_>) -> Self {
        let hash = ring::digest::digest(&ring::digest::SHA256, certificate);
        Self(hash.as_ref().try_into().unwrap_or_default())
    }
}

/// As `openssl x509 -fingerprint` writes it, in any case and with or without colons.
impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return Err(NoFingerprint);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(NoFingerprint);
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 64 hexadecimal digits, as `openssl x509 -fingerprint -sha256` writes it")]
pub struct NoFingerprint;

/// The certificate that a server showed last.
#[derive(Clone, Debug, Default)]
pub struct Shown(Arc<Mutex<Option<Fingerprint>>>);

impl Shown {
    /// Its fingerprint, if there was one.
    pub fn last(&self) -> Option<Fingerprint> {
        *self.0.lock()
    }
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
            Self::System => system_config().as_ref().cloned(),
            Self::Only(roots) => {
                Ok(tls_builder().with_root_certificates(roots.clone()).with_no_client_auth())
            }
            Self::Fingerprint(fingerprint) => Ok(tls_verified_by(This::new(*fingerprint))),
        }
    }

    /// The same, noting what is shown.
    pub fn tls_showing(&self, shown: &Shown) -> Result<ClientConfig, &'static TrustError> {
        let inner: Arc<dyn ServerCertVerifier> = match self {
            Self::System => installed_verifier().as_ref().cloned()?,
            Self::Only(roots) => {
                let provider = tls_builder().crypto_provider().clone();
                match WebPkiServerVerifier::builder_with_provider(roots.clone(), provider).build() {
                    Ok(verifier) => verifier,
                    Err(_) => return self.tls(), // without any authority
                }
            }
            Self::Fingerprint(fingerprint) => This::new(*fingerprint),
        };
        Ok(tls_verified_by(Arc::new(Noting { inner, shown: shown.clone() })))
    }
}

/// Notes what is shown before it is looked at.
#[derive(Debug)]
struct Noting {
    inner: Arc<dyn ServerCertVerifier>,
    shown: Shown,
}

/// The system's authorities, and what is installed beside them: a certificate that vouches for itself alone, as boards make it. It
/// often says that it is an authority, which no other program minds that is told to trust it.
#[derive(Debug)]
struct Installed {
    authorities: Arc<dyn ServerCertVerifier>,
    installed: Vec<CertificateDer<'static>>,
}

/// TLS that trusts nobody, for plain http: reading the system's authorities takes some milliseconds.
pub fn trust_nobody() -> ClientConfig {
    tls_builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

fn tls_builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|error| unreachable!("ring has the suites of TLS 1.2 and 1.3: {error}"))
}

fn tls_verified_by(verifier: Arc<dyn ServerCertVerifier>) -> ClientConfig {
    tls_builder().dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
}

/// Of [`Trust::Fingerprint`]: the handshake's signature shows that the server has the certificate's private key.
#[derive(Debug)]
struct This {
    fingerprint: Fingerprint,
    algorithms: WebPkiSupportedAlgorithms,
}

impl This {
    fn new(fingerprint: Fingerprint) -> Arc<Self> {
        let algorithms = tls_builder().crypto_provider().signature_verification_algorithms;
        Arc::new(Self { fingerprint, algorithms })
    }
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
        if Fingerprint::from_certificate(end_entity) == self.fingerprint {
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

macro_rules! signatures_of {
    ($field:ident) => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.$field.verify_tls12_signature(message, cert, dss)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.$field.verify_tls13_signature(message, cert, dss)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.$field.supported_verify_schemes()
        }
    };
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.shown.0.lock() = Some(Fingerprint::from_certificate(end_entity));
        self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    signatures_of!(inner);
}

impl ServerCertVerifier for Installed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        // One that has expired has, and one of another name is another's.
        let may_vouch = matches!(
            verified,
            Err(Error::InvalidCertificate(CertificateError::Other(_) | CertificateError::UnknownIssuer))
        );
        if may_vouch && self.installed.iter().any(|own| own == end_entity) {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        verified
    }

    signatures_of!(authorities);
}

fn installed_verifier() -> &'static Result<Arc<dyn ServerCertVerifier>, TrustError> {
    static INSTALLED: OnceLock<Result<Arc<dyn ServerCertVerifier>, TrustError>> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let provider = tls_builder().crypto_provider().clone();
        let authorities = Verifier::new(provider).map_err(|_| why_none())?;
        let installed = rustls_native_certs::load_native_certs().certs;
        Ok(Arc::new(Installed { authorities: Arc::new(authorities), installed }) as _)
    })
}

fn system_config() -> &'static Result<ClientConfig, TrustError> {
    static SYSTEM: OnceLock<Result<ClientConfig, TrustError>> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let builder = tls_builder().with_platform_verifier().map_err(|_| why_none())?;
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
