//! A folder of pictures, shown one after the other, again and again.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use sightwire_base::clock;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::{Run, Sink, Skipped, Source, SourceError};
use crate::multipart::{Limits, Parser};

/// Names that are kept of a folder. Those after them, in the order of names, are not shown.
pub const MAX_FILES: usize = 100_000;

/// A folder whose `*.jpg` and `*.jpeg` files are shown in the order of their names.
///
/// A file is read when its turn comes. Names are read again with every round, so files may come and go.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    every: Duration,
    limits: Limits,
}

impl Folder {
    /// A source that shows a picture of the folder at `path` every so often.
    pub fn new(path: impl Into<PathBuf>, every: Duration, limits: Limits) -> Self {
        Self { path: path.into(), every: every.max(Duration::from_millis(1)), limits }
    }

    async fn read_pictures(&self, sink: &mut dyn Sink) -> Result<Infallible, SourceError> {
        let mut turn = interval(self.every);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let folder = self.path.clone();
            let names = off_the_runtime(move || picture_names(&folder)).await.map_err(|error| {
                SourceError::Folder { folder: self.path.clone(), reason: error.to_string() }
            })?;
            let mut is_empty = true;
            for name in names {
                let (path, limits) = (self.path.join(name), self.limits);
                let picture = off_the_runtime(move || read_picture(&path, limits)).await;
                let Ok(Some(jpeg)) = picture else {
                    let skipped = Skipped { broken: 1, ..Skipped::default() };
                    sink.on_skipped(skipped, clock::now());
                    continue;
                };
                is_empty = false;
                turn.tick().await;
                let now = clock::now();
                sink.on_bytes(jpeg.len(), now);
                sink.on_picture(jpeg, now);
            }
            if is_empty {
                return Err(SourceError::EmptyFolder { folder: self.path.clone() });
            }
        }
    }
}

impl Source for Folder {
    fn run<'a>(&'a self, sink: &'a mut dyn Sink) -> Run<'a> {
        Box::pin(async move {
            match self.read_pictures(sink).await {
                Ok(never) => match never {},
                Err(error) => error,
            }
        })
    }
}

async fn off_the_runtime<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(read).await.map_err(io::Error::other)?
}

/// The names of pictures, in order.
fn picture_names(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let is_jpeg = Path::new(&name).extension().is_some_and(|extension| {
            extension.eq_ignore_ascii_case("jpg") || extension.eq_ignore_ascii_case("jpeg")
        });
        if is_jpeg {
            names.push(name);
        }
        // Twice as many at most, whatever is in the folder.
        if names.len() >= 2 * MAX_FILES {
            keep_first(&mut names);
        }
    }
    keep_first(&mut names);
    Ok(names)
}

fn keep_first(names: &mut Vec<OsString>) {
    names.sort_unstable();
    names.truncate(MAX_FILES);
}

/// The first whole picture in a file.
fn read_picture(path: &Path, limits: Limits) -> io::Result<Option<Bytes>> {
    // A named pipe or a device would block, or never end.
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limits.max_picture as u64 + 1).read_to_end(&mut bytes)?;
    let (mut parser, mut picture) = (Parser::new(limits), None);
    let mut keep = |jpeg| {
        picture.get_or_insert(jpeg);
    };
    parser.feed(&bytes, &mut keep);
    parser.finish(&mut keep);
    Ok(picture)
}
