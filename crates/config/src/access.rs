//! `access.*`: who may do what; and the older keys that say so of single actions.

use std::sync::Arc;

use sightwire_access::Guard;
use sightwire_access::action::{Act as _, ChangeCameras, EndStreams, GetLibrary, OwnCamera, SwitchModel};
use sightwire_access::keyring::Keyring;
use sightwire_access::principal::Rules;
use sightwire_access::store::{Store, StoreError};

use super::{Access, Config, ConfigError, Values, Who};

pub(super) fn read(r: &Values<'_>) -> Result<Access, ConfigError> {
    let mode = r.text("access.mode").parse();
    Ok(Access { mode: mode.map_err(|wrong| r.invalid("access.mode", &format!("{wrong}")))? })
}

impl Config {
    /// Where keys are kept.
    pub fn access_store(&self) -> Store {
        Store::in_folder(self.store.home())
    }

    /// What tells whose a request is. Reads the keys; an error where they cannot be read, since then nobody can be told from
    /// anybody.
    pub fn guard(&self) -> Result<Guard, StoreError> {
        let rules = Arc::new(self.access_rules());
        let keyring = Keyring::open(self.access_store(), rules.clone())?;
        Ok(Guard::new(self.access.mode, Arc::new(keyring), rules))
    }

    /// What `server.managing`, `cameras.changing` and `recognizer.switching` say, whatever somebody's role is.
    pub fn access_rules(&self) -> Rules {
        let (managing, changing) = (self.server.managing, self.cameras.changing);
        let mut rules = Rules::default();
        for (who, action, key) in [
            (managing, EndStreams::ACTION, "server.managing"),
            (managing, GetLibrary::ACTION, "server.managing"),
            (changing, ChangeCameras::ACTION, "cameras.changing"),
            (changing, OwnCamera::ACTION, "cameras.changing"),
            (self.recognizer.switching, SwitchModel::ACTION, "recognizer.switching"),
        ] {
            match who {
                Who::Local => {}
                Who::Anyone => rules.everyone.push((action.name, key)),
                Who::Nobody => rules.nobody.push((action.name, key)),
            }
        }
        rules
    }
}
