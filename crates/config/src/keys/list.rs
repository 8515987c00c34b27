//! The keys, by section.

mod connections;
mod tasks;

use super::Key;

const fn key(
    name: &'static str,
    default: &'static str,
    old_names: &'static [&'static str],
    doc: &'static str,
) -> Key {
    Key { name, default, old_names, doc }
}

/// All keys, by section.
pub const KEYS: &[Key] = &ALL;

const ALL: [Key; connections::KEYS.len() + tasks::KEYS.len()] = {
    let (first, rest) = (connections::KEYS, tasks::KEYS);
    let mut all = [first[0]; connections::KEYS.len() + tasks::KEYS.len()];
    let mut i = 1;
    while i < all.len() {
        all[i] = if i < first.len() { first[i] } else { rest[i - first.len()] };
        i += 1;
    }
    all
};
