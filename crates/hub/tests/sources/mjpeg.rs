//! A camera's endless answer.

use std::sync::Arc;
use std::time::Duration;

use sightwire_hub::source::allow::Allow;
use sightwire_hub::source::mjpeg::{Mjpeg, MjpegOptions};
use sightwire_hub::source::web::Web;
use sightwire_hub::source::{Source, SourceError};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{sleep, timeout};

use super::camera::{
    Camera, Got, LONG, MULTIPART, part, parts, pictures, pictures_of, run, take_pictures, url, vector, web,
};

/// Much longer than between two bytes of a drip.
const LONG_ENOUGH: Duration = Duration::from_millis(300);
const PATIENT: MjpegOptions = MjpegOptions {
    no_bytes: LONG,
    no_picture: LONG,
    first_picture: LONG,
    limits: sightwire_hub::multipart::Limits { max_picture: 10 << 20, max_header: 8 << 10 },
};

fn mjpeg(camera: &Camera) -> Mjpeg {
    Mjpeg::new(url(&camera.url()), web(), PATIENT)
}

async fn stall() {
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn each_picture_is_given_before_the_next_is_sent() {
    let camera = Camera::start(|mut stream, _| async move {
        let answer = [MULTIPART.as_bytes(), b"--frame\r\n\r\n", &vector("420.jpg")].concat();
        stream.write_all(&answer).await.unwrap();
        stall().await;
    })
    .await;
    assert!(take_pictures(&mjpeg(&camera), 1).await.pictures == [vector("420.jpg")]);
}

#[tokio::test]
async fn a_camera_that_stalls_is_given_up() {
    let camera = Camera::start(|mut stream, _| async move {
        let half = &vector("420.jpg")[..500];
        stream
            .write_all(&[MULTIPART.as_bytes(), &part(&vector("restart.jpg")), half].concat())
            .await
            .unwrap();
        stall().await;
    })
    .await;
    let options = MjpegOptions { no_bytes: LONG_ENOUGH, first_picture: LONG_ENOUGH, ..PATIENT };
    let (got, error) = run(&Mjpeg::new(url(&camera.url()), web(), options)).await;
    assert_eq!(got.pictures.len(), 1);
    let SourceError::NoBytes { .. } = error else { panic!("{error}") };
    assert!(error.to_string().contains("has sent nothing for 0.3 s"), "{error}");
}

#[tokio::test]
async fn a_camera_that_accepts_and_never_answers_is_given_up() {
    let camera = Camera::start(|stream, _| async move {
        stall().await;
        drop(stream);
    })
    .await;
    let web = web().with_connect_timeout(Duration::from_millis(200));
    let options = MjpegOptions { no_bytes: Duration::from_millis(200), ..PATIENT };
    let (_, error) = run(&Mjpeg::new(url(&camera.url()), web, options)).await;
    let SourceError::NoAnswer { .. } = error else { panic!("{error}") };
}

#[tokio::test]
async fn a_drip_of_bytes_does_not_pass_for_pictures() {
    let camera = Camera::start(|mut stream, _| async move {
        stream.write_all(MULTIPART.as_bytes()).await.unwrap();
        for byte in vector("420.jpg").repeat(100) {
            if stream.write_u8(byte).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let options = MjpegOptions {
        no_picture: Duration::from_millis(300),
        first_picture: LONG_ENOUGH,
        no_bytes: LONG_ENOUGH,
        ..PATIENT
    };
    let (_, error) = run(&Mjpeg::new(url(&camera.url()), web(), options)).await;
    let SourceError::NoPicture { bytes, .. } = error else { panic!("{error}") };
    assert!(bytes > 0);
}

#[tokio::test]
async fn a_flood_without_pictures_is_given_up() {
    let camera = Camera::start(|mut stream, _| async move {
        stream.write_all(MULTIPART.as_bytes()).await.unwrap();
        while stream.write_all(&[0xff, 0xd8].repeat(32 << 10)).await.is_ok() {}
    })
    .await;
    let options = MjpegOptions {
        no_picture: Duration::from_millis(300),
        first_picture: LONG_ENOUGH,
        no_bytes: LONG_ENOUGH,
        ..PATIENT
    };
    let (got, error) = run(&Mjpeg::new(url(&camera.url()), web(), options)).await;
    let SourceError::NoPicture { .. } = error else { panic!("{error}") };
    assert!(got.skipped.bytes > 0);
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_picture_keeps_what_came_before() {
    let (mut got, tell) = Got::telling();
    let tell = Arc::new(Mutex::new(tell));
    let camera = Camera::start(move |mut stream, _| {
        let tell = tell.clone();
        async move {
            let half = &vector("420.jpg")[..500];
            stream
                .write_all(&[MULTIPART.as_bytes(), &part(&vector("restart.jpg")), half].concat())
                .await
                .unwrap();
            // A reset overtakes what has not been read yet.
            pictures_of(&mut *tell.lock().await, 1).await;
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
    })
    .await;
    let error = timeout(LONG, mjpeg(&camera).run(&mut got)).await.unwrap();
    assert!(got.pictures == [vector("restart.jpg")]);
    let SourceError::Broken { .. } = error else { panic!("{error}") };
}

#[tokio::test]
async fn a_web_page_is_refused_in_words() {
    let page = "\r\n <!DOCTYPE html><html><body>ESP32-CAM</body></html>";
    for content_type in ["text/html", "multipart/x-mixed-replace; boundary=frame", "application/octet-stream"]
    {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n{page}");
        let (_, error) = run(&mjpeg(&Camera::sending(answer).await)).await;
        let SourceError::WebPage { .. } = error else { panic!("{error}") };
        assert!(error.to_string().contains("web page"), "{error}");
    }
    let camera = Camera::start(move |mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        for byte in page.bytes() {
            if stream.write_u8(byte).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        stall().await;
    })
    .await;
    let (_, error) = run(&mjpeg(&camera)).await;
    let SourceError::WebPage { .. } = error else { panic!("{error}") };
}

#[tokio::test]
async fn odd_types_of_an_answer_do_not_matter() {
    for content_type in [
        "",
        "Content-Type: text/html\r\n",
        "Content-Type: \u{1}\r\n",
        "Content-Type: video/x-motion-jpeg\r\n",
    ] {
        let answer =
            [format!("HTTP/1.1 200 OK\r\n{content_type}\r\n").as_bytes(), &parts(&pictures())].concat();
        let (got, _) = run(&mjpeg(&Camera::sending(answer).await)).await;
        assert!(got.pictures == pictures(), "{content_type:?}");
    }
}

#[tokio::test]
async fn a_single_picture_is_given_and_told_from_a_stream() {
    let answer =
        [b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n".to_vec(), vector("420.jpg")].concat();
    let (got, error) = run(&mjpeg(&Camera::sending(answer).await)).await;
    assert!(got.pictures == [vector("420.jpg")]);
    let SourceError::OnePicture { .. } = error else { panic!("{error}") };
}

#[tokio::test]
async fn an_answer_of_something_else_is_named() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"detail\":\"no\"}";
    let (_, error) = run(&mjpeg(&Camera::sending(answer).await)).await;
    let SourceError::NotPictures { bytes: 15, .. } = error else { panic!("{error}") };
    assert!(error.to_string().contains("application/json"), "{error}");
}

#[tokio::test]
async fn a_status_other_than_200_is_explained() {
    for (status, words) in
        [(404, "no such page"), (503, "one client at a time"), (500, "Restart"), (204, "status 204")]
    {
        let answer = format!("HTTP/1.1 {status} Oh\r\nContent-Length: 0\r\n\r\n");
        let (_, error) = run(&mjpeg(&Camera::sending(answer).await)).await;
        let SourceError::Status { .. } = error else { panic!("{error}") };
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn name_and_password_of_the_address_are_sent_and_never_shown() {
    let camera = Camera::start(|mut stream, request| async move {
        // base64 of "us:er\u{e9}:secret/1", which is percent-encoded in the address
        let answer = if request.contains("authorization: Basic dXPDqXI6c2VjcmV0LzE=\r\n") {
            [MULTIPART.as_bytes(), &part(&vector("420.jpg"))].concat()
        } else {
            b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"cam\"\r\nContent-Length: 0\r\n\r\n".to_vec()
        };
        stream.write_all(&answer).await.unwrap();
    })
    .await;
    let source = |credentials: &str, more: &str| {
        let address = format!("http://{credentials}{}/stream{more}", camera.address);
        Mjpeg::new(url(&address), web(), PATIENT)
    };
    let right = source("us%C3%A9r:secret%2F1@", "");
    assert!(!format!("{right:?}").contains("secret"));
    let (got, error) = run(&right).await;
    assert_eq!(got.pictures.len(), 1, "{error}");
    for (credentials, given, words) in
        [("", false, "asks for a name"), ("us%C3%A9r:secret@", true, "refuses the name")]
    {
        let (_, error) = run(&source(credentials, "?pwd=secret")).await;
        assert!(error.to_string().contains(words), "{error}");
        let SourceError::Unauthorized { given: found, digest: false, .. } = error else { panic!("{error}") };
        assert_eq!(found, given);
    }
}

#[tokio::test]
async fn digest_authentication_is_named_as_the_reason() {
    let answer =
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"cam\", nonce=\"1\"\r\nContent-Length: 0\r\n\r\n";
    let camera = Camera::sending(answer).await;
    let source = Mjpeg::new(url(&format!("http://name:secret@{}/stream", camera.address)), web(), PATIENT);
    let (_, error) = run(&source).await;
    let SourceError::Unauthorized { digest: true, .. } = error else { panic!("{error}") };
}

#[tokio::test]
async fn a_camera_that_is_not_there_is_unreachable() {
    let camera = Camera::sending("").await;
    let (_, error) = {
        let address = camera.url();
        drop(camera);
        tokio::task::yield_now().await;
        run(&Mjpeg::new(url(&address), web(), PATIENT)).await
    };
    let SourceError::Unreachable { .. } = error else { panic!("{error}") };
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn dropping_a_source_closes_its_connection_at_once() {
    let (told, mut tell) = mpsc::unbounded_channel();
    let camera = Camera::start(move |mut stream, _| {
        let told = told.clone();
        async move {
            stream.write_all(&[MULTIPART.as_bytes(), &part(&vector("420.jpg"))].concat()).await.unwrap();
            let rest = stream.read(&mut [0; 16]).await;
            told.send(matches!(rest, Ok(0) | Err(_))).unwrap();
        }
    })
    .await;
    assert_eq!(take_pictures(&mjpeg(&camera), 1).await.pictures.len(), 1);
    // The source is dropped. The camera sends nothing any more: nothing but the close itself can wake it.
    assert_eq!(timeout(LONG, tell.recv()).await.unwrap(), Some(true));
}

#[tokio::test]
async fn a_slow_camera_is_waited_for_as_long_as_its_pictures_take() {
    let camera = Camera::start(|mut stream, _| async move {
        stream.write_all(MULTIPART.as_bytes()).await.unwrap();
        for name in ["420.jpg", "444.jpg", "restart.jpg", "progressive.jpg"] {
            sleep(Duration::from_millis(700)).await;
            if stream.write_all(&part(&vector(name))).await.is_err() {
                return;
            }
        }
        stall().await;
    })
    .await;
    // Three times the interval is 2.1 s; what is waited for by itself is shorter than one.
    let short = Duration::from_millis(200);
    let options = MjpegOptions { no_bytes: short, no_picture: short, ..PATIENT };
    let (got, error) = run(&Mjpeg::new(url(&camera.url()), web(), options)).await;
    assert_eq!((got.pictures.len(), camera.requests().len()), (4, 1), "{error}");
    let SourceError::NoBytes { after, .. } = error else { panic!("{error}") };
    assert!(after > Duration::from_secs(2) && after < LONG, "{after:?}");
}

#[tokio::test]
async fn a_camera_that_sends_to_itself_with_a_cookie_gets_it_back() {
    let camera = Camera::start(|mut stream, request| async move {
        let answer = if request.to_lowercase().contains("cookie: session=7; lang=en") {
            [MULTIPART.as_bytes(), &part(&vector("420.jpg"))].concat()
        } else {
            let head = "HTTP/1.1 302 Found\r\nLocation: /stream\r\nSet-Cookie: session=7; Path=/; HttpOnly\r\nSet-Cookie: lang=en\r\n";
            format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
        };
        stream.write_all(&answer).await.ok();
    })
    .await;
    assert_eq!(take_pictures(&mjpeg(&camera), 1).await.pictures.len(), 1);
    let requests = camera.requests();
    assert!(requests.len() == 2 && !requests[0].to_lowercase().contains("cookie"), "{requests:?}");
}

#[tokio::test]
async fn a_cookie_of_one_host_is_not_sent_to_another() {
    let other = Camera::sending([MULTIPART.as_bytes(), &part(&vector("420.jpg"))].concat()).await;
    let there = other.url().replace("127.0.0.1", "localhost");
    let head = format!(
        "HTTP/1.1 302 Found\r\nLocation: {there}\r\nSet-Cookie: session=7\r\nContent-Length: 0\r\n\r\n"
    );
    let camera = Camera::sending(head).await;
    assert_eq!(take_pictures(&mjpeg(&camera), 1).await.pictures.len(), 1);
    assert!(!other.requests()[0].to_lowercase().contains("cookie"), "{:?}", other.requests());
}

#[tokio::test]
async fn pictures_that_come_packed_are_named_as_such_at_once() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\nContent-Encoding: gzip\r\n\r\n";
    let camera = Camera::sending([head.as_bytes(), &[0x1f, 0x8b, 8, 0]].concat()).await;
    let (_, error) = run(&mjpeg(&camera)).await;
    assert!(error.to_string().contains("packed (gzip), which nobody has asked for"), "{error}");
    assert!(
        camera.requests()[0].to_lowercase().contains("accept-encoding: identity"),
        "{:?}",
        camera.requests()
    );
}

#[tokio::test]
async fn an_odd_head_that_refuses_is_told_as_such() {
    let camera = Camera::sending("ICY 404 gone\r\n\r\n").await;
    let (_, error) = run(&mjpeg(&camera)).await;
    let SourceError::Status { status: 404, .. } = error else { panic!("{error}") };
    let refused = Mjpeg::new(url("http://127.0.0.1:9/stream"), Web::new(Arc::new(Allow::default())), PATIENT);
    let (_, error) = run(&refused).await;
    let SourceError::Refused(_) = error else { panic!("{error}") };
}
