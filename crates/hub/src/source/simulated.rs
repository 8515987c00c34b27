//! A generated scene, as a camera of this server shows it: for whoever has no camera, and wants to see what one would look like.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use sightwire_frame::{Encoder, Image};
use sightwire_measure::clock;
use sightwire_synth::scene::Scene;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::scenery::Scenery;
use super::{Run, Sink, Source, SourceError};

/// From one picture to the next: 15 a second.
pub const EVERY: Duration = Duration::from_micros(66_667);
const SIZE_PX: [u32; 2] = [640, 480];
const QUALITY: u8 = 80;
const SEED: u64 = 1;

/// A camera that was never made.
#[derive(Clone, Copy, Debug)]
pub struct Simulated {
    scenery: Scenery,
}

/// What draws. It goes to a thread that may block and comes back.
struct Drawing {
    scene: Scene,
    image: Image,
    encoder: Encoder,
}

impl Simulated {
    /// One that shows this.
    pub fn new(scenery: Scenery) -> Self {
        Self { scenery }
    }

    async fn show(self, sink: &mut dyn Sink) -> Result<Infallible, SourceError> {
        let failed = |reason: &dyn std::fmt::Display| SourceError::NotDrawn { reason: reason.to_string() };
        let encoder = Encoder::new().map_err(|error| failed(&error))?;
        let [width, height] = SIZE_PX;
        let scene = match self.scenery {
            Scenery::Street => Scene::street(SEED, width, height),
            Scenery::CarPark => Scene::new(SEED, width, height),
        };
        let mut drawing = Drawing { scene, image: Image::default(), encoder };
        let (begun, mut turn) = (clock::now(), interval(EVERY));
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turn.tick().await;
            let at = clock::since(begun);
            let drawn = spawn_blocking(move || {
                let jpeg = drawing.picture(at);
                (drawing, jpeg)
            });
            let (back, jpeg) = drawn.await.map_err(|error| failed(&error))?;
            drawing = back;
            let (jpeg, now) = (jpeg.map_err(|error| failed(&error))?, clock::now());
            sink.bytes(jpeg.len(), now);
            sink.picture(jpeg, now);
        }
    }
}

impl Drawing {
    fn picture(&mut self, at: Duration) -> Result<Bytes, sightwire_frame::EncodeError> {
        self.scene.frame_into(at, &mut self.image);
        let mut jpeg = Vec::new();
        self.encoder.encode(&self.image, QUALITY, &mut jpeg)?;
        Ok(jpeg.into())
    }
}

impl Source for Simulated {
    fn run<'a>(&'a self, sink: &'a mut dyn Sink) -> Run<'a> {
        Box::pin(async move {
            match self.show(sink).await {
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

    #[test]
    fn scenes_are_called_as_they_are_written() {
        for scenery in [Scenery::Street, Scenery::CarPark] {
            assert_eq!(scenery.name().parse(), Ok(scenery));
        }
        let wrong = "beach".parse::<Scenery>().unwrap_err();
        assert!(wrong.to_string().contains("simulated:street"), "{wrong}");
    }

    struct Taken(mpsc::UnboundedSender<Bytes>);

    impl Sink for Taken {
        fn picture(&mut self, jpeg: Bytes, _: Instant) {
            let _ = self.0.send(jpeg);
        }

        fn bytes(&mut self, _: usize, _: Instant) {}
    }

    #[tokio::test]
    async fn it_moves_and_is_as_large_as_a_camera() {
        let (sender, mut pictures) = mpsc::unbounded_channel();
        let (camera, mut sink) = (Simulated::new(Scenery::Street), Taken(sender));
        let mut seen: Vec<Bytes> = Vec::new();
        tokio::select! {
            error = camera.run(&mut sink) => panic!("{error}"),
            () = async {
                while seen.len() < 3 {
                    seen.push(pictures.recv().await.unwrap());
                }
            } => {}
        }
        let size = header::probe(&seen[0]).unwrap();
        assert_eq!([size.width, size.height], SIZE_PX);
        assert!(seen[0] != seen[1] && seen[1] != seen[2], "nothing moves");
    }
}
