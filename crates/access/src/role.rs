//! How much somebody may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Each role may do all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees streams, what is found in them, and how the server is.
    Viewer,
    /// Sends frames, streams and pictures, and sees what comes of its own.
    Streamer,
    /// Changes cameras and models, ends streams and viewers, sees everybody's batches and the metrics.
    Operator,
    /// Decides who else may do something.
    Admin,
}

impl Role {
    /// From the least on.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Streamer, Self::Operator, Self::Admin];

    /// As it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Streamer => "streamer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// As it follows a verb: `a viewer`.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Viewer => "a viewer",
            Self::Streamer => "a streamer",
            Self::Operator => "an operator",
            Self::Admin => "an admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No role is called so.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no role {0:?}; there are viewer, streamer, operator and admin")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        let known = Self::ALL.into_iter().find(|role| role.name() == name);
        known.ok_or_else(|| UnknownRole(name.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_is_above_those_before_it_and_a_wrong_name_is_said() {
        assert!(Role::ALL.is_sorted());
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        let error = "root".parse::<Role>().unwrap_err().to_string();
        assert!(error.contains("\"root\"") && error.contains("operator"), "{error}");
    }
}
