//! The keys, by section.

mod cluster;
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

const FILES: [&[Key]; 3] = [connections::KEYS, tasks::KEYS, cluster::KEYS];

const ALL: [Key; FILES[0].len() + FILES[1].len() + FILES[2].len()] = {
    let mut all = [FILES[0][0]; FILES[0].len() + FILES[1].len() + FILES[2].len()];
    let (mut file, mut in_file, mut i) = (0, 0, 0);
    while i < all.len() {
        if in_file == FILES[file].len() {
            (file, in_file) = (file + 1, 0);
        }
        all[i] = FILES[file][in_file];
        (in_file, i) = (in_file + 1, i + 1);
    }
    all
};
