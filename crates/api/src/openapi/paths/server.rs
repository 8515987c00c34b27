//! What runs, the models, and samples.

use super::Table;
use crate::cluster::ChallengeAnswer;
use crate::openapi::operation::Header;
use crate::{history, models, settings, status};

pub fn describe_server(table: &mut Table<'_>) {
    cluster(table);
    table.tag = "server";
    table.list::<status::Status>("/api/v1/status", "What runs, with what, and how it is");
    table.get("/api/v1/history", "How numbers went: of the server, or of a stream", |get| {
        get.says("What this process remembers; of a cluster, each has its own.")
            .one_of(
                "span",
                &["hour", "day"],
                "How far back: an hour in steps of 10 s (default), or a day in steps of a minute",
            )
            .text("stream", "Of this stream or camera; without, of the server")
            .answers::<history::History>()
            .fails("422", "The span is neither")
    });
    table.get("/api/v1/live", "All that changes, once a second", |get| get.upgrades());
    table.get("/api/v1/openapi.json", "This document", |get| get.sends("application/json"));
    table.get("/api/v1/asyncapi.json", "What is said over Socket.IO and WebSockets (AsyncAPI 3.0)", |get| {
        get.sends("application/json")
    });
    table.get("/livez", "Whether the process answers", |get| get.takes_no_role().sends("text/plain"));
    table.get("/readyz", "Whether the recogniser answers", |get| {
        let loading = status::Readiness::Not {
            progress: Some(0.42),
            ready: false,
            reason: "the model gestures is being loaded".to_owned(),
        };
        get.takes_no_role().answers::<status::Readiness>().fails_with(
            "503",
            "Not yet, or not at all",
            &loading,
        )
    });
    table.get("/healthz", "Whether the server runs", |get| get.takes_no_role().answers::<status::Health>());
    table.get("/metrics", "Counters for Prometheus", |get| {
        get.takes_role("operator")
            .sends("application/openmetrics-text")
            .fails("500", "The counters could not be written")
    });
}

pub fn describe_signs(table: &mut Table<'_>) {
    const FETCHES: &str = "It is not missing or not offered, or is on its way already";
    (table.tag, table.role) = ("signs", "viewer");
    table.get("/labels", "What the recogniser's model can tell apart, by index", |get| {
        get.answers::<models::Labels>().fails("503", "There is no model yet, or no room for the request")
    });
    table.list::<models::Models>("/api/v1/models", "All models");
    table.post("/api/v1/models/{name}/activate", "Makes the recogniser run a model", |post| {
        post.takes_role("operator")
            .part::<String>("name", "Of the model", "gestures")
            .answers::<models::Activated>()
            .fails("404", "There is no model of that name")
            .fails("409", "Another model is being loaded, or the recogniser is a dummy")
            .fails("422", "The model cannot be used; the one at work stays")
            .fails("500", "The model could not be loaded")
    });
    table.post(
        "/api/v1/models/{name}/fetch",
        "Has a model fetched that `recognizer.better` offers",
        |post| {
            post.takes_role("operator")
                .part::<String>("name", "Of the model", "hands")
                .answers_with::<models::RuntimeFetch>("202", "It is on its way")
                .fails("409", FETCHES)
        },
    );
    table.list::<models::Runtime>("/api/v1/runtime", "Whether the library that runs networks is missing");
    table.post("/api/v1/page-errors", "Tells of an error of a page, for the log", |post| {
        post.takes::<status::PageError>().ends("204", "It is counted and logged")
    });
    table.post("/api/v1/reload", "Has the configuration read again; what needs a restart is named", |post| {
        post.takes_role("admin")
            .answers::<status::Reloaded>()
            .fails("409", "The server was started from within a program, and has no configuration to read.")
            .fails("422", "The configuration cannot be used; the one before stays as it is.")
    });
    table.get("/api/v1/settings", "The keys of the configuration, and the values in force", |get| {
        get.takes_role("admin")
            .says("Passwords and secrets are not among them. They are changed in the configuration.")
            .answers::<settings::Settings>()
            .fails("409", "The server was started from within a program, and has no configuration to read.")
    });
    table.post("/api/v1/runtime", "Has it fetched", |post| {
        post.takes_role("operator")
            .answers_with::<models::RuntimeFetch>("202", "It is on its way")
            .fails("409", FETCHES)
    });
    table.list::<models::Samples>("/api/v1/samples", "Clips to try the recogniser on");
    table.get("/api/v1/samples/{gesture}", "A clip", |get| {
        get.part::<String>("gesture", "Its name", "wave")
            .whole("seed", 0..=u64::MAX, "Another one of the same")
            .answers::<models::SampleClip>()
            .tells("200", "Cache-Control", Header::text("A clip of a seed is always the same"))
            .fails("404", "There is no such clip")
            .fails("422", "The seed is no whole number")
            .fails("500", "The clip could not be drawn")
            .fails("503", "Too many clips are being drawn, or there is no room for the request")
    });
}

fn cluster(table: &mut Table<'_>) {
    table.tag = "server";
    table.post(
        "/api/v1/cluster/streams/{name}/challenge",
        "For processes of a cluster: whether the sender of a stream is there",
        |post| {
            post.takes_role("admin")
                .says("Whoever asks shows that it knows `cluster.secret`; a key is not enough.")
                .part::<String>("name", "Of the stream", "ward-3")
                .answers::<ChallengeAnswer>()
        },
    );
    table.post(
        "/api/v1/cluster/streams/{name}/end-camera/{mark}",
        "For processes of a cluster: closes a camera, for all who watch it there",
        |post| {
            post.takes_role("admin")
                .says("Whoever asks shows that it knows `cluster.secret`; a key is not enough.")
                .part::<String>("name", "Of the camera", "gate")
                .part::<String>(
                    "mark",
                    "Of its address, by which processes know that they mean the same camera",
                    "3f9a1c",
                )
                .ends("204", "It is closed now")
        },
    );
    table.post(
        "/api/v1/cluster/processes/{name}/drain",
        "Has a process of a cluster give its cameras to the others",
        |post| {
            post.takes_role("admin")
                .says("It takes none any more until it is started again, and `/readyz` says that it is not ready.")
                .part::<String>("name", "Of the process", "192.168.1.20:8000")
                .ends("204", "It does")
                .fails("404", "There is no process of that name")
                .fails("502", "The process could not be asked")
        },
    );
}
