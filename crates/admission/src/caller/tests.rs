use axum::body::Body;
use sightwire_access::action::{Detect, EndStreams, ManageAccess, SeeMetrics};
use sightwire_access::keyring::Keyring;
use sightwire_access::proxy::ProxyLogin;
use sightwire_access::store::Store;

use super::*;

/// Lists <https://app.example>; the folder is its store's.
pub fn gate(mode: Mode) -> (tempfile::TempDir, Gate) {
    let home = tempfile::tempdir().unwrap();
    let keyring = Keyring::open(Store::in_folder(home.path()), Arc::default()).unwrap();
    let guard = Guard::new(mode, Arc::new(keyring), Arc::default());
    let listed = Arc::new(Some(vec!["https://app.example".to_owned()]));
    (home, Gate::new(Arc::new(guard), listed))
}

fn request(uri: &str, peer: &str, given: &[(&'static str, &str)]) -> Request {
    let mut request = Request::builder().uri(uri);
    if !given.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:8000");
    }
    for (name, value) in given {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(Peer(peer.parse().unwrap()));
    request
}

#[test]
fn a_key_is_taken_out_of_the_address() {
    for (uri, key, rest) in [
        ("/stream?key=sw_1&camera=gate", Some("sw_1"), "/stream?camera=gate"),
        ("/stream?camera=gate&key=sw_1", Some("sw_1"), "/stream?camera=gate"),
        ("/stream?key=sw_1", Some("sw_1"), "/stream"),
        ("/a?key=1&key=2&x", Some("1"), "/a?x"),
        ("/a?key", Some(""), "/a"),
        ("http://h:1/a?key=1", Some("1"), "http://h:1/a"),
        ("/a?monkey=1", None, "/a?monkey=1"),
        ("/a", None, "/a"),
    ] {
        let mut request = request(uri, "127.0.0.1:9", &[]);
        assert_eq!(take_key(&mut request).as_deref(), key, "{uri}");
        assert_eq!(request.uri().to_string(), rest);
    }
}

#[test]
fn only_what_comes_from_this_machine_for_this_machine_needs_no_key() {
    let (_home, gate) = gate(Mode::Auto);
    let is_open = |uri: &str, peer: &str, given: &[(&'static str, &str)]| {
        gate.identify_caller(&request(uri, peer, given), None)
            .check_action(&WatchStream::ACTION, false)
            .is_ok()
    };
    let here = "127.0.0.1:5000";
    assert!(is_open("/", here, &[]));
    assert!(is_open("/", "[::1]:5000", &[("host", "[::1]:8000")]));
    assert!(is_open("/", "[::ffff:127.0.0.1]:5000", &[("host", "localhost")]));
    assert!(!is_open("/", "192.168.1.7:5000", &[]));
    for name in ["vision.example", "127.0.0.1.evil.example", "192.168.1.2:8000", ""] {
        assert!(!is_open("/", here, &[("host", name)]), "{name}");
    }
    assert!(!is_open("/", here, &[("host", "localhost"), ("host", "evil.example")]));
    assert!(!is_open("http://evil.example/", here, &[]));
    for proxied in
        ["forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]
    {
        assert!(!is_open("/", here, &[(proxied, "127.0.0.1")]), "{proxied}");
    }
}

#[test]
fn pages_from_elsewhere_do_nothing_in_the_name_of_who_is_on_this_machine() {
    let (_home, gate) = gate(Mode::Auto);
    let may = |origin: &str, action: &Action, changes: bool| {
        let request = request("/", "127.0.0.1:5000", &[("origin", origin)]);
        gate.identify_caller(&request, None).check_action(action, changes).is_ok()
    };
    let reads = |origin: &str| may(origin, &ManageAccess::ACTION, false);
    for origin in ["http://127.0.0.1:8000", "https://app.example"] {
        assert!(reads(origin), "{origin}");
    }
    for origin in ["http://localhost:3000", "https://evil.example", "null"] {
        assert!(!reads(origin), "{origin}");
    }
    // A user who follows a link sees where it leads, and no page does.
    let visit = |mode: &str| {
        let given =
            [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", mode), ("sec-fetch-dest", "document")];
        let request = request("/", "127.0.0.1:5000", &given);
        gate.identify_caller(&request, None).check_action(&ManageAccess::ACTION, false).is_ok()
    };
    assert!(visit("navigate") && !visit("no-cors"));
    let all = [Detect::ACTION, OwnCamera::ACTION, EndStreams::ACTION];
    for (origin, expected) in [
        ("http://127.0.0.1:8000", [true, true, true]),
        ("https://app.example", [true, true, false]),
        ("http://localhost:3000", [true, false, false]),
        ("https://evil.example", [false, false, false]),
        ("null", [false, false, false]),
    ] {
        assert_eq!(all.map(|action| may(origin, &action, true)), expected, "{origin}");
        assert_eq!(all.map(|action| may(origin, &action, false)), [true; 3], "{origin}");
    }
}

#[test]
fn a_listed_page_acts_for_whom_the_proxy_names_as_it_does_for_a_session() {
    let home = tempfile::tempdir().unwrap();
    let keyring = Keyring::open(Store::in_folder(home.path()), Arc::default()).unwrap();
    let proxy = ProxyLogin::new("Remote-User", &["10.0.0.2".to_owned()], Some(Role::Operator)).unwrap();
    let guard = Guard::new(Mode::Auto, Arc::new(keyring), Arc::default()).with_proxy(Some(proxy));
    let gate = Gate::new(Arc::new(guard), Arc::new(Some(vec!["https://app.example".to_owned()])));
    let asked = |origin: &str, peer: &str| {
        let given = [("origin", origin), ("remote-user", "anna")];
        gate.identify_caller(&request("/", peer, &given), None).check_action(&EndStreams::ACTION, true)
    };
    assert_eq!(asked("https://app.example", "10.0.0.2:5000"), Ok(()));
    assert_eq!(asked("http://127.0.0.1:8000", "10.0.0.2:5000"), Ok(()), "our own");
    for (origin, peer) in
        [("https://evil.example", "10.0.0.2:5000"), ("https://app.example", "10.0.0.3:5000")]
    {
        let why = asked(origin, peer).unwrap_err();
        assert!(matches!(why, NotAllowed::Denied(Denied::NoKey(_))), "{origin} {peer}: {why}");
    }
    let unsaid = request("/", "10.0.0.2:5000", &[("remote-user", "anna"), ("user-agent", "Mozilla/5.0")]);
    let caller = gate.identify_caller(&unsaid, None);
    assert_eq!(caller.check_action(&EndStreams::ACTION, true), Err(NotAllowed::Unsaid));
    assert_eq!(caller.why_not(&EndStreams::ACTION), None, "the request that changes something says it");
}

#[test]
fn where_everybody_may_come_a_page_from_elsewhere_is_anybody() {
    let (_home, gate) = gate(Mode::Open);
    let of =
        |origin: &str| gate.identify_caller(&request("/", "127.0.0.1:5000", &[("origin", origin)]), None);
    let evil = of("https://evil.example");
    assert_eq!(evil.principal().who(), &Who::Anyone);
    assert!(
        evil.check_action(&SeeMetrics::ACTION, false).is_ok()
            && evil.check_action(&ManageAccess::ACTION, false).is_err()
    );
    assert_eq!(of("http://localhost:3000").principal().who(), &Who::Here);
}

#[test]
fn our_own_page_comes_encrypted_where_we_are() {
    let (_home, gate) = gate(Mode::Auto);
    let is_own = |origin: &str, is_secured: bool| {
        let mut request = request("/", "192.168.1.7:9", &[("origin", origin), ("host", "192.168.1.2:8000")]);
        if is_secured {
            request.extensions_mut().insert(Secured);
        }
        let caller = gate.identify_caller(&request, None);
        assert_ne!(caller.is_from_no_other_page(), caller.is_foreign());
        caller.is_from_no_other_page()
    };
    assert!(is_own("https://192.168.1.2:8000", true) && !is_own("http://192.168.1.2:8000", true));
    // Something in front may have added the encryption.
    assert!(is_own("https://192.168.1.2:8000", false) && is_own("http://192.168.1.2:8000", false));
}

#[test]
fn a_bearer_that_is_not_ours_is_not_ours_to_refuse_where_none_is_needed() {
    let (_home, gate) = gate(Mode::Auto);
    let may = |peer: &str, header: &str| {
        let request = request("/", peer, &[("authorization", header)]);
        gate.identify_caller(&request, None)
            .check_action(&WatchStream::ACTION, false)
            .map_err(|why| why.to_string())
    };
    assert_eq!(may("127.0.0.1:9", "Bearer of.another.kind"), Ok(()));
    assert_eq!(may("127.0.0.1:9", "Basic abc"), Ok(()));
    assert!(may("127.0.0.1:9", "bearer sw_wrong").unwrap_err().contains("not a key"));
    assert!(may("192.168.1.7:9", "Bearer of.another.kind").unwrap_err().contains("not a key"));
}
