//! Signed here with ring, as issuers do elsewhere.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use base64_simd::STANDARD;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::fetch::{Fetch, FetchError};
use super::keys::KeyError;
use super::*;
use crate::action::{Act as _, WatchStream};
use crate::{Role, Scope, Use};

const RSA_PRIVATE: &str = include_str!("../../testdata/test-only-rsa-2048.private.pem");
const RSA_PUBLIC: &str = include_str!("../../testdata/test-only-rsa-2048.public.pem");
const SECRET: &[u8] = b"a secret of the tests, forty bytes long.";

/// What an issuer signs with.
pub(crate) enum Signer {
    Hs256(Vec<u8>),
    Rs256(Box<RsaKeyPair>),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode_to_string(der))
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode_to_vec(body).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

impl Signer {
    pub(crate) fn secret() -> Self {
        Self::Hs256(SECRET.to_vec())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rs256(Box::new(RsaKeyPair::from_pkcs8(&der(RSA_PRIVATE)).unwrap()))
    }

    pub(crate) fn p256() -> Self {
        let (random, way) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let key = EcdsaKeyPair::generate_pkcs8(way, &random).unwrap();
        Self::Es256(EcdsaKeyPair::from_pkcs8(way, key.as_ref(), &random).unwrap())
    }

    pub(crate) fn ed25519() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::EdDsa(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Hs256(_) => "HS256",
            Self::Rs256(_) => "RS256",
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    fn verifying(&self) -> VerifyingKey {
        let file = match self {
            Self::Hs256(secret) => return VerifyingKey::from_secret(secret).unwrap(),
            Self::Rs256(_) => RSA_PUBLIC.to_owned(),
            Self::Es256(key) => {
                let head = hex("3059301306072a8648ce3d020106082a8648ce3d030107034200");
                pem("PUBLIC KEY", &[&head, key.public_key().as_ref()].concat())
            }
            Self::EdDsa(key) => {
                pem("PUBLIC KEY", &[&hex("302a300506032b6570032100"), key.public_key().as_ref()].concat())
            }
        };
        VerifyingKey::from_pem(file.as_bytes()).unwrap()
    }

    pub(crate) fn jwk(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode_to_string(bytes);
        match self {
            Self::Hs256(secret) => json!({ "kid": id, "kty": "oct", "k": text(secret) }),
            Self::Rs256(key) => {
                let key: ring::rsa::PublicKeyComponents<Vec<u8>> = key.public().into();
                json!({ "kid": id, "kty": "RSA", "use": "sig", "n": text(&key.n), "e": text(&key.e) })
            }
            Self::Es256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({ "kid": id, "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
            }
            Self::EdDsa(key) => {
                json!({ "kid": id, "kty": "OKP", "crv": "Ed25519", "x": text(key.public_key().as_ref()) })
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Hs256(secret) => {
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
            }
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Es256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::EdDsa(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    fn with_head(&self, head: &Value, claims: &Value) -> String {
        let [head, claims] = [head, claims].map(|part| URL_SAFE_NO_PAD.encode_to_string(part.to_string()));
        let message = format!("{head}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode_to_string(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.with_head(&json!({ "alg": self.algorithm(), "typ": "JWT", "kid": "one" }), claims)
    }
}

fn expected() -> Expected {
    Expected {
        issuer: "https://login.example".into(),
        audience: "sightwire".into(),
        leeway: Duration::from_secs(60),
        role_claim: "role".into(),
    }
}

pub(crate) fn settings(source: Source) -> Settings {
    Settings::new(source, expected()).unwrap()
}

pub(crate) fn of_secret() -> Settings {
    of_signer(&Signer::secret())
}

pub(crate) fn of_signer(signer: &Signer) -> Settings {
    settings(Source::Key(signer.verifying()))
}

fn tokens(signer: &Signer) -> Tokens {
    Tokens::new(settings(Source::Key(signer.verifying())), Arc::default())
}

const NOW_S: u64 = 1_800_000_000;

pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW_S)
}

/// What a token says that counts for an hour, with some claims changed; null takes one away.
pub(crate) fn claims(changed: &Value) -> Value {
    let mut claims = json!({
        "iss": "https://login.example", "aud": "sightwire", "sub": "anna", "exp": NOW_S + 3600, "role": "operator"
    });
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn find(changed: &Value) -> Result<Arc<Principal>, Flaw> {
    tokens(&Signer::secret()).find_principal(&Signer::secret().token(&claims(changed)), now(), || true)
}

#[test]
fn a_token_counts_with_its_key_and_with_no_other_of_any_kind() {
    let signers = || [Signer::secret(), Signer::rsa(), Signer::p256(), Signer::ed25519()];
    for (at, signer) in signers().iter().enumerate() {
        let token = signer.token(&claims(&json!({})));
        let principal = tokens(signer).find_principal(&token, now(), || true).unwrap();
        assert_eq!(principal.who().to_string(), "the token of anna");
        assert_eq!((principal.role(), principal.scope()), (Some(Role::Operator), &Scope::ALL));
        for (other, verifier) in signers().iter().enumerate().filter(|(other, _)| *other != at) {
            assert_eq!(
                tokens(verifier).find_principal(&token, now(), || true).unwrap_err(),
                Flaw::Algorithm,
                "{at} {other}"
            );
        }
        let (message, signature) = token.rsplit_once('.').unwrap();
        let mut signature = URL_SAFE_NO_PAD.decode_to_vec(signature).unwrap();
        *signature.last_mut().unwrap() ^= 1;
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode_to_string(signature));
        assert_eq!(
            tokens(signer).find_principal(&forged, now(), || true).unwrap_err(),
            Flaw::Signature,
            "{at}"
        );
    }
    let (one, other) = (Signer::p256(), Signer::p256());
    assert_eq!(
        tokens(&one).find_principal(&other.token(&claims(&json!({}))), now(), || true).unwrap_err(),
        Flaw::Signature
    );
}

#[test]
fn a_public_key_is_never_taken_for_a_secret_and_a_token_that_nobody_signed_never_counts() {
    let rsa = Signer::rsa();
    let verifier = tokens(&rsa);
    let components: ring::rsa::PublicKeyComponents<Vec<u8>> = match &rsa {
        Signer::Rs256(key) => key.public().into(),
        _ => unreachable!(),
    };
    for secret in [RSA_PUBLIC.as_bytes(), RSA_PUBLIC.trim().as_bytes(), &der(RSA_PUBLIC), &components.n] {
        let forger = Signer::Hs256(secret.to_vec());
        for alg in ["HS256", "RS256", "hs256", "HS384"] {
            let forged = forger.with_head(&json!({ "alg": alg }), &claims(&json!({})));
            let why = verifier.find_principal(&forged, now(), || true).unwrap_err();
            assert!(matches!(why, Flaw::Algorithm | Flaw::Signature), "{alg}: {why}");
        }
    }
    let (head, claims) = (json!({ "alg": "none" }), claims(&json!({})));
    let unsigned = [&head, &claims].map(|part| URL_SAFE_NO_PAD.encode_to_string(part.to_string())).join(".");
    for verifier in [verifier, tokens(&Signer::secret())] {
        for none in ["none", "None", "NONE", ""] {
            let token = Signer::secret().with_head(&json!({ "alg": none }), &claims);
            assert_eq!(
                verifier.find_principal(&token, now(), || true).unwrap_err(),
                Flaw::Algorithm,
                "{none}"
            );
        }
        assert_eq!(
            verifier.find_principal(&format!("{unsigned}."), now(), || true).unwrap_err(),
            Flaw::Algorithm
        );
        assert!(Tokens::looks_like_one(&format!("{unsigned}.")) && Tokens::looks_like_one("e.y.J"));
    }
}

#[test]
fn each_flaw_of_a_token_is_said_in_a_sentence_of_its_own() {
    let (far, past) = (json!(NOW_S + 100), json!(NOW_S - 60));
    for (changed, flaw, said) in [
        (json!({ "exp": past }), Flaw::Expired, "has expired"),
        (json!({ "exp": null }), Flaw::NoExpiry, "never expires"),
        (json!({ "exp": "soon" }), Flaw::Claims, "no number of seconds"),
        (json!({ "exp": -5.0 }), Flaw::Claims, "no number"),
        (json!({ "exp": u64::MAX }), Flaw::Claims, "no number"),
        (json!({ "nbf": far }), Flaw::NotYet, "does not count yet"),
        (json!({ "nbf": "x" }), Flaw::Claims, "no number"),
        (json!({ "iss": "https://evil.example" }), Flaw::Issuer, "another issuer"),
        (json!({ "iss": null }), Flaw::Issuer, "access.jwt_issuer"),
        (json!({ "iss": ["https://login.example"] }), Flaw::Issuer, "access.jwt_issuer"),
        (json!({ "aud": "other" }), Flaw::Audience, "access.jwt_audience"),
        (json!({ "aud": null }), Flaw::Audience, "access.jwt_audience"),
        (json!({ "aud": ["a", "b"] }), Flaw::Audience, "access.jwt_audience"),
        (json!({ "sub": null }), Flaw::NoSubject, "whose it is"),
        (json!({ "sub": " " }), Flaw::NoSubject, "whose it is"),
        (json!({ "role": null }), Flaw::NoRole, "access.jwt_role_claim"),
        (json!({ "role": "root" }), Flaw::NoRole, "viewer, streamer"),
        (json!({ "role": "Admin" }), Flaw::NoRole, "viewer, streamer"),
        (json!({ "role": [] }), Flaw::NoRole, "viewer, streamer"),
        (json!({ "streams": [] }), Flaw::Scope, "lists of texts"),
        (json!({ "streams": "gate" }), Flaw::Scope, "lists of texts"),
        (json!({ "streams": [""] }), Flaw::Scope, "lists of texts"),
        (json!({ "uses": ["everything"] }), Flaw::Scope, "cameras, reading"),
        (json!({ "uses": [7] }), Flaw::Scope, "cameras, reading"),
    ] {
        let why = find(&changed).unwrap_err();
        assert_eq!(why, flaw, "{changed}");
        assert!(why.to_string().contains(said), "{why}");
    }
    let verifier = tokens(&Signer::secret());
    let token = Signer::secret().token(&claims(&json!({})));
    let of_head = |head: Value| Signer::secret().with_head(&head, &claims(&json!({})));
    for (text, flaw) in [
        (String::new(), Flaw::Broken),
        ("a key of another kind".into(), Flaw::Broken),
        ("e30.e30.e30".into(), Flaw::Broken),
        (token.replace('.', ""), Flaw::Broken),
        (format!("{token}.x"), Flaw::Broken),
        (token.rsplit_once('.').unwrap().0.to_owned(), Flaw::Broken),
        (of_head(json!({ "typ": "JWT" })), Flaw::Broken),
        (of_head(json!({ "alg": "HS256", "crit": ["exp"] })), Flaw::Critical),
        ("x".repeat(MAX_BYTES + 1), Flaw::TooLong),
    ] {
        assert_eq!(verifier.find_principal(&text, now(), || true).unwrap_err(), flaw, "{text:.80}");
    }
    // What was signed by somebody else is not looked at, and nothing is said of it.
    let forged = Signer::Hs256(vec![7; 40]).token(&claims(&json!({ "iss": "x" })));
    assert_eq!(verifier.find_principal(&forged, now(), || true).unwrap_err(), Flaw::Signature);
}

#[test]
fn a_token_gives_its_highest_role_and_the_scope_that_it_names() {
    let role = |changed: &Value, claim: &str| {
        let expected = Expected { role_claim: claim.into(), ..expected() };
        let source = Source::Key(Signer::secret().verifying());
        let tokens = Tokens::new(Settings::new(source, expected).unwrap(), Arc::default());
        tokens
            .find_principal(&Signer::secret().token(&claims(changed)), now(), || true)
            .map(|known| known.role().unwrap())
    };
    let roles = json!(["offline_access", "viewer", 7, "streamer", "root"]);
    assert_eq!(role(&json!({ "role": roles }), "role"), Ok(Role::Streamer));
    let nested = json!({ "realm_access": { "roles": roles } });
    assert_eq!(role(&nested, "realm_access.roles"), Ok(Role::Streamer));
    let address = json!({ "https://example.com/role": "admin" });
    assert_eq!(role(&address, "https://example.com/role"), Ok(Role::Admin));
    for wrong in ["realm_access", "realm_access.roles.0", "realm_access.none", "none.roles", ""] {
        assert_eq!(role(&nested, wrong), Err(Flaw::NoRole), "{wrong}");
    }
    let some =
        find(&json!({ "streams": ["gate-*"], "uses": ["cameras"], "aud": ["x", "sightwire"] })).unwrap();
    assert_eq!(some.scope(), &Scope::new(["gate-*"], [Use::Cameras]).unwrap());
    assert!(some.check_stream_action(&WatchStream::ACTION, "gate-1", Some(Use::Cameras)).is_ok());
    assert!(some.check_stream_action(&WatchStream::ACTION, "yard", Some(Use::Cameras)).is_err());
    assert!(find(&json!({ "exp": NOW_S as f64 + 0.5, "nbf": NOW_S + 60 })).is_ok());
}

#[test]
fn a_subject_takes_one_short_line_and_is_never_taken_for_another() {
    let shown = |subject: &str| find(&json!({ "sub": subject })).unwrap().who().to_string();
    assert_eq!(shown("anna@example.com"), "the token of anna@example.com");
    let forged = shown("anna\n2026 WARN \u{202e}");
    assert!(!forged.contains(char::is_control) && !forged.contains('\u{202e}'), "{forged}");
    let [one, other] = ["a", "b"].map(|end| shown(&format!("{}{end}", "x".repeat(300))));
    assert!(one != other && one.len() < 200, "{one} {other}");
    assert_ne!(shown("a\n"), shown("a\\n"));
}

#[test]
fn a_token_ends_what_it_opened_when_it_expires_and_counts_no_more_after_the_leeway() {
    let tokens = tokens(&Signer::secret());
    let token = Signer::secret().token(&claims(&json!({ "exp": NOW_S + 10 })));
    let at = |seconds: u64| now() + Duration::from_secs(seconds);
    let hold = |at: SystemTime| {
        let end = CancellationToken::new();
        (tokens.find_principal(&token, at, || true).unwrap().credential().unwrap().hold(end.clone()), end)
    };
    let (_hold, first) = hold(now());
    let (_hold, second) = hold(at(9));
    tokens.expire_tokens(at(9));
    assert!(!first.is_cancelled() && !second.is_cancelled());
    // The clock of its issuer may be late: it opens something again, before it was looked what has to end and after that.
    let (_hold, late) = hold(at(11));
    tokens.expire_tokens(at(11));
    assert!(first.is_cancelled() && second.is_cancelled() && !late.is_cancelled());
    let (_hold, later) = hold(at(69));
    tokens.expire_tokens(at(70));
    assert!(late.is_cancelled() && later.is_cancelled());
    assert_eq!(tokens.find_principal(&token, at(70), || true).unwrap_err(), Flaw::Expired);
    assert_eq!(tokens.recent.lock().len(), 0);
}

#[test]
fn verified_tokens_are_bounded_and_one_that_gives_way_keeps_what_it_opened_until_it_expires() {
    let tokens = Tokens { recent: Mutex::new(Recent::new(100)), ..tokens(&Signer::secret()) };
    let of = |subject: &str| Signer::secret().token(&claims(&json!({ "sub": subject })));
    let (end, of_session) = (CancellationToken::new(), CancellationToken::new());
    let first = tokens.find_principal(&of("first"), now(), || true).unwrap();
    let _hold = first.credential().unwrap().hold(end.clone());
    let session = first.credential().unwrap().new_child();
    let _session = session.hold(of_session.clone());
    drop(first);
    let last = tokens.find_principal(&of("last"), now(), || true).unwrap();
    for number in 0..300 {
        tokens.find_principal(&of(&number.to_string()), now(), || true).unwrap();
        assert!(
            Arc::ptr_eq(&tokens.find_principal(&of("last"), now(), || true).unwrap(), &last),
            "it was used last"
        );
        assert!(tokens.recent.lock().len() <= 100);
    }
    assert!(!end.is_cancelled() && !of_session.is_cancelled() && tokens.recent.lock().outlived_count() == 1);
    tokens.expire_tokens(now() + Duration::from_secs(3600));
    assert!(end.is_cancelled() && of_session.is_cancelled());
}

#[test]
fn a_key_that_cannot_verify_is_refused_with_what_to_give_instead() {
    assert_eq!(VerifyingKey::from_secret(&[7; 31]).unwrap_err(), KeyError::ShortSecret(31));
    assert!(VerifyingKey::from_secret(&[7; 32]).is_ok());
    let rsa = der(RSA_PUBLIC);
    let is = |text: &str| VerifyingKey::from_pem(text.as_bytes()).map(|key| key.algorithm());
    // The key within is one of the older form.
    assert_eq!(is(&pem("RSA PUBLIC KEY", &rsa[24..])).as_deref(), Ok("RS256"));
    assert_eq!(is(&format!("# ours\n{RSA_PUBLIC}")).as_deref(), Ok("RS256"));
    let other_curve = hex("3059301306072a8648ce3d020106082a8648ce3d030107034200");
    let p384 = [hex("3076301006072a8648ce3d020106052b81040022036200"), vec![4; 97]].concat();
    for (text, error, said) in [
        (String::new(), KeyError::NotPem, "BEGIN PUBLIC KEY"),
        (RSA_PUBLIC.replace("PUBLIC", "PUBLIK"), KeyError::NotPem, "BEGIN PUBLIC KEY"),
        (pem("PUBLIC KEY", b"nothing"), KeyError::NotPem, "PEM"),
        (RSA_PRIVATE.to_owned(), KeyError::Private, "private key"),
        (pem("EC PRIVATE KEY", b""), KeyError::Private, "-pubout"),
        (pem("CERTIFICATE", b""), KeyError::Certificate, "openssl x509"),
        (RSA_PUBLIC.repeat(2), KeyError::Several, "leave one"),
        (pem("PUBLIC KEY", &p384), KeyError::Kind, "P-256"),
        (pem("PUBLIC KEY", &[other_curve, vec![4; 65]].concat()), KeyError::Broken, "broken"),
        // 1024 bits: as much of the modulus is taken away.
        (pem("RSA PUBLIC KEY", &small_rsa()), KeyError::Rsa { bits: 1024 }, "1024 bits"),
    ] {
        let why = VerifyingKey::from_pem(text.as_bytes()).unwrap_err();
        assert_eq!(why, error, "{text}");
        assert!(why.to_string().contains(said), "{why}");
    }
    assert!(!format!("{:?}", of_secret()).contains("secret of"), "{:?}", of_secret());
}

fn small_rsa() -> Vec<u8> {
    let n = [&[0, 0x80][..], &[7; 127]].concat();
    let e = [1, 0, 1];
    let numbers = [&[2, 0x81, 129][..], &n, &[2, 3], &e].concat();
    [&[0x30, 0x81, numbers.len() as u8][..], &numbers].concat()
}

#[test]
fn the_address_of_a_set_of_keys_is_one_that_nobody_listens_to() {
    for good in [
        "https://login.example/keys",
        "https://login.example:8443",
        "http://127.0.0.1:8/k",
        "http://localhost/",
        "http://[::1]:80/k",
    ] {
        assert!(matches!(published_at(good), Ok(Source::Published(_))), "{good}");
    }
    for insecure in
        ["http://login.example/", "http://127.0.0.1.evil.example/", "ftp://localhost/", "file:///x"]
    {
        let why = published_at(insecure).unwrap_err();
        assert!(matches!(why, SettingsError::Insecure | SettingsError::Address), "{insecure}");
    }
    for wrong in [
        "",
        "login.example",
        "https://",
        "https:///k",
        "https://me:pw@login.example/",
        "https://a b/",
        "https://a:x/",
    ] {
        assert_eq!(published_at(wrong).unwrap_err(), SettingsError::Address, "{wrong}");
    }
}

/// An issuer that publishes what it is told to, and counts who asks.
#[derive(Clone, Default)]
struct Issuer {
    answer: Arc<Mutex<Option<String>>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    fn publishes(&self, keys: &[Value]) {
        *self.answer.lock() = Some(json!({ "keys": keys }).to_string());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Fetch for Issuer {
    async fn fetch(&self, address: &str) -> Result<Vec<u8>, FetchError> {
        assert_eq!(address, "https://login.example/keys");
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.answer.lock().clone().map(String::into_bytes).ok_or(FetchError::Status(503))
    }
}

fn published() -> Arc<Tokens> {
    let source = published_at("https://login.example/keys").unwrap();
    Arc::new(Tokens::new(settings(source), Arc::default()))
}

/// Its tasks run, and this much time goes by.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn published_keys_are_fetched_every_hour_and_seldom_when_one_is_missed() {
    let (issuer, tokens, [old, new]) = (Issuer::default(), published(), [Signer::ed25519(), Signer::rsa()]);
    let of_new = new.with_head(&json!({ "alg": "RS256", "kid": "two" }), &claims(&json!({})));
    let of_old = old.token(&claims(&json!({})));
    assert_eq!(tokens.find_principal(&of_old, now(), || true).unwrap_err(), Flaw::NoKeys);
    issuer.publishes(&[old.jwk("one")]);
    let keeping = tokio::spawn({
        let (tokens, issuer) = (tokens.clone(), issuer.clone());
        async move { tokens.keep_keys(&issuer).await }
    });
    pass(1).await;
    let known = tokens.find_principal(&of_old, now(), || true).unwrap();
    assert_eq!(issuer.asked(), 1);
    // Nobody has it fetched more often by naming keys that there are not.
    for _ in 0..59 {
        let made_up = old.with_head(&json!({ "alg": "EdDSA", "kid": "x" }), &claims(&json!({})));
        assert_eq!(tokens.find_principal(&made_up, now(), || true).unwrap_err(), Flaw::UnknownKey);
        pass(1).await;
    }
    assert_eq!(issuer.asked(), 2);
    pass(31).await;
    let asked = issuer.asked();
    pass(600).await;
    assert_eq!(issuer.asked(), asked, "nobody misses one");
    issuer.publishes(&[new.jwk("two"), old.jwk("one")]);
    let why = tokens.find_principal(&of_new, now(), || true).unwrap_err();
    assert!(why == Flaw::UnknownKey && why.to_string().contains("try again"), "{why}");
    pass(1).await;
    assert!(
        tokens.find_principal(&of_new, now(), || true).is_ok(),
        "it was fetched long ago, so it is at once"
    );

    // Its key vanishes: at the next refresh it stops to count, and what it opened ends.
    let (end, of_other) = (CancellationToken::new(), CancellationToken::new());
    let _hold = known.credential().unwrap().hold(end.clone());
    let _other =
        tokens.find_principal(&of_new, now(), || true).unwrap().credential().unwrap().hold(of_other.clone());
    issuer.publishes(&[new.jwk("renamed")]);
    pass(3600).await;
    assert!(end.is_cancelled() && !of_other.is_cancelled(), "the same key under another name is the same");
    assert_eq!(tokens.find_principal(&of_old, now(), || true).unwrap_err(), Flaw::UnknownKey);
    // Another key under the same name is another.
    issuer.publishes(&[Signer::ed25519().jwk("renamed")]);
    pass(3600).await;
    assert!(of_other.is_cancelled());
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn keys_stay_while_their_issuer_fails_and_it_is_asked_ever_more_seldom() {
    let log = sightwire_base::captured::capture_log();
    let (issuer, tokens, signer) = (Issuer::default(), published(), Signer::ed25519());
    let token = signer.token(&claims(&json!({})));
    let keeping = tokio::spawn({
        let (tokens, issuer) = (tokens.clone(), issuer.clone());
        async move { tokens.keep_keys(&issuer).await }
    });
    pass(1).await;
    assert!(
        !log.lines_with(
            "the keys of tokens stay as they were, from https://login.example/keys: it answers 503"
        )
        .is_empty()
    );
    issuer.publishes(&[signer.jwk("one")]);
    pass(30).await;
    assert!(tokens.find_principal(&token, now(), || true).is_ok());
    let before = issuer.asked();
    for nonsense in [None, Some("<html>"), Some("{\"keys\": 7}")] {
        *issuer.answer.lock() = nonsense.map(str::to_owned);
        pass(3600).await;
        assert!(tokens.find_principal(&token, now(), || true).is_ok(), "{nonsense:?}");
    }
    let asked = issuer.asked() - before;
    assert!((10..40).contains(&asked), "{asked} times in 3 h");
    // That there are none is an answer, too.
    issuer.publishes(&[]);
    pass(600).await;
    assert_eq!(tokens.find_principal(&token, now(), || true).unwrap_err(), Flaw::UnknownKey);
    keeping.abort();
}

#[test]
fn of_a_published_set_only_keys_that_verify_tokens_are_taken() {
    let [rsa, p256, ed] = [Signer::rsa(), Signer::p256(), Signer::ed25519()];
    let with = |mut key: Value, name: &str, value: Value| {
        key[name] = value;
        key
    };
    let set = |keys: &[Value]| KeySet::from_published(json!({ "keys": keys }).to_string().as_bytes());
    let all = [
        rsa.jwk("rsa"),
        p256.jwk("p256"),
        with(ed.jwk("ed"), "key_ops", json!(["verify"])),
        // None of these is one.
        Signer::secret().jwk("secret"),
        with(rsa.jwk("a"), "use", json!("enc")),
        with(rsa.jwk("b"), "alg", json!("PS256")),
        with(ed.jwk("c"), "key_ops", json!(["sign"])),
        with(p256.jwk("d"), "crv", json!("P-384")),
        with(p256.jwk("e"), "x", json!("AAAA")),
        with(p256.jwk("f"), "x", p256.jwk("")["y"].clone()),
        with(rsa.jwk("g"), "n", json!("AQAB")),
        json!({ "kty": "new" }),
        json!("nonsense"),
    ];
    let keys = set(&all).unwrap();
    assert_eq!(keys.len(), 3);
    assert!(keys.find_key(Some("rsa"), "RS256").is_ok() && keys.find_key(Some("ed"), "EdDSA").is_ok());
    assert_eq!(keys.find_key(Some("rsa"), "HS256").unwrap_err(), Flaw::Algorithm);
    assert_eq!(keys.find_key(Some("secret"), "HS256").unwrap_err(), Flaw::UnknownKey);
    assert_eq!(keys.find_key(None, "RS256").unwrap_err(), Flaw::NoKeyNamed);
    assert!(set(&[p256.jwk("only")]).unwrap().find_key(None, "ES256").is_ok());
    assert!(KeySet::from_published(b"[]").is_err() && set(&vec![ed.jwk("x"); 101]).is_err());
}
