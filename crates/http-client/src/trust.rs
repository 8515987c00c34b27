//! Whose certificates are trusted.

use std::ffi::OsString;
use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
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
}

/// Why no certificate can be checked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TrustError {
    /// A machine without authorities, such as a slim container.
    #[error("no certificate authorities are installed here (often the package ca-certificates)")]
    NoneInstalled {
        /// What the verifier says.
        source: rustls::Error,
    },
    /// A wrong path, or a file of another kind.
    #[error("{} (SSL_CERT_FILE) cannot be read or has no certificate in PEM form", file.display())]
    NoneInFile {
        /// As the variable names it.
        file: OsString,
        /// What the verifier says.
        source: rustls::Error,
    },
}

impl Trust {
    /// TLS that trusts these authorities.
    pub fn tls(&self) -> Result<ClientConfig, TrustError> {
        match self {
            Self::System => system().clone(),
            Self::Only(roots) => Ok(tls().with_root_certificates(roots.clone()).with_no_client_auth()),
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

fn system() -> &'static Result<ClientConfig, TrustError> {
    static SYSTEM: OnceLock<Result<ClientConfig, TrustError>> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let builder =
            tls().with_platform_verifier().map_err(|source| match std::env::var_os("SSL_CERT_FILE") {
                Some(file) => TrustError::NoneInFile { file, source },
                None => TrustError::NoneInstalled { source },
            })?;
        Ok(builder.with_no_client_auth())
    })
}
