//! Where the program is found that draws, when it is not, and what becomes of one that is replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/pdf.rs"]
mod pdf;
#[path = "support/test_child.rs"]
mod test_child;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sightwire_documents::patience::Patience;
use sightwire_documents::program::{Launch, NAME, version_line};
use sightwire_documents::{Drawing, Pages};
use sightwire_frame::still::{StillError, StillLimits};

const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that no other test has, on the disk of what is linked into it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// The program, which is of the version that `kind` says, ready to be moved to where it is looked for.
    fn made(&self, kind: &str) -> PathBuf {
        let folder = self.0.join(kind);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(NAME);
        fs::hard_link(test_child::file(), &file).unwrap();
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// By the child of tests, which is told to draw.
fn pages_by(places: &[&Path]) -> Pages {
    pages_with(places, &["draw"])
}

fn pages_with(places: &[&Path], args: &[&str]) -> Pages {
    let places = places.iter().map(|&place| place.to_owned()).collect();
    Pages::new(Launch { places, args: args.iter().map(Into::into).collect() }, 2)
}

fn read(pages: &Pages) -> Result<usize, StillError> {
    let file = pdf::pdf((72.0, 72.0), &["0 0 9 9 re f", ""]);
    pages
        .probe(&file, &StillLimits::default(), Patience::with_limit(PATIENCE))
        .map(|header| header.pages.len())
}

fn refused(pages: &Pages) -> String {
    let error = read(pages).unwrap_err();
    assert!(error.waits_for_drawing(), "{error}");
    error.to_string()
}

/// Until the file is read; a program that was not there is looked for again only after a while.
fn read_at_last(pages: &Pages) {
    let begun = Instant::now();
    while let Err(error) = read(pages) {
        assert!(error.waits_for_drawing() && begun.elapsed() < PATIENCE, "{error}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_program_says_its_version_and_does_nothing_else_for_people() {
    let run = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_sightwire-draw")).args(args).output().unwrap();
    let version = run(&["--version"]);
    assert_eq!(String::from_utf8(version.stdout).unwrap(), format!("{}\n", version_line()));
    for args in [&["--help"][..], &[]] {
        let refused = run(args);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && said.contains("started by sightwire itself"), "{said}");
    }
}

#[test]
fn a_program_that_is_missing_is_named_with_what_to_do_and_found_once_it_is_there() {
    let folder = Folder::new("missing");
    let (beside, installed) = (folder.0.join(NAME), folder.0.join("lib").join(NAME));
    let pages = pages_by(&[&beside, &installed]);
    assert!(matches!(pages.drawing(), Drawing::Unknown));
    let said = refused(&pages);
    assert!(
        said.starts_with("the PDF cannot be read yet: the program sightwire-draw is missing: "),
        "{said}"
    );
    let named = format!("there is no {} and no {}; ", beside.display(), installed.display());
    assert!(said.contains(&named) && said.contains("cargo build") && said.contains("install"), "{said}");
    assert!(matches!(pages.drawing(), Drawing::Lacking(_)));

    fs::create_dir_all(installed.parent().unwrap()).unwrap();
    fs::rename(folder.made("whole"), &installed).unwrap();
    read_at_last(&pages);
    assert!(matches!(pages.drawing(), Drawing::Ready(file) if file == installed));
}

#[test]
fn a_program_of_another_version_is_refused_until_the_right_one_takes_its_place() {
    let folder = Folder::new("versions");
    let older = folder.made("older");
    let pages = pages_with(&[&older], &[]);
    let said = refused(&pages);
    for part in [
        &older.display().to_string(),
        "is of another version than this program",
        "\"sightwire-draw 0.0.9 (protocol 0)\"",
        &format!("{:?}", version_line()),
        "build or install both",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // A hard link takes the name of the folder that it was found in: the right one has to be another file.
    let right = older.with_extension("right");
    fs::copy(env!("CARGO_BIN_EXE_sightwire-draw"), &right).unwrap();
    fs::rename(&right, &older).unwrap();
    read_at_last(&pages);
}

#[test]
fn a_program_that_dies_before_it_says_its_version_is_told_by_its_end_and_asked_again() {
    let folder = Folder::new("dies");
    let sick = folder.made("sick");
    let pages = pages_by(&[&sick]);
    let said = refused(&pages);
    assert!(
        said.contains(&format!("the program {} cannot be used: it ended by SIGABRT", sick.display())),
        "{said}"
    );
    // The very same file says it later.
    fs::write(sick.with_extension("healed"), "").unwrap();
    read_at_last(&pages);
}

#[test]
fn a_program_that_everybody_may_write_to_is_not_started() {
    let folder = Folder::new("trust");
    let place = folder.0.join(NAME);
    fs::copy(env!("CARGO_BIN_EXE_sightwire-draw"), &place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o757)).unwrap();
    let said = refused(&pages_by(&[&place]));
    assert!(said.contains(&format!("{} is not started: ", place.display())), "{said}");
}

#[test]
fn what_cannot_be_started_is_told_with_the_system_s_own_reason() {
    let folder = Folder::new("text");
    let place = folder.0.join(NAME);
    fs::write(&place, "no program").unwrap();
    let said = refused(&pages_by(&[&place]));
    assert!(
        said.contains(&format!("the program {} cannot be used: Permission denied", place.display())),
        "{said}"
    );
    let said = refused(&pages_by(&[&folder.0]));
    assert!(said.ends_with("cannot be used: it is no file"), "{said}");
}

#[test]
fn a_program_that_is_replaced_or_removed_stays_the_one_that_was_found() {
    let folder = Folder::new("replaced");
    let place = folder.made("place");
    let pages = pages_by(&[&place]);
    read(&pages).unwrap();
    // As packages and compilers do it: another file takes the name.
    fs::write(folder.0.join("new"), "no program").unwrap();
    fs::rename(folder.0.join("new"), &place).unwrap();
    assert_eq!(read(&pages), Ok(2));
    fs::remove_file(&place).unwrap();
    assert_eq!(read(&pages), Ok(2));
    assert!(refused(&pages_by(&[&place])).contains("is missing"), "not for others");
}

#[test]
fn a_program_whose_very_file_is_written_to_is_asked_again() {
    let folder = Folder::new("written");
    let place = folder.0.join(NAME);
    fs::copy(env!("CARGO_BIN_EXE_sightwire-draw"), &place).unwrap();
    let pages = pages_with(&[&place], &[]);
    read_at_last(&pages);
    fs::write(&place, "no program").unwrap();
    refused(&pages);
}

#[test]
fn those_who_come_while_the_first_one_looks_wait_for_what_it_finds() {
    let pages = pages_by(&[&test_child::file()]);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..8).map(|_| scope.spawn(|| read(&pages))).collect();
        for reader in readers {
            assert_eq!(reader.join().unwrap(), Ok(2));
        }
    });
}
