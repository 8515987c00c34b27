//! A real Redis for one test, which ends with it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Connection, FromRedisValue};
use rustls::ClientConfig;
use sightwire_cluster::redis::{Redis, RedisOptions};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const HINT: &str = "redis-server (7 or newer) is needed: cargo xtask setup unpacks it";
/// Ends the server when this process ends, however that happens: then nothing more comes from there.
const KEEPER: &str = r#""$@" >&2 & echo $!; cat >/dev/null; kill -9 $! 2>/dev/null"#;

/// A server of Redis with a folder of its own.
pub struct Server {
    folder: TempDir,
    more: Vec<String>,
    running: Option<(Child, u32)>,
}

impl Server {
    /// One that keeps nothing on disk.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// One that is told more, in the words of its command line.
    pub fn with(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let more = more.iter().map(|&word| word.to_owned()).collect();
        let mut server = Self { folder, more, running: None };
        server.start_again();
        server
    }

    /// A new one in the place of one that was ended.
    pub fn start_again(&mut self) {
        let (program, libraries) = program();
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "sh"]).arg(program);
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--loglevel", "warning"]);
        command.arg("--unixsocket").arg(self.socket()).args(&self.more);
        command.current_dir(self.folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(libraries) = libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        let mut keeper = command.spawn().unwrap();
        let mut line = String::new();
        let mut said = std::io::BufReader::new(keeper.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        self.running = Some((keeper, line.trim().parse().unwrap()));
        let begun = Instant::now();
        while self.try_connect().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(10), "redis-server does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn try_connect(&self) -> Option<Connection> {
        let mut connection = redis::Client::open(self.url()).unwrap().get_connection().ok()?;
        // Where it wants a password, an error says as well that it is there.
        let pong: Result<String, _> = redis::cmd("PING").query(&mut connection);
        (pong.is_ok() || pong.is_err_and(|error| error.code() == Some("NOAUTH"))).then_some(connection)
    }

    /// Asks it as anybody may who shares it.
    pub fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).unwrap()
    }

    pub fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let mut connection = self.try_connect().expect("redis-server answers");
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).query(&mut connection)
    }

    /// Sends a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let (_, pid) = self.running.as_ref().unwrap();
        let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Ends it without a word.
    pub fn kill(&mut self) {
        if let Some((mut keeper, _)) = self.running.take() {
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The first that is new enough, and the libraries that it needs if it was only unpacked.
fn program() -> (PathBuf, Option<String>) {
    if let Some(named) = std::env::var_os("SIGHTWIRE_REDIS_SERVER") {
        return (named.into(), None);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/bin".into()]);
    let installed = folders.map(|folder| folder.join("redis-server"));
    if let Some(program) = installed.into_iter().find(|program| is_new_enough(program, None)) {
        return (program, None);
    }
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.sightwire/redis/usr");
    let unpacked = unpacked.canonicalize().expect(HINT);
    let libraries = std::fs::read_dir(unpacked.join("lib")).expect(HINT);
    let libraries: Vec<String> =
        libraries.map(|folder| folder.unwrap().path().to_string_lossy().into_owned()).collect();
    let (program, libraries) = (unpacked.join("bin/redis-server"), libraries.join(":"));
    assert!(is_new_enough(&program, Some(&libraries)), "{HINT}");
    (program, Some(libraries))
}

fn is_new_enough(program: &Path, libraries: Option<&str>) -> bool {
    let mut command = Command::new(program);
    if let Some(libraries) = libraries {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    let said = command.arg("--version").output().map(|said| said.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).into_owned();
    let major = said.split_once("v=").and_then(|(_, version)| version.split_once('.'));
    major.is_some_and(|(major, _)| major.parse::<u32>().is_ok_and(|major| major >= 7))
}

/// A store of one process, and the task that keeps it connected.
pub struct StoreConnection {
    pub store: Arc<Redis>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl StoreConnection {
    /// One that uses this part of a Redis, whatever comes of it.
    pub fn begin(url: String, prefix: &str) -> Self {
        Self::of(RedisOptions { url, prefix: prefix.into(), trust: None })
    }

    /// One that reaches it over TLS.
    pub fn trusting(url: String, trust: Arc<ClientConfig>) -> Self {
        Self::of(RedisOptions { url, prefix: "p".into(), trust: Some(trust) })
    }

    fn of(options: RedisOptions) -> Self {
        let store = Redis::new(options).unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (store, stop) = (store.clone(), stop.clone());
            async move { store.run(stop).await }
        });
        Self { store, stop, task }
    }

    /// One that is connected.
    pub async fn open(server: &Server, prefix: &str) -> Self {
        let place = Self::begin(server.url(), prefix);
        place.connects(0).await;
        place
    }

    /// Waits until it has found again what it had lost.
    pub async fn comes_back(&self) {
        self.connects(1).await;
    }

    async fn connects(&self, before: u64) {
        let connected =
            tokio::time::timeout(Duration::from_secs(10), self.store.wait_connected(before)).await;
        assert_eq!(connected, Ok(before + 1), "{:?}", self.store.status());
    }

    /// Ends what keeps it connected.
    pub async fn end(mut self) -> Arc<Redis> {
        self.stop.cancel();
        (&mut self.task).await.unwrap();
        self.store.clone()
    }
}

impl Drop for StoreConnection {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
