//! What goes over the wire is what others' programs write and read: bytes that NVIDIA's `tritonclient` made of its own messages.

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message as _;
use sightwire_remote::kserve::messages::{
    Contents, InferRequest, InferResponse, Live, ModelMetadata, ModelRequest, Parameter, Ready,
    ServerMetadata, Value, WantedOutput,
};
use sightwire_remote::kserve::tensor::{self, Datatype, Tensor, TensorError};

/// What is broken in a message.
type Damage = Box<dyn Fn(&mut InferRequest)>;

fn known(hex: &str) -> Bytes {
    let digits: Vec<char> = hex.chars().filter(char::is_ascii_hexdigit).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap_or_default();
    digits.chunks(2).map(byte).collect()
}

macro_rules! known {
    ($name:literal) => {
        known(include_str!(concat!("known/", $name, ".hex")))
    };
}

#[test]
fn a_request_of_tritonclient_is_read_and_written_as_it_came() {
    let bytes = known!("infer_request");
    let request = InferRequest::decode(bytes.clone()).unwrap();
    assert_eq!((&*request.model_name, &*request.model_version, &*request.id), ("detect", "3", "a1"));
    let of = |name: &str| request.parameters[name].value.clone().unwrap();
    assert_eq!(of("confidence"), Value::Real(0.25));
    assert_eq!(of("who"), Value::Text("me".into()));
    assert_eq!((of("yes"), of("n")), (Value::Bool(true), Value::Int(-2)));
    assert_eq!(request.outputs, [WantedOutput { name: "boxes".into(), ..WantedOutput::default() }]);
    let tensors = request.tensors().unwrap();
    assert_eq!((tensors[0].datatype(), tensors[0].shape()), (Datatype::Uint8, &[1, 2, 2, 3][..]));
    assert_eq!(tensors[0].raw(), &(0..12).collect::<Vec<u8>>());
    let jpeg = tensor::find_tensor(&tensors, "jpeg").unwrap();
    assert_eq!(jpeg.shape(), [1]);
    assert_eq!(jpeg.elements().unwrap(), [&b"\xff\xd8\x00\xff\xd9\x00"[..]]);
    // The order of parameters is anybody's.
    assert_eq!(request.encoded_len(), bytes.len());
    assert_eq!(InferRequest::decode(&*request.encode_to_vec()).unwrap(), request);
    let ours = InferRequest::from_inputs("detect", &tensors);
    assert_eq!((ours.inputs, ours.raw_input_contents), (request.inputs, request.raw_input_contents));
}

#[test]
fn an_answer_as_tritonclient_writes_it_is_ours_byte_for_byte() {
    let bytes = known!("infer_response");
    let answer = InferResponse::decode(bytes.clone()).unwrap();
    assert_eq!(answer.encode_to_vec(), bytes);
    let k = Parameter { value: Some(Value::Whole(7)) };
    assert_eq!(answer.outputs[0].parameters["k"], k);
    let tensors = answer.tensors().unwrap();
    assert_eq!(tensor::find_tensor(&tensors, "boxes").unwrap().f32s().unwrap(), [1.5, 2.0, 30.0, 40.25]);
    assert_eq!(tensor::find_tensor(&tensors, "classes").unwrap().integers().unwrap(), [-1]);
    assert_eq!(tensor::find_tensor(&tensors, "labels").unwrap().elements().unwrap(), ["person"]);
    assert_eq!(tensor::find_tensor(&tensors, "x"), Err(TensorError::Missing("x".into())));
}

#[test]
fn values_that_are_not_raw_are_those_that_would_be() {
    let answer = InferResponse::decode(known!("contents")).unwrap();
    let tensors = answer.tensors().unwrap();
    let raw = |name: &str| tensor::find_tensor(&tensors, name).unwrap().raw().to_vec();
    assert_eq!((raw("bool"), raw("i8"), raw("u8")), (vec![1, 0], vec![255, 127], vec![0, 255]));
    assert_eq!((raw("i16"), raw("u16")), ((-300_i16).to_le_bytes().into(), vec![255, 255]));
    assert_eq!(tensor::find_tensor(&tensors, "i32").unwrap().integers().unwrap(), [-70000]);
    assert_eq!(tensor::find_tensor(&tensors, "i64").unwrap().integers().unwrap(), [-(1 << 40)]);
    assert_eq!(raw("u32"), 4_000_000_000_u32.to_le_bytes());
    assert_eq!(raw("u64"), (1_u64 << 63).to_le_bytes());
    assert_eq!(tensor::find_tensor(&tensors, "f32").unwrap().f32s().unwrap(), [0.5, -2.0]);
    assert_eq!(raw("f64"), 0.1_f64.to_le_bytes());
    assert_eq!(tensor::find_tensor(&tensors, "bytes").unwrap().elements().unwrap(), ["ab", ""]);
}

#[test]
fn the_small_messages_are_what_tritonclient_writes() {
    let metadata = ModelMetadata::decode(known!("model_metadata")).unwrap();
    assert_eq!(metadata.encode_to_vec(), known!("model_metadata"));
    assert_eq!((&*metadata.name, &*metadata.platform), ("detect", "onnx"));
    assert_eq!(metadata.versions, ["1", "2"]);
    assert_eq!((&*metadata.inputs[0].name, &metadata.inputs[0].shape[..]), ("image", &[1, -1, -1, 3][..]));
    assert_eq!((&*metadata.outputs[0].datatype, &metadata.outputs[0].shape[..]), ("FP32", &[-1, 4][..]));
    let server = ServerMetadata {
        name: "triton".into(),
        version: "2.5".into(),
        extensions: vec!["binary".into(), "x".into()],
    };
    assert_eq!(server.encode_to_vec(), known!("server_metadata"));
    let asked = ModelRequest { name: "detect".into(), version: "1".into() };
    assert_eq!(asked.encode_to_vec(), known!("model_request"));
    assert_eq!(Ready { ready: true }.encode_to_vec(), known!("ready"));
    assert_eq!(Live { live: true }.encode_to_vec(), known!("live"));
}

#[test]
fn a_tensor_that_is_not_what_it_says_is_refused() {
    let good = InferRequest::from_inputs("m", &[Tensor::of_f32("a", &[1, 2], &[0.5, 1.0]).unwrap()]);
    let wrong: Vec<(Damage, &str)> = vec![
        (Box::new(|m| m.inputs[0].shape = vec![1, 3]), "a has 8 bytes where its shape says 12"),
        (Box::new(|m| m.inputs[0].shape = vec![-1, 2]), "a has a shape that no tensor has"),
        (Box::new(|m| m.inputs[0].shape = vec![i64::MAX, 8]), "a has a shape that no tensor has"),
        (Box::new(|m| m.inputs[0].shape = vec![1; 9]), "a has a shape that no tensor has"),
        (Box::new(|m| m.inputs[0].datatype = "FLOAT".into()), "a has the unknown datatype \"FLOAT\""),
        (Box::new(|m| m.inputs[0].datatype = "BYTES".into()), "the elements of a do not fill it"),
        (Box::new(|m| m.inputs[0].name = "n".repeat(257)), "257 bytes"),
        (
            Box::new(|m| m.inputs[0].contents = Some(Contents { ints: vec![1], ..Contents::default() })),
            "1 raw values for 1 tensors",
        ),
        (Box::new(|m| m.raw_input_contents.push(Bytes::new())), "2 raw values for 1 tensors"),
        (Box::new(|m| m.raw_input_contents.clear()), "a has 0 bytes where its shape says 8"),
        (Box::new(|m| m.inputs = vec![m.inputs[0].clone(); 17]), "17 tensors; at most 16"),
        (
            Box::new(|m| {
                m.inputs.push(m.inputs[0].clone());
                m.raw_input_contents.push(m.raw_input_contents[0].clone());
            }),
            "two tensors are called a",
        ),
    ];
    good.tensors().unwrap();
    let wide = Contents { uints: vec![255, 256], ints: vec![-1, -129], ..Contents::default() };
    for (datatype, fits) in [("UINT8", false), ("UINT16", true), ("INT8", false), ("INT16", true)] {
        let mut message = good.clone();
        message.raw_input_contents.clear();
        (message.inputs[0].datatype, message.inputs[0].contents) = (datatype.into(), Some(wide.clone()));
        let says = message.tensors().map_err(|error| error.to_string());
        assert_eq!(says.is_ok(), fits);
        assert!(fits || says.unwrap_err() == format!("a has values that {datatype} does not hold"));
    }
    let mut empty = good.clone();
    empty.inputs[0].contents = Some(Contents::default());
    assert_eq!(empty.tensors(), good.tensors(), "as MLServer sends them");
    for (damage, says) in wrong {
        let mut message = good.clone();
        damage(&mut message);
        let error = message.tensors().unwrap_err().to_string();
        assert!(error.contains(says), "{error}, not {says}");
    }
    let odd = Tensor::of_f32("a", &[2], &[1.0, f32::NAN]).unwrap();
    assert_eq!(odd.f32s(), Err(TensorError::NotFinite("a".into())));
    let other = odd.integers().unwrap_err().to_string();
    assert_eq!(other, "a is FP32, and INT32 is needed");
    // Not even the memory of a tensor without values is taken for granted.
    Tensor::new("a", Datatype::Fp64, vec![0, usize::MAX], Bytes::new()).unwrap();
}

proptest! {
    #[test]
    fn no_bytes_do_any_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = InferRequest::decode(&*bytes).map(|message| message.tensors());
        let _ = InferResponse::decode(&*bytes).map(|message| message.tensors());
        let _ = (ModelMetadata::decode(&*bytes), ServerMetadata::decode(&*bytes));
    }

    #[test]
    fn a_damaged_request_is_refused_or_still_what_it_says(at in 0_usize..174, value: u8) {
        let mut bytes = known!("infer_request").to_vec();
        bytes[at] = value;
        let Ok(message) = InferRequest::decode(&*bytes) else { return Ok(()) };
        for tensor in message.tensors().unwrap_or_default() {
            let values = tensor.shape().iter().product::<usize>();
            if let Some(size) = tensor.datatype().size() {
                prop_assert_eq!(values * size, tensor.raw().len());
            } else {
                prop_assert_eq!(values, tensor.elements().unwrap().len());
            }
        }
    }

    #[test]
    fn what_is_packed_comes_out_again(elements in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..20), 0..6,
    )) {
        let tensor = Tensor::of_elements("e", &elements);
        let message = InferRequest::from_inputs("m", &[tensor]);
        let back = InferRequest::decode(&*message.encode_to_vec()).unwrap().tensors().unwrap();
        prop_assert_eq!(back[0].elements().unwrap(), elements);
    }
}
