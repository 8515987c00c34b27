//! Hashes that tell whether a file is the right one.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use sha1_smol::Sha1;
use sha2::{Digest as _, Sha256};

use crate::manifest::{Digest, File};

/// Whether a content of `size_bytes` bytes in `reader` is what the manifest says; if not, the hash that it has.
pub fn check_digest(file: &File, size_bytes: u64, reader: &mut dyn Read) -> io::Result<Result<(), String>> {
    let (expected, found) = match file.digest() {
        Digest::Sha256(expected) => (expected, sha256_from(reader)?),
        Digest::GitBlob(expected) => {
            let mut digest = Sha1::new();
            digest.update(format!("blob {size_bytes}\0").as_bytes());
            each_piece(reader, |piece| digest.update(piece))?;
            (expected, digest.digest().to_string())
        }
    };
    Ok(if found.eq_ignore_ascii_case(expected) { Ok(()) } else { Err(found) })
}

/// As [`check_digest`], of a file on disk; it is never in memory whole.
pub fn check_path(file: &File, path: &Path) -> io::Result<Result<(), String>> {
    let mut content = fs::File::open(path)?;
    let size_bytes = content.metadata()?.len();
    check_digest(file, size_bytes, &mut content)
}

/// SHA-256 of a file in hexadecimal, without reading it into memory at once.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    sha256_from(&mut fs::File::open(path)?)
}

/// SHA-256 of what is in memory, in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

fn sha256_from(reader: &mut dyn Read) -> io::Result<String> {
    let mut digest = Sha256::new();
    each_piece(reader, |piece| digest.update(piece))?;
    Ok(to_hex(&digest.finalize()))
}

fn each_piece(reader: &mut dyn Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            n => take(&buffer[..n]),
        }
    }
}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Source;

    #[test]
    fn a_git_blob_id_is_the_one_that_git_gives() {
        // `printf 'hello\n' | git hash-object --stdin`
        let mut file = File {
            role: "keras".into(),
            name: "hello".into(),
            sha256: None,
            git_blob: Some("CE013625030ba8dba906f756967f9e9ca394464a".into()),
            size_bytes: None,
            provider: None,
            provider_only: false,
            source: Source::Builtin,
        };
        assert_eq!(check_digest(&file, 6, &mut b"hello\n".as_slice()).unwrap(), Ok(()));
        assert!(check_digest(&file, 6, &mut b"hallo\n".as_slice()).unwrap().is_err());
        file.sha256 = Some(sha256_hex(b"hello\n"));
        assert_eq!(check_digest(&file, 6, &mut b"hello\n".as_slice()).unwrap(), Ok(()));
    }
}
