//! Long frames are read in large pieces, though their readers have small buffers: those cost memory on every connection,
//! and a piece of a frame costs a call of the system.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BufMut as _, BytesMut};
use tokio::io::ReadBuf;
use tokio_util::io::poll_read_buf;

use crate::socket::Socket;

/// A piece at most. There is memory for one only while a frame arrives.
const PIECE_BYTES: usize = 32 << 10;

/// What was read and has not been taken.
#[derive(Debug, Default)]
pub struct Ahead(BytesMut);

impl Ahead {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads of a frame of which `left` bytes are to come, and gives as many of them as fit.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Socket,
        left: u64,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            let length = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            let mut piece = BytesMut::with_capacity(length).limit(length);
            ready!(poll_read_buf(Pin::new(stream), cx, &mut piece))?;
            self.0 = piece.into_inner();
        }
        let count = self.0.len().min(buf.remaining());
        buf.put_slice(self.0.get(..count).unwrap_or_default());
        self.0.advance(count);
        if self.0.is_empty() {
            self.0 = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}
