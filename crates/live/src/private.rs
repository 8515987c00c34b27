//! Cameras in private networks that `cameras.allow` does not list: who may have them read.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use sightwire_hub::source::address::AddressError;
use sightwire_hub::source::allow::{Allow, Kind, private_network};
use sightwire_hub::source::web::Web;

use crate::source::{CameraError, CameraSource, LeadsTo};

/// Networks that one line names, at most.
const MAX_NETWORKS: usize = 8;

/// Who may have cameras in private networks read that `cameras.allow` does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateNetworks {
    /// Nobody: the server listens for other machines.
    Nobody,
    /// Nobody may name one, but those that were added are read: the server listens on loopback, and the configuration says that
    /// others may ask through a proxy.
    Added {
        /// What says so, as in `access.mode is "protected"`.
        because: &'static str,
    },
    /// Clients on this machine may name any; those that were added are read for everybody.
    Here,
}

impl PrivateNetworks {
    /// What those who run the server should know who had cameras in private networks named to it; these are known.
    pub fn closed_warning<'a>(
        self,
        allow: &Allow,
        known: impl IntoIterator<Item = &'a CameraSource>,
    ) -> Option<String> {
        let Self::Added { because } = self else { return None };
        if allow.lists_private() {
            return None;
        }
        let hosts = known.into_iter().filter_map(|source| Some(source.url()?.host()));
        let networks: BTreeSet<String> = hosts.filter_map(|host| private_network(&host)).collect();
        let (networks, example) = match networks.len() {
            0 => (vec!["192.168.1.0/24".to_owned()], ", for example"),
            _ => (networks.into_iter().take(MAX_NETWORKS).collect(), ""),
        };
        Some(format!(
            "clients may not name cameras in private networks: others may ask through a proxy, since {because}; known cameras are read all the same. This opens a network to all who may watch{example}: cameras.allow = {networks:?}"
        ))
    }
}

/// Where the client that names an address asks from. All are equal: one address is one stream, no matter who had it opened.
#[derive(Clone, Copy, Debug)]
pub enum AskedFrom {
    /// Another machine, as far as anybody knows.
    Elsewhere,
    /// This machine, through no proxy.
    Here,
}

impl PartialEq for AskedFrom {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for AskedFrom {}

impl Hash for AskedFrom {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// What cameras are connected to with.
#[derive(Clone, Debug)]
pub struct CameraReach {
    listed: Web,
    private: Web,
    rule: PrivateNetworks,
}

impl CameraReach {
    /// `allow` is what is listed, configured cameras included.
    pub fn new(allow: &Allow, rule: PrivateNetworks) -> Self {
        let web = |allow: Allow| Web::new(Arc::new(allow));
        Self { listed: web(allow.clone()), private: web(allow.clone().with_private_networks()), rule }
    }

    /// For a camera that is known.
    pub fn web_for_known(&self, leads_to: LeadsTo) -> &Web {
        match (self.rule, leads_to) {
            (PrivateNetworks::Nobody, _) | (_, LeadsTo::Listed) => &self.listed,
            (PrivateNetworks::Added { .. } | PrivateNetworks::Here, LeadsTo::Private) => &self.private,
        }
    }

    /// For an address that somebody names.
    pub fn web_for_named(&self, from: AskedFrom) -> &Web {
        self.web_for_known(self.leads_to(from))
    }

    /// Where an address may lead to that is named there.
    pub fn leads_to(&self, from: AskedFrom) -> LeadsTo {
        match (self.rule, from) {
            (PrivateNetworks::Here, AskedFrom::Here) => LeadsTo::Private,
            _ => LeadsTo::Listed,
        }
    }

    /// Whether somebody may name that address, as far as can be told before its name is resolved.
    pub fn check_named(&self, source: &CameraSource, from: AskedFrom) -> Result<(), CameraError> {
        let Some(url) = source.url() else { return Ok(()) };
        self.web_for_named(from).check_camera(url).map_err(|refused| match (&refused, self.rule) {
            (AddressError::Forbidden { kind: Kind::Private, .. }, PrivateNetworks::Added { because }) => {
                CameraError::BehindProxy { refused, because }
            }
            (AddressError::Forbidden { kind: Kind::Private, .. }, PrivateNetworks::Here) => {
                CameraError::NotHere(refused)
            }
            _ => refused.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEHIND: PrivateNetworks = PrivateNetworks::Added { because: "access.mode is protected" };

    fn camera(url: &str) -> CameraSource {
        CameraSource::from_address(url, None, None).unwrap()
    }

    #[test]
    fn what_was_added_is_read_behind_a_proxy_too_unless_one_added_it_who_might_not_have_named_it() {
        let CameraSource::Stream(url) = camera("http://192.168.7.7") else { panic!("a stream") };
        for (rule, kept, read) in [
            (PrivateNetworks::Nobody, LeadsTo::Private, false),
            (BEHIND, LeadsTo::Private, true),
            (BEHIND, LeadsTo::Listed, false),
            (PrivateNetworks::Here, LeadsTo::Private, true),
            (PrivateNetworks::Here, LeadsTo::Listed, false),
        ] {
            let reach = CameraReach::new(&Allow::default(), rule);
            assert_eq!(reach.web_for_known(kept).check_camera(&url).is_ok(), read, "{rule:?} {kept:?}");
        }
        // The address of a name is not known when it is added.
        let reach = |rule| CameraReach::new(&Allow::default(), rule);
        assert_eq!(reach(BEHIND).leads_to(AskedFrom::Here), LeadsTo::Listed);
        assert_eq!(reach(PrivateNetworks::Here).leads_to(AskedFrom::Elsewhere), LeadsTo::Listed);
        assert_eq!(reach(PrivateNetworks::Here).leads_to(AskedFrom::Here), LeadsTo::Private);
    }

    #[test]
    fn the_start_says_which_networks_have_to_be_listed() {
        let cameras = [
            camera("http://192.168.7.7"),
            camera("http://192.168.7.8/a"),
            camera("http://[fd12:3456::9]/"),
            camera("http://203.0.113.7"),
            camera("http://cam.example.org"),
        ];
        let said = BEHIND.closed_warning(&Allow::default(), &cameras).unwrap();
        assert!(said.contains("since access.mode is protected"), "{said}");
        assert!(said.ends_with(r#"cameras.allow = ["192.168.7.0/24", "fd12:3456::/64"]"#), "{said}");
        let example = BEHIND.closed_warning(&Allow::default(), &[]).unwrap();
        assert!(example.contains("for example") && example.contains("192.168.1.0/24"), "{example}");
        let listed = Allow::parse(["10.0.0.0/8"]).unwrap();
        assert_eq!(BEHIND.closed_warning(&listed, &cameras), None);
        assert_eq!(PrivateNetworks::Here.closed_warning(&Allow::default(), &cameras), None);
        let public = Allow::parse(["203.0.113.0/24"]).unwrap();
        assert!(BEHIND.closed_warning(&public, &cameras).is_some());
    }
}
