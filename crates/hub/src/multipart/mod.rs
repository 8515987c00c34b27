//! Finds the JPEG pictures in what a camera sends: bytes in, pictures out, nothing in between.
//!
//! Boards differ in everything around a picture: boundaries that are quoted, lack their dashes or are not those of the
//! header, parts without `Content-Length` or with a wrong one, lines that end in LF alone, rubbish before and after. So
//! boundaries are not looked at at all. A picture begins at its first marker (`FF D8 FF`) and ends where its segments
//! and scans lead to its last (`FF D9`); the end that a `Content-Length` names is taken where a last marker stands there.
//!
//! What holds for every input:
//! - The pictures do not depend on how the input is split into pieces.
//! - **No whole picture is lost to garbage** before it that contains no `FF D8`.
//! - No whole picture is lost to one before it that was cut off, wherever that was, if an empty line stands between them,
//!   as at the end of a part's header. Without one, a cut within an `APPn` or COM segment may cost what follows, where
//!   the length of that segment happens to end at a marker: nobody can tell that from a picture that carries another.
//! - A camera whose pictures never have a last marker gives all of them but the first, with that marker: each ends before the
//!   header of the next part, and comes when that does. Once one has had it, one that lacks it was cut off.
//! - Of several pictures within one part, back to back within its `Content-Length`, the first is the picture: phones put smaller
//!   ones behind it (MPF, `UltraHDR`).
//! - What a picture carries (a thumbnail) is not taken for a picture of the stream, not even where the picture itself
//!   is cut off later. Where the segment that carries it is not whole, it may be.
//! - The work is linear in the input: a byte is searched at most once and walked at most once, for a picture that turns
//!   out broken is given up from its last segment that was not proven, never from its beginning.
//! - Memory is bounded by [`Limits`]: one picture, and one part's header.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem::Finder;

mod part_header;
mod walk;

use part_header::Length;
use walk::{Step, Walk};

/// The first marker of a picture and the beginning of the next.
const PICTURE_START: [u8; 3] = [0xff, 0xd8, 0xff];
/// The last marker of a picture (JPEG's EOI).
const PICTURE_END: [u8; 2] = [0xff, 0xd9];
/// How much is taken at a time while a picture is looked for: a part's header is about 100 bytes, and what is taken
/// beyond it is copied once more.
const SEARCH_BYTES: usize = 512;
/// How much is taken at a time within a picture whose end is not known; the same.
const PICTURE_BYTES: usize = 4 << 10;
/// Room made at once for a picture, whatever length it claims.
const FIRST_ROOM: usize = 256 << 10;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a picture; a longer one is broken.
    pub max_picture: usize,
    /// Bytes of a part's header. Of a longer one the last bytes are looked at.
    pub max_header: usize,
}

/// 10 MiB, 8 KiB.
impl Default for Limits {
    fn default() -> Self {
        Self { max_picture: 10 << 20, max_header: 8 << 10 }
    }
}

/// What the parser has seen so far.
///
/// After [`Parser::finish`] all bytes are accounted for: `picture_bytes + header_bytes + skipped_bytes` is what went in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Whole pictures that were found.
    pub pictures: u64,
    /// Of these, pictures that lacked their last marker and were given one.
    pub completed: u64,
    /// Bytes of whole pictures, without markers that they were given.
    pub picture_bytes: u64,
    /// Bytes of boundaries and part headers before whole pictures.
    pub header_bytes: u64,
    /// Bytes that belong to neither: garbage, and pictures that are not whole.
    pub skipped_bytes: u64,
    /// Pictures that began and were not whole: cut off, damaged in their header, or too large.
    pub broken: u64,
    /// Parts whose `Content-Length` was not the length of their picture.
    pub wrong_lengths: u64,
}

/// Where the parser is.
#[derive(Debug)]
enum State {
    /// No picture has begun. Nothing begins in the buffer before `searched`.
    Search { searched: usize },
    /// The buffer starts with a picture.
    Picture { walk: Walk, length: Option<usize>, given_up: Option<usize>, is_second: bool },
}

/// What is left of a part behind its picture, as its length says.
#[derive(Debug, Clone, Copy, Default)]
struct Rest {
    bytes: usize,
    /// Nothing shows yet that the length is right.
    may_be_wrong: bool,
}

/// Whether the pictures of a connection have a last marker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Endings {
    #[default]
    Unknown,
    /// One was whole but for that, as far as can be seen here.
    Lacking,
    Marked,
}

impl Endings {
    /// A picture and the last marker that it lacks, if this camera sends none and it is whole with it: also where a length within
    /// it would have led beyond its end.
    fn complete_picture(self, picture: &[u8], limits: &Limits) -> Option<Bytes> {
        let whole = picture.len() + PICTURE_END.len();
        if self != Self::Lacking || whole > limits.max_picture {
            return None;
        }
        let jpeg = [picture, &PICTURE_END].concat();
        (Walk::new().step(&jpeg, true) == Step::Whole(whole)).then(|| jpeg.into())
    }
}

/// An incremental parser for one connection.
///
/// [`feed`](Self::feed) takes the bytes as they come and hands out each picture as soon as its last byte is there.
pub struct Parser {
    limits: Limits,
    buffer: BytesMut,
    state: State,
    /// Bytes of the last whole picture: the next one will be about as long.
    expected: usize,
    rest: Rest,
    endings: Endings,
    counts: Counts,
    finder: Finder<'static>,
    /// Bytes looked at and steps taken, for the proof that the work is linear.
    #[cfg(test)]
    work: usize,
}

impl std::fmt::Debug for Parser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parser")
            .field("limits", &self.limits)
            .field("buffered_bytes", &self.buffer.len())
            .field("state", &self.state)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl Parser {
    /// A parser at the beginning of a body.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: BytesMut::new(),
            state: State::Search { searched: 0 },
            expected: 0,
            rest: Rest::default(),
            endings: Endings::default(),
            counts: Counts::default(),
            finder: Finder::new(&PICTURE_START),
            #[cfg(test)]
            work: 0,
        }
    }

    /// What was seen so far. What a picture that has begun comes to is counted when that is known.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Bytes that are kept at the moment.
    pub fn buffered_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Takes the next bytes and hands each picture that they complete to `picture`, in order.
    pub fn feed(&mut self, mut bytes: &[u8], mut picture: impl FnMut(Bytes)) {
        while !bytes.is_empty() {
            let room = match &self.state {
                State::Search { .. } => SEARCH_BYTES,
                // Exactly to its end: nothing of the next part shares its memory.
                State::Picture { length: Some(length), .. } => {
                    length.saturating_sub(self.buffer.len()).max(1)
                }
                State::Picture { .. } => PICTURE_BYTES,
            };
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            self.run_parser(false, &mut picture);
        }
    }

    /// The input has ended: hands out what can still be found, and counts the rest as skipped.
    ///
    /// The parser is then as new, its counts aside.
    pub fn finish(&mut self, mut picture: impl FnMut(Bytes)) {
        self.run_parser(true, &mut picture);
        let text = &self.buffer[self.buffer.len().saturating_sub(self.limits.max_header)..];
        let has_text = self.counts.pictures > 0;
        // The last boundary, or a header whose picture never came.
        let header_bytes = if has_text { text.len() - part_header::before_picture(text).start } else { 0 };
        self.skip_bytes(self.buffer.len() - header_bytes);
        self.end_part();
        self.buffer.clear();
        self.counts.header_bytes += header_bytes as u64;
        self.state = State::Search { searched: 0 };
    }

    fn run_parser(&mut self, ended: bool, picture: &mut impl FnMut(Bytes)) {
        while match self.state {
            State::Search { searched } => self.search_start(searched),
            State::Picture { .. } => self.go_on(ended, picture),
        } {}
    }

    /// Looks for the beginning of a picture. Whether there is more to do.
    fn search_start(&mut self, searched: usize) -> bool {
        let found = self.finder.find(&self.buffer[searched..]).map(|at| at + searched);
        self.count_work(found.unwrap_or(self.buffer.len()) - searched);
        let Some(at) = found else {
            let mut searched = self.buffer.len().saturating_sub(PICTURE_START.len() - 1);
            if searched > 2 * self.limits.max_header {
                let dropped = searched - self.limits.max_header;
                self.skip_bytes(dropped);
                searched -= dropped;
            }
            self.state = State::Search { searched };
            return false;
        };
        let text = &self.buffer[at.saturating_sub(self.limits.max_header)..at];
        let (header, text_bytes) = (part_header::before_picture(text), text.len());
        // Behind the picture of a part, before its length ends, and no line between them.
        let is_second =
            at < self.rest.bytes && text.iter().all(|byte| matches!(byte, 0 | 0xff | b'\r' | b'\n'));
        self.count_work(text_bytes);
        if is_second {
            self.skip_bytes(at);
            self.state = State::Picture { walk: Walk::new(), length: None, given_up: None, is_second };
            return true;
        }
        self.end_part();
        let header_bytes = text_bytes - header.start;
        self.skip_bytes(at - header_bytes);
        self.buffer.advance(header_bytes);
        self.counts.header_bytes += header_bytes as u64;
        let length = match header.length {
            Some(Length::Bytes(length)) if length <= self.limits.max_picture => Some(length),
            Some(_) => {
                self.counts.wrong_lengths += 1;
                None
            }
            None => None,
        };
        let room = length.unwrap_or(self.expected + self.expected / 8).min(FIRST_ROOM.max(2 * self.expected));
        self.buffer.reserve(room.saturating_sub(self.buffer.len()));
        self.state = State::Picture { walk: Walk::new(), length, given_up: None, is_second };
        true
    }

    /// Follows the picture that the buffer starts with. Whether there is more to do.
    ///
    /// Everything here is decided at a position of the picture, with the bytes before it alone: so it does not matter how
    /// many bytes are there already.
    fn go_on(&mut self, ended: bool, picture: &mut impl FnMut(Bytes)) -> bool {
        let State::Picture { walk, length, given_up, is_second } = &mut self.state else { return true };
        let limit = length.unwrap_or(self.limits.max_picture);
        let (there, is_there) = (self.buffer.len().min(limit), self.buffer.len() >= limit);
        let step = match *given_up {
            Some(resume) => Step::Broken(resume),
            None => walk.step(&self.buffer[..there], ended && length.is_none()),
        };
        #[cfg(test)]
        {
            self.work += std::mem::take(&mut walk.work);
        }
        match step {
            Step::Whole(end) if *is_second && end <= self.rest.bytes => {
                self.rest.may_be_wrong = false;
                self.skip_bytes(end);
                self.state = State::Search { searched: 0 };
            }
            Step::Whole(end) => {
                let rest = length.map_or(0, |length| length.saturating_sub(end));
                let is_too_short = length.is_some_and(|length| length < end);
                self.end_part();
                self.take_picture(end, is_too_short, None, picture);
                self.rest = Rest { bytes: rest, may_be_wrong: rest > 0 };
            }
            Step::More | Step::Broken(_) if length.is_some() && !walk.is_certainly_broken() => {
                if !is_there && !ended {
                    if let Step::Broken(resume) = step {
                        *given_up = Some(resume);
                    }
                    return false;
                }
                // The length is right if the last marker stands there: that of this picture, not of another or a thumbnail.
                let first_foreign = match step {
                    Step::Broken(resume) => Some(resume),
                    _ => walk.is_in_scan().then_some(limit),
                };
                let is_right = is_there
                    && self.buffer[..limit].ends_with(&PICTURE_END)
                    && first_foreign.is_some_and(|at| self.finder.find(&self.buffer[at..limit]).is_none());
                if is_right {
                    self.take_picture(limit, false, None, picture);
                } else {
                    *length = None;
                    self.counts.wrong_lengths += 1;
                }
            }
            Step::Broken(next) if walk.is_in_scan() && walk.is_certainly_broken() && !*is_second => {
                // Another picture begins in the data of this one: it ends where the header before that begins.
                let text = &self.buffer[next.saturating_sub(self.limits.max_header)..next];
                let (text_bytes, start) = (text.len(), part_header::before_picture(text).start);
                self.count_work(text_bytes);
                let end = next - (text_bytes - start);
                if let Some(jpeg) = self.endings.complete_picture(&self.buffer[..end], &self.limits) {
                    self.count_work(end);
                    self.take_picture(end, false, Some(jpeg), picture);
                } else {
                    if self.endings == Endings::Unknown {
                        self.endings = Endings::Lacking;
                    }
                    self.give_up(next);
                }
            }
            Step::Broken(resume) => self.give_up(resume),
            Step::More if is_there || ended => {
                let resume = walk.resume_offset();
                self.give_up(resume);
            }
            Step::More => return false,
        }
        true
    }

    /// The first `end` bytes are a picture, `completed` if they lack its last marker.
    fn take_picture(
        &mut self,
        end: usize,
        wrong_length: bool,
        completed: Option<Bytes>,
        picture: &mut impl FnMut(Bytes),
    ) {
        let sent = self.buffer.split_to(end).freeze();
        self.endings = if completed.is_some() { Endings::Lacking } else { Endings::Marked };
        self.expected = end;
        self.counts.pictures += 1;
        self.counts.completed += u64::from(completed.is_some());
        self.counts.picture_bytes += end as u64;
        self.counts.wrong_lengths += u64::from(wrong_length);
        self.state = State::Search { searched: 0 };
        picture(completed.unwrap_or(sent));
    }

    /// Nothing more of the part comes: if its length pointed behind its picture, it was wrong unless others lay there.
    fn end_part(&mut self) {
        let Rest { may_be_wrong, .. } = std::mem::take(&mut self.rest);
        self.counts.wrong_lengths += u64::from(may_be_wrong);
    }

    /// The picture is broken; the next is looked for from `resume` on.
    fn give_up(&mut self, resume: usize) {
        if let State::Picture { walk, length, is_second, .. } = &self.state {
            self.counts.broken += u64::from(walk.was_a_picture() && !is_second);
            self.counts.wrong_lengths += u64::from(length.is_some());
        }
        self.skip_bytes(resume);
        self.state = State::Search { searched: 0 };
    }

    fn skip_bytes(&mut self, bytes: usize) {
        self.rest.bytes = self.rest.bytes.saturating_sub(bytes);
        self.buffer.advance(bytes);
        self.counts.skipped_bytes += bytes as u64;
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "counted in tests only"))]
    fn count_work(&mut self, steps: usize) {
        #[cfg(test)]
        {
            self.work += steps + 1;
        }
        #[cfg(not(test))]
        let _ = steps;
    }
}

#[cfg(test)]
mod tests;
