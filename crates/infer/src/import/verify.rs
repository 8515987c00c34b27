//! Compares an import with its original in the engine that will run it, and chooses its precision.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sightwire_frame::header::Limits;
use sightwire_frame::sample::{Clip as SampleClip, Gesture};
use sightwire_frame::{Image, Resizer};

use super::{ImportError, MAX_DIFFERENCE, Progress, Request, Watch, tool};
use crate::clip::model::{ClipModel, Networks, Window};
use crate::engine::{Engine, EngineError, EngineOptions, Preferred, Provider};
use crate::manifest::{Clip, Precision};
use crate::runtime::Runtime;
use crate::store::Store;

/// A probability may differ so much between f32 and bf16.
const MAX_BF16_DIFFERENCE: f64 = 0.02;
/// Another provider or precision is taken where it needs at most this part of the time: less is not worth a difference.
const MIN_GAIN: f64 = 0.9;
const TIMED_RUNS: usize = 25;
const SAMPLE_SIZE_PX: (u32, u32) = (640, 480);
const SAMPLE_SEED: u64 = 1;

/// The provider that suits a role best.
pub type Providers = BTreeMap<&'static str, Preferred>;

/// What was found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// To be used.
    pub precision: Precision,
    /// The provider that suits each role best, where it is not the engine's usual one.
    pub providers: Providers,
    /// Windows compared with the original.
    pub clips: usize,
    /// Largest difference of a probability to the original, at f32.
    pub difference: f64,
    /// Largest difference of a probability between f32 and bf16.
    pub bf16_difference: Option<f64>,
    /// Of a prediction at f32.
    pub f32_ms: f64,
    /// Of a prediction at bf16.
    pub bf16_ms: Option<f64>,
    /// For the model's card.
    pub note: Option<String>,
}

/// An import being verified.
struct Trial<'a> {
    store: &'a Store,
    request: &'a Request,
    name: &'a str,
    clip: &'a Clip,
    folder: &'a Path,
}

/// Runs the networks in `folder` on the input that the original was run on (`check_input.u8`, `check_output.f32`), at
/// f32 and at bf16, with the engine's provider and the plain CPU, and on generated clips.
pub(super) fn verify(
    store: &Store,
    request: &Request,
    name: &str,
    clip: &Clip,
    folder: &Path,
    loops: &[String],
    watch: Watch<'_>,
) -> Result<Verdict, ImportError> {
    let mut say = |text: &str, done| {
        let going_on = watch(Progress { text: text.to_owned(), done: Some(done) });
        if going_on { Ok(()) } else { Err(ImportError::Cancelled) }
    };
    say("comparing the import with the original in the engine", 0.96)?;
    let frame_bytes = clip.width as usize * clip.height as usize * 3;
    let trial = Trial { store, request, name, clip, folder };
    let (input, output) = (trial.read("check_input.u8")?, trial.read("check_output.f32")?);
    let windows: Vec<&[u8]> = input.chunks_exact(clip.window * frame_bytes).collect();
    let Some(first) = windows.first().copied() else {
        return Err(tool::ToolError::Report("there is nothing to compare".into()).into());
    };
    let expected: Vec<f32> =
        output.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();

    // OpenVINO does not refuse a network with loops, it breaks down on it.
    let only_plain = Preferred { provider: Provider::Cpu, only: true };
    let has_loops = |role: &&str| loops.contains(&format!("{role}.onnx"));
    let roles = || clip.roles().iter().copied();
    let fixed: Providers = roles().filter(has_loops).map(|role| (role, only_plain)).collect();
    let (mut usual, provider) = trial.networks(Precision::F32, &fixed)?;
    let difference = difference(&expected, &scores(&mut usual, frame_bytes, &windows)?);
    if difference.is_nan() || difference > MAX_DIFFERENCE {
        let source_file = request.source.display().to_string();
        return Err(ImportError::Differs { source_file, difference });
    }
    let mut verdict = Verdict {
        precision: Precision::F32,
        providers: fixed.clone(),
        clips: windows.len(),
        difference,
        bf16_difference: None,
        f32_ms: 0.0,
        bf16_ms: None,
        note: None,
    };
    if provider != Provider::OpenVino {
        verdict.f32_ms = time(&mut [&mut usual], frame_bytes, first)?[0].total_ms();
        verdict.note =
            Some(format!("Precision f32: bf16 needs OpenVINO, and the import was made with {provider}."));
        return Ok(verdict);
    }

    say("finding the fastest way to run it", 0.97)?;
    let plain_cpu = Preferred { provider: Provider::Cpu, only: false };
    let mut all_plain: Providers = roles().map(|role| (role, plain_cpu)).collect();
    all_plain.extend(fixed.clone());
    let (mut plain, _) = trial.networks(Precision::F32, &all_plain)?;
    let times = time(&mut [&mut usual, &mut plain], frame_bytes, first)?;
    let (mut cost, mut plain_cost) = (times[0], times[1]);
    // What is to run has to be compared, too.
    let plain_is_right =
        self::difference(&expected, &scores(&mut plain, frame_bytes, &windows)?) <= MAX_DIFFERENCE;
    for role in roles().filter(|_| plain_is_right) {
        let (usual_ms, plain_ms) = (cost.of_mut(role), *plain_cost.of_mut(role));
        if plain_ms < *usual_ms * MIN_GAIN && !fixed.contains_key(role) {
            *usual_ms = plain_ms;
            verdict.providers.insert(role, plain_cpu);
        }
    }
    verdict.f32_ms = cost.total_ms();

    say("calibrating bf16 against f32 on generated clips", 0.98)?;
    let generated = generated(clip);
    let mut all = windows;
    all.extend(generated.iter().map(Vec::as_slice));
    let (mut bf16, _) = trial.networks(Precision::Bf16, &verdict.providers)?;
    let (exact, near) = (scores(&mut usual, frame_bytes, &all)?, scores(&mut bf16, frame_bytes, &all)?);
    let bf16_difference = self::difference(&exact, &near);
    let same = same_labels(&exact, &near, clip.labels.len());
    let bf16_ms = time(&mut [&mut bf16], frame_bytes, first)?[0].total_ms();
    (verdict.bf16_difference, verdict.bf16_ms) = (Some(bf16_difference), Some(bf16_ms));
    let changes = bf16_difference.is_nan() || bf16_difference > MAX_BF16_DIFFERENCE || !same;
    if bf16_ms > verdict.f32_ms * MIN_GAIN {
        verdict.note = Some("Precision f32: bf16 is not faster on this machine.".into());
    } else if changes {
        verdict.note = Some(format!(
            "Precision f32, because bf16 changes a probability by up to {bf16_difference:.3} on generated clips \
             ({MAX_BF16_DIFFERENCE} is allowed). A prediction would take {bf16_ms:.1} ms instead of {:.1}: \
             `engine.precision = \"bf16\"` takes it all the same.",
            verdict.f32_ms
        ));
    } else {
        verdict.precision = Precision::Bf16;
        // The plain CPU has no bf16.
        verdict.providers.retain(|role, preferred| *role == "head" || preferred.only);
    }
    Ok(verdict)
}

impl Trial<'_> {
    fn read(&self, file: &str) -> Result<Vec<u8>, ImportError> {
        let path = self.folder.join(file);
        fs::read(&path).map_err(|error| ImportError::Read { path, error })
    }

    /// The networks at a precision, and the provider that is the engine's usual one.
    fn networks(
        &self,
        precision: Precision,
        preferred: &Providers,
    ) -> Result<(Networks, Provider), ImportError> {
        let model = ClipModel::read(
            self.name,
            self.clip,
            |role| preferred.get(role).copied(),
            |file| self.read(file),
        )?;
        let options = EngineOptions { precision: Some(precision), ..self.request.engine.clone() };
        let runtime = Runtime::load(self.store, self.request.library.as_deref(), options.provider)?;
        let engine = Engine::new(runtime, options)?;
        let networks = model.networks(&engine, Limits::default()).map_err(engine_error)?;
        Ok((networks, engine.provider()))
    }
}

fn engine_error(error: crate::clip::model::ClipModelError) -> ImportError {
    match error {
        crate::clip::model::ClipModelError::Engine { error, .. } => ImportError::Engine(error),
        other => {
            ImportError::Engine(EngineError::Run { network: "import".into(), reason: other.to_string() })
        }
    }
}

/// One window for each gesture that the project can draw.
fn generated(clip: &Clip) -> Vec<Vec<u8>> {
    let (mut drawn, mut resized, mut resizer) = (Image::new(0, 0), Image::new(0, 0), Resizer::new());
    Gesture::ALL
        .iter()
        .map(|gesture| {
            let sample = SampleClip::new(*gesture, SAMPLE_SEED, SAMPLE_SIZE_PX.0, SAMPLE_SIZE_PX.1);
            let mut window = Vec::new();
            for index in 0..clip.window as u32 {
                sample.frame_into(index, &mut drawn);
                // The size was checked with the manifest's limits, and the resizer takes any within them.
                if resizer.resize(&drawn, clip.width, clip.height, &mut resized).is_ok() {
                    window.extend_from_slice(resized.data());
                }
            }
            window
        })
        .collect()
}

fn scores(networks: &mut Networks, frame_bytes: usize, windows: &[&[u8]]) -> Result<Vec<f32>, EngineError> {
    let mut all = Vec::new();
    for pixels in windows {
        let mut window = Window::default();
        for frame in pixels.chunks_exact(frame_bytes) {
            networks.prepare_pixels(0, frame);
            networks.extend(&mut window, 1)?;
        }
        all.extend_from_slice(networks.predict(&window)?.unwrap_or_default());
    }
    Ok(all)
}

/// What a new frame costs in the networks, ms.
#[derive(Clone, Copy, Debug)]
struct Cost {
    backbone: f64,
    /// Of the head, or of the whole network.
    last: f64,
}

impl Cost {
    fn total_ms(&self) -> f64 {
        self.backbone + self.last
    }

    fn of_mut(&mut self, role: &str) -> &mut f64 {
        if role == "backbone" { &mut self.backbone } else { &mut self.last }
    }
}

/// The shortest times of each: what else the machine does only adds to them. By turns, so that it adds to all.
fn time(all: &mut [&mut Networks], frame_bytes: usize, pixels: &[u8]) -> Result<Vec<Cost>, EngineError> {
    let frames: Vec<&[u8]> = pixels.chunks_exact(frame_bytes).collect();
    let mut windows: Vec<Window> = all.iter().map(|_| Window::default()).collect();
    let mut costs = vec![Cost { backbone: f64::INFINITY, last: f64::INFINITY }; all.len()];
    for index in 0..frames.len() + TIMED_RUNS {
        for ((networks, window), cost) in all.iter_mut().zip(&mut windows).zip(&mut costs) {
            networks.prepare_pixels(0, frames[index % frames.len()]);
            let start = Instant::now();
            networks.extend(window, 1)?;
            let extended = Instant::now();
            if networks.predict(window)?.is_some() {
                let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
                cost.backbone = cost.backbone.min(ms(extended - start));
                cost.last = cost.last.min(ms(extended.elapsed()));
            }
        }
    }
    Ok(costs)
}

/// NaN where they cannot be compared.
fn difference(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() || a.is_empty() || a.iter().chain(b).any(|value| !value.is_finite()) {
        return f64::NAN;
    }
    a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}

/// Whether both give each window the same label, unless the first two labels are nearer than the difference allowed.
fn same_labels(a: &[f32], b: &[f32], labels: usize) -> bool {
    let best = |scores: &[f32]| scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i);
    a.chunks_exact(labels).zip(b.chunks_exact(labels)).all(|(a, b)| match (best(a), best(b)) {
        (Some(x), Some(y)) => x == y || f64::from(a[x] - a[y]) < MAX_BF16_DIFFERENCE,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_compared_never_passes() {
        assert!(difference(&[], &[]).is_nan());
        assert!(difference(&[0.5], &[0.5, 0.5]).is_nan());
        assert!(difference(&[0.5], &[f32::NAN]).is_nan());
        assert!((difference(&[0.5, 0.2], &[0.5, 0.1]) - 0.1).abs() < 1e-6);
    }

    #[test]
    fn another_label_counts_unless_the_two_were_as_good_as_equal() {
        assert!(same_labels(&[0.6, 0.4], &[0.7, 0.3], 2));
        assert!(!same_labels(&[0.6, 0.4], &[0.4, 0.6], 2));
        assert!(same_labels(&[0.501, 0.499], &[0.499, 0.501], 2));
    }
}
