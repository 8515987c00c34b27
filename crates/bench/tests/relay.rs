//! The real binary against a small relay whose mistakes are known.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use futures_core::Stream as _;
use futures_sink::Sink as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_websockets::{Limits, Message, ServerBuilder, WebSocketStream};

/// What the relay does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Does not pass on every tenth picture.
    DropsOneInTen,
    /// Passes on every tenth picture twice.
    Doubles,
    /// Passes on the tenth picture after the eleventh, and so on.
    Swaps,
    /// Passes on pictures under the name of another stream.
    MixesUp,
    /// Cuts a character from every picture.
    CutsShort,
    /// Sends viewers away after their thirtieth picture.
    SendsAway,
    /// Lets no streamer in.
    Full,
}

struct Relay {
    fault: Fault,
    /// Streamers and viewers that have come, by the address where they came.
    came: Mutex<Vec<[usize; 2]>>,
    viewers: Mutex<Vec<mpsc::UnboundedSender<Message>>>,
}

/// Starts the relay on a thread of its own; it lives as long as the test.
fn serve(fault: Fault) -> SocketAddr {
    serve_at(1, fault).0[0]
}

/// The same with several addresses, as servers have that act as one.
fn serve_at(count: usize, fault: Fault) -> (Vec<SocketAddr>, Arc<Relay>) {
    let listeners: Vec<_> = (0..count).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    let came = Mutex::new(vec![[0; 2]; count]);
    let relay = Arc::new(Relay { fault, came, viewers: Mutex::default() });
    let serving = relay.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for (place, listener) in listeners.into_iter().enumerate() {
                listener.set_nonblocking(true).unwrap();
                tokio::spawn(serving.clone().accept(place, TcpListener::from_std(listener).unwrap()));
            }
            std::future::pending::<()>().await;
        });
    });
    (addresses, relay)
}

impl Relay {
    async fn accept(self: Arc<Self>, place: usize, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(self.clone().session(place, stream));
        }
    }

    async fn session(self: Arc<Self>, place: usize, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let limits = Limits::default().max_payload_len(Some(1 << 20));
        let (request, socket) = ServerBuilder::new().limits(limits).accept(stream).await.ok()?;
        let streamer = request.uri().path().strip_prefix("/ws/stream/");
        self.came.lock().unwrap()[place][usize::from(streamer.is_none())] += 1;
        match streamer {
            Some(name) => self.streamer(name.to_owned(), socket).await,
            None => self.viewer(socket).await,
        }
    }

    async fn streamer(&self, name: String, mut socket: WebSocketStream<TcpStream>) -> Option<()> {
        assert_eq!(receive(&mut socket).await?.as_text()?, r#"{"analysis_mode":"normal"}"#);
        if self.fault == Fault::Full {
            let error = r#"{"type":"error","message":"The relay is full."}"#;
            send(&mut socket, Message::text(error)).await?;
            let full = tokio_websockets::CloseCode::try_from(1013).ok()?;
            return send(&mut socket, Message::close(Some(full), "full")).await;
        }
        let connected = format!(
            r#"{{"type":"connected","patient_id":"{name}","analysis_mode":"normal","warning":null}}"#
        );
        send(&mut socket, Message::text(connected)).await?;
        send(&mut socket, Message::ping("x")).await?;
        send(&mut socket, Message::text(r#"{"type":"ping"}"#)).await?;
        let (mut pongs, mut count, mut held) = (0, 0, None);
        loop {
            let message = receive(&mut socket).await?;
            if message.is_pong() || message.as_text() == Some(r#"{"type":"pong"}"#) {
                pongs += 1;
                continue;
            }
            if message.is_close() {
                return Some(());
            }
            count += 1;
            // A streamer that does not answer is one that is gone.
            if count > 100 && pongs < 2 {
                return None;
            }
            let picture = self.passed_on(&name, &message)?;
            match self.fault {
                Fault::DropsOneInTen if count % 10 == 0 => continue,
                Fault::Doubles if count % 10 == 0 => self.pass(&picture),
                Fault::Swaps if count % 10 == 0 => {
                    held = Some(picture);
                    continue;
                }
                _ => {}
            }
            self.pass(&picture);
            held.take().iter().for_each(|held| self.pass(held));
        }
    }

    /// The message for viewers.
    fn passed_on(&self, name: &str, message: &Message) -> Option<Message> {
        let name = if self.fault == Fault::MixesUp { "bench-77" } else { name };
        if !message.is_text() {
            let jpeg = message.as_payload().get(20..)?;
            let mut header = vec![0; 20];
            header[..2].copy_from_slice(&[1, name.len() as u8]);
            return Some(Message::binary([&header, name.as_bytes(), jpeg].concat()));
        }
        let text = message.as_text()?.strip_prefix(r#"{"type":"frame","frame":""#)?.strip_suffix("\"}")?;
        let text = if self.fault == Fault::CutsShort { &text[..text.len() - 1] } else { text };
        Some(Message::text(format!(
            r#"{{"type":"live_frame","patient_id":"{name}","data":{{"frame":"{text}"}}}}"#
        )))
    }

    fn pass(&self, picture: &Message) {
        self.viewers.lock().unwrap().retain(|viewer| viewer.send(picture.clone()).is_ok());
    }

    async fn viewer(&self, mut socket: WebSocketStream<TcpStream>) -> Option<()> {
        let hello = r#"{"type":"viewer_connected","active_streams":[],"timestamp":1.5}"#;
        send(&mut socket, Message::text(hello)).await?;
        let (give, mut take) = mpsc::unbounded_channel();
        self.viewers.lock().unwrap().push(give);
        for count in 0.. {
            if self.fault == Fault::SendsAway && count == 100 {
                let slow = tokio_websockets::CloseCode::try_from(4008).ok()?;
                send(&mut socket, Message::close(Some(slow), "too slow")).await?;
                receive(&mut socket).await?;
                return None;
            }
            send(&mut socket, take.recv().await?).await?;
        }
        None
    }
}

async fn send(socket: &mut WebSocketStream<TcpStream>, message: Message) -> Option<()> {
    Pin::new(&mut *socket).start_send(message).ok()?;
    poll_fn(|cx| Pin::new(&mut *socket).poll_flush(cx)).await.ok()
}

async fn receive(socket: &mut WebSocketStream<TcpStream>) -> Option<Message> {
    poll_fn(|cx| Pin::new(&mut *socket).poll_next(cx)).await?.ok()
}

/// Small pictures and short times: what is noticed is tested here, not the speed.
fn bench(address: SocketAddr, more: &str) -> (Output, String) {
    let settle = if more.contains("--settle") { "" } else { "--settle 0.3 " };
    let seconds = if more.contains("--seconds") { "" } else { "--seconds 1 " };
    let quick = format!("{settle}{seconds}--fps 50 --frame-kb 8");
    let output = Command::new(env!("CARGO_BIN_EXE_sightwire-bench"))
        .args(["relay", "--url", &format!("http://{address}")])
        .args(quick.split(' ').chain(more.split(' ')))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

/// The cell of a column in the first row.
fn cell<'a>(text: &'a str, column: &str) -> &'a str {
    let rows: Vec<Vec<&str>> =
        text.lines().filter(|line| line.starts_with('|')).map(|line| line.split('|').collect()).collect();
    let at = rows[0].iter().position(|cell| cell.trim() == column).unwrap();
    rows[2][at].trim()
}

/// How many, as said in front of `what`.
fn fault(text: &str, what: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("- ") && line.contains(what))?;
    line.split(": ").nth(1)?.split(' ').next()?.parse().ok()
}

#[test]
fn a_good_relay_gives_exit_code_0_in_either_mode() {
    // What is on its way at the end is missing: long enough, that a thread that is late by a moment makes no fault.
    for more in ["--streams 2 --viewers 3 --seconds 5", "--streams 1 --viewers 2 --binary --seconds 5"] {
        let (output, text) = bench(serve(Fault::None), more);
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert!(text.contains("No picture was lost"), "{text}");
        let per_s: f64 = cell(&text, "pictures/s").parse().unwrap();
        let wanted = if more.contains("--binary") { 100.0 } else { 300.0 };
        assert!(per_s > wanted * 0.6 && per_s < wanted * 1.2, "{text}");
        assert!(cell(&text, "age p50 ms").parse::<f64>().unwrap() > 0.0);
    }
}

#[test]
fn one_picture_in_ten_lost_is_found_for_each_viewer() {
    let (output, text) = bench(serve(Fault::DropsOneInTen), "--streams 1 --viewers 3 --seconds 4");
    assert_eq!(output.status.code(), Some(1), "{text}");
    let lost = fault(&text, "pictures lost").unwrap();
    assert!(lost > 0, "{text}");
    let most = cell(&text, "most").parse::<u64>().unwrap();
    assert!(most >= lost.div_ceil(3) && most < lost, "{text}");
    let delivered: f64 = cell(&text, "delivered").strip_suffix(" %").unwrap().parse().unwrap();
    assert!((80.0..=95.0).contains(&delivered), "{text}");
}

#[test]
fn pictures_doubled_swapped_mixed_up_or_cut_short_are_told_apart() {
    let all = ["pictures lost", "came twice", "out of order", "damaged"];
    for (mistake, expected) in [
        (Fault::Doubles, &all[1..2]),
        (Fault::Swaps, &[all[0], all[2]][..]),
        (Fault::MixesUp, &all[3..]),
        (Fault::CutsShort, &all[3..]),
    ] {
        let (output, text) = bench(serve(mistake), "--streams 1 --viewers 1");
        assert_eq!(output.status.code(), Some(1), "{text}");
        let found: Vec<_> = all.into_iter().filter(|what| fault(&text, what).is_some()).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn viewers_sent_away_and_streamers_refused_are_told_with_the_reason() {
    // Also before the measurement begins.
    let (output, text) = bench(serve(Fault::SendsAway), "--streams 1 --viewers 2 --settle 4");
    assert_eq!((output.status.code(), fault(&text, "viewers sent away")), (Some(1), Some(2)), "{text}");
    assert!(text.contains("(4008): too slow"), "{text}");
    let (output, _) = bench(serve(Fault::Full), "--streams 1 --viewers 2");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("bench-0") && error.contains("1013") && error.contains("The relay is full."),
        "{error}"
    );
}

#[test]
fn each_number_of_streams_and_viewers_gets_a_row() {
    let (_, text) = bench(serve(Fault::None), "--streams 1,2 --viewers 1,3");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    let names: Vec<_> = rows.iter().map(|row| row.split('|').nth(1).unwrap().trim()).collect();
    assert_eq!(names, ["1 × 1", "1 × 3", "2 × 1", "2 × 3"]);
}

#[test]
fn streams_and_viewers_go_where_they_are_told_and_delays_span_processes() {
    let (addresses, relay) = serve_at(4, Fault::None);
    let [a, b, c, d] = addresses[..] else { panic!("four addresses") };
    let told = format!(
        "--streams 3 --viewers 5 --json --lossy --senders-at http://{b} --senders-at http://{c} --viewers-at http://{d} --viewers-at http://{b}"
    );
    let (output, text) = bench(a, &told);
    assert_eq!(*relay.came.lock().unwrap(), [[0, 0], [2, 2], [1, 0], [0, 3]]);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let [row] = &rows[..] else { panic!("{text}") };
    assert_eq!([&row["streams"], &row["viewers"], &row["lost"]], [3, 5, 0], "{text}");
    assert!(row["age_ms"]["p50"].as_f64().unwrap() > 0.0, "{text}");
    // All four addresses are this process.
    assert_eq!(row["cpu_s"].as_array().unwrap().len(), 1, "{text}");
}

#[test]
fn mistakes_on_the_command_line_give_exit_code_2() {
    let address = "127.0.0.1:1".parse().unwrap();
    assert_eq!(bench(address, "--viewers 0").0.status.code(), Some(2));
    assert_eq!(
        bench(address, "--viewers 1 slow").0.status.code(),
        Some(2),
        "either a scenario or a plain run"
    );
    assert_eq!(bench(address, "--viewers 1").0.status.code(), Some(1), "no server there");
    let elsewhere = "--viewers 1 --viewers-at http://192.0.2.7:8000";
    let (output, _) = bench(serve(Fault::None), elsewhere);
    assert_eq!(output.status.code(), Some(1), "one clock is that of this machine");
}
