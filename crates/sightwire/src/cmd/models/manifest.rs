//! The manifest of a user's ONNX file, to be edited: `sightwire models import x.onnx` prints it, since there is nothing to
//! import.

use std::path::Path;

use anyhow::Context as _;
use sightwire_import::{ImportError, name_of};
use sightwire_models::digest;
use sightwire_models::manifest::is_plain_name;
use sightwire_models::store::Store;

use crate::print::{PrintError, Printer, note, out};

/// Prints it on stdout, and on stderr what to do with it.
pub(super) fn print_manifest(
    store: &Store,
    file: &Path,
    name: Option<&str>,
    printer: &Printer,
) -> anyhow::Result<()> {
    let name = name.map_or_else(|| name_of(file), str::to_owned);
    if !is_plain_name(&name) {
        return Err(ImportError::Name { name }.into());
    }
    // As it may be called in the store.
    let file_name = file.file_name().unwrap_or_default().to_string_lossy();
    let file_name = if is_plain_name(&file_name) { file_name.into_owned() } else { format!("{name}.onnx") };
    let sha256 = digest::sha256_of(file).with_context(|| format!("cannot read {}", file.display()))?;
    let size_bytes = std::fs::metadata(file)?.len();
    let place = store.manifest_path(&name);
    let folder = store.models().join(&name);
    // A user who has seen enough of the manifest still gets to know what to do with it.
    let shown = out!(printer, "{}", manifest_text(&name, &file_name, &sha256, size_bytes).trim_end());
    if let Err(PrintError::Failed(error)) = shown {
        return Err(PrintError::Failed(error).into());
    }
    note!(printer, "");
    note!(printer, "An ONNX file runs as it is. Three steps:");
    note!(
        printer,
        "  1. keep the manifest above as {} and edit it (docs/adding-a-task.md explains it)",
        place.display()
    );
    note!(printer, "  2. copy {} to {}", file.display(), folder.join(&file_name).display());
    note!(printer, "  3. sightwire models check {name}");
    note!(printer, "");
    Ok(())
}

fn manifest_text(name: &str, file: &str, sha256: &str, size_bytes: u64) -> String {
    format!(
        r#"# Sizes, colours and labels are examples: write what the network was trained with.
name = "{name}"
title = "{name}"
task = "clip-classification"
licence = "LicenseRef-unknown"
origin = "who made it"

# A network over the frames of a window: [n, window, height, width, 3] -> [n, labels], softmax included.
[clip]
window = 10
width = 224
height = 224
# Clip models take blue, green, red.
colour = "bgr"
divide_by = 255.0
# Where the first dimension is free, its name:
# batch_symbol = "n"
threshold = 0.5
labels = ["first", "second"]

[[files]]
role = "whole"
name = "{file}"
sha256 = "{sha256}"
size_bytes = {size_bytes}
source = "imported"

# For a detector of objects, YOLOX- or YOLOv8-style, task is "object-detection", role is "network", and instead of [clip]:
# [detect]
# format = "yolov8"
# width = 640
# height = 640
# colour = "rgb"
# divide_by = 255.0
# confidence = 0.25
# iou = 0.5
# labels = ["person", "bicycle"]
"#
    )
}

#[cfg(test)]
mod tests {
    use sightwire_models::manifest::{Manifest, Task};

    use super::*;

    fn parsed(text: &str) -> Manifest {
        Manifest::parse(text, "x.toml").unwrap()
    }

    #[test]
    fn it_is_valid_as_it_is_printed_and_with_the_other_table() {
        let text = manifest_text("my-signs", "signs.onnx", &"0a".repeat(32), 12);
        let manifest = parsed(&text);
        assert_eq!(manifest.name, "my-signs");
        assert_eq!(manifest.files[0].name, "signs.onnx");
        assert_eq!(manifest.clip.unwrap().roles(), ["whole"]);

        let (head, rest) = text.split_once("# A network over").unwrap();
        let (_, rest) = rest.split_once("[[files]]").unwrap();
        let (files, detect) = rest.split_once("# For a detector").unwrap();
        let detect: Vec<&str> = detect.lines().skip(1).map(|line| line.trim_start_matches("# ")).collect();
        let detect = detect.join("\n");
        let text = format!("{head}{detect}\n[[files]]{files}")
            .replace("clip-classification", "object-detection")
            .replace("\"whole\"", "\"network\"");
        assert_eq!(parsed(&text).task, Task::ObjectDetection, "{text}");
    }
}
