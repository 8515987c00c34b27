//! A clip classifier split in two: the backbone sees each frame once, the head sees the features of a window.

use std::borrow::Cow;

use sightwire_frame::header::Limits;
use sightwire_frame::{Decoder, Image, Resizer};

use super::Payload;
use crate::engine::{Engine, EngineError, NetworkSpec, Session};
use crate::manifest::{Clip, Manifest};
use crate::store::{Store, StoreError};

/// The files and the manifest of a clip model; makes [`Networks`].
#[derive(Debug)]
pub struct ClipModel {
    name: String,
    clip: Clip,
    backbone: (String, Cow<'static, [u8]>),
    head: (String, Cow<'static, [u8]>),
}

/// Why a clip model cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ClipModelError {
    /// Its files.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its networks.
    #[error("the model {model}: {error}")]
    Engine {
        /// Name.
        model: String,
        /// What is wrong.
        error: EngineError,
    },
    /// It does something else.
    #[error(
        "the model {name} is for {task}, not for clip classification; `sightwire models list` shows which are"
    )]
    WrongTask {
        /// Name.
        name: String,
        /// What it is for.
        task: &'static str,
    },
}

/// Why one frame could not be analysed.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Not the picture that its header promised.
    #[error("{0}")]
    Broken(String),
    /// The network failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// One thread's sessions and buffers of a clip model.
pub struct Networks {
    width: u32,
    height: u32,
    scale: [f32; 256],
    batch: usize,
    features: usize,
    limits: Limits,
    decoder: Decoder,
    resizer: Resizer,
    encoded: Vec<u8>,
    decoded: Image,
    resized: Image,
    input: Vec<f32>,
    output: Vec<f32>,
    backbone: Session,
    head: Session,
}

impl ClipModel {
    /// Reads and verifies the model's files.
    pub fn load(store: &Store, manifest: &Manifest) -> Result<Self, ClipModelError> {
        let wrong_task =
            || ClipModelError::WrongTask { name: manifest.name.clone(), task: manifest.task.name() };
        let clip = manifest.clip.clone().ok_or_else(wrong_task)?;
        let file = |role| {
            let file = manifest.file(role).ok_or_else(wrong_task)?;
            Ok::<_, ClipModelError>((file.name.clone(), store.load(&manifest.name, file)?))
        };
        Ok(Self { name: manifest.name.clone(), backbone: file("backbone")?, head: file("head")?, clip })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its manifest says.
    pub fn clip(&self) -> &Clip {
        &self.clip
    }

    /// Makes the sessions and buffers for one thread.
    pub fn networks(&self, engine: &Engine, limits: Limits) -> Result<Networks, ClipModelError> {
        let clip = &self.clip;
        let wrap = |error| ClipModelError::Engine { model: self.name.clone(), error };
        let batch = engine.batch();
        let (width, height) = (clip.width as usize, clip.height as usize);
        let spec = |(name, bytes): &'_ (String, Cow<'static, [u8]>), batch, input, output| {
            engine
                .session(&NetworkSpec {
                    name,
                    bytes,
                    symbol: &clip.batch_symbol,
                    batch,
                    input,
                    output,
                    precision: clip.precision,
                })
                .map_err(wrap)
        };
        let backbone =
            spec(&self.backbone, batch, vec![batch, height, width, 3], vec![batch, clip.features])?;
        let head = spec(&self.head, 1, vec![1, clip.window, clip.features], vec![1, clip.labels.len()])?;
        let decoder = Decoder::new().map_err(|error| {
            let network = "the JPEG decoder".to_owned();
            wrap(EngineError::Run { network, reason: error.to_string() })
        })?;
        Ok(Networks {
            width: clip.width,
            height: clip.height,
            scale: std::array::from_fn(|value| value as f32 / clip.divide_by),
            batch,
            features: clip.features,
            limits,
            decoder,
            resizer: Resizer::new(),
            encoded: Vec::new(),
            decoded: Image::new(0, 0),
            resized: Image::new(0, 0),
            input: vec![0.0; batch * height * width * 3],
            output: Vec::new(),
            backbone,
            head,
        })
    }
}

impl Networks {
    /// Frames that [`Networks::backbone`] takes at once.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Decodes a frame, resizes it as OpenCV's `INTER_LINEAR` does, and puts it into place `slot` of the next batch.
    pub fn prepare(&mut self, slot: usize, payload: &Payload) -> Result<(), FrameError> {
        let broken = |error: &dyn std::fmt::Display| FrameError::Broken(error.to_string());
        let bytes = match payload {
            Payload::Binary(bytes) => bytes.as_ref(),
            Payload::Base64(text) => {
                let text = std::str::from_utf8(text).map_err(|error| broken(&error))?;
                sightwire_frame::data_url::decode_into(text, &mut self.encoded)
                    .map_err(|error| broken(&error))?;
                self.encoded.as_slice()
            }
        };
        self.decoder.decode(bytes, &self.limits, &mut self.decoded).map_err(|error| broken(&error))?;
        self.resizer
            .resize(&self.decoded, self.width, self.height, &mut self.resized)
            .map_err(|error| broken(&error))?;
        let values = self.width as usize * self.height as usize * 3;
        let place = &mut self.input[slot * values..(slot + 1) * values];
        for (to, from) in place.iter_mut().zip(self.resized.data()) {
            *to = self.scale[usize::from(*from)];
        }
        Ok(())
    }

    /// Features of the prepared frames, [`Networks::batch`] × features values.
    pub fn backbone(&mut self) -> Result<&[f32], FrameError> {
        self.backbone.run(&self.input, &mut self.output)?;
        Ok(&self.output)
    }

    /// Probabilities for a window: `features` holds window × features values, oldest frame first.
    pub fn head(&mut self, features: &[f32]) -> Result<&[f32], FrameError> {
        self.head.run(features, &mut self.output)?;
        Ok(&self.output)
    }

    /// Values per frame that the backbone makes.
    pub fn features(&self) -> usize {
        self.features
    }
}
