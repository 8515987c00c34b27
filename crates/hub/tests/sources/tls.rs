//! Cameras behind TLS.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use sightwire_http_client::trust::Trust;
use sightwire_hub::source::SourceError;
use sightwire_hub::source::mjpeg::{Mjpeg, MjpegOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::camera::{Camera, MULTIPART, part, run, take, url, vector, web};

/// A camera with a certificate for 127.0.0.1 that nobody has signed but itself.
async fn secure_camera() -> (std::net::SocketAddr, CertificateDer<'static>) {
    let key = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = key.cert.der().clone();
    let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
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
    assert_eq!(take(&source(&address, trusted.clone()), 1).await.pictures.len(), 1);

    let (_, other) = secure_camera().await;
    let mut roots = RootCertStore::empty();
    roots.add(other).unwrap();
    let (_, error) = run(&source(&address, Trust::Only(Arc::new(roots)))).await;
    let SourceError::Untrusted { .. } = error else { panic!("{error}") };

    // The same after a redirect from a plain address.
    let answer = format!("HTTP/1.1 302 Go\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n");
    let camera = Camera::sending(answer).await;
    assert_eq!(take(&source(&camera.url(), trusted), 1).await.pictures.len(), 1);
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
