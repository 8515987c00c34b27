//! Has pictures read elsewhere, and what both sides say to each other about that.
//!
//! The model is called [`MODEL`]. It takes a file as it came (`image`, BYTES `[1]`) and how it is to be read (`options`, BYTES `[1]`:
//! parameters as of `POST /api/v1/read`, and [`VERSION`]), and gives what was read as JSON (`document`, BYTES `[1]`). Where it cannot
//! read this file, which says nothing of the next one, it gives `error` (BYTES `[1]`) instead.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::kserve::messages::{ModelMetadata, TensorMetadata};
use crate::kserve::tensor::{Datatype, Tensor, TensorError, find_tensor};
use bytes::Bytes;
use sightwire_reading::output::Document;
use sightwire_reading::remote::{Asked, CanBe, RemoteReader};
use sightwire_reading::work::ReadRequest;

use crate::PLATFORM;
use crate::networks::KserveNetworks;

/// Its name at the server.
pub const MODEL: &str = "read";
/// The parameter that says which files of a model are meant; a server that has others does not read.
pub const VERSION: &str = "version";
const IMAGE: &str = "image";
const OPTIONS: &str = "options";
const DOCUMENT: &str = "document";
const ERROR: &str = "error";
/// Bytes of what was read: some ten thousand lines.
const MAX_ANSWER: usize = 16 << 20;
/// An answer that is none to what was asked.
const OTHERS: TensorError = TensorError::Unfit { name: DOCUMENT, why: "is that of another picture" };
/// Bytes of the options.
const MAX_OPTIONS: usize = 4 << 10;

/// What somebody asks for.
#[derive(Debug)]
pub struct Asking {
    /// The picture's file.
    pub file: Bytes,
    /// By name, with [`VERSION`] among them where that is said.
    pub parameters: BTreeMap<String, String>,
}

impl Asking {
    /// Of the inputs of a request.
    pub fn from_inputs(inputs: &[Tensor]) -> Result<Self, TensorError> {
        let file = single_element(inputs, IMAGE)?;
        let has_options = inputs.iter().any(|input| input.name == OPTIONS);
        let options = if has_options { single_element(inputs, OPTIONS)? } else { Bytes::new() };
        if options.len() > MAX_OPTIONS {
            return Err(TensorError::Unfit { name: OPTIONS, why: "are longer than options are" });
        }
        Ok(Self { file, parameters: form_urlencoded::parse(&options).into_owned().collect() })
    }

    fn build_inputs(file: &Bytes, request: &ReadRequest, version: &str) -> [Tensor; 2] {
        let mut options = form_urlencoded::Serializer::new(String::new());
        options.extend_pairs(request.query_parameters()).append_pair(VERSION, version);
        [Tensor::of_elements(IMAGE, &[file]), Tensor::of_elements(OPTIONS, &[options.finish()])]
    }
}

/// The answer where it was read, and where it could not be.
pub fn answer_tensor(read: Result<&Document, &str>) -> Tensor {
    match read {
        Ok(document) => Tensor::of_elements(DOCUMENT, &[document.to_stored()]),
        Err(why) => Tensor::of_elements(ERROR, &[why]),
    }
}

/// What the model takes and gives.
pub fn reader_metadata() -> ModelMetadata {
    let tensor = |name: &str| TensorMetadata {
        name: name.to_owned(),
        datatype: Datatype::Bytes.name().to_owned(),
        shape: vec![1],
    };
    ModelMetadata {
        name: MODEL.to_owned(),
        versions: vec!["1".to_owned()],
        platform: PLATFORM.to_owned(),
        inputs: [IMAGE, OPTIONS].map(tensor).into(),
        outputs: [DOCUMENT, ERROR].map(tensor).into(),
    }
}

impl RemoteReader for KserveNetworks {
    fn read<'a>(
        &'a self,
        file: &'a Bytes,
        request: &'a ReadRequest,
        version: &'a str,
        within: Duration,
        can_be: &'a CanBe<'a>,
    ) -> Asked<'a> {
        Box::pin(async move {
            let remote = self.model(MODEL, None, MAX_ANSWER, |_| Ok(()));
            let inputs = Asking::build_inputs(file, request, version);
            let read = |outputs: &[Tensor]| match read_document(outputs)? {
                Some(document) if !can_be(&document) => Err(OTHERS),
                found => Ok(found),
            };
            remote.infer(&inputs, within, read).await.ok().flatten()
        })
    }
}

/// What was read; `None` where the file could not be.
fn read_document(outputs: &[Tensor]) -> Result<Option<Document>, TensorError> {
    if outputs.iter().any(|output| output.name == ERROR) {
        return Ok(None);
    }
    let document = single_element(outputs, DOCUMENT)?;
    let unfit = TensorError::Unfit { name: DOCUMENT, why: "is not what was read of a picture" };
    let text = std::str::from_utf8(&document).ok().and_then(|text| Document::from_stored(text).ok());
    text.map(Some).ok_or(unfit)
}

/// The only element of a tensor.
fn single_element(tensors: &[Tensor], name: &'static str) -> Result<Bytes, TensorError> {
    let element = find_tensor(tensors, name)?.only_element()?;
    element.ok_or(TensorError::Unfit { name, why: "has to be BYTES of shape [1]" })
}

#[cfg(test)]
mod tests {
    use sightwire_reading::ReadOptions;

    use super::*;

    #[test]
    fn what_is_asked_for_comes_as_it_was_meant() {
        let options = ReadOptions { threshold: 0.35, angle: false, ..ReadOptions::default() };
        let request = ReadRequest { model: "a & b".into(), options };
        let file = Bytes::from_static(b"a file");
        let asking = Asking::from_inputs(&Asking::build_inputs(&file, &request, "0123")).unwrap();
        assert_eq!(asking.file, file);
        let get = |name: &str| asking.parameters[name].as_str();
        assert_eq!(
            ["model", "threshold", "angle", "corners", VERSION].map(get),
            ["a & b", "0.35", "false", "", "0123"]
        );
        let bare = Asking::from_inputs(&[Tensor::of_elements(IMAGE, &[&file])]).unwrap();
        assert!(bare.parameters.is_empty(), "whoever says nothing gets what is usual");
    }

    #[test]
    fn what_is_no_question_or_no_answer_is_refused() {
        let image = Tensor::of_elements(IMAGE, &["a"]);
        for (inputs, part) in [
            (vec![], "image"),
            (vec![Tensor::of_elements(IMAGE, &["a", "b"])], "shape [1]"),
            (vec![Tensor::of_i32(IMAGE, &[1])], "BYTES"),
            (vec![image.clone(), Tensor::of_elements(OPTIONS, &["x".repeat(5000)])], "longer"),
        ] {
            let why = Asking::from_inputs(&inputs).unwrap_err().to_string();
            assert!(why.contains(part), "{why}");
        }
        assert_eq!(read_document(&[answer_tensor(Err("it is locked"))]), Ok(None));
        for nonsense in ["", "{}", "[]", "\u{1}"] {
            let why = read_document(&[Tensor::of_elements(DOCUMENT, &[nonsense])]).unwrap_err().to_string();
            assert!(why.contains("not what was read"), "{why}");
        }
        assert!(read_document(&[image]).is_err());
    }
}
