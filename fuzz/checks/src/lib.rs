//! What parsers promise of bytes that come from the network: each check is a function that panics where its promise is broken.
//! The targets in `fuzz/fuzz_targets` call it with what a fuzzer makes up, `tests/replay.rs` with the files of its corpus.
//!
//! - [`archive()`]: zips of pictures; [`form()`]: forms of uploads; [`bodies()`]: JSON bodies
//! - [`camera_address()`]: addresses of cameras; [`multipart()`]: their endless answers
//! - [`client_address()`]: what proxies say of clients; [`request_headers()`]: `Host`, `Origin`, cookies; [`query()`]: queries, and keys
//!   in them
//! - [`credentials()`]: keys, and tags of processes; [`token()`]: tokens (JWT) and the keys that their issuers publish (JWKS)
//! - [`data_url()`], [`decode_image()`], [`decode_still()`], [`image_header()`]: pictures; [`tflite()`]: networks
//! - [`file_kind()`]: what files are called; [`drawn_answer()`]: what the process answers that draws them
//! - [`inference()`]: what other servers ask of models, and answer
//! - [`polling()`]: what clients of Engine.IO post; [`socketio_frame()`]: their frames; [`relay_message()`]: messages of the relay
//! - [`redis_values()`]: what stands in Redis
//! - [`request_heads()`], [`tls_or_plain()`], [`websocket_frames()`]: bytes of connections
//! - `pieces`: bytes as a network delivers them

#![forbid(unsafe_code)]
// Sources of other crates are included, whose own tests run there.
#![cfg(not(test))]
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a check fails by panicking"
)]

// Sources of the crate `cluster` that are included call these so.
use sightwire_cluster::{entry, process, queue, store};

mod pieces;

/// Panics where what is promised of these bytes does not hold.
pub type Check = fn(&[u8]);

macro_rules! checks {
    ($($name:ident)+) => {
        $(
            mod $name;
            pub use $name::$name;
        )+

        /// All of them, each by the name of its target and of the folder of its corpus.
        pub const CHECKS: &[(&str, Check)] = &[$((stringify!($name), $name)),+];
    };
}

checks! {
    archive
    bodies
    camera_address
    client_address
    credentials
    data_url
    decode_image
    decode_still
    drawn_answer
    file_kind
    form
    image_header
    inference
    multipart
    polling
    query
    redis_values
    relay_message
    request_headers
    request_heads
    socketio_frame
    tflite
    tls_or_plain
    token
    websocket_frames
}
