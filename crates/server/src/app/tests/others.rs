//! Callers who are known by what others say: by a token, or by a proxy.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64_simd::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sightwire_access::password;
use sightwire_access::record::NewUser;
use tokio::time::{advance, pause, resume};

use super::*;

const SECRET: &str = "a secret of the tests, forty bytes long.";

const TOKENS: &str = r#"
[access]
jwt_secret = "a secret of the tests, forty bytes long."
jwt_issuer = "login"
jwt_audience = "sightwire"
"#;

fn signed(head: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let [head, claims] = [head, claims].map(|part| URL_SAFE_NO_PAD.encode_to_string(part.to_string()));
    let message = format!("{head}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode_to_string(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn token(role: &str, expires_s: i64, more: &Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let mut claims =
        json!({ "iss": "login", "aud": "sightwire", "sub": "anna", "exp": now + expires_s, "role": role });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    signed(&json!({ "alg": "HS256" }), &claims, |message| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        hmac::sign(&key, message).as_ref().to_vec()
    })
}

#[tokio::test]
async fn a_token_opens_what_its_role_and_scope_allow_wherever_a_key_may_stand() {
    let house = House::new(TOKENS);
    let viewer = token("viewer", 60, &json!({ "streams": ["gate"] }));
    let cameras = house.ok("/api/v1/cameras", &viewer).await;
    assert_eq!(cameras["cameras"].as_array().unwrap().len(), 1, "{cameras}");
    let get = async |path: &str| house.ask(&Method::GET, path, None).await;
    assert_eq!(get(&format!("/api/v1/cameras/gate?key={viewer}")).await.0, StatusCode::OK);
    let (status, answer) = get(&format!("/api/v1/cameras/yard?key={viewer}")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(answer["detail"].as_str().unwrap().contains("token of anna covers gate"), "{answer}");
    let (status, _) = house.ask(&Method::DELETE, "/api/v1/cameras/none", Some(&viewer)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let operator = token("operator", 60, &json!({}));
    let (status, _) = house.ask(&Method::DELETE, "/api/v1/cameras/none", Some(&operator)).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it may");
    let session = house.ok("/api/v1/session", &operator).await;
    assert_eq!((&session["name"], &session["role"]), (&json!("anna"), &json!("operator")));
    // And a browser may log in with it.
    let (cookie, _) = house.log_in(json!({ "key": viewer })).await;
    let (status, ..) = house.browse(&Method::GET, "/api/v1/cameras", &[("cookie", &cookie)], json!({})).await;
    assert_eq!(status, StatusCode::OK);

    for (wrong, said) in [
        (token("viewer", -3600, &json!({})), "has expired"),
        (token("viewer", 60, &json!({ "aud": "other" })), "access.jwt_audience"),
        (token("root", 60, &json!({})), "no role"),
        (viewer[..viewer.len() - 2].to_owned(), "token"),
        ("of.another.kind".to_owned(), "a token"),
    ] {
        for (path, bearer) in
            [("/api/v1/cameras", Some(&*wrong)), (&*format!("/api/v1/cameras?key={wrong}"), None)]
        {
            let (status, answer) = house.ask(&Method::GET, path, bearer).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");
            let detail = answer["detail"].as_str().unwrap();
            assert!(detail.contains(said) && !detail.contains(&wrong), "{detail}");
        }
    }
    let without = House::new("");
    assert_eq!(without.ask(&Method::GET, "/api/v1/cameras", Some(&viewer)).await.0, StatusCode::UNAUTHORIZED);
}

const PROXY: &str = r#"
[access]
proxy_header = "X-Forwarded-User"
proxy_networks = ["192.168.1.7"]
proxy_role = "operator"
"#;

#[tokio::test]
async fn a_user_whom_the_proxy_names_is_let_in_and_from_elsewhere_the_header_says_nothing() {
    let house = House::new(PROXY);
    let anna = NewUser {
        name: "Anna".into(),
        role: Role::Viewer,
        scope: Scope::new(["gate"], []).unwrap(),
        password: password::hash("correct horse").unwrap(),
    };
    let store = house.config.access_store();
    store
        .update(|records| records.add_user(anna, SystemTime::now()).map(drop).map_err(StoreError::from))
        .unwrap();
    house.access.keyring().take_up().unwrap();
    let get = async |path: &str, headers: &[(&str, &str)]| {
        let (status, _, answer) = house.browse(&Method::GET, path, headers, json!({})).await;
        (status, answer)
    };
    let (_, otto) = get("/api/v1/session", &[("x-forwarded-user", "otto")]).await;
    assert_eq!((&otto["name"], &otto["role"]), (&json!("otto"), &json!("operator")));
    let (_, anna) = get("/api/v1/session", &[("x-forwarded-user", "anna")]).await;
    assert_eq!((&anna["role"], &anna["streams"]), (&json!("viewer"), &json!(["gate"])));
    assert_eq!(get("/api/v1/cameras", &[]).await.0, StatusCode::UNAUTHORIZED, "without a name");
    for wrong in [
        &[("x-forwarded-user", "otto"), ("x-forwarded-user", "anna")][..],
        &[("x-forwarded-user", "")],
        &[("x-forwarded-user", "(null)")],
        &[("x-forwarded-user", &"x".repeat(65))],
    ] {
        let (status, answer) = get("/api/v1/cameras", wrong).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{wrong:?}");
        assert!(answer["detail"].as_str().unwrap().contains("access.proxy_header"), "{answer}");
    }
    let key = house.key(Role::Admin, &[], &[]);
    let bearer = format!("Bearer {key}");
    let (_, keyed) =
        get("/api/v1/session", &[("x-forwarded-user", "otto"), ("authorization", &bearer)]).await;
    assert_eq!(keyed["role"], "admin", "who sends a key means it");
    let headers = [("x-forwarded-user", "otto")];
    let (status, _, answer) =
        house.browse(&Method::POST, "/api/v1/login", &headers, json!({ "key": key })).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");

    let elsewhere = House::new(&PROXY.replace("192.168.1.7", "192.168.1.8"));
    for forged in [&headers[..], &[("x-forwarded-user", "a"), ("x-forwarded-user", "b")]] {
        let (status, _, answer) = elsewhere.browse(&Method::GET, "/api/v1/cameras", forged, json!({})).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(answer["detail"].as_str().unwrap().contains("A key is needed"), "{answer}");
    }
}

#[tokio::test]
async fn pages_from_elsewhere_change_nothing_in_the_name_of_whom_the_proxy_names() {
    let house = House::new(PROXY);
    let ask = async |method: &Method, headers: &[(&str, &str)]| {
        let named = [&[("x-forwarded-user", "otto")], headers].concat();
        house.browse(method, "/api/v1/cameras/none", &named, json!({})).await.0
    };
    let own = ("origin", "http://192.168.1.2:8000");
    let agent = ("user-agent", "Mozilla/5.0");
    for (headers, may) in [
        (&[own][..], true),
        (&[own, agent, ("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "same-origin"), agent], true),
        // A program behind the proxy.
        (&[("user-agent", "curl/8"), ("accept", "*/*")], true),
        // A browser that does not say whose page it shows.
        (&[agent], false),
        (&[("accept-language", "en")], false),
        (&[("referer", "http://192.168.1.2:8000/")], false),
        (&[("cookie", "a=b")], false),
        (&[("sec-fetch-site", "none")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ],
            false,
        ),
        (&[("origin", "http://192.168.1.2:3000")], false),
        (&[("origin", "https://192.168.1.2.evil.example")], false),
        (&[("origin", "http://localhost:8000")], false),
        (&[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")], false),
        (&[("origin", "null")], false),
    ] {
        let status = ask(&Method::DELETE, headers).await;
        assert_eq!(status == StatusCode::NOT_FOUND, may, "{headers:?}: {status}");
        let refused = [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED].contains(&status);
        assert_eq!(refused, !may, "{headers:?}: {status}");
    }
    // What another's page asks for, it does not get in anybody's name; but a link to our own page opens it.
    let cross = [("sec-fetch-site", "cross-site"), ("referer", "https://evil.example/")];
    assert_eq!(ask(&Method::GET, &cross).await, StatusCode::UNAUTHORIZED);
    let link = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    assert_eq!(ask(&Method::GET, &[&cross[..], &link].concat()).await, StatusCode::NOT_FOUND);
    let frame = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
    assert_eq!(ask(&Method::GET, &[&cross[..], &frame].concat()).await, StatusCode::UNAUTHORIZED);
    // A token that the proxy adds beside the name is not meant by the user who looks at a page, and neither is the name.
    let house = House::new(&format!("{PROXY}{}", TOKENS.replace("[access]\n", "")));
    let bearer = format!("Bearer {}", token("operator", 60, &json!({})));
    for (headers, may) in [
        (&[own][..], true),
        (&[("user-agent", "curl/8")], true),
        (&[agent], false),
        (&[("origin", "https://evil.example")], false),
    ] {
        let added = [&[("x-forwarded-user", "otto"), ("authorization", &*bearer)], headers].concat();
        let (status, ..) = house.browse(&Method::DELETE, "/api/v1/cameras/none", &added, json!({})).await;
        assert_eq!(status == StatusCode::NOT_FOUND, may, "{headers:?}: {status}");
    }
    // What may be changed is said, though a request that changes nothing does not bring its origin.
    let headers = [("x-forwarded-user", "otto"), agent];
    let (_, _, cameras) = house.browse(&Method::GET, "/api/v1/cameras", &headers, json!({})).await;
    assert_eq!(cameras["may_change"], true, "{cameras}");
}

/// A server on this machine that says what it is told to.
fn issuer(said: Arc<Mutex<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(format!("{head}{}", said.lock()).as_bytes());
        }
    });
    format!("http://{address}/keys")
}

#[tokio::test]
async fn a_key_that_its_issuer_publishes_later_is_found_and_one_that_it_takes_back_ends_what_it_opened() {
    let key = || {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap()
    };
    let [old, new] = [key(), key()];
    let jwk = |id: &str, key: &Ed25519KeyPair| {
        let x = URL_SAFE_NO_PAD.encode_to_string(key.public_key());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": x })
    };
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 7200;
    let token = |id: &str, key: &Ed25519KeyPair| {
        let claims =
            json!({ "iss": "login", "aud": "sightwire", "sub": "anna", "exp": expires, "role": "viewer" });
        signed(&json!({ "alg": "EdDSA", "kid": id }), &claims, |message| key.sign(message).as_ref().to_vec())
    };
    let [of_old, of_new] = [token("old", &old), token("new", &new)];
    let said = Arc::new(Mutex::new(json!({ "keys": [jwk("old", &old)] }).to_string()));
    let home = tempfile::tempdir().unwrap();
    let config = format!(
        "[store]\nhome = {:?}\n[access]\njwt_jwks = {:?}\njwt_issuer = \"login\"\njwt_audience = \"sightwire\"",
        home.path(),
        issuer(said.clone())
    );
    let guard = Arc::new(Config::of_toml(&config).unwrap().build_guard().unwrap());
    let find = |token: &str| guard.find_principal(token, SystemTime::now(), None);
    assert!(find(&of_old).unwrap_err().to_string().contains("not fetched"));
    let stop = CancellationToken::new();
    let running = tokio::spawn(guard.clone().run(Issuers, stop.clone()));
    let until = async |done: &dyn Fn() -> bool| {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    until(&|| find(&of_old).is_ok()).await;
    let end = CancellationToken::new();
    let _hold = find(&of_old).unwrap().credential().unwrap().hold(end.clone());
    *said.lock() = json!({ "keys": [jwk("new", &new)] }).to_string();
    assert!(find(&of_new).unwrap_err().to_string().contains("try again in 30 s"));
    assert!(!end.is_cancelled());
    pause();
    advance(Duration::from_secs(31)).await;
    resume();
    until(&|| find(&of_new).is_ok()).await;
    end.cancelled().await;
    assert!(find(&of_old).is_err());
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_token_that_a_proxy_may_have_added_counts_for_no_page_of_others() {
    let house = House::new(TOKENS);
    let bearer = format!("Bearer {}", token("operator", 60, &json!({})));
    let end = async |headers: &[(&str, &str)]| {
        let headers = [&[("authorization", &*bearer)], headers].concat();
        let (status, _, answer) =
            house.browse(&Method::DELETE, "/api/v1/cameras/none", &headers, json!({})).await;
        (status, answer["detail"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(end(&[]).await.0, StatusCode::NOT_FOUND, "a program may");
    assert_eq!(end(&[("origin", "http://192.168.1.2:8000")]).await.0, StatusCode::NOT_FOUND, "our own page");
    for foreign in [&[("origin", "https://evil.example")][..], &[("sec-fetch-site", "cross-site")]] {
        let (status, detail) = end(foreign).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{foreign:?}");
        assert!(detail.contains("server.cors_origins"), "{detail}");
    }
    // A key is what the page itself has.
    let key = format!("Bearer {}", house.key(Role::Operator, &[], &[]));
    let headers = [("authorization", &*key), ("origin", "https://evil.example")];
    let (status, ..) = house.browse(&Method::DELETE, "/api/v1/cameras/none", &headers, json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_address_has_so_many_tokens_verified_that_were_not_seen_before() {
    let house = House::new(TOKENS);
    let known = token("viewer", 60, &json!({}));
    house.ok("/api/v1/session", &known).await;
    let mut too_many = 0;
    for number in 0..1500 {
        let (status, _) = house.ask(&Method::GET, "/api/v1/cameras", Some(&format!("a.b{number}.c"))).await;
        too_many += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(too_many > 0);
    house.ok("/api/v1/session", &known).await;
}
