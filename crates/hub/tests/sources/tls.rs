//! Cameras behind TLS.

use std::sync::Arc;

use base64_simd::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use sightwire_http_client::trust::Trust;
use sightwire_hub::source::SourceError;
use sightwire_hub::source::address::CameraUrl;
use sightwire_hub::source::mjpeg::{Mjpeg, MjpegOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::camera::{Camera, MULTIPART, part, run, take_pictures, url, vector, web};

/// A camera with a certificate for 127.0.0.1 that nobody has signed but itself.
async fn secure_camera() -> (std::net::SocketAddr, CertificateDer<'static>) {
    let key = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    camera_with(key.cert.der().clone(), private).await
}

/// The same with a certificate as `openssl req -x509` makes it, which says that it is an authority.
async fn board() -> (std::net::SocketAddr, CertificateDer<'static>) {
    let mut params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    camera_with(certificate.der().clone(), private).await
}

async fn camera_with(
    certificate: CertificateDer<'static>,
    private: PrivateKeyDer<'static>,
) -> (std::net::SocketAddr, CertificateDer<'static>) {
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let asked = stream.read(&mut [0; 4096]).await.unwrap();
            assert!(asked > 0);
            stream.write_all(&[MULTIPART.as_bytes(), &part(&vector("420.jpg"))].concat()).await.unwrap();
            stream.shutdown().await.ok();
        }
    });
    (address, certificate)
}

fn source(address: &str, trust: Trust) -> Mjpeg {
    Mjpeg::new(url(address), web().with_trust(trust), MjpegOptions::default())
}

#[tokio::test]
async fn a_certificate_that_is_trusted_lets_pictures_through_and_no_other_does() {
    let (address, certificate) = secure_camera().await;
    let address = format!("https://{address}/stream");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let trusted = Trust::Only(Arc::new(roots));
    assert_eq!(take_pictures(&source(&address, trusted.clone()), 1).await.pictures.len(), 1);

    let (_, other) = secure_camera().await;
    let mut roots = RootCertStore::empty();
    roots.add(other).unwrap();
    let (_, error) = run(&source(&address, Trust::Only(Arc::new(roots)))).await;
    let SourceError::Untrusted { .. } = error else { panic!("{error}") };

    // The same after a redirect from a plain address.
    let answer = format!("HTTP/1.1 302 Go\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n");
    let camera = Camera::sending(answer).await;
    assert_eq!(take_pictures(&source(&camera.url(), trusted), 1).await.pictures.len(), 1);
}

#[tokio::test]
async fn the_authorities_of_the_system_do_not_vouch_for_a_board() {
    let (address, _) = secure_camera().await;
    let (_, error) = run(&source(&format!("https://{address}/stream"), Trust::System)).await;
    let SourceError::Untrusted { .. } = error else { panic!("{error}") };
}

#[tokio::test]
async fn a_camera_without_tls_is_not_taken_for_one_with_it() {
    let camera = Camera::sending([MULTIPART.as_bytes(), &part(&vector("420.jpg"))].concat()).await;
    let (got, error) = run(&source(&format!("https://{}/stream", camera.address), Trust::System)).await;
    let SourceError::Unreachable { .. } = error else { panic!("{error}") };
    assert!(got.pictures.is_empty());
}

fn refused_with(error: &SourceError) -> String {
    let SourceError::Untrusted { fingerprint: Some(fingerprint), .. } = error else { panic!("{error}") };
    assert!(error.to_string().ends_with(&format!("#sha256={fingerprint}")), "{error}");
    fingerprint.to_string()
}

#[tokio::test]
async fn a_certificate_of_a_board_is_accepted_by_its_fingerprint_and_no_other() {
    let (address, _) = board().await;
    let address = format!("https://{address}/stream");
    let (_, error) = run(&source(&address, Trust::System)).await;
    let fingerprint = refused_with(&error);
    let with = |fingerprint: &str| format!("{address}#sha256={fingerprint}");
    assert_eq!(take_pictures(&source(&with(&fingerprint), Trust::System), 1).await.pictures.len(), 1);
    // As openssl writes it.
    let pairs: Vec<String> =
        fingerprint.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect();
    assert_eq!(take_pictures(&source(&with(&pairs.join(":")), Trust::System), 1).await.pictures.len(), 1);
    let (_, error) = run(&source(&with(&"0".repeat(64)), Trust::System)).await;
    assert_eq!(refused_with(&error), fingerprint);
    // Also where a plain address sends on to it.
    let answer = format!("HTTP/1.1 302 Go\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n");
    let camera = Camera::sending(answer).await;
    let plain = format!("{}#sha256={fingerprint}", camera.url());
    assert_eq!(take_pictures(&source(&plain, Trust::System), 1).await.pictures.len(), 1);
    let kept = url(&with(&fingerprint));
    assert_eq!((kept.secret_url(), kept.masked()), (with(&fingerprint), with(&fingerprint)));
    assert!(
        CameraUrl::parse("https://cam/#sha256=abc")
            .unwrap_err()
            .to_string()
            .contains("64 hexadecimal digits")
    );
}

/// The system's certificates are read once, so that each of these needs a process of its own.
#[tokio::test]
async fn a_certificate_of_a_board_that_is_installed_is_trusted_for_its_names() {
    const AT: &str = "SIGHTWIRE_TEST_BOARD";
    if let Ok(address) = std::env::var(AT) {
        assert_eq!(take_pictures(&source(&address, Trust::System), 1).await.pictures.len(), 1);
        let (_, error) = run(&source(&address.replace("127.0.0.1", "127.0.0.2"), Trust::System)).await;
        assert!(!matches!(error, SourceError::Ended { .. }), "another name: {error}");
        return;
    }
    let (address, certificate) = board().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = STANDARD.encode_to_string(&certificate);
    std::fs::write(&file, format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"))
        .unwrap();
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "tls::a_certificate_of_a_board_that_is_installed_is_trusted_for_its_names",
        "--nocapture",
    ]);
    command.env("SSL_CERT_FILE", file.path()).env_remove("SSL_CERT_DIR");
    command.env(AT, format!("https://{address}/stream"));
    let ended = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}
