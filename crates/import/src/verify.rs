//! Compares an import with its original in the engine that will run it, and chooses its precision.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sightwire_engine::runtime::Runtime;
use sightwire_engine::trial::choose::WORTH_A_DIFFERENCE;
use sightwire_engine::{Engine, EngineError, EngineOptions, Preferred};
use sightwire_frame::header::Limits;
use sightwire_frame::{Image, Resizer};
use sightwire_infer::clip::model::{ClipModel, Networks, Window};
use sightwire_models::Provider;
use sightwire_models::manifest::{Clip, Precision};
use sightwire_models::store::Store;
use sightwire_synth::sample::{Clip as SampleClip, Gesture};

use super::{ImportError, MAX_DIFFERENCE, OnProgress, Progress, Request, tool};

/// A probability may differ this much between f32 and bf16.
const MAX_BF16_DIFFERENCE: f64 = 0.02;
const TIMED_RUNS: usize = 25;
const SAMPLE_SIZE_PX: (u32, u32) = (640, 480);
const SAMPLE_SEED: u64 = 1;

/// The provider that suits a role best.
pub type Providers = BTreeMap<&'static str, Preferred>;

/// What the comparison with the original and the timing came to.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The precision in which the model is to be run.
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
/// f32 and at bf16, in the fastest way that works on this machine, and on generated clips.
pub(super) fn verify_networks(
    store: &Store,
    request: &Request,
    name: &str,
    clip: &Clip,
    folder: &Path,
    loops: &[String],
    watch: OnProgress<'_>,
) -> Result<Verdict, ImportError> {
    let watch = RefCell::new(watch);
    let say = |text: &str, done| {
        let going_on = (watch.borrow_mut())(Progress { text: text.to_owned(), done: Some(done) });
        if going_on { Ok(()) } else { Err(ImportError::Cancelled) }
    };
    // Nothing to tell, but perhaps to end.
    let going_on = || (watch.borrow_mut())(Progress { text: String::new(), done: None });
    say("comparing the import with the original in the engine", 0.96)?;
    let frame_bytes = clip.width as usize * clip.height as usize * 3;
    let trial = Trial { store, request, name, clip, folder };
    let (input, output) = (trial.read_file("check_input.u8")?, trial.read_file("check_output.f32")?);
    let windows: Vec<&[u8]> = input.chunks_exact(clip.window * frame_bytes).collect();
    let Some(first) = windows.first().copied() else {
        return Err(tool::ToolError::Report("there is nothing to compare".into()).into());
    };
    let expected: Vec<f32> =
        output.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();

    // OpenVINO does not refuse a network with loops, it breaks down on it.
    let only_plain = Preferred { provider: Provider::Cpu, only: true };
    let has_loops = |role: &&str| loops.contains(&format!("{role}.onnx"));
    let fixed: Providers =
        clip.roles().iter().copied().filter(has_loops).map(|role| (role, only_plain)).collect();
    let (model, engine) = trial.load_model(Precision::F32, &fixed)?;
    say("finding the fastest way to run it", 0.97)?;
    // Nothing of it has run in this process before.
    engine.measure_ways(&model.subjects(&engine), &going_on).map_err(EngineError::from)?;
    let mut exact = model.networks(&engine, Limits::default()).map_err(engine_error)?;
    let difference = score_difference(&expected, &score_windows(&mut exact, frame_bytes, &windows)?);
    if difference.is_nan() || difference > MAX_DIFFERENCE {
        let source_file = request.source.display().to_string();
        return Err(ImportError::Differs { source_file, difference });
    }
    let unusual = model.plans(&engine).into_iter().filter(|(_, plan)| plan.provider != engine.provider());
    let mut verdict = Verdict {
        precision: Precision::F32,
        providers: unusual
            .map(|(role, plan)| (role, Preferred { provider: plan.provider, only: fixed.contains_key(role) }))
            .collect(),
        clips: windows.len(),
        difference,
        bf16_difference: None,
        f32_ms: prediction_ms(&mut exact, frame_bytes, first)?,
        bf16_ms: None,
        note: None,
    };
    let provider = engine.provider();
    if provider != Provider::OpenVino {
        verdict.note =
            Some(format!("Precision f32: bf16 needs OpenVINO, and the import was made with {provider}."));
        return Ok(verdict);
    }

    say("calibrating bf16 against f32 on generated clips", 0.98)?;
    let (half_model, half_engine) = trial.load_model(Precision::Bf16, &fixed)?;
    let subjects = half_model.subjects(&half_engine);
    half_engine.measure_ways(&subjects, &going_on).map_err(EngineError::from)?;
    if half_model.plans(&half_engine).iter().all(|(_, plan)| plan.precision == Precision::F32) {
        let reasons: Vec<String> =
            half_engine.given_up().into_iter().filter(|reason| reason.contains("bf16")).collect();
        let why = if reasons.is_empty() {
            "bf16 cannot be used on this processor".to_owned()
        } else {
            reasons.join("; ")
        };
        verdict.note = Some(format!("Precision f32: {why}."));
        return Ok(verdict);
    }
    let generated = generate_windows(clip);
    let mut all = windows;
    all.extend(generated.iter().map(Vec::as_slice));
    let mut half = half_model.networks(&half_engine, Limits::default()).map_err(engine_error)?;
    let (sure, near) =
        (score_windows(&mut exact, frame_bytes, &all)?, score_windows(&mut half, frame_bytes, &all)?);
    let bf16_difference = score_difference(&sure, &near);
    let same = same_labels(&sure, &near, clip.labels.len());
    let bf16_ms = prediction_ms(&mut half, frame_bytes, first)?;
    (verdict.bf16_difference, verdict.bf16_ms) = (Some(bf16_difference), Some(bf16_ms));
    let changes = bf16_difference.is_nan() || bf16_difference > MAX_BF16_DIFFERENCE || !same;
    if bf16_ms > verdict.f32_ms * WORTH_A_DIFFERENCE {
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
    fn read_file(&self, file: &str) -> Result<Vec<u8>, ImportError> {
        let path = self.folder.join(file);
        fs::read(&path).map_err(|error| ImportError::Read { path, error })
    }

    /// The model, and an engine that runs it at a precision.
    fn load_model(
        &self,
        precision: Precision,
        fixed: &Providers,
    ) -> Result<(ClipModel, Engine), ImportError> {
        let preferred = |role: &str| fixed.get(role).copied();
        let model = ClipModel::from_reader(self.name, self.clip, preferred, |file| self.read_file(file))?;
        let options = EngineOptions { precision: Some(precision), ..self.request.engine.clone() };
        let runtime = Runtime::load(self.store, self.request.library.as_deref(), options.provider)?;
        Ok((model, Engine::new(runtime, options)?))
    }
}

fn engine_error(error: sightwire_infer::clip::model::ClipModelError) -> ImportError {
    match error {
        sightwire_infer::clip::model::ClipModelError::Engine { error, .. } => ImportError::Engine(error),
        other => {
            ImportError::Engine(EngineError::Run { network: "import".into(), reason: other.to_string() })
        }
    }
}

/// One window for each gesture that the project can draw.
fn generate_windows(clip: &Clip) -> Vec<Vec<u8>> {
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

fn score_windows(
    networks: &mut Networks,
    frame_bytes: usize,
    windows: &[&[u8]],
) -> Result<Vec<f32>, EngineError> {
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

/// What a new frame costs in the networks, ms: the shortest of some runs, since what else the machine does only adds to it.
fn prediction_ms(networks: &mut Networks, frame_bytes: usize, pixels: &[u8]) -> Result<f64, EngineError> {
    let frames: Vec<&[u8]> = pixels.chunks_exact(frame_bytes).collect();
    let (mut window, mut shortest) = (Window::default(), Duration::MAX);
    for index in 0..frames.len() + TIMED_RUNS {
        networks.prepare_pixels(0, frames[index % frames.len()]);
        let start = Instant::now();
        networks.extend(&mut window, 1)?;
        if networks.predict(&window)?.is_some() {
            shortest = shortest.min(start.elapsed());
        }
    }
    Ok(shortest.as_secs_f64() * 1e3)
}

/// NaN where they cannot be compared.
fn score_difference(a: &[f32], b: &[f32]) -> f64 {
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
        assert!(score_difference(&[], &[]).is_nan());
        assert!(score_difference(&[0.5], &[0.5, 0.5]).is_nan());
        assert!(score_difference(&[0.5], &[f32::NAN]).is_nan());
        assert!((score_difference(&[0.5, 0.2], &[0.5, 0.1]) - 0.1).abs() < 1e-6);
    }

    #[test]
    fn another_label_counts_unless_the_two_were_as_good_as_equal() {
        assert!(same_labels(&[0.6, 0.4], &[0.7, 0.3], 2));
        assert!(!same_labels(&[0.6, 0.4], &[0.4, 0.6], 2));
        assert!(same_labels(&[0.501, 0.499], &[0.499, 0.501], 2));
    }
}
