//! Running streams, who watches them, and the models that run over them.
//!
//! Streams:
//!
//! - [`directory`]: which streams run; each is read once, analysed once, and drawn once for all who want the same
//! - [`upstream`]: a running stream; [`origin`]: where its pictures come from
//! - [`source`]: cameras; [`registry`]: which there are; [`configured`]: those of the configuration file
//! - [`private`]: who may have cameras in private networks read; `shared`: a camera that several processes know
//! - [`relay`]: streams that clients send; `sender`: who sends one, and why it ends
//! - [`look`]: what a camera gives, without a server
//!
//! Who watches:
//!
//! - [`viewers`]: who watches; [`known`]: as which key or user
//! - [`watching`]: what one viewer watches, and at which quality
//! - [`view`]: an analysis drawn one way, encoded once for all who want the same; [`shown`]: what of it is shown
//!
//! Models:
//!
//! - [`analysis`]: the objects in a stream's pictures; [`demand`]: how often they are looked for; [`analysis_lease`]: a
//!   share in an analysis
//! - [`detector`]: which model finds objects; [`remote`]: one on another server; `looker`: what looks at the pictures
//! - `follow`: the analysis of a stream that another process has
//! - [`hands`], [`bodies`]: hands and bodies in the pictures; [`overlay`]: what old viewers draw of them
//!
//! All of them:
//!
//! - [`options`]: what can be chosen; `dependencies`: what everything that runs for a stream is given
//! - [`pixels`]: the threads for decoding, drawing, encoding
//! - [`totals`]: what came, went out and was lost
//! - [`metrics`]: what is counted, for `/metrics`

#![forbid(unsafe_code)]

pub mod analysis;
pub mod analysis_lease;
pub mod bodies;
pub mod configured;
pub mod demand;
mod dependencies;
pub mod detector;
pub mod directory;
mod follow;
pub mod hands;
pub mod known;
pub mod look;
mod looker;
pub mod metrics;
pub mod options;
pub mod origin;
pub mod overlay;
pub mod pixels;
pub mod private;
pub mod registry;
pub mod relay;
pub mod remote;
mod sender;
mod shared;
pub mod shown;
pub mod source;
pub mod totals;
pub mod upstream;
pub mod view;
pub mod viewers;
pub mod watching;

pub use directory::{NotEnded, Streams, Unreachable, ViewRequest, WatchError};
pub use options::Options;
pub use upstream::StreamLease;
