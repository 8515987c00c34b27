//! What a simulated camera shows, and how its address says so.

use std::str::FromStr;

/// What its address begins with.
pub const SCHEME: &str = "simulated:";

/// What a simulated camera shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scenery {
    /// A street, seen from the roadside.
    Street,
    /// A car park from above.
    CarPark,
}

/// No scene is called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no scene {0:?}; write simulated:street or simulated:car-park")]
pub struct NoScenery(String);

impl Scenery {
    /// As it stands in an address, after [`SCHEME`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Street => "street",
            Self::CarPark => "car-park",
        }
    }

    /// An address of its own.
    pub fn address(self) -> String {
        format!("{SCHEME}{}", self.name())
    }
}

impl FromStr for Scenery {
    type Err = NoScenery;

    fn from_str(text: &str) -> Result<Self, NoScenery> {
        let all = [Self::Street, Self::CarPark];
        all.into_iter().find(|scenery| scenery.name() == text).ok_or_else(|| NoScenery(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_are_called_as_they_are_written() {
        for scenery in [Scenery::Street, Scenery::CarPark] {
            assert_eq!(scenery.name().parse(), Ok(scenery));
        }
        let wrong = "beach".parse::<Scenery>().unwrap_err();
        assert!(wrong.to_string().contains("simulated:street"), "{wrong}");
    }
}
