//! Files of networks: an answer or an error, never a panic. What is described has outputs, and they are the ones that are
//! converted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sightwire_tflite::{ConvertError, describe, to_onnx};

fuzz_target!(|bytes: &[u8]| {
    let Ok(description) = describe(bytes) else {
        assert!(to_onnx(bytes, &[0]).is_err(), "what cannot be described cannot be converted");
        return;
    };
    for output in 0..description.outputs.len().min(4) {
        let _ = to_onnx(bytes, &[output]);
    }
    let count = description.outputs.len();
    assert_eq!(to_onnx(bytes, &[count]), Err(ConvertError::NoOutput { count, asked: count }));
});
