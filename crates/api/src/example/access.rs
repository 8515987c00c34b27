//! Keys, users, sessions.

use super::Example;
use crate::access::{
    Authority, Key, Keys, Login, LoginLink, MadeKey, NewKey, NewUser, Role, Session, Tls, TlsMode, Use, User,
    Users,
};

impl Example for Session {
    fn example() -> Self {
        Self {
            csrf: Some("q3rPpX0mBv2n8sYw".into()),
            name: Some("anna".into()),
            role: Some(Role::Operator),
            sees: None,
            streams: Vec::new(),
            uses: Vec::new(),
        }
    }
}

impl Example for Login {
    fn example() -> Self {
        let (name, password) = (Some("anna".into()), Some("correct horse battery".into()));
        Self { name, password, ..Self::default() }
    }
}

impl Example for Key {
    fn example() -> Self {
        Self {
            created: "2026-11-20T14:00:00Z".into(),
            expired: false,
            expires: Some("2027-11-20T14:00:00Z".into()),
            id: "k7m2x9qa".into(),
            name: "wall in the lobby".into(),
            role: Role::Viewer,
            streams: vec!["front-*".into()],
            uses: vec![Use::Cameras],
        }
    }
}

impl Example for Keys {
    fn example() -> Self {
        Self { keys: vec![Key::example()] }
    }
}

impl Example for NewKey {
    fn example() -> Self {
        let Key { name, role, streams, uses, .. } = Key::example();
        Self { expires_s: Some(31_536_000), name: Some(name), role, streams, uses }
    }
}

impl Example for MadeKey {
    fn example() -> Self {
        Self { about: Key::example(), key: "sw_k7m2x9qa_…".into() }
    }
}

impl Example for LoginLink {
    fn example() -> Self {
        Self {
            about: Key::example(),
            expires_in_s: 600,
            svg: "<svg …>".into(),
            url: "http://192.168.1.2:8000/login#link=…".into(),
            others_reach_it: true,
        }
    }
}

impl Example for Tls {
    fn example() -> Self {
        Self {
            authority: Some(Authority {
                download: "/authority.crt".into(),
                expires: "2036-11-17T14:00:00Z".into(),
                fingerprint: "5E:3A:…:9C".into(),
            }),
            expires: Some("2027-02-18T14:00:00Z".into()),
            mode: TlsMode::SelfSigned,
            names: vec!["localhost".into(), "192.168.1.2".into()],
        }
    }
}

impl Example for User {
    fn example() -> Self {
        Self {
            created: "2026-11-20T14:00:00Z".into(),
            name: "anna".into(),
            role: Role::Operator,
            streams: Vec::new(),
            uses: Vec::new(),
        }
    }
}

impl Example for Users {
    fn example() -> Self {
        Self { users: vec![User::example()] }
    }
}

impl Example for NewUser {
    fn example() -> Self {
        let User { name, role, streams, uses, .. } = User::example();
        Self { name, password: "correct horse battery".into(), role, streams, uses }
    }
}
