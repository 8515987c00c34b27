use axum::body::Body;
use axum::extract::{Query, Request};
use axum::response::Response;
use http::Uri;
use sightwire_admission::query::{NOTES, Params, read_flag, read_list, unknown_notes, read_number, read_real, take_key, with_notes};

/// Longest value that an answer repeats, in characters.
const MAX_SHOWN: usize = 40;

/// Queries: a key is taken out of the address, wherever it stands, and nothing else is; numbers are within their range; and what is
/// refused is said without repeating all of it.
pub fn query(data: &[u8]) {
    let Ok(uri) = Uri::try_from(data) else { return };
    let without = without_key(&uri);
    let Ok(Query(params)) = Query::<Params>::try_from_uri(&without) else { return };
    check_params(&params);
}

fn without_key(uri: &Uri) -> Uri {
    let mut request = Request::builder().uri(uri.clone()).body(Body::empty()).expect("a request");
    let taken = take_key(&mut request);
    let is_key = |pair: &&str| pair.split('=').next() == Some("key");
    let pairs = |uri: &Uri| uri.query().map_or(Vec::new(), |query| query.split('&').map(str::to_owned).collect());
    let (keys, others): (Vec<_>, Vec<_>) = pairs(uri).into_iter().partition(|pair| is_key(&pair.as_str()));
    let first = keys.first().map(|pair| pair.split_once('=').map_or("", |(_, value)| value));
    assert_eq!(taken.as_deref(), first);
    let now = request.uri().clone();
    if taken.is_none() {
        assert_eq!(now, *uri);
    }
    assert_eq!(pairs(&now), others);
    assert_eq!((now.scheme(), now.authority(), now.path()), (uri.scheme(), uri.authority(), uri.path()));
    now
}

fn check_params(params: &Params) {
    if let Ok(fps) = read_number(params, "fps", 10_u8, &(1..=30)) {
        assert!((1..=30).contains(&fps));
    }
    match read_real(params, "conf", 0.25, &(0.0..=1.0)) {
        Ok(confidence) => assert!((0.0..=1.0).contains(&confidence)),
        Err(wrong) => assert!(wrong.to_string().chars().count() < 60 + 10 * MAX_SHOWN, "{wrong}"),
    }
    let labels = read_flag(params, "show_labels", true);
    assert!(params.contains_key("show_labels") || labels == Ok(true));
    let classes = read_list(params, "classes").unwrap_or_default();
    assert!(classes.is_sorted_by(|one, next| one < next));
    assert!(classes.iter().all(|class| !class.is_empty() && class.trim() == class && !class.contains(',')));
    let notes = unknown_notes(params, &["fps", "conf", "show_labels", "classes"]);
    assert!(notes.len() <= 10);
    let response = with_notes(Response::new(Body::empty()), &notes);
    assert_eq!(response.headers().contains_key(NOTES), !notes.is_empty());
}
