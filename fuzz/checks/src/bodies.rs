use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sightwire_api::access::{Login, NewKey, NewUser};
use sightwire_api::board::BoardChange;
use sightwire_api::camera::{CameraChange, CameraTest, NewCamera};
use sightwire_api::cluster::ChallengeAnswer;
use sightwire_api::detect::StreamEvent;
use sightwire_api::status::PageError;

/// JSON bodies of requests, and what other processes answer: what is read of one is what stands there, and can be read again once
/// it is written.
pub fn bodies(data: &[u8]) {
    check_roundtrip::<NewKey>(data);
    check_roundtrip::<NewUser>(data);
    check_roundtrip::<Login>(data);
    check_roundtrip::<NewCamera>(data);
    check_roundtrip::<CameraChange>(data);
    check_roundtrip::<CameraTest>(data);
    check_roundtrip::<BoardChange>(data);
    check_roundtrip::<PageError>(data);
    check_roundtrip::<ChallengeAnswer>(data);
    check_roundtrip::<StreamEvent>(data);
}

fn check_roundtrip<T: DeserializeOwned + Serialize>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else { return };
    // Of a list its items would be taken for fields; what takes bodies refuses lists.
    let Ok(came @ Value::Object(_)) = serde_json::from_slice(data) else { return };
    let text = serde_json::to_vec(&read).expect("it can be written");
    let written = serde_json::from_slice(&text).expect("JSON");
    assert!(stood_there(&written, &came), "{written} of {came}");
    let again: T = serde_json::from_slice(&text).expect("what is written can be read");
    let again = serde_json::to_value(&again).expect("it can be written");
    assert!(stood_there(&again, &written), "{again} of {written}");
}

/// Whether all that was written stood there; null is as good as nothing, and numbers may lose digits.
fn stood_there(written: &Value, came: &Value) -> bool {
    match (written, came) {
        (Value::Object(written), Value::Object(came)) => written.iter().all(|(name, value)| {
            value.is_null() || came.get(name).is_some_and(|came| stood_there(value, came))
        }),
        (Value::Array(written), Value::Array(came)) => {
            written.len() == came.len() && written.iter().zip(came).all(|(one, other)| stood_there(one, other))
        }
        (Value::Number(written), Value::Number(came)) => {
            let (Some(written), Some(came)) = (written.as_f64(), came.as_f64()) else { return false };
            (written - came).abs() <= 1e-6 * came.abs() + 1e-30
        }
        _ => written == came,
    }
}
