//! Every configuration key, by section: the one list that the loader, `sightwire config init` and docs/config.md go by.

use sightwire_access::options::ACCESS;
use sightwire_import::IMPORT;
use sightwire_listen::limits::LIMITS;
use sightwire_live::options::{CAMERAS, DETECTOR, RELAY};
use sightwire_models::options::STORE;
use sightwire_reading::options::READER;
use sightwire_recognizer::RECOGNIZER;
pub use sightwire_settings::key::Key;
use sightwire_settings::{Sections, documents};
use sightwire_streaming::options::SOCKETIO;
use sightwire_telemetry::logging::LOG;
use sightwire_telemetry::otlp::OTLP;
use sightwire_tls::TLS;

use crate::config::cluster::CLUSTER;
use crate::config::{ENGINE, IMAGES, SERVER};

/// All sections, in the order of the documents.
pub static SECTIONS: Sections = Sections::new(&[
    &SERVER,
    &ACCESS,
    &TLS,
    &LIMITS,
    &RECOGNIZER,
    &SOCKETIO,
    &CAMERAS,
    &RELAY,
    &DETECTOR,
    &READER,
    &IMAGES,
    &ENGINE,
    &IMPORT,
    &STORE,
    &LOG,
    &OTLP,
    &CLUSTER,
]);

/// Every variable with its default, commented, as `.env` has them.
pub fn env_example() -> String {
    documents::env_example(SECTIONS)
}

/// A commented file with every key at its default.
pub fn commented_file() -> String {
    documents::commented_file(SECTIONS)
}
