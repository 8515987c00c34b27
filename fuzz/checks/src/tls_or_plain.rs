use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sightwire_listen::socket::{Listener as _, new_pipes};
use sightwire_listen::tls::{Handshakes, Opened, Tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::{Builder, Runtime};

const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
/// Bytes of a connection.
const MAX_BYTES: usize = 16 << 10;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));
static CONFIG: LazyLock<Arc<ServerConfig>> = LazyLock::new(|| {
    let config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(Arc::new(Nothing));
    Arc::new(config)
});

/// No certificate, so that no handshake comes to its end.
#[derive(Debug)]
struct Nothing;

impl ResolvesServerCert for Nothing {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

/// The first bytes of a connection to a port with TLS: a handshake is one by its first byte, and a wrong one is an error; a client that
/// speaks plainly is told so, and not a byte of that is lost.
pub fn tls_or_plain(data: &[u8]) {
    if data.len() > MAX_BYTES {
        return;
    }
    RUNTIME.block_on(async {
        let (dialer, mut listener) = new_pipes(SERVER, MAX_BYTES);
        let mut client = dialer.connect(SERVER).await.expect("a listener");
        client.write_all(data).await.expect("room for it");
        client.shutdown().await.expect("its end");
        let (socket, peer) = listener.accept().await.expect("a connection");
        let handshakes = Arc::<Handshakes>::default();
        let tls = Tls::new(|| CONFIG.clone(), handshakes.clone());
        match tls.open(socket, peer).await {
            Ok(Opened::Secured(_)) => panic!("there is no certificate"),
            Ok(Opened::Plain(mut socket)) => {
                assert_ne!(data.first(), Some(&22));
                let mut came = Vec::new();
                socket.read_to_end(&mut came).await.expect("what was sent");
                assert_eq!(came, data);
                assert_eq!(handshakes.counts(), [0, 0]);
            }
            Err(_) => {
                assert_eq!(data.first(), Some(&22));
                assert_eq!(handshakes.counts(), [0, 1]);
            }
        }
    });
}
