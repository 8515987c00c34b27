//! The same viewers at a server that encrypts and at one that does not, in turn: what TLS costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use sightwire_synth::sample::Gesture;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::camera::Camera;
use crate::frames::FrameSet;
use crate::live::fanout::Source as _;
use crate::live::server::{Meter, Server};
use crate::live::stamp;
use crate::live::table::{Table, median};
use crate::target::Target;

/// Until all viewers get pictures, and none is still shaking hands.
const SETTLE: Duration = Duration::from_millis(2000);

/// The options.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A server without TLS, on this machine
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    url: String,
    /// A server with TLS, on this machine; whatever certificate it shows is taken
    #[arg(long, default_value = "https://127.0.0.1:8443")]
    secure_url: String,
    /// How many viewers, one row each
    #[arg(long, value_delimiter = ',', default_value = "50,500")]
    viewers: Vec<usize>,
    /// Pairs of both servers
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// How long each of a pair is measured
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Pictures a second
    #[arg(long, default_value_t = 10.0)]
    fps: f64,
    /// Bytes of a picture
    #[arg(long, default_value_t = 30_000)]
    bytes: usize,
}

/// What a server did for its viewers in a while.
struct Measured {
    cpu: Duration,
    bytes: u64,
    delivered: f64,
    memory_kb: f64,
}

/// Prints a table with a row for each number of viewers.
pub(crate) fn main(args: &Args) -> Result<()> {
    ensure!(args.pairs > 0, "--pairs has to be 1 or more");
    let secure = args.secure_url.replacen("https://", "http://", 1);
    ensure!(secure != args.secure_url, "--secure-url has to begin with https://");
    let plain = Server::at(Target::parse(&args.url, false)?)?;
    let secure = Server::at(Target::parse(&secure, false)?)?;
    let frames = FrameSet::render(Gesture::Wave, 640, 480, args.bytes)?;
    let bytes = frames.summary.mean_jpeg_bytes as usize + stamp::SEGMENT_BYTES;
    let camera = Camera::start(frames.jpegs, args.fps)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut table = Table::new(&[
        "viewers",
        "plain: CPU ms/MB",
        "TLS: CPU ms/MB",
        "ratio (median of pairs)",
        "all pairs",
        "plain: delivered",
        "TLS: delivered",
        "plain: kB/viewer",
        "TLS: kB/viewer",
    ]);
    for &count in &args.viewers {
        let mut pairs = Vec::new();
        for pair in 0..args.pairs {
            eprintln!("{count} viewers, pair {} of {}", pair + 1, args.pairs);
            let one = |server: &Server, is_secure| {
                measure(&runtime, server, &camera, (count, bytes), (is_secure, args.seconds))
            };
            // Whoever comes second finds the machine warmer.
            if pair % 2 == 0 {
                let first = one(&plain, false)?;
                pairs.push((first, one(&secure, true)?));
            } else {
                let first = one(&secure, true)?;
                pairs.push((one(&plain, false)?, first));
            }
        }
        table.row(row(count, &pairs));
    }
    println!("{}", table.text());
    Ok(())
}

fn row(count: usize, pairs: &[(Measured, Measured)]) -> [String; 9] {
    let per_mb = |of: &Measured| of.cpu.as_secs_f64() * 1e3 / (of.bytes.max(1) as f64 / 1e6);
    let of = |value: &dyn Fn(&(Measured, Measured)) -> f64| median(pairs.iter().map(value).collect());
    let ratio = |(plain, secure): &(Measured, Measured)| per_mb(secure) / per_mb(plain);
    [
        count.to_string(),
        format!("{:.2}", of(&|(plain, _)| per_mb(plain))),
        format!("{:.2}", of(&|(_, secure)| per_mb(secure))),
        format!("{:.2}", of(&ratio)),
        pairs.iter().map(|pair| format!("{:.2}", ratio(pair))).collect::<Vec<_>>().join(" "),
        format!("{:.1} %", of(&|(plain, _)| plain.delivered) * 100.0),
        format!("{:.1} %", of(&|(_, secure)| secure.delivered) * 100.0),
        format!("{:.0}", of(&|(plain, _)| plain.memory_kb)),
        format!("{:.0}", of(&|(_, secure)| secure.memory_kb)),
    ]
}

fn measure(
    runtime: &Runtime,
    server: &Server,
    camera: &Camera,
    (count, bytes): (usize, usize),
    (is_secure, seconds): (bool, f64),
) -> Result<Measured> {
    let before = server.sample()?.memory.rss_bytes;
    let received = Arc::new(AtomicU64::new(0));
    let mut viewers = JoinSet::new();
    let request = format!(
        "GET /stream/proxy?esp32_url={} HTTP/1.1\r\nHost: {}\r\n\r\n",
        camera.url(),
        server.address()
    );
    let connector = TlsConnector::from(Arc::new(client()?));
    for _ in 0..count {
        let (received, request, connector, address) =
            (received.clone(), request.clone(), connector.clone(), server.address());
        viewers.spawn_on(
            async move {
                let stream = TcpStream::connect(address).await?;
                if is_secure {
                    let name = ServerName::from(address.ip());
                    view(connector.connect(name, stream).await?, &request, &received).await
                } else {
                    view(stream, &request, &received).await
                }
            },
            runtime.handle(),
        );
    }
    sleep(SETTLE);
    let (meter, sent, got) = (Meter::start(server.pid()), camera.sent(), received.load(Ordering::Relaxed));
    sleep(Duration::from_secs_f64(seconds));
    let (cpu, _) = meter.read();
    let bytes_got = received.load(Ordering::Relaxed) - got;
    let offered = (camera.sent() - sent) as f64 * count as f64 * bytes as f64;
    let memory = server.sample()?.memory.rss_bytes;
    ensure!(viewers.try_join_next().is_none(), "a viewer was sent away: {:?}", viewers.try_join_next());
    viewers.abort_all();
    drop(viewers);
    // Until their connections and the memory of them are gone.
    sleep(SETTLE);
    let memory_kb = memory.saturating_sub(before) as f64 / 1e3 / count as f64;
    Ok(Measured { cpu, bytes: bytes_got, delivered: bytes_got as f64 / offered.max(1.0), memory_kb })
}

/// Reads what comes, and counts it.
async fn view(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
    received: &AtomicU64,
) -> Result<()> {
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = stream.read(&mut buffer).await?;
        ensure!(count > 0, "the server has closed the connection");
        received.fetch_add(count as u64, Ordering::Relaxed);
    }
}

fn client() -> Result<ClientConfig> {
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
