use proptest::prelude::*;

use super::*;

const TEXT: &str = "a secret of all the processes, long enough";
const NOW: u64 = 1_764_100_000_000;
const FROM: u64 = 0x00ab_cdef_0123_4567;
const TO: u64 = u64::MAX;

fn secret() -> Secret {
    Secret::new(TEXT).unwrap()
}

fn header(tag: &Tag) -> String {
    tag.to_string().strip_prefix("Sightwire ").unwrap().to_owned()
}

/// What a process that is [`TO`], and knows [`FROM`] alone, says of it.
fn check(tag: &str, method: &str, target: &str) -> Result<KnownProcess, ProcessFlaw> {
    let (secret, name_of) = (secret(), |instance| (instance == FROM).then(|| "yard".into()));
    let check = Check { secret: &secret, me: TO, now_ms: NOW, name_of: &name_of };
    check.check_request(&Signed { tag, method, target })
}

#[test]
fn a_process_that_knows_the_secret_is_known_and_knows_that_the_other_does() {
    let target = "/ws/view?streams=gate&token=17";
    let tag = Tag::sign(&secret(), FROM, TO, NOW, "GET", target);
    let known = check(&header(&tag), "GET", target).unwrap();
    assert_eq!(&*known.name, "yard");
    assert!(tag.is_answered_by(&secret(), &known.answer));
    let other = Secret::new(&TEXT.to_uppercase()).unwrap();
    assert!(!tag.is_answered_by(&secret(), &tag.sign_answer(&other)), "whoever answers knows it, too");
    assert!(!tag.is_answered_by(&secret(), &tag.mac), "and does not only give back what was sent");
    let again = Tag::sign(&secret(), FROM, TO, NOW + 1, "GET", target);
    assert!(!again.is_answered_by(&secret(), &known.answer), "to this request");
}

#[test]
fn whoever_is_not_known_hears_why() {
    let of = |secret: &Secret, from, to, time| {
        let tag = Tag::sign(secret, from, to, time, "GET", "/");
        check(&header(&tag), "GET", "/").map(|known| known.name).map_err(|why| why.to_string())
    };
    let (ours, leeway) = (secret(), LEEWAY.as_millis() as u64);
    for time in [NOW - leeway, NOW, NOW + leeway] {
        assert_eq!(of(&ours, FROM, TO, time), Ok("yard".into()));
    }
    let other = Secret::new("another secret, which is long enough, too").unwrap();
    for (secret, from, to, time, words) in [
        (&other, FROM, TO, NOW, "this process and yard have different secrets (cluster.secret_file)"),
        (
            &ours,
            FROM,
            TO,
            NOW - leeway - 1,
            "the clocks of this process and yard are 31 s apart, and may be 30",
        ),
        (
            &ours,
            FROM,
            TO,
            NOW + leeway + 1,
            "the clocks of this process and yard are 31 s apart, and may be 30",
        ),
        (&ours, FROM, TO, 0, "the clocks of this process and yard are 1764100000 s apart"),
        (&ours, FROM, TO - 1, NOW, "this is for another process: the one that was meant was restarted"),
        (&ours, FROM + 1, TO, NOW, "this process does not know the one that asks"),
        (&other, FROM, TO, 0, "this process and yard have different secrets"),
    ] {
        let why = of(secret, from, to, time).unwrap_err();
        assert!(why.starts_with(words), "{why}");
    }
    let tag = header(&Tag::sign(&ours, FROM, TO, NOW, "GET", "/a?b=1"));
    for (method, target) in [("POST", "/a?b=1"), ("GET", "/a?b=2"), ("GET", "/a"), ("GET\n/a?b=1", "")] {
        assert!(
            matches!(check(&tag, method, target), Err(ProcessFlaw::OtherSecret { .. })),
            "{method} {target}"
        );
    }
    assert!(check(&tag, "GET", "/a?b=1").is_ok());
}

#[test]
fn what_is_no_tag_is_said() {
    let mac = "x".repeat(MAC_LETTERS);
    let (from, to) = (format!("{FROM:016x}"), format!("{TO:016x}"));
    let parsed = |text: &str| Tag::parse(text).map(|tag| header(&tag)).map_err(|why| why.to_string());
    let longest = format!("{from}.{to}.{}.{mac}", u64::MAX);
    assert_eq!(longest.len(), MAX_TAG);
    for right in [longest.clone(), format!("{from}.{to}.0.{mac}")] {
        assert_eq!(parsed(&right), Ok(right));
    }
    for (wrong, words) in [
        (String::new(), "four parts"),
        (format!("{from}.{to}.1"), "four parts"),
        (format!("{from}.{to}.1.{mac}."), "four parts"),
        (format!("{longest}x"), "this has 99 bytes, and at most 98"),
        ("x".repeat(1 << 20), "this has 1048576 bytes"),
        (format!("{}.{to}.1.{mac}", from.to_uppercase()), "FROM has to be 16"),
        (format!("+{}.{to}.1.{mac}", &from[1..]), "FROM has to be 16"),
        (format!("{from}.{}.1.{mac}", &to[1..]), "TO has to be 16"),
        (format!("{from}.{to}..{mac}"), "TIME has to be"),
        (format!("{from}.{to}.+1.{mac}"), "TIME has to be"),
        (format!("{from}.{to}.01.{mac}"), "TIME has to be"),
        (format!("{from}.{to}.18446744073709551616.{mac}"), "TIME has to be"),
        (format!("{from}.{to}.1.{}", &mac[1..]), "MAC has to be 43"),
        (format!("{from}.{to}.1.{}=", &mac[1..]), "MAC has to be 43"),
        (format!("{from}.{to}.1.{}ä", &mac[2..]), "MAC has to be 43"),
    ] {
        let why = parsed(&wrong).unwrap_err();
        assert!(why.contains("FROM.TO.TIME.MAC; ") && why.contains(words), "{wrong}: {why}");
        assert!(!why.contains(&mac[1..]), "{why}");
        assert!(matches!(check(&wrong, "GET", "/"), Err(ProcessFlaw::NotATag(_))));
    }
}

#[test]
fn a_secret_is_long_enough_and_shown_to_nobody() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("cluster.secret");
    let missing = Secret::from_file(&file).unwrap_err().to_string();
    assert!(missing.contains("cluster.secret cannot be read: "), "{missing}");
    std::fs::write(&file, format!("  {TEXT}\n")).unwrap();
    let read = Secret::from_file(&file).unwrap();
    assert_eq!(read.mac("check", "sightwire"), secret().mac("check", "sightwire"), "spaces do not count");
    let short = format!(" {} \n", "s".repeat(MIN_SECRET - 1));
    std::fs::write(&file, &short).unwrap();
    for error in [Secret::from_file(&file).unwrap_err(), Secret::new(&short).unwrap_err()] {
        let error = error.to_string();
        assert!(error.contains("31 bytes") && error.contains("`openssl rand -hex 32`"), "{error}");
        assert!(!error.contains("sss"), "{error}");
    }
    assert!(Secret::new(&"s".repeat(MIN_SECRET)).is_ok());
    std::fs::write(&file, [0xff; MIN_SECRET]).unwrap();
    assert!(Secret::from_file(&file).unwrap_err().to_string().contains("UTF-8"));
    std::fs::write(&file, "s".repeat(MAX_SECRET_FILE as usize + 1)).unwrap();
    assert!(Secret::from_file(&file).unwrap_err().to_string().contains("more than 65536 bytes"));

    let tag = Tag::sign(&read, FROM, TO, NOW, "GET", "/");
    let text = header(&tag);
    let signed = Signed { tag: &text, method: "GET", target: "/" };
    for shown in [format!("{read:?}"), format!("{tag:?}"), format!("{signed:?}")] {
        assert!(!shown.contains(TEXT) && !shown.contains(&*tag.mac), "{shown}");
    }
}

#[test]
fn a_mac_for_one_purpose_is_none_for_another() {
    let secret = secret();
    let mac = secret.mac("check", "sightwire");
    assert!(secret.is_valid_mac("check", "sightwire", &mac));
    for (purpose, text, mac) in [
        ("answer", "sightwire", &*mac),
        ("check", "sightwire ", &mac),
        ("check s", "ightwire", &mac),
        ("check", "sightwire", &mac[1..]),
        ("check", "sightwire", ""),
    ] {
        assert!(!secret.is_valid_mac(purpose, text, mac), "{purpose} {text} {mac}");
    }
    // As anything else computes it: what others have written stays valid.
    // printf 'check\nsightwire' | openssl dgst -sha256 -hmac 'a secret of all the processes, long enough' -binary | basenc --base64url
    assert_eq!(mac, "BXXwmKjwaqRxF3tRqHJzOpoRYQ716_lE9t9SxMB_PPM");
}

proptest! {
    #[test]
    fn a_tag_is_read_as_it_was_written(
        from: u64, to: u64, time: u64, method in "[A-Z]{3,7}", target in "/[!-~]{0,40}",
    ) {
        let tag = Tag::sign(&secret(), from, to, time, &method, &target);
        let text = header(&tag);
        prop_assert_eq!(Tag::parse(&text).unwrap(), tag);
        let name_of = |instance| (instance == from).then(|| Arc::from("yard"));
        let check = Check { secret: &secret(), me: to, now_ms: time, name_of: &name_of };
        let known = check.check_request(&Signed { tag: &text, method: &method, target: &target });
        prop_assert!(known.is_ok());
    }

    #[test]
    fn a_tag_or_request_with_any_other_byte_is_refused(
        at: prop::sample::Index, byte in b' '..=b'~', target in "/[!-~]{0,40}",
    ) {
        let text = header(&Tag::sign(&secret(), FROM, TO, NOW, "GET", &target));
        let other = |of: &str| {
            let mut bytes = of.as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            String::from_utf8(bytes).unwrap()
        };
        let (changed, led_elsewhere) = (other(&text), other(&target));
        prop_assert_eq!(check(&changed, "GET", &target).is_ok(), changed == text);
        prop_assert_eq!(check(&text, "GET", &led_elsewhere).is_ok(), led_elsewhere == target);
    }

    #[test]
    fn whatever_comes_is_refused_and_nothing_breaks(text in ".{0,120}") {
        prop_assert!(check(&text, "GET", "/").is_err());
    }
}
