//! Text in pictures that workers read, on as many machines as there are.

use super::Table;
use super::reading::{FOREIGN, FORMATS, OPTION, document, exported, options, styled};
use crate::openapi::operation::{Entry, Header};
use crate::shared;

const NO_BATCH: &str = "There is no such batch for this caller, its time was over, or this server knows no workers (`cluster.folders`)";
const ALONE: &str = "This server knows no workers (`cluster.folders`)";
const OF_COMMAND: &str = "A command waits for this batch";
const DISK: &str = "The folder of batches (`cluster.jobs_folder`) cannot be read or written";

const OF_BATCH: [(&str, &str); 6] = [
    ("get", "/api/v1/cluster/jobs/{id}"),
    ("patch", "/api/v1/cluster/jobs/{id}"),
    ("delete", "/api/v1/cluster/jobs/{id}"),
    ("get", "/api/v1/cluster/jobs/{id}/files"),
    ("get", "/api/v1/cluster/jobs/{id}/files/{index}"),
    ("get", "/api/v1/cluster/jobs/{id}/export"),
];

pub fn describe_shared(table: &mut Table<'_>) {
    (table.tag, table.role) = ("reading", "streamer");
    table.get("/api/v1/cluster/jobs", "Batches that workers read, and who works", |get| {
        get.answers::<shared::SharedJobs>().fails("403", FOREIGN).fails("404", ALONE).fails("500", DISK)
    });
    table.post("/api/v1/cluster/jobs", "Has workers read the text of pictures that are sent", |post| {
        begins(options(post).takes_files())
            .fails("413", "The batch has more bytes, files or zips than are taken (`reader.max_job_…`)")
            .fails("415", "What was sent is no form")
            .fails(
                "422",
                "The form is broken or has no file, the model is unknown, or a parameter not what it can be",
            )
    });
    table.post("/api/v1/cluster/folders", "Has workers read the text of pictures in folders", |post| {
        begins(options(post.takes_role("operator").takes::<shared::NewShared>()))
    });
    table.get("/api/v1/cluster/jobs/{id}", "A batch that workers read", |get| {
        id(get).answers::<shared::SharedJob>()
    });
    table.add("patch", "/api/v1/cluster/jobs/{id}", "Stops a batch, or lets it go on", |patch| {
        id(patch).takes::<shared::SharedChange>().answers::<shared::SharedJob>().fails("409", OF_COMMAND)
    });
    table.delete("/api/v1/cluster/jobs/{id}", "Takes a batch away, with all that was read", |delete| {
        id(delete).ends("204", "Done").fails("409", OF_COMMAND)
    });
    results(table);
}

fn results(table: &mut Table<'_>) {
    table.get("/api/v1/cluster/jobs/{id}/files", "Files of a batch that workers read", |get| {
        id(get)
            .whole("offset", 0..=u64::from(u32::MAX), "The first of them, from 0")
            .whole("limit", 1..=1000, "How many; 500 by default")
            .answers::<shared::SharedFiles>()
            .fails("422", OPTION)
    });
    table.get("/api/v1/cluster/jobs/{id}/files/{index}", "What was read in a file", |get| {
        let get = id(get).part::<u32>("index", "Of the file, from 0", 0);
        let get = get.one_of("format", &FORMATS, "`json` by default");
        document(get.number("min_confidence", 0.0..=1.0, "Lines of less confidence are left out"))
            .fails("409", "It has not been read yet")
            .fails("422", "The file could not be read, or a parameter is not what it can be")
    });
    table.get(
        "/api/v1/cluster/jobs/{id}/export",
        "All that was read so far, in the order of the files",
        |get| exported(styled(id(get).one_of("format", &FORMATS, "`json` (lines of it) by default"))),
    );
}

fn begins(entry: Entry<'_>) -> Entry<'_> {
    entry
        .answers_with::<shared::SharedJob>("201", "It has begun")
        .leads("201", "id", "$response.body#/id", &OF_BATCH)
        .tells("201", "Location", Header::text("Path of the batch"))
        .fails("403", FOREIGN)
        .fails("404", ALONE)
        .fails("429", "There are too many batches, or too many requests")
        .fails("500", DISK)
        .fails("503", "The model is being fetched or cannot be had, or the memory is used up")
        .fails("507", "The disk is full")
}

fn id(entry: Entry<'_>) -> Entry<'_> {
    entry
        .part::<String>("id", "Of the batch", "0f1e2d3c4b5a6978")
        .fails("403", FOREIGN)
        .fails("404", NO_BATCH)
        .fails("500", DISK)
}
