//! The same viewers at two servers, in turn: what one of them costs more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use crate::load::target::Target;
use anyhow::{Result, ensure};
use rustls::pki_types::ServerName;
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

/// Until all viewers get pictures, and none is still shaking hands.
const SETTLE: Duration = Duration::from_millis(2000);

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Shape {
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

/// One of the two.
pub(crate) struct Side {
    /// What the table calls it.
    pub(crate) name: &'static str,
    pub(crate) server: Server,
    /// Where connections are encrypted.
    pub(crate) connector: Option<TlsConnector>,
    /// Where viewers need one.
    pub(crate) key: Option<String>,
}

impl Side {
    /// Without TLS, and without a key; at `http://…`.
    pub(crate) fn new(name: &'static str, url: &str) -> Result<Self> {
        Ok(Self {
            name,
            server: Server::from_target(Target::parse(url, false)?)?,
            connector: None,
            key: None,
        })
    }
}

/// What a server did for its viewers in a while.
struct Measured {
    cpu: Duration,
    bytes: u64,
    delivered: f64,
    memory_kb: f64,
}

/// Prints a table with a row for each number of viewers.
pub(crate) fn compare_sides(one: &Side, other: &Side, shape: &Shape) -> Result<()> {
    ensure!(shape.pairs > 0, "--pairs has to be 1 or more");
    let frames = FrameSet::render(Gesture::Wave, 640, 480, shape.bytes)?;
    let bytes = frames.summary.mean_jpeg_bytes as usize + stamp::SEGMENT_BYTES;
    let camera = Camera::start(frames.jpegs, shape.fps)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (a, b) = (one.name, other.name);
    let heads = format!(
        "viewers|{a}: CPU ms/MB|{b}: CPU ms/MB|ratio (median of pairs)|all pairs|{a}: delivered|{b}: delivered|{a}: kB/viewer|{b}: kB/viewer"
    );
    let mut table = Table::new(&heads.split('|').collect::<Vec<_>>());
    for &count in &shape.viewers {
        let mut pairs = Vec::new();
        for pair in 0..shape.pairs {
            eprintln!("{count} viewers, pair {} of {}", pair + 1, shape.pairs);
            let of = |side| measure_side(&runtime, side, &camera, (count, bytes), shape.seconds);
            // The server that comes second finds the machine warmer.
            let before = if pair % 2 == 0 { None } else { Some(of(other)?) };
            let first = of(one)?;
            pairs.push((first, before.map_or_else(|| of(other), Ok)?));
        }
        table.add_row(format_row(count, &pairs));
    }
    println!("{}", table.text());
    Ok(())
}

fn format_row(count: usize, pairs: &[(Measured, Measured)]) -> [String; 9] {
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

fn measure_side(
    runtime: &Runtime,
    side: &Side,
    camera: &Camera,
    (count, bytes): (usize, usize),
    seconds: f64,
) -> Result<Measured> {
    let server = &side.server;
    let before = server.read_sample()?.memory.rss_bytes;
    let received = Arc::new(AtomicU64::new(0));
    let mut viewers = JoinSet::new();
    let key = side.key.as_ref().map(|key| format!("&key={key}")).unwrap_or_default();
    let request = format!(
        "GET /stream/proxy?esp32_url={}{key} HTTP/1.1\r\nHost: {}\r\n\r\n",
        camera.url(),
        server.address()
    );
    for _ in 0..count {
        let (received, request, connector, address) =
            (received.clone(), request.clone(), side.connector.clone(), server.address());
        viewers.spawn_on(
            async move {
                let stream = TcpStream::connect(address).await?;
                match connector {
                    Some(connector) => {
                        let stream = connector.connect(ServerName::from(address.ip()), stream).await?;
                        read_stream(stream, &request, &received).await
                    }
                    None => read_stream(stream, &request, &received).await,
                }
            },
            runtime.handle(),
        );
    }
    sleep(SETTLE);
    let (meter, sent, got) =
        (Meter::start(server.pid()), camera.sent_count(), received.load(Ordering::Relaxed));
    sleep(Duration::from_secs_f64(seconds));
    let (cpu, _) = meter.read();
    let bytes_got = received.load(Ordering::Relaxed) - got;
    let offered = (camera.sent_count() - sent) as f64 * count as f64 * bytes as f64;
    let memory = server.read_sample()?.memory.rss_bytes;
    ensure!(viewers.try_join_next().is_none(), "a viewer was sent away: {:?}", viewers.try_join_next());
    viewers.abort_all();
    drop(viewers);
    // Until their connections and the memory of them are gone.
    sleep(SETTLE);
    let memory_kb = memory.saturating_sub(before) as f64 / 1e3 / count as f64;
    Ok(Measured { cpu, bytes: bytes_got, delivered: bytes_got as f64 / offered.max(1.0), memory_kb })
}

/// Reads what comes, and counts it.
async fn read_stream(
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
