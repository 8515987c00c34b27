use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use http::header::CONTENT_TYPE;
use sightwire_listen::form::{BodyError, Form, is_form};

use crate::pieces::split_pieces;

const BOUNDARY: &str = "b";
/// Limits of `sightwire_listen::form`.
const MAX_OPTIONS: usize = 64;
const MAX_OPTION_BYTES: usize = 1024;
/// Below what its parser takes at once, which depends on how it comes.
const MAX_BODY: usize = 32 << 10;

/// What came of a form.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    files: Vec<File>,
    options: BTreeMap<String, String>,
    /// It did not come to its end.
    is_broken: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct File {
    field: Option<String>,
    name: Option<String>,
    kind: Option<String>,
    content: Vec<u8>,
}

/// Forms of uploads: the same files and options however the body is split, options within their bounds, and what a browser writes is
/// read as it was meant. The first byte chooses the pieces.
pub fn form(data: &[u8]) {
    let Some((&seed, body)) = data.split_first() else { return };
    if body.len() > MAX_BODY {
        return;
    }
    let whole = read_form(std::iter::once(body));
    assert_eq!(read_form(split_pieces(body, seed)), whole);
    assert!(whole.options.len() <= MAX_OPTIONS);
    for (name, value) in &whole.options {
        assert!(name.len() <= MAX_OPTION_BYTES && value.len() <= MAX_OPTION_BYTES);
    }
    for file in &whole.files {
        let said = [&file.field, &file.name, &file.kind].into_iter().flatten();
        assert!(said.flat_map(|text| text.chars()).all(|c| c == '\t' || !c.is_control()), "{file:?}");
    }
    check_written(body, seed);
}

/// As a browser writes a file of that name and with that content.
fn check_written(input: &[u8], seed: u8) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (name, content) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Ok(name) = std::str::from_utf8(name) else { return };
    let name: String = name.chars().filter(|c| !matches!(c, '"' | '\\' | '\r' | '\n')).collect();
    let delimiter = format!("\r\n--{BOUNDARY}");
    if [b"\r\n", content].concat().windows(delimiter.len()).any(|part| part == delimiter.as_bytes()) {
        return;
    }
    let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: image/jpeg");
    let body = [
        format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes(),
        content,
        format!("{delimiter}\r\nContent-Disposition: form-data; name=\"conf\"\r\n\r\n0.5{delimiter}--\r\n").as_bytes(),
    ]
    .concat();
    let came = read_form(split_pieces(&body, seed));
    let shown = name.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    let file = File {
        field: Some("file".into()),
        name: Some(shown),
        kind: Some("image/jpeg".into()),
        content: content.to_vec(),
    };
    let options = BTreeMap::from([("conf".to_owned(), "0.5".to_owned())]);
    assert_eq!(came, Read { files: vec![file], options, is_broken: false });
}

fn read_form<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Read {
    let pieces: Vec<_> = pieces.map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece))).collect();
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let body = Body::from_stream(stream::iter(pieces));
    let request = Request::builder().header(CONTENT_TYPE, kind).body(body).expect("a request");
    assert!(is_form(&request));
    let mut read = Read::default();
    let taken = read_parts(Form::new(request).expect("a form"), &mut read).now_or_never();
    // All of it is there.
    read.is_broken = taken.expect("there is nothing to wait for").is_err();
    read
}

async fn read_parts(mut form: Form, read: &mut Read) -> Result<(), BodyError> {
    while let Some(mut part) = form.next().await? {
        if !part.is_file() {
            part.add_option(&mut read.options).await?;
            continue;
        }
        let [field, name, kind] = [part.field(), part.name(), part.content_type()].map(|text| text.map(str::to_owned));
        let mut content = Vec::new();
        while let Some(bytes) = part.next().await? {
            content.extend_from_slice(&bytes);
        }
        read.files.push(File { field, name, kind, content });
    }
    Ok(())
}
