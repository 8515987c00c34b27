//! Cameras, streams, and what is in them.

use super::{CLASSES, Table, boxes, looks, of_camera};
use crate::openapi::operation::{Entry, Header};
use crate::{camera, detect, relay, stream};

const UNKNOWN: &str = "There is no camera or stream of that id";
const UNSAVED: &str = "The file of cameras could not be written; nothing was changed";
const TOO_MANY: &str = "Too many cameras are read, viewers watch or analyses run, or the memory is used up";
const PARAMETER: &str = "A parameter is not what it can be; the `detail` names it";

const ELSEWHERE: &str = "In a cluster also those of other processes, as these tell of them. Streams of one that does not answer \
    within a second are `stalled`.";

const OF_CAMERA: [(&str, &str); 5] = [
    ("get", "/api/v1/cameras/{id}"),
    ("patch", "/api/v1/cameras/{id}"),
    ("delete", "/api/v1/cameras/{id}"),
    ("get", "/api/v1/streams/{id}"),
    ("get", "/api/v1/streams/{id}/snapshot.jpg"),
];

pub fn describe_cameras(table: &mut Table<'_>) {
    cameras(table);
    streams(table);
    pictures(table);
}

fn cameras(table: &mut Table<'_>) {
    fn id(entry: Entry<'_>) -> Entry<'_> {
        entry.part::<String>("id", "Of the camera", "front-door").fails("404", UNKNOWN)
    }
    table.tag = "cameras";
    table.list::<camera::Cameras>("/api/v1/cameras", "All cameras");
    table.post("/api/v1/cameras", "Adds a camera", |post| {
        post.takes_role("operator")
            .takes::<camera::NewCamera>()
            .answers_with::<camera::Camera>("201", "As it was added")
            .leads("201", "id", "$response.body#/id", &OF_CAMERA)
            .fails("409", "The id or the user has another camera, or there is no place for one more")
            .fails("500", UNSAVED)
    });
    table.post("/api/v1/cameras/test", "The first frame of a camera or an address", |post| {
        let post = post.takes_role("operator").takes::<camera::CameraTest>().sends("image/jpeg");
        size_of_picture(post)
            .tells("200", "X-Sightwire-Wait-Ms", Header::seconds("Milliseconds until it came"))
            .fails("404", UNKNOWN)
            .fails("502", "The camera cannot be reached, or sends no picture")
            .fails("503", TOO_MANY)
    });
    table.get("/api/v1/cameras/{id}", "A camera", |get| id(get).answers::<camera::Camera>());
    table.add("patch", "/api/v1/cameras/{id}", "Changes a camera", |patch| {
        id(patch)
            .takes_role("operator")
            .takes::<camera::CameraChange>()
            .answers::<camera::Camera>()
            .fails("403", "This caller may not do that, or the camera stands in the configuration file")
            .fails("409", "The user has another camera")
            .fails("500", UNSAVED)
    });
    table.delete("/api/v1/cameras/{id}", "Removes a camera", |delete| {
        id(delete)
            .takes_role("operator")
            .ends("204", "It is gone, and whoever watched it is sent away")
            .fails("403", "This caller may not do that, or the camera stands in the configuration file")
            .fails("500", UNSAVED)
    });
}

fn size_of_picture(entry: Entry<'_>) -> Entry<'_> {
    entry.tells("200", "X-Sightwire-Width", Header::seconds("Width of the picture in pixels")).tells(
        "200",
        "X-Sightwire-Height",
        Header::seconds("Height of the picture in pixels"),
    )
}

fn streams(table: &mut Table<'_>) {
    fn id(entry: Entry<'_>) -> Entry<'_> {
        entry.part::<String>("id", "Of the stream", "front-door").fails("404", UNKNOWN)
    }
    table.tag = "streams";
    table.get("/api/v1/streams", "Cameras that are being read, and streams that are sent", |get| {
        get.says(ELSEWHERE).answers::<stream::Streams>()
    });
    table.get("/api/v1/streams/{id}", "A stream, and who watches it", |get| {
        id(get).says(ELSEWHERE).answers::<stream::Stream>()
    });
    table.delete("/api/v1/streams/{id}", "Ends a stream", |delete| {
        id(delete)
            .takes_role("operator")
            .ends("204", "It ends")
            .fails("502", "Another process of the cluster has it, and does not answer")
    });
    table.post("/api/v1/streams/{id}/links", "Makes a link with which others watch a stream", |post| {
        post.part::<String>("id", "Of the stream, which may begin later", "front-door")
            .takes_role("streamer")
            .says(
                "Where a key is needed to watch, the link has one of its own: it shows this stream and no other, expires, and is \
                 revoked like any other.",
            )
            .number("lasts_s", 60.0..=604_800.0, "Seconds for which it works; 86400, a day, by default")
            .answers_with::<stream::ViewersLink>("201", "With the key, this once")
            .fails("409", "As many links as there may be count still: 20 of a stream, 100 by one user or key, 500 in all")
            .fails("422", "No link is made to such a name, or `lasts_s` is not what it can be")
            .fails("500", "The keys could not be changed")
            .fails("503", "The system gives no random bytes")
    });
    table.get("/api/v1/streams/{id}/snapshot.jpg", "The newest frame of a stream or camera", |get| {
        let get = id(get).number("wait_s", 0.0..=10.0, "Seconds to wait for the first frame; 10 by default");
        boxes(get.flag("detect", "With boxes"))
            .sends("image/jpeg")
            .tells("200", "X-Sightwire-Sequence", Header::seconds("Number of the frame in its stream"))
            .tells("200", "X-Sightwire-Age-Ms", Header::seconds("Milliseconds since it came"))
            .ends("204", "With `wait_s=0`: none has come yet")
            .fails("422", PARAMETER)
            .fails("502", "No frame has come in time, or the camera cannot be reached")
            .fails("503", TOO_MANY)
    });
    table.get("/api/v1/streams/{id}/detections", "What is in the frames of a stream or camera", |get| {
        looks(id(get))
            .text(
                "beside",
                "The `page` of a request for frames of the same stream: while it is there, both are one viewer",
            )
            .says("Server-Sent Events, or the same as messages of a WebSocket, if the request asks for one.")
            .streams::<detect::StreamEvent>()
            .upgrades()
            .fails("422", PARAMETER)
            .fails("503", TOO_MANY)
    });
    table.post("/api/v1/detect", "What is in one picture", |post| {
        let post = post.takes_role("streamer");
        post.number("conf", 0.0..=1.0, "Least confidence")
            .text("classes", CLASSES)
            .takes_pictures()
            .answers::<detect::StillDetections>()
            .fails("413", "The picture is too large")
            .fails(
                "422",
                "What was sent is no JPEG or PNG, or is broken, or a parameter is not what it can be",
            )
            .fails("429", "Too many pictures are being analysed, or too many requests")
            .fails("500", "The model failed")
            .fails("503", "There is no model, or the memory is used up")
            .fails("504", "The picture was not analysed in time")
    });
    table.get("/api/v1/viewers", "All who watch", |get| {
        get.takes_role("operator")
            .says("Of a cluster, those who are connected to the process that answers.")
            .answers::<stream::Viewers>()
    });
    table.delete("/api/v1/viewers/{id}", "Sends a viewer away", |delete| {
        delete
            .takes_role("operator")
            .part::<u64>("id", "Of the viewer", 7)
            .ends("204", "It is gone")
            .fails("404", "There is no such viewer")
    });
    table.list::<relay::ActiveStreams>("/streams/active", "Streams that are sent");
    table.get("/ws/stream/{name}", "Sends a stream", |get| {
        get.takes_role("streamer").part::<String>("name", "Of the stream", "ward-3").upgrades()
    });
    table.get("/ws/view", "Watches streams", |get| {
        get.text("streams", "Names, separated by commas; `*`: all that are sent")
            .flag("overlays", "Also what is in frames")
            .upgrades()
            .fails("422", PARAMETER)
    });
}

fn pictures(table: &mut Table<'_>) {
    fn slower(entry: Entry<'_>) -> Entry<'_> {
        entry.whole("fps", 1..=30, "Frames per second at most; all of them by default")
    }
    fn frames(entry: Entry<'_>) -> Entry<'_> {
        entry
            .text("page", "What the page calls itself that asks, for `beside` of detections: 1 to 32 letters and digits")
            .sends_for_ever("multipart/x-mixed-replace; boundary=frame")
            .tells("200", "X-Sightwire-Notes", Header::text("Names parameters that have no effect"))
            .fails("400", "No camera is known, or the request is no valid HTTP")
            .fails("404", UNKNOWN)
            .fails(
                "422",
                "A parameter is not what it can be, or the address is not allowed (`cameras.allow`)",
            )
            .fails("502", "The camera cannot be reached")
            .fails("503", TOO_MANY)
    }
    table.tag = "pictures";
    table.get("/stream", "A camera's frames", |get| frames(slower(of_camera(get))));
    table.get("/stream/proxy", "The frames of a camera at that address", |get| {
        frames(slower(of_camera(get).text("esp32_url", "Address of a camera")))
    });
    table.get("/stream/detect", "A camera's frames with boxes", |get| {
        frames(boxes(of_camera(get).text("camera_url", "Address of a camera")))
    });
    table
        .get("/stream/worker-detection", "A camera's frames with boxes", |get| frames(boxes(of_camera(get))));
    table.get("/stream/tracking", "A camera's frames with boxes that keep their number", |get| {
        let get = boxes(of_camera(get).text("camera_url", "Address of a camera"));
        frames(
            get.flag("show_trails", "Where objects came from; on by default")
                .flag("show_stats", "Counts in a corner; on by default"),
        )
    });
}
