use sightwire_tflite::{ConvertError, describe_model, to_onnx};

/// Files of networks: an answer or an error, never a panic. What is described has outputs, and they are the ones that are
/// converted.
pub fn tflite(data: &[u8]) {
    let Ok(description) = describe_model(data) else {
        assert!(to_onnx(data, &[0]).is_err(), "what cannot be described cannot be converted");
        return;
    };
    for output in 0..description.outputs.len().min(4) {
        let _ = to_onnx(data, &[output]);
    }
    let count = description.outputs.len();
    assert_eq!(to_onnx(data, &[count]), Err(ConvertError::NoOutput { count, asked: count }));
}
