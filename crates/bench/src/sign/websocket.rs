//! A client over WebSocket: it connects, waits for the plan, sends its frames on time and reads.

use std::{sync::Arc, time::Instant};

use tokio::time::timeout;

use super::{
    packet,
    record::{CONNECT_TIMEOUT, Outcome},
    session::{Reaction, Session, Shared, Ticket},
    socket::{Socket, SocketOptions, Step},
};

/// Runs client `index` until its work is done; `ticket` is given back when it is ready or has failed.
pub(crate) async fn run_websocket_client(shared: Arc<Shared>, index: usize, ticket: Ticket) -> Outcome {
    let mut session = Session::new(shared.clone(), index, Instant::now());
    match timeout(
        CONNECT_TIMEOUT,
        Socket::connect(&shared.target, &shared.clockwork, SocketOptions::default()),
    )
    .await
    {
        Ok(Ok(socket)) => drive_session(&shared, &mut session, socket, ticket).await,
        Ok(Err(error)) => {
            let _ = session.record_loss(&format!("connecting: {error}"));
        }
        Err(_) => {
            let _ = session.record_loss("connecting took too long");
        }
    }
    session.finish(Instant::now())
}

async fn drive_session(shared: &Shared, session: &mut Session, mut socket: Socket, ticket: Ticket) {
    let mut plan = shared.plan.clone();
    session.set_plan(*plan.borrow_and_update());
    let mut ticket = Some(ticket);
    loop {
        if session.check_time(Instant::now()) == Reaction::Over {
            break;
        }
        let wake = match session.next_due() {
            Some(due) if !socket.is_writing() => due.min(session.next_check()),
            _ => session.next_check(),
        };
        let step = tokio::select! {
            biased;
            step = socket.next_step(wake) => step,
            Ok(()) = plan.changed() => {
                session.set_plan(*plan.borrow_and_update());
                continue;
            }
        };
        let reaction = match step {
            Step::Text(message) => match message.as_text() {
                Some(text) => session.on_text(text, Instant::now()),
                None => Reaction::None,
            },
            Step::Ended(why) => session.record_loss(&why),
            Step::Flushed | Step::Time => Reaction::None,
        };
        let sent = match reaction {
            Reaction::Send(packet) => socket.queue_message(packet, None),
            Reaction::Ready => {
                ticket = None;
                Ok(())
            }
            Reaction::Over => break,
            Reaction::None => Ok(()),
        };
        let sent = sent.and_then(|()| send_due(session, &mut socket));
        if let Err(error) = sent {
            let _ = session.record_loss(&error.to_string());
            break;
        }
    }
    drop(ticket);
    if session.is_leaving() {
        let _ = socket.queue_message(packet::DISCONNECT, None);
        socket.close().await;
    }
}

/// One frame at a time is in the socket: the next one waits for it, and the wait shows as lateness.
fn send_due(session: &mut Session, socket: &mut Socket) -> Result<(), tokio_websockets::Error> {
    if socket.is_writing() {
        return Ok(());
    }
    match session.take_due(Instant::now()) {
        Some(frame) => socket.queue_message(frame.text, frame.attachment),
        None => Ok(()),
    }
}
