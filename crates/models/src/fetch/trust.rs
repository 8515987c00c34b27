//! Whose certificates are believed.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Mozilla's authorities, and those in a file of the user: a company's own, say.
pub(super) fn tls(authorities: Option<&Path>) -> Result<TlsConfig, String> {
    let own = authorities.map(read).transpose()?.unwrap_or_default();
    let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| Certificate::from_der(der));
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::from(mozilla.chain(own)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

fn read(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let named = format!("the file of certificate authorities {} (SSL_CERT_FILE)", path.display());
    let pem = fs::read(path).map_err(|error| format!("{named} cannot be read: {error}"))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) =
            item.map_err(|error| format!("{named} is damaged: {error}"))?
        {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        return Err(format!("{named} has no certificate in PEM form"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_authorities_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authorities.pem");
        let error = tls(Some(&path)).unwrap_err();
        assert!(error.contains("authorities.pem") && error.contains("SSL_CERT_FILE"), "{error}");
        fs::write(&path, "no certificate").unwrap();
        let error = tls(Some(&path)).unwrap_err();
        assert!(error.contains("authorities.pem") && error.contains("PEM"), "{error}");
    }
}
