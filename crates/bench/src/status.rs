//! The status of a server that may be older or newer than the load generator: `bench pairs` puts several commits under the same load.

use serde_json::Value;
use sightwire_api::status::Status;

/// Reads the answer of `/api/v1/status`. What this server does not tell yet is as in [`Status::default`]; what the generator does not
/// know is left out. An error where it is not an object, or where something has another type.
pub(crate) fn parse_status(body: &[u8]) -> serde_json::Result<Status> {
    let mut whole = serde_json::to_value(Status::default())?;
    merge_values(&mut whole, serde_json::from_slice(body)?);
    serde_json::from_value(whole)
}

/// Puts `told` over `whole`, field by field.
fn merge_values(whole: &mut Value, told: Value) {
    match (whole, told) {
        (Value::Object(whole), Value::Object(told)) => {
            for (name, value) in told {
                merge_values(whole.entry(name).or_insert(Value::Null), value);
            }
        }
        (whole, told) => *whole = told,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn servers_of_other_versions_are_understood() {
        let mut answer = serde_json::to_value(Status::default()).unwrap();
        answer["recognizer"]["frames_total"] = json!(7);
        answer["reader"]["later"] = json!({ "known": false });
        answer["reader"].as_object_mut().unwrap().remove("drawing").unwrap();
        let status = parse_status(&serde_json::to_vec(&answer).unwrap()).unwrap();
        assert_eq!((status.recognizer.frames_total, status.reader), (7, Status::default().reader));
        for other in ["[]", "7", r#"{"recognizer": 7}"#, "{"] {
            assert!(parse_status(other.as_bytes()).is_err(), "{other}");
        }
    }
}
