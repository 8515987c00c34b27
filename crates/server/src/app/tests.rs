//! Every path with every kind of caller. It goes through the whole of the router, so that nothing can be forgotten.

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use serde_json::Value;
use sightwire_access::record::NewKey;
use sightwire_access::store::StoreError;
use sightwire_access::{Role, Scope, Use};
use sightwire_api::openapi;
use sightwire_listen::Peer;
use tower::ServiceExt as _;

use super::*;
use crate::transport::paths;
use crate::transport::routes::{Asked, FREE};

/// Two cameras that nobody reads, and keys.
const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:0"]
[recognizer]
dummy = true
[[camera]]
id = "gate"
name = "Gate"
url = "http://127.0.0.1:9/"
default = true
[[camera]]
id = "yard"
name = "Yard"
url = "http://127.0.0.1:9/yard"
user = "ute"
"#;

struct House {
    app: App,
    config: Config,
    access: Arc<Guard>,
    _home: tempfile::TempDir,
}

impl House {
    fn new(more: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = format!("[store]\nhome = {:?}\n{CONFIG}\n{more}", home.path());
        let config = Config::of_toml(&config).unwrap();
        let (access, stop) = (Arc::new(config.guard().unwrap()), CancellationToken::new());
        let app = App::new(&config, &access, &stop, &TaskTracker::new()).unwrap();
        stop.cancel();
        Self { app, config, access, _home: home }
    }

    fn key(&self, role: Role, streams: &[&str], uses: &[Use]) -> String {
        let scope = Scope::new(streams.iter().copied(), uses.iter().copied()).unwrap();
        let wanted = NewKey { name: None, role, scope, expires: None };
        let now = std::time::SystemTime::now();
        let store = self.config.access_store();
        let key = store.update(|records| Ok::<_, StoreError>(records.add(&wanted, now)?.0)).unwrap();
        self.access.keyring().take_up().unwrap();
        key.reveal().to_owned()
    }

    /// From another machine.
    async fn ask(&self, method: &Method, path: &str, key: Option<&str>) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "192.168.1.2:8000");
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if path.starts_with("/ws") || path.ends_with("/live") {
            for (name, value) in [
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ] {
                request = request.header(name, value);
            }
        }
        let body =
            if path == "/api/v1/cameras" { r#"{"id":"new","url":"http://127.0.0.1:9/"}"# } else { "{}" };
        let request = request.header("content-type", "application/json").header("x-user-id", "ute");
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(Peer("192.168.1.7:5000".parse().unwrap()));
        let response = self.app.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let is_json = response.headers().get("content-type").is_some_and(|kind| kind == "application/json");
        let body =
            if is_json { to_bytes(response.into_body(), 1 << 20).await.unwrap() } else { "null".into() };
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn ok(&self, path: &str, key: &str) -> Value {
        let (status, answer) = self.ask(&Method::GET, path, Some(key)).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }
}

/// With the stream `yard`, where a path names one.
fn filled(path: &str) -> String {
    [("{id}", "yard"), ("{name}", "yard"), ("{index}", "0"), ("{gesture}", "wave"), ("{*rest}", "x")]
        .iter()
        .fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
}

/// As clients ask for it.
fn documented(path: &'static str) -> &'static str {
    match path {
        paths::DETECT => "/ws/stream/detect",
        paths::RAW => "/ws/stream/raw",
        paths::HEALTH => "/health",
        path => path,
    }
}

#[tokio::test]
async fn every_path_is_in_the_openapi_document_with_its_role_and_no_other() {
    let house = House::new("");
    // Whatever is not there has no page.
    let shown = house.app.paths.iter().filter(|path| !path.contains('*'));
    let document = openapi::document();
    assert_eq!(
        shown.map(|path| documented(path)).collect::<BTreeSet<_>>(),
        document.paths().collect::<BTreeSet<_>>()
    );
    let asked = house.app.asked.iter().filter(|asked| !asked.path.contains('*'));
    let roles = asked.map(|Asked { path, method, action }| {
        (documented(path), method.as_str().to_lowercase(), action.role.map(Role::name))
    });
    let said = document.roles().map(|(path, method, role)| (path, method.to_owned(), role));
    assert_eq!(roles.collect::<BTreeSet<_>>(), said.collect::<BTreeSet<_>>());
    let free = document.roles().filter(|(_, _, role)| role.is_none()).map(|(path, ..)| path);
    assert_eq!(free.collect::<Vec<_>>(), FREE);
}

#[tokio::test]
async fn without_a_key_that_counts_nobody_gets_anything() {
    let house = House::new("");
    let revoked = house.key(Role::Admin, &[], &[]);
    let id = &revoked[3..11];
    house.config.access_store().update(|records| Ok::<_, StoreError>(records.revoke(id))).unwrap().unwrap();
    house.access.keyring().take_up().unwrap();
    for Asked { path, method, action } in &house.app.asked {
        for key in [None, Some(&*revoked), Some("sw_broken"), Some("of.another.kind")] {
            let (status, answer) = house.ask(method, &filled(path), key).await;
            let expected = action.role.is_some();
            assert_eq!(
                status == StatusCode::UNAUTHORIZED,
                expected,
                "{method} {path} {key:?}: {status} {answer}"
            );
        }
    }
    for page in ["/", "/index.html", "/cameras", "/nothing.js"] {
        assert_eq!(house.ask(&Method::GET, page, None).await.0, StatusCode::UNAUTHORIZED, "{page}");
    }
}

#[tokio::test]
async fn a_role_below_what_a_path_takes_is_refused() {
    let house = House::new("");
    for role in Role::ALL {
        let key = house.key(role, &[], &[]);
        for Asked { path, method, action } in &house.app.asked {
            let expected = action.role.is_some_and(|needed| role < needed);
            // Whoever may, may also end things; what answers for ever is looked at elsewhere.
            if !expected {
                continue;
            }
            let (status, answer) = house.ask(method, &filled(path), Some(&key)).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{role} {method} {path}: {answer}");
            let detail = answer["detail"].as_str().unwrap();
            assert!(detail.contains(role.with_article()) && detail.contains("takes"), "{detail}");
        }
    }
}

#[tokio::test]
async fn a_key_for_another_stream_gets_nothing_of_this_one() {
    let house = House::new("");
    let key = house.key(Role::Admin, &["elsewhere-*"], &[]);
    let mut refused = BTreeSet::new();
    for Asked { path, method, .. } in &house.app.asked {
        let names_a_stream =
            ["/streams/{id}", "/cameras/{id}", "/ws/stream/{name}"].iter().any(|p| path.contains(p));
        let picks_one =
            path.starts_with("/stream") && *path != "/streams/active" || path.starts_with("/api/esp32/");
        let is_of_user = path.contains("esp32-config");
        let is_of_all = matches!(*path, "/metrics" | "/api/v1/cameras/test")
            || (*path == "/api/v1/cameras" && method == Method::POST);
        if *path == paths::HEALTH || !(names_a_stream || picks_one || is_of_user || is_of_all) {
            continue;
        }
        for query in [
            "",
            "?camera=yard",
            "?user_id=ute",
            "?esp32_url=http://127.0.0.1:9/yard&camera_url=http://127.0.0.1:9/",
        ] {
            let (status, answer) = house.ask(method, &format!("{}{query}", filled(path)), Some(&key)).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}{query}: {answer}");
            assert!(answer["detail"].as_str().unwrap().contains("elsewhere-*"), "{answer}");
        }
        refused.insert(*path);
    }
    assert!(refused.len() > 15, "{refused:?}");
    let named = house.ask(&Method::GET, "/ws/view?streams=yard", Some(&key)).await;
    assert_eq!(named.0, StatusCode::FORBIDDEN, "{}", named.1);
}

#[tokio::test]
async fn lists_have_what_one_may_see_and_say_what_one_may_change() {
    let house = House::new("");
    let ids = |cameras: &Value| {
        let cameras = cameras["cameras"].as_array().unwrap().iter();
        cameras.map(|camera| camera["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let gates = house.key(Role::Viewer, &["gate*"], &[]);
    let all = house.key(Role::Operator, &[], &[]);
    let relay = house.key(Role::Operator, &[], &[Use::Relay]);
    let cameras = house.ok("/api/v1/cameras", &gates).await;
    assert_eq!((ids(&cameras), cameras["may_change"].as_bool()), (vec!["gate".to_owned()], Some(false)));
    assert!(cameras["why_not"].as_str().unwrap().contains("takes an operator"), "{cameras}");
    let cameras = house.ok("/api/v1/cameras", &all).await;
    assert_eq!(
        (ids(&cameras), cameras["may_change"].as_bool()),
        (vec!["gate".into(), "yard".into()], Some(true))
    );
    assert_eq!(ids(&house.ok("/api/v1/cameras", &relay).await), [""; 0]);
    assert_eq!(house.ok("/api/v1/models", &gates).await["may_activate"], false);
    assert_eq!(house.ok("/api/v1/models", &all).await["may_activate"], true);
    assert_eq!(house.ok("/api/v1/runtime", &gates).await["may_get"], false);
    assert_eq!(house.ok("/api/v1/cameras/gate", &gates).await["id"], "gate");
    let (status, _) = house.ask(&Method::GET, "/api/v1/cameras/gate", Some(&relay)).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "it is for the relay");
}

#[tokio::test]
async fn a_key_may_come_in_the_address_and_what_needs_none_takes_any() {
    let house = House::new("");
    let key = house.key(Role::Viewer, &[], &[]);
    let ask = async |path: &str| house.ask(&Method::GET, path, None).await.0;
    assert_eq!(ask(&format!("/api/v1/cameras?key={key}")).await, StatusCode::OK);
    assert_eq!(ask("/api/v1/cameras?key=sw_wrong").await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("/livez?key=sw_wrong").await, StatusCode::OK);
    assert_eq!(house.ask(&Method::GET, "/livez", Some("sw_wrong")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_the_older_keys_give_to_everyone_needs_no_key() {
    let house = House::new("[cameras]\nchanging = \"anyone\"");
    let (status, answer) = house.ask(&Method::DELETE, "/api/v1/cameras/none", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
    assert_eq!(house.ask(&Method::GET, "/api/v1/cameras", None).await.0, StatusCode::UNAUTHORIZED);
}
