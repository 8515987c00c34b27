//! A detector elsewhere, at a server that speaks `KServe` v2 and calls its model `detect`.
//!
//! It takes the JPEG as it came (an input of BYTES with shape `[1]`) or, where its metadata names such an input, the picture as
//! UINT8 `[1, height, width, 3]`, red first, in the upper left corner and the rest grey. It answers `boxes` (FP32 `[n, 4]`: left, top,
//! right, bottom in pixels of what it was given), `scores` (FP32 `[n]`, from 0 to 1), `classes` (INT32 or INT64 `[n]`) and, if it
//! likes, `labels` (BYTES `[n]`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use sightwire_api::status::{DetectorStatus, ModelState};
use sightwire_base::metrics::{Collector, Metrics};
use sightwire_frame::Image;
use sightwire_frame::boxes::{Detection, Rect};
use sightwire_frame::letterbox::{Fit, Placement};
use sightwire_frame::resize::{ResizeError, Resizer};
use sightwire_live::detector::BASE_CONFIDENCE;
use sightwire_live::pixels::PixelPool;
use sightwire_live::remote::{Awaited, FindError, ModelElsewhere, RemoteDetector};
use tokio_util::sync::CancellationToken;

use crate::kserve::client::Options;
use crate::kserve::messages::ModelMetadata;
use crate::kserve::model::{RemoteError, RemoteModel, Standing};
use crate::kserve::tensor::{Tensor, TensorError, find_tensor};

/// Its name at the server.
pub const MODEL: &str = "detect";
/// Sides of a picture where the server leaves them to us, px.
const SIDE: u32 = 416;
/// Sides that a server may ask for, px.
const MAX_SIDE: i64 = 2048;
/// Rows of an answer that are looked at.
const MAX_ROWS: usize = 10_000;
/// Classes whose names are kept.
const MAX_CLASSES: usize = 4096;
/// Characters of a name.
const MAX_LABEL: usize = 64;
/// Time that the first caller waits for the server before the model here is loaded.
const FIRST: Duration = Duration::from_secs(3);
/// No picture is given up sooner, whatever is wanted of its stream.
const LEAST: Duration = Duration::from_millis(40);

/// Finds objects elsewhere.
#[derive(Debug)]
pub struct KserveDetector {
    remote: Arc<RemoteModel>,
    known: Mutex<Arc<ModelElsewhere>>,
    max_boxes: usize,
}

/// What the server takes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Input {
    Jpeg(String),
    Pixels { name: String, width: u32, height: u32, has_batch: bool },
}

impl KserveDetector {
    /// Asks nobody before somebody looks, and takes at most `max_boxes` objects of an answer.
    pub fn new(options: Options, max_boxes: usize) -> Arc<Self> {
        let known = ModelElsewhere { name: MODEL.to_owned(), labels: Vec::new() };
        // One that takes something else is away, and the model here looks.
        let fits = |metadata: &ModelMetadata| Input::from_metadata(metadata).map(|_| ());
        Arc::new(Self {
            remote: RemoteModel::new(options, (MODEL, None), fits),
            known: Mutex::new(Arc::new(known)),
            max_boxes,
        })
    }

    async fn ask_server(
        &self,
        pool: &PixelPool,
        image: &Arc<Image>,
        jpeg: Awaited<'_, Result<Bytes, FindError>>,
        within: Duration,
    ) -> Result<Vec<Detection>, FindError> {
        let metadata = self.remote.wanted_metadata().map_err(to_find_error)?;
        let (tensor, fit) = match Input::from_metadata(&metadata)
            .map_err(|error| to_find_error(error.into()))?
        {
            Input::Jpeg(name) => (Tensor::of_elements(&name, &[&jpeg.await?]), None),
            Input::Pixels { name, width, height, has_batch } => {
                let image = image.clone();
                let fitted = pool.run(move |_| fit_image(&image, width, height)).await?;
                let unfit = TensorError::Unfit { name: "the picture", why: "has no pixels" };
                let (values, fit) = fitted.map_err(|_| to_find_error(unfit.into()))?;
                let (height, width) = (height as usize, width as usize);
                let shape = [1, height, width, 3];
                let shape = if has_batch { &shape[..] } else { &shape[1..] };
                (Tensor::of_u8(&name, shape, values).map_err(|error| to_find_error(error.into()))?, Some(fit))
            }
        };
        let (inputs, size) = ([tensor], (image.width(), image.height()));
        let read = |outputs: &[Tensor]| read_detections(outputs, size, fit);
        self.check_answer(self.remote.infer(&inputs, within.max(LEAST), read).await)
    }

    async fn ask_about_file(
        &self,
        jpeg: &Bytes,
        size: (u32, u32),
        within: Duration,
        is_valid: Awaited<'_, bool>,
    ) -> Result<Vec<Detection>, FindError> {
        let metadata = self.remote.wanted_metadata().map_err(to_find_error)?;
        let unfit = TensorError::Unfit { name: "the model", why: "takes no files" };
        let Ok(Input::Jpeg(name)) = Input::from_metadata(&metadata) else {
            return Err(to_find_error(unfit.into()));
        };
        let inputs = [Tensor::of_elements(&name, &[jpeg])];
        let read = |outputs: &[Tensor]| read_detections(outputs, size, None);
        self.check_answer(
            self.remote.infer_unseen(&inputs, within.max(LEAST), read, async || is_valid.await).await,
        )
    }

    fn check_answer(
        &self,
        answer: Result<Vec<(Detection, Option<String>)>, RemoteError>,
    ) -> Result<Vec<Detection>, FindError> {
        // Once it is away, that is said; the picture goes on without a look.
        let said = |error| if self.remote.is_answering() { to_find_error(error) } else { FindError::Busy };
        let mut found = answer.map_err(said)?;
        found.sort_by(|(a, _), (b, _)| b.confidence.total_cmp(&a.confidence));
        found.truncate(self.max_boxes);
        self.learn_labels(&found);
        Ok(found.into_iter().map(|(detection, _)| detection).collect())
    }

    fn learn_labels(&self, found: &[(Detection, Option<String>)]) {
        let mut known = self.known.lock();
        for (detection, label) in found {
            let Some(label) = label else { continue };
            if known.labels.get(detection.class) == Some(label) {
                continue;
            }
            let known = Arc::make_mut(&mut known);
            if known.labels.len() <= detection.class {
                known.labels.resize(detection.class + 1, "?".to_owned());
            }
            known.labels[detection.class].clone_from(label);
        }
    }
}

impl RemoteDetector for KserveDetector {
    fn run(self: Arc<Self>, stop: CancellationToken) -> Awaited<'static, ()> {
        Box::pin(self.remote.clone().run(stop))
    }

    fn is_here(&self) -> Awaited<'_, bool> {
        Box::pin(self.remote.wait_settled(FIRST))
    }

    fn is_answering(&self) -> bool {
        self.remote.is_answering()
    }

    fn known_model(&self) -> Arc<ModelElsewhere> {
        self.known.lock().clone()
    }

    fn takes_files(&self) -> bool {
        let input =
            self.remote.wanted_metadata().ok().and_then(|metadata| Input::from_metadata(&metadata).ok());
        matches!(input, Some(Input::Jpeg(_)))
    }

    fn find_objects<'a>(
        &'a self,
        pool: &'a PixelPool,
        image: &'a Arc<Image>,
        jpeg: Awaited<'a, Result<Bytes, FindError>>,
        within: Duration,
    ) -> Awaited<'a, Result<Vec<Detection>, FindError>> {
        Box::pin(self.ask_server(pool, image, jpeg, within))
    }

    fn find_in_file<'a>(
        &'a self,
        jpeg: &'a Bytes,
        size: (u32, u32),
        within: Duration,
        is_valid: Awaited<'a, bool>,
    ) -> Awaited<'a, Result<Vec<Detection>, FindError>> {
        Box::pin(self.ask_about_file(jpeg, size, within, is_valid))
    }

    fn report(&self, here: DetectorStatus) -> DetectorStatus {
        let counters = &self.remote.counters;
        match &*self.remote.standing().borrow() {
            Standing::Unasked => here,
            Standing::Away(why) => {
                let note = format!("detector away: {} ({why})", self.remote.address());
                let note = here.note.map_or(note.clone(), |here| format!("{note}; {here}"));
                DetectorStatus { note: Some(note), ..here }
            }
            Standing::Here(_) => DetectorStatus {
                labels: self.known_model().labels.clone(),
                model: self.known_model().name.clone(),
                note: None,
                precision: None,
                progress: None,
                provider: Some("remote".to_owned()),
                runs: counters.answered.load(Ordering::Relaxed),
                busy_s: counters.took.snapshot().sum_us as f64 / 1e6,
                state: ModelState::Ready,
                threads: None,
                ..here
            },
        }
    }
}

impl Collector for KserveDetector {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.gauge(
            "remote_answers",
            "1: the server of engine.remote looks at pictures; 0: it is away, or nobody has needed it yet.",
            self.remote.is_answering(),
        );
        let counters = &self.remote.counters;
        metrics.counter(
            "remote_answered",
            "Pictures that the server of engine.remote looked at.",
            &counters.answered,
        );
        metrics.counter(
            "remote_failed",
            "Pictures that it did not look at: late, refused, cut off, or no answer that can be used.",
            &counters.failed,
        );
        metrics.counter(
            "remote_left_alone",
            "Times that it was not asked any more, until it was back.",
            &counters.opened,
        );
        metrics.histogram("remote_took", "From asking it to its checked answer.", counters.took.snapshot());
    }
}

fn to_find_error(error: RemoteError) -> FindError {
    match error {
        // The picture goes on without a look; what looks next is asked anew.
        RemoteError::Away(_) => FindError::Busy,
        error => FindError::Elsewhere(error.into()),
    }
}

impl Input {
    /// The JPEG where that is taken, since it need not be prepared; pixels where nothing is told.
    fn from_metadata(metadata: &ModelMetadata) -> Result<Self, TensorError> {
        let inputs = &metadata.inputs;
        if let Some(input) = inputs.iter().find(|input| input.datatype == "BYTES") {
            return Ok(Self::Jpeg(input.name.clone()));
        }
        let Some(input) = inputs.iter().find(|input| input.datatype == "UINT8") else {
            let unfit = TensorError::Unfit { name: "the model", why: "takes neither BYTES nor UINT8" };
            let (name, has_batch) = ("image".to_owned(), true);
            let untold = Self::Pixels { name, width: SIDE, height: SIDE, has_batch };
            return if inputs.is_empty() { Ok(untold) } else { Err(unfit) };
        };
        let side = |side: i64| match side {
            -1 => Some(SIDE),
            1..=MAX_SIDE => u32::try_from(side).ok(),
            _ => None,
        };
        let (has_batch, height, width) = match input.shape[..] {
            [1 | -1, height, width, 3 | -1] => (true, side(height), side(width)),
            [height, width, 3 | -1] => (false, side(height), side(width)),
            _ => (false, None, None),
        };
        match (height, width) {
            (Some(height), Some(width)) => {
                Ok(Self::Pixels { name: input.name.clone(), width, height, has_batch })
            }
            _ => {
                Err(TensorError::Unfit { name: "the input of the model", why: "has the shape of no picture" })
            }
        }
    }
}

/// The picture in the upper left corner of that many pixels, red first, the rest grey.
fn fit_image(image: &Image, width: u32, height: u32) -> Result<(Bytes, Fit), ResizeError> {
    const GREY: u8 = 114;
    let fit = Fit::new((image.width().max(1), image.height().max(1)), (width, height), Placement::TopLeft);
    let mut small = Image::default();
    Resizer::new().resize(image, fit.width, fit.height, &mut small)?;
    let (line, row) = (width as usize * 3, fit.width as usize * 3);
    let mut values = vec![GREY; line * height as usize];
    for (from, to) in small.data().chunks_exact(row).zip(values.chunks_exact_mut(line)) {
        for (from, to) in from.chunks_exact(3).zip(to.chunks_exact_mut(3)) {
            to.copy_from_slice(&[from[2], from[1], from[0]]);
        }
    }
    Ok((values.into(), fit))
}

/// An answer, if it can be one: each box within the picture, with the name of its class where the server tells it.
fn read_detections(
    outputs: &[Tensor],
    (width, height): (u32, u32),
    fit: Option<Fit>,
) -> Result<Vec<(Detection, Option<String>)>, TensorError> {
    let unfit = |name, why| Err(TensorError::Unfit { name, why });
    let (boxes, scores) = (find_tensor(outputs, "boxes")?, find_tensor(outputs, "scores")?);
    let classes = find_tensor(outputs, "classes")?;
    let rows = scores.shape().iter().product::<usize>();
    if rows > MAX_ROWS {
        return unfit("scores", "are more than a picture has objects");
    }
    let corners = boxes.f32s()?;
    if boxes.shape().last() != Some(&4) || corners.len() != rows * 4 {
        return unfit("boxes", "are not four numbers for each of the scores");
    }
    let (scores, classes) = (scores.f32s()?, classes.integers()?);
    if classes.len() != rows {
        return unfit("classes", "are not one for each of the scores");
    }
    if !scores.iter().all(|score| (0.0..=1.0).contains(score)) {
        return unfit("scores", "are not all from 0 to 1");
    }
    let labels = find_tensor(outputs, "labels").ok().map(Tensor::elements).transpose()?;
    if labels.as_ref().is_some_and(|labels| labels.len() != rows) {
        return unfit("labels", "are not one for each of the scores");
    }
    let (corners, _) = corners.as_chunks::<4>();
    let mut found = Vec::new();
    for (row, ((corners, score), class)) in corners.iter().zip(&scores).zip(&classes).enumerate() {
        let Some(class) = usize::try_from(*class).ok().filter(|class| *class < MAX_CLASSES) else {
            return unfit("classes", "are not all numbers of classes");
        };
        let [left, top, right, bottom] = *corners;
        let rect = Rect { left, top, right, bottom };
        let rect = fit.map_or(rect, |fit| fit.to_picture(&rect)).clamp_to(width, height);
        if *score < BASE_CONFIDENCE || rect.area() <= 0.0 {
            continue;
        }
        let label = labels.as_ref().map(|labels| {
            let label = String::from_utf8_lossy(&labels[row]);
            label.chars().filter(|c| !c.is_control()).take(MAX_LABEL).collect()
        });
        found.push((Detection { rect, class, confidence: *score }, label));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use crate::kserve::messages::TensorMetadata;

    use super::*;

    fn takes(datatype: &str, shape: &[i64]) -> Result<Input, String> {
        let other = TensorMetadata { name: "size".into(), datatype: "INT32".into(), shape: vec![2] };
        let input = TensorMetadata { name: "x".into(), datatype: datatype.into(), shape: shape.into() };
        let metadata = ModelMetadata { inputs: vec![other, input], ..ModelMetadata::default() };
        Input::from_metadata(&metadata).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_gets_what_it_says_that_it_takes() {
        let pixels = |width, height, has_batch| Input::Pixels { name: "x".into(), width, height, has_batch };
        assert_eq!(takes("BYTES", &[1]), Ok(Input::Jpeg("x".into())));
        assert_eq!(takes("UINT8", &[1, 320, 640, 3]), Ok(pixels(640, 320, true)));
        assert_eq!(takes("UINT8", &[-1, -1, -1, 3]), Ok(pixels(416, 416, true)));
        assert_eq!(takes("UINT8", &[320, 640, 3]), Ok(pixels(640, 320, false)));
        for shape in [&[1, 3, 416, 416][..], &[1, 9999, 416, 3], &[0, 0, 3], &[]] {
            assert!(takes("UINT8", shape).unwrap_err().contains("shape of no picture"), "{shape:?}");
        }
        assert!(takes("FP32", &[1, 3, 416, 416]).unwrap_err().contains("neither BYTES nor UINT8"));
        assert!(matches!(
            Input::from_metadata(&ModelMetadata::default()),
            Ok(Input::Pixels { width: SIDE, .. })
        ));
    }

    #[test]
    fn a_picture_lies_in_the_corner_red_first_and_boxes_come_back_to_it() {
        let image = Image::from_bgr(40, 20, [10, 20, 30].repeat(800)).unwrap();
        let (values, fit) = fit_image(&image, 20, 20).unwrap();
        assert_eq!((values.len(), &values[..3]), (1200, &[30, 20, 10][..]));
        assert_eq!((&values[9 * 60 + 57..10 * 60], values[600]), (&[30, 20, 10][..], 114));
        let answer = answer(&[2.0, 1.0, 10.0, 5.0], &[0.9], &[7]);
        let found = read_detections(&answer, (40, 20), Some(fit)).unwrap();
        let rect = Rect { left: 4.0, top: 2.0, right: 20.0, bottom: 10.0 };
        assert_eq!(found, [(Detection { rect, class: 7, confidence: 0.9 }, None)]);
    }

    fn answer(boxes: &[f32], scores: &[f32], classes: &[i32]) -> Vec<Tensor> {
        vec![
            Tensor::of_f32("boxes", &[boxes.len() / 4, 4], boxes).unwrap(),
            Tensor::of_f32("scores", &[scores.len()], scores).unwrap(),
            Tensor::of_i32("classes", classes),
        ]
    }

    #[test]
    fn an_answer_that_is_none_is_refused_with_what_is_wrong() {
        let whole = [0.0, 0.0, 9.0, 9.0];
        let says = |outputs: &[Tensor]| read_detections(outputs, (10, 10), None).unwrap_err().to_string();
        for (boxes, scores, classes, part) in [
            (&whole[..], &[0.5, 0.5][..], &[0, 0][..], "boxes are not four numbers"),
            (&whole, &[0.5], &[0, 1], "classes are not one for each"),
            (&whole, &[1.5], &[0], "scores are not all from 0 to 1"),
            (&whole, &[0.5], &[-1], "classes are not all numbers of classes"),
            (&whole, &[0.5], &[5000], "classes are not all numbers of classes"),
            (&[0.0, 0.0, f32::INFINITY, 1.0], &[0.5], &[0], "no finite numbers"),
        ] {
            let error = says(&answer(boxes, scores, classes));
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(says(&answer(&whole, &[0.5], &[0])[..2]), "there is no tensor classes");
        let many = answer(&vec![0.0; 40_004], &vec![0.5; 10_001], &vec![0; 10_001]);
        assert!(says(&many).contains("more than a picture has"));
        let mut labelled = answer(&whole, &[0.5], &[3]);
        labelled.push(Tensor::of_elements("labels", &["a\u{1b}[0m", "b"]));
        assert!(says(&labelled).contains("labels are not one"));
        labelled[3] = Tensor::of_elements("labels", &["a\u{1b}[0m"]);
        let found = read_detections(&labelled, (10, 10), None).unwrap();
        assert_eq!(found[0].1.as_deref(), Some("a[0m"));
        // What is not sure enough, or beside the picture, is left out.
        let outside = answer(&[20.0, 0.0, 30.0, 5.0, 0.0, 0.0, 5.0, 5.0], &[0.9, 0.05], &[0, 0]);
        assert_eq!(read_detections(&outside, (10, 10), None), Ok(Vec::new()));
    }
}
