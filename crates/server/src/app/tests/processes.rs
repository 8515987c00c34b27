//! Other processes of the cluster.

use std::net::SocketAddr;

use http::header::{AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use sightwire_access::process::{
    ANSWER, Check, KnownProcess, LEEWAY, ProcessFlaw, Processes, Secret, Signed, Tag,
};
use sightwire_base::captured;

use super::*;

const TEXT: &str = "a secret of all the processes, long enough";
const FROM: u64 = 1;
const TO: u64 = 2;
const NOW: u64 = 1_764_100_000_000;
const PROTECTED: &str = "[access]\nmode = \"protected\"\n[limits]\nrequests_per_s = 1";
/// Takes an operator, and there is none such.
const PATH: &str = "/api/v1/cameras/none?x=1";

/// Two of them; this is the second.
#[derive(Debug)]
struct Two(Secret);

impl Processes for Two {
    fn identify_process(&self, request: &Signed<'_>) -> Result<KnownProcess, ProcessFlaw> {
        let name_of = |instance| (instance == FROM).then(|| "yard".into());
        Check { secret: &self.0, me: TO, now_ms: NOW, name_of: &name_of }.check_request(request)
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

fn cluster() -> House {
    let known = |guard: Guard| guard.with_processes(Arc::new(Two(secret(TEXT))));
    House::guarded("", PROTECTED, |_| None, known)
}

impl House {
    /// From another machine, as what that says; the status, what the answer shows, and what it says.
    async fn with_tag(&self, method: &Method, path: &str, tag: &str) -> (StatusCode, Option<String>, String) {
        let request = Request::builder().method(method).uri(path).header(HOST, "192.168.1.2:8000");
        let request =
            request.header(AUTHORIZATION, tag).header(CONNECTION, "upgrade").header(UPGRADE, "websocket");
        let request = request.header(SEC_WEBSOCKET_VERSION, "13");
        let request = request.header(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==");
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer(SocketAddr::from(([192, 168, 1, 7], 5000))));
        let (parts, body) = self.app.router.clone().oneshot(request).await.unwrap().into_parts();
        let shown = parts.headers.get(ANSWER).map(|shown| shown.to_str().unwrap().to_owned());
        let body = if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            String::new()
        } else {
            String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap()
        };
        (parts.status, shown, body)
    }
}

#[tokio::test]
async fn another_process_may_all_and_each_answer_shows_it_that_this_one_knows_the_secret() {
    let (log, house) = (captured::capture_log(), cluster());
    for (method, path, expected) in [
        (Method::GET, "/api/v1/cameras", StatusCode::OK),
        (Method::DELETE, PATH, StatusCode::NOT_FOUND),
        (Method::GET, "/ws/view?streams=gate", StatusCode::SWITCHING_PROTOCOLS),
        (Method::GET, "/api/v1/keys", StatusCode::OK),
        (Method::GET, "/nothing", StatusCode::NOT_FOUND),
    ] {
        let tag = Tag::sign(&secret(TEXT), FROM, TO, NOW, method.as_str(), path);
        let (status, shown, said) = house.with_tag(&method, path, &tag.to_string()).await;
        assert_eq!(status, expected, "{method} {path}: {said}");
        assert!(tag.is_answered_by(&secret(TEXT), &shown.unwrap()), "{method} {path}");
    }
    let lines = log.lines_with("AUDIT the process \"yard\" tried DELETE /api/v1/cameras/none");
    assert_eq!(lines.len(), 1, "{:?}", log.lines_with("AUDIT"));
    // It asks for all who watch there.
    let tag = Tag::sign(&secret(TEXT), FROM, TO, NOW, "GET", "/api/v1/cameras").to_string();
    for _ in 0..50 {
        assert_eq!(house.with_tag(&Method::GET, "/api/v1/cameras", &tag).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_is_not_another_processs_is_nobodys_and_is_told_why() {
    let house = cluster();
    let (ours, other) = (secret(TEXT), secret("another secret, which is long enough, too"));
    let late = NOW - LEEWAY.as_millis() as u64 - 1;
    for (tag, words) in [
        (Tag::sign(&other, FROM, TO, NOW, "DELETE", PATH), "This process and yard have different secrets"),
        (
            Tag::sign(&ours, FROM, TO, late, "DELETE", PATH),
            "The clocks of this process and yard are 31 s apart",
        ),
        (Tag::sign(&ours, FROM, TO, NOW, "DELETE", "/api/v1/cameras/none"), "different secrets"),
        (Tag::sign(&ours, FROM, TO, NOW, "GET", PATH), "different secrets"),
        (Tag::sign(&ours, FROM, FROM, NOW, "DELETE", PATH), "This is for another process"),
        (Tag::sign(&ours, TO, TO, NOW, "DELETE", PATH), "This process does not know the one that asks"),
    ] {
        refused(&cluster(), &tag.to_string(), words).await;
    }
    let right = Tag::sign(&ours, FROM, TO, NOW, "DELETE", PATH).to_string();
    refused(&cluster(), "Sightwire", "A key is needed").await;
    refused(&cluster(), "Sightwire x", "FROM.TO.TIME.MAC; this has other than four parts").await;
    refused(&cluster(), &right.replace("Sightwire ", "Bearer "), "This is not a key").await;
    let (status, ..) = cluster().with_tag(&Method::DELETE, PATH, &right.replace("Sight", "sIGHT")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "a scheme is one in whatever letters");
    refused(&House::new(""), &right, "This server is in no cluster").await;
    refused(&House::new("[access]\nmode = \"open\""), &right, "This server is in no cluster").await;
    // A client that only says so is limited like everybody there.
    let mut answers = BTreeSet::new();
    for _ in 0..50 {
        answers.insert(house.with_tag(&Method::DELETE, PATH, "Sightwire x").await.0);
    }
    assert_eq!(answers, [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].into());
}

async fn refused(house: &House, tag: &str, words: &str) {
    let (status, shown, said) = house.with_tag(&Method::DELETE, PATH, tag).await;
    assert_eq!((status, shown), (StatusCode::UNAUTHORIZED, None), "{tag}: {said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert!(said["detail"].as_str().unwrap().contains(words), "{tag}: {said}");
}
