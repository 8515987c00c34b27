//! Every JSON message that a server sends or takes, as a type with its schema. [`openapi::build_document`] is all of them as an
//! OpenAPI document, of which `clients/js/src/api.ts` and `paths.ts` are made.
//!
//! - [`status`]: what runs, with what, and how it is; [`live`]: all that changes, once a second
//! - [`stream`]: streams, what is analysed and shown of them, and who watches; [`camera`]: where cameras are
//! - [`detect`]: objects in pictures
//! - [`read`]: text in pictures, one by one and in batches
//! - [`access`]: logging in, keys and users
//! - [`settings`]: keys of the configuration, and the values in force
//! - [`models`]: models, the library that runs them, samples
//! - [`sign`]: Socket.IO events; [`relay`]: messages of the relay's WebSockets; [`board`]: what the pages of the camera
//!   prototype ask for
//! - [`openapi`]: paths, and the document; [`asyncapi`]: channels of messages; [`page`]: both, for people; `example`: a value of
//!   each message; `schemas`: their schemas
//!
//! Fields stand in the order in which they are sent: that of the prototypes where old clients know it, else alphabetical.
//! A field that an answer leaves out says so; one that may be null always comes. What is added later is an `Option` or has
//! a default, so that a newer client can read an older server, and clients ignore fields that they do not know.
#![forbid(unsafe_code)]

pub mod access;
pub mod asyncapi;
pub mod board;
pub mod camera;
pub mod cluster;
pub mod detect;
mod example;
pub mod history;
pub mod live;
pub mod models;
pub mod openapi;
pub mod page;
pub mod read;
pub mod relay;
mod schemas;
pub mod settings;
pub mod shared;
pub mod sign;
pub mod status;
pub mod stream;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The body of every error answer; its HTTP status (4xx or 5xx) says of which kind it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Error {
    /// What was wrong and what to do about it, in a sentence for people.
    pub detail: String,
}

/// Percentiles of a time over the last 3 s, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Quantiles {
    /// The median: half of the values are below it.
    pub p50: f64,
    /// 95 of 100 are below.
    pub p95: f64,
    /// 99 of 100 are below.
    pub p99: f64,
}

/// A field that is null is there; one that is left out is not.
#[allow(clippy::option_option, reason = "these are two things")]
fn null_too<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// A field of this type holds this text and nothing else.
macro_rules! literal {
    ($(#[$doc:meta])* $name:ident = $text:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
        #[schemars(inline)]
        pub enum $name {
            #[doc = concat!("`", $text, "`.")]
            #[default]
            #[serde(rename = $text)]
            $name,
        }
    };
}
use literal;
