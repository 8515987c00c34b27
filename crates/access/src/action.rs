//! What can be asked for, and what it takes.

use crate::Role;
use crate::Use;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// Short and stable: what rules of the configuration name it by.
    pub name: &'static str,
    /// The least role; `None` for everybody, with or without a key.
    pub role: Option<Role>,
    /// What it belongs to; `None` where it belongs to several, which the stream tells, or to none.
    pub of: Option<Use>,
    /// It shows or touches what belongs to all streams (and all uses, if it belongs to none), so it takes a scope of all of them.
    pub whole: bool,
    /// In words that follow "may".
    pub words: &'static str,
}

impl Action {
    /// The same with an address that the caller names: a camera of any id could show what any other shows, so it takes a scope of
    /// all streams.
    #[must_use]
    pub const fn with_address(self) -> Self {
        Self { whole: true, words: "give the address of a camera", ..self }
    }
}

/// An [`Action`] as a type, so that a handler's signature says what it asks for.
pub trait Act: Send + Sync + 'static {
    /// What is asked for.
    const ACTION: Action;
}

macro_rules! actions {
    ($($(#[$doc:meta])* $type:ident = $name:literal, $role:expr, $of:expr, $whole:literal, $words:literal;)*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $type;

        impl Act for $type {
            const ACTION: Action =
                Action { name: $name, role: $role, of: $of, whole: $whole, words: $words };
        })*

        /// All there are.
        pub const ALL: &[Action] = &[$($type::ACTION),*];
    };
}

actions! {
    /// Asking whether the server lives, and logging in.
    Anything = "anything", None, None, false, "ask whether the server runs";
    /// Opening the pages, and what they ask for that belongs to no stream.
    SeeServer = "see-server", Some(Role::Viewer), None, false, "see this server";
    /// Watching a stream, and seeing what is found in it.
    WatchStream = "watch", Some(Role::Viewer), None, false, "watch streams";
    /// What the recogniser knows.
    SeeLabels = "see-labels", Some(Role::Viewer), Some(Use::Signs), false, "see the labels of signs";
    /// Sending frames to the recogniser.
    SendFrames = "send-frames", Some(Role::Streamer), Some(Use::Signs), false, "have signs recognised";
    /// Sending a stream to the relay.
    SendStream = "send-stream", Some(Role::Streamer), Some(Use::Relay), false, "send streams";
    /// Having text read, singly or in batches.
    Read = "read", Some(Role::Streamer), Some(Use::Reading), false, "have text read";
    /// Having objects found in a picture.
    Detect = "detect", Some(Role::Streamer), Some(Use::Cameras), false, "have objects found in pictures";
    /// Having workers read what lies in folders.
    ReadFolders = "read-folders", Some(Role::Operator), Some(Use::Reading), false, "have folders read";
    /// Other people's batches; asked for beside [`Read`].
    ReadOthers = "read-others", Some(Role::Operator), Some(Use::Reading), false, "see the batches of others";
    /// Adding, changing, trying and removing cameras.
    ChangeCameras = "change-cameras", Some(Role::Operator), Some(Use::Cameras), false, "change cameras";
    /// Saving one's own camera, from the pages of the camera prototype.
    OwnCamera = "own-camera", Some(Role::Operator), Some(Use::Cameras), false, "save a camera";
    /// Who watches, from where.
    SeeViewers = "see-viewers", Some(Role::Operator), None, false, "see who watches";
    /// Ending streams, sending viewers away.
    EndStreams = "end-streams", Some(Role::Operator), None, false, "end streams and viewers";
    /// Putting another model to use.
    SwitchModel = "switch-model", Some(Role::Operator), Some(Use::Signs), true, "switch the model";
    /// Getting the library that runs networks.
    GetLibrary = "get-library", Some(Role::Operator), None, true, "get the library";
    /// Having the configuration read again.
    Reload = "reload", Some(Role::Admin), None, true, "have the configuration read again";
    /// The keys of the configuration and their values.
    SeeSettings = "see-settings", Some(Role::Admin), None, true, "see the settings";
    /// Counters of everything.
    SeeMetrics = "see-metrics", Some(Role::Operator), None, true, "see the metrics";
    /// Having a process give its cameras to the others.
    Drain = "drain", Some(Role::Admin), None, true, "drain a process";
    /// What processes of a cluster ask each other; a key alone does not let anybody.
    ActAsProcess = "act-as-process", Some(Role::Admin), None, true, "ask as a process of this cluster";
    /// Who else may do something.
    ManageAccess = "manage-access", Some(Role::Admin), None, true, "manage keys and users";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_action_has_a_name_of_its_own_and_only_one_is_for_everybody() {
        let names: BTreeSet<&str> = ALL.iter().map(|action| action.name).collect();
        assert_eq!(names.len(), ALL.len());
        let free: Vec<&str> = ALL.iter().filter(|a| a.role.is_none()).map(|a| a.name).collect();
        assert_eq!(free, ["anything"]);
    }
}
