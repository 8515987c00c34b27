use sightwire_hub::source::address::CameraUrl;
use url::Url;

/// Addresses of cameras: shown without name, password and query; what is kept is read again; and what hides a secret is made whole
/// by the address that it was hidden in.
pub fn camera_address(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(camera) = CameraUrl::parse(text) else { return };
    assert_eq!(CameraUrl::parse(&camera.secret_url()).as_ref(), Ok(&camera));

    let shown = Url::parse(&camera.to_string()).expect("what is shown is an address");
    assert_eq!((shown.username(), shown.password(), shown.fragment()), ("", None, None));
    assert!(shown.query().is_none_or(|query| query == "%E2%80%A6"), "{shown}");
    assert_eq!(format!("{camera:?}"), format!("CameraUrl({camera})"));

    let masked = Url::parse(&camera.masked()).expect("what is masked is an address");
    assert_eq!(masked.password().is_some(), camera.credentials().is_some());
    assert!(masked.password().is_none_or(|password| password == "***"));
    let unmasked = CameraUrl::parse(&camera.masked()).expect("what is masked is an address");
    assert_eq!(unmasked.unmasked(Some(&camera)).as_ref(), Some(&camera));

    for below in [camera.stream_url(), camera.capture_url(), camera.status_url()] {
        assert_eq!((below.host(), below.port()), (camera.host(), camera.port()));
        assert_eq!(below.credentials(), camera.credentials());
    }
    assert_eq!(camera.stream_url().stream_url(), camera.stream_url());
    assert_eq!(camera.capture_url().capture_url(), camera.capture_url());
}
