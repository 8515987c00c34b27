//! Keys that tokens are verified with: a secret, a public key in a file, or the set that an issuer publishes.
//!
//! Which algorithm a token may be signed with is said by the key and never by the token, so that nobody signs one with a public key
//! as if it were a secret.

use std::fmt;
use std::sync::Arc;

use base64_simd::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use ring::agreement::{self, ECDH_P256, EphemeralPrivateKey, agree_ephemeral};
use ring::rand::SystemRandom;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Flaw;

/// Bytes of a secret, at least: as many as HMAC-SHA256 puts out (RFC 7518, section 3.2).
const MIN_SECRET: usize = 32;
/// Bits of an RSA key.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Keys of a set that are looked at.
const MAX_KEYS: usize = 100;

/// A key, and the one algorithm that it is for.
#[derive(Clone)]
pub struct VerifyingKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
    /// Of the algorithm and the key; the same key under another name is the same.
    pub(super) fingerprint: [u8; 32],
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({:?})", self.algorithm)
    }
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It could be guessed.
    #[error("it has {0} bytes and needs at least {MIN_SECRET}; `openssl rand -base64 48` makes one")]
    ShortSecret(usize),
    /// It is not a PEM file, or a broken one.
    #[error(
        "it is not a public key in PEM form: that begins with -----BEGIN PUBLIC KEY----- (`openssl pkey -in PRIVATE_KEY -pubout` writes it)"
    )]
    NotPem,
    /// It should not be here at all.
    #[error("it is a private key; give the public one: `openssl pkey -in PRIVATE_KEY -pubout` writes it")]
    Private,
    /// A certificate has a key in it and says more.
    #[error(
        "it is a certificate; give its public key: `openssl x509 -in CERTIFICATE -pubkey -noout` writes it"
    )]
    Certificate,
    /// It is not said which one counts.
    #[error("it has more than one key in it; leave one")]
    Several,
    /// None of those that are verified with.
    #[error("its kind is not supported; there are RSA (RS256), P-256 (ES256) and Ed25519 (EdDSA)")]
    Kind,
    /// Too weak, or too slow.
    #[error("the RSA key has {bits} bits; {} to {} are needed", RSA_BITS.start(), RSA_BITS.end())]
    Rsa {
        /// Bits of its modulus.
        bits: usize,
    },
    /// It can verify nothing.
    #[error("the key is broken: its numbers are none of its kind")]
    Broken,
}

impl VerifyingKey {
    /// A key for HS256, from the bytes of its secret.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MIN_SECRET {
            return Err(KeyError::ShortSecret(secret.len()));
        }
        Ok(Self::new(Algorithm::HS256, DecodingKey::from_secret(secret), &[secret]))
    }

    /// For RS256, ES256 or `EdDSA`, as the kind of key says.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(text).map_err(|_| KeyError::NotPem)?;
        let mut labels = text.lines().filter_map(|line| line.trim().strip_prefix("-----BEGIN "));
        let label = labels.next().and_then(|label| label.strip_suffix("-----")).ok_or(KeyError::NotPem)?;
        match label {
            "PUBLIC KEY" | "RSA PUBLIC KEY" => {}
            "CERTIFICATE" => return Err(KeyError::Certificate),
            private if private.ends_with("PRIVATE KEY") => return Err(KeyError::Private),
            _ => return Err(KeyError::NotPem),
        }
        if labels.next().is_some() {
            return Err(KeyError::Several);
        }
        let text = text.as_bytes();
        let bytes =
            |key: &DecodingKey| key.try_get_as_bytes().map(<[u8]>::to_vec).map_err(|_| KeyError::Broken);
        if let Ok(key) = DecodingKey::from_rsa_pem(text) {
            let der = bytes(&key)?;
            let (n, e) = rsa_numbers(&der).ok_or(KeyError::Broken)?;
            return Self::from_rsa(n, e);
        }
        if let Ok(key) = DecodingKey::from_ec_pem(text) {
            return Self::from_p256(&bytes(&key)?);
        }
        match DecodingKey::from_ed_pem(text) {
            Ok(key) => Self::from_ed25519(&bytes(&key)?),
            Err(_) if label == "PUBLIC KEY" && is_der(text) => Err(KeyError::Kind),
            Err(_) => Err(KeyError::NotPem),
        }
    }

    fn from_rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let [n, e] = [n, e].map(without_zeros);
        let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            return Err(KeyError::Rsa { bits });
        }
        // What ring takes: odd, from 3 to 33 bits.
        let exponent = e.iter().take(6).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        if exponent % 2 == 0 || !(3..1 << 33).contains(&exponent) || e.len() > 5 {
            return Err(KeyError::Broken);
        }
        Ok(Self::new(Algorithm::RS256, DecodingKey::from_rsa_raw_components(n, e), &[n, e]))
    }

    /// `point` is not compressed: 4, and two numbers of 32 bytes.
    fn from_p256(point: &[u8]) -> Result<Self, KeyError> {
        // Who verifies is not told apart from whose signature is wrong; who agrees on a secret is.
        let own = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new());
        let their = agreement::UnparsedPublicKey::new(&ECDH_P256, point);
        if !own.is_ok_and(|own| agree_ephemeral(own, &their, |_| ()).is_ok()) {
            return Err(if point.len() == 65 { KeyError::Broken } else { KeyError::Kind });
        }
        Ok(Self::new(Algorithm::ES256, DecodingKey::from_ec_der(point), &[point]))
    }

    fn from_ed25519(key: &[u8]) -> Result<Self, KeyError> {
        if key.len() != 32 {
            return Err(KeyError::Broken);
        }
        Ok(Self::new(Algorithm::EdDSA, DecodingKey::from_ed_der(key), &[key]))
    }

    fn new(algorithm: Algorithm, key: DecodingKey, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        hash.update(format!("{algorithm:?}"));
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self { algorithm, key, fingerprint: hash.finalize().into() }
    }

    /// What a token has to name in its header.
    pub fn algorithm(&self) -> String {
        format!("{:?}", self.algorithm)
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Whether a PEM block holds what could be a key of another kind.
fn is_der(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    let body: String = text.lines().filter(|line| !line.starts_with('-')).map(str::trim).collect();
    base64_simd::STANDARD.decode_to_vec(body).is_ok_and(|der| read_der(&der, 0x30).is_some())
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017, appendix A.1.1).
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = read_der(der, 0x30)?;
    let (n, rest) = read_der(sequence, 2)?;
    let (e, _) = read_der(rest, 2)?;
    Some((n, e))
}

/// The content of the DER value that `der` begins with, if it has that tag, and what follows it.
fn read_der(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk()?;
    let (length, rest) = match length {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => {
            rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?
        }
        _ => return None,
    };
    (found == tag).then_some(())?;
    rest.split_at_checked(length)
}

/// The keys that count now.
#[derive(Clone, Debug)]
pub(super) struct KeySet {
    keys: Vec<Named>,
    /// Whatever a token calls its key, it is this one: there is no other.
    is_fixed: bool,
}

#[derive(Clone, Debug)]
struct Named {
    id: Option<Box<str>>,
    key: Arc<VerifyingKey>,
}

/// Why a published set cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetError {
    /// It is of another kind.
    #[error("it answers what is not a set of keys (JWKS): {0}")]
    NotASet(#[from] serde_json::Error),
    /// Nobody has so many.
    #[error("it answers {0} keys; at most {MAX_KEYS} are taken")]
    TooMany(usize),
}

/// RFC 7517, section 5.
#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

/// RFC 7517, section 4, and RFC 7518, section 6.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    /// The key, if it is one that tokens are verified with.
    fn to_key(&self) -> Option<VerifyingKey> {
        let verifies = |ops: &Vec<String>| ops.iter().any(|op| op == "verify");
        if self.used_for.as_ref().is_some_and(|of| of != "sig") || !self.key_ops.as_ref().is_none_or(verifies)
        {
            return None;
        }
        let bytes = |text: &Option<String>| {
            let text = text.as_ref()?.trim_end_matches('=');
            URL_SAFE_NO_PAD.decode_to_vec(text).ok()
        };
        // A secret that everybody can read is none, so there is no `oct`.
        let key = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => VerifyingKey::from_rsa(&bytes(&self.n)?, &bytes(&self.e)?),
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                VerifyingKey::from_p256(&[&[4], &*x, &*y].concat())
            }
            ("OKP", Some("Ed25519")) => VerifyingKey::from_ed25519(&bytes(&self.x)?),
            _ => return None,
        };
        let key = key.ok()?;
        self.alg.as_ref().is_none_or(|alg| *alg == key.algorithm()).then_some(key)
    }
}

impl KeySet {
    /// Of a key that is configured.
    pub(super) fn from_key(key: VerifyingKey) -> Self {
        Self { keys: vec![Named { id: None, key: Arc::new(key) }], is_fixed: true }
    }

    /// As an issuer publishes it. Keys that tokens are not verified with are left out.
    pub(super) fn from_published(text: &[u8]) -> Result<Self, SetError> {
        let Jwks { keys } = serde_json::from_slice(text)?;
        if keys.len() > MAX_KEYS {
            return Err(SetError::TooMany(keys.len()));
        }
        let keys = keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let named = |jwk: Jwk| {
            let key = Arc::new(jwk.to_key()?);
            Some(Named { id: jwk.kid.map(Into::into), key })
        };
        Ok(Self { keys: keys.filter_map(named).collect(), is_fixed: false })
    }

    /// The key for a token that says of itself that it was signed so, with the key of that id.
    pub(super) fn find_key(&self, id: Option<&str>, algorithm: &str) -> Result<&Arc<VerifyingKey>, Flaw> {
        let named: Vec<&Named> = match (id, &self.keys[..]) {
            (_, [only]) if self.is_fixed => vec![only],
            (Some(id), keys) => keys.iter().filter(|key| key.id.as_deref() == Some(id)).collect(),
            (None, [only]) => vec![only],
            (None, _) => return Err(Flaw::NoKeyNamed),
        };
        if named.is_empty() {
            return Err(Flaw::UnknownKey);
        }
        let fits = named.into_iter().find(|named| named.key.algorithm() == algorithm);
        fits.map(|named| &named.key).ok_or(Flaw::Algorithm)
    }

    /// Whether that one is still among them.
    pub(super) fn has_fingerprint(&self, fingerprint: &[u8; 32]) -> bool {
        self.keys.iter().any(|named| named.key.fingerprint == *fingerprint)
    }

    /// Whether both have the same, whatever they are called.
    pub(super) fn has_same_keys(&self, other: &Self) -> bool {
        let all_in = |these: &Self, those: &Self| {
            these.keys.iter().all(|named| those.has_fingerprint(&named.key.fingerprint))
        };
        all_in(self, other) && all_in(other, self)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}
