//! Pages of picture files, whatever their format: this is where it is decided which formats are read.
//!
//! What `sightwire_frame::still` decodes is decoded here and now. PDF, AVIF and HEIC are drawn by a child process, since
//! nobody can say how much time and memory hostile bytes take there, and nothing can stop a parser within this process.
//!
//! - [`Pages`]: format and pages of a file, and their pixels
//! - [`program`]: the program that draws: where it lies, and whether it is the right one
//! - `child`: starts a process, talks to it, ends it: the parent's side
//! - `places`: how many at once; [`patience`]: for how long
//! - [`request`], [`answer`]: what the two sides say to each other; the child's side is `sightwire-draw`
#![forbid(unsafe_code)]

pub mod answer;
mod child;
pub mod patience;
mod places;
pub mod program;
pub mod request;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sightwire_base::memory::Memory;
use sightwire_frame::Image;
use sightwire_frame::header::Found;
use sightwire_frame::still::{self, StillDecoder, StillError, StillFormat, StillLimits, Undrawn};

use crate::answer::Answer;
use crate::child::{Child, ChildError};
use crate::patience::Patience;
use crate::places::Places;
use crate::program::{Launch, NoProgram, NotGot, Program};
use crate::request::{Request, What};

/// The resolution at which a page of a PDF is drawn, where it fits the limits.
pub const DPI: f64 = still::PDF_DENSITY as f64;

/// How long somebody who asks for the program itself waits while another one looks for it.
const LOOK_WITHIN: Duration = Duration::from_secs(15);

/// What the header of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// The format, by the content of the file.
    pub format: StillFormat,
    /// The pages in their order; at least one.
    pub pages: Vec<PageHeader>,
}

/// What is known of a page before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageHeader {
    /// Width and height in pixels as it will be decoded: upright, no side is 0.
    pub size: (u32, u32),
    /// The file has the text of this page as text, too. Only of a PDF.
    pub has_text: bool,
    /// It is drawn smaller than at [`DPI`], since it would pass the limits otherwise. Only of a PDF.
    pub is_reduced: bool,
    /// It ends before its picture does, or without saying so; what is missing is grey. Only of a JPEG.
    pub is_cut_off: bool,
}

/// Whether PDF, AVIF and HEIC can be drawn.
#[derive(Clone, Debug)]
pub enum Drawing {
    /// By the program of this file.
    Ready(PathBuf),
    /// There is no program for it now, and why.
    Lacking(Arc<NoProgram>),
    /// Nobody has looked yet.
    Unknown,
}

/// Reads files of pictures. Clones share the program that draws, and the limit on how many of its processes do so at once.
#[derive(Clone)]
pub struct Pages {
    program: Option<Arc<Program>>,
    places: Arc<Places>,
    /// Of the server: what children have is a part of it.
    memory: Option<Arc<Memory>>,
}

impl Pages {
    /// At most `at_once` processes draw at the same time; further callers wait.
    pub fn new(launch: Launch, at_once: usize) -> Self {
        Self { program: Some(Program::new(launch)), places: Places::new(at_once), memory: None }
    }

    /// Reads what is decoded within this process alone.
    pub fn without_children() -> Self {
        Self { program: None, places: Places::new(0), memory: None }
    }

    /// What children have counts as a part of this.
    #[must_use]
    pub fn with_memory(self, memory: Arc<Memory>) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// Whether files can be drawn, as far as that is known.
    pub fn drawing(&self) -> Drawing {
        let Some(program) = &self.program else {
            return Drawing::Lacking(Arc::new(NoProgram::Missing(Vec::new())));
        };
        match program.last_found() {
            Some(Ok(found)) => Drawing::Ready(found.path().to_owned()),
            Some(Err(lacks)) => Drawing::Lacking(lacks),
            None => Drawing::Unknown,
        }
    }

    /// As [`drawing`](Self::drawing), and looks for the program where that was not done in the last seconds. What is found
    /// once is kept. Blocks: for microseconds, or where there is a new program, as long as that takes to say its version.
    /// It is given up when `wanted` says no.
    pub fn find_program(&self, wanted: &dyn Fn() -> bool) -> Drawing {
        if let Some(program) = &self.program {
            // What came of it is known now.
            let _ = program.get(Instant::now() + LOOK_WITHIN, wanted);
        }
        self.drawing()
    }

    /// Format and pages of a file; all limits are checked. Takes microseconds, or where the file is one to be drawn, as
    /// long as a child takes: at most `patience`. Blocks.
    pub fn probe(
        &self,
        bytes: &[u8],
        limits: &StillLimits,
        patience: Patience,
    ) -> Result<FileHeader, StillError> {
        let Some(format) = StillFormat::from_bytes(bytes) else { return Err(self.unknown_error(bytes)) };
        if !format.is_drawn() {
            let is_cut_off = still::is_cut_off(format, bytes);
            let page = |size| PageHeader { size, has_text: false, is_reduced: false, is_cut_off };
            let pages = still::probe_still(bytes, limits)?.pages.into_iter().map(page).collect();
            return Ok(FileHeader { format, pages });
        }
        limits.check_bytes(bytes.len())?;
        let request = Request::new(What::Header, format, bytes.len(), limits, &patience);
        let pages = match self.ask_child(&request, bytes, patience, &|| true)? {
            Answer::Header(pages) => pages,
            Answer::Refused(refusal) => return Err(refusal.into_error(format, limits)),
            Answer::Page { .. } => return Err(crash_error(format, "it answered something else")),
        };
        if pages.len() > limits.max_pages as usize {
            return Err(StillError::Pages { format, limit: limits.max_pages });
        }
        pages.iter().try_for_each(|page| limits.check_size(page.size))?;
        Ok(FileHeader { format, pages })
    }

    /// The pixels of a page, from 0, of a file that [`probe`](Self::probe) has seen with the same limits. What is drawn
    /// ends within `patience`, and soon after `wanted` says no. Blocks.
    pub fn decode(
        &self,
        bytes: &[u8],
        header: (StillFormat, (u32, u32)),
        page: u32,
        limits: &StillLimits,
        patience: Patience,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Image, StillError> {
        let (format, size) = header;
        if !format.is_drawn() {
            let mut image = Image::default();
            StillDecoder::new()?.decode(bytes, page, limits, &mut image)?;
            return Ok(image);
        }
        limits.check_bytes(bytes.len())?;
        limits.check_size(size)?;
        let request = Request::new(What::Page { page, size }, format, bytes.len(), limits, &patience);
        match self.ask_child(&request, bytes, patience, wanted)? {
            Answer::Page { size: drawn, pixels } if drawn == size => Image::from_bgr(size.0, size.1, pixels)
                .map_err(|_| crash_error(format, "its pixels are not as many as the size says")),
            Answer::Refused(refusal) => Err(refusal.into_error(format, limits)),
            Answer::Page { .. } | Answer::Header(_) => Err(crash_error(format, "it answered something else")),
        }
    }

    fn ask_child(
        &self,
        request: &Request,
        bytes: &[u8],
        patience: Patience,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Answer, StillError> {
        let format = request.format;
        let Some(program) = &self.program else { return Err(StillError::UnknownFile(Found::new(bytes))) };
        let by = patience.ends_at();
        let undrawn = |why| StillError::Undrawn { format, why };
        let open = program.get(by, wanted).map_err(|why| {
            undrawn(match why {
                NotGot::Lacks(lacks) => Undrawn::NoProgram(lacks.to_string()),
                NotGot::Late => patience.late_error(Duration::ZERO),
                NotGot::Unwanted => Undrawn::Unwanted,
            })
        })?;
        let Some(_place) = self.places.wait_for_place(by, wanted) else {
            return Err(undrawn(if wanted() {
                patience.late_error(Duration::ZERO)
            } else {
                Undrawn::Unwanted
            }));
        };
        let most = self.memory.as_ref().map_or(u64::MAX, |memory| memory.most_for_child());
        let request = &Request { memory: request.memory.min(most), ..*request };
        let has_room = |bytes| self.memory.as_ref().is_none_or(|memory| memory.has_room_for_child(bytes));
        let child = Child::start(&open, program.args()).map_err(|error| {
            undrawn(Undrawn::Unstarted(format!("{} cannot be started: {error}", open.path().display())))
        })?;
        child.ask_once(request, bytes, by, wanted, &has_room).map_err(|error| {
            undrawn(match error {
                ChildError::Late(worked) => patience.late_error(worked),
                ChildError::Cpu => {
                    Undrawn::TooMuch(format!("it takes more than {} s of a core", request.cpu_s))
                }
                ChildError::Unwanted => Undrawn::Unwanted,
                ChildError::NoRoom => Undrawn::NoMemory,
                ChildError::Memory => Undrawn::Memory(request.memory >> 20),
                ChildError::Crashed(how) => Undrawn::Crashed(how),
            })
        })
    }

    fn unknown_error(&self, bytes: &[u8]) -> StillError {
        match self.program {
            Some(_) => StillError::UnknownFile(Found::new(bytes)),
            None => StillError::UnknownFormat(Found::new(bytes)),
        }
    }
}

fn crash_error(format: StillFormat, how: &str) -> StillError {
    StillError::Undrawn { format, why: Undrawn::Crashed(how.into()) }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("drawing", &self.drawing()).finish_non_exhaustive()
    }
}
