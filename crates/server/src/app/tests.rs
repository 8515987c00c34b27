//! Every path with every kind of caller. It goes through the whole of the router, so that nothing can be forgotten.

mod others;

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use http::HeaderMap;
use serde_json::{Value, json};
use sightwire_access::record::NewKey;
use sightwire_access::store::StoreError;
use sightwire_access::{Role, Scope, Use};
use sightwire_api::openapi;
use sightwire_listen::Peer;
use tower::ServiceExt as _;

use super::*;
use sightwire_admission::routes::Asked;
use sightwire_streaming::paths;

/// Paths that everybody may use, beside the pages' own files. There are no others: a test looks.
const FREE: [&str; 6] =
    ["/api/v1/login", "/api/v1/logout", "/api/v1/session", "/healthz", "/livez", "/readyz"];

mod at_once;
mod cameras;
mod inference;
mod limits;
mod links;
mod origins;
mod processes;
mod reload;
mod told;

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
    home: tempfile::TempDir,
}

impl House {
    fn new(more: &str) -> Self {
        Self::with_server("", more)
    }

    /// `server` is added to that section.
    fn with_server(server: &str, more: &str) -> Self {
        Self::reading(server, more, |_| None)
    }

    /// `source` is made of the text of the configuration.
    fn reading(server: &str, more: &str, source: impl FnOnce(&str) -> Option<Source>) -> Self {
        Self::guarded(server, more, source, |guard| guard)
    }

    /// `known` adds to those whom the guard knows.
    fn guarded(
        server: &str,
        more: &str,
        source: impl FnOnce(&str) -> Option<Source>,
        known: impl FnOnce(Guard) -> Guard,
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        let of_server = CONFIG.replace("[recognizer]", &format!("{server}\n[recognizer]"));
        let config = format!("[store]\nhome = {:?}\n{of_server}\n{more}", home.path());
        let source = source(&config);
        let config = Config::of_toml(&config).unwrap();
        let (access, stop) = (Arc::new(known(config.build_guard().unwrap())), CancellationToken::new());
        let tasks = TaskTracker::new();
        let vital = Vital::new(&tasks, &stop);
        let reach = Arc::new(Reach::new(&config, vec!["192.168.1.2:8000".parse().unwrap()]).unwrap());
        let app = App::new(&config, &access, &reach, &vital, None, Arc::new(|| None), source).unwrap();
        stop.cancel();
        Self { app, config, access, home }
    }

    fn key(&self, role: Role, streams: &[&str], uses: &[Use]) -> String {
        let scope = Scope::new(streams.iter().copied(), uses.iter().copied()).unwrap();
        let wanted = NewKey { name: None, role, scope, expires: None };
        let now = std::time::SystemTime::now();
        let store = self.config.access_store();
        let key = store.update(|records| Ok::<_, StoreError>(records.add_key(&wanted, now)?.0)).unwrap();
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
    let document = openapi::build_document();
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
async fn a_path_that_is_no_text_is_refused_as_everything_is() {
    let house = House::new("");
    let key = house.key(Role::Admin, &[], &[]);
    for Asked { path, method, .. } in house.app.asked.iter().filter(|asked| asked.path.contains('{')) {
        if path.contains('*') {
            continue;
        }
        let names = path.split('/').map(|part| if part.starts_with('{') { "%ff" } else { part });
        let path = names.collect::<Vec<_>>().join("/");
        let (status, answer) = house.ask(method, &path, Some(&key)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{method} {path}: {answer}");
        assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("UTF-8")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn the_page_of_the_api_is_for_whoever_may_see_the_server() {
    let house = House::new("");
    let bearer = format!("Bearer {}", house.key(Role::Viewer, &[], &[]));
    let html = ("accept", "text/html");
    let (status, headers, _) = house.browse(&Method::GET, "/api", &[html], json!({})).await;
    assert_eq!(
        (status, &headers["location"]),
        (StatusCode::SEE_OTHER, &HeaderValue::from_static("./login?next=%2Fapi"))
    );
    let known = [html, ("authorization", &*bearer)];
    let (status, headers, _) = house.browse(&Method::GET, "/api", &known, json!({})).await;
    assert_eq!(
        (status, &headers["content-type"]),
        (StatusCode::OK, &HeaderValue::from_static("text/html; charset=utf-8"))
    );
    assert!(headers["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
}

#[tokio::test]
async fn without_a_key_that_counts_nobody_gets_anything() {
    let house = House::new("");
    let revoked = house.key(Role::Admin, &[], &[]);
    let id = &revoked[3..11];
    house
        .config
        .access_store()
        .update(|records| Ok::<_, StoreError>(records.revoke_key(id)))
        .unwrap()
        .unwrap();
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
    let free =
        ["/login", "/login/login.css", "/login/login.js", "/login/tokens.css", "/favicon.svg", "/scheme.js"];
    for page in free {
        assert_eq!(house.ask(&Method::GET, page, None).await.0, StatusCode::OK, "{page}");
    }
    for page in ["/", "/index.html", "/cameras", "/nothing.js", "/login/../index.html", "/login/index.html"] {
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
            // Who may look may also end things; what answers for ever is looked at elsewhere.
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
            || (matches!(*path, "/api/v1/cameras" | "/api/v1/runtime") && method == Method::POST)
            || path.ends_with("/activate");
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
    // Otherwise it could make itself a key for more.
    let some = house.key(Role::Admin, &[], &[Use::Relay]);
    assert_eq!(house.ask(&Method::GET, "/api/v1/keys", Some(&some)).await.0, StatusCode::FORBIDDEN);
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

impl House {
    /// As a browser on another machine does.
    async fn browse(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> (StatusCode, HeaderMap, Value) {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "192.168.1.2:8000");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/json");
        let mut request = request.body(Body::from(body.to_string())).unwrap();
        request.extensions_mut().insert(Peer("192.168.1.7:5000".parse().unwrap()));
        let (parts, body) = self.app.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Cookie and token.
    async fn log_in(&self, with: Value) -> (String, String) {
        let (status, headers, answer) = self.browse(&Method::POST, "/api/v1/login", &[], with).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let cookie = headers["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
        let (pair, _) = cookie.split_once(';').unwrap();
        (pair.to_owned(), answer["csrf"].as_str().unwrap().to_owned())
    }
}

#[tokio::test]
async fn who_has_logged_in_is_known_by_a_cookie_that_only_our_own_page_can_use() {
    let house = House::new("");
    let key = house.key(Role::Admin, &[], &[]);
    let (cookie, csrf) = house.log_in(json!({ "key": key })).await;
    let get = async |path: &str, more: &[(&str, &str)]| {
        house.browse(&Method::GET, path, &[&[("cookie", &*cookie)], more].concat(), json!({})).await
    };
    assert_eq!(get("/api/v1/cameras", &[]).await.0, StatusCode::OK);
    assert_eq!(get("/api/v1/session", &[]).await.2["csrf"], csrf);
    // A client that only looks brings no token, and is told what may be changed with it.
    assert_eq!(get("/api/v1/cameras", &[]).await.2["may_change"], true);
    assert_eq!(get("/api/v1/cameras", &[("sec-fetch-site", "same-origin")]).await.0, StatusCode::OK);
    assert_eq!(get("/api/v1/cameras", &[("sec-fetch-site", "same-site")]).await.0, StatusCode::UNAUTHORIZED);
    // A browser sends the cookie with what pages of other ports of this host ask for, too.
    for origin in ["http://192.168.1.2:3000", "http://localhost:8000", "https://evil.example", "null"] {
        let (status, ..) = get("/api/v1/cameras", &[("origin", origin)]).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{origin}");
    }
    let cross_site = [("sec-fetch-site", "cross-site"), ("referer", "https://evil.example/")];
    assert_eq!(get("/api/v1/cameras", &cross_site).await.0, StatusCode::UNAUTHORIZED);
    // A user who follows a link from there is still logged in; a frame of that page is not.
    for (dest, status) in [("document", StatusCode::OK), ("iframe", StatusCode::SEE_OTHER)] {
        let visit = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", dest), ("accept", "text/html")];
        let (found, ..) = get("/cameras", &[&cross_site[..], &visit].concat()).await;
        assert_eq!(found, status, "{dest}");
    }

    let user = json!({ "name": "Anna", "password": "correct horse", "role": "viewer" });
    let post = async |more: &[(&str, &str)]| {
        let headers = [&[("cookie", &*cookie)], more].concat();
        house.browse(&Method::POST, "/api/v1/users", &headers, user.clone()).await
    };
    for wrong in [&[][..], &[("x-csrf-token", "")], &[("x-csrf-token", "x")]] {
        let (status, _, answer) = post(wrong).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains("X-CSRF-Token"), "{answer}");
    }
    let meant = [("x-csrf-token", &*csrf)];
    assert_eq!(
        post(&[&meant[..], &[("origin", "https://evil.example")]].concat()).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(post(&meant).await.0, StatusCode::CREATED);
    assert_eq!(post(&meant).await.0, StatusCode::CONFLICT);

    let (anna, _) = house.log_in(json!({ "name": "anna", "password": "correct horse" })).await;
    let of_anna =
        async || house.browse(&Method::GET, "/api/v1/users", &[("cookie", &anna)], json!({})).await.0;
    assert_eq!(of_anna().await, StatusCode::FORBIDDEN, "a viewer");
    let headers = [&[("cookie", &*cookie)], &meant[..]].concat();
    let (status, ..) = house.browse(&Method::DELETE, "/api/v1/users/Anna", &headers, json!({})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(of_anna().await, StatusCode::UNAUTHORIZED, "removed");

    let (status, left, _) = house.browse(&Method::POST, "/api/v1/logout", &headers, json!({})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(left["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(get("/api/v1/cameras", &[]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn logging_in_fails_with_a_sentence_and_never_for_a_page_from_elsewhere() {
    let house = House::new("");
    let key = house.key(Role::Viewer, &[], &[]);
    let log_in = async |more: &[(&str, &str)], with: Value| {
        let (status, headers, answer) = house.browse(&Method::POST, "/api/v1/login", more, with).await;
        assert!(!headers.contains_key("set-cookie"), "{answer}");
        (status, answer["detail"].as_str().unwrap().to_owned())
    };
    for wrong in [
        json!({}),
        json!([]),
        json!({ "name": "anna" }),
        json!({ "key": key, "name": "anna", "password": "x" }),
        json!({ "keys": key }),
    ] {
        let (status, detail) = log_in(&[], wrong.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(detail.contains("Send JSON") && !detail.contains(&key), "{detail}");
    }
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(log_in(&foreign, json!({ "key": key })).await.0, StatusCode::FORBIDDEN);
    let (status, detail) = log_in(&[], json!({ "name": "anna", "password": "wrong" })).await;
    assert_eq!((status, &*detail), (StatusCode::UNAUTHORIZED, "The name or the password is wrong."));
    let long = json!({ "name": "x".repeat(1000), "password": "wrong" });
    assert_eq!(log_in(&[], long).await.0, StatusCode::UNAUTHORIZED);
    let mut last = (status, detail);
    for _ in 0..10 {
        last = log_in(&[], json!({ "name": "otto", "password": "wrong" })).await;
    }
    assert_eq!(last.0, StatusCode::TOO_MANY_REQUESTS, "{}", last.1);
    assert!(last.1.contains("try again in"), "{}", last.1);
}

#[tokio::test]
async fn a_browser_that_is_not_known_comes_to_the_login_page_and_a_key_does_not_stay_in_its_address() {
    let house = House::new("");
    let key = house.key(Role::Viewer, &[], &[]);
    let html = [("accept", "text/html,*/*;q=0.8")];
    let open = async |path: &str, more: &[(&str, &str)]| {
        house.browse(&Method::GET, path, &[&html[..], more].concat(), json!({})).await
    };
    let (status, headers, _) = open("/cameras?try=1", &[]).await;
    assert_eq!(
        (status, headers["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "./login?next=%2Fcameras%3Ftry%3D1")
    );
    let (status, headers, _) = open("/?key=sw_wrong", &[]).await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "./login?next=%2F"));
    let (status, headers, _) = open(&format!("/cameras?key={key}&try=1"), &[]).await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "./cameras?try=1"));
    let cookie = headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    assert!(!cookie.contains(&key));
    let (_, headers, _) = open(&format!("//evil.example/?key={key}"), &[]).await;
    assert_eq!(headers["location"].to_str().unwrap(), "../../evil.example/", "it stays here");
    let link = [("sec-fetch-site", "cross-site"), ("referer", "https://evil.example/")];
    let (_, headers, _) = open(&format!("/?key={key}"), &link).await;
    assert!(headers["location"] == "./login" && !headers.contains_key("set-cookie"), "{headers:?}");
    assert_eq!(open("/cameras", &[("cookie", cookie)]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn clients_that_cannot_send_a_key_get_what_their_network_and_path_allow() {
    let house = House::new(
        "[[access.legacy]]\npaths = [\"/stream*\", \"/api/v1/cameras*\"]\nnetworks = [\"192.168.1.0/24\"]\nrole = \"viewer\"\nstreams = [\"gate\"]",
    );
    let cameras = house.ask(&Method::GET, "/api/v1/cameras", None).await;
    assert_eq!((cameras.0, cameras.1["cameras"].as_array().unwrap().len()), (StatusCode::OK, 1));
    assert_eq!(house.ask(&Method::GET, "/stream?camera=yard", None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.ask(&Method::POST, "/api/v1/cameras", None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.ask(&Method::GET, "/api/v1/status", None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(
        house.ask(&Method::GET, "/api/v1/cameras", Some("sw_wrong")).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_link_logs_one_device_in_with_a_key_that_is_listed_and_revoked_like_any_other() {
    let house = House::new("");
    let admin = house.key(Role::Admin, &[], &[]);
    let bearer = format!("Bearer {admin}");
    let as_admin = [("authorization", &*bearer)];
    let wanted = json!({ "name": "phone", "role": "viewer", "streams": ["gate"] });
    let (status, headers, link) = house.browse(&Method::POST, "/api/v1/login-links", &as_admin, wanted).await;
    assert_eq!((status, headers["cache-control"].to_str().unwrap()), (StatusCode::CREATED, "no-store"));
    let url = link["url"].as_str().unwrap();
    let token = url.strip_prefix("http://192.168.1.2:8000/login#link=").unwrap();
    assert!(link["svg"].as_str().unwrap().contains("<svg") && link["others_reach_it"] == true, "{link}");
    assert_eq!(link["expires_in_s"], 600);

    let (cookie, _) = house.log_in(json!({ "link": token })).await;
    let phone = [("cookie", &*cookie)];
    let cameras = house.browse(&Method::GET, "/api/v1/cameras", &phone, json!({})).await.2;
    assert_eq!(cameras["cameras"].as_array().unwrap().len(), 1, "{cameras}");
    let again = house.browse(&Method::POST, "/api/v1/login", &[], json!({ "link": token })).await;
    assert_eq!(again.0, StatusCode::UNAUTHORIZED);
    assert!(again.2["detail"].as_str().unwrap().contains("works once"), "{}", again.2);

    let keys = house.browse(&Method::GET, "/api/v1/keys", &as_admin, json!({})).await.2;
    let phones = keys["keys"].as_array().unwrap().iter().find(|key| key["name"] == "phone").unwrap();
    assert_eq!(phones["id"], link["about"]["id"]);
    let path = format!("/api/v1/keys/{}", phones["id"].as_str().unwrap());
    assert_eq!(house.browse(&Method::DELETE, &path, &as_admin, json!({})).await.0, StatusCode::NO_CONTENT);
    let after = house.browse(&Method::GET, "/api/v1/cameras", &phone, json!({})).await.0;
    assert_eq!(after, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn encrypted_or_not_the_server_says_how_and_offers_what_is_to_be_trusted() {
    let plain = House::new("");
    let key = plain.key(Role::Viewer, &[], &[]);
    assert_eq!(plain.ok("/api/v1/tls", &key).await["mode"], "off");
    let (status, answer) = plain.ask(&Method::GET, "/login/authority.crt", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(answer["detail"].as_str().unwrap().contains("tls.mode"), "{answer}");

    let house = House::new("[tls]\nmode = \"self-signed\"");
    let key = house.key(Role::Viewer, &[], &[]);
    let tls = house.ok("/api/v1/tls", &key).await;
    assert_eq!(
        (&tls["mode"], &tls["authority"]["download"]),
        (&json!("self-signed"), &json!("/login/authority.crt"))
    );
    let names = tls["names"].as_array().unwrap();
    assert!(names.contains(&json!("localhost")) && names.contains(&json!("192.168.1.2")), "{tls}");
    let (status, headers, _) = house.browse(&Method::GET, "/login/authority.crt", &[], json!({})).await;
    assert_eq!(
        (status, headers["content-type"].to_str().unwrap()),
        (StatusCode::OK, "application/x-x509-ca-cert")
    );
    // Who comes without is sent where the same is encrypted, but not for another server's name.
    let elsewhere = async |host: &str| {
        let request = Request::builder().uri("/stream?camera=gate").header(HOST, host);
        let router = house.app.build_secure(8000).unwrap().plain;
        router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    };
    let sent = elsewhere("192.168.1.2").await;
    assert_eq!(sent.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(sent.headers()["location"], "https://192.168.1.2:8000/stream?camera=gate");
    assert_eq!(elsewhere("evil.example").await.status(), StatusCode::MISDIRECTED_REQUEST);
}
