use sightwire_access::key::{Key, KeyHash, redact_keys};
use sightwire_access::process::{Check, ProcessFlaw, SCHEME, Secret, Signed, Tag};

/// Letters of a key.
const KEY_LETTERS: usize = 55;
/// Who asks, who is asked, and when.
const FROM: u64 = 0xabc;
const TO: u64 = 0xdef;
const NOW_MS: u64 = 1_800_000_000_000;

/// Keys, and tags by which processes know each other: what is read is written the same, what is said of a text has no whole key in
/// it, and a request has a tag of its own.
pub fn credentials(data: &[u8]) {
    let shown = redact_keys(data);
    assert_eq!(redact_keys(&shown), shown, "there is nothing left to leave out");
    for word in data.windows(KEY_LETTERS).filter(|word| word.starts_with(b"sw_")) {
        let Ok(key) = std::str::from_utf8(word).map_err(drop).and_then(|word| Key::parse(word).map_err(drop))
        else {
            continue;
        };
        assert!(!contains_word(&shown, word), "{} is shown", key.id());
        assert_eq!(key.reveal().as_bytes(), word);
        assert_eq!(format!("{key:?}"), format!("Key({})", key.id()));
        let hash = key.hash();
        assert!(KeyHash::from_hex(&hash.to_hex()).is_some_and(|again| again.is_same(&hash)));
    }
    no_token(&shown);
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(hash) = KeyHash::from_hex(text) {
        assert_eq!(hash.to_hex(), text.to_ascii_lowercase());
    }
    let (tag, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (method, target) = rest.split_once('\n').unwrap_or((rest, ""));
    read_tag(tag);
    check_tag(method, target, tag);
}

/// No word that begins as a token has more than one part.
fn no_token(shown: &[u8]) {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_start = |at: &usize| at.checked_sub(1).and_then(|at| shown.get(at)).is_none_or(|byte| !is_letter(byte) && *byte != b'.');
    let starts = shown.windows(3).enumerate().filter(|(_, word)| word == b"eyJ").map(|(at, _)| at);
    for at in starts.filter(is_start) {
        let end = shown[at..].iter().position(|byte| !is_letter(byte)).map_or(shown.len(), |length| at + length);
        assert!(shown.get(end) != Some(&b'.'), "{} is shown", String::from_utf8_lossy(&shown[at..]));
    }
}

fn contains_word(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part == word)
}

fn read_tag(text: &str) {
    let Ok(tag) = Tag::parse(text) else { return };
    assert_eq!(tag.to_string(), format!("{SCHEME} {text}"));
    let mac = text.rsplit('.').next().expect("a MAC");
    assert!(!format!("{tag:?}").contains(mac), "whoever has the MAC can ask the same");
}

/// A tag of this request is taken for this one alone, and another tag not for it.
fn check_tag(method: &str, target: &str, other: &str) {
    let secret = Secret::new("known to all of these and to nobody else").expect("a secret");
    let check = Check { secret: &secret, me: TO, now_ms: NOW_MS, name_of: &|from| (from == FROM).then(|| "a".into()) };
    let signed = Tag::sign(&secret, FROM, TO, NOW_MS, method, target);
    let text = signed.to_string();
    let tag = text.strip_prefix(SCHEME).expect("the scheme").trim_start();
    let known = check.check_request(&Signed { tag, method, target }).expect("it is of this request");
    assert!(signed.is_answered_by(&secret, &known.answer));
    // A method has no line ends: with them, method and target could be told apart in two ways.
    if !method.contains('\n') {
        let longer = format!("{target}x");
        let flaw = check.check_request(&Signed { tag, method, target: &longer });
        assert!(matches!(flaw, Err(ProcessFlaw::OtherSecret { .. })), "{flaw:?}");
    }
    if other != tag {
        assert!(check.check_request(&Signed { tag: other, method, target }).is_err(), "{other}");
    }
}
