//! What the pages of the camera prototype ask for.

use super::{Table, boxes, of_camera};
use crate::board;
use crate::openapi::operation::Entry;

const UNSAVED: &str = "The file of cameras could not be written; nothing was changed";
const CONFIGURED: &str = "This caller may not do that, or the camera stands in the configuration file";

pub fn describe_boards(table: &mut Table<'_>) {
    fn user(entry: Entry<'_>) -> Entry<'_> {
        entry
            .needs_header("X-User-ID", "Whose camera is meant", "anna")
            .fails("422", "The header `X-User-ID` is missing")
    }
    fn camera(entry: Entry<'_>) -> Entry<'_> {
        of_camera(entry)
            .text("esp32_url", "Address of a camera")
            .text("user_id", "Whose camera is meant")
            .says("Answers 200 whatever comes of it: `success` or `connected` says so.")
    }
    table.tag = "camera prototype";
    table.list::<board::BoardHealth>("/health", "How the server is; a browser gets a page");
    table.list::<board::OpenStreams>("/debug/streams", "What is open");
    table.get("/api/user/esp32-config", "A user's camera", |get| user(get).answers::<board::BoardConfig>());
    table.post("/api/user/esp32-config", "Saves a user's camera", |post| {
        user(post)
            .takes_role("operator")
            .takes::<board::BoardChange>()
            .answers::<board::BoardSaved>()
            .fails("400", "`esp32_url` is missing or empty, or the request is no valid HTTP")
            .fails("403", CONFIGURED)
            .fails("409", "There is no place for one more camera, or its id is taken")
            .fails(
                "422",
                "The header `X-User-ID` is missing, the body is no JSON, or the address is not allowed",
            )
            .fails("500", UNSAVED)
    });
    table.delete("/api/user/esp32-config", "Removes a user's camera", |delete| {
        user(delete)
            .takes_role("operator")
            .answers::<board::BoardSaved>()
            .fails("403", CONFIGURED)
            .fails("500", UNSAVED)
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
    table.get("/ws/stream/detect", "Frames with boxes as JSON", |get| {
        let get = of_camera(get).text("camera_url", "Address of a camera");
        boxes(get).text("user_id", "Whose camera is meant").upgrades()
    });
    table.get("/ws/viewer/detection", "Frames with boxes as JSON, with the camera's id", |get| {
        boxes(of_camera(get)).text("user_id", "Whose camera is meant").upgrades()
    });
    for path in ["/ws/stream/raw", "/ws/ws/stream/raw"] {
        table.get(path, "Frames as base64 and nothing else", |get| {
            of_camera(get)
                .text("user_id", "Whose camera is meant")
                .whole("fps", 1..=30, "Frames per second; 30 by default")
                .upgrades()
        });
    }
}
