//! From a network's output values to boxes.

use sightwire_frame::boxes::{Detection, Rect};

use sightwire_models::manifest::{Detect, Format, STRIDES};

/// Values before the classes: a place, a size and, of YOLOX, the objectness.
const YOLOX_LEAD: usize = 5;
const YOLOV8_LEAD: usize = 4;
/// Columns that are looked at together: their maxima stay in the first cache.
const BLOCK: usize = 1024;

/// Reads the output of one network.
pub(super) struct Decode {
    format: Format,
    width: u32,
    height: u32,
    classes: usize,
    boxes: usize,
    best: Vec<f32>,
}

impl Decode {
    pub(super) fn new(table: &Detect) -> Self {
        let best = vec![0.0; BLOCK];
        let (format, classes, boxes) = (table.format, table.labels.len(), table.boxes());
        Self { format, width: table.width, height: table.height, classes, boxes, best }
    }

    /// Shape of the output.
    pub(super) fn output_shape(&self) -> Vec<usize> {
        match self.format {
            Format::Yolox => vec![1, self.boxes, YOLOX_LEAD + self.classes],
            Format::Yolov8 => vec![1, YOLOV8_LEAD + self.classes, self.boxes],
        }
    }

    /// Replaces `found` by all boxes at least as sure as `threshold`, in pixels of the network's input. What is not a
    /// number, or has no area, is dropped. `values` has the shape that was promised; else the error is its length.
    pub(super) fn decode(
        &mut self,
        values: &[f32],
        threshold: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), usize> {
        found.clear();
        if values.len() != self.output_shape().iter().product::<usize>() {
            return Err(values.len());
        }
        match self.format {
            Format::Yolox => self.decode_yolox(values, threshold, found),
            Format::Yolov8 => self.decode_yolov8(values, threshold, found),
        }
        Ok(())
    }

    /// Rows in the order of strides, then from left to right and from the top, as in YOLOX's `decode_outputs`
    /// (`yolox/models/yolo_head.py`).
    fn decode_yolox(&self, values: &[f32], threshold: f32, found: &mut Vec<Detection>) {
        let row_values = YOLOX_LEAD + self.classes;
        let mut rest = values;
        for stride in STRIDES {
            let columns = (self.width / stride) as usize;
            let rows = columns * (self.height / stride) as usize;
            let (these, next) = rest.split_at(rows * row_values);
            rest = next;
            for (index, row) in these.chunks_exact(row_values).enumerate() {
                // No class can be surer than that; most rows end here.
                let objectness = row[4];
                if !is_sure(objectness, threshold) {
                    continue;
                }
                let (class, score) = find_surest(row[YOLOX_LEAD..].iter().copied());
                let confidence = objectness * score;
                let stride = stride as f32;
                let x = (row[0] + (index % columns) as f32) * stride;
                let y = (row[1] + (index / columns) as f32) * stride;
                let size = (row[2].exp() * stride, row[3].exp() * stride);
                keep_detection((x, y), size, class, confidence, threshold, found);
            }
        }
    }

    /// A column for each box; the classes' rows are read along, since the values of a box lie far apart.
    fn decode_yolov8(&mut self, values: &[f32], threshold: f32, found: &mut Vec<Detection>) {
        let (places, scores) = values.split_at(YOLOV8_LEAD * self.boxes);
        for begin in (0..self.boxes).step_by(BLOCK) {
            let best = &mut self.best[..BLOCK.min(self.boxes - begin)];
            best.fill(f32::NEG_INFINITY);
            for row in scores.chunks_exact(self.boxes) {
                for (best, score) in best.iter_mut().zip(&row[begin..]) {
                    *best = if *score > *best { *score } else { *best };
                }
            }
            for (index, best) in best.iter().enumerate() {
                if !is_sure(*best, threshold) {
                    continue;
                }
                let column = begin + index;
                let (class, score) = find_surest(scores.chunks_exact(self.boxes).map(|row| row[column]));
                let [x, y, width, height] = [0, 1, 2, 3].map(|row| places[row * self.boxes + column]);
                keep_detection((x, y), (width, height), class, score, threshold, found);
            }
        }
    }
}

/// Not where either is not a number.
fn is_sure(confidence: f32, threshold: f32) -> bool {
    confidence >= threshold
}

/// The first of the highest scores, and which it is. Scores that are not numbers count as none.
fn find_surest(scores: impl Iterator<Item = f32>) -> (usize, f32) {
    let mut surest = (0, f32::NEG_INFINITY);
    for (class, score) in scores.enumerate() {
        if score > surest.1 {
            surest = (class, score);
        }
    }
    surest
}

fn keep_detection(
    (x, y): (f32, f32),
    (width, height): (f32, f32),
    class: usize,
    confidence: f32,
    threshold: f32,
    found: &mut Vec<Detection>,
) {
    if !is_sure(confidence, threshold) || !confidence.is_finite() {
        return;
    }
    let rect = Rect {
        left: x - width / 2.0,
        top: y - height / 2.0,
        right: x + width / 2.0,
        bottom: y + height / 2.0,
    };
    let finite = [rect.left, rect.top, rect.right, rect.bottom].iter().all(|edge| edge.is_finite());
    if finite && rect.area() > 0.0 {
        // Rounding takes a product of two probabilities, or a network of reduced precision, a little past 1.
        found.push(Detection { rect, class, confidence: confidence.clamp(0.0, 1.0) });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use sightwire_models::manifest::{Colour, Precision};

    /// A network over 32×64 pixels with two classes: 32 + 8 + 2 places.
    fn table(format: Format) -> Detect {
        Detect {
            format,
            width: 32,
            height: 64,
            colour: Colour::Bgr,
            divide_by: 1.0,
            boxes: None,
            batch_symbol: None,
            confidence: 0.25,
            iou: 0.5,
            labels: vec!["a".into(), "b".into()],
            precision: Precision::F32,
        }
    }

    fn decoded(format: Format, values: &[f32], threshold: f32) -> Vec<Detection> {
        let mut found = Vec::new();
        Decode::new(&table(format)).decode(values, threshold, &mut found).unwrap();
        found
    }

    #[test]
    fn a_yolox_row_is_an_offset_from_its_place_and_logarithms_of_its_sides() {
        let mut values = vec![0.0; 42 * 7];
        // Stride 16: two columns, from row 32 on. This is the third place from the top, the right one.
        let row = 32 + 2 * 2 + 1;
        let filled = [0.5, -0.25, 2.0_f32.ln(), 4.0_f32.ln(), 0.8, 0.1, 0.9];
        values[row * 7..(row + 1) * 7].copy_from_slice(&filled);
        let [found] = decoded(Format::Yolox, &values, 0.5)[..] else { panic!("one box") };
        assert_eq!(found.class, 1);
        assert!((found.confidence - 0.72).abs() < 1e-6);
        let expected = [24.0 - 16.0, 28.0 - 32.0, 24.0 + 16.0, 28.0 + 32.0];
        let edges = [found.rect.left, found.rect.top, found.rect.right, found.rect.bottom];
        assert!(edges.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4), "{edges:?}");
        assert!(decoded(Format::Yolox, &values, 0.73).is_empty(), "0.8 × 0.9 is less");
    }

    #[test]
    fn a_yolov8_column_is_a_centre_and_sides_in_pixels() {
        let mut values = vec![0.0; 6 * 42];
        for (row, value) in [16.0, 30.0, 10.0, 20.0, 0.6, 0.3].into_iter().enumerate() {
            values[row * 42 + 41] = value;
        }
        let [found] = decoded(Format::Yolov8, &values, 0.5)[..] else { panic!("one box") };
        let rect = Rect { left: 11.0, top: 20.0, right: 21.0, bottom: 40.0 };
        assert_eq!(found, Detection { rect, class: 0, confidence: 0.6 });
    }

    #[test]
    fn an_output_of_another_length_is_an_error() {
        let mut found = Vec::new();
        let error = Decode::new(&table(Format::Yolox)).decode(&[0.0; 41 * 7], 0.1, &mut found);
        assert_eq!(error, Err(41 * 7));
    }

    #[test]
    #[ignore = "prints times: cargo test --release -p sightwire-infer decode_times -- --ignored --nocapture"]
    fn decode_times() {
        for (format, side) in [(Format::Yolox, 416), (Format::Yolov8, 640)] {
            let labels = vec![String::new(); 80];
            let table = Detect { width: side, height: side, labels, ..table(format) };
            let mut decode = Decode::new(&table);
            let mut found = Vec::new();
            // One box of fifty is something, as of a street with many people.
            let shape = decode.output_shape();
            let values: Vec<f32> = (0..shape[1] * shape[2])
                .map(|index| if format == Format::Yolox { index / shape[2] } else { index % shape[2] })
                .map(|place| if place % 50 == 0 { 0.9 } else { 0.01 })
                .collect();
            for threshold in [0.1, 0.0] {
                let mut micros: Vec<_> = (0..500)
                    .map(|_| {
                        let begin = std::time::Instant::now();
                        decode.decode(&values, threshold, &mut found).unwrap();
                        super::super::suppress::suppress_overlaps(&mut found, 0.5, 50);
                        begin.elapsed().as_secs_f64() * 1e6
                    })
                    .collect();
                micros.sort_by(f64::total_cmp);
                println!("{format:?} from {threshold}: {:.0} µs, least {:.0}", micros[250], micros[0]);
            }
        }
    }

    fn value() -> impl Strategy<Value = f32> {
        prop_oneof![6 => 0.0..1.0_f32, 2 => -100.0..100.0_f32, 1 => any::<f32>()]
    }

    proptest! {
        #[test]
        fn whatever_a_network_gives_boxes_are_boxes_and_the_sure_ones_are_all_there(
            format in prop_oneof![Just(Format::Yolox), Just(Format::Yolov8)],
            values in prop::collection::vec(value(), 42 * 7),
            threshold in prop_oneof![9 => 0.0..1.0_f32, 1 => any::<f32>()],
        ) {
            let used = if format == Format::Yolox { 42 * 7 } else { 42 * 6 };
            for found in decoded(format, &values[..used], threshold) {
                let Rect { left, top, right, bottom } = found.rect;
                prop_assert!([left, top, right, bottom].iter().all(|edge| edge.is_finite()));
                prop_assert!(found.rect.area() > 0.0 && found.class < 2);
                prop_assert!((0.0..=1.0).contains(&found.confidence));
            }
            if format == Format::Yolov8 && threshold > 0.0 {
                // Counted in the plain way.
                let at = |row: usize, column: usize| values[row * 42 + column];
                let sure = |column: usize| {
                    let best = [at(4, column), at(5, column)].into_iter().filter(|v| !v.is_nan()).fold(f32::MIN, f32::max);
                    let [x, y, w, h] = [0, 1, 2, 3].map(|row| at(row, column));
                    let sides = [x - w / 2.0, x + w / 2.0, y - h / 2.0, y + h / 2.0];
                    best >= threshold && best.is_finite() && sides.iter().all(|v| v.is_finite())
                        && sides[1] > sides[0] && sides[3] > sides[2] && (sides[1] - sides[0]) * (sides[3] - sides[2]) > 0.0
                };
                prop_assert_eq!(decoded(format, &values[..used], threshold).len(), (0..42).filter(|c| sure(*c)).count());
            }
        }
    }
}
