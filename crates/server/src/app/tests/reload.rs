//! The configuration is read again: what of it counts from then on.

use std::path::Path;

use crate::config::{ConfigError, Layers, load};
use parking_lot::Mutex;
use sightwire_base::captured;

use super::*;

/// A server, and the file that it was started with.
struct Changing {
    house: House,
    file: Arc<Mutex<String>>,
    admin: String,
}

fn of(text: &str) -> Result<(Layers, Config), ConfigError> {
    let mut layers = load::default_layers();
    layers.add_text(text, Path::new("sightwire.toml"))?;
    let config = Config::from_layers(&layers)?;
    Ok((layers, config))
}

impl Changing {
    fn new() -> Self {
        Self::with("")
    }

    /// `more` stands at the end of the file.
    fn with(more: &str) -> Self {
        let (file, written) = (Arc::new(Mutex::new(String::new())), Arc::<Mutex<String>>::default());
        let house = {
            let (file, written) = (file.clone(), written.clone());
            House::reading("", more, move |text| {
                *written.lock() = text.to_owned();
                let (started, _) = of(text).unwrap();
                let read = Box::new(move || of(&file.lock().clone()));
                Some(Source { started, read })
            })
        };
        *file.lock() = written.lock().clone();
        let admin = house.key(Role::Admin, &[], &[]);
        Self { house, file, admin }
    }

    fn change(&self, from: &str, to: &str) {
        let mut file = self.file.lock();
        assert!(file.contains(from), "{from} in {file}");
        *file = file.replacen(from, to, 1);
    }

    async fn reload(&self) -> (StatusCode, Value) {
        self.house.ask(&Method::POST, "/api/v1/reload", Some(&self.admin)).await
    }

    async fn cameras(&self) -> Vec<String> {
        let answer = self.house.ok("/api/v1/cameras", &self.admin).await;
        let names = answer["cameras"].as_array().unwrap().iter();
        names.map(|camera| camera["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn what_can_be_applied_is_and_what_needs_a_restart_is_named_until_there_is_one() {
    let server = Changing::new();
    server.house.ask(&Method::POST, "/api/v1/cameras", Some(&server.admin)).await;
    assert_eq!(server.cameras().await, ["gate", "yard", "new"]);
    assert_eq!(server.reload().await, (StatusCode::OK, json!({ "applied": [], "needs_restart": [] })));
    server.change("id = \"yard\"", "id = \"court\"");
    server.change("[recognizer]", "max_connections = 7\n[recognizer]\nmax_clients = 3");
    let (status, answer) = server.reload().await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(
        answer,
        json!({ "applied": ["recognizer.max_clients", "[[camera]]"], "needs_restart": ["server.max_connections"] })
    );
    assert_eq!(server.cameras().await, ["gate", "court", "new"], "one that was added stays");
    assert_eq!(server.house.app.recognizer.max_clients(), 3);
    let (_, again) = server.reload().await;
    assert_eq!(again, json!({ "applied": [], "needs_restart": ["server.max_connections"] }));
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_changes_nothing_at_all() {
    let (log, server) = (captured::capture_log(), Changing::new());
    server.change("id = \"yard\"", "id = \"court\"");
    server.change("[recognizer]", "[recognizer]\nmax_clients = 3\nmax_fps = 0.5");
    let (status, answer) = server.reload().await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let detail = answer["detail"].as_str().unwrap();
    assert!(detail.contains("the one before stays") && detail.contains("recognizer.max_fps"), "{detail}");
    assert_eq!(server.cameras().await, ["gate", "yard"]);
    assert_ne!(server.house.app.recognizer.max_clients(), 3);
    assert_eq!(server.house.app.reload.counts(), [0, 1]);
    // Mended, all of it counts.
    server.change("max_fps = 0.5", "max_fps = 5.0");
    let (status, answer) = server.reload().await;
    assert_eq!((status, &answer["needs_restart"]), (StatusCode::OK, &json!(["recognizer.max_fps"])));
    assert_eq!(server.cameras().await, ["gate", "court"]);
    assert_eq!(log.lines_with("had the configuration read again").len(), 1);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_shown_changes_nothing_at_all() {
    let server = Changing::with("[tls]\nmode = \"self-signed\"\n");
    let authority = server.house.home.path().join("tls/authority.pem");
    assert!(authority.is_file());
    let kept = std::fs::read(&authority).unwrap();
    std::fs::write(&authority, "spoilt").unwrap();
    server.change("id = \"yard\"", "id = \"court\"");
    let (status, answer) = server.reload().await;
    let detail = answer["detail"].as_str().unwrap();
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && detail.contains("everything stays as it is"));
    assert!(detail.contains("authority.pem"), "{detail}");
    assert_eq!(server.cameras().await, ["gate", "yard"]);
    std::fs::write(&authority, kept).unwrap();
    assert_eq!(server.reload().await.0, StatusCode::OK);
    assert_eq!(server.cameras().await, ["gate", "court"]);
}

#[tokio::test]
async fn whoever_is_no_admin_cannot_have_it_read_and_a_server_within_a_program_says_so() {
    let server = Changing::new();
    let operator = server.house.key(Role::Operator, &[], &[]);
    let asked = server.house.ask(&Method::POST, "/api/v1/reload", Some(&operator)).await;
    assert_eq!(asked.0, StatusCode::FORBIDDEN);
    let house = House::new("");
    let admin = house.key(Role::Admin, &[], &[]);
    let (status, answer) = house.ask(&Method::POST, "/api/v1/reload", Some(&admin)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
}

#[tokio::test]
async fn a_limit_counts_at_once_also_for_who_has_come_before() {
    let server = Changing::new();
    let viewer = server.house.key(Role::Viewer, &[], &[]);
    let ask = async || server.house.ask(&Method::GET, "/api/v1/status", Some(&viewer)).await.0;
    for _ in 0..20 {
        assert_eq!(ask().await, StatusCode::OK);
    }
    server.change("[recognizer]", "[limits]\nrequests_per_s = 1\n[recognizer]");
    let (_, answer) = server.reload().await;
    assert_eq!(answer, json!({ "applied": ["limits.requests_per_s"], "needs_restart": [] }));
    let mut served = 0;
    while ask().await == StatusCode::OK {
        served += 1;
        assert!(served < 20, "five at once");
    }
    server.change("requests_per_s = 1", "requests_per_s = 0");
    server.house.app.reload.run().unwrap();
    assert_eq!(ask().await, StatusCode::OK);
}

#[tokio::test]
async fn an_admin_sees_each_setting_with_the_value_in_force_and_where_it_was_set() {
    let server = Changing::new();
    server.change("[recognizer]", "max_connections = 7\n[recognizer]\nmax_clients = 3");
    server.reload().await;
    let answer = server.house.ok("/api/v1/settings", &server.admin).await;
    let setting = |name: &str| {
        answer["settings"].as_array().unwrap().iter().find(|setting| setting["name"] == name).unwrap()
    };
    let clients = setting("recognizer.max_clients");
    assert_eq!((&clients["value"], &clients["at_once"]), (&json!(3), &json!(true)));
    let origin = clients["origin"].as_str().unwrap();
    assert!(origin.starts_with("sightwire.toml, line "), "{origin}");
    let connections = setting("server.max_connections");
    assert_eq!(
        (&connections["value"], &connections["origin"]),
        (&json!(1024), &json!("default")),
        "until a restart"
    );
    let operator = server.house.key(Role::Operator, &[], &[]);
    let (status, _) = server.house.ask(&Method::GET, "/api/v1/settings", Some(&operator)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
