//! `cargo xtask bench cluster [--pairs N] [ARGS…]`: what it costs that viewers are not where senders are. Senders and viewers at one process, and at two
//! over one Redis, in turn; then what processes say to Redis; then one process and three behind nginx, where each client comes to any
//! of them. Further arguments go to the load generator of the first.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::ask::{fetch_counter, get_json, wait_until};
use super::turns::{PAIRS, in_turn, parse_pairs};
use super::{Section, generator_path, median, start_server, stdout_of};
use crate::nginx::Nginx;
use crate::project::Project;
use crate::redis::{Redis, Traffic, free_port};
use crate::server::Server;

const LOAD: &str = "relay --streams 16 --viewers 2 --fps 20 --seconds 10 --lossy --json";
const SETTINGS: &[&str] = &["relay.max_viewers=2000", "relay.lower_quality=false", "recognizer.dummy=true"];
/// The most that p99 may be longer at two processes, in milliseconds.
const TARGET_MS: f64 = 3.0;

/// Each viewer watches one stream, wherever either came to.
const SPREAD_LOAD: &str = "relay --streams 20 --viewers 200 --one --fps 20 --seconds 10 --lossy --json";
/// Behind a proxy nobody is taken to be on this machine.
const PROXIED: [&str; 2] = ["access.mode=open", "server.trusted_proxies=127.0.0.1"];
/// Processes that share it.
const SPREAD_OVER: usize = 3;

/// Streams of which processes tell each other, none of which is watched elsewhere.
const STREAMS: u64 = 20;
/// The load for that; it has to last longer than is measured.
const STREAMS_LOAD: &str = "relay --streams 20 --viewers 1 --fps 20 --seconds 25 --lossy";
/// How long it is counted what processes say.
const COUNTED: Duration = Duration::from_secs(20);
/// Counting begins this long after streams have begun, or after the processes have met.
const SETTLE: Duration = Duration::from_secs(2);

/// Servers that act as one.
struct Cluster {
    servers: Vec<Server>,
}

/// What the load generator says of a run, and what went between processes.
struct Measured {
    p50_ms: f64,
    p99_ms: f64,
    lost: u64,
    cpu_s: Vec<f64>,
    /// Of what came from one process to the other, for each picture that was sent.
    bytes_a_picture: f64,
}

/// Measures it and writes it into the page.
pub(super) fn bench_cluster(args: &[String]) -> Result<ExitCode> {
    let (pairs, more) = parse_pairs(args)?;
    let mut section = Section::set_up("cluster")?;
    let project = section.project.clone();
    let redis = Redis::start(&project)?;
    let table = compare_pairs(&project, &redis, pairs, more)?;
    section.add_text(&table);
    let said = measure_traffic(&project, &redis)?;
    section.add_text(&said);
    let spread = compare_spread(&project, &redis, pairs)?;
    section.add_text(&spread);
    section.finish_page(pairs >= PAIRS && more.is_empty())
}

/// The table of pairs, and what it comes to.
fn compare_pairs(project: &Project, redis: &Redis, pairs: usize, more: &[String]) -> Result<String> {
    let load = [&[LOAD.to_owned()], more].concat().join(" ");
    let mut text = format!(
        "`sightwire-bench {load}`\n\n\
         | pair | one: p50 ms | p99 | lost | CPU s | two: p50 ms | p99 | lost | CPU s, senders | CPU s, viewers | KB between them a picture |\n\
         |{}",
        " ---: |".repeat(11)
    );
    let (mut p50, mut p99, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..pairs {
        let apart = || measure_two(project, redis, pair, more);
        let [one, two] =
            in_turn((pair, pairs), ["one process", "two processes"], || measure_one(project, more), apart)?;
        text.push_str(&format_row(pair + 1, &one, &two));
        p50.push(two.p50_ms - one.p50_ms);
        p99.push(two.p99_ms - one.p99_ms);
        cpu.push(two.cpu_s.iter().sum::<f64>() / one.cpu_s.iter().sum::<f64>());
    }
    let _ = write!(
        text,
        "\n\nMedians of pairs: the second process adds {:.2} ms at p50 and {:.2} ms at p99 (target: at most {TARGET_MS} ms); both together take {:.2} times the CPU.",
        median(&mut p50),
        median(&mut p99),
        median(&mut cpu),
    );
    Ok(text)
}

fn format_row(pair: usize, one: &Measured, two: &Measured) -> String {
    let mut row = format!("\n| {pair} |");
    for it in [one, two] {
        let _ = write!(row, " {:.2} | {:.2} | {} |", it.p50_ms, it.p99_ms, it.lost);
        it.cpu_s.iter().for_each(|cpu| {
            let _ = write!(row, " {cpu:.2} |");
        });
    }
    let _ = write!(row, " {:.1} |", two.bytes_a_picture / 1e3);
    row
}

/// Senders and viewers at one process that knows of no others.
fn measure_one(project: &Project, more: &[String]) -> Result<Measured> {
    let server = start_server(project, "server-bench", SETTINGS)?;
    let report = load_report(project, LOAD, &["--url", server.url()], more)?;
    server.stop()?;
    parse_measured(&report, 1, 0.0)
}

/// Senders at one process, viewers at another.
fn measure_two(project: &Project, redis: &Redis, pair: usize, more: &[String]) -> Result<Measured> {
    let cluster = Cluster::start(project, redis, &format!("bench-{pair}"), 2, &[])?;
    let (a, b) = (cluster.servers[0].url(), cluster.servers[1].url());
    let report = load_report(project, LOAD, &["--senders-at", a, "--viewers-at", b], more)?;
    let sent = fetch_counter(a, "sightwire_relay_pictures_total")?;
    let pulled = fetch_counter(b, "sightwire_cluster_pulled_bytes_total")?;
    cluster.stop()?;
    parse_measured(&report, 2, pulled / sent)
}

fn load_report(project: &Project, load: &str, at: &[&str], more: &[String]) -> Result<Value> {
    let mut generator = Command::new(generator_path(project));
    let text = stdout_of(generator.args(load.split(' ')).args(at).args(more))?;
    serde_json::from_str(&text).context("read the load generator's report")
}

/// From the first row of the report, which is to be of this many processes.
fn parse_measured(report: &Value, processes: usize, bytes_a_picture: f64) -> Result<Measured> {
    let number = |path: &str| {
        let number = report.pointer(path).and_then(Value::as_f64);
        number.with_context(|| format!("the load generator's report has no {path}"))
    };
    let cpu_s = (0..processes).map(|index| number(&format!("/0/cpu_s/{index}")));
    Ok(Measured {
        p50_ms: number("/0/age_ms/p50")?,
        p99_ms: number("/0/age_ms/p99")?,
        lost: number("/0/lost")? as u64,
        cpu_s: cpu_s.collect::<Result<_>>()?,
        bytes_a_picture,
    })
}

/// One process and several behind nginx, with clients that come to any of them.
fn compare_spread(project: &Project, redis: &Redis, pairs: usize) -> Result<String> {
    let mut text = format!(
        "Behind nginx (`deploy/cluster/nginx.conf`), which chooses the process of each sender and viewer; `sightwire-bench {SPREAD_LOAD}`\n\n\
         | pair | one process: p50 ms | p99 | lost | {SPREAD_OVER} processes: p50 ms | p99 | lost | frames between them, for each that was sent |\n\
         |{}",
        " ---: |".repeat(8)
    );
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        let alone = || {
            let server = start_server(project, "server-bench", &[SETTINGS, &PROXIED].concat())?;
            let address = server.url().trim_start_matches("http://");
            let measured = behind_nginx(project, &[address; SPREAD_OVER], || Ok(0.0))?;
            server.stop()?;
            Ok(measured)
        };
        let several = || {
            let cluster =
                Cluster::start(project, redis, &format!("bench-spread-{pair}"), SPREAD_OVER, &PROXIED)?;
            let urls: Vec<&str> = cluster.servers.iter().map(Server::url).collect();
            let addresses: Vec<&str> = urls.iter().map(|url| url.trim_start_matches("http://")).collect();
            let measured = behind_nginx(project, &addresses, || {
                let sum = |name| urls.iter().map(|url| fetch_counter(url, name)).sum::<Result<f64>>();
                Ok(sum("sightwire_cluster_pulled_frames_total")? / sum("sightwire_relay_pictures_total")?)
            })?;
            cluster.stop()?;
            Ok(measured)
        };
        let names = ["one process behind nginx", "several"];
        let [(one, _), (three, between)] = in_turn((pair, pairs), names, alone, several)?;
        let _ = write!(text, "\n| {} |", pair + 1);
        for it in [&one, &three] {
            let _ = write!(text, " {:.2} | {:.2} | {} |", it.p50_ms, it.p99_ms, it.lost);
        }
        let _ = write!(text, " {between:.2} |");
        p50.push(three.p50_ms - one.p50_ms);
        p99.push(three.p99_ms - one.p99_ms);
    }
    let _ = write!(
        text,
        "\n\nMedians of pairs: {SPREAD_OVER} processes add {:.2} ms at p50 and {:.2} ms at p99 (target: at most {TARGET_MS} ms).",
        median(&mut p50),
        median(&mut p99),
    );
    Ok(text)
}

/// What the load generator says of processes behind nginx, and what `count` gives after it.
fn behind_nginx(
    project: &Project,
    addresses: &[&str],
    count: impl Fn() -> Result<f64>,
) -> Result<(Measured, f64)> {
    let nginx = Nginx::start(project, addresses)?;
    let url = nginx.url();
    let report = load_report(project, SPREAD_LOAD, &["--url", &url], &[])?;
    Ok((parse_measured(&report, 1, 0.0)?, count()?))
}

/// What two processes and Redis say to each other, without streams and with some.
fn measure_traffic(project: &Project, redis: &Redis) -> Result<String> {
    let cluster = Cluster::start(project, redis, "bench-said", 2, &[])?;
    eprintln!("two processes without streams");
    thread::sleep(SETTLE);
    let idle = redis.measure_traffic(COUNTED)?;
    eprintln!("with {STREAMS} streams");
    let busy = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut generator = Command::new(generator_path(project));
            stdout_of(generator.args(STREAMS_LOAD.split(' ')).args(["--url", cluster.servers[0].url()]))
        });
        let live = || {
            Ok(get_json(cluster.servers[0].url(), "/api/v1/status")?.pointer("/relay/streams")
                == Some(&STREAMS.into()))
        };
        let busy = wait_until(&format!("{STREAMS} streams to begin"), live).and_then(|()| {
            thread::sleep(SETTLE);
            redis.measure_traffic(COUNTED)
        });
        let load = load.join().ok().context("a thread has panicked")?;
        load.and(busy)
    })?;
    cluster.stop()?;
    let per_s =
        |traffic: Traffic| [traffic.came, traffic.went].map(|bytes| bytes as f64 / COUNTED.as_secs_f64());
    let ([idle_to, idle_from], [to, from]) = (per_s(idle), per_s(busy));
    Ok(format!(
        "What two processes say to Redis and it to them, in {} s (`INFO stats`): {idle_to:.0} and {idle_from:.0} bytes a second without streams; {to:.0} and \
         {from:.0} with {STREAMS} streams at one of them, of which nobody at the other watches any: {:.0} bytes a second and stream.",
        COUNTED.as_secs(),
        (to + from) / STREAMS as f64
    ))
}

impl Cluster {
    /// Starts this many, and returns when each knows of the others. Keys in Redis begin with `prefix`.
    fn start(project: &Project, redis: &Redis, prefix: &str, count: usize, more: &[&str]) -> Result<Self> {
        let secret = project.own_path("bench/cluster.secret");
        fs::write(&secret, "known to all of these and to nobody else").context("write their secret")?;
        let common = [
            format!("cluster.redis_url={}", redis.url()),
            format!("cluster.prefix={prefix}"),
            format!("cluster.secret_file={}", secret.display()),
        ];
        let begin = |index: usize| {
            let name = format!("process-{index}");
            let address = format!("127.0.0.1:{}", free_port()?);
            let own = [format!("cluster.name={name}"), format!("cluster.advertise_url=http://{address}")];
            let settings =
                SETTINGS.iter().chain(more).copied().chain(common.iter().chain(&own).map(String::as_str));
            let settings = settings.flat_map(|setting| ["--set", setting]);
            let args: Vec<&str> = ["serve", "--listen", &address].into_iter().chain(settings).collect();
            Server::start(project, &format!("server-bench-{name}"), &args)
        };
        let this = Self { servers: (0..count).map(begin).collect::<Result<_>>()? };
        for server in &this.servers {
            wait_until("the processes to find each other", || {
                let status = get_json(server.url(), "/api/v1/status")?;
                let known = status.pointer("/cluster/processes").and_then(Value::as_array);
                Ok(known.is_some_and(|known| known.len() == count))
            })?;
        }
        Ok(this)
    }

    fn stop(self) -> Result<()> {
        self.servers.into_iter().try_for_each(Server::stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_of_as_many_processes_as_were_measured() {
        let report = r#"[{"age_ms":{"p50":0.5,"p99":2.5},"lost":3,"cpu_s":[0.25]}]"#;
        let report = serde_json::from_str(report).unwrap();
        let measured_of = |processes| parse_measured(&report, processes, 0.0);
        let one = measured_of(1).unwrap();
        assert_eq!((one.p50_ms, one.p99_ms, one.lost, &one.cpu_s[..]), (0.5, 2.5, 3, &[0.25][..]));
        assert!(measured_of(2).is_err_and(|error| error.to_string().contains("/0/cpu_s/1")));
    }
}
