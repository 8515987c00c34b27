//! Who asks for models over gRPC.

use sightwire_admission::caller::Caller;
use sightwire_remote::kserve::server::{Asker, Refusal, Serves as _};

use super::*;

/// Whether who sends these headers from there, to that host, may ask.
fn ask(house: &House, peer: &str, host: &str, headers: &[(&str, &str)]) -> Result<(), Refusal> {
    caller(house, peer, host, headers).map(|_| ())
}

fn caller(house: &House, peer: &str, host: &str, headers: &[(&str, &str)]) -> Result<Caller, Refusal> {
    let uri = format!("http://{host}/inference.GRPCInferenceService/ModelInfer");
    let mut request = Request::builder().method(Method::POST).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    let peer = format!("{peer}:5000").parse().unwrap();
    house.app.inference.serves().identify(&Asker { peer, head: &head, is_secured: false })
}

#[tokio::test]
async fn who_asks_for_models_is_known_as_over_http() {
    let house = House::new("");
    let keyed = |key: &str| {
        let bearer = format!("Bearer {key}");
        ask(&house, "192.168.1.7", "192.168.1.2:8001", &[("authorization", &bearer)])
    };
    let here = |host: &str, headers: &[(&str, &str)]| ask(&house, "127.0.0.1", host, headers);
    assert_eq!(here("localhost:8001", &[]), Ok(()));
    assert_eq!(keyed(&house.key(Role::Streamer, &["*"], &[Use::Cameras])), Ok(()));
    // A name that leads here, and a proxy that says that it is one.
    assert!(matches!(here("evil.example:8001", &[]), Err(Refusal::NoKey(_))));
    assert!(matches!(here("localhost:8001", &[("x-forwarded-for", "192.0.2.7")]), Err(Refusal::NoKey(_))));
    // A page in a browser of this machine.
    let page = here("localhost:8001", &[("origin", "https://evil.example")]);
    assert!(
        matches!(&page, Err(Refusal::NotAllowed(words)) if words.contains("Pages from elsewhere")),
        "{page:?}"
    );
    assert!(matches!(ask(&house, "192.168.1.7", "192.168.1.2:8001", &[]), Err(Refusal::NoKey(_))));
    assert!(matches!(keyed("sw_0000"), Err(Refusal::NoKey(_))));
    for (role, of) in [(Role::Viewer, Use::Cameras), (Role::Streamer, Use::Relay)] {
        let refused = keyed(&house.key(role, &["*"], &[of]));
        assert!(matches!(refused, Err(Refusal::NotAllowed(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn each_model_is_for_those_who_may_have_its_task_done() {
    let house = House::new("[engine]\nlisten = \"127.0.0.1:0\"");
    let models = ["detect", "detect-pixels", "read", "gestures.backbone", "hands.palm"];
    for (of, may) in [
        (Use::Cameras, [true, true, false, false, true]),
        (Use::Reading, [false, false, true, false, false]),
        (Use::Signs, [false, false, false, true, true]),
    ] {
        let bearer = format!("Bearer {}", house.key(Role::Streamer, &["*"], &[of]));
        let who = caller(&house, "192.168.1.7", "192.168.1.2:8001", &[("authorization", &bearer)]).unwrap();
        for (model, may) in models.into_iter().zip(may) {
            let metadata = house.app.inference.serves().metadata(&who, model).await;
            assert_eq!(matches!(metadata, Err(Refusal::NotAllowed(_))), !may, "{of:?} {model}: {metadata:?}");
            let asked = house.app.inference.serves().infer(&who, (model, ""), Vec::new()).await;
            assert_eq!(matches!(asked, Err(Refusal::NotAllowed(_))), !may, "{of:?} {model}: {asked:?}");
        }
    }
}

#[tokio::test]
async fn who_asks_for_models_has_as_many_requests_as_over_http() {
    let house = House::new("[limits]\nrequests_per_s = 1");
    let ask = |peer: &str| ask(&house, peer, "192.168.1.2:8001", &[]);
    let many: Vec<_> = (0..8).map(|_| ask("192.168.1.7")).collect();
    assert!(matches!(many[0], Err(Refusal::NoKey(_))), "{many:?}");
    let busy = |refused: &&Result<(), Refusal>| matches!(refused, Err(Refusal::Busy(words)) if words.contains("limits.requests_per_s"));
    assert!((2..=3).contains(&many.iter().filter(busy).count()), "{many:?}");
    assert!(matches!(ask("192.168.1.8"), Err(Refusal::NoKey(_))), "another has its own");
    let here = (0..50).filter(|_| ask("127.0.0.1").is_err_and(|why| matches!(why, Refusal::Busy(_))));
    assert_eq!(here.count(), 0);
}
