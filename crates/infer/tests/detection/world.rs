//! A store with one generated detector in it, and the engine.

use sightwire_frame::boxes::Detection;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use sightwire_engine::runtime::Runtime;
use sightwire_engine::{Engine, EngineOptions};
use sightwire_frame::Image;
use sightwire_infer::detect::{DetectModel, Detector, DetectorOptions};
use sightwire_models::Provider;
use sightwire_models::digest;
use sightwire_models::manifest::Manifest;
use sightwire_models::store::Store;

use super::onnx::Attribute::{Int, Ints};
use super::onnx::Graph;

/// Side of the networks' input.
pub const SIDE: usize = 32;
/// Places of strides 8, 16 and 32 in it.
pub const PLACES: usize = 16 + 4 + 1;

pub fn engine(provider: Option<Provider>) -> Arc<Engine> {
    let home = std::env::var_os("SIGHTWIRE_HOME").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sightwire/home")),
        PathBuf::from,
    );
    let runtime =
        Runtime::load(&Store::new(home, None), None, None).expect("`cargo xtask setup` brings the library");
    let options = EngineOptions { provider, threads: 2, precision: None, gpu_memory_mb: 0, trials: None };
    Arc::new(Engine::new(runtime, options).unwrap())
}

/// A model of three classes over 32×32 pixels with this network; `keys` are more lines of its table.
pub fn model(format: &str, keys: &str, network: &[u8]) -> DetectModel {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path().to_owned(), None);
    let path = store.file_path("test", "network.onnx");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, network).unwrap();
    let manifest = format!(
        r#"
name = "test"
title = "test"
task = "object-detection"
licence = "MIT"
origin = "test"
[detect]
format = "{format}"
width = {SIDE}
height = {SIDE}
confidence = 0.25
iou = 0.5
labels = ["first", "second", "third"]
{keys}
[[files]]
role = "network"
name = "network.onnx"
sha256 = "{}"
source = "imported"
"#,
        digest::sha256_of(&path).unwrap()
    );
    DetectModel::load(&store, &Manifest::parse(&manifest, "test").unwrap()).unwrap()
}

pub const BGR: &str = "colour = \"bgr\"\ndivide_by = 1.0";
pub const RGB: &str = "colour = \"rgb\"\ndivide_by = 255.0";

pub fn detector(model: &DetectModel) -> Detector {
    model.detector(&engine(None), DetectorOptions::default()).unwrap()
}

/// A YOLOX that says the same of every picture: rows of eight values, the first places first.
pub fn says_yolox(rows: &[(usize, [f32; 8])]) -> Vec<u8> {
    let mut values = vec![0.0; PLACES * 8];
    for (place, row) in rows {
        values[place * 8..(place + 1) * 8].copy_from_slice(row);
    }
    says(&[1, PLACES, 8], &values)
}

/// The same for a `yolov8`: columns of seven values.
pub fn says_yolov8(columns: &[(usize, [f32; 7])]) -> Vec<u8> {
    let mut values = vec![0.0; 7 * PLACES];
    for (place, column) in columns {
        for (row, value) in column.iter().enumerate() {
            values[row * PLACES + place] = *value;
        }
    }
    says(&[1, 7, PLACES], &values)
}

fn says(shape: &[usize], values: &[f32]) -> Vec<u8> {
    // The input takes part, or a provider may leave it away.
    Graph::new(&[1, 3, SIDE, SIDE], shape)
        .floats("values", shape, values)
        .floats("nothing", &[1], &[0.0])
        .node("ReduceMax", &["images"], "most", &[Int("keepdims", 0)])
        .node("Mul", &["most", "nothing"], "zero", &[])
        .node("Add", &["values", "zero"], "output", &[])
        .file()
}

/// A YOLOX that tells what it sees: at each place a box of the stride's size, with the mean of the place's first, second
/// and third plane, in 1/255, as confidences of the three classes.
pub fn sees_yolox() -> Vec<u8> {
    let lead = [0.5, 0.5, 0.0, 0.0, 1.0].repeat(PLACES);
    let mut graph = Graph::new(&[1, 3, SIDE, SIDE], &[1, PLACES, 8])
        .floats("lead", &[1, PLACES, 5], &lead)
        .floats("scale", &[1], &[1.0 / 255.0])
        .ints("flat", &[1, 3, -1]);
    for (stride, mean, flat) in [(8, "mean8", "flat8"), (16, "mean16", "flat16"), (32, "mean32", "flat32")] {
        let window = [Ints("kernel_shape", &[stride, stride]), Ints("strides", &[stride, stride])];
        graph =
            graph.node("AveragePool", &["images"], mean, &window).node("Reshape", &[mean, "flat"], flat, &[]);
    }
    graph
        .node("Concat", &["flat8", "flat16", "flat32"], "means", &[Int("axis", 2)])
        .node("Mul", &["means", "scale"], "scores", &[])
        .node("Transpose", &["scores"], "rows", &[Ints("perm", &[0, 2, 1])])
        .node("Concat", &["lead", "rows"], "output", &[Int("axis", 2)])
        .file()
}

/// A `yolov8` of 16 boxes that tells what it sees: a box for each 8×8 pixels of the input, with the means of the three
/// planes as confidences.
pub fn sees_yolov8() -> Vec<u8> {
    let places: Vec<f32> = (0..4)
        .flat_map(|row| {
            (0..16).map(move |place| match row {
                0 => (place % 4) as f32 * 8.0 + 4.0,
                1 => (place / 4) as f32 * 8.0 + 4.0,
                _ => 8.0,
            })
        })
        .collect();
    let window = [Ints("kernel_shape", &[8, 8]), Ints("strides", &[8, 8])];
    Graph::new(&[1, 3, SIDE, SIDE], &[1, 7, 16])
        .floats("places", &[1, 4, 16], &places)
        .ints("flat", &[1, 3, 16])
        .node("AveragePool", &["images"], "means", &window)
        .node("Reshape", &["means", "flat"], "scores", &[])
        .node("Concat", &["places", "scores"], "output", &[Int("axis", 1)])
        .file()
}

/// A grey picture in which the box at x, y of `size` pixels is of one colour (blue, green, red).
pub fn picture(width: u32, height: u32, at: [u32; 2], size: u32, colour: [u8; 3]) -> Image {
    let mut image = Image::new(width, height);
    for (index, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
        let (x, y) = (index as u32 % width, index as u32 / width);
        let inside = (at[0]..at[0] + size).contains(&x) && (at[1]..at[1] + size).contains(&y);
        pixel.copy_from_slice(if inside { &colour } else { &[60, 60, 60] });
    }
    image
}

pub fn assert_found(found: Detection, class: usize, confidence: f32, edges: [f32; 4]) {
    let rect = [found.rect.left, found.rect.top, found.rect.right, found.rect.bottom];
    assert!(rect.iter().zip(edges).all(|(a, b)| (a - b).abs() < 0.01), "{rect:?}, not {edges:?}");
    assert_eq!(found.class, class);
    assert!((found.confidence - confidence).abs() < 0.005, "{}, not {confidence}", found.confidence);
}
