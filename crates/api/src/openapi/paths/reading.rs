//! Text in pictures, one by one and in batches.

use super::Table;
use crate::openapi::operation::{Entry, Header};
use crate::read;

pub(super) const FOREIGN: &str = "This caller, or a page of this origin, may not have text read";
const NO_BATCH: &str = "There is no such batch for this caller, or its time was over";
const NO_FILE: &str = "There is no such batch for this caller, or no such file in it";
const NOT_KEPT: &str = "The picture is not kept any more";
pub(super) const OPTION: &str = "A parameter is not what it can be; the `detail` names it";
/// Media type of `submission-json`.
const SUBMISSION: &str = "application/vnd.sightwire.submission+json";
const CONFIDENCE: &str = "Submissions also have how sure their lines are";
pub(super) const FORMATS: [&str; 6] = ["json", "csv", "text", "hocr", "submission-csv", "submission-json"];
const FORMATS_AND_PICTURE: [&str; 8] =
    ["json", "csv", "text", "hocr", "pdf", "annotated", "submission-csv", "submission-json"];

const LAYOUTS: [&str; 3] = ["lines", "rows", "blocks"];
const LAYOUT: &str =
    "How `text` puts lines together, `rows` by default: what stands side by side is one of its lines";

const OF_BATCH: [(&str, &str); 7] = [
    ("get", "/api/v1/jobs/{id}"),
    ("delete", "/api/v1/jobs/{id}"),
    ("get", "/api/v1/jobs/{id}/files"),
    ("get", "/api/v1/jobs/{id}/export"),
    ("get", "/api/v1/jobs/{id}/files/{index}"),
    ("get", "/api/v1/jobs/{id}/files/{index}/picture"),
    ("post", "/api/v1/jobs/{id}/files/{index}/read"),
];

pub fn describe_reading(table: &mut Table<'_>) {
    (table.tag, table.role) = ("reading", "streamer");
    table.post("/api/v1/read", "Reads the text of one picture", |post| {
        let post = unread(options(post).takes_pictures());
        let post = post.one_of("format", &FORMATS_AND_PICTURE, "`json` by default");
        document(post.whole("page", 1..=1_000_000, "Of `annotated`, of a picture that has several"))
            .sends("image/png")
            .sends("application/pdf")
            .fails("413", "The picture has more bytes, pixels or pages than are taken (`reader.max_…`)")
            .fails("415", "What was sent is no picture of a known format")
    });
    batches(table);
    files(table);
}

/// Why there is no text.
fn unread(entry: Entry<'_>) -> Entry<'_> {
    entry
        .fails("403", FOREIGN)
        .fails(
            "422",
            "The picture is broken or missing, the model unknown, or a parameter not what it can be",
        )
        .fails("429", "Too many pictures wait to be read, or too many requests")
        .fails("500", "The model failed")
        .fails(
            "503",
            "The model is being fetched or cannot be had, the program that draws such files is missing, or the memory is used up",
        )
        .fails("504", "The picture was not read in time (`reader.deadline_s`)")
}

/// Adds how an answer is put together.
pub(super) fn styled(entry: Entry<'_>) -> Entry<'_> {
    entry
        .one_of("layout", &LAYOUTS, LAYOUT)
        .flag("characters", "Also the confidence of each character")
        .flag("words", "Also the words of each line, with their places")
        .flag("confidence", CONFIDENCE)
}

/// All that was read, as one file.
pub(super) fn exported(entry: Entry<'_>) -> Entry<'_> {
    entry
        .number("min_confidence", 0.0..=1.0, "Lines of less confidence are left out")
        .sends("application/x-ndjson")
        .sends("text/csv")
        .sends(SUBMISSION)
        .sends("text/plain")
        .sends("application/zip")
        .tells("200", "Content-Disposition", Header::text("A name for the file"))
        .fails("422", OPTION)
}

/// What was read, in whatever format.
pub(super) fn document(entry: Entry<'_>) -> Entry<'_> {
    styled(entry)
        .answers::<read::Document>()
        .sends("text/csv")
        .sends(SUBMISSION)
        .sends("text/plain")
        .sends("application/xhtml+xml")
        .tells("200", "X-Sightwire-Notes", Header::text("Names parameters that have no effect"))
        .tells(
            "200",
            "Content-Disposition",
            Header::text("The name of the picture, with the format's ending"),
        )
}

fn batches(table: &mut Table<'_>) {
    fn id(entry: Entry<'_>) -> Entry<'_> {
        entry
            .part::<String>("id", "Of the batch", "b1f3c2d4e5a69788")
            .fails("403", FOREIGN)
            .fails("404", NO_BATCH)
    }
    table.get("/api/v1/jobs", "All batches, the newest first", |get| {
        get.answers::<read::Jobs>().fails("403", FOREIGN)
    });
    table.post("/api/v1/jobs", "Reads the text of many pictures", |post| {
        options(post)
            .whole("keep", 0..=20, "Of so many files the pictures are kept for the page")
            .takes_files()
            .answers_with::<read::Job>("201", "It has begun")
            .leads("201", "id", "$response.body#/id", &OF_BATCH)
            .tells("201", "Location", Header::text("Path of the batch"))
            .fails("403", FOREIGN)
            .fails("413", "The batch has more bytes, files or zips than are taken (`reader.max_job_…`)")
            .fails("415", "What was sent is no form")
            .fails(
                "422",
                "The form is broken or has no file, the model is unknown, or a parameter not what it can be",
            )
            .fails("429", "Too many batches are running, or too many requests")
            .fails("500", "The files could not be kept")
            .fails(
                "503",
                "The model is being fetched or cannot be had, the memory is used up, or another server has the folder of batches",
            )
            .fails("507", "The disk is full")
    });
    table.get("/api/v1/jobs/{id}", "A batch", |get| id(get).answers::<read::Job>());
    table.delete("/api/v1/jobs/{id}", "Ends a batch, and removes it where it has ended", |delete| {
        id(delete).ends("204", "Done")
    });
    table.get("/api/v1/jobs/{id}/files", "Files of a batch", |get| {
        id(get)
            .whole("offset", 0..=u64::MAX, "The first of them, from 0")
            .whole("limit", 1..=1000, "How many; 500 by default")
            .answers::<read::JobFiles>()
            .fails("422", OPTION)
    });
    table.get(
        "/api/v1/jobs/{id}/events",
        "What becomes of a batch: `job` and `end` with a `Job`, `file` with a `JobFile`",
        |get| {
            id(get)
                .whole("after", 0..=u64::MAX, "Files that are known already")
                .header("Last-Event-ID", "The same, as browsers say it")
                .streams::<read::JobEvent>()
                .fails("422", OPTION)
                .fails("429", "Too many listen to this batch, or too many requests")
        },
    );
    table.get("/api/v1/jobs/{id}/export", "All that was read, a file of lines or an archive", |get| {
        let get = styled(id(get).one_of("format", &FORMATS, "`json` (lines of it) by default"));
        exported(get.text("prefix", "Begin of a submission's file name; `submission` by default"))
    });
}

fn files(table: &mut Table<'_>) {
    fn file(entry: Entry<'_>) -> Entry<'_> {
        entry
            .part::<String>("id", "Of the batch", "b1f3c2d4e5a69788")
            .part::<usize>("index", "Of the file, from 0", 0)
            .fails("403", FOREIGN)
            .fails("404", NO_FILE)
    }
    table.get("/api/v1/jobs/{id}/files/{index}", "What was read in a file", |get| {
        let get = file(get).one_of("format", &FORMATS_AND_PICTURE, "`json` by default");
        let get = get.whole("page", 1..=1_000_000, "Of `annotated`, of a picture that has several");
        document(get.number("min_confidence", 0.0..=1.0, "Lines of less confidence are left out"))
            .sends("image/png")
            .sends("application/pdf")
            .fails("409", "It has not been read yet, or the batch was cancelled before")
            .fails("410", NOT_KEPT)
            .fails("422", "The file could not be read, or a parameter is not what it can be")
            .fails("429", "Too many pictures are being drawn, or too many requests")
            .fails("500", "The result cannot be read from the disk")
    });
    table.get(
        "/api/v1/jobs/{id}/files/{index}/picture",
        "A file's picture, as small as the page shows it",
        |get| {
            file(get)
                .whole("page", 1..=1_000_000, "From 1")
                .whole("side", 64..=4096, "Longer side, px")
                .flag("perspective", "As the reader sees it: the page alone, straightened")
                .text("corners", "Where that page is, as for reading")
                .flag("deskew", "As the reader sees it: turned")
                .flag("contrast", "As the reader sees it: with more contrast")
                .flag("denoise", "As the reader sees it: with less noise")
                .sends("image/jpeg")
                .tells("200", "X-Sightwire-Width", Header::seconds("Width of the original in pixels"))
                .tells("200", "X-Sightwire-Height", Header::seconds("Height of the original in pixels"))
                .fails("410", NOT_KEPT)
                .fails("422", "There is no such page, or a parameter is not what it can be")
                .fails("429", "Too many pictures are being drawn, or too many requests")
                .fails("500", "The picture could not be drawn")
        },
    );
    table.post("/api/v1/jobs/{id}/files/{index}/read", "Reads a file once more, in another way", |post| {
        let post = unread(options(file(post))).one_of("format", &FORMATS, "`json` by default");
        document(post).fails("410", NOT_KEPT).fails("413", "The picture is too large to be decoded")
    });
}

/// Adds how a picture is to be read; what is left out is taken from the configuration.
pub(super) fn options(entry: Entry<'_>) -> Entry<'_> {
    entry
        .text("model", "Name of a model")
        .number("threshold", 0.0..=1.0, "A pixel belongs to text from this probability on")
        .number("box_threshold", 0.0..=1.0, "A line is kept from this mean probability of its pixels on")
        .number("unclip", 0.5..=5.0, "By how much lines are widened")
        .whole("max_side", 64..=8192, "A larger picture is made smaller for the search of lines; px")
        .whole("max_candidates", 1..=10_000, "How many lines are read at most: of more, the largest")
        .number("min_detection_size", 0.0..=1000.0, "Lines are read whose outline is at least so high; px")
        .number("min_confidence", 0.0..=1.0, "A line is kept from this confidence on")
        .flag("angle", "Pages on their side or head are turned, and lines that are upside down")
        .flag("deskew", "A page that is not level is turned")
        .flag("contrast", "Contrast is raised where it is low")
        .flag("denoise", "Noise is taken away")
        .flag("perspective", "The page in a photograph is read as if seen from straight above")
        .text(
            "corners",
            "Where that page is: eight numbers x,y,x,y,x,y,x,y in pixels, clockwise from its upper left",
        )
}
