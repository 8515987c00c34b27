//! Whether a batch ends its server again and again: a picture may be such that whatever decodes or reads it takes the whole process with
//! it, and then the next server would end by it, too, and all after that.

use std::fs;

use super::spool::{Folder, new_file};

/// Servers in a row that ended, none of which had a single result of the batch.
pub const MOST: u32 = 5;
/// Name of the file in a batch's folder: how many servers began to read it since its last result, and how many had ended at that time.
const NAME: &str = "tries";

/// How many servers in a row have begun to read the batch, and ended without a result of it; blocks.
pub fn so_far(folder: &Folder, ended: usize) -> u32 {
    let text = fs::read_to_string(folder.file_path(NAME)).unwrap_or_default();
    match text.trim().split_once(' ').map(|(tries, of)| (tries.parse(), of.parse::<usize>())) {
        Some((Ok(tries), Ok(of))) if of == ended => tries,
        _ => 0,
    }
}

/// This server begins to read it; blocks. Where that cannot be written down, it is not counted.
pub fn begin_try(folder: &Folder, ended: usize) {
    let tries = so_far(folder, ended).saturating_add(1);
    end_try(folder);
    if let Ok(mut file) = new_file(&folder.file_path(NAME)) {
        let _ = std::io::Write::write_all(&mut file, format!("{tries} {ended}\n").as_bytes());
    }
}

/// This server ends as it should; blocks.
pub fn end_try(folder: &Folder) {
    let _ = fs::remove_file(folder.file_path(NAME));
}
