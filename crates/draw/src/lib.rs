//! The child's side of `sightwire-documents`: one file, of which it says the pages or draws one. Nothing here is trusted by the
//! parent.
//!
//! - [`confine`]: what the process takes from itself before it looks at the file; `syscalls`: what it may still ask the kernel for
//! - `pdf`: pages of a PDF; `cost`: what one takes to be drawn, before it is
//! - `heic`, `avif`: the main picture; `boxes`: what the two have in common; `yuv`: their colours
#![forbid(unsafe_code)]

mod avif;
mod boxes;
pub mod confine;
mod cost;
mod heic;
mod pdf;
mod syscalls;
mod yuv;

use std::io::{self, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use sightwire_documents::PageHeader;
use sightwire_documents::answer::{self, Refusal, sanitize_words};
use sightwire_documents::request::{LENGTH, Request, What};
use sightwire_frame::still::StillFormat;

/// Files refer to themselves in depth, and libraries follow them with calls.
const STACK_BYTES: usize = 64 << 20;

/// Why the process could not do its work: nobody started it that knows how to ask.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// Standard input or output.
    #[error("this program is started by sightwire itself, to draw pages of PDF, AVIF and HEIC")]
    Stream(#[from] io::Error),
    /// What came on stdin is not a request.
    #[error("this program is started by sightwire itself, to draw pages of PDF, AVIF and HEIC")]
    Request,
}

/// Does what standard input asks, and nothing else for the rest of the process's life.
pub fn run_drawing() -> Result<(), DrawError> {
    let mut input = io::stdin().lock();
    let mut head = [0; LENGTH];
    input.read_exact(&mut head)?;
    let request = Request::decode(&head).ok_or(DrawError::Request)?;
    let mut out = BufWriter::with_capacity(256 << 10, io::stdout().lock());
    if let Err(error) = confine::this_process(&request) {
        out.write_all(&answer::encode_answer(&Err(Refusal::Unconfined(error.to_string()))))?;
        return Ok(out.flush()?);
    }
    let mut file = Vec::new();
    file.reserve_exact(request.bytes as usize);
    input.take(request.bytes).read_to_end(&mut file)?;
    if file.len() as u64 != request.bytes {
        return Err(DrawError::Request);
    }
    match request.what {
        What::Header => {
            let pages = on_a_large_stack(move || read_header(&request, file));
            out.write_all(&answer::encode_answer(&pages))?;
        }
        What::Page { page, size } => match on_a_large_stack(move || draw_page(&request, file, page, size)) {
            Ok(picture) => {
                out.write_all(&answer::page_head(size))?;
                picture.write_bgr(&mut out)?;
            }
            Err(refusal) => out.write_all(&answer::encode_answer(&Err(refusal)))?,
        },
    }
    Ok(out.flush()?)
}

/// Pixels as a library has them.
enum Picture {
    /// Red, green, blue and an opaque fourth; the picture was drawn on white.
    Opaque(hayro::vello_cpu::Pixmap),
    Rgba(Rgba),
}

/// Red, green, blue, opacity.
struct Rgba {
    size: (u32, u32),
    data: Vec<u8>,
}

impl Picture {
    fn write_bgr(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Opaque(pixels) => pixels
                .data_as_u8_slice()
                .chunks_exact(4)
                .try_for_each(|pixel| out.write_all(&[pixel[2], pixel[1], pixel[0]])),
            Self::Rgba(pixels) => pixels.data.chunks_exact(4).try_for_each(|pixel| {
                let opacity = u32::from(pixel[3]);
                let on_white =
                    |value: u8| ((u32::from(value) * opacity + 255 * (255 - opacity) + 127) / 255) as u8;
                out.write_all(&[on_white(pixel[2]), on_white(pixel[1]), on_white(pixel[0])])
            }),
        }
    }
}

fn read_header(request: &Request, file: Vec<u8>) -> Result<Vec<PageHeader>, Refusal> {
    match request.format {
        StillFormat::Pdf => pdf::read_header(file, request),
        StillFormat::Avif | StillFormat::Heic => boxes::read_header(&file, request),
        format => Err(Refusal::Unsupported(format!("{format} is not drawn"))),
    }
}

fn draw_page(request: &Request, file: Vec<u8>, page: u32, size: (u32, u32)) -> Result<Picture, Refusal> {
    match request.format {
        StillFormat::Pdf => pdf::draw_page(file, page, size).map(Picture::Opaque),
        _ if page != 0 => Err(Refusal::NoPage(page)),
        StillFormat::Avif => of_size(avif::draw_avif(&file, request)?, size),
        StillFormat::Heic => of_size(heic::draw_heic(&file, request)?, size),
        format => Err(Refusal::Unsupported(format!("{format} is not drawn"))),
    }
}

/// A picture that has the size that was said.
fn of_size(picture: Rgba, size: (u32, u32)) -> Result<Picture, Refusal> {
    if picture.size == size && picture.data.len() == size.0 as usize * size.1 as usize * 4 {
        return Ok(Picture::Rgba(picture));
    }
    let (width, height) = picture.size;
    Err(Refusal::Damaged(format!("it has {width} x {height} pixels, and says {} x {}", size.0, size.1)))
}

/// A library's panic is an answer, too.
fn on_a_large_stack<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let failed = || Refusal::Damaged("the library that draws it failed on it".into());
    let caught = move || catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(failed()));
    match thread::Builder::new().stack_size(STACK_BYTES).spawn(caught) {
        Ok(thread) => thread.join().unwrap_or_else(|_| Err(failed())),
        Err(error) => Err(Refusal::Unconfined(sanitize_words(error.to_string().as_bytes()))),
    }
}
