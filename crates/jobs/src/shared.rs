//! Where pictures may lie that others ask for: below few folders, wherever links lead.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// `O_NONBLOCK`: a pipe that nobody writes into is not waited for.
const NONBLOCK: i32 = 0o4000;

/// Folders whose files are read for others.
#[derive(Clone, Debug)]
pub struct Folders {
    roots: Vec<PathBuf>,
}

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] io::Error),
    /// It lies outside of the folders that may be read.
    #[error("it lies in none of the folders that are read for others (cluster.folders)")]
    Outside,
    /// A folder, a pipe or the like.
    #[error("it is no file")]
    NoFile,
}

/// A folder of `cluster.folders` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cluster.folders: {}: {error}", .folder.display())]
pub struct FoldersError {
    folder: PathBuf,
    #[source]
    error: io::Error,
}

impl Folders {
    /// All of them have to be there; blocks.
    pub fn new(folders: &[PathBuf]) -> Result<Self, FoldersError> {
        let real = |folder: &PathBuf| {
            fs::canonicalize(folder).map_err(|error| FoldersError { folder: folder.clone(), error })
        };
        Ok(Self { roots: folders.iter().map(real).collect::<Result<_, _>>()? })
    }

    /// Where a file really is; blocks.
    pub fn real_path(&self, path: &Path) -> Result<PathBuf, SharedError> {
        let real = fs::canonicalize(path)?;
        if self.is_inside(&real) { Ok(real) } else { Err(SharedError::Outside) }
    }

    /// Opens a file, and looks where it was found: a link may have been put into its way since; blocks.
    pub fn open(&self, path: &Path) -> Result<File, SharedError> {
        let file = OpenOptions::new().read(true).custom_flags(NONBLOCK).open(self.real_path(path)?)?;
        if !file.metadata()?.is_file() {
            return Err(SharedError::NoFile);
        }
        let real = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        if self.is_inside(&real) { Ok(file) } else { Err(SharedError::Outside) }
    }

    fn is_inside(&self, real: &Path) -> bool {
        self.roots.iter().any(|root| real.starts_with(root))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_what_really_lies_there_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("scans/2026")).unwrap();
        fs::create_dir_all(at("scans-of-others")).unwrap();
        for file in ["scans/2026/a.png", "secret.png", "scans-of-others/b.png"] {
            fs::write(at(file), file).unwrap();
        }
        symlink(at("secret.png"), at("scans/out.png")).unwrap();
        symlink(at("scans-of-others"), at("scans/out")).unwrap();
        symlink("2026/a.png", at("scans/within.png")).unwrap();
        let folders = Folders::new(&[at("scans")]).unwrap();
        for inside in ["scans/2026/a.png", "scans/within.png", "scans-of-others/../scans/2026/a.png"] {
            assert!(folders.open(&at(inside)).is_ok(), "{inside}");
        }
        let outside = [
            "secret.png",
            "scans/out.png",
            "scans/out/b.png",
            "scans/../secret.png",
            "scans-of-others/b.png",
        ];
        for outside in outside {
            assert!(matches!(folders.open(&at(outside)), Err(SharedError::Outside)), "{outside}");
        }
        assert!(matches!(folders.open(&at("scans/2026")), Err(SharedError::NoFile)));
        assert!(matches!(folders.open(&at("scans/none.png")), Err(SharedError::File(_))));
        assert!(Folders::new(&[at("nowhere")]).unwrap_err().to_string().contains("nowhere"));
        assert!(matches!(Folders::new(&[]).unwrap().open(&at("secret.png")), Err(SharedError::Outside)));
    }
}
