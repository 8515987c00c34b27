//! All paths but those of the page's own files and of Socket.IO.
//!
//! - [`server`]: what runs, models, samples; [`access`]: logging in, keys and users
//! - [`cameras`]: cameras, streams, what is in them; [`boards`]: what old pages ask for
//! - [`reading`]: text in pictures; [`shared`]: as workers read it

#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of a type with a lifetime is no function for all lifetimes"
)]

mod access;
mod boards;
mod cameras;
mod reading;
mod server;
mod shared;

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::operation::{Entry, Operation};
use crate::example::Example;
use crate::schemas::Schemas;

/// Operations by path, then by method in lower case.
pub type Paths = BTreeMap<&'static str, BTreeMap<&'static str, Operation>>;

/// Describes all paths; the types that they name are among `schemas` then.
pub fn describe_paths(schemas: &mut Schemas) -> Paths {
    let mut table = Table { schemas, tag: "", role: "viewer", paths: Paths::new() };
    server::describe_server(&mut table);
    access::describe_access(&mut table);
    cameras::describe_cameras(&mut table);
    boards::describe_boards(&mut table);
    reading::describe_reading(&mut table);
    shared::describe_shared(&mut table);
    server::describe_signs(&mut table);
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
    fn list<T: JsonSchema + Example>(&mut self, path: &'static str, summary: &'static str) {
        self.get(path, summary, |get| get.answers::<T>());
    }
}

const CLASSES: &str = "Labels, separated by commas; all others are left out";

/// Adds what can be asked for of an analysis.
fn looks(entry: Entry<'_>) -> Entry<'_> {
    entry
        .number("conf", 0.0..=1.0, "Least confidence")
        .text("classes", CLASSES)
        .whole("fps", 1..=30, "Frames per second; 10 by default")
        .whole("skip_frames", 1..=10, "One frame of this many is analysed")
}

/// Adds what can be asked for of a view.
fn boxes(entry: Entry<'_>) -> Entry<'_> {
    looks(entry).flag("show_labels", "Names at the boxes; on by default")
}

/// Adds how to say which camera is meant, where the path names none.
fn of_camera(entry: Entry<'_>) -> Entry<'_> {
    entry
        .text("camera", "Id of a camera or stream; also as `camera_id`")
        .header("X-User-ID", "Whose camera is meant")
}
