use prost::Message as _;
use sightwire_remote::kserve::messages::{InferRequest, InferResponse, ModelMetadata, ServerMetadata};
use sightwire_remote::kserve::tensor::{MAX_TENSORS, Tensor};

/// What other servers ask and answer as `KServe` v2: tensors are bounded, hold what their shapes say and no more, and are the same
/// when they are written again, raw.
pub fn inference(data: &[u8]) {
    if let Ok(request) = InferRequest::decode(data)
        && let Ok(tensors) = request.tensors()
    {
        check_tensors(&tensors);
        let again = InferRequest::from_inputs(&request.model_name, &tensors).encode_to_vec();
        assert_eq!(InferRequest::decode(&*again).expect("ours").tensors().as_ref(), Ok(&tensors));
        let answer = InferResponse::from_outputs(&request, &tensors);
        assert_eq!((&answer.id, &answer.model_version), (&request.id, &request.model_version));
        assert_eq!(answer.tensors(), Ok(tensors));
    }
    if let Ok(Ok(tensors)) = InferResponse::decode(data).map(|answer| answer.tensors()) {
        check_tensors(&tensors);
    }
    if let Ok(metadata) = ModelMetadata::decode(data) {
        assert_eq!(ModelMetadata::decode(&*metadata.encode_to_vec()), Ok(metadata));
    }
    if let Ok(metadata) = ServerMetadata::decode(data) {
        assert_eq!(ServerMetadata::decode(&*metadata.encode_to_vec()), Ok(metadata));
    }
}

fn check_tensors(tensors: &[Tensor]) {
    assert!(tensors.len() <= MAX_TENSORS);
    for tensor in tensors {
        let values = tensor.shape().iter().product::<usize>();
        match tensor.datatype().size() {
            Some(size) => assert_eq!(values * size, tensor.raw().len()),
            None => assert_eq!(tensor.elements().expect("BYTES").len(), values),
        }
        let only = tensor.only_element();
        assert_eq!(only.is_ok(), tensor.datatype().size().is_none());
        assert!(only.ok().flatten().is_none_or(|_| values == 1));
        if let Ok(numbers) = tensor.f32s() {
            assert_eq!((numbers.len(), numbers.iter().all(|number| number.is_finite())), (values, true));
        }
        assert!(tensor.integers().map_or(true, |numbers| numbers.len() == values));
    }
}
