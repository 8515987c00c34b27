//! Hands in the frames of clients and the pictures of streams: a picture in, joints, shapes and motions out. What they mean is
//! in `sightwire_hands`; here the networks are run.
//!
//! - [`model`]: the networks' files, and what one thread runs them with
//! - [`service`]: the threads that do it, and what clients see of it
//! - [`bodies`]: threads that look for bodies, for overlays
//! - [`turns`]: whose picture is looked at next

pub mod bodies;
pub mod model;
pub mod service;
pub mod turns;

use sightwire_api::sign::HandHint;
use sightwire_hands::told::to_hand_sight;
use sightwire_hands::watch::Sight;

pub use bodies::{BodyService, NotLooked};
pub use model::{BodyModel, HandModel, HandModelError, HandNetworks, trial_subjects};
pub use service::{HandClient, HandService, HandServiceOptions};

/// What was seen of hands in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct HandSight {
    /// Of the picture, pixels.
    pub width: u32,
    /// Of the picture, pixels.
    pub height: u32,
    /// The hands, and what they say.
    pub sight: Sight,
    /// What keeps hands from being seen well.
    pub hints: Vec<HandHint>,
}

impl HandSight {
    /// As it is told to clients and viewers.
    pub fn to_api(&self) -> sightwire_api::sign::HandSight {
        to_hand_sight(self.width, self.height, &self.sight, &self.hints)
    }
}
