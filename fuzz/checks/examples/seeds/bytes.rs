//! What comes over connections and in files, but for pictures.

use std::io::{Cursor, Write as _};
use std::sync::Arc;

use prost::Message as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use sightwire_remote::kserve::messages::{
    Contents, InferRequest, InferResponse, ModelMetadata, ServerMetadata, TensorMessage, TensorMetadata,
};
use sightwire_remote::kserve::tensor::Tensor;
use sightwire_tflite::op::{Activation, Sampling, Window};
use sightwire_tflite::write::{Array, Net};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Seed, numbered};

const HANDSHAKE: &str = "GET /ws/view HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn zip(names: &[&str], method: zip::CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).expect("an entry");
        zip.write_all(name.repeat(3).as_bytes()).expect("its content");
    }
    zip.finish().expect("a zip").into_inner()
}

pub fn archives() -> Vec<Seed> {
    numbered([
        zip(&["a.jpg", "deep/b.jpg"], zip::CompressionMethod::Deflated),
        zip(
            &["../c.jpg", "C:\\d.jpg", "__MACOSX/._a.jpg", "inner.zip", "folder/"],
            zip::CompressionMethod::Stored,
        ),
        zip(&[], zip::CompressionMethod::Stored),
    ])
}

pub fn forms() -> Vec<Seed> {
    let part = |head: &str, content: &str| {
        format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    };
    let file = part("name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg", "\u{0}\r\n--c\r\n");
    numbered([
        format!("\x05{file}{}--b--\r\n", part("name=\"conf\"", "0.5")),
        format!("\x01{}{}--b--", part("name=file", "x"), part("name=\"a\"; filename=\"b\rc\nd: \u{7}\"", "")),
        format!("\x02--b \t\r\n\r\n\r\n{file}"),
        "\x09Bücher 1.jpg\u{0}content\r\n--".to_owned(),
    ])
}

pub fn posts() -> Vec<Seed> {
    numbered([
        "\u{4}\u{3}40\u{1e}42[\"frame\",{\"image\":\"QUJD\"}]\u{1e}2\u{1e}1",
        "\u{1}\u{1}40{\"key\":\"x\"}\u{1e}\u{1e}bQUJD\u{1e}451-[\"frame\",{\"image\":{\"_placeholder\":true,\"num\":0}}]",
        "\u{4}\u{5}40/admin,{\"a\":1}\u{1e}42/admin,7[\"x\"]\u{1e}43/admin,7[]\u{1e}41/admin,",
    ])
}

pub fn redis() -> Vec<Seed> {
    let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
    let list = |items: &[String]| format!("*{}\r\n{}", items.len(), items.concat());
    let texts = |words: &[&str]| list(&words.iter().map(|word| bulk(word)).collect::<Vec<_>>());
    let snapshot = [
        bulk("ok"),
        ":1000\r\n".to_owned(),
        bulk("first"),
        bulk("7"),
        texts(&["a", "0000000000000001 http://a:8000 {}"]),
        texts(&["a", "1234.5"]),
        texts(&["ward", "5 0000000000000001/a {\"m\":\"normal\"}"]),
    ];
    let beat = [
        bulk("ok"),
        ":1000\r\n".to_owned(),
        bulk("first"),
        bulk("7"),
        ":0\r\n".to_owned(),
        texts(&["a", "1234.5", "b", "inf"]),
        ":3\r\n".to_owned(),
        ":1\r\n".to_owned(),
    ];
    numbered([
        "7\nstream\nward 3\n1700000000000001 0000000000000abc/a.example:8000 {\"m\":\"enhanced\",\"b\":true}"
            .to_owned(),
        "8\nstream\nward 3\n".to_owned(),
        "9\nprocess\na\n0000000000000abc http://a:8000 {}".to_owned(),
        "10\nprocess\na\n".to_owned(),
        "11\nrights\n\n3".to_owned(),
        list(&snapshot),
        list(&beat),
        texts(&["held", "5", "a", "1234"]),
        texts(&["type", "{p}:meta", "string", "hash"]),
        texts(&["lost", "6"]),
        texts(&["none"]),
        texts(&["foreign"]),
        texts(&["taken", "7", "1700000000000-0", "3"]),
        list(&[bulk("ok"), texts(&["0"])]),
        list(&[bulk("ok"), texts(&["reader-1", "{}", "1234.5"])]),
        texts(&["queued"]),
    ])
}

pub fn inference() -> Vec<Seed> {
    let picture =
        Tensor::of_u8("image", &[1, 2, 2, 3], (0..12).collect::<Vec<u8>>().into()).expect("12 values");
    let jpeg = Tensor::of_elements("jpeg", &[&b"\xff\xd8\xff\xd9"[..]]);
    let boxes = Tensor::of_f32("boxes", &[1, 4], &[0.0, 0.25, 0.5, 1.0]).expect("4 values");
    let classes = Tensor::of_i32("classes", &[3]);
    let asked = InferRequest::from_inputs("detect", &[picture, jpeg]);
    let values = Contents { uints: vec![1, 255], ..Contents::default() };
    let plain = TensorMessage {
        name: "image".to_owned(),
        datatype: "UINT8".to_owned(),
        shape: vec![2],
        contents: Some(values),
        ..TensorMessage::default()
    };
    let image =
        TensorMetadata { name: "image".to_owned(), datatype: "UINT8".to_owned(), shape: vec![1, -1, -1, 3] };
    let model = ModelMetadata {
        name: "detect".to_owned(),
        versions: vec!["1".to_owned()],
        platform: "sightwire".to_owned(),
        inputs: vec![image.clone()],
        outputs: vec![image],
    };
    let server =
        ServerMetadata { name: "sightwire".to_owned(), version: "1".to_owned(), extensions: Vec::new() };
    numbered([
        asked.encode_to_vec(),
        InferResponse::from_outputs(&asked, &[boxes, classes]).encode_to_vec(),
        InferRequest { inputs: vec![plain], ..InferRequest::default() }.encode_to_vec(),
        model.encode_to_vec(),
        server.encode_to_vec(),
    ])
}

pub fn requests() -> Vec<Seed> {
    numbered([
        "\u{5}GET /livez HTTP/1.1\r\nHost: a\r\n\r\n",
        "\u{3}POST /x HTTP/1.1\r\nContent-Length: 5\r\nHost: a\r\n\r\nhelloGET / HTTP/1.1\r\nHost: b\nX: y\r\n\r\n",
        "\u{2}POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "\u{2}POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
    ])
}

/// One small network with all operators.
pub fn networks() -> Vec<Seed> {
    let array = |shape: &[usize]| Array::from_fn(shape, |place| place.iter().sum::<usize>() as f32);
    let mut net = Net::new([1, 4, 4, 1]).with_half();
    let input = net.input();
    let x = net.conv(input, &array(&[2, 3, 3, 1]), &array(&[2]), Window::same_padding(2), Activation::Relu);
    let y = net.depthwise(x, &array(&[1, 3, 3, 2]), None, Window::same_padding(1), Activation::Relu6);
    let sum = net.add(x, y, Activation::None);
    let bent = net.prelu(sum, &array(&[1, 1, 2]));
    let pooled = net.max_pool(bent, [2, 2], Window::valid_padding(2), Activation::None);
    let wide = net.pad(pooled, &[[0, 0], [0, 0], [1, 1], [0, 0]]);
    let large = net.resize(wide, [2, 4], Sampling::AlignCorners);
    let both = net.concat(&[large, large], 3, Activation::None);
    let list = net.reshape(both, &[1, 32]);
    let mean = net.mean(both, &[1, 2], false);
    let dense = net.fully_connected(mean, &array(&[1, 4]), &array(&[1]), Activation::None);
    let sure = net.logistic(dense);
    let all = net.finish(&[list, sure]);

    let mut net = Net::new([1, 2, 2, 1]);
    let input = net.input();
    let sure = net.logistic(input);
    numbered([all, net.finish(&[sure])])
}

pub fn openings() -> Vec<Seed> {
    let config = ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("room for it");
    numbered([hello, b"GET / HTTP/1.1\r\n\r\n".to_vec(), b"\x16\x03\x01\0\x02\x01\0".to_vec(), Vec::new()])
}

fn frame(is_last: bool, code: u8, payload: &[u8]) -> Vec<u8> {
    let first = u8::from(is_last) << 7 | code;
    let length = u8::try_from(payload.len()).expect("a short frame");
    [&[first, 0x80 | length, 1, 2, 3, 4], payload].concat()
}

pub fn websockets() -> Vec<Seed> {
    let text = frame(true, 1, b"{\"type\":\"ping\"}");
    let long = [&[0x82, 0xff], &(1_u64 << 40).to_be_bytes()[..], b"abcdzz"].concat();
    numbered([
        [b"\x03", HANDSHAKE.as_bytes(), &text].concat(),
        [b"\x07", &*frame(true, 2, &[0xff, 0xd8, 0xff]), &frame(true, 9, b""), &frame(true, 8, b"\x03\xe8")]
            .concat(),
        [b"\x01", &*frame(false, 1, b"ab"), &frame(true, 9, b"x"), &frame(true, 0, b"cd")].concat(),
        [b"\x05", &*long].concat(),
    ])
}
