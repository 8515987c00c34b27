//! A clip classifier's networks: split in two, of which the backbone sees each frame once and the head the features of a
//! window; or whole, over the pixels of a window.

use std::borrow::Cow;
use std::sync::Arc;

use sightwire_frame::header::Limits;
use sightwire_frame::{Image, ResizeError, Resizer};
use sightwire_models::manifest::{Clip, Manifest, Precision};
use sightwire_models::store::{Store, StoreError};

use crate::sender::{Decode, Payload, PayloadError};
use sightwire_engine::network::Network;
use sightwire_engine::remote::{Levels, Task, Terms};
use sightwire_engine::trial::Subject;
use sightwire_engine::{Engine, EngineError, NetworkSpec, Plan, Preferred, Session};

/// The files and the manifest of a clip model; makes [`Networks`].
#[derive(Debug)]
pub struct ClipModel {
    name: String,
    clip: Clip,
    files: Files,
}

#[derive(Debug)]
enum Files {
    Split { features: usize, backbone: Arc<Network>, head: Arc<Network> },
    Whole(Arc<Network>),
}

/// A network of the model, and its shapes.
struct Part<'a> {
    role: &'static str,
    network: &'a Arc<Network>,
    batch: usize,
    input: Vec<usize>,
    output: Vec<usize>,
}

/// Why a clip model cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ClipModelError {
    /// Its files cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One of its networks cannot be run.
    #[error("the model {model}: {error}")]
    Engine {
        /// Name.
        model: String,
        /// What is wrong.
        error: EngineError,
    },
    /// No thread could be started to run it.
    #[error("the model {model}: no thread can be started: {error}")]
    Thread {
        /// Name.
        model: String,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// It is a file of another format.
    #[error("the model {name} has to be imported first: `sightwire models import {file} --name {name}`")]
    NotImported {
        /// Name.
        name: String,
        /// Name of the file to import.
        file: String,
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
    /// It is not a picture.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// It cannot be scaled.
    #[error(transparent)]
    Size(#[from] ResizeError),
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
    window: usize,
    decode: Decode,
    resizer: Resizer,
    resized: Image,
    input: Vec<f32>,
    output: Vec<f32>,
    sessions: Sessions,
}

enum Sessions {
    Split {
        features: usize,
        backbone: Session,
        head: Session,
    },
    Whole {
        network: Session,
        /// Pixels of the prepared frames, u8.
        prepared: Vec<u8>,
    },
}

/// What each network of a model is run with, for people: `backbone openvino bf16, head cpu f32`.
pub fn in_words(plans: &[(&'static str, Plan)]) -> String {
    plans.iter().map(|(role, plan)| format!("{role} {plan}")).collect::<Vec<_>>().join(", ")
}

/// What is kept of a run's newest frames, at most a window of them.
#[derive(Debug, Default)]
pub struct Window {
    /// Features of each frame, oldest first.
    features: Vec<f32>,
    /// Pixels of each frame, u8, as a ring.
    pixels: Vec<u8>,
    frames: usize,
}

impl ClipModel {
    /// Reads and verifies the model's files.
    pub fn load(store: &Store, manifest: &Manifest) -> Result<Self, ClipModelError> {
        let wrong_task =
            || ClipModelError::WrongTask { name: manifest.name.clone(), task: manifest.task.name() };
        if let Some(file) = manifest.to_import() {
            let found = store.verified_path(&manifest.name, file)?;
            let (name, file) = (manifest.name.clone(), found.display().to_string());
            return Err(ClipModelError::NotImported { name, file });
        }
        let clip = manifest.clip.clone().ok_or_else(wrong_task)?;
        let files = Files::from_reader(&clip, |role, precision| {
            let file = manifest.file(role).ok_or_else(wrong_task)?;
            let bytes = store.load_file(&manifest.name, file)?;
            Ok::<_, ClipModelError>(Network::of_file(&manifest.name, file, bytes, precision))
        })?;
        Ok(Self { name: manifest.name.clone(), clip, files })
    }

    /// From files that `read` gives by name, `<role>.onnx` each; they are not verified. `preferred` tells the provider
    /// that suits a role best, where it is known.
    pub fn from_reader<E>(
        name: &str,
        clip: &Clip,
        preferred: impl Fn(&str) -> Option<Preferred>,
        read: impl Fn(&str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let files = Files::from_reader(clip, |role, precision| {
            let file = format!("{role}.onnx");
            let bytes = Cow::Owned(read(&file)?);
            Ok(Network::new(name, &file, bytes, precision, preferred(role)))
        })?;
        Ok(Self { name: name.to_owned(), clip: clip.clone(), files })
    }

    /// What each network is run with, by role.
    pub fn plans(&self, engine: &Engine) -> Vec<(&'static str, Plan)> {
        let parts = self.parts(engine);
        parts.iter().map(|part| (part.role, part.network.plan(engine, &part.input))).collect()
    }

    /// What is to be tried before the model is used.
    pub fn subjects(&self, engine: &Engine) -> Vec<Subject> {
        let symbol = self.clip.batch_symbol.as_ref();
        let subject = |part: Part<'_>| Subject {
            network: part.network.clone(),
            sizes: symbol.map(|symbol| (symbol.clone(), part.batch)).into_iter().collect(),
            input: part.input,
        };
        self.parts(engine).into_iter().map(subject).collect()
    }

    fn parts(&self, engine: &Engine) -> Vec<Part<'_>> {
        let clip = &self.clip;
        let (window, labels) = (clip.window, clip.labels.len());
        let frame = [clip.height as usize, clip.width as usize, 3];
        match &self.files {
            Files::Split { features, backbone, head } => {
                let batch = if clip.batch_symbol.is_some() { engine.batch_size() } else { 1 };
                let input = [&[batch][..], &frame].concat();
                let output = vec![batch, *features];
                let backbone = Part { role: "backbone", network: backbone, batch, input, output };
                let (input, output) = (vec![1, window, *features], vec![1, labels]);
                vec![backbone, Part { role: "head", network: head, batch: 1, input, output }]
            }
            Files::Whole(network) => {
                let (input, output) = ([&[1, window][..], &frame].concat(), vec![1, labels]);
                vec![Part { role: "whole", network, batch: 1, input, output }]
            }
        }
    }

    /// The model's name, as in its manifest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its manifest says.
    pub fn clip(&self) -> &Clip {
        &self.clip
    }

    /// Whether each frame is run through a backbone once, instead of each window through the whole network.
    pub fn is_split(&self) -> bool {
        matches!(self.files, Files::Split { .. })
    }

    /// Makes the sessions and buffers for one thread.
    pub fn networks(&self, engine: &Engine, limits: Limits) -> Result<Networks, ClipModelError> {
        let clip = &self.clip;
        let wrap = |error| ClipModelError::Engine { model: self.name.clone(), error };
        let symbol = clip.batch_symbol.as_deref();
        let mut made = Vec::new();
        for Part { network, batch, input, output, .. } in self.parts(engine) {
            let spec = NetworkSpec { network, symbol, batch, input, output };
            made.push((batch, engine.session(&spec).map_err(wrap)?));
        }
        let frame_values = clip.width as usize * clip.height as usize * 3;
        let mut made = made.into_iter();
        let (batch, sessions) = match (&self.files, made.next(), made.next()) {
            (Files::Split { features, .. }, Some((batch, backbone)), Some((_, head))) => {
                (batch, Sessions::Split { features: *features, backbone, head })
            }
            (_, Some((_, network)), _) => {
                let prepared = vec![0; clip.window * frame_values];
                (clip.window, Sessions::Whole { network, prepared })
            }
            (_, None, _) => {
                let reason = "it has no network".to_owned();
                return Err(wrap(EngineError::Run { network: self.name.clone(), reason }));
            }
        };
        let decode = Decode::new(limits).map_err(wrap)?;
        Ok(Networks {
            width: clip.width,
            height: clip.height,
            scale: std::array::from_fn(|value| value as f32 / clip.divide_by),
            batch,
            window: clip.window,
            decode,
            resizer: Resizer::new(),
            resized: Image::new(0, 0),
            input: vec![0.0; batch * frame_values],
            output: Vec::new(),
            sessions,
        })
    }
}

impl Files {
    fn from_reader<E>(
        clip: &Clip,
        read: impl Fn(&'static str, Option<Precision>) -> Result<Network, E>,
    ) -> Result<Self, E> {
        let precision = Some(clip.precision);
        // Features are not bytes.
        let levels = |role| (role != "head").then_some(Levels { divide_by: clip.divide_by });
        let terms = |role| Terms { task: Task::Signs, levels: levels(role) };
        let read = |role, precision| Ok(Arc::new(read(role, precision)?.with_offer(role, terms(role))));
        Ok(match clip.features {
            Some(features) => {
                Files::Split { features, backbone: read("backbone", precision)?, head: read("head", None)? }
            }
            None => Files::Whole(read("whole", precision)?),
        })
    }
}

impl Networks {
    /// Frames that can be prepared before [`Networks::extend`].
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Decodes a frame, resizes it as OpenCV's `INTER_LINEAR` does, and puts it into place `slot` of the next batch.
    pub fn prepare_frame(&mut self, slot: usize, payload: &Payload) -> Result<(), FrameError> {
        let image = self.decode.decode(payload)?;
        self.resizer.resize(image, self.width, self.height, &mut self.resized)?;
        self.put_frame(slot);
        Ok(())
    }

    /// As [`Networks::prepare_frame`], of pixels in the network's own size: height × width × 3 bytes, BGR.
    ///
    /// # Panics
    ///
    /// If they are not this many.
    pub fn prepare_pixels(&mut self, slot: usize, pixels: &[u8]) {
        self.resized.reshape(self.width, self.height);
        self.resized.data_mut().copy_from_slice(pixels);
        self.put_frame(slot);
    }

    fn put_frame(&mut self, slot: usize) {
        let pixels = self.resized.data();
        let place = slot * pixels.len()..(slot + 1) * pixels.len();
        match &mut self.sessions {
            Sessions::Split { .. } => scale_pixels(&self.scale, pixels, &mut self.input[place]),
            Sessions::Whole { prepared, .. } => prepared[place].copy_from_slice(pixels),
        }
    }

    /// Adds the first `count` prepared frames to a window, running them through the backbone if there is one.
    pub fn extend(&mut self, window: &mut Window, count: usize) -> Result<(), EngineError> {
        window.frames += count;
        match &mut self.sessions {
            Sessions::Split { features, backbone, .. } => {
                backbone.run(&self.input, &mut self.output)?;
                window.features.extend_from_slice(&self.output[..count * *features]);
                let too_many = window.features.len().saturating_sub(self.window * *features);
                window.features.drain(..too_many);
            }
            Sessions::Whole { prepared, .. } => {
                let frame = prepared.len() / self.window;
                window.pixels.resize(prepared.len(), 0);
                for (index, pixels) in prepared.chunks_exact(frame).take(count).enumerate() {
                    let slot = (window.frames - count + index) % self.window;
                    window.pixels[slot * frame..(slot + 1) * frame].copy_from_slice(pixels);
                }
            }
        }
        Ok(())
    }

    /// Probabilities for a window; `None` until it has all its frames.
    pub fn predict(&mut self, window: &Window) -> Result<Option<&[f32]>, EngineError> {
        if window.frames < self.window {
            return Ok(None);
        }
        match &mut self.sessions {
            Sessions::Split { head, .. } => head.run(&window.features, &mut self.output)?,
            Sessions::Whole { network, .. } => {
                let frame = window.pixels.len() / self.window;
                let (newer, older) = window.pixels.split_at(window.frames % self.window * frame);
                let (first, last) = self.input.split_at_mut(older.len());
                scale_pixels(&self.scale, older, first);
                scale_pixels(&self.scale, newer, last);
                network.run(&self.input, &mut self.output)?;
            }
        }
        Ok(Some(&self.output))
    }
}

fn scale_pixels(scale: &[f32; 256], pixels: &[u8], values: &mut [f32]) {
    for (to, from) in values.iter_mut().zip(pixels) {
        *to = scale[usize::from(*from)];
    }
}
