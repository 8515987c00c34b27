//! Every configuration key: its default, its older environment names, and what it means. The one list that the
//! loader, `sightwire config init` and docs/config.md go by.

use std::fmt::Write as _;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// `section.key`.
    pub name: &'static str,
    /// TOML literal; its type is the key's type.
    pub default: &'static str,
    /// Environment names that deployments of the prototypes set, besides `SIGHTWIRE_SECTION_KEY`.
    pub old_names: &'static [&'static str],
    /// What it means; the first sentence is the summary.
    pub doc: &'static str,
}

const fn key(
    name: &'static str,
    default: &'static str,
    old_names: &'static [&'static str],
    doc: &'static str,
) -> Key {
    Key { name, default, old_names, doc }
}

/// All keys, by section.
pub const KEYS: &[Key] = &[
    key(
        "server.listen",
        r#"["127.0.0.1:8000"]"#,
        &[],
        "Addresses to listen on. Port 0 picks a free one. Use `0.0.0.0:8000` to be reached from other machines.",
    ),
    key(
        "server.cors_origins",
        r#"["*"]"#,
        &["CORS_ORIGINS"],
        "Origins whose pages may use this server from a browser. `*` allows all; `[]` only the server's own page.",
    ),
    key(
        "server.max_connections",
        "1024",
        &[],
        "Connections at once, over all uses. One more is answered with 503 and Retry-After.",
    ),
    key("server.drain_s", "5.0", &[], "Seconds that connections get to end after SIGTERM."),
    key(
        "recognizer.model",
        r#""gestures""#,
        &["MODEL_PATH"],
        "Name of the clip model. `sightwire models list` shows all.",
    ),
    key(
        "recognizer.dummy",
        "false",
        &["USE_DUMMY_MODEL"],
        "Answer every frame with \"hello\" 0.9 and run no model, to test the wiring.",
    ),
    key(
        "recognizer.max_clients",
        "50",
        &["MAX_CLIENTS"],
        "Clients at once. One more is told that the server is at capacity.",
    ),
    key(
        "recognizer.max_fps",
        "60.0",
        &[],
        "Frames a second of one client that are analysed; more are answered all the same.",
    ),
    key(
        "recognizer.turn_gap_s",
        "1.0",
        &[],
        "Past capacity, how long a client waits before another has to give way to it.",
    ),
    key(
        "recognizer.threshold",
        "0.0",
        &[],
        "Score below which the answer is \"none\". 0 takes the model's own (0.5 for gestures).",
    ),
    key(
        "socketio.ping_interval_s",
        "25.0",
        &["SOCKETIO_PING_INTERVAL"],
        "Seconds between pings to a Socket.IO client.",
    ),
    key(
        "socketio.ping_timeout_s",
        "60.0",
        &["SOCKETIO_PING_TIMEOUT"],
        "Seconds after which a Socket.IO client that does not answer a ping has left.",
    ),
    key("socketio.max_message_mb", "10", &[], "Largest message of a client, in MiB."),
    key(
        "images.max_pixels",
        "10000000",
        &[],
        "Largest picture, in pixels; checked in the header, before decoding. 4K is 8.3 million; a larger one costs everybody's time.",
    ),
    key("images.max_side_px", "16384", &[], "Largest width or height of a picture."),
    key(
        "engine.provider",
        r#""auto""#,
        &[],
        "What runs the networks: auto, cpu, openvino or cuda. A provider asked for by name that is not there is an error.",
    ),
    key(
        "engine.threads",
        "0",
        &["TF_INTRA_OP_THREADS", "TF_INTER_OP_THREADS"],
        "Threads that run networks. 0 takes one for each core.",
    ),
    key(
        "engine.precision",
        r#""auto""#,
        &[],
        "auto (what was checked for each model), f32 or bf16. bf16 needs OpenVINO.",
    ),
    key("engine.gpu_memory_mb", "0", &[], "Most GPU memory that CUDA may take, in MiB. 0 sets no bound."),
    key(
        "engine.library",
        r#""""#,
        &["ORT_DYLIB_PATH"],
        "Path of an ONNX Runtime library. Empty takes the one that `sightwire models pull runtime` installed.",
    ),
    key(
        "engine.idle_release_s",
        "600.0",
        &[],
        "Sessions that had no work for so many seconds are let go, and made anew when needed.",
    ),
    key(
        "store.home",
        r#""""#,
        &["SIGHTWIRE_HOME"],
        "Folder of models and the ONNX Runtime library. Empty takes the platform's data folder.",
    ),
    key(
        "store.mirror",
        r#""""#,
        &["SIGHTWIRE_MODEL_MIRROR"],
        "Folder with copies of model files that are usually fetched.",
    ),
    key(
        "log.level",
        r#""info""#,
        &["LOG_LEVEL"],
        "error, warn, info, debug or trace. RUST_LOG goes before it.",
    ),
    key("log.format", r#""text""#, &[], "text, or json with one object a line."),
];

/// The sections of the keys.
pub const SECTIONS: &[&str] = &["server", "recognizer", "socketio", "images", "engine", "store", "log"];

impl Key {
    /// `SIGHTWIRE_SECTION_KEY`.
    pub fn env_name(&self) -> String {
        format!("SIGHTWIRE_{}", self.name.to_uppercase().replace('.', "_"))
    }
}

/// The key of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The nearest right name to a wrong one, if one is near.
pub fn nearest(name: &str) -> Option<&'static str> {
    let near = |key: &Key| {
        // `max_clients` alone is near to `recognizer.max_clients`.
        let last = key.name.rsplit('.').next().unwrap_or(key.name);
        let last_of_name = name.rsplit('.').next().unwrap_or(name);
        strsim::normalized_damerau_levenshtein(key.name, name)
            .max(strsim::normalized_damerau_levenshtein(last, last_of_name))
    };
    KEYS.iter()
        .map(|key| (near(key), key.name))
        .filter(|(near, _)| *near > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// A commented file with every key at its default.
pub fn commented_file() -> String {
    let mut text = String::from(
        "# Sightwire. Every key with its default; take away the `#` to change one.\n\
         # Environment (SIGHTWIRE_SECTION_KEY) and flags (--set section.key=value) go before this file.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (this, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if this != section {
            let _ = write!(text, "\n[{this}]\n");
            section = this;
        }
        let _ = write!(text, "# {}\n# {name} = {}\n", key.doc, key.default);
    }
    text
}
