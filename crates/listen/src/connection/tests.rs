use sightwire_base::shares::Limit;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::*;
use crate::asker::{Asker, Askers, PerAsker};
use crate::socket::{Listener as _, new_pipes};

async fn pair() -> (Guarded, ConnectionHandle, TcpStream, Arc<Semaphore>) {
    pair_until(CancellationToken::new()).await
}

async fn pair_until(stop: CancellationToken) -> (Guarded, ConnectionHandle, TcpStream, Arc<Semaphore>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let places = Arc::new(Semaphore::new(1));
    let place = places.clone().try_acquire_owned().unwrap();
    let receiving = Receiving::new(1 << 20, 10, Duration::from_secs(60));
    let (guarded, handle) = Guarded::new(Socket::Tcp(stream), place, receiving, stop);
    (guarded, handle, peer, places)
}

#[tokio::test]
async fn a_peer_that_reads_nothing_ends_the_connection_for_its_reader_too() {
    let (guarded, handle, _peer, places) = pair().await;
    handle.set_write_deadline(Duration::from_secs(1));
    let (mut reader, mut writer) = tokio::io::split(guarded);
    let start = Instant::now();
    let reading = tokio::spawn(async move { reader.read_u8().await.unwrap_err().kind() });
    let chunk = vec![0; 1 << 20];
    let error = loop {
        if let Err(error) = writer.write_all(&chunk).await {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(handle.was_given_up());
    assert_eq!(reading.await.unwrap(), io::ErrorKind::ConnectionAborted);
    assert!(start.elapsed() < Duration::from_secs(30));
    drop(writer);
    assert_eq!(places.available_permits(), 1, "its place is free");
}

#[tokio::test]
async fn a_peer_that_reads_slowly_all_the_time_is_kept_beyond_the_deadline() {
    let (mut guarded, handle, mut peer, _places) = pair().await;
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
                break (error.kind(), Instant::now());
            }
        }
    });
    let peer = reading.await.unwrap();
    let still_here = peer.is_some() && !writing.is_finished();
    assert!(still_here, "it read 600 kB a second for six seconds");
    let stopped = Instant::now();
    let (kind, ended) = writing.await.unwrap();
    assert_eq!(kind, io::ErrorKind::TimedOut, "and then nothing");
    assert!(ended.duration_since(stopped) < Duration::from_secs(30));
}

#[tokio::test]
async fn the_handle_ends_both_directions() {
    let (guarded, handle, _peer, _places) = pair().await;
    let (mut reader, _writer) = tokio::io::split(guarded);
    let reading = tokio::spawn(async move { reader.read_u8().await.unwrap_err().kind() });
    tokio::task::yield_now().await;
    handle.end();
    assert_eq!(reading.await.unwrap(), io::ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn a_websocket_ends_with_the_server_and_a_request_does_not() {
    let stop = CancellationToken::new();
    let (mut endless, handle, _peer, _places) = pair_until(stop.clone()).await;
    let (mut request, _handle, mut request_peer, _places) = pair_until(stop.clone()).await;
    handle.end_on_shutdown();
    let reading = tokio::spawn(async move { endless.read_u8().await.unwrap_err().kind() });
    tokio::task::yield_now().await;
    stop.cancel();
    assert_eq!(reading.await.unwrap(), io::ErrorKind::ConnectionAborted);
    request_peer.write_u8(7).await.unwrap();
    assert_eq!(request.read_u8().await.unwrap(), 7);
}

#[tokio::test]
async fn there_is_room_when_all_is_written_and_none_while_the_peer_is_behind() {
    let (guarded, handle, mut peer, _places) = pair().await;
    handle.set_write_deadline(Duration::from_secs(60));
    let (reader, mut writer) = tokio::io::split(guarded);
    handle.wait_for_room().await;
    let writing = tokio::spawn(async move {
        writer.write_all(&vec![0; 32 << 20]).await.unwrap();
        writer
    });
    let soon = Duration::from_millis(200);
    tokio::time::sleep(soon).await;
    assert!(tokio::time::timeout(soon, handle.wait_for_room()).await.is_err(), "the peer has read nothing");
    let reading = tokio::spawn(async move { tokio::io::copy(&mut peer, &mut tokio::io::sink()).await });
    let writer = writing.await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), handle.wait_for_room()).await.unwrap();
    drop((writer, reader));
    reading.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_peer_that_closed_does_not_keep_a_stuck_writer() {
    let (guarded, handle, mut peer, _places) = pair().await;
    handle.set_write_deadline(Duration::from_secs(60));
    let (mut reader, mut writer) = tokio::io::split(guarded);
    let writing = tokio::spawn(async move {
        let chunk = vec![0; 1 << 20];
        loop {
            if let Err(error) = writer.write_all(&chunk).await {
                break error.kind();
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    peer.shutdown().await.unwrap();
    assert_eq!(reader.read(&mut [0; 8]).await.unwrap(), 0);
    let kind = tokio::time::timeout(Duration::from_secs(30), writing).await.unwrap().unwrap();
    assert_eq!(kind, io::ErrorKind::ConnectionAborted);
    assert!(!handle.was_given_up(), "it has left by itself, however far behind");
}

/// A WebSocket whose beginning its peer has read.
async fn websocket(
    timeout: Duration,
    limit: usize,
) -> (Guarded, ConnectionHandle, TcpStream, Arc<Receiving>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    begun(Socket::Tcp(stream), peer, timeout, limit).await
}

/// The same over a pipe, which keeps to the runtime's clock.
async fn websocket_in_memory(timeout: Duration) -> (Guarded, ConnectionHandle, DuplexStream, Arc<Receiving>) {
    let (dialer, mut listener) = new_pipes(([127, 0, 0, 1], 80).into(), 1 << 10);
    let peer = dialer.connect(([127, 0, 0, 9], 1).into()).await.unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    begun(socket, peer, timeout, 1 << 20).await
}

async fn begun<P: AsyncRead + AsyncWrite + Unpin>(
    socket: Socket,
    mut peer: P,
    timeout: Duration,
    limit: usize,
) -> (Guarded, ConnectionHandle, P, Arc<Receiving>) {
    let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    let receiving = Receiving::new(limit, 10, timeout);
    let (mut guarded, handle) = Guarded::new(socket, place, receiving.clone(), CancellationToken::new());
    let (request, answer) = (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
    peer.write_all(request).await.unwrap();
    guarded.read_exact(&mut vec![0; request.len()]).await.unwrap();
    handle.expect_websocket();
    guarded.write_all(answer).await.unwrap();
    peer.read_exact(&mut vec![0; answer.len()]).await.unwrap();
    (guarded, handle, peer, receiving)
}

/// The beginning of a masked text of this many bytes.
fn beginning(length: u64) -> Vec<u8> {
    [&[0x81, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat()
}

async fn goodbye(mut peer: impl AsyncRead + Unpin) -> (u16, String) {
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).await.unwrap();
    assert_eq!((rest[0], rest[1] as usize), (0x88, rest.len() - 2), "{rest:?}");
    (u16::from_be_bytes([rest[2], rest[3]]), String::from_utf8(rest[4..].to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_end_is_given_up_and_its_peer_is_told() {
    let (mut guarded, handle, mut peer, receiving) = websocket_in_memory(Duration::from_millis(300)).await;
    handle.mark_known();
    peer.write_all(&beginning(100_000)).await.unwrap();
    let trickling = tokio::spawn(async move {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            peer.write_all(&[0; 100]).await.unwrap();
        }
        goodbye(peer).await
    });
    let begun = Instant::now();
    let error = guarded.read_exact(&mut vec![0; 100_014]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    assert!(begun.elapsed() >= Duration::from_millis(250));
    drop(guarded);
    let (code, reason) = trickling.await.unwrap();
    assert_eq!((code, &*reason), (1008, "A message did not arrive whole in time."));
    assert_eq!((receiving.timed_out(), receiving.used()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn whole_messages_may_follow_each_other_for_as_long_as_they_like() {
    let (mut guarded, _handle, mut peer, receiving) = websocket_in_memory(Duration::from_millis(200)).await;
    let sending = tokio::spawn(async move {
        // Never is all that came a whole number of frames.
        let ping = [0x89, 0x82, 0, 0, 0, 0, 1, 2].repeat(100);
        for piece in ping.chunks(13) {
            peer.write_all(piece).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        peer
    });
    guarded.read_exact(&mut vec![0; 800]).await.unwrap();
    sending.await.unwrap();
    assert_eq!(receiving.timed_out(), 0);
}

#[tokio::test]
async fn where_there_is_no_room_the_longest_message_is_given_up_and_its_peer_is_told() {
    let (mut guarded, handle, mut peer, receiving) = websocket(Duration::from_secs(60), 100_000).await;
    handle.mark_known();
    let sending = tokio::spawn(async move {
        peer.write_all(&beginning(1 << 20)).await.unwrap();
        let _ = peer.write_all(&vec![0; 1 << 20]).await;
        goodbye(peer).await
    });
    guarded.read_exact(&mut vec![0; 1 << 20]).await.unwrap_err();
    assert_eq!((receiving.given_up(), receiving.used()), (1, 0));
    drop(guarded);
    assert_eq!(sending.await.unwrap().0, 1013);
}

#[tokio::test]
async fn of_a_peer_that_has_not_said_who_it_is_no_long_message_is_read() {
    let (mut guarded, handle, mut peer, receiving) = websocket(Duration::from_secs(60), 4 << 20).await;
    let sending = tokio::spawn(async move {
        peer.write_all(&[&[0x81, 0x82, 0, 0, 0, 0][..], b"40"].concat()).await.unwrap();
        peer.write_all(&beginning(1 << 20)).await.unwrap();
        peer.write_all(&vec![0; 1 << 20]).await.unwrap();
        peer
    });
    let (mut read, mut buf) = (0, vec![0; 16 << 10]);
    let soon = Duration::from_millis(300);
    while let Ok(count) = tokio::time::timeout(soon, guarded.read(&mut buf)).await {
        read += count.unwrap();
    }
    assert!((8..=2 * buf.len()).contains(&read), "{read} bytes of a megabyte");
    handle.mark_known();
    guarded.read_exact(&mut vec![0; 8 + 14 + (1 << 20) - read]).await.unwrap();
    sending.await.unwrap();
    assert_eq!(receiving.used(), 0, "it is whole");
}

#[tokio::test]
async fn nothing_is_read_while_answers_wait() {
    let (guarded, handle, mut peer, _receiving) = websocket(Duration::from_secs(60), 4 << 20).await;
    handle.pause_reads_while_stalled();
    handle.set_write_deadline(Duration::from_secs(60));
    let (mut reader, mut writer) = tokio::io::split(guarded);
    let writing = tokio::spawn(async move {
        writer.write_all(&vec![0; 32 << 20]).await.unwrap();
        writer
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    peer.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.unwrap();
    let soon = Duration::from_millis(200);
    assert!(tokio::time::timeout(soon, reader.read_u8()).await.is_err(), "the peer has to read first");
    let (mut peer_reads, _peer_writes) = peer.into_split();
    let reading = tokio::spawn(async move { tokio::io::copy(&mut peer_reads, &mut tokio::io::sink()).await });
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), reader.read_u8()).await.unwrap().unwrap(), 0x89);
    drop((writing.await.unwrap(), reader));
    let _ = reading.await.unwrap();
}

#[tokio::test]
async fn others_have_their_turn_however_much_comes() {
    let (mut guarded, _handle, mut peer, _places) = pair().await;
    peer.write_all(&vec![0; 64 << 10]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut buf = vec![0; 4096];
    let (mut reads, mut pauses) = (0, 0);
    poll_fn(|cx| {
        while reads < 16 {
            match Pin::new(&mut guarded).poll_read(cx, &mut ReadBuf::new(&mut buf)) {
                Poll::Ready(result) => {
                    result.unwrap();
                    reads += 1;
                }
                Poll::Pending => {
                    pauses += 1;
                    return Poll::Pending; // it has to wake us by itself
                }
            }
        }
        Poll::Ready(())
    })
    .await;
    assert!(pauses >= 3, "{pauses} pauses");
}

/// How often it pauses while all that came of a WebSocket is read.
async fn pauses(wire: &[u8]) -> usize {
    let (mut guarded, handle, mut peer, _receiving) = websocket(Duration::from_secs(60), 4 << 20).await;
    handle.mark_known();
    peer.write_all(wire).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut buf = vec![0; 2048];
    let (mut read, mut pauses) = (0, 0);
    poll_fn(|cx| {
        while read < wire.len() {
            let mut piece = ReadBuf::new(&mut buf);
            match Pin::new(&mut guarded).poll_read(cx, &mut piece) {
                Poll::Ready(result) => {
                    result.unwrap();
                    read += piece.filled().len();
                }
                Poll::Pending => {
                    pauses += 1;
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(())
    })
    .await;
    pauses
}

#[tokio::test]
async fn a_turn_is_a_long_message_or_some_short_ones() {
    let long = [&beginning(100 << 10)[..], &vec![0; 100 << 10]].concat();
    let pauses_of_one = pauses(&long).await;
    assert_eq!(pauses_of_one, 0, "a picture is read in one go");
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    let pauses_of_pings = pauses(&ping.repeat(2000)).await;
    // With the first read it is not known how short they are: 341 of them come at once.
    assert!(pauses_of_pings >= 30, "{pauses_of_pings}");
    let within = [&[0x01, 0x81, 0, 0, 0, 0, 0][..], &ping.repeat(2000)].concat();
    let pauses_within = pauses(&within).await;
    assert!(pauses_within >= 30, "{pauses_within} with pings within a message");
}

#[tokio::test]
async fn frames_that_come_before_their_answer_end_the_connection() {
    let (mut guarded, handle, mut peer, _places) = pair().await;
    peer.write_all(b"GET / HTTP/1.1\r\n\r\n\x81\xff").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let _ = guarded.read(&mut [0; 100]).await.unwrap();
    handle.expect_websocket();
    guarded.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap_err();
}

#[tokio::test]
async fn messages_count_until_the_kernel_has_taken_them() {
    let (mut guarded, handle, peer, _receiving) = websocket(Duration::from_secs(60), 4 << 20).await;
    let all = crate::outbox::Outboxes::new(1 << 20);
    let outbox = Outbox::new(all.clone());
    handle.set_outbox(outbox.clone());
    assert!(outbox.take_room(300));
    guarded.write_all(&[0x81, 100]).await.unwrap();
    guarded.write_all(&[b'x'; 100]).await.unwrap();
    guarded.write_all(&[&[0x8a, 50][..], &[0; 50]].concat()).await.unwrap();
    assert_eq!((outbox.waiting(), all.waiting()), (200, 200), "a pong is no message");
    drop(peer);
}

#[tokio::test]
async fn what_is_more_than_whom_it_belongs_to_may_send_waits_and_arrives() {
    let limited = Arc::default();
    let askers = Askers::new(PerAsker { connections: 0, mib_per_s: 1 }, Arc::clone(&limited));
    let belonging = Belonging::new(askers);
    belonging.assign_to(Some(&Asker::Known("key gate".into()))).unwrap();
    let (guarded, _handle, mut peer, _places) = pair().await;
    let mut guarded = guarded.paid_by(belonging.clone());
    let sending = tokio::spawn(async move {
        // Two seconds' worth may come at once.
        peer.write_all(&vec![7; 5 << 19]).await.unwrap();
        peer
    });
    let begun = Instant::now();
    let mut some = vec![0; 64 << 10];
    for _ in 0..40 {
        some.fill(0);
        guarded.read_exact(&mut some).await.unwrap();
        assert!(some.iter().all(|byte| *byte == 7));
    }
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    assert!(limited.limited_count(Limit::MbPerS) > 0);
    let mut peer = sending.await.unwrap();
    // What is not limited does not wait, nor for what was sent before.
    belonging.assign_to(None).unwrap();
    peer.write_all(b"more").await.unwrap();
    guarded.read_exact(&mut [0; 4]).await.unwrap();
}
