//! What somebody draws, as a camera of this server shows it: for users who have no camera, and want to see what one would look like.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use sightwire_base::clock;
use sightwire_frame::{Encoder, Image};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::{Run, Sink, Source, SourceError};

/// From one picture to the next: 15 a second.
pub const EVERY: Duration = Duration::from_micros(66_667);
const SIZE_PX: [u32; 2] = [640, 480];
const QUALITY: u8 = 80;

/// Draws what there is this long after the beginning.
pub type Draw = Box<dyn FnMut(Duration, &mut Image) + Send>;

/// A camera that was never made.
#[derive(Clone, Copy, Debug)]
pub struct Simulated {
    begin: fn([u32; 2]) -> Draw,
}

/// What draws. It goes to a thread that may block and comes back.
struct Drawing {
    draw: Draw,
    image: Image,
    encoder: Encoder,
}

impl Simulated {
    /// One that shows what is drawn by what `begin` gives for a width and a height, px.
    pub fn new(begin: fn([u32; 2]) -> Draw) -> Self {
        Self { begin }
    }

    async fn show_scene(self, sink: &mut dyn Sink) -> Result<Infallible, SourceError> {
        let failed = |reason: &dyn std::fmt::Display| SourceError::NotDrawn { reason: reason.to_string() };
        let encoder = Encoder::new().map_err(|error| failed(&error))?;
        let mut drawing = Drawing { draw: (self.begin)(SIZE_PX), image: Image::default(), encoder };
        let (begun, mut turn) = (clock::now(), interval(EVERY));
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turn.tick().await;
            let at = clock::since(begun);
            let drawn = spawn_blocking(move || {
                let jpeg = drawing.draw_picture(at);
                (drawing, jpeg)
            });
            let (back, jpeg) = drawn.await.map_err(|error| failed(&error))?;
            drawing = back;
            let (jpeg, now) = (jpeg.map_err(|error| failed(&error))?, clock::now());
            sink.on_bytes(jpeg.len(), now);
            sink.on_picture(jpeg, now);
        }
    }
}

impl Drawing {
    fn draw_picture(&mut self, at: Duration) -> Result<Bytes, sightwire_frame::EncodeError> {
        (self.draw)(at, &mut self.image);
        let mut jpeg = Vec::new();
        self.encoder.encode(&self.image, QUALITY, &mut jpeg)?;
        Ok(jpeg.into())
    }
}

impl Source for Simulated {
    fn run<'a>(&'a self, sink: &'a mut dyn Sink) -> Run<'a> {
        Box::pin(async move {
            match self.show_scene(sink).await {
                Ok(never) => match never {},
                Err(error) => error,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use sightwire_frame::header;
    use tokio::sync::mpsc;

    use super::*;

    struct Taken(mpsc::UnboundedSender<Bytes>);

    impl Sink for Taken {
        fn on_picture(&mut self, jpeg: Bytes, _: Instant) {
            let _ = self.0.send(jpeg);
        }

        fn on_bytes(&mut self, _: usize, _: Instant) {}
    }

    #[tokio::test]
    async fn it_moves_and_is_as_large_as_a_camera() {
        let (sender, mut pictures) = mpsc::unbounded_channel();
        let camera = Simulated::new(|[width, height]| {
            Box::new(move |at, image| {
                let level = (at.as_millis() / 10) as u8;
                *image = Image::from_bgr(width, height, vec![level; (width * height * 3) as usize]).unwrap();
            })
        });
        let mut sink = Taken(sender);
        let mut seen: Vec<Bytes> = Vec::new();
        tokio::select! {
            error = camera.run(&mut sink) => panic!("{error}"),
            () = async {
                while seen.len() < 3 {
                    seen.push(pictures.recv().await.unwrap());
                }
            } => {}
        }
        let size = header::probe_header(&seen[0]).unwrap();
        assert_eq!([size.width, size.height], SIZE_PX);
        assert!(seen[0] != seen[1] && seen[1] != seen[2], "nothing moves");
    }
}
