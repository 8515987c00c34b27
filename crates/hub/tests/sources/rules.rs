//! Which addresses are connected to, whatever leads there.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};

use sightwire_hub::source::SourceError;
use sightwire_hub::source::address::{AddressError, CameraUrl};
use sightwire_hub::source::allow::Allow;
use sightwire_hub::source::mjpeg::{Mjpeg, MjpegOptions};
use sightwire_hub::source::web::{Addresses, Resolve, Web};
use tokio::io::AsyncWriteExt;

use super::camera::{Camera, MULTIPART, allowing, part, run, take_pictures, url, vector, web};

/// Answers in turn, the last for good; counts what it was asked.
struct Scripted {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let addresses = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(addresses).collect()),
            asked: Mutex::default(),
        })
    }
}

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(host.to_owned());
            let mut answers = self.answers.lock().unwrap();
            let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            answer.ok_or_else(|| io::Error::other("no such name"))
        })
    }
}

async fn one_picture(address: &str) -> Camera {
    let answer = [MULTIPART.as_bytes(), &part(&vector("420.jpg"))].concat();
    Camera::start_at(address, move |mut stream, _| {
        let answer = answer.clone();
        async move {
            stream.write_all(&answer).await.ok();
        }
    })
    .await
}

fn source(address: &str, web: Web) -> Mjpeg {
    Mjpeg::new(url(address), web, MjpegOptions::default())
}

fn is_forbidden(error: &SourceError) -> bool {
    matches!(error, SourceError::Refused(AddressError::Forbidden { .. }))
}

#[tokio::test]
async fn loopback_is_refused_in_every_spelling_without_connecting() {
    let camera = one_picture("127.0.0.1:0").await;
    let port = camera.address.port();
    let spellings = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "127%2E0%2E0%2E1",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "127.0.0.1.",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST",
        "user:secret@127.0.0.1",
    ];
    for spelling in spellings {
        let source = source(
            &format!("http://{spelling}:{port}/stream"),
            allowing(&["10.0.0.0/8", "0.0.0.0/0", "::/0"]),
        );
        let (_, error) = run(&source).await;
        assert!(is_forbidden(&error), "{spelling}: {error}");
    }
    assert!(camera.requests().is_empty());
}

#[tokio::test]
async fn an_address_that_is_allowed_is_reached() {
    let camera = one_picture("127.0.0.1:0").await;
    for entry in ["127.0.0.0/8", "127.0.0.1", "127.0.0.1/32", "::ffff:127.0.0.0/104", "localhost"] {
        assert_eq!(
            take_pictures(&source(&camera.url(), allowing(&[entry])), 1).await.pictures.len(),
            1,
            "{entry}"
        );
    }
    let mapped = format!("http://[::ffff:127.0.0.1]:{}/stream", camera.address.port());
    take_pictures(&source(&mapped, allowing(&["127.0.0.1"])), 1).await;
}

#[tokio::test]
async fn a_name_is_checked_by_the_address_that_is_connected_to() {
    let inside = one_picture("127.0.0.1:0").await;
    let port = inside.address.port();
    let outside = one_picture(&format!("127.0.0.2:{port}")).await;
    let address = format!("http://cam.example:{port}/stream");
    let rules = || allowing(&["127.0.0.2/32"]);

    // The name leads elsewhere the next time it is resolved (rebinding).
    let resolver = Scripted::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let web = rules().with_resolver(resolver.clone());
    take_pictures(&source(&address, web.clone()), 1).await;
    assert_eq!(*resolver.asked.lock().unwrap(), ["cam.example"], "resolved once: checked and connected to");
    let (_, error) = run(&source(&address, web)).await;
    assert!(is_forbidden(&error), "{error}");

    // Of several addresses only what is allowed is tried.
    let resolver = Scripted::new(&[&["127.0.0.1", "::1", "127.0.0.2"]]);
    take_pictures(&source(&address, rules().with_resolver(resolver)), 1).await;
    assert_eq!((inside.requests().len(), outside.requests().len()), (0, 2));
}

#[tokio::test]
async fn a_name_on_the_list_may_lead_anywhere_but_to_what_must_be_named_itself() {
    let web = |addresses| allowing(&["cam.example"]).with_resolver(Scripted::new(&[addresses]));
    for (addresses, kind) in [
        (&["127.0.0.1"][..], "loopback"),
        (&["169.254.169.254"], "link-local"),
        (&["fd00:ec2::254"], "metadata"),
        (&["::ffff:127.0.0.1", "fe80::1"], "loopback"),
    ] {
        let (_, error) = run(&source("http://CAM.example./stream", web(addresses))).await;
        assert!(is_forbidden(&error) && error.to_string().contains(kind), "{error}");
        let text = error.to_string();
        assert!(text.contains("leads to") && text.contains("in cameras.allow"), "{text}");
        // Neither advice that does not help, nor an address that the caller may not know.
        assert!(!text.contains("cameras.allow = ") && !addresses.iter().any(|a| text.contains(a)), "{text}");
    }
    let (_, error) = run(&source("http://other.example/stream", web(&["192.168.1.5"]))).await;
    assert!(is_forbidden(&error) && error.to_string().contains("private"), "{error}");
}

#[tokio::test]
async fn what_a_refusal_tells_to_list_is_enough() {
    /// The entries of `cameras.allow = [...]`, or of the list in parentheses.
    fn advised(text: &str) -> Vec<&str> {
        let list = text.split_once('[').expect("a list").1.split_once(']').expect("its end").0;
        list.split(", ").map(|entry| entry.trim_matches('"')).collect()
    }
    let camera = one_picture("127.0.0.1:0").await;
    let port = camera.address.port();
    for host in ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "localhost", "evil.example"] {
        let source = |entries: &[&str]| {
            let web = allowing(entries).with_resolver(Scripted::new(&[&["127.0.0.1"]]));
            source(&format!("http://{host}:{port}/stream"), web)
        };
        let (_, error) = run(&source(&["evil.example"])).await;
        let text = error.to_string();
        assert!(is_forbidden(&error), "{host}: {text}");
        take_pictures(&source(&advised(&text)), 1).await;
    }
    // A name that leads into a private network needs no more than itself.
    let resolver = Scripted::new(&[&["10.0.0.5"]]);
    let (_, error) = run(&source("http://cam.example/stream", allowing(&[]).with_resolver(resolver))).await;
    let text = error.to_string();
    let allow = Allow::parse(advised(&text)).unwrap();
    assert!(allow.is_listed(&url("http://cam.example/stream")), "{text}");
    assert!(allow.check_address("10.0.0.5".parse().unwrap(), true).is_ok());
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_unreachable() {
    let web = web().with_resolver(Scripted::new(&[]));
    let (_, error) = run(&source("http://cam.example/stream", web)).await;
    let SourceError::Unreachable { .. } = &error else { panic!("{error}") };
    assert!(error.to_string().contains("no such name"), "{error}");
}

#[tokio::test]
async fn a_configured_camera_is_reached_on_its_own_port_only() {
    let (camera, other) = (one_picture("127.0.0.1:0").await, one_picture("127.0.0.1:0").await);
    let allow = Arc::new(Allow::default().with_camera(&url(&camera.url())));
    take_pictures(&source(&camera.url(), Web::new(allow.clone())), 1).await;
    let (_, error) = run(&source(&other.url(), Web::new(allow))).await;
    assert!(is_forbidden(&error), "{error}");
    assert!(other.requests().is_empty());

    let by_name = format!("http://localhost:{}/stream", camera.address.port());
    let allow = Arc::new(Allow::default().with_camera(&url(&by_name)));
    take_pictures(&source(&by_name, Web::new(allow)), 1).await;
}

async fn redirecting(status: u16, location: String) -> Camera {
    let location = Arc::new(location);
    Camera::start(move |mut stream, request| {
        let location = location.clone();
        async move {
            let answer = if request.starts_with("GET /there ") {
                [MULTIPART.as_bytes(), &part(&vector("420.jpg"))].concat()
            } else {
                format!("HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
                    .into_bytes()
            };
            stream.write_all(&answer).await.ok();
        }
    })
    .await
}

#[tokio::test]
async fn a_redirect_to_what_is_allowed_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let camera = redirecting(status, "/there".into()).await;
        take_pictures(&source(&camera.url(), web()), 1).await;
    }
}

#[tokio::test]
async fn a_redirect_is_checked_like_an_address_of_its_own() {
    let inside = one_picture("127.0.0.3:0").await;
    let port = inside.address.port();
    let rules = || allowing(&["127.0.0.1/32"]);
    for host in ["127.0.0.3", "0x7f000003", "[::ffff:127.0.0.3]"] {
        let camera = redirecting(302, format!("http://{host}:{port}/stream")).await;
        let (_, error) = run(&source(&camera.url(), rules())).await;
        assert!(is_forbidden(&error), "{host}: {error}");
        assert!(error.to_string().contains("127.0.0.3") || error.to_string().contains("::ffff"), "{error}");
    }
    let camera = redirecting(302, format!("http://cam.example:{port}/stream")).await;
    let web = rules().with_resolver(Scripted::new(&[&["127.0.0.3"]]));
    let (_, error) = run(&source(&camera.url(), web)).await;
    assert!(is_forbidden(&error), "{error}");
    assert!(inside.requests().is_empty());

    for location in ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/"] {
        let camera = redirecting(302, location.into()).await;
        let (_, error) = run(&source(&camera.url(), rules())).await;
        let SourceError::Refused(AddressError::Scheme { .. }) = error else { panic!("{error}") };
    }
}

#[tokio::test]
async fn redirects_end() {
    let camera = redirecting(302, "/stream".into()).await;
    let (_, error) = run(&source(&camera.url(), web())).await;
    let SourceError::Redirects { .. } = error else { panic!("{error}") };
    assert_eq!(camera.requests().len(), 4, "the first and three more");
    let camera = Camera::sending("HTTP/1.1 302 Go\r\nContent-Length: 0\r\n\r\n").await;
    let (_, error) = run(&source(&camera.url(), web())).await;
    let SourceError::Redirects { .. } = error else { panic!("{error}") };
}

#[tokio::test]
async fn name_and_password_do_not_go_along_to_another_host() {
    let other = one_picture("127.0.0.4:0").await;
    let camera = redirecting(302, format!("http://evil:secret@{}/stream", other.address)).await;
    take_pictures(&source(&format!("http://name:secret@{}/stream", camera.address), web()), 1).await;
    assert!(camera.requests()[0].contains("authorization: Basic"));
    assert!(!other.requests()[0].contains("authorization"), "{}", other.requests()[0]);

    let camera = redirecting(302, "/there".into()).await;
    take_pictures(&source(&format!("http://name:secret@{}/stream", camera.address), web()), 1).await;
    assert!(camera.requests()[1].contains("authorization: Basic"));
}

/// Run by the next test with a proxy in its environment, which no test can set for itself.
#[tokio::test]
#[ignore = "run by another test"]
async fn reads_a_camera() {
    let camera = one_picture("127.0.0.1:0").await;
    take_pictures(&source(&camera.url(), web()), 1).await;
}

#[tokio::test]
async fn no_proxy_of_the_environment_connects_for_us() {
    let proxy = one_picture("127.0.0.1:0").await;
    let proxy_url = format!("http://{}", proxy.address);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "rules::reads_a_camera", "--ignored"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"] {
        child.env(name, &proxy_url);
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY");
    let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(proxy.requests().is_empty());
}

#[test]
fn what_is_listed_names_itself_and_nothing_more() {
    let check = |entries: &[&str], address: &str| {
        Allow::parse(entries.iter().copied()).unwrap().check_address(address.parse().unwrap(), false).is_ok()
    };
    for (entry, inside, outside) in [
        ("192.168.1.0/24", "192.168.1.77", "192.168.2.1"),
        ("192.168.1.77/24", "192.168.1.1", "192.168.0.255"),
        ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
        ("0.0.0.0/0", "203.0.113.9", "127.0.0.1"),
        ("0.0.0.0/0", "192.168.1.1", "169.254.169.254"),
        ("0.0.0.0/0", "100.64.1.1", "100.100.100.200"),
        ("127.0.0.0/8", "127.9.9.9", "128.0.0.0"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
        ("126.0.0.0/7", "126.0.0.1", "127.0.0.1"),
        ("169.254.169.254", "169.254.169.254", "169.254.169.253"),
        ("::/0", "2001:db8::1", "::1"),
        ("::/0", "fc00::1", "fe80::1"),
        ("::/0", "fd01::1", "fd00:ec2::254"),
        ("::1", "::1", "::"),
        ("fe80::/10", "fe80::1", "fc00::1"),
        ("fc00::/7", "fdff::1", "fd20:ce::254"),
        ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"),
    ] {
        assert!(check(&[entry], inside), "{entry} {inside}");
        assert!(!check(&[entry], outside), "{entry} {outside}");
    }
    for address in
        ["0.0.0.0", "224.0.0.1", "255.255.255.255", "ff02::1", "2002::1", "64:ff9b::1", "::ffff:127.0.0.1"]
    {
        assert!(!check(&["0.0.0.0/0", "::/0"], address), "{address}");
    }
    for address in ["10.0.0.1", "8.8.8.8", "fc00::1", "127.0.0.1"] {
        assert!(!check(&[], address), "{address}");
    }
    let private = Allow::default().with_private_networks();
    for address in ["10.0.0.1", "172.31.255.255", "192.168.0.1", "fd00::1", "::ffff:192.168.0.1"] {
        assert!(private.check_address(address.parse().unwrap(), false).is_ok(), "{address}");
    }
    for address in ["172.32.0.0", "127.0.0.1", "169.254.0.1", "8.8.8.8", "fd00:ec2::254", "100.64.0.1"] {
        assert!(private.check_address(address.parse().unwrap(), false).is_err(), "{address}");
    }
}

#[test]
fn entries_that_are_none_are_refused() {
    for entry in [
        "",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/-1",
        "10.0.0.0/",
        "a b",
        "http://cam",
        "cam:81",
        "::ffff:0.0.0.0/95",
        "256.1.1.1",
    ] {
        let error = Allow::parse([entry]).unwrap_err();
        assert_eq!(error.entry, entry);
    }
}

#[test]
fn addresses_are_read_and_shown_without_what_is_secret() {
    for (text, shown) in [
        ("http://192.168.1.50", "http://192.168.1.50/"),
        (" HTTP://Cam.Example:81/video.mjpg?user=me&pwd=secret#top ", "http://cam.example:81/video.mjpg?…"),
        ("https://name:secret@cam.example", "https://cam.example/"),
        ("http://:secret@cam.example/", "http://cam.example/"),
    ] {
        let camera = CameraUrl::parse(text).unwrap();
        assert_eq!(camera.to_string(), shown);
        let debug = format!("{camera:?} {:?}", camera.credentials());
        assert!(!debug.contains("secret"), "{debug}");
    }
    for text in [
        "",
        "192.168.1.50",
        "name:secret@cam",
        "http://",
        "http://name:secret@cam:99999/",
        "rtsp://secret@cam/",
        "data:secret",
        "http://[::1",
        "http://se cret/",
    ] {
        let error = CameraUrl::parse(text).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(error.to_string().contains("http"), "{error}");
    }
}

#[test]
fn an_address_that_is_kept_has_the_same_name_and_password_when_it_is_read_again() {
    for text in
        ["http://a%2541:50%25@cam/", "http://%25:%25%40%3a%2F@cam/", "http://n%20a:@cam/x?y", "http://cam/"]
    {
        let camera = CameraUrl::parse(text).unwrap();
        let again = CameraUrl::parse(&camera.secret_url()).unwrap();
        assert_eq!((again.credentials(), &again), (camera.credentials(), &camera), "{text}");
    }
    let camera = CameraUrl::parse("http://cam/").unwrap().with_password(Some("me"), "p%41ss").unwrap();
    let kept = CameraUrl::parse(&camera.secret_url()).unwrap();
    assert_eq!(kept.credentials().unwrap().password, "p%41ss");
}

#[test]
fn the_stream_and_the_picture_of_a_camera_are_found_from_its_address() {
    for (base, stream, capture) in [
        ("http://cam", "http://cam/stream", "http://cam/capture"),
        ("http://cam:81/", "http://cam:81/stream", "http://cam:81/capture"),
        ("http://cam/one", "http://cam/one/stream", "http://cam/one/capture"),
        ("http://cam/one/", "http://cam/one/stream", "http://cam/one/capture"),
        ("http://cam/stream", "http://cam/stream", "http://cam/capture"),
        ("http://cam/stream/", "http://cam/stream", "http://cam/capture"),
        ("http://cam/one/stream/", "http://cam/one/stream", "http://cam/one/capture"),
        ("http://cam/one/capture", "http://cam/one/stream", "http://cam/one/capture"),
        ("http://cam/video.mjpg", "http://cam/video.mjpg", "http://cam/video.mjpg"),
        ("http://cam/get?id=1", "http://cam/get?…", "http://cam/get?…"),
    ] {
        let camera = CameraUrl::parse(base).unwrap();
        assert_eq!(camera.stream_url().to_string(), stream);
        assert_eq!(camera.capture_url().to_string(), capture);
    }
}
