//! What a person has to bring: Rust, Node with npm, Python with pip. Looked at, never installed.

use std::thread;

use anyhow::{Result, bail};

use crate::process::command_output;

/// A program, how to ask it for its version, and what is needed of it.
struct Prerequisite {
    name: &'static str,
    ask: &'static [&'static str],
    accepts: fn(Version) -> bool,
    needs: &'static str,
    how: &'static str,
}

type Version = (u32, u32);

const PREREQUISITES: [Prerequisite; 4] = [
    Prerequisite {
        name: "rustc",
        ask: &["--version"],
        accepts: |version| version >= (1, 95),
        needs: "Rust 1.95 or newer",
        how: "`rustup update stable`, or install Rust with rustup",
    },
    Prerequisite {
        name: "node",
        ask: &["--version"],
        // The page's bundler names these; 21 and early 22 lack what it calls.
        accepts: |version| (version >= (20, 19) && version.0 == 20) || version >= (22, 13),
        needs: "Node 20.19 or newer of the 20 line, or 22.13 or newer",
        how: "install a current Node (Debian 12's own is 18, which is too old)",
    },
    Prerequisite {
        name: "npm",
        ask: &["--version"],
        accepts: |version| version >= (9, 0),
        needs: "npm 9 or newer",
        how: "it comes with Node; Debian packs it apart, as `npm`",
    },
    Prerequisite {
        name: "python3",
        ask: &["-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"],
        accepts: |version| version >= (3, 9),
        needs: "Python 3.9 or newer",
        how: "`apt-get install python3 python3-pip`",
    },
];

/// The versions found, in one line; or every prerequisite that is missing or too old.
pub(super) fn check_versions() -> Result<String> {
    // At once: npm alone takes a good part of a second to say its version.
    let pip = thread::spawn(|| command_output("python3", &["-m", "pip", "--version"]));
    let asked = PREREQUISITES.map(|it| thread::spawn(move || command_output(it.name, it.ask)));
    let mut found = Vec::new();
    let mut wrong = Vec::new();
    for (it, answer) in PREREQUISITES.iter().zip(asked) {
        match answer.join().ok().flatten() {
            Some(text) => match version_in(&text) {
                Some(version) if (it.accepts)(version) => {
                    found.push(format!("{} {}", it.name, number_in(&text)));
                }
                _ => wrong.push(format!("{} is {text}, needed: {}. {}.", it.name, it.needs, it.how)),
            },
            None => wrong.push(format!("{} was not found, needed: {}. {}.", it.name, it.needs, it.how)),
        }
    }
    if pip.join().ok().flatten().is_none() {
        wrong.push("`python3 -m pip` does not work, needed: pip. `apt-get install python3-pip`.".into());
    }
    if !wrong.is_empty() {
        bail!("these have to be there first:\n  {}", wrong.join("\n  "));
    }
    Ok(found.join(", "))
}

/// The first word that begins like a version number, without a leading `v`.
fn number_in(text: &str) -> &str {
    text.split_whitespace()
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or_default()
}

fn version_in(text: &str) -> Option<Version> {
    let mut numbers = number_in(text).split(['.', '-', '+']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_as_each_program_words_them() {
        assert_eq!(version_in("rustc 1.95.0 (59807616e 2026-04-14)"), Some((1, 95)));
        assert_eq!(version_in("v20.20.2"), Some((20, 20)));
        assert_eq!(version_in("11.19.1"), Some((11, 19)));
        assert_eq!(version_in("rustc 1.97.0-nightly"), Some((1, 97)));
        assert_eq!(version_in("command not found"), None);
    }

    #[test]
    fn node_versions_that_the_bundler_refuses_are_refused_here() {
        let node = &PREREQUISITES[1];
        for good in [(20, 19), (20, 20), (22, 13), (24, 0)] {
            assert!((node.accepts)(good), "{good:?}");
        }
        for bad in [(18, 19), (20, 18), (21, 7), (22, 12)] {
            assert!(!(node.accepts)(bad), "{bad:?}");
        }
    }
}
