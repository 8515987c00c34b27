use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64_simd::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Map, Value};
use sightwire_access::Principal;
use sightwire_access::token::claims::Expected;
use sightwire_access::token::keys::VerifyingKey;
use sightwire_access::token::{Flaw, MAX_BYTES, Settings, Source, Tokens};

#[path = "../../../crates/access/src/token/keys.rs"]
#[allow(dead_code, reason = "keys of the configuration are left out")]
mod keys;

use keys::KeySet;

const SECRET: &[u8] = b"a secret of the checks, which is long enough";
const ISSUER: &str = "https://login.example";
const AUDIENCE: &str = "sightwire";
const NOW_S: u64 = 1_800_000_000;
const LEEWAY_S: u64 = 60;
const ALGORITHMS: [&str; 4] = ["HS256", "RS256", "ES256", "EdDSA"];

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let expected = Expected {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        leeway: Duration::from_secs(LEEWAY_S),
        role_claim: "role".into(),
    };
    let key = VerifyingKey::from_secret(SECRET).expect("a long secret");
    Settings::new(Source::Key(key), expected).expect("nobody else verifies")
});

/// Tokens (JWT), and keys that issuers publish (JWKS); the first byte says which. A token counts only with our signature and with
/// claims that say so, and not with one letter changed; of published keys none is a secret, and each is found for its own algorithm
/// alone.
pub fn token(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind {
        b'k' => check_published(data),
        b's' => check_signed(data),
        _ => check_raw(data),
    }
}

fn find_principal(text: &str) -> Result<Arc<Principal>, Flaw> {
    let tokens = Tokens::new(SETTINGS.clone(), Arc::default());
    let now: SystemTime = UNIX_EPOCH + Duration::from_secs(NOW_S);
    let found = tokens.find_principal(text, now, || true);
    let again = tokens.find_principal(text, now, || false);
    match &found {
        Ok(principal) => assert!(again.is_ok_and(|again| Arc::ptr_eq(principal, &again)), "it was verified before"),
        Err(_) => assert!(again.is_err()),
    }
    found
}

fn sign_mac(signed: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    URL_SAFE_NO_PAD.encode_to_string(hmac::sign(&key, signed.as_bytes()))
}

fn check_raw(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(principal) = find_principal(text) else { return };
    assert!(text.len() <= MAX_BYTES && Tokens::looks_like_one(text));
    let (signed, signature) = text.rsplit_once('.').expect("three parts");
    assert_eq!(sign_mac(signed), signature);
    check_claims(signed, &principal);
}

/// Header and claims, each on a line, signed as the issuer does.
fn check_signed(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let parts = [lines.next(), lines.next()].map(|part| URL_SAFE_NO_PAD.encode_to_string(part.unwrap_or_default()));
    let signed = parts.join(".");
    let token = format!("{signed}.{}", sign_mac(&signed));
    let Ok(principal) = find_principal(&token) else { return };
    check_claims(&signed, &principal);
    for at in [0, parts[0].len() + 1, signed.len() - 1, signed.len() + 1] {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(find_principal(&String::from_utf8(changed).expect("letters")).is_err(), "changed at {at}");
    }
}

/// What is signed there says that it counts, and for whom.
fn check_claims(signed: &str, principal: &Principal) {
    let part = |part: &str| -> Map<String, Value> {
        let text = URL_SAFE_NO_PAD.decode_to_vec(part).expect("base64");
        serde_json::from_slice(&text).expect("an object")
    };
    let (head, claims) = signed.split_once('.').expect("two parts");
    let (head, claims) = (part(head), part(claims));
    assert_eq!(head["alg"], "HS256");
    assert!(head.get("crit").is_none_or(Value::is_null));
    assert_eq!(claims["iss"], ISSUER);
    let audience = &claims["aud"];
    assert!(audience == AUDIENCE || audience.as_array().is_some_and(|all| all.iter().any(|one| one == AUDIENCE)));
    let expires = claims["exp"].as_f64().expect("a number");
    assert!(expires + LEEWAY_S as f64 > NOW_S as f64);
    let from = claims.get("nbf").map_or(0.0, |from| from.as_f64().expect("a number"));
    assert!(from - LEEWAY_S as f64 <= NOW_S as f64);
    assert!(claims["sub"].as_str().is_some_and(|subject| !subject.trim().is_empty()));
    let role = principal.role().expect("a role");
    let is_role = |claim: &Value| claim.as_str().is_some_and(|name| name.parse() == Ok(role));
    let claim = &claims["role"];
    assert!(is_role(claim) || claim.as_array().is_some_and(|all| all.iter().any(is_role)), "{claim}");
}

fn check_published(data: &[u8]) {
    let Ok(set) = KeySet::from_published(data) else { return };
    assert!(set.len() <= 100);
    let again = KeySet::from_published(data).expect("the same");
    assert!(set.has_same_keys(&again) && set.len() == again.len());
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let ids = value["keys"].as_array().into_iter().flatten().map(|key| key["kid"].as_str());
    for id in ids.chain([None]) {
        for algorithm in ALGORITHMS {
            let Ok(key) = set.find_key(id, algorithm) else { continue };
            assert_ne!(algorithm, "HS256", "everybody can read a key that is published");
            assert_eq!(key.algorithm(), algorithm);
            assert!(set.has_fingerprint(&key.fingerprint));
        }
    }
}
