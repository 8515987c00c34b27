//! Lines of headers, addresses, queries, JSON, keys and tokens.

use sightwire_access::process::{SCHEME, Secret, Tag};

use super::{Seed, numbered};

const KEY: &str = "sw_0123abcd_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_abcde";
const CLAIMS: &str =
    r#"{"iss":"https://login.example","aud":["sightwire"],"exp":1900000000,"sub":"anna","role":"#;
const HEAD: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
/// RFC 7517, appendix A.1, and RFC 8037, appendix A.2.
const KEYS: &str = concat!(
    r#"k{"keys":[{"kty":"RSA","kid":"r","use":"sig","alg":"RS256","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"},"#,
    r#"{"kty":"EC","kid":"e","crv":"P-256","key_ops":["verify"],"x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"},"#,
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},{"kty":"oct","kid":"o","k":"c2VjcmV0"}]}"#,
);

pub fn text_seeds(check: &str) -> Vec<Seed> {
    match check {
        "bodies" => bodies(),
        "camera_address" => camera_addresses(),
        "client_address" => client_addresses(),
        "credentials" => credentials(),
        "query" => queries(),
        "request_headers" => headers(),
        "token" => tokens(),
        _ => Vec::new(),
    }
}

fn bodies() -> Vec<Seed> {
    numbered([
        r#"{"name":"gate phone","role":"viewer","streams":["gate-*"],"uses":["cameras"],"expires_s":3600}"#,
        r#"{"name":"anna","password":"correct horse","role":"admin"}"#,
        r#"{"key":"sw_0123abcd_x"}"#,
        r#"{"id":"gate","name":"Gate","url":"http://192.168.1.50/stream","mode":"capture","fps":2.5}"#,
        r#"{"name":null,"url":"http://192.168.1.50"}"#,
        r#"{"user_id":"u","camera_name":"c","camera_url":"http://192.168.1.50"}"#,
        r#"{"live":true}"#,
        r#"{"message":"x is not defined","stack":"at a (b.js:1:2)","path":"/cameras"}"#,
        r#"{"type":"detections","stream":"gate","frame":7,"width":640,"height":480,"model":"yolo","timestamp":1.5,"detections":[{"label":"car","confidence":0.5,"box":[1,2,3,4]}],"tracks":[]}"#,
        r#"{"type":"state","state":"running","reason":null,"since_s":1.5,"timestamp":1.5}"#,
    ])
}

fn camera_addresses() -> Vec<Seed> {
    numbered([
        "http://192.168.1.50",
        "https://name:p%40ss@cam.example:8443/video.mjpg?user=a&pwd=b#part",
        "http://[fe80::1]/stream/",
        "HTTP://Admin:@gate.local/capture",
        "http://***:***@10.0.0.5/x?%E2%80%A6",
        "rtsp://10.0.0.5/live",
    ])
}

fn client_addresses() -> Vec<Seed> {
    numbered([
        "x192.0.2.43",
        "x192.0.2.43, 10.0.0.3\nx10.0.0.9",
        "x2001:db8::1, fd00::2",
        "x[2001:db8::1]:4711, 192.0.2.1:80",
        "for=192.0.2.43;proto=http;by=10.0.0.2, For=\"[fd00::1]:80\"",
        "for=unknown, for=10.0.0.3\nx192.0.2.43",
        "for=192.0.2.43\nx192.0.2.43, 10.0.0.3",
    ])
}

fn credentials() -> Vec<Seed> {
    let secret = Secret::new("known to all of these and to nobody else").expect("a secret");
    let tag = Tag::sign(&secret, 0xabc, 0xdef, 1_800_000_000_000, "GET", "/ws/view?streams=a").to_string();
    let tag = tag.strip_prefix(SCHEME).expect("the scheme").trim_start().to_owned();
    numbered([
        KEY.to_owned(),
        format!("40{{\"key\":\"{KEY}\"}}, {KEY} again"),
        "GET /?key=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl HTTP/1.1".to_owned(),
        format!("eyJ.sw_{}", &KEY[3..]),
        "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789ABCDEF".to_owned(),
        format!("{tag}\nGET\n/ws/view?streams=a"),
        format!("{tag}\nPOST\n/api/v1/cluster/streams/a/challenge"),
    ])
}

fn queries() -> Vec<Seed> {
    let all = "/detections?fps=10&conf=0.25&show_labels=true&classes=car,%20person,,bus&skip_frames=2";
    numbered([
        all.to_owned(),
        format!("/ws/view?streams=a&key={KEY}&overlays=1"),
        format!("http://localhost:8000/?key={KEY}"),
        "/?key&key=a&b=%FF&fps=31&conf=1e-9&show_labels=maybe&unknown=x".to_owned(),
        "*".to_owned(),
        "localhost:443".to_owned(),
    ])
}

fn headers() -> Vec<Seed> {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\nUpgrade: WebSocket";
    numbered([
        "Host: localhost:8000\nOrigin: http://localhost:8000\nCookie: theme=dark; sightwire-8000=abc".to_owned(),
        "Host: Vision.Example.Org.:443\nCookie: __Host-sightwire-443=abc; sightwire-443=x\nX-Forwarded-Proto: https".to_owned(),
        "Host: [::1]\nSec-Fetch-Site: cross-site\nReferer: https://app.example/page?x#y".to_owned(),
        "Host: [fe80::1%25eth0]:80\nSec-Fetch-Site: same-origin\nUser-Agent: Mozilla/5.0".to_owned(),
        "Host: a.cams.example\nOrigin: null".to_owned(),
        "Host: 127.0.0.1:80\nOrigin: http://127.0.0.2:3000\nReferer: x".to_owned(),
        format!("Host: localhost\n{key}\nSec-WebSocket-Protocol: sightwire.v1"),
        "Host: evil.example\nOrigin: https://app.example\nAccept-Language: de".to_owned(),
        "Host: a\nHost: b".to_owned(),
    ])
}

fn tokens() -> Vec<Seed> {
    let claims = |rest: &str| format!("s{HEAD}\n{CLAIMS}{rest}");
    numbered([
        claims(r#""viewer"}"#),
        claims(r#"["x","admin"],"nbf":1799999999.5,"streams":["gate-*"],"uses":["cameras","relay"]}"#),
        claims("null}"),
        format!("s{{\"alg\":\"HS256\",\"crit\":[\"x\"],\"kid\":\"a\"}}\n{CLAIMS}\"viewer\"}}"),
        format!("s{{\"alg\":\"none\"}}\n{CLAIMS}\"viewer\"}}"),
        "reyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl".to_owned(),
        KEYS.to_owned(),
        r#"k{"keys":[]}"#.to_owned(),
    ])
}
