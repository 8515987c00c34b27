//! The program that draws: found beside this one when somebody needs it, opened once, and asked for its version.
//!
//! It is started by its open file, so one that takes its place under a running server changes nothing for that server.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::answer::sanitize_words;
use crate::child::{Child, ChildError};

/// What its file is called.
pub const NAME: &str = "sightwire-draw";
/// Of what the two sides say to each other: to be raised with any change of a byte in a request or an answer.
pub const PROTOCOL: u32 = 2;

/// Where packages put it, from the folder above that of the server.
const INSTALLED: &str = "lib/sightwire";
/// Time until one who needs it looks again while it is missing.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How soon it is noticed that nobody wants it any more.
const TICK: Duration = Duration::from_millis(50);
/// It says its version within milliseconds, and on a machine that has other things to do within this.
const SAYS_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of the line with its version at most.
const MOST_SAID: usize = 200;

/// The line that it answers to `--version`. Only a program with the very same line is started by this one.
pub fn version_line() -> String {
    format!("{NAME} {} (protocol {PROTOCOL})", env!("CARGO_PKG_VERSION"))
}

/// How the program is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Its file: the first of these that is there.
    pub places: Vec<PathBuf>,
    /// Its arguments; none but in tests.
    pub args: Vec<OsString>,
}

impl Launch {
    /// From beside the program that is running, or from where packages put it.
    pub fn beside_this_program() -> Self {
        // Of a file that was replaced meanwhile the folder is still right.
        let program = std::env::current_exe().unwrap_or_default();
        Self { places: places_for(&program), args: Vec::new() }
    }
}

/// Where the program that draws for `program` may lie.
fn places_for(program: &Path) -> Vec<PathBuf> {
    let folder = program.parent();
    let beside = folder.map(|folder| folder.join(NAME));
    let installed = folder.and_then(Path::parent).map(|above| above.join(INSTALLED).join(NAME));
    beside.into_iter().chain(installed).collect()
}

/// What builds it where it is looked for first: cargo names folders by profiles.
fn build_command(places: &[PathBuf]) -> &'static str {
    let folder = places.first().and_then(|place| place.parent()?.file_name()?.to_str());
    match folder {
        Some("debug") => "cargo build -p sightwire-draw",
        Some("dist") => "cargo build --profile dist -p sightwire-draw",
        Some("demo") => "cargo build --profile demo -p sightwire-draw",
        _ => "cargo build --release -p sightwire-draw",
    }
}

/// Why nothing can be drawn for now, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum NoProgram {
    /// There is no file.
    #[error(
        "the program {NAME} is missing: {}; build it with `{}` (`cargo xtask demo` does that by itself: wait for it), or \
         install the package again", none_of(.0), build_command(.0)
    )]
    Missing(Vec<PathBuf>),
    /// It is of another version than this program.
    #[error(
        "{} is of another version than this program: it says {said:?}, not {:?}; build or install both of the same \
         version, and restart the server if it is the older one", .file.display(), version_line()
    )]
    OtherVersion {
        /// The program's file.
        file: PathBuf,
        /// The file's stamp: before that changes, the program is not asked again.
        stamp: Stamp,
        /// The version line that it wrote.
        said: String,
    },
    /// Others could have put it there.
    #[error(
        "{} is not started: it belongs to another user than this program, or everybody may write to it (`ls -l` shows who)",
        .0.display()
    )]
    Untrusted(PathBuf),
    /// It cannot be opened, cannot be started, or says nothing.
    #[error("the program {} cannot be used: {error}", .file.display())]
    Unusable {
        /// The program's file.
        file: PathBuf,
        /// The error of the operating system, or what it wrote.
        error: io::Error,
    },
}

fn none_of(places: &[PathBuf]) -> String {
    let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    if places.is_empty() {
        "where this program lies is not known".into()
    } else {
        format!("there is no {}", places.join(" and no "))
    }
}

/// What tells a file from another one in its place, and from itself after it was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

impl Stamp {
    fn from_metadata(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// The program, open, and of the right version.
#[derive(Debug)]
pub(crate) struct OpenProgram {
    path: PathBuf,
    /// Closed in whatever is started.
    file: File,
    stamp: Stamp,
}

impl OpenProgram {
    /// Where it was found. What lies there now may be another one.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What starts this very file.
    pub(crate) fn path_of_file(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }

    /// Nobody has written to the file itself, as `cp` does where packages and compilers put a new one.
    fn is_unchanged(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| Stamp::from_metadata(&metadata) == self.stamp)
    }

    /// Opens it and asks for its version, unless that was another one `before` and it is still the same file. It is not known
    /// what it says where it is too late `by` then, or nobody wants to know any more.
    fn open_file(
        path: &Path,
        before: Option<&Arc<NoProgram>>,
        by: Instant,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, NotGot> {
        let unusable = |error| NotGot::unusable_file(path, error);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(unusable(error)),
        };
        let metadata = file.metadata().map_err(unusable)?;
        if !metadata.is_file() {
            return Err(unusable(io::Error::other("it is no file")));
        }
        if !is_trusted(&metadata) {
            return Err(NotGot::Lacks(Arc::new(NoProgram::Untrusted(path.to_owned()))));
        }
        let stamp = Stamp::from_metadata(&metadata);
        if let Some(known) = before
            && matches!(&**known, NoProgram::OtherVersion { file, stamp: then, .. } if file == path && *then == stamp)
        {
            return Err(NotGot::Lacks(known.clone()));
        }
        let program = Self { path: path.to_owned(), file, stamp };
        let said = program.ask_version(by, wanted)?;
        if said == version_line() {
            Ok(Some(program))
        } else {
            Err(NotGot::Lacks(Arc::new(NoProgram::OtherVersion { file: path.to_owned(), stamp, said })))
        }
    }

    /// What it answers to `--version`, on one line.
    fn ask_version(&self, by: Instant, wanted: &dyn Fn() -> bool) -> Result<String, NotGot> {
        let unusable = |error| NotGot::unusable_file(&self.path, error);
        let child = Child::start(self, &["--version".into()]).map_err(unusable)?;
        let until = Instant::now() + SAYS_WITHIN;
        match child.read_output(MOST_SAID, until.min(by), wanted) {
            Ok(said) => Ok(sanitize_words(said.trim_ascii())),
            Err(ChildError::Crashed(how)) => Err(unusable(io::Error::other(how))),
            Err(ChildError::Memory) => Err(unusable(ErrorKind::OutOfMemory.into())),
            Err(ChildError::Unwanted) => Err(NotGot::Unwanted),
            Err(_) if by < until => Err(NotGot::Late),
            Err(_) => {
                let why = format!("it did not say its version within {} s", SAYS_WITHIN.as_secs());
                Err(unusable(io::Error::new(ErrorKind::TimedOut, why)))
            }
        }
    }
}

/// Whether it belongs to a user who could have replaced this program as well, and not everybody may write to it. A group may: that of the
/// user, where files are made with a umask of 002.
fn is_trusted(metadata: &Metadata) -> bool {
    let owner = metadata.uid();
    let own = || std::fs::metadata("/proc/self/exe").map(|own| own.uid()).ok();
    let is_ours = owner == 0 || owner == rustix::process::geteuid().as_raw() || own() == Some(owner);
    is_ours && metadata.mode() & 0o002 == 0
}

/// Why a caller did not get the program.
#[derive(Debug)]
pub(crate) enum NotGot {
    /// It is not there.
    Lacks(Arc<NoProgram>),
    /// It was still being looked for when the time was over.
    Late,
    /// Nobody wants it any more.
    Unwanted,
}

impl NotGot {
    fn unusable_file(file: &Path, error: io::Error) -> Self {
        Self::Lacks(Arc::new(NoProgram::Unusable { file: file.to_owned(), error }))
    }
}

/// The program as far as it was found. One looks at a time, without the lock; those who come meanwhile for the first time wait
/// for that, and later ones are told what the look before found.
pub(crate) struct Program {
    launch: Launch,
    known: Mutex<Known>,
    looked: Condvar,
}

#[derive(Default)]
struct Known {
    found: Option<Arc<OpenProgram>>,
    /// Why it was not found at the last look.
    lacks: Option<Arc<NoProgram>>,
    looked_at: Option<Instant>,
    is_looking: bool,
}

impl Known {
    /// Whether it is time to look.
    fn is_due(&self, now: Instant) -> bool {
        self.looked_at.is_none_or(|at| now.duration_since(at) >= LOOK_AGAIN)
    }
}

impl Program {
    pub(crate) fn new(launch: Launch) -> Arc<Self> {
        Arc::new(Self { launch, known: Mutex::default(), looked: Condvar::new() })
    }

    pub(crate) fn args(&self) -> &[OsString] {
        &self.launch.args
    }

    /// What the last look found; `None` before the first.
    pub(crate) fn last_found(&self) -> Option<Result<Arc<OpenProgram>, Arc<NoProgram>>> {
        let known = self.known.lock();
        match (&known.found, &known.lacks) {
            (Some(found), _) => Some(Ok(found.clone())),
            (None, Some(lacks)) => Some(Err(lacks.clone())),
            (None, None) => None,
        }
    }

    /// The program; looks for it if that was not done for a while. Blocks.
    pub(crate) fn get(&self, by: Instant, wanted: &dyn Fn() -> bool) -> Result<Arc<OpenProgram>, NotGot> {
        let mut known = self.known.lock();
        loop {
            if let Some(found) = &known.found {
                if found.is_unchanged() {
                    return Ok(found.clone());
                }
                *known = Known { is_looking: known.is_looking, ..Known::default() };
            }
            let now = Instant::now();
            match &known.lacks {
                Some(lacks) if known.is_looking || !known.is_due(now) => {
                    return Err(NotGot::Lacks(lacks.clone()));
                }
                None if known.is_looking => {
                    if now >= by {
                        return Err(NotGot::Late);
                    }
                    if !wanted() {
                        return Err(NotGot::Unwanted);
                    }
                    self.looked.wait_until(&mut known, by.min(now + TICK));
                    continue;
                }
                _ => {}
            }
            known.is_looking = true;
            let before = known.lacks.clone();
            drop(known);
            let mut looking = Looking { program: self, found: None };
            match self.find_program(before.as_ref(), by, wanted) {
                Ok(found) => looking.found = Some(Ok(found)),
                Err(NotGot::Lacks(lacks)) => looking.found = Some(Err(lacks)),
                // Nothing has come of it: the next caller that waits looks.
                Err(other) => return Err(other),
            }
            drop(looking);
            known = self.known.lock();
        }
    }

    fn find_program(
        &self,
        before: Option<&Arc<NoProgram>>,
        by: Instant,
        wanted: &dyn Fn() -> bool,
    ) -> Result<OpenProgram, NotGot> {
        for place in &self.launch.places {
            if let Some(program) = OpenProgram::open_file(place, before, by, wanted)? {
                return Ok(program);
            }
        }
        Err(NotGot::Lacks(Arc::new(NoProgram::Missing(self.launch.places.clone()))))
    }
}

/// Somebody looks; whatever comes of it, others may look afterwards.
struct Looking<'a> {
    program: &'a Program,
    found: Option<Result<OpenProgram, Arc<NoProgram>>>,
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        let mut known = self.program.known.lock();
        match self.found.take() {
            Some(Ok(found)) => (known.found, known.lacks) = (Some(Arc::new(found)), None),
            Some(Err(lacks)) => (known.found, known.lacks) = (None, Some(lacks)),
            None => {}
        }
        known.looked_at = Some(Instant::now());
        known.is_looking = false;
        self.program.looked.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use sightwire_frame::still::StillFormat;

    use super::*;
    use crate::PageHeader;
    use crate::answer::{Refusal, encode_answer, page_head};
    use crate::request::{Request, What};

    #[test]
    fn who_misses_it_reads_what_builds_it_beside_their_own_server() {
        let cure = |program: &str| NoProgram::Missing(places_for(Path::new(program))).to_string();
        assert!(cure("/s/target/demo/sightwire").contains("`cargo build --profile demo -p sightwire-draw`"));
        assert!(cure("/s/target/release/sightwire").contains("`cargo build --release -p sightwire-draw`"));
        assert!(cure("/s/target/dist/sightwire").contains("`cargo build --profile dist -p sightwire-draw`"));
        assert!(cure("/s/target/debug/sightwire").contains("`cargo build -p sightwire-draw`"));
        assert!(cure("/usr/bin/sightwire").contains("install the package again"));
    }

    #[test]
    fn it_lies_beside_the_server_or_where_packages_put_it() {
        let places = |program: &str| places_for(Path::new(program));
        assert_eq!(
            places("/usr/bin/sightwire"),
            ["/usr/bin/sightwire-draw", "/usr/lib/sightwire/sightwire-draw"].map(PathBuf::from)
        );
        // As the kernel tells the name of a file that was replaced.
        let replaced = places("/home/ann/.cargo/bin/sightwire (deleted)");
        assert_eq!(replaced[0], Path::new("/home/ann/.cargo/bin/sightwire-draw"));
        assert_eq!(places("/sightwire"), [PathBuf::from("/sightwire-draw")]);
        assert_eq!(places(""), [""; 0].map(PathBuf::from));
    }

    #[test]
    fn while_it_is_missing_it_is_looked_for_every_few_seconds_and_not_by_everybody_who_comes() {
        let program = Program::new(Launch { places: vec!["/nowhere/at-all".into()], args: Vec::new() });
        assert!(program.last_found().is_none() && program.known.lock().is_due(Instant::now()));
        let got = program.get(Instant::now(), &|| true);
        assert!(matches!(got, Err(NotGot::Lacks(_))), "{got:?}");
        let known = program.known.lock();
        let looked_at = known.looked_at.unwrap();
        assert!(!known.is_looking && !known.is_due(looked_at + Duration::from_millis(1_999)));
        assert!(known.is_due(looked_at + Duration::from_secs(2)));
    }

    #[test]
    fn whoever_comes_while_it_is_looked_for_waits_as_long_as_it_is_wanted_or_has_what_was_known() {
        let program = Program::new(Launch { places: Vec::new(), args: Vec::new() });
        program.known.lock().is_looking = true;
        let later = Instant::now() + Duration::from_secs(60);
        assert!(matches!(program.get(Instant::now(), &|| true), Err(NotGot::Late)));
        assert!(matches!(program.get(later, &|| false), Err(NotGot::Unwanted)));
        program.known.lock().lacks = Some(Arc::new(NoProgram::Missing(Vec::new())));
        assert!(matches!(program.get(later, &|| true), Err(NotGot::Lacks(_))));
    }

    #[test]
    fn a_program_that_never_says_its_version_keeps_nobody_longer_than_they_want() {
        let program = Program::new(Launch { places: vec!["/usr/bin/yes".into()], args: Vec::new() });
        // It is not this test's to say what `yes --version` answers: nobody waits for that.
        let later = Instant::now() + Duration::from_secs(60);
        assert!(matches!(program.get(Instant::now(), &|| true), Err(NotGot::Late)));
        assert!(matches!(program.get(later, &|| false), Err(NotGot::Unwanted)));
        assert!(program.last_found().is_none() && !program.known.lock().is_looking);
    }

    #[test]
    fn the_number_of_the_protocol_is_that_of_these_bytes() {
        // To be raised when they change.
        assert_eq!(PROTOCOL, 2);
        let request = Request {
            what: What::Page { page: 2, size: (3, 4) },
            format: StillFormat::Heic,
            bytes: 5,
            max_pixels: 6,
            max_side: 7,
            max_pages: 8,
            memory: 9,
            cpu_s: 10,
        };
        let small = [2_u32, 3, 4, 2, 7, 8].map(u32::to_le_bytes).concat();
        let large = [5_u64, 6, 9, 10].map(u64::to_le_bytes).concat();
        assert_eq!(request.encode()[..], [&b"sw-draw1"[..], &small, &large].concat());
        let page = PageHeader { size: (1, 2), has_text: true, is_reduced: true, is_cut_off: false };
        let header = [&[1][..], &[1, 0, 0, 0], &[0; 4], &[1, 0, 0, 0], &[2, 0, 0, 0], &[3]].concat();
        assert_eq!(encode_answer(&Ok(vec![page])), header);
        assert_eq!(encode_answer(&Err(Refusal::NoPage(9))), [3, 4, 0, 0, 0, 9, 0, 0, 0]);
        let too_much = encode_answer(&Err(Refusal::TooMuch("x".into())));
        assert_eq!(too_much, [&[3, 6, 0, 0, 0, 0, 0, 0, 0][..], b"x"].concat());
        let damaged = encode_answer(&Err(Refusal::Damaged("no trailer".into())));
        assert_eq!(damaged, [&[3, 0, 0, 0, 0, 0, 0, 0, 0][..], b"no trailer"].concat());
        assert_eq!(page_head((1, 2)), [2, 1, 0, 0, 0, 2, 0, 0, 0]);
    }
}
