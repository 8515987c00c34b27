//! Where the pictures come from.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sightwire_frame::header::{self, Format, Limits};
use sightwire_frame::{Decoder, Encoder, Image};
use sightwire_hub::multipart::{self, Parser};
use sightwire_synth::scene::Scene;

use super::controls::Size;

/// Bytes of one file of a picture.
const MAX_PICTURE_BYTES: usize = 10 << 20;
/// Bytes of pictures that are kept of one file.
const MAX_KEPT_BYTES: usize = 256 << 20;
/// Pictures that are kept of one file, and names of one folder.
const MAX_PICTURES: usize = 100_000;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The generated car park.
    Scene,
    /// The generated street, seen from the roadside.
    Street,
    /// A file or a folder.
    Path(PathBuf),
}

impl FromStr for Origin {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "scene" => Self::Scene,
            "street" => Self::Street,
            path => Self::Path(path.into()),
        })
    }
}

/// Why there are no pictures.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be read.
    #[error("cannot read {}: {reason}", .path.display())]
    Read {
        /// File or folder.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// Nothing in it can be shown.
    #[error("{} holds no JPEG or PNG picture that can be read", .0.display())]
    Nothing(PathBuf),
    /// A generated picture or a PNG could not be made a JPEG.
    #[error("cannot make a JPEG: {0}")]
    Encode(String),
}

/// Of a seed, with width and height in pixels.
type MakeScene = fn(u64, u32, u32) -> Scene;

/// Gives one picture after the other. Every call may block.
pub struct Source {
    kind: Kind,
    encoder: Encoder,
    decoder: Decoder,
    image: Image,
    /// What the user should know.
    note: Option<String>,
}

enum Kind {
    Scene { make: MakeScene, seed: u64, scene: Arc<Scene> },
    Pictures { pictures: Vec<Bytes>, next: usize },
    Folder { path: PathBuf, names: Vec<OsString>, next: usize },
}

impl Source {
    /// Opens it and looks whether there are pictures.
    pub fn open(origin: &Origin, seed: u64, size: Size, quality: u8) -> Result<Self, SourceError> {
        let failed = |error: &dyn std::fmt::Display| SourceError::Encode(error.to_string());
        let source = Self {
            kind: Kind::Pictures { pictures: Vec::new(), next: 0 },
            encoder: Encoder::new().map_err(|error| failed(&error))?,
            decoder: Decoder::new().map_err(|error| failed(&error))?,
            image: Image::default(),
            note: None,
        };
        let make: MakeScene = match origin {
            Origin::Scene => Scene::new,
            Origin::Street => Scene::street,
            Origin::Path(path) => return source.open_path(path.clone(), size, quality),
        };
        let scene = Arc::new(make(seed, size.width, size.height));
        Ok(Self { kind: Kind::Scene { make, seed, scene }, ..source })
    }

    fn open_path(mut self, path: PathBuf, size: Size, quality: u8) -> Result<Self, SourceError> {
        let unreadable = |reason| SourceError::Read { path: path.clone(), reason };
        let kind = fs::metadata(&path).map_err(unreadable)?;
        if kind.is_dir() {
            self.kind = Kind::Folder { path, names: Vec::new(), next: 0 };
            // So that a folder without pictures is told of at once.
            self.next(Duration::ZERO, size, quality)?;
            if let Kind::Folder { next, .. } = &mut self.kind {
                *next = 0;
            }
            return Ok(self);
        }
        if !kind.is_file() {
            return Err(unreadable(io::Error::other("it is neither a file nor a folder")));
        }
        let mut pictures = self.pictures_of(&path).map_err(unreadable)?;
        if pictures.is_empty() {
            pictures.extend(self.picture_of(&path, quality));
        }
        if pictures.is_empty() {
            return Err(SourceError::Nothing(path));
        }
        self.kind = Kind::Pictures { pictures, next: 0 };
        Ok(self)
    }

    /// What the user should know.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The generated scene, if it is one.
    pub fn scene(&self) -> Option<Arc<Scene>> {
        match &self.kind {
            Kind::Scene { scene, .. } => Some(scene.clone()),
            _ => None,
        }
    }

    /// The next picture, taken at a time of the camera.
    pub fn next(&mut self, at: Duration, size: Size, quality: u8) -> Result<Bytes, SourceError> {
        match &mut self.kind {
            Kind::Scene { make, seed, scene } => {
                if (scene.width(), scene.height()) != (size.width, size.height) {
                    *scene = Arc::new(make(*seed, size.width, size.height));
                }
                scene.frame_into(at, &mut self.image);
                self.encode(quality)
            }
            Kind::Pictures { pictures, next } => {
                let picture = pictures[*next % pictures.len()].clone();
                *next = (*next + 1) % pictures.len();
                Ok(picture)
            }
            Kind::Folder { path, .. } => {
                let path = path.clone();
                self.next_of_folder(&path, quality)
            }
        }
    }

    fn next_of_folder(&mut self, path: &Path, quality: u8) -> Result<Bytes, SourceError> {
        // The rest of this round and all of the next.
        let mut rounds = 0;
        loop {
            let Kind::Folder { names, next, .. } = &mut self.kind else {
                return Err(SourceError::Nothing(path.to_owned()));
            };
            let Some(name) = names.get(*next).cloned() else {
                rounds += 1;
                if rounds > 2 {
                    return Err(SourceError::Nothing(path.to_owned()));
                }
                let found = names_in(path);
                *names = found.map_err(|reason| SourceError::Read { path: path.to_owned(), reason })?;
                *next = 0;
                continue;
            };
            *next += 1;
            if let Some(picture) = self.picture_of(&path.join(name), quality) {
                return Ok(picture);
            }
        }
    }

    /// All JPEGs in a file, as many as can be kept.
    fn pictures_of(&mut self, path: &Path) -> io::Result<Vec<Bytes>> {
        let limits = multipart::Limits { max_picture: MAX_PICTURE_BYTES, ..multipart::Limits::default() };
        let (mut file, mut parser) = (File::open(path)?, Parser::new(limits));
        let (mut pictures, mut kept, mut is_full) = (Vec::new(), 0, false);
        let mut keep = |picture: Bytes| {
            is_full |= kept + picture.len() > MAX_KEPT_BYTES || pictures.len() >= MAX_PICTURES;
            if !is_full {
                kept += picture.len();
                // Its own memory: the parser's may be shared with what follows.
                pictures.push(Bytes::copy_from_slice(&picture));
            }
            is_full
        };
        let mut block = vec![0; 64 << 10];
        let mut ended = false;
        while !ended {
            let count = file.read(&mut block)?;
            ended = count == 0;
            let mut give = |picture| ended |= keep(picture);
            if count == 0 { parser.finish(&mut give) } else { parser.feed(&block[..count], &mut give) }
        }
        if is_full {
            self.note = Some(format!(
                "only the first {} pictures of {} are shown, which is all that is kept ({} MiB)",
                pictures.len(),
                path.display(),
                MAX_KEPT_BYTES >> 20
            ));
        }
        Ok(pictures)
    }

    /// The picture in a file as JPEG, if it is one.
    fn picture_of(&mut self, path: &Path, quality: u8) -> Option<Bytes> {
        // A named pipe or a device would block, or never end.
        if !fs::metadata(path).ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(MAX_PICTURE_BYTES as u64 + 1).read_to_end(&mut bytes).ok()?;
        let limits = Limits { max_bytes: MAX_PICTURE_BYTES, ..Limits::default() };
        match header::probe_header(&bytes).ok()?.format {
            Format::Jpeg => (bytes.len() <= MAX_PICTURE_BYTES).then(|| bytes.into()),
            Format::Png => {
                self.decoder.decode(&bytes, &limits, &mut self.image).ok()?;
                self.encode(quality).ok()
            }
        }
    }

    fn encode(&mut self, quality: u8) -> Result<Bytes, SourceError> {
        let mut jpeg = Vec::new();
        let encoded = self.encoder.encode(&self.image, quality, &mut jpeg);
        encoded.map_err(|error| SourceError::Encode(error.to_string()))?;
        Ok(jpeg.into())
    }
}

/// The names of files that may be pictures, in order.
fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)?.take(MAX_PICTURES) {
        let name = entry?.file_name();
        let extension = Path::new(&name).extension().map(OsString::from).unwrap_or_default();
        if ["jpg", "jpeg", "png"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
