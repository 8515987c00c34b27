//! Who may do what, by the whole configuration.

use std::sync::Arc;

use sightwire_access::Guard;
use sightwire_access::action::{Act as _, ChangeCameras, EndStreams, GetLibrary, OwnCamera, SwitchModel};
use sightwire_access::keyring::Keyring;
use sightwire_access::options::Access;
use sightwire_access::principal::Rules;
use sightwire_access::store::{Store, StoreError};

use super::{Config, Who};

impl Config {
    /// Where keys are kept.
    pub fn access_store(&self) -> Store {
        Store::in_folder(self.store.home())
    }

    /// What tells whose a request is. Reads the keys; an error where they cannot be read, since then nobody can be told from
    /// anybody.
    pub fn build_guard(&self) -> Result<Guard, StoreError> {
        let rules = Arc::new(self.access_rules());
        let keyring = Keyring::open(self.access_store(), rules.clone())?;
        let guard = Guard::new(self.access.mode, Arc::new(keyring), rules);
        let Access { legacy, tokens, proxy, .. } = self.access.clone();
        Ok(guard.with_legacy(legacy).with_tokens(tokens).with_proxy(proxy))
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
