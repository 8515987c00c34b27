//! Every configuration key: its default, its older environment names, and what it means. The one list that the
//! loader, `sightwire config init` and docs/config.md go by.

mod list;

use std::borrow::Cow;
use std::fmt::Write as _;

pub use list::KEYS;

/// A key of the configuration; its type is that of its default.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Written `section.key`, in lower case.
    pub name: &'static str,
    /// TOML literal; its type is the key's type.
    pub default: &'static str,
    /// Environment names that deployments of the prototypes set, besides `SIGHTWIRE_SECTION_KEY`.
    pub old_names: &'static [&'static str],
    /// What it means; the first sentence is the summary.
    pub doc: &'static str,
}

/// The sections of the keys.
pub const SECTIONS: &[&str] = &[
    "server",
    "access",
    "tls",
    "limits",
    "recognizer",
    "socketio",
    "cameras",
    "relay",
    "detector",
    "reader",
    "images",
    "engine",
    "import",
    "store",
    "log",
    "otlp",
    "cluster",
];

/// Other spellings of sections, which count as the right ones.
const SPELLINGS: &[(&str, &str)] = &[("recogniser", "recognizer")];

/// As cameras are, tables of their own; see [`super::access`].
const LEGACY_EXAMPLE: &str = r#"
# Clients that cannot send a key, by where they come from and what they ask for; as many such tables as are needed.
# `streams` and `uses` limit them as those of a key do.
# [[access.legacy]]
# paths = ["/socket.io/*"]
# networks = ["192.168.1.0/24"]
# role = "streamer"
"#;

/// Cameras are tables of their own; see [`super::cameras`].
const CAMERA_EXAMPLE: &str = r#"
# A camera; as many such tables as there are cameras. The address may hold a name and a password; they are never shown.
# `password_file` names a file with the password on its first line instead, `username` who it is of.
# `mode = "capture"` asks for single pictures, `fps` times a second; `folder` instead of `url` loops a folder of pictures.
# `user` is who gets it with the header X-User-ID; `default = true` makes it the one of all others.
# [[camera]]
# id = "front-door"
# name = "Front door"
# url = "http://name:password@192.168.1.50"
"#;

impl Key {
    /// The environment variable that sets it: `SIGHTWIRE_SECTION_KEY`.
    pub fn env_name(&self) -> String {
        env_name(self.name)
    }

    /// The default, as a variable has it: without quotes, and a list by commas.
    fn env_default(&self) -> String {
        self.default
            .trim_matches(['[', ']'])
            .split(',')
            .map(|item| item.trim().trim_matches('"'))
            .collect::<Vec<_>>()
            .join(",")
    }

    /// As [`Key::env_name`], with the other spelling of the section if it has one.
    pub fn other_env_name(&self) -> Option<String> {
        let (other, section) =
            SPELLINGS.iter().find(|(_, section)| in_section(self.name, section).is_some())?;
        in_section(self.name, section).map(|rest| env_name(&format!("{other}{rest}")))
    }
}

fn env_name(name: &str) -> String {
    format!("SIGHTWIRE_{}", name.to_uppercase().replace('.', "_"))
}

/// What follows the section's name, if this is one of its keys.
fn in_section<'a>(name: &'a str, section: &str) -> Option<&'a str> {
    name.strip_prefix(section).filter(|rest| rest.starts_with('.'))
}

/// The name with the section's usual spelling.
fn respelt(name: &str) -> Cow<'_, str> {
    let other = SPELLINGS.iter().find_map(|(other, usual)| Some((usual, in_section(name, other)?)));
    other.map_or(Cow::Borrowed(name), |(usual, rest)| Cow::Owned(format!("{usual}{rest}")))
}

/// Whether the value of that key may hold a password or is a secret, and is never shown. So is that of a name which is nearest to
/// such a key.
pub fn may_hold_password(name: &str) -> bool {
    let is_secret = |name: &str| {
        matches!(
            name,
            "cameras.default_url"
                | "access.jwt_secret"
                | "otlp.endpoint"
                | "cluster.redis_url"
                | "cluster.secret"
                | "engine.remote_secret"
        )
    };
    is_secret(name) || (find(name).is_none() && nearest(name).is_some_and(is_secret))
}

/// The key of that name, in either spelling.
pub fn find(name: &str) -> Option<&'static Key> {
    let name = respelt(name);
    KEYS.iter().find(|key| key.name == name)
}

/// The nearest right name to a wrong one, if one is near.
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = &*respelt(name);
    let near = |key: &Key| {
        // `max_clients` alone is near to `recognizer.max_clients`.
        let last = key.name.rsplit('.').next().unwrap_or(key.name);
        let last_of_name = name.rsplit('.').next().unwrap_or(name);
        let whole = strsim::normalized_damerau_levenshtein(key.name, name);
        (whole.max(strsim::normalized_damerau_levenshtein(last, last_of_name)), whole)
    };
    KEYS.iter()
        .map(|key| (near(key), key.name))
        .filter(|((near, _), _)| *near > 0.6)
        // Several sections have a `model`: then the one whose name is nearer.
        .max_by(|((a, whole_a), _), ((b, whole_b), _)| a.total_cmp(b).then(whole_a.total_cmp(whole_b)))
        .map(|(_, name)| name)
}

/// Every variable with its default, commented, as `.env` has them.
pub fn env_example() -> String {
    let mut text = String::from(
        "# Sightwire. Copy this to `.env` beside the server, and take away the `#` of what you change.\n\
         # docs/config.md says more. Variables of the process go before this file, and this file before sightwire.toml.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (this, _) = key.name.split_once('.').unwrap_or(("", key.name));
        if this != section {
            text.push('\n');
            section = this;
        }
        let _ = writeln!(text, "# {}\n#{}={}", key.doc, key.env_name(), key.env_default());
    }
    text
}

/// A commented file with every key at its default.
pub fn commented_file() -> String {
    let mut text = String::from(
        "# Sightwire. Every key with its default; take away the `#` to change one.\n\
         # Environment (SIGHTWIRE_SECTION_KEY) and flags (--set section.key=value) go before this file.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (this, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if this != section {
            let _ = write!(text, "\n[{this}]\n");
            section = this;
        }
        let _ = write!(text, "# {}\n# {name} = {}\n", key.doc, key.default);
    }
    text.push_str(LEGACY_EXAMPLE);
    text.push_str(CAMERA_EXAMPLE);
    text
}
