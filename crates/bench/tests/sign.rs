//! The real binary against a small Socket.IO server whose mistakes are known.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::Pin,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_core::Stream as _;
use futures_sink::Sink as _;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_websockets::{Message, ServerBuilder, WebSocketStream};

/// What the server does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Does not answer the tenth frame it gets.
    LosesOneReply,
    /// Answers every frame twice.
    RepliesTwice,
    /// Lets nobody in.
    Full,
    /// Cuts the connection at the fifth frame of a client.
    CutsOff,
}

struct Server {
    fault: Fault,
    frames: AtomicU64,
}

/// Starts the server on a thread of its own; it lives as long as the test.
fn serve(fault: Fault) -> SocketAddr {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            let server = Arc::new(Server { fault, frames: AtomicU64::new(0) });
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(server.clone().session(stream));
            }
        });
    });
    receiver.recv().unwrap()
}

impl Server {
    async fn session(self: Arc<Self>, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        // Requests for the status page end here: they are not upgrades.
        let (request, mut socket) = ServerBuilder::new().accept(stream).await.ok()?;
        assert_eq!(request.uri().path(), "/socket.io/");
        assert_eq!(request.uri().query(), Some("EIO=4&transport=websocket"));
        let open = r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}"#;
        send(&mut socket, open).await?;
        let connect = receive(&mut socket).await?;
        assert!(connect == "40" || connect == r#"40{"extras":true}"#, "{connect}");
        send(&mut socket, r#"40{"sid":"t"}"#).await?;
        if self.fault == Fault::Full {
            send(&mut socket, r#"42["error",{"message":"Server at capacity, please try again later"}]"#)
                .await?;
            return send(&mut socket, "41").await;
        }
        send(&mut socket, "2").await?;
        assert_eq!(receive(&mut socket).await?, "3", "a client that does not answer a ping is not let in");
        send(&mut socket, r#"42["status",{"message":"ready"}]"#).await?;
        for count in 1.. {
            let text = receive(&mut socket).await?;
            let Some(frame) = text.strip_prefix(r#"42["frame","#) else {
                assert_eq!(text, "41");
                break;
            };
            if self.fault == Fault::CutsOff && count == 5 {
                break;
            }
            self.answer(&mut socket, frame).await?;
        }
        Some(())
    }

    async fn answer(&self, socket: &mut WebSocketStream<TcpStream>, frame: &str) -> Option<()> {
        let frame: Value = serde_json::from_str(frame.strip_suffix(']')?).ok()?;
        assert!(frame["image"].as_str()?.starts_with("/9j/"), "a JPEG in base64");
        let number = self.frames.fetch_add(1, Ordering::SeqCst) + 1;
        let copies = match self.fault {
            Fault::LosesOneReply if number == 10 => 0,
            Fault::RepliesTwice => 2,
            _ => 1,
        };
        let id = frame["id"].as_u64().map(|id| format!(r#","id":{id},"seen":{id}"#)).unwrap_or_default();
        for _ in 0..copies {
            send(socket, &format!(r#"42["prediction",{{"label":"left","score":0.9{id}}}]"#)).await?;
        }
        Some(())
    }
}

async fn send(socket: &mut WebSocketStream<TcpStream>, text: &str) -> Option<()> {
    Pin::new(&mut *socket).start_send(Message::text(text.to_owned())).ok()?;
    poll_fn(|cx| Pin::new(&mut *socket).poll_flush(cx)).await.ok()
}

async fn receive(socket: &mut WebSocketStream<TcpStream>) -> Option<String> {
    let message = poll_fn(|cx| Pin::new(&mut *socket).poll_next(cx)).await?.ok()?;
    message.as_text().map(str::to_owned)
}

/// Small pictures and short times: the protocol is tested here, not the speed.
fn bench(address: SocketAddr, more: &str) -> (Output, Value) {
    let drain = if more.contains("--drain") { "" } else { "--drain 20 " };
    let quick = format!("{drain}--seconds 1 --warmup 0 --settle 0 --fps 20 --size 64x48 --frame-kb 2 --json");
    let output = Command::new(env!("CARGO_BIN_EXE_sightwire-bench"))
        .args(["sign", "--url", &format!("http://{address}")])
        .args(quick.split(' ').chain(more.split(' ')))
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output, report)
}

#[test]
fn a_good_server_gets_one_reply_a_frame_and_exit_code_0() {
    for more in ["--clients 3 --no-prime", "--clients 2 --no-extras"] {
        let (output, report) = bench(serve(Fault::None), more);
        assert_eq!(output.status.code(), Some(0), "{report:#}");
        assert_eq!(report["frames"]["replies_per_frame"], 1.0);
        assert_eq!(report["labels"].as_object().unwrap().keys().collect::<Vec<_>>(), ["left"]);
        let delays = &report["delay_ms"]["reply_from_due"];
        assert_eq!(delays["count"], report["frames"]["sent"]);
        assert!(delays["max"].as_f64().unwrap() > 0.0);
        assert_eq!(report["analysis"]["analysed_share"], Value::Null, "this server has no status page");
    }
}

#[test]
fn every_frame_of_the_schedule_is_sent() {
    let (_, report) = bench(serve(Fault::None), "--clients 3 --no-prime");
    assert_eq!(report["frames"]["sent"], 60);
    assert_eq!(report["frames"]["unsent"], 0);
    assert_eq!(report["analysis"]["seen_share"], 1.0);
}

#[test]
fn a_lost_reply_is_found_and_gives_exit_code_1() {
    let (output, report) = bench(serve(Fault::LosesOneReply), "--clients 2 --no-prime --drain 5");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report["frames"]["missing"], 1);
    assert_eq!(report["frames"]["out_of_order"], 0);
    assert!(report["delay_ms"]["reply_from_due"]["max"].as_f64().unwrap() > 900.0, "its wait counts");
}

#[test]
fn replies_too_many_are_found() {
    let (output, report) = bench(serve(Fault::RepliesTwice), "--clients 1 --no-prime");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report["frames"]["extra"], report["frames"]["sent"]);
    assert_eq!(report["frames"]["replies_per_frame"], 2.0);
}

#[test]
fn refused_and_cut_off_clients_are_told_apart() {
    let (output, report) = bench(serve(Fault::Full), "--clients 2 --no-prime");
    assert_eq!(output.status.code(), Some(1), "nobody was let in");
    assert_eq!((&report["clients"]["refused"], &report["clients"]["failed"]), (&2.into(), &0.into()));
    let (output, report) = bench(serve(Fault::CutsOff), "--clients 2 --no-prime --drain 1");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!((&report["clients"]["ready"], &report["clients"]["lost"]), (&2.into(), &2.into()));
}

#[test]
fn a_ladder_gives_a_table_with_a_row_for_each_rung() {
    let (output, report) = bench(serve(Fault::None), "--ladder 1,2 --no-prime");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(report["runs"].as_array().unwrap().len(), 2);
    let table = report["markdown"].as_str().unwrap();
    let rows: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 4);
    assert!(rows[2].starts_with("| 1 |") && rows[3].starts_with("| 2 |"), "{table}");
    let columns = rows[0].matches('|').count();
    assert!(rows.iter().all(|row| row.matches('|').count() == columns));
}

#[test]
fn churn_beside_steady_clients_is_reported() {
    let more = "--clients 1 --no-prime --churn 30 --baseline 1 --no-extras";
    let (output, report) = bench(serve(Fault::None), more);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!((&report["churn"]["started"], &report["churn"]["succeeded"]), (&30.into(), &30.into()));
    assert_eq!(report["baseline_delay_ms"]["reply_from_due"]["count"], 20);
    assert_eq!(report["delay_ms"]["reply_from_due"]["count"], 20);
}

#[test]
fn mistakes_on_the_command_line_give_exit_code_2() {
    let address = "127.0.0.1:1".parse().unwrap();
    assert_eq!(bench(address, "--clients 0").0.status.code(), Some(2));
    assert_eq!(bench(address, "--frames 3").0.status.code(), Some(2));
    let (output, _) = bench(address, "--clients 1");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no server answers at http://127.0.0.1:1"));
}
