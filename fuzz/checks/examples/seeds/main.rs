//! Writes a few small valid inputs for each check, so that a fuzzer gets past the first byte:
//! `cargo run -p sightwire-fuzz-checks --example seeds -- FOLDER` puts them into `FOLDER/NAME/`.

#![forbid(unsafe_code)]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "it fails by panicking")]

mod bytes;
mod pictures;
mod texts;

use std::path::Path;
use std::{env, fs};

use sightwire_fuzz_checks::CHECKS;

/// The name of a seed, and its bytes.
type Seed = (String, Vec<u8>);

fn main() {
    let folder = env::args().nth(1).expect("the folder that they are written into");
    for (name, check) in CHECKS {
        let folder = Path::new(&folder).join(name);
        fs::create_dir_all(&folder).expect("the folder");
        let seeds = of(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for (seed, bytes) in seeds {
            check(&bytes);
            fs::write(folder.join(format!("seed_{seed}")), bytes).expect("room for it");
        }
    }
}

fn of(check: &str) -> Vec<Seed> {
    match check {
        "data_url" => pictures::data_urls(),
        "decode_image" | "image_header" => pictures::vectors(),
        "decode_still" => pictures::stills(),
        "drawn_answer" => pictures::drawn(),
        "file_kind" => pictures::kinds(),
        "multipart" => pictures::answers_of_cameras(),
        "relay_message" => pictures::messages(),
        "socketio_frame" => pictures::frames(),
        "archive" => bytes::archives(),
        "form" => bytes::forms(),
        "inference" => bytes::inference(),
        "polling" => bytes::posts(),
        "redis_values" => bytes::redis(),
        "request_heads" => bytes::requests(),
        "tflite" => bytes::networks(),
        "tls_or_plain" => bytes::openings(),
        "websocket_frames" => bytes::websockets(),
        _ => texts::text_seeds(check),
    }
}

/// Texts without a name of their own.
fn numbered<T: Into<Vec<u8>>>(inputs: impl IntoIterator<Item = T>) -> Vec<Seed> {
    inputs.into_iter().enumerate().map(|(at, bytes)| (at.to_string(), bytes.into())).collect()
}
