//! Pictures, and what they come in.

use std::fs;
use std::path::{Path, PathBuf};

use base64_simd::STANDARD;
use sightwire_documents::PageHeader;
use sightwire_documents::answer::{self, Refusal};
use sightwire_documents::patience::Patience;
use sightwire_documents::request::{Request, What};
use sightwire_frame::still::{StillFormat, StillLimits};

use super::{Seed, numbered};

#[path = "../../../../crates/frame/tests/still/files.rs"]
#[allow(dead_code, reason = "only one file of each kind is taken")]
mod files;

/// Larger ones would slow the fuzzer down and say nothing more.
const MAX_BYTES: usize = 1400;

fn tests_of_frame() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/frame/tests")
}

/// Small files of the tests of `frame`.
pub fn vectors() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for folder in ["vectors", "crashes"] {
        for entry in fs::read_dir(tests_of_frame().join(folder)).expect("the folder") {
            let path = entry.expect("a file").path();
            let bytes = fs::read(&path).expect("a file");
            let is_picture = path.extension().is_some_and(|end| end == "jpg" || end == "png");
            if is_picture && bytes.len() <= MAX_BYTES {
                seeds.push((path.file_name().expect("a name").to_string_lossy().into_owned(), bytes));
            }
        }
    }
    seeds
}

/// Answers of a process that draws, and a request.
pub fn drawn() -> Vec<Seed> {
    let page = |size, has_text| PageHeader { size, has_text, is_reduced: !has_text, is_cut_off: false };
    let limits = StillLimits::default();
    let request = Request::new(What::Header, StillFormat::Avif, 9, &limits, &Patience::Work);
    numbered([
        answer::encode_answer(&Ok(vec![page((1654, 2339), true), page((3, 2), false)])),
        answer::encode_answer(&Err(Refusal::Damaged("no trailer".into()))),
        answer::encode_answer(&Err(Refusal::NoPage(3))),
        [&answer::page_head((3, 2))[..], &[7; 18]].concat(),
        request.encode().to_vec(),
    ])
}

/// Beginnings of files that are told apart.
pub fn kinds() -> Vec<Seed> {
    let boxes = |brands: &[u8]| [&(8 + brands.len() as u32).to_be_bytes()[..], b"ftyp", brands].concat();
    numbered([
        boxes(b"avif\0\0\0\0avifmif1miaf"),
        boxes(b"mif1\0\0\0\0mif1heic"),
        boxes(b"isom\0\0\x02\0isomavc1"),
        b"junk before\n%PDF-1.7\n".to_vec(),
        b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\">".to_vec(),
        b"8BPS\0\x01".to_vec(),
        b"\0\0\0\x0cJXL \r\n\x87\n".to_vec(),
    ])
}

pub fn stills() -> Vec<Seed> {
    let named = files::all().into_iter().enumerate();
    named.map(|(at, (format, bytes))| (format!("{format}_{at}"), bytes)).collect()
}

fn smallest() -> Vec<u8> {
    fs::read(tests_of_frame().join("vectors/420_1x1.jpg")).expect("a file")
}

fn grey() -> Vec<u8> {
    fs::read(tests_of_frame().join("vectors/grey1.png")).expect("a file")
}

pub fn data_urls() -> Vec<Seed> {
    let [jpeg, png] = [smallest(), grey()].map(|bytes| STANDARD.encode_to_string(bytes));
    numbered([
        format!("data:image/jpeg;base64,{jpeg}"),
        format!("data:image/png;charset=x;base64,{png}"),
        png.trim_end_matches('=').to_owned(),
        jpeg,
        "data:image/jpeg,x".to_owned(),
    ])
}

fn part(jpeg: &[u8], has_length: bool) -> Vec<u8> {
    let length = if has_length { format!("Content-Length: {}\r\n", jpeg.len()) } else { String::new() };
    [format!("--frame\r\nContent-Type: image/jpeg\r\n{length}\r\n").as_bytes(), jpeg, b"\r\n"].concat()
}

pub fn answers_of_cameras() -> Vec<Seed> {
    let jpeg = smallest();
    let [tiny, small] = [&b"\xff\xd8\xff\xd9"[..], b"\xff\xd8\xff\xe0\0\x02\xff\xd9"];
    numbered([
        [b"\x45\x03", &*part(&jpeg, true), &*part(&jpeg, true)].concat(),
        [b"\x45\x03", &*part(&jpeg, false), &*part(&jpeg, false), b"--frame--\r\n"].concat(),
        [b"\x45\x09", &*jpeg, &*jpeg].concat(),
        [b"\x60\x01", &*part(tiny, true), &*part(small, false)].concat(),
        [b"\x60\x01", &*part(tiny, true), b"--frame\nContent-length:  9\n\n", tiny, b"\n"].concat(),
    ])
}

fn binary(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 3, 0, 0], &7_u64.to_be_bytes()[..], &1_700_000_000_000_001_u64.to_be_bytes(), b"P-1", content]
        .concat()
}

pub fn messages() -> Vec<Seed> {
    let base64 = STANDARD.encode_to_string(&smallest()[..30]);
    let texts = [
        format!(r#"{{"type":"frame","frame":"data:image/jpeg;base64,{base64}"}}"#),
        format!(
            r#"{{"frame": "data:image\/jpeg;base64,{base64}","timestamp":17.5,"type":"\u0066rame","x":{{"y":[1,null]}}}}"#
        ),
        r#"{"type":"frame","frame":"data:image/x,\"\\\n"}"#.to_owned(),
        r#"{"analysis_mode":"enhanced"}"#.to_owned(),
        r#"{"monitoring_conditions":["fall",{"a":1}],"analysis_mode":null}"#.to_owned(),
        r#"{"type":"ping","timestamp":1.5e3}"#.to_owned(),
    ];
    let binaries = [
        binary(1, &smallest()[..30]),
        binary(2, b"data:image/png;base64,iVBORw0KGgo="),
        binary(2, "data:image/\"\\x,\u{e9}".as_bytes()),
    ];
    numbered(texts.map(String::into_bytes).into_iter().chain(binaries))
}

pub fn frames() -> Vec<Seed> {
    let base64 = STANDARD.encode_to_string(grey());
    let attached = |event: &str, bytes: &[u8]| [event.as_bytes(), b"\0", bytes].concat();
    let placeholder = r#"["frame",{"image":{"_placeholder":true,"num":0},"id":3}]"#;
    numbered([
        format!(r#"["frame",{{"image":"{base64}"}}]"#).into_bytes(),
        format!(r#"["frame",{{"image":"data:image/png;base64,{base64}","id":7,"extra":{{"a":[1]}}}},5]"#)
            .into_bytes(),
        format!(r#"["frame", {{"id":"7","image":"{}"}}]"#, base64.replace('/', "\\/")).into_bytes(),
        attached(placeholder, &grey()),
        attached(placeholder, base64.as_bytes()),
        format!(r#"["frame",{{"image":"{}","id":-1.5}}]"#, base64.trim_end_matches('=')).into_bytes(),
    ])
}
