use futures_util::future::join;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::connection::{ConnectionHandle, Guarded};
use crate::per_address::PerAddress;
use crate::receive::Receiving;
use crate::socket::new_pipes;
use crate::{Listening, Options, Peer, Secure, Served};

/// A server's and a client's side; the client speaks these protocols.
fn configs(alpn: &[&str]) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let server = server.unwrap().with_no_client_auth();
    let mut server = server.with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut client = client.unwrap().with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    (server.into(), client.into())
}

async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    client: Arc<ClientConfig>,
    stream: S,
) -> io::Result<TlsStream<S>> {
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(client).connect(name, stream).await
}

/// An encrypted connection, as the server and as the client has it.
async fn pair() -> (Guarded, ConnectionHandle, TlsStream<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (far, peer) = listener.accept().await.unwrap();
    let (server, client) = configs(&[]);
    let tls = Tls::new(move || server.clone(), Arc::default());
    let (opened, connected) = join(tls.open(Socket::Tcp(far), peer), connect(client, near)).await;
    let Ok(Opened::Secured(socket)) = opened else { panic!("{opened:?}") };
    socket.set_options().unwrap();
    let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    let receiving = Receiving::new(4 << 20, 10, Duration::from_secs(60));
    let (guarded, handle) = Guarded::new(socket, place, receiving, CancellationToken::new());
    (guarded, handle, connected.unwrap())
}

#[tokio::test]
async fn a_peer_that_reads_nothing_is_found_in_its_time() {
    let (mut guarded, handle, _peer) = pair().await;
    handle.set_write_deadline(Duration::from_secs(1));
    let start = Instant::now();
    let chunk = vec![0; 1 << 20];
    let error = loop {
        if let Err(error) = guarded.write_all(&chunk).await {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_peer_that_reads_nothing_is_found_where_the_last_of_an_answer_waits() {
    let (mut guarded, handle, _peer) = pair().await;
    handle.set_write_deadline(Duration::from_secs(1));
    // Until the kernel takes no more; what is written last waits in memory.
    let error = loop {
        // Less than what may wait encrypted, so that each write is taken and it is the flush that waits.
        guarded.write_all(&[0; 16 << 10]).await.unwrap();
        if let Err(error) = guarded.flush().await {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_peer_that_reads_slowly_all_the_time_is_kept_beyond_the_deadline() {
    let (mut guarded, handle, mut peer) = pair().await;
    handle.set_write_deadline(Duration::from_secs(2));
    let reading = tokio::spawn(async move {
        let mut some = vec![0; 32 << 10];
        for _ in 0..120 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if peer.read(&mut some).await.unwrap_or(0) == 0 {
                return None;
            }
        }
        Some(peer)
    });
    let chunk = vec![0; 1 << 20];
    let writing = tokio::spawn(async move {
        loop {
            if let Err(error) = guarded.write_all(&chunk).await {
                break error.kind();
            }
        }
    });
    let peer = reading.await.unwrap();
    assert!(peer.is_some() && !writing.is_finished(), "it read for six seconds");
    assert_eq!(writing.await.unwrap(), io::ErrorKind::TimedOut, "and then nothing");
}

#[tokio::test]
async fn room_is_where_nothing_waits_encrypted() {
    let (mut guarded, handle, mut peer) = pair().await;
    handle.set_write_deadline(Duration::from_secs(60));
    let filling = async {
        loop {
            guarded.write_all(&[0; 16 << 10]).await.unwrap();
            guarded.flush().await.unwrap();
        }
    };
    let filled = tokio::time::timeout(Duration::from_millis(500), filling).await;
    assert!(filled.is_err());
    assert!(tokio::time::timeout(Duration::from_millis(100), handle.wait_for_room()).await.is_err());
    let reading = tokio::spawn(async move { tokio::io::copy(&mut peer, &mut tokio::io::sink()).await });
    guarded.flush().await.unwrap();
    handle.wait_for_room().await;
    drop(guarded);
    let _ = reading.await.unwrap();
}

#[tokio::test]
async fn a_peer_that_closes_is_seen_though_nothing_is_read() {
    let (guarded, handle, mut peer) = pair().await;
    handle.pause_reads_while_stalled();
    handle.set_write_deadline(Duration::from_secs(60));
    let (mut reader, mut writer) = tokio::io::split(guarded);
    let writing = tokio::spawn(async move { writer.write_all(&vec![0; 32 << 20]).await.unwrap_err().kind() });
    tokio::time::sleep(Duration::from_millis(200)).await;
    // The word that it closes is what a plain connection would take for something to be read.
    peer.shutdown().await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), reader.read_u8()).await.unwrap();
    assert!(ended.is_err());
    assert_eq!(writing.await.unwrap(), io::ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn a_websocket_is_told_why_it_is_given_up() {
    let (mut guarded, handle, mut peer) = pair().await;
    peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    guarded.read_exact(&mut [0; 18]).await.unwrap();
    handle.expect_websocket();
    handle.mark_known();
    guarded.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap();
    guarded.flush().await.unwrap();
    peer.read_exact(&mut [0; 36]).await.unwrap();
    let sending = tokio::spawn(async move {
        let long = [&[0x82, 0xff][..], &(16_u64 << 20).to_be_bytes(), &[0; 4]].concat();
        peer.write_all(&long).await.unwrap();
        let _ = peer.write_all(&vec![0; 16 << 20]).await;
        let mut frame = [0; 4];
        peer.read_exact(&mut frame).await.unwrap();
        u16::from_be_bytes([frame[2], frame[3]])
    });
    while guarded.read(&mut [0; 16 << 10]).await.is_ok() {}
    drop(guarded);
    assert_eq!(sending.await.unwrap(), 1013);
}

fn options() -> Options {
    Options {
        max_connections: 10,
        receive_memory_bytes: 1 << 20,
        receive_timeout: Duration::from_secs(30),
        send_memory_bytes: 1 << 20,
        last_answer: Duration::from_secs(1),
        per_address: PerAddress::default(),
        per_asker: crate::PerAsker::default(),
    }
}

const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);

/// A server behind pipes, which says how requests came.
fn serve(server: Arc<ServerConfig>) -> (crate::socket::Dialer, Arc<Listening>, Arc<Tls>, CancellationToken) {
    serve_within(server, &options())
}

fn serve_within(
    server: Arc<ServerConfig>,
    options: &Options,
) -> (crate::socket::Dialer, Arc<Listening>, Arc<Tls>, CancellationToken) {
    let (dialer, listener) = new_pipes(([127, 0, 0, 1], 443).into(), 64 << 10);
    let app = Router::new().fallback(async |request: Request| {
        let is_secured = request.extensions().get::<Secured>().is_some();
        assert!(request.extensions().get::<Peer>().is_some());
        format!("secured: {is_secured}")
    });
    let tls = Tls::new(move || server.clone(), Arc::default());
    let secure = Secure { tls: tls.clone(), plain: redirect_routes(8443) };
    let (listening, stop) = (Listening::new(options), CancellationToken::new());
    let served = Served { app, secure: Some(secure) };
    tokio::spawn(crate::run_listener(
        Box::new(listener),
        served,
        listening.clone(),
        stop.clone(),
        TaskTracker::new(),
    ));
    (dialer, listening, tls, stop)
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let request = b"GET /stream?camera=gate HTTP/1.1\r\nHost: vision.local:80\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(start_paused = true)]
async fn requests_come_encrypted_and_who_speaks_plain_http_is_sent_there() {
    let (server, client) = configs(&["h2", "http/1.1"]);
    let (dialer, _, tls, stop) = serve(server);
    let stream = connect(client, dialer.connect(CLIENT).await.unwrap()).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(ask(stream).await.ends_with("secured: true"));
    let plain = ask(dialer.connect(CLIENT).await.unwrap()).await;
    assert!(plain.starts_with("HTTP/1.1 308 "), "{plain}");
    assert!(plain.contains("location: https://vision.local:8443/stream?camera=gate\r\n"), "{plain}");
    assert_eq!(tls.handshakes.counts(), [1, 0]);
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_no_place_is_told_nothing_that_is_not_encrypted() {
    let (server, _) = configs(&[]);
    let (dialer, listening, _, stop) = serve(server);
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(dialer.connect(CLIENT).await.unwrap());
    }
    let mut answer = String::new();
    dialer.connect(CLIENT).await.unwrap().read_to_string(&mut answer).await.unwrap();
    assert_eq!((answer.as_str(), listening.refused_count()), ("", 1));
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_has_its_place_for_a_while_only() {
    let (server, client) = configs(&[]);
    let (dialer, listening, tls, stop) = serve(server);
    let mut silent = Vec::new();
    for _ in 0..9 {
        silent.push(dialer.connect(CLIENT).await.unwrap());
    }
    // A handshake that begins and does not go on.
    let mut half = dialer.connect(CLIENT).await.unwrap();
    half.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
    while listening.open_count() < 10 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    while listening.open_count() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!((DEADLINE..DEADLINE * 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert_eq!(tls.handshakes.counts(), [0, 10]);
    let stream = connect(client, dialer.connect(CLIENT).await.unwrap()).await.unwrap();
    assert!(ask(stream).await.ends_with("secured: true"));
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn an_address_that_begins_handshakes_and_does_not_go_on_shuts_nobody_else_out() {
    let (server, client) = configs(&[]);
    let many = Options { max_connections: 2 * MAX_AT_ONCE, ..options() };
    let (dialer, listening, tls, stop) = serve_within(server, &many);
    let (one, other): (SocketAddr, SocketAddr) =
        ("192.0.2.7:9".parse().unwrap(), "192.0.2.8:9".parse().unwrap());
    let mut waiting = Vec::new();
    for i in 0..MAX_AT_ONCE + MAX_OF_ADDRESS {
        let mut stream = dialer.connect(one).await.unwrap();
        // Most say nothing at all.
        if i >= MAX_AT_ONCE {
            stream.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
        }
        waiting.push(stream);
    }
    while listening.open_count() < waiting.len() || tls.of_address.lock().len() != 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    let stream = connect(client.clone(), dialer.connect(other).await.unwrap()).await.unwrap();
    assert!(ask(stream).await.ends_with("secured: true"));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // Others of that address have to wait until those have had their time.
    let stream = connect(client.clone(), dialer.connect(one).await.unwrap()).await.unwrap();
    assert!(begun.elapsed() > DEADLINE / 2, "{:?}", begun.elapsed());
    drop((stream, waiting));
    while listening.open_count() > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(tls.of_address.lock().is_empty(), "whoever has gone is forgotten");
    // Many who come together, from behind one address, all get their connection.
    let all = (0..4 * MAX_OF_ADDRESS)
        .map(async |_| connect(client.clone(), dialer.connect(one).await.unwrap()).await.unwrap());
    assert_eq!(futures_util::future::join_all(all).await.len(), 4 * MAX_OF_ADDRESS);
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn many_addresses_that_begin_handshakes_and_do_not_go_on_keep_a_newcomer_waiting_no_more_than_one() {
    let (server, client) = configs(&[]);
    let many = Options { max_connections: 4 * MAX_AT_ONCE, ..options() };
    let (dialer, listening, tls, stop) = serve_within(server, &many);
    let addresses = 2 * MAX_AT_ONCE / MAX_OF_ADDRESS;
    let mut waiting = Vec::new();
    for address in 1..=addresses {
        for _ in 0..MAX_OF_ADDRESS {
            let from = format!("192.0.2.{address}:9").parse().unwrap();
            let mut stream = dialer.connect(from).await.unwrap();
            stream.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
            waiting.push(stream);
        }
    }
    while listening.open_count() < waiting.len() || tls.turns.available_permits() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    let newcomer = "198.51.100.7:9".parse().unwrap();
    let all = (0..OWN)
        .map(async |_| connect(client.clone(), dialer.connect(newcomer).await.unwrap()).await.unwrap());
    futures_util::future::join_all(all).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_handshakes() {
    let (server, _) = configs(&[]);
    let (dialer, listening, _, stop) = serve(server);
    let _silent = dialer.connect(CLIENT).await.unwrap();
    while listening.open_count() < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    stop.cancel();
    while listening.open_count() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_fails_takes_one_line_that_says_what_helps() {
    let log = sightwire_base::captured::capture_log();
    let (server, _) = configs(&[]);
    let (_, stranger) = configs(&["http/1.1"]);
    let (dialer, _, tls, stop) = serve(server.clone());
    connect(stranger, dialer.connect(CLIENT).await.unwrap()).await.unwrap_err();
    let mut garbage = dialer.connect(CLIENT).await.unwrap();
    garbage.write_all(&[22, 3, 1, 0, 5, 9, 9, 9, 9, 9]).await.unwrap();
    garbage.shutdown().await.unwrap();
    while tls.handshakes.counts() != [0, 2] {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let lines = log.lines_with("a TLS handshake with 127.0.0.1:9 failed");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("does not trust the certificate"), "{lines:?}");
    stop.cancel();
}

#[test]
fn the_address_that_is_the_same_over_tls_keeps_name_and_path() {
    let of = |host: &str, target: &str, port| secure_address(host, &target.parse().unwrap(), port);
    assert_eq!(of("a.example", "/", 443).as_deref(), Some("https://a.example/"));
    assert_eq!(of("a.example:80", "/x?y=1", 8443).as_deref(), Some("https://a.example:8443/x?y=1"));
    assert_eq!(of("[::1]:80", "http://other/x", 443).as_deref(), Some("https://[::1]/x"));
    assert_eq!(of("[::1]", "*", 443).as_deref(), Some("https://[::1]/"));
    for host in ["", "a b", "a/b", "a@b", "a?b", "ä"] {
        assert_eq!(of(host, "/", 443), None, "{host}");
    }
}
