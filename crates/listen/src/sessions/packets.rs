//! The body of a polling client's POST: one packet at a time, and others get their turn in between. Engine.IO asks for more
//! of a body whenever it wants the next packet, and handles all that it has without a pause.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::{Buf as _, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Timeout, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Between two packets; one with nothing in it is none.
const SEPARATOR: u8 = 0x1e;
/// Packets and bytes after which others have their turn.
const TURN_PACKETS: usize = 128;
const TURN_BYTES: usize = 16 << 10;
/// The packet with which a client enters.
const CONNECT: &[u8] = b"40";
/// It has entered within this, or what follows is passed on all the same.
pub const ENTERING: Duration = Duration::from_millis(200);

/// A body that ends with an error after a number of bytes.
#[derive(Debug)]
pub struct Packets {
    body: Body,
    /// Bytes that may still come.
    limit: usize,
    rest: Bytes,
    /// Since others had their turn.
    passed: usize,
    bytes: usize,
    /// Cancelled when the client has entered the namespace, or was refused.
    answered: CancellationToken,
    /// After the packet with which it enters, until it has: what comes next must find it inside.
    entering: Option<Entering>,
    /// What comes next is the beginning of a packet.
    begins: bool,
    /// How many bytes of [`CONNECT`] the packet that comes began with; `None`: it is another.
    matched: Option<usize>,
}

type Entering = Pin<Box<Timeout<WaitForCancellationFutureOwned>>>;

impl Packets {
    /// Of this body, at most this many bytes.
    pub fn new(body: Body, limit: usize, answered: CancellationToken) -> Self {
        Self {
            body,
            limit,
            rest: Bytes::new(),
            passed: 0,
            bytes: 0,
            answered,
            entering: None,
            begins: true,
            matched: Some(0),
        }
    }
}

impl HttpBody for Packets {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(entering) = &mut self.entering {
            let _ = ready!(entering.as_mut().poll(cx));
            self.entering = None;
        }
        if self.passed >= TURN_PACKETS || self.bytes >= TURN_BYTES {
            (self.passed, self.bytes) = (0, 0);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !self.rest.has_remaining() {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)?) else {
                return Poll::Ready(None);
            };
            let Ok(data) = frame.into_data() else { return Poll::Ready(None) };
            if data.len() > self.limit {
                return Poll::Ready(Some(Err(axum::Error::new(
                    "too long for a client that is not connected",
                ))));
            }
            self.limit -= data.len();
            self.rest = data;
        }
        let end = memchr::memchr(SEPARATOR, &self.rest).map_or(self.rest.len(), |at| at + 1);
        let packet = self.rest.split_to(end);
        self.passed += 1;
        self.bytes += packet.len();
        let before = if self.begins { Some(0) } else { self.matched };
        self.matched = before.and_then(|before| match_connect(before, &packet));
        self.begins = packet.last() == Some(&SEPARATOR);
        // The library handles a packet when it has seen its end.
        if self.begins && self.matched == Some(CONNECT.len()) && !self.answered.is_cancelled() {
            self.entering = Some(Box::pin(timeout(ENTERING, self.answered.clone().cancelled_owned())));
        }
        Poll::Ready(Some(Ok(Frame::data(packet))))
    }

    fn is_end_stream(&self) -> bool {
        self.entering.is_none() && self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// How many bytes of [`CONNECT`] have come, with those that came before; `None` where others have.
fn match_connect(before: usize, packet: &[u8]) -> Option<usize> {
    let expected = &CONNECT[before..];
    let count = expected.len().min(packet.len());
    (packet[..count] == expected[..count]).then_some(before + count)
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use http_body_util::BodyExt as _;

    use super::*;

    fn packets(pieces: &[&'static [u8]], limit: usize) -> Packets {
        let pieces: Vec<_> =
            pieces.iter().map(|piece| Ok::<_, axum::Error>(Bytes::from_static(piece))).collect();
        Packets::new(Body::from_stream(stream::iter(pieces)), limit, CancellationToken::new())
    }

    #[tokio::test]
    async fn each_frame_has_one_packet_at_most_and_nothing_is_lost() {
        let mut packets = packets(&[b"4a\x1e4b", b"bb\x1e", b"\x1e4c"], 100);
        let mut frames = Vec::new();
        while let Some(frame) = packets.frame().await {
            frames.push(frame.unwrap().into_data().unwrap());
        }
        assert_eq!(frames, [&b"4a\x1e"[..], b"4b", b"bb\x1e", b"\x1e", b"4c"]);
    }

    #[tokio::test]
    async fn whoever_handles_them_in_a_loop_waits_now_and_then() {
        let body: &'static [u8] = b"4a\x1e".repeat(1000).leak();
        let mut stream = packets(&[body], 10_000).into_data_stream();
        let (mut at_once, mut pauses) = (0, 0);
        loop {
            match stream.next().now_or_never() {
                Some(Some(_)) => at_once += 1,
                Some(None) => break,
                None => pauses += 1,
            }
        }
        assert_eq!((at_once, pauses), (1000, 1000 / TURN_PACKETS));
    }

    #[tokio::test]
    async fn what_follows_a_clients_entering_waits_however_the_body_comes() {
        for pieces in
            [&[&b"40{}\x1e42[]"[..]][..], &[b"4", b"0{}\x1e", b"42[]"], &[b"4\x1e4", b"0", b"\x1e42[]"]]
        {
            let mut packets = packets(pieces, 100);
            let mut came = Vec::new();
            while let Some(Some(frame)) = packets.frame().now_or_never() {
                came.extend_from_slice(&frame.unwrap().into_data().unwrap());
            }
            assert!(came.ends_with(b"\x1e") && came.windows(2).any(|two| two == CONNECT), "{came:?}");
            packets.answered.cancel();
            assert_eq!(packets.frame().await.unwrap().unwrap().into_data().unwrap(), "42[]");
        }
        let mut other = packets(&[b"4", b"2[40]\x1e", b"42[]"], 100);
        let at_once = std::iter::from_fn(|| other.frame().now_or_never().flatten()).count();
        assert_eq!(at_once, 3, "no other packet is waited for");
    }

    #[tokio::test]
    async fn it_ends_with_an_error_at_the_limit() {
        let mut packets = packets(&[b"4abc", b"defg"], 7);
        packets.frame().await.unwrap().unwrap();
        packets.frame().await.unwrap().unwrap_err();
    }
}
