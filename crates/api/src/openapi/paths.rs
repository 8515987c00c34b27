//! All paths but those of the page's own files and of Socket.IO.

#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of a type with a lifetime is no function for all lifetimes"
)]

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::Schemas;
use super::operation::{Entry, Operation};
use crate::{access, board, camera, detect, live, models, read, relay, status, stream};

/// Operations by path, then by method in lower case.
pub type Paths = BTreeMap<&'static str, BTreeMap<&'static str, Operation>>;

/// Describes all paths; the types that they name are among `schemas` then.
pub fn all(schemas: &mut Schemas) -> Paths {
    let mut table = Table { schemas, tag: "", role: "viewer", paths: Paths::new() };
    server(&mut table);
    accounts(&mut table);
    cameras(&mut table);
    streams(&mut table);
    mjpeg(&mut table);
    boards(&mut table);
    reading(&mut table);
    signs(&mut table);
    table.paths
}

struct Table<'a> {
    schemas: &'a mut Schemas,
    /// Put on each operation that is added; set before those of a group.
    tag: &'static str,
    /// The least role for each of them, unless it says another.
    role: &'static str,
    paths: Paths,
}

impl Table<'_> {
    fn add(
        &mut self,
        method: &'static str,
        path: &'static str,
        summary: &'static str,
        describe: impl FnOnce(Entry<'_>) -> Entry<'_>,
    ) {
        let operation = describe(Entry::new((self.tag, self.role), summary, self.schemas)).finish();
        self.paths.entry(path).or_default().insert(method, operation);
    }

    fn get(
        &mut self,
        path: &'static str,
        summary: &'static str,
        describe: impl FnOnce(Entry<'_>) -> Entry<'_>,
    ) {
        self.add("get", path, summary, describe);
    }

    fn post(
        &mut self,
        path: &'static str,
        summary: &'static str,
        describe: impl FnOnce(Entry<'_>) -> Entry<'_>,
    ) {
        self.add("post", path, summary, describe);
    }

    fn delete(
        &mut self,
        path: &'static str,
        summary: &'static str,
        describe: impl FnOnce(Entry<'_>) -> Entry<'_>,
    ) {
        self.add("delete", path, summary, describe);
    }

    /// Adds a GET without parameters that answers with JSON.
    fn list<T: JsonSchema>(&mut self, path: &'static str, summary: &'static str) {
        self.get(path, summary, |get| get.answers::<T>());
    }
}

fn server(table: &mut Table<'_>) {
    table.tag = "server";
    table.list::<status::Status>("/api/v1/status", "What runs, with what, and how it is");
    table.get("/api/v1/live", "All that changes, once a second", |get| get.upgrades::<live::LiveMessage>());
    table.get("/livez", "Whether the process answers", |get| get.takes_no_role().sends("text/plain"));
    table.get("/readyz", "Whether the recogniser answers", |get| {
        get.takes_no_role()
            .answers::<status::Readiness>()
            .answers_with::<status::Readiness>("503", "Not yet, or not at all")
    });
    table.get("/healthz", "Whether the server runs", |get| get.takes_no_role().answers::<status::Health>());
    table.get("/metrics", "Counters for Prometheus", |get| {
        get.takes_role("operator").sends("application/openmetrics-text")
    });
}

fn accounts(table: &mut Table<'_>) {
    (table.tag, table.role) = ("access", "admin");
    table.get("/api/v1/session", "Who asks", |get| get.takes_no_role().answers::<access::Session>());
    table.post("/api/v1/login", "Begins a session, which a cookie keeps", |post| {
        post.takes_no_role().takes::<access::Login>().answers::<access::Session>()
    });
    table.post("/api/v1/logout", "Ends the session", |post| post.takes_no_role().ends("204", "It has ended"));
    table.list::<access::Keys>("/api/v1/keys", "All keys, without what only their owners have");
    table.post("/api/v1/keys", "Makes a key", |post| {
        post.takes::<access::NewKey>().answers_with::<access::MadeKey>("201", "With the key, this once")
    });
    table.delete("/api/v1/keys/{id}", "Revokes a key", |delete| {
        delete.part::<String>("id", "Of the key").ends("204", "It counts no more, and what it opened ends")
    });
    table.post(
        "/api/v1/login-links",
        "Makes a key, and a link that logs one device in with it, once",
        |post| {
            post.takes::<access::NewKey>()
                .answers_with::<access::LoginLink>("201", "With the link, this once")
        },
    );
    table.list::<access::Users>("/api/v1/users", "All users");
    table.post("/api/v1/users", "Adds a user", |post| {
        post.takes::<access::NewUser>().answers_with::<access::User>("201", "They may log in")
    });
    table.delete("/api/v1/users/{name}", "Removes a user", |delete| {
        delete.part::<String>("name", "Of the user").ends("204", "What they opened ends")
    });
    table.role = "viewer";
    table.list::<access::Tls>("/api/v1/tls", "How connections are encrypted");
}

fn cameras(table: &mut Table<'_>) {
    fn id(entry: Entry<'_>) -> Entry<'_> {
        entry.part::<String>("id", "Of the camera")
    }
    table.tag = "cameras";
    table.list::<camera::Cameras>("/api/v1/cameras", "All cameras");
    table.post("/api/v1/cameras", "Adds a camera", |post| {
        post.takes_role("operator")
            .takes::<camera::CameraChange>()
            .answers_with::<camera::Camera>("201", "As it was added")
    });
    table.post("/api/v1/cameras/test", "The first frame of a camera or an address", |post| {
        post.takes_role("operator").takes::<camera::CameraTest>().sends("image/jpeg")
    });
    table.get("/api/v1/cameras/{id}", "A camera", |get| id(get).answers::<camera::Camera>());
    table.add("patch", "/api/v1/cameras/{id}", "Changes a camera", |patch| {
        id(patch).takes_role("operator").takes::<camera::CameraChange>().answers::<camera::Camera>()
    });
    table.delete("/api/v1/cameras/{id}", "Removes a camera", |delete| {
        id(delete).takes_role("operator").ends("204", "It is gone, and whoever watched it is sent away")
    });
}

fn streams(table: &mut Table<'_>) {
    fn id(entry: Entry<'_>) -> Entry<'_> {
        entry.part::<String>("id", "Of the stream")
    }
    table.tag = "streams";
    table
        .list::<stream::Streams>("/api/v1/streams", "Cameras that are being read, and streams that are sent");
    table.get("/api/v1/streams/{id}", "A stream, and who watches it", |get| {
        id(get).answers::<stream::Stream>()
    });
    table.delete("/api/v1/streams/{id}", "Ends a stream", |delete| {
        id(delete).takes_role("operator").ends("204", "It ends")
    });
    table.get("/api/v1/streams/{id}/snapshot.jpg", "The newest frame of a stream or camera", |get| {
        let get = id(get).query::<f32>("wait_s", "For the first frame; 10 at most and by default");
        boxes(get.query::<bool>("detect", "With boxes"))
            .sends("image/jpeg")
            .ends("204", "With wait_s=0: none has come yet")
    });
    table.get("/api/v1/streams/{id}/detections", "What is in the frames of a stream or camera", |get| {
        looks(id(get)).streams::<detect::StreamEvent>().upgrades::<detect::StreamEvent>()
    });
    table.post("/api/v1/detect", "What is in one picture", |post| {
        let post = post.takes_role("streamer");
        let post = post.query::<f32>("conf", "Least confidence, 0 to 1").query::<String>("classes", CLASSES);
        post.takes_pictures().answers::<detect::StillDetections>()
    });
    table.get("/api/v1/viewers", "All who watch", |get| {
        get.takes_role("operator").answers::<stream::Viewers>()
    });
    table.delete("/api/v1/viewers/{id}", "Sends a viewer away", |delete| {
        delete.takes_role("operator").part::<u64>("id", "Of the viewer").ends("204", "It is gone")
    });
    table.list::<relay::ActiveStreams>("/streams/active", "Streams that are sent");
    table.get("/ws/stream/{name}", "Sends a stream; what a sender says is `FromSender`", |get| {
        get.takes_role("streamer").part::<String>("name", "Of the stream").upgrades::<relay::ToSender>()
    });
    table.get("/ws/view", "Watches streams", |get| {
        let get = get.query::<String>("streams", "Names, separated by commas; `*`: all that are sent");
        get.query::<bool>("overlays", "Also what is in frames").upgrades::<relay::ToViewer>()
    });
}

const CLASSES: &str = "Labels, separated by commas; all others are left out";

/// Adds what can be asked for of an analysis.
fn looks(entry: Entry<'_>) -> Entry<'_> {
    entry
        .query::<f32>("conf", "Least confidence, 0 to 1")
        .query::<String>("classes", CLASSES)
        .query::<u32>("fps", "Frames per second, 1 to 30; 10 by default")
        .query::<u32>("skip_frames", "One frame of this many is analysed, 1 to 10")
}

/// Adds what can be asked for of a view.
fn boxes(entry: Entry<'_>) -> Entry<'_> {
    looks(entry).query::<bool>("show_labels", "Names at the boxes; on by default")
}

/// Adds how to say which camera is meant, where the path names none.
fn of_camera<'a>(entry: Entry<'a>, address: &'static str) -> Entry<'a> {
    entry
        .query::<String>("camera", "Id of a camera or stream; also as `camera_id`")
        .query::<String>(address, "Address of a camera")
        .header(false, "X-User-ID", "Whose camera is meant")
}

fn mjpeg(table: &mut Table<'_>) {
    const KIND: &str = "multipart/x-mixed-replace; boundary=frame";
    table.tag = "pictures";
    table.get("/stream", "A camera's frames", |get| {
        get.query::<String>("camera", "Id of a camera or stream; also as `camera_id`")
            .header(false, "X-User-ID", "Whose camera is meant")
            .sends(KIND)
    });
    table.get("/stream/proxy", "The frames of a camera at that address", |get| {
        of_camera(get, "esp32_url").sends(KIND)
    });
    for path in ["/stream/detect", "/stream/worker-detection"] {
        table
            .get(path, "A camera's frames with boxes", |get| boxes(of_camera(get, "camera_url")).sends(KIND));
    }
    table.get("/stream/tracking", "A camera's frames with boxes that keep their number", |get| {
        boxes(of_camera(get, "camera_url"))
            .query::<bool>("show_trails", "Where objects came from; on by default")
            .query::<bool>("show_stats", "Counts in a corner; on by default")
            .sends(KIND)
    });
}

fn boards(table: &mut Table<'_>) {
    fn user(entry: Entry<'_>) -> Entry<'_> {
        entry.header(true, "X-User-ID", "Whose camera is meant")
    }
    fn camera(entry: Entry<'_>) -> Entry<'_> {
        of_camera(entry, "esp32_url").query::<String>("user_id", "Whose camera is meant")
    }
    table.tag = "camera prototype";
    table.list::<board::BoardHealth>("/health", "How the server is; a browser gets a page");
    table.list::<board::OpenStreams>("/debug/streams", "What is open");
    table.get("/api/user/esp32-config", "A user's camera", |get| user(get).answers::<board::BoardConfig>());
    table.post("/api/user/esp32-config", "Saves a user's camera", |post| {
        user(post).takes_role("operator").takes::<board::BoardChange>().answers::<board::BoardSaved>()
    });
    table.delete("/api/user/esp32-config", "Removes a user's camera", |delete| {
        user(delete).takes_role("operator").answers::<board::BoardSaved>()
    });
    table.get("/api/esp32/snapshot", "The newest frame as JSON", |get| {
        camera(get).answers::<board::BoardAnswer<board::BoardSnapshot>>()
    });
    table.get("/api/esp32/status", "What a camera says of itself", |get| {
        camera(get).answers::<board::BoardAnswer<board::BoardStatus>>()
    });
    table.get("/api/esp32/test", "Whether a camera has frames", |get| {
        camera(get).answers::<board::BoardTest>()
    });
    for (path, summary) in [
        ("/ws/stream/detect", "Frames with boxes as JSON; after each 50 of them `BoardStats`"),
        ("/ws/viewer/detection", "Frames with boxes as JSON, after a `BoardInfo`"),
    ] {
        table.get(path, summary, |get| {
            let get = boxes(of_camera(get, "camera_url")).query::<String>("user_id", "Whose camera is meant");
            get.upgrades::<board::BoardFrame>()
        });
    }
    for path in ["/ws/stream/raw", "/ws/ws/stream/raw"] {
        table.get(path, "Frames as base64 and nothing else", |get| {
            let get = get.query::<String>("user_id", "Whose camera is meant");
            get.query::<u32>("fps", "Frames per second, 1 to 30").upgrades::<String>()
        });
    }
}

fn reading(table: &mut Table<'_>) {
    const FORMAT: &str = "`json` (by default), `csv`, `text` or `hocr`";
    const LEAST: &str = "Lines of less confidence are left out, 0 to 1";
    fn id(entry: Entry<'_>) -> Entry<'_> {
        entry.part::<String>("id", "Of the batch")
    }
    fn file(entry: Entry<'_>) -> Entry<'_> {
        entry.part::<String>("id", "Of the batch").part::<usize>("index", "Of the file, from 0")
    }
    (table.tag, table.role) = ("reading", "streamer");
    table.post("/api/v1/read", "Reads the text of one picture", |post| {
        let post = options(post).query::<String>("format", FORMAT);
        let post = post.query::<bool>("characters", "Also the confidence of each character");
        let post = post.query::<usize>("page", "First page, of a picture that has several");
        post.takes_pictures()
            .answers::<read::Document>()
            .sends("text/csv")
            .sends("text/plain")
            .sends("text/html")
    });
    table.list::<read::Jobs>("/api/v1/jobs", "All batches, the newest first");
    table.post("/api/v1/jobs", "Reads the text of many pictures", |post| {
        let post =
            options(post).query::<usize>("keep", "Of so many files the pictures are kept for the page");
        post.takes_pictures().answers_with::<read::Job>("201", "It has begun")
    });
    table.get("/api/v1/jobs/{id}", "A batch", |get| id(get).answers::<read::Job>());
    table.delete("/api/v1/jobs/{id}", "Ends a batch, and removes it where it has ended", |delete| {
        id(delete).ends("204", "Done")
    });
    table.get("/api/v1/jobs/{id}/files", "Files of a batch", |get| {
        let get = id(get).query::<usize>("offset", "The first of them, from 0");
        get.query::<usize>("limit", "How many").answers::<read::JobFiles>()
    });
    table.get(
        "/api/v1/jobs/{id}/events",
        "What becomes of a batch: `job` and `end` with a `Job`, `file` with a `JobFile`",
        |get| id(get).query::<usize>("after", "Files that are known already").streams::<read::JobEvent>(),
    );
    table.get("/api/v1/jobs/{id}/export", "All that was read, a file of lines or an archive", |get| {
        id(get)
            .query::<String>("format", FORMAT)
            .query::<f32>("min_confidence", LEAST)
            .sends("application/x-ndjson")
            .sends("text/csv")
            .sends("text/plain")
            .sends("application/zip")
    });
    table.get("/api/v1/jobs/{id}/files/{index}", "What was read in a file", |get| {
        let get = file(get).query::<String>("format", FORMAT).query::<f32>("min_confidence", LEAST);
        get.answers::<read::Document>().sends("text/csv").sends("text/plain").sends("text/html")
    });
    table.get(
        "/api/v1/jobs/{id}/files/{index}/picture",
        "A file's picture, as small as the page shows it",
        |get| {
            file(get)
                .query::<usize>("page", "From 1")
                .query::<u32>("side", "Longer side, px")
                .sends("image/jpeg")
        },
    );
    table.post("/api/v1/jobs/{id}/files/{index}/read", "Reads a file once more, in another way", |post| {
        options(file(post)).answers::<read::Document>()
    });
}

/// Adds how a picture is to be read; what is left out is taken from the configuration.
fn options(entry: Entry<'_>) -> Entry<'_> {
    entry
        .query::<String>("model", "Name of a model")
        .query::<f32>("threshold", "A pixel belongs to text from this probability on, 0 to 1")
        .query::<f32>("box_threshold", "A line is kept from this mean probability of its pixels on, 0 to 1")
        .query::<f32>("unclip", "By how much lines are widened, 0.5 to 5")
        .query::<u32>("max_side", "A larger picture is made smaller for the search of lines, 64 to 8192 px")
        .query::<f32>("min_confidence", "A line is kept from this confidence on, 0 to 1")
        .query::<bool>("angle", "Lines that are upside down are turned")
        .query::<bool>("deskew", "A page that is not level is turned")
        .query::<bool>("contrast", "Contrast is raised where it is low")
        .query::<bool>("denoise", "Noise is taken away")
}

fn signs(table: &mut Table<'_>) {
    fn name(entry: Entry<'_>) -> Entry<'_> {
        entry.part::<String>("name", "Of the model")
    }
    (table.tag, table.role) = ("signs", "viewer");
    table.list::<models::Labels>("/labels", "What the recogniser's model can tell apart, by index");
    table.list::<models::Models>("/api/v1/models", "All models");
    table.post("/api/v1/models/{name}/activate", "Makes the recogniser run a model", |post| {
        name(post).takes_role("operator").answers::<models::Activated>()
    });
    table.post(
        "/api/v1/models/{name}/fetch",
        "Has a model fetched that `recognizer.better` offers",
        |post| {
            name(post).takes_role("operator").answers_with::<models::RuntimeFetch>("202", "It is on its way")
        },
    );
    table.list::<models::Runtime>("/api/v1/runtime", "Whether the library that runs networks is missing");
    table.post("/api/v1/page-errors", "Tells of an error of a page, for the log", |post| {
        post.takes::<status::PageError>().ends("204", "It is counted and logged")
    });
    table.post("/api/v1/reload", "Has the configuration read again; what needs a restart is named", |post| {
        post.takes_role("admin").answers::<status::Reloaded>()
    });
    table.post("/api/v1/runtime", "Has it fetched", |post| {
        post.takes_role("operator").answers_with::<models::RuntimeFetch>("202", "It is on its way")
    });
    table.list::<models::Samples>("/api/v1/samples", "Clips to try the recogniser on");
    table.get("/api/v1/samples/{gesture}", "A clip", |get| {
        let get = get.part::<String>("gesture", "Its name").query::<u64>("seed", "Another one of the same");
        get.answers::<models::SampleClip>()
    });
}
