//! API keys: `sw_1a2b3c4d_…`, an id that may be shown and 32 random bytes that may not.
//!
//! A key is as hard to guess as its hash is to turn round, so a plain SHA-256 of it is kept. (A slow hash is for passwords, which
//! can be guessed; here it would only let strangers keep the server busy.)

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use base64_simd::URL_SAFE_NO_PAD;
use memchr::memmem;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What every key begins with, so that it is found where it should not be.
pub const PREFIX: &str = "sw_";
/// What a token begins with: `{"` in base64.
const TOKEN_PREFIX: &str = "eyJ";
/// Digits of an id.
const ID_DIGITS: usize = 8;
/// Random bytes of a key.
const SECRET_BYTES: usize = 32;
/// Those as base64.
const SECRET_LETTERS: usize = 43;

/// A key as its owner has it. Never printed but where it is made.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    text: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

/// SHA-256 of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash")
    }
}

/// A text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not a key of Sightwire: one is {PREFIX}, {ID_DIGITS} digits, _ and {SECRET_LETTERS} letters"
)]
pub struct NotAKey;

impl Key {
    /// A new key from the system's random numbers.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let (mut id, mut secret) = ([0; ID_DIGITS / 2], [0; SECRET_BYTES]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut secret)?;
        let id = u32::from_be_bytes(id);
        Ok(Self { text: format!("{PREFIX}{id:08x}_{}", URL_SAFE_NO_PAD.encode_to_string(secret)) })
    }

    /// Whether the text is meant as a key.
    pub fn looks_like_one(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Takes a key apart.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let (id, secret) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(NotAKey)?;
        let is_id = id.len() == ID_DIGITS && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let is_secret = secret.len() == SECRET_LETTERS
            && secret.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if is_id && is_secret { Ok(Self { text: text.to_owned() }) } else { Err(NotAKey) }
    }

    /// What may be shown of it, and what it is revoked by.
    pub fn id(&self) -> &str {
        self.text.get(PREFIX.len()..PREFIX.len() + ID_DIGITS).unwrap_or_default()
    }

    /// What is kept of it.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(&self.text).into())
    }

    /// For its owner, once.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl KeyHash {
    /// Of a hash that is known already.
    pub(crate) fn from_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Of 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// As it stands in the store.
    pub fn to_hex(self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Takes as long for every other hash.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// The same text without what is secret of the keys and tokens in it: `sw_1a2b3c4d_…`, `eyJ…`.
pub fn redact_keys(text: &[u8]) -> Cow<'_, [u8]> {
    let mut keys = memmem::find_iter(text, PREFIX).peekable();
    let mut tokens = memmem::find_iter(text, TOKEN_PREFIX).peekable();
    if keys.peek().is_none() && tokens.peek().is_none() {
        return Cow::Borrowed(text);
    }
    // `from`: what is before it is written; `seen`: what is before it is not to be looked at again; `word`: nor one for tokens.
    let (mut shown, mut from, mut seen, mut word) = (Vec::with_capacity(text.len()), 0, 0, 0);
    loop {
        let is_key = match (keys.peek(), tokens.peek()) {
            (Some(key), Some(token)) => key < token,
            (key, None) => key.is_some(),
            (None, Some(_)) => false,
        };
        let Some(at) = (if is_key { keys.next() } else { tokens.next() }) else { break };
        let rest = text.get(at..).unwrap_or_default();
        if at < seen || (!is_key && at < word) {
            continue;
        }
        let length = if is_key { count_letters(rest) } else { letters_of_token(rest) };
        // So long that it may be all of a key, or most of it; and of tokens all that is more than a word.
        let prefix = if is_key { PREFIX.len() + ID_DIGITS + 1 } else { TOKEN_PREFIX.len() };
        if length <= prefix || (!is_key && count_letters(rest) == length) {
            // A word may have a key in it.
            word = if is_key { word } else { at + length };
            continue;
        }
        seen = at + length;
        shown.extend_from_slice(text.get(from..at + prefix).unwrap_or_default());
        shown.extend_from_slice("…".as_bytes());
        from = seen;
    }
    shown.extend_from_slice(text.get(from..).unwrap_or_default());
    Cow::Owned(shown)
}

/// How many bytes header, claims and signature of a token have, as far as they are there.
fn letters_of_token(text: &[u8]) -> usize {
    let mut length = count_letters(text);
    while text.get(length) == Some(&b'.') {
        length += 1 + count_letters(text.get(length + 1..).unwrap_or_default());
    }
    length
}

/// How many letters of keys and of the parts of tokens come first.
fn count_letters(text: &[u8]) -> usize {
    let is_letter = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.iter().take_while(is_letter).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_said_of_a_key_has_not_its_secret_in_it() {
        let key = Key::generate().unwrap();
        let (text, id) = (key.reveal(), key.id());
        let said = |line: &str| String::from_utf8(redact_keys(line.as_bytes()).into_owned()).unwrap();
        assert_eq!(
            said(&format!("40{{\"key\":\"{text}\"}}, {text} again")),
            format!("40{{\"key\":\"sw_{id}_…\"}}, sw_{id}_… again")
        );
        assert_eq!(said(&text[..30]), format!("sw_{id}_…"), "cut off");
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl-_";
        assert_eq!(
            said(&format!("GET /?key={token}, {text} eyJhbGciOi.eyJz {token}")),
            format!("GET /?key=eyJ…, sw_{id}_… eyJ… eyJ…")
        );
        assert_eq!(said(&format!("eyJ.sw_{} end", &text[3..])), "eyJ… end", "one in another");
        assert_eq!(said(&format!("eyJx{text} end")), format!("eyJxsw_{id}_… end"), "one behind a word");
        assert_eq!(said(&format!("sw_{}", &token[17..])), "sw_iJ9.eyJ…", "a token behind what is no key");
        assert_eq!(said("sw_eyJ.eyJzdWIiOiJhbm5hIn0"), "sw_eyJ…", "or in it");
        for other in ["nothing", "sw_1a2b3c4d", "sw_", "the key sw_1a2b3c4d has expired", "eyJ, eyJx"] {
            assert_eq!(said(other), other);
        }
    }

    #[test]
    fn a_key_is_random_is_read_again_and_shows_only_its_id() {
        let key = Key::generate().unwrap();
        assert_ne!(key, Key::generate().unwrap());
        assert_eq!(Key::parse(key.reveal()), Ok(key.clone()));
        assert_eq!(key.reveal().len(), PREFIX.len() + ID_DIGITS + 1 + SECRET_LETTERS);
        assert_eq!(format!("{key:?}"), format!("Key({})", key.id()));
        let hash = key.hash();
        assert!(KeyHash::from_hex(&hash.to_hex()).unwrap().is_same(&hash));
        assert!(!hash.is_same(&Key::generate().unwrap().hash()));
    }

    #[test]
    fn what_is_no_key_is_told_from_one() {
        let secret = "x".repeat(SECRET_LETTERS);
        assert!(Key::parse(&format!("sw_0123abcd_{secret}")).is_ok());
        for wrong in [
            String::new(),
            "sw_".into(),
            secret.clone(),
            format!("sw_0123ABCD_{secret}"),
            format!("sw_0123abc_{secret}"),
            format!("sw_0123abcd_{secret}x"),
            format!("sw_0123abcd_{}é", "x".repeat(SECRET_LETTERS - 2)),
            format!("sx_0123abcd_{secret}"),
        ] {
            assert_eq!(Key::parse(&wrong), Err(NotAKey), "{wrong}");
        }
        for wrong in ["g".repeat(64), "+1".repeat(32), "00".into()] {
            assert!(KeyHash::from_hex(&wrong).is_none(), "{wrong}");
        }
    }
}
