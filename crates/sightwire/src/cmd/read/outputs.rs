//! Where results go: stdout, one after another, or a file for each picture.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use sightwire_ocr::Times;
use sightwire_reading::output::{Document, Format, Pdf, Style, annotate_image};

use super::reader::{Failure, TextReader};
use crate::print::Printer;
use sightwire_jobs::inputs::{Input, Inputs};

/// As for any file that a program makes: the user's umask decides.
const MODE: u32 = 0o666;

/// What is written of a picture.
pub struct Rendered {
    /// A file each; one, except of an annotated picture with several pages.
    pub parts: Vec<Vec<u8>>,
    /// Lines of text in it.
    pub lines: usize,
    /// Lines of text in it that were found and left out.
    pub left_out: usize,
    /// What is to be said of it.
    pub notes: Vec<String>,
}

/// Makes results out of pictures.
#[derive(Clone, Copy)]
pub struct Renderer {
    pub format: Format,
    pub style: Style,
    /// Whether how long something took is left at 0.
    pub no_times: bool,
}

impl Renderer {
    /// Reads a picture and puts what it says into the format.
    pub fn read_and_render(self, reader: &TextReader, input: &Input) -> Result<Rendered, Failure> {
        let (mut parts, mut pdf) = (Vec::new(), Pdf::default());
        let document = reader.read_file(&input.name, input.path.as_deref(), |bytes, image, page| {
            match self.format {
                Format::Annotated => parts.push(annotate_image(&mut image.clone(), &page.regions)?),
                Format::Pdf => pdf.push(bytes, page, image),
                Format::Text
                | Format::Json
                | Format::Csv
                | Format::Hocr
                | Format::SubmissionCsv
                | Format::SubmissionJson => {}
            }
            Ok(())
        })?;
        if self.format == Format::Pdf {
            parts.push(pdf.finish(document.file.as_deref()));
        }
        let rendered = self.render(document, input);
        Ok(if parts.is_empty() { rendered } else { Rendered { parts, ..rendered } })
    }

    /// Puts what was read into the format, if that shows nothing of the picture; else there are no parts.
    pub fn render(self, mut document: Document, input: &Input) -> Rendered {
        if self.no_times {
            document.times = Times::default();
        }
        let part = match self.format {
            Format::Annotated | Format::Pdf => None,
            Format::Text => Some((document.to_text(self.style.layout) + "\n").into_bytes()),
            Format::Json => Some((document.to_json(self.style) + "\n").into_bytes()),
            Format::Csv => Some(document.to_csv().into_bytes()),
            Format::SubmissionCsv | Format::SubmissionJson => {
                Some(self.submission_row(Some(&document), input))
            }
            Format::Hocr => Some(document.to_hocr().into_bytes()),
        };
        let left_out = document.pages.iter().map(|page| page.left_out).sum();
        let parts = part.into_iter().collect();
        Rendered { parts, lines: document.regions().count(), left_out, notes: document.notes() }
    }

    /// What a submission has of a file.
    fn submission_row(self, document: Option<&Document>, input: &Input) -> Vec<u8> {
        Document::submission(document, &input.place.to_string_lossy(), self.format, self.style).into_bytes()
    }
}

/// Writes results in one format, to stdout or into a folder.
pub struct Outputs {
    render: Renderer,
    to: To,
}

enum To {
    Stdout { titles: bool, begun: bool },
    Folder(Box<Folder>),
}

struct Folder {
    root: PathBuf,
    places: Places,
    /// What is read, so that none of it is overwritten.
    inputs: Inputs,
}

/// Names below the folder of results, each given once in a run. Pictures get theirs in their order, so that another run
/// gives them the same. Only hashes are kept.
#[derive(Clone)]
pub struct Places {
    format: Format,
    taken: Rc<RefCell<HashSet<u64>>>,
}

/// A mistake of the command line.
#[derive(Debug, thiserror::Error)]
pub enum OutputsError {
    /// The folder of `--out`.
    #[error("the folder {} cannot be made: {error}", .folder.display())]
    Folder { folder: PathBuf, error: io::Error },
    /// Several pictures, and a format whose results cannot follow each other.
    #[error("--format {0} gives a file for each picture: choose a folder for them with --out")]
    NoFolder(Format),
    /// A folder for what is one file.
    #[error("--format {0} is one file for all pictures: leave out --out, and redirect stdout to it")]
    OneFile(Format),
}

impl Outputs {
    /// Makes the folder if there is none.
    pub fn new(render: Renderer, out: Option<&Path>, inputs: &Inputs) -> Result<Self, OutputsError> {
        let format = render.format;
        let to = match out {
            Some(_) if format.is_submission() => return Err(OutputsError::OneFile(format)),
            Some(root) => {
                fs::create_dir_all(root)
                    .map_err(|error| OutputsError::Folder { folder: root.to_owned(), error })?;
                let places = Places { format, taken: Rc::default() };
                let folder = Folder { root: root.to_owned(), places, inputs: inputs.again() };
                To::Folder(Box::new(folder))
            }
            None if matches!(format, Format::Hocr | Format::Pdf | Format::Annotated)
                && !inputs.is_single() =>
            {
                return Err(OutputsError::NoFolder(format));
            }
            None => To::Stdout { titles: !inputs.is_single(), begun: false },
        };
        Ok(Self { render, to })
    }

    /// Gives pictures their places among the results, where those are files.
    pub fn places(&self) -> Option<Places> {
        match &self.to {
            To::Stdout { .. } => None,
            To::Folder(folder) => Some(folder.places.clone()),
        }
    }

    /// Whether results have to come in the order of the pictures.
    pub fn is_ordered(&self) -> bool {
        matches!(self.to, To::Stdout { .. })
    }

    /// Writes what a picture says. The inner error is of that picture alone; the outer one ends the run.
    pub fn write(
        &mut self,
        printer: &Printer,
        input: &Input,
        rendered: &Rendered,
    ) -> io::Result<Result<(), Failure>> {
        let Renderer { format, style, .. } = self.render;
        let frame = format.frame(style);
        match &mut self.to {
            To::Stdout { titles, begun } => {
                let [part] = &rendered.parts[..] else {
                    return Ok(Err(Failure::Pages(rendered.parts.len())));
                };
                let mut out = printer.out();
                if format == Format::Text && *titles {
                    let gap = if *begun { "\n" } else { "" };
                    writeln!(out, "{gap}==> {} <==", input.name)?;
                } else {
                    let before = if *begun { frame.between } else { frame.head };
                    out.write_all(before.as_bytes())?;
                }
                *begun = true;
                out.write_all(part)?;
                out.flush()?;
                Ok(Ok(()))
            }
            To::Folder(folder) => Ok(folder.write(input, rendered, frame.head)),
        }
    }

    /// Writes what there is to be written of a picture that was not read.
    pub fn write_failed(&mut self, printer: &Printer, input: &Input) -> io::Result<()> {
        if !self.render.format.is_submission() {
            return Ok(());
        }
        let parts = vec![self.render.submission_row(None, input)];
        let empty = Rendered { parts, lines: 0, left_out: 0, notes: Vec::new() };
        self.write(printer, input, &empty).map(|_| ())
    }

    /// Writes what stands after all results.
    pub fn end(self, printer: &Printer) -> io::Result<()> {
        let frame = self.render.format.frame(self.render.style);
        if let To::Stdout { begun, .. } = self.to
            && !frame.tail.is_empty()
        {
            let mut out = printer.out();
            let head = if begun { "" } else { frame.head };
            write!(out, "{head}{}", frame.tail)?;
            out.flush()?;
        }
        Ok(())
    }
}

impl Folder {
    fn write(&self, input: &Input, rendered: &Rendered, header: &str) -> Result<(), Failure> {
        let place = |page| self.root.join(self.places.of_page(&input.place, page));
        let places: Vec<PathBuf> = (1..=rendered.parts.len()).map(place).collect();
        let is_taken = |place: &&PathBuf| place.symlink_metadata().is_ok() && self.inputs.is_read(place);
        if let Some(taken) = places.iter().find(is_taken) {
            return Err(Failure::Taken(taken.clone()));
        }
        // The first page last: where it is, a run that is resumed takes the picture for read.
        for (place, part) in places.into_iter().zip(&rendered.parts).rev() {
            save_file(&place, &[header.as_bytes(), part]).map_err(Failure::Unwritten)?;
        }
        Ok(())
    }
}

impl Places {
    /// The name of a picture's result, or of its first page's: `a.txt`, else `a.jpg.txt`, else `a.jpg-2.txt`.
    pub fn result_path(&self, place: &Path) -> PathBuf {
        // `..` in what was named must not lead out of the folder.
        let parts = place.components().filter(|part| matches!(part, Component::Normal(_)));
        let place: PathBuf = parts.collect();
        let short = place.with_extension("");
        let numbered = (2..).map(|number| append_suffix(&place, &format!("-{number}")));
        self.free_path([short, place.clone()].into_iter().chain(numbered))
    }

    /// The name of a later page beside that of the first: `a-page2.png`.
    fn of_page(&self, first: &Path, page: usize) -> PathBuf {
        if page == 1 {
            return first.to_owned();
        }
        let stem = append_suffix(&first.with_extension(""), &format!("-page{page}"));
        let numbered = (2..).map(|number| append_suffix(&stem, &format!("-{number}")));
        self.free_path(std::iter::once(stem.clone()).chain(numbered))
    }

    /// The first that nobody has yet.
    fn free_path(&self, stems: impl Iterator<Item = PathBuf>) -> PathBuf {
        let mut taken = self.taken.borrow_mut();
        let mut names = stems.map(|stem| append_suffix(&stem, &format!(".{}", self.format.extension())));
        let is_free = |name: &PathBuf| {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            taken.insert(hasher.finish())
        };
        // Numbers do not end.
        names.find(is_free).unwrap_or_default()
    }
}

/// Whether there is a result below `out` that is not older than the picture, and none of the pictures that were `named`.
pub fn was_read(input: &Input, out: &Path, named: &Inputs) -> bool {
    let written = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    let picture = input.modified.or_else(|| written(input.path.as_deref()?).ok());
    match (written(&out.join(&input.place)), picture) {
        (Ok(result), Some(picture)) => result >= picture && !named.is_read(&out.join(&input.place)),
        _ => false,
    }
}

fn append_suffix(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// Writes a file whole or not at all; what stood in its place is replaced.
fn save_file(place: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".sightwire-").permissions(fs::Permissions::from_mode(MODE));
    let mut file = builder.tempfile_in(folder)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.persist(place)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn rendered(text: &str) -> Rendered {
        Rendered { parts: vec![text.into()], lines: 1, left_out: 0, notes: Vec::new() }
    }

    fn of(format: Format) -> Renderer {
        Renderer { format, style: Style::default(), no_times: false }
    }

    fn first(inputs: &Inputs, outputs: &Outputs) -> Input {
        let input = inputs.again().next().unwrap().unwrap();
        Input { place: outputs.places().unwrap().result_path(&input.place), ..input }
    }

    #[test]
    fn names_are_kept_apart_and_stay_in_the_folder() {
        let places = Places { format: Format::Text, taken: Rc::default() };
        let place = |name: &str| places.result_path(Path::new(name)).display().to_string();
        assert_eq!(place("sub/a.jpg"), "sub/a.txt");
        assert_eq!(place("sub/a.png"), "sub/a.png.txt");
        assert_eq!(place("sub/a.png"), "sub/a.png-2.txt");
        assert_eq!(place("sub/a.png"), "sub/a.png-3.txt");
        assert_eq!(place("a.jpg"), "a.txt");
        assert_eq!(place("../../x.jpg"), "x.txt");
        assert_eq!(place("v1.2.tar.gif"), "v1.2.tar.txt");
        let page = |page| places.of_page(Path::new("a.txt"), page).display().to_string();
        assert_eq!((page(1), page(2)), ("a.txt".into(), "a-page2.txt".into()));
        assert_eq!(place("a-page2.gif"), "a-page2.gif.txt");
    }

    #[test]
    fn a_result_never_takes_the_place_of_a_picture() {
        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("a.png");
        fs::write(&picture, b"pixels").unwrap();
        let inputs = Inputs::new(std::slice::from_ref(&picture), Some(folder.path())).unwrap();
        let mut outputs = Outputs::new(of(Format::Annotated), Some(folder.path()), &inputs).unwrap();
        let input = first(&inputs, &outputs);
        let drawn = rendered("drawn");
        let refused = outputs.write(&Printer::of_process(), &input, &drawn).unwrap().unwrap_err().to_string();
        assert!(refused.contains("a.png") && refused.contains("--out"), "{refused}");
        assert_eq!(fs::read(&picture).unwrap(), b"pixels");
    }

    #[test]
    fn of_a_file_whose_first_page_has_no_place_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.pdf");
        fs::write(&file, b"pages").unwrap();
        fs::write(folder.path().join("a.png"), b"pixels").unwrap();
        let inputs = Inputs::new(&[folder.path().to_owned()], Some(folder.path())).unwrap();
        let mut outputs = Outputs::new(of(Format::Annotated), Some(folder.path()), &inputs).unwrap();
        let place = outputs.places().unwrap().result_path(Path::new("a.pdf"));
        let input = Input { name: "a.pdf".into(), path: Some(file), place, modified: None };
        let two = Rendered { parts: vec![b"one".to_vec(), b"two".to_vec()], ..rendered("") };
        outputs.write(&Printer::of_process(), &input, &two).unwrap().unwrap_err();
        assert!(!folder.path().join("a-page2.png").exists());
    }

    #[test]
    fn a_second_run_replaces_the_results_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("a.png");
        fs::write(&picture, b"pixels").unwrap();
        let out = folder.path().join("out");
        for text in ["first, which is longer", "second"] {
            let inputs = Inputs::new(&[folder.path().to_owned()], Some(&out)).unwrap();
            let mut outputs = Outputs::new(of(Format::Annotated), Some(&out), &inputs).unwrap();
            let input = first(&inputs, &outputs);
            let drawn = rendered(text);
            outputs.write(&Printer::of_process(), &input, &drawn).unwrap().unwrap();
        }
        assert_eq!(fs::read_to_string(out.join("a.png")).unwrap(), "second");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    }

    #[test]
    fn a_result_that_is_older_than_its_picture_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (picture, out) = (folder.path().join("a.png"), folder.path().join("out"));
        let (name, place) = ("a.png".into(), "a.txt".into());
        let input = Input { name, path: Some(picture.clone()), place, modified: None };
        fs::write(&picture, b"pixels").unwrap();
        let named = Inputs::new(std::slice::from_ref(&picture), Some(&out)).unwrap();
        assert!(!was_read(&input, &out, &named));
        save_file(&out.join("a.txt"), &[b"text"]).unwrap();
        assert!(was_read(&input, &out, &named));
        // The picture itself is not a result.
        let itself = Input { place: "a.png".into(), ..input.clone() };
        assert!(!was_read(&itself, folder.path(), &named));
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
        File::options().append(true).open(&picture).unwrap().set_modified(later).unwrap();
        assert!(!was_read(&input, &out, &named));
        // An object says itself when it was written.
        let object = Input { path: Some("s3://scans/a.png".into()), modified: Some(later), ..input.clone() };
        assert!(!was_read(&object, &out, &named));
        assert!(was_read(&Input { modified: Some(std::time::UNIX_EPOCH), ..object }, &out, &named));
        // Of stdin nobody knows.
        assert!(!was_read(&Input { path: None, ..input }, &out, &named));
    }

    #[test]
    fn the_first_page_is_written_when_the_others_are() {
        let folder = tempfile::tempdir().unwrap();
        let (picture, out) = (folder.path().join("a.tiff"), folder.path().join("out"));
        fs::write(&picture, b"pixels").unwrap();
        let inputs = Inputs::new(std::slice::from_ref(&picture), Some(&out)).unwrap();
        let mut outputs = Outputs::new(of(Format::Annotated), Some(&out), &inputs).unwrap();
        let input = first(&inputs, &outputs);
        let two = Rendered { parts: vec![b"one".to_vec(), b"two".to_vec()], ..rendered("") };
        // Nothing can be written there.
        fs::create_dir_all(out.join("a-page2.png/folder")).unwrap();
        outputs.write(&Printer::of_process(), &input, &two).unwrap().unwrap_err();
        assert!(!was_read(&input, &out, &inputs));
    }

    #[test]
    fn a_submission_is_one_file() {
        let inputs = Inputs::new(&["a.png".into(), "b.png".into()], None).unwrap();
        assert!(Outputs::new(of(Format::SubmissionJson), None, &inputs).is_ok());
        let refused = Outputs::new(of(Format::SubmissionJson), Some(Path::new("out")), &inputs);
        assert!(refused.err().unwrap().to_string().contains("leave out --out"));
    }

    #[test]
    fn formats_with_a_file_each_ask_for_a_folder() {
        let inputs = Inputs::new(&["a.png".into(), "b.png".into()], None).unwrap();
        let refused = Outputs::new(of(Format::Hocr), None, &inputs).err().unwrap().to_string();
        assert!(refused.contains("--out"), "{refused}");
        assert!(Outputs::new(of(Format::Json), None, &inputs).is_ok());
    }
}
