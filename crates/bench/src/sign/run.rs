//! One run: connect, warm up, measure, let everybody leave, and put the report together.

use std::{
    io::IsTerminal as _,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use crate::load::{machine::Mark, procfs, timer::Clockwork};
use anyhow::{Context, Result, bail};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinSet,
    time::sleep_until,
};

use super::{
    Settings, Transport,
    churn::{self, ChurnReport},
    memory::Usage,
    packet::FrameMessage,
    parts::{self, Snapshot, Watched},
    polling,
    record::{End, Outcome, Recorder, Tally},
    report::Report,
    session::{Shared, Ticket},
    status::Status,
    stuck, websocket,
};
use crate::{frames::FrameSet, schedule::Plan};

/// Handshakes at the same time: a stampede is what `--churn` is for.
const CONNECTING_AT_ONCE: usize = 32;
/// From the last client's readiness to the first frame.
const LEAD: Duration = Duration::from_millis(300);
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
const PRIME: Duration = Duration::from_secs(1);

/// Runs the load that `settings` ask for with `clients` steady clients. Ends early, with what there is,
/// when `interrupt` becomes true.
pub(crate) async fn run_load(
    settings: &Settings,
    clients: usize,
    frames: &FrameSet,
    interrupt: &mut watch::Receiver<bool>,
) -> Result<Report> {
    let target = &settings.target;
    tokio::net::TcpStream::connect(target.address).await.with_context(|| {
        format!("no server answers at {}; start it or give its address with --url", settings.url)
    })?;
    let messages: Vec<FrameMessage> =
        frames.jpegs.iter().map(|jpeg| FrameMessage::new(jpeg, settings.encoding)).collect();
    if let Some(pid) = settings.pid {
        procfs::Sample::read_quick(pid)
            .with_context(|| format!("--pid {pid}: no such process to look at"))?;
    }
    let pid = settings.pid.or_else(|| target.is_loopback().then(|| procfs::listening_pid(target.address))?);
    let usage = async || match pid {
        Some(_) => Usage::read_full(pid, None),
        None => Usage::read_full(None, Status::fetch(target).await.as_ref()),
    };

    let idle = usage().await;
    if settings.prime {
        prime_server(settings, &messages).await?;
    }
    let before = usage().await;

    let (plan_sender, plan_receiver) = watch::channel(None);
    let shared = make_shared(settings, &messages, clients, plan_receiver)?;
    let connected = connect_clients(settings, &shared, interrupt).await;
    let plan = Plan::new(
        Instant::now() + LEAD,
        settings.warm_up,
        settings.baseline,
        settings.measured,
        settings.drain,
    );
    let mut tasks = connected?;
    plan_sender.send_replace(Some(plan));

    let churn = settings
        .churn
        .map(|per_s| tokio::spawn(churn::run_churn(shared.clone(), per_s, plan.measure, plan.end)));
    let stuck = (settings.stuck > 0)
        .then(|| tokio::spawn(stuck::run_stuck(shared.clone(), settings.stuck, plan.measure, plan.end)));

    let watched = watch_run(settings, &shared, pid, &plan_sender, interrupt).await;
    let plan = plan_sender.borrow().unwrap_or(plan);
    let outcomes = await_clients(&mut tasks, plan, clients).await;
    let churn: Option<ChurnReport> = match churn {
        Some(task) => Some(task.await.context("the short sessions")??),
        None => None,
    };
    let stuck = match stuck {
        Some(task) => Some(task.await.context("the stuck clients")?),
        None => None,
    };

    let settled = wait_settled(settings, &shared).await;
    let after = usage().await;
    Ok(parts::build_report(parts::Ingredients {
        settings,
        frames,
        shared: &shared,
        plan,
        watched,
        outcomes,
        usage: [idle, before, after],
        pid,
        settled,
        churn,
        stuck,
    }))
}

fn make_shared(
    settings: &Settings,
    messages: &[FrameMessage],
    clients: usize,
    plan: watch::Receiver<Option<Plan>>,
) -> Result<Arc<Shared>> {
    Ok(Arc::new(Shared {
        target: settings.target.clone(),
        messages: messages.to_vec(),
        fps: settings.fps,
        clients,
        extras: settings.extras,
        clockwork: Clockwork::start().context("starting the thread that keeps the time")?,
        recorder: Recorder::new()?,
        plan,
    }))
}

/// One client for a second, so that what the server makes only once exists before memory is measured.
async fn prime_server(settings: &Settings, messages: &[FrameMessage]) -> Result<()> {
    let start = Instant::now() + LEAD;
    let zero = Duration::ZERO;
    let (_sender, plan) = watch::channel(Some(Plan::new(start, zero, zero, PRIME, PRIME)));
    let shared = make_shared(settings, messages, 1, plan)?;
    let (pending, _) = mpsc::channel(1);
    let permit = Arc::new(Semaphore::new(1)).acquire_owned().await?;
    websocket::run_websocket_client(shared, 0, Ticket { _pending: pending, _permit: permit }).await;
    tokio::time::sleep(PRIME).await;
    Ok(())
}

/// Starts all clients and waits until each is ready or has failed.
async fn connect_clients(
    settings: &Settings,
    shared: &Arc<Shared>,
    interrupt: &mut watch::Receiver<bool>,
) -> Result<JoinSet<Outcome>> {
    eprintln!("connecting {} clients to {}", shared.clients, settings.url);
    let permits = Arc::new(Semaphore::new(CONNECTING_AT_ONCE));
    let (pending, mut none_pending) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    for index in 0..shared.clients {
        let (shared, permits, pending) = (shared.clone(), permits.clone(), pending.clone());
        let transport = settings.transport;
        tasks.spawn(async move {
            // The semaphore is never closed.
            let permit = permits.acquire_owned().await;
            let ticket = |permit| Ticket { _pending: pending, _permit: permit };
            match (permit, transport) {
                (Ok(permit), Transport::Websocket) => {
                    websocket::run_websocket_client(shared, index, ticket(permit)).await
                }
                (Ok(permit), Transport::Polling) => {
                    polling::run_polling_client(shared, index, ticket(permit)).await
                }
                (Err(_), _) => Outcome { end: End::Left, was_ready: false, tally: Tally::default() },
            }
        });
    }
    drop(pending);
    tokio::select! {
        _ = none_pending.recv() => Ok(tasks),
        _ = interrupt.wait_for(|&interrupted| interrupted) => bail!("interrupted before the first frame"),
    }
}

/// Samples every second and takes the two snapshots; returns at the end of the measured time.
async fn watch_run(
    settings: &Settings,
    shared: &Shared,
    pid: Option<u32>,
    plan_sender: &watch::Sender<Option<Plan>>,
    interrupt: &mut watch::Receiver<bool>,
) -> Watched {
    let mut watched = Watched::default();
    let mut next = Instant::now();
    let every = if std::io::stderr().is_terminal() { 1 } else { 10 };
    let mut ticks = 0u32;
    loop {
        // Copied out in a statement of its own: the guard must not live while the plan is replaced below.
        let plan = *plan_sender.borrow();
        let Some(plan) = plan else { break };
        let now = Instant::now();
        if watched.from.is_none() && now >= plan.measure {
            watched.from = Some(take_snapshot(settings, pid).await);
            continue;
        }
        if now >= plan.end {
            if watched.from.is_some() {
                watched.to = Some(take_snapshot(settings, pid).await);
            }
            break;
        }
        if now >= next {
            next += SAMPLE_EVERY;
            let sample = pid.and_then(|pid| procfs::Sample::read_quick(pid).ok());
            if let Some(sample) = sample {
                let seconds = now.saturating_duration_since(plan.start).as_secs_f64();
                watched.curve.push(seconds, sample.memory.rss_bytes);
            }
            if ticks.is_multiple_of(every) {
                print_progress(shared, plan, now, sample.map(|sample| sample.memory.rss_bytes));
            }
            ticks += 1;
        }
        let marks = [plan.measure, plan.end].into_iter().filter(|&mark| mark > now);
        let wake = marks.fold(next, Instant::min);
        tokio::select! {
            () = sleep_until(wake.into()) => {}
            _ = interrupt.wait_for(|&interrupted| interrupted), if !watched.interrupted => {
                watched.interrupted = true;
                eprintln!("interrupted: waiting for the replies that are due");
                plan_sender.send_replace(Some(plan.cut_short(Instant::now(), settings.drain)));
            }
        }
    }
    watched
}

async fn take_snapshot(settings: &Settings, pid: Option<u32>) -> Snapshot {
    let server = Usage::read_full(pid, None);
    let own = Usage::read_full(Some(std::process::id()), None);
    let machine = Mark::now();
    let status = Status::fetch(&settings.target).await;
    let server = server.or_else(|| Usage::read_full(None, status.as_ref()));
    Snapshot { server, own, machine, status }
}

fn print_progress(shared: &Shared, plan: Plan, now: Instant, rss_bytes: Option<u64>) {
    let sent = shared.recorder.live_sent.load(Ordering::Relaxed);
    let replied = shared.recorder.live_replied.load(Ordering::Relaxed);
    let p99 = shared.recorder.measured_delays().reply_from_due.percentiles().p99;
    let memory = rss_bytes.map(|bytes| format!(", server {:.0} MB", bytes as f64 / 1e6)).unwrap_or_default();
    eprintln!(
        "{:>5.0} of {:.0} s: {sent} frames, {} unanswered, p99 {p99:.1} ms{memory}",
        now.saturating_duration_since(plan.start).as_secs_f64(),
        (plan.end - plan.start).as_secs_f64(),
        sent.saturating_sub(replied),
    );
}

/// Awaits all clients; one that outlives its plan is ended.
async fn await_clients(tasks: &mut JoinSet<Outcome>, plan: Plan, clients: usize) -> Vec<Outcome> {
    let deadline = plan.give_up + Duration::from_secs(10);
    let mut outcomes = Vec::with_capacity(clients);
    while let Ok(Some(outcome)) = tokio::time::timeout_at(deadline.into(), tasks.join_next()).await {
        outcomes.extend(outcome.ok());
    }
    tasks.abort_all();
    for _ in outcomes.len()..clients {
        let end = End::Lost("the client did not end in time".to_owned());
        outcomes.push(Outcome { end, was_ready: true, tally: Tally::default() });
    }
    outcomes
}

/// Waits until the server has put everything away, and asks it a last time.
async fn wait_settled(settings: &Settings, shared: &Shared) -> Option<Status> {
    eprintln!("{} clients have left; waiting {:.0} s", shared.clients, settings.settle.as_secs_f64());
    tokio::time::sleep(settings.settle).await;
    Status::fetch(&settings.target).await
}
