//! Certificates, keys and authorities from PEM files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A file is no longer than this.
const MAX_BYTES: u64 = 1 << 20;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system gives none.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// File.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// Something else than a PEM file.
    #[error("{} is longer than a certificate or key: is it the right file?", .0.display())]
    TooLong(PathBuf),
    /// It has other things in it, or none.
    #[error(
        "{} has no certificate in PEM form (-----BEGIN CERTIFICATE-----){}", path.display(),
        if *has_key { "; it has a private key" } else { "" }
    )]
    NoCertificate {
        /// File.
        path: PathBuf,
        /// As when the two files are swapped.
        has_key: bool,
    },
    /// The bytes between the lines are none.
    #[error("a certificate in {} is broken: {reason}", path.display())]
    Certificate {
        /// File.
        path: PathBuf,
        /// What the parser says.
        reason: String,
    },
    /// It has other things in it, or none.
    #[error(
        "{} has no private key in PEM form (-----BEGIN PRIVATE KEY-----){}", path.display(),
        if *is_encrypted { "; it has an encrypted one: decrypt it with `openssl pkey -in FILE -out KEY.pem`" } else { "" }
    )]
    NoKey {
        /// File.
        path: PathBuf,
        /// It is there, and needs a password.
        is_encrypted: bool,
    },
    /// One of the other, or of a kind that is not supported.
    #[error("the key in {} does not belong to the certificate in {}, or is of an unknown kind: {error}", key.display(), certificate.display())]
    Mismatch {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
        /// What the library says.
        error: rustls::Error,
    },
    /// An authority that is none.
    #[error("{} has a certificate that cannot be an authority for clients: {error}", path.display())]
    Authority {
        /// File.
        path: PathBuf,
        /// What the library says.
        error: rustls::Error,
    },
}

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From when on it counts.
    pub not_before: SystemTime,
    /// Until when it counts.
    pub not_after: SystemTime,
}

pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, FileError> {
    let failed = |error| FileError::Read { path: path.to_owned(), error };
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_BYTES {
        return Err(FileError::TooLong(path.to_owned()));
    }
    std::fs::read(path).map_err(failed)
}

pub(crate) fn parse_chain(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| broken_error(path, &error))?;
    if chain.is_empty() {
        let has_key = PrivateKeyDer::from_pem_slice(pem).is_ok();
        return Err(FileError::NoCertificate { path: path.to_owned(), has_key });
    }
    Ok(chain)
}

fn broken_error(path: &Path, reason: &dyn std::fmt::Display) -> FileError {
    FileError::Certificate { path: path.to_owned(), reason: reason.to_string() }
}

pub(crate) fn parse_key(pem: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        let is_encrypted = pem.windows(9).any(|window| window == b"ENCRYPTED");
        FileError::NoKey { path: path.to_owned(), is_encrypted }
    })
}

/// What the first certificate says of its time.
pub(crate) fn chain_validity(chain: &[CertificateDer<'_>], path: &Path) -> Result<Validity, FileError> {
    let first = chain.first().map(AsRef::as_ref).unwrap_or_default();
    let (_, certificate) = X509Certificate::from_der(first).map_err(|error| broken_error(path, &error))?;
    let at = |time: x509_parser::time::ASN1Time| {
        let seconds = time.timestamp();
        let since = Duration::from_secs(seconds.unsigned_abs());
        let epoch = SystemTime::UNIX_EPOCH;
        let at = if seconds < 0 { epoch.checked_sub(since) } else { epoch.checked_add(since) };
        at.unwrap_or(epoch)
    };
    let validity = certificate.validity();
    Ok(Validity { not_before: at(validity.not_before), not_after: at(validity.not_after) })
}

/// A certificate with those that lead to its authority, and its key. The files may be one.
pub fn certified_key(
    certificate: &Path,
    key_file: &Path,
    provider: &CryptoProvider,
) -> Result<(CertifiedKey, Validity), FileError> {
    let chain = parse_chain(&read_file(certificate)?, certificate)?;
    let key = parse_key(&read_file(key_file)?, key_file)?;
    let validity = chain_validity(&chain, certificate)?;
    let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| FileError::Mismatch {
        certificate: certificate.to_owned(),
        key: key_file.to_owned(),
        error,
    })?;
    Ok((certified, validity))
}

/// Authorities that sign clients' certificates.
pub fn read_authorities(path: &Path) -> Result<Arc<RootCertStore>, FileError> {
    let mut roots = RootCertStore::empty();
    for certificate in parse_chain(&read_file(path)?, path)? {
        roots.add(certificate).map_err(|error| FileError::Authority { path: path.to_owned(), error })?;
    }
    Ok(Arc::new(roots))
}
