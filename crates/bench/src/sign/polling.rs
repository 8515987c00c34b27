//! A client over HTTP long polling, as `socket.io-client` does it with `transports: ["polling"]`: one
//! request waits for packets, another carries frames, each on its own connection.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    time::{sleep_until, timeout},
};

use super::{
    packet::{self, Packet},
    record::{CONNECT_TIMEOUT, Outcome},
    session::{Reaction, Session, Shared, Ticket},
};
use crate::http::Connection;

/// Between packets of one body.
const SEPARATOR: char = '\u{1e}';
const POST_TIMEOUT: Duration = Duration::from_secs(20);

/// A body that the reader received, and when.
type Arrival = (Instant, io::Result<String>);

/// Runs client `index` until its work is done; `ticket` is given back when it is ready or has failed.
pub(crate) async fn run_polling_client(shared: Arc<Shared>, index: usize, ticket: Ticket) -> Outcome {
    let mut session = Session::new(shared.clone(), index, Instant::now());
    if let Err(error) = drive_session(&shared, &mut session, ticket).await {
        let _ = session.record_loss(&error.to_string());
    }
    session.finish(Instant::now())
}

async fn drive_session(shared: &Shared, session: &mut Session, ticket: Ticket) -> io::Result<()> {
    let mut get = Connection::open(&shared.target, CONNECT_TIMEOUT).await?;
    let mut post = Connection::open(&shared.target, CONNECT_TIMEOUT).await?;
    let base = "/socket.io/?EIO=4&transport=polling";
    let opened = response_text(timeout(CONNECT_TIMEOUT, get.get(base)).await??)?;
    let first = opened.split(SEPARATOR).next().unwrap_or_default();
    let Ok(Packet::Open(open)) = packet::parse_packet(first) else {
        return Err(io::Error::other("the answer to the first request is not an open packet"));
    };
    let path = format!("{base}&sid={}", open.sid);
    let (arrivals, mut inbox) = mpsc::channel::<Arrival>(8);
    let reader_path = path.clone();
    let reader = tokio::spawn(async move {
        loop {
            let body = get.get(&reader_path).await.and_then(response_text);
            let failed = body.is_err();
            if arrivals.send((Instant::now(), body)).await.is_err() || failed {
                break;
            }
        }
    });
    let mut link = Link { post: &mut post, path: &path, max_payload: open.max_payload };
    let outcome = exchange_packets(shared, session, &mut link, &opened, &mut inbox, ticket).await;
    if session.is_leaving() {
        let _ = link.send_packets(&[packet::DISCONNECT, Bytes::from_static(b"1")]).await;
    }
    reader.abort();
    outcome
}

async fn exchange_packets(
    shared: &Shared,
    session: &mut Session,
    link: &mut Link<'_>,
    opened: &str,
    inbox: &mut mpsc::Receiver<Arrival>,
    ticket: Ticket,
) -> io::Result<()> {
    let mut plan = shared.plan.clone();
    session.set_plan(*plan.borrow_and_update());
    let mut ticket = Some(ticket);
    let mut arrived = Some((Instant::now(), Ok(opened.to_owned())));
    loop {
        if let Some((at, body)) = arrived.take() {
            let body = body?;
            let mut answers = Vec::new();
            for packet in body.split(SEPARATOR) {
                match session.on_text(packet, at) {
                    Reaction::Send(packet) => answers.push(packet),
                    Reaction::Ready => ticket = None,
                    Reaction::Over => return Ok(()),
                    Reaction::None => {}
                }
            }
            link.send_packets(&answers).await?;
        }
        if session.check_time(Instant::now()) == Reaction::Over {
            break;
        }
        link.send_packets(&due_packets(session, link.max_payload)).await?;
        let wake = session.next_due().map_or(session.next_check(), |due| due.min(session.next_check()));
        tokio::select! {
            biased;
            arrival = inbox.recv() => arrived = arrival,
            Ok(()) = plan.changed() => session.set_plan(*plan.borrow_and_update()),
            () = sleep_until(wake.into()) => {}
        }
    }
    drop(ticket);
    Ok(())
}

/// All frames that are due, up to the largest body that the server takes.
fn due_packets(session: &mut Session, max_payload: usize) -> Vec<Bytes> {
    let mut packets = Vec::new();
    let mut bytes = 0;
    loop {
        let Some(frame) = session.take_due(Instant::now()) else {
            break;
        };
        bytes += frame.text.len() + 1;
        packets.push(frame.text);
        if let Some(attachment) = frame.attachment {
            // In polling, binary travels as base64 behind a `b`.
            let encoded = format!("b{}", base64_simd::STANDARD.encode_to_string(&attachment));
            bytes += encoded.len() + 1;
            packets.push(encoded.into());
        }
        if bytes + bytes / packets.len().max(1) > max_payload {
            break;
        }
    }
    packets
}

/// Sends packets by POST, as many at once as the server takes.
struct Link<'a> {
    post: &'a mut Connection,
    path: &'a str,
    max_payload: usize,
}

impl Link<'_> {
    async fn send_packets(&mut self, packets: &[Bytes]) -> io::Result<()> {
        let mut parts = Vec::with_capacity(packets.len() * 2);
        for packet in packets {
            if !parts.is_empty() {
                parts.push(Bytes::from_static(b"\x1e"));
            }
            parts.push(packet.clone());
        }
        if parts.is_empty() {
            return Ok(());
        }
        let answer = timeout(POST_TIMEOUT, self.post.post(self.path, &parts)).await??;
        if answer.status == 200 {
            return Ok(());
        }
        Err(io::Error::other(format!("POST answered {}", answer.status)))
    }
}

fn response_text(response: crate::http::Response) -> io::Result<String> {
    if response.status != 200 {
        return Err(io::Error::other(format!("GET answered {}", response.status)));
    }
    String::from_utf8(response.body).map_err(io::Error::other)
}
