//! Reads the server's JSON API over HTTP or HTTPS, each request with a deadline.

use std::error::Error;
use std::io::Read as _;
use std::mem::ManuallyDrop;
use std::str::FromStr;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sightwire_api::status::Status;
use sightwire_api::stream::{Stream, Streams};
use sightwire_http_client::cause::Cause;
use sightwire_http_client::trust::{self, Trust, TrustError};

/// One request takes no longer, from the name's lookup to the last byte.
pub const DEADLINE: Duration = Duration::from_secs(3);
/// An answer that is longer is cut off, and so is not JSON.
const MAX_ANSWER: u64 = 10 << 20;
/// Texts of an answer are cut after this many characters.
const MAX_TEXT: usize = 300;
const STATUS: &str = "/api/v1/status";
const STREAMS: &str = "/api/v1/streams";

/// Where a server is: `http://host:port` or `https://host:port`, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

/// Why it is not an address of a server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not to be parsed.
    #[error("{0:?} is no address; write it as http://127.0.0.1:8000")]
    Malformed(String),
    /// A file, for example.
    #[error("{0:?} begins neither with http:// nor with https://")]
    Scheme(String),
    /// They would be shown on the screen.
    #[error(
        "no secret belongs into the address, where everybody sees it; a key comes from --key-file or SIGHTWIRE_KEY"
    )]
    Credentials,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = full.parse().map_err(|_| AddressError::Malformed(text.to_owned()))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        if !matches!(scheme, "http" | "https") {
            return Err(AddressError::Scheme(text.to_owned()));
        }
        let authority = uri.authority().ok_or_else(|| AddressError::Malformed(text.to_owned()))?;
        let has_key = uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("key=")));
        if authority.as_str().contains('@') || has_key {
            return Err(AddressError::Credentials);
        }
        Ok(Self(format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/'))))
    }
}

impl Address {
    /// The address in full, with its scheme.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the scheme, for narrow screens.
    pub fn short(&self) -> &str {
        self.0.split_once("://").map_or(&self.0, |(_, rest)| rest)
    }

    fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

/// Why the server could not be read, as a clause that follows its address and a colon.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The usual case.
    #[error("nothing listens there; is the server running? `sightwire serve` starts one")]
    Refused,
    /// No such name.
    #[error("there is no machine of that name")]
    NotFound,
    /// Too slow.
    #[error("it does not answer within {} s", DEADLINE.as_secs())]
    Late,
    /// Something answers, and it is not us.
    #[error("what answers there is no Sightwire server ({0})")]
    Foreign(String),
    /// It is of another version: a field is missing, or is of another kind.
    #[error("it answers otherwise than this version of sightwire expects ({0})")]
    Otherwise(String),
    /// None was sent.
    #[error("it asks for a key; give one by --key-file or in SIGHTWIRE_KEY, a viewer's or more")]
    NoKey,
    /// Mostly an authority that this machine does not trust.
    #[error(
        "{0}; with an authority of its own, SSL_CERT_FILE names what `sightwire tls show --pem` prints there"
    )]
    Tls(String),
    /// It sends those who speak HTTP away.
    #[error("it speaks HTTPS; ask https://{0}")]
    Https(String),
    /// The server says why.
    #[error("it answers with {status}: {detail}")]
    Status {
        /// Status of HTTP.
        status: u16,
        /// The answer's `detail`.
        detail: String,
    },
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// What the server said, all at about the same moment. Its texts are short, and free of control characters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What runs, and how it is.
    pub status: Status,
    /// Streams without their viewers; `None` if the server has no such thing.
    pub streams: Option<Vec<Stream>>,
}

/// The answers of which a [`Reading`] is made, as they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawReading {
    /// An object.
    pub status: Value,
    /// `None` if the server has no such thing.
    pub streams: Option<Value>,
}

/// Why nothing can be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Of this machine's authorities.
    #[error(transparent)]
    Trust(#[from] &'static TrustError),
    /// It would break the request apart.
    #[error("the key has characters that no key has")]
    Key,
    /// The client of HTTP cannot be made.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// A server, and the connection to it.
#[derive(Debug)]
pub struct Client {
    address: Address,
    key: Option<HeaderValue>,
    /// Never dropped: it would wait for the lookup of a name, which has no timeout. The program ends with it.
    http: ManuallyDrop<reqwest::blocking::Client>,
}

impl Client {
    /// Connects with the first request, and again whenever that is needed. `key` is one of the server's, where it asks for one.
    pub fn new(address: Address, key: Option<&str>) -> Result<Self, ClientError> {
        let tls = if address.is_https() { Trust::System.tls()? } else { trust::trust_nobody() };
        let http = sightwire_http_client::direct_builder(tls);
        let http = reqwest::blocking::ClientBuilder::from(http).build()?;
        let header = |key: &str| {
            let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| ClientError::Key)?;
            value.set_sensitive(true);
            Ok::<_, ClientError>(value)
        };
        Ok(Self { address, key: key.map(header).transpose()?, http: ManuallyDrop::new(http) })
    }

    /// The server that it asks.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// All but the viewers of streams.
    pub fn read(&self) -> Result<Reading, ReadError> {
        let RawReading { status, streams } = self.read_raw()?;
        let streams = streams.map(|answer| parse_answer::<Streams>(STREAMS, answer)).transpose()?;
        Ok(Reading { status: parse_answer(STATUS, status)?, streams: streams.map(|all| all.streams) })
    }

    /// The same, whatever it is that the server says.
    pub(crate) fn read_raw(&self) -> Result<RawReading, ReadError> {
        let status = self
            .get(STATUS)?
            .filter(Value::is_object)
            .ok_or_else(|| ReadError::Foreign(format!("it has no {STATUS}")))?;
        Ok(RawReading { status, streams: self.get(STREAMS)? })
    }

    /// One stream and its viewers; `None` if it is not open any more.
    pub fn read_stream(&self, id: &str) -> Result<Option<Stream>, ReadError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        // Ids are plain words; whatever else a server may send is not put into a path.
        if id.is_empty() || !id.chars().all(plain) {
            return Ok(None);
        }
        let path = format!("{STREAMS}/{id}");
        self.get(&path)?.map(|answer| parse_answer(&path, answer)).transpose()
    }

    /// `None` for 404.
    fn get(&self, path: &str) -> Result<Option<Value>, ReadError> {
        let mut request = self.http.get(format!("{}{path}", self.address.0)).timeout(DEADLINE);
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key);
        }
        let answer = request.send().map_err(|error| explain_error(&error))?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        answer.take(MAX_ANSWER).read_to_end(&mut body).map_err(|error| explain_error(&error))?;
        let parsed = serde_json::from_slice::<Value>(&body);
        match (status, parsed) {
            (200, Ok(value)) => Ok(Some(value)),
            (200, Err(_)) => Err(ReadError::Foreign(format!("{path} is not JSON"))),
            (404, _) => Ok(None),
            (308, _) if !self.address.is_https() => Err(ReadError::Https(self.address.short().to_owned())),
            (status, parsed) => {
                let said =
                    parsed.ok().and_then(|value| parse_answer::<sightwire_api::Error>(path, value).ok());
                let detail = said.map_or_else(|| "no reason given".into(), |error| error.detail);
                let is_unknown = status == 401 && self.key.is_none();
                Err(if is_unknown { ReadError::NoKey } else { ReadError::Status { status, detail } })
            }
        }
    }
}

/// An answer to be shown; one that does not fit is an error that names the field.
fn parse_answer<T: DeserializeOwned>(path: &str, answer: Value) -> Result<T, ReadError> {
    serde_path_to_error::deserialize(clean_value(answer))
        .map_err(|error| ReadError::Otherwise(format!("{path}: {error}")))
}

/// All its texts and keys without what would move the cursor of a terminal, and not endless.
fn clean_value(answer: Value) -> Value {
    let text = |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect::<String>();
    match answer {
        Value::String(said) => text(&said).into(),
        Value::Array(items) => items.into_iter().map(clean_value).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, item)| (text(&key), clean_value(item))).collect()
        }
        plain => plain,
    }
}

fn explain_error(error: &(dyn Error + 'static)) -> ReadError {
    match Cause::from_error(error) {
        Cause::UnknownName => ReadError::NotFound,
        Cause::NoConnection | Cause::Late => ReadError::Late,
        Cause::Refused => ReadError::Refused,
        Cause::BrokeOff => ReadError::Other("the connection was closed".into()),
        Cause::NotHttp(error) => ReadError::Foreign(error.to_string()),
        Cause::Tls(error) => ReadError::Tls(error.to_string()),
        Cause::NoWay(reason) | Cause::Other(reason) => ReadError::Other(reason),
    }
}

#[cfg(test)]
mod tests {
    use sightwire_api::stream::Analysis;

    use super::*;
    use crate::stub;

    #[test]
    fn an_address_may_leave_out_the_scheme_and_nothing_else_is_guessed() {
        let parsed = |text: &str| text.parse::<Address>().map(|address| address.0);
        assert_eq!(parsed("127.0.0.1:8000").unwrap(), "http://127.0.0.1:8000");
        assert_eq!(parsed("http://[::1]:9/").unwrap(), "http://[::1]:9");
        assert_eq!(parsed("http://door.lan/cameras/").unwrap(), "http://door.lan/cameras");
        assert_eq!(parsed("https://door.lan/").unwrap(), "https://door.lan");
        assert_eq!(parsed("ftp://door.lan"), Err(AddressError::Scheme("ftp://door.lan".into())));
        for secret in ["http://a:b@door.lan", "https://door.lan/?key=sw_1"] {
            assert_eq!(parsed(secret), Err(AddressError::Credentials), "{secret}");
        }
        assert!(matches!(parsed("two words"), Err(AddressError::Malformed(_))));
    }

    #[test]
    fn a_server_that_is_not_there_is_said_in_words() {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Client::new(gone.to_string().parse().unwrap(), None).unwrap().read().unwrap_err();
        assert!(matches!(error, ReadError::Refused), "{error:?}");
        assert!(error.to_string().contains("is the server running?"));
    }

    #[test]
    fn an_old_server_without_streams_is_read_and_a_foreign_one_is_not() {
        let old = stub::serve_answers(|path| match path {
            STATUS => (200, stub::to_json(&stub::sample_status())),
            _ => (404, r#"{"detail":"There is no such API path."}"#.into()),
        });
        let client = Client::new(old.parse().unwrap(), None).unwrap();
        assert_eq!(client.read().unwrap(), Reading { status: stub::sample_status(), streams: None });
        assert_eq!(client.read_stream("a").unwrap(), None);

        let foreign = stub::serve_answers(|_| (200, "<html>".into()));
        let error = Client::new(foreign.parse().unwrap(), None).unwrap().read().unwrap_err();
        assert!(error.to_string().starts_with("what answers there is no Sightwire server"), "{error}");

        let busy = stub::serve_answers(|_| (503, r#"{"detail":"Too\u001b[31m many."}"#.into()));
        let error = Client::new(busy.parse().unwrap(), None).unwrap().read().unwrap_err();
        assert_eq!(error.to_string(), "it answers with 503: Too[31m many.");
    }

    #[test]
    fn a_server_that_speaks_https_alone_is_said_to() {
        let away = stub::serve_answers(|_| (308, String::new()));
        let client = Client::new(away.parse().unwrap(), None).unwrap();
        let error = client.read().unwrap_err().to_string();
        assert_eq!(error, format!("it speaks HTTPS; ask https://{}", client.address().short()));
    }

    #[test]
    fn a_server_that_asks_for_a_key_gets_it_and_without_one_that_is_said() {
        let detail = r#"{"detail":"This is not a key."}"#;
        let address = stub::serve_to("sw_1", |_| (200, stub::to_json(&stub::sample_status())), detail);
        let client = |key| Client::new(address.parse().unwrap(), key).unwrap();
        client(Some("sw_1")).read_raw().unwrap();
        assert!(matches!(client(None).read().unwrap_err(), ReadError::NoKey));
        let error = client(Some("sw_2")).read().unwrap_err().to_string();
        assert_eq!(error, "it answers with 401: This is not a key.");
        let broken = Client::new(address.parse().unwrap(), Some("sw_1\r\nX: y"));
        assert!(matches!(broken, Err(ClientError::Key)));
        assert!(!format!("{:?}", client(Some("sw_1"))).contains("sw_1"));
    }

    /// A client of a server whose status has this at this place, or lacks it.
    fn otherwise(place: &str, value: Option<Value>) -> Client {
        let mut status = serde_json::to_value(stub::sample_status()).unwrap();
        let (parent, field) = place.rsplit_once('/').unwrap();
        let parent = status.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => parent.insert(field.into(), value),
            None => parent.remove(field),
        };
        let streams = stub::to_json(&Streams { streams: stub::sample_reading(2).streams.unwrap() });
        let address = stub::serve_answers(move |path| match path {
            STATUS => (200, status.to_string()),
            STREAMS => (200, streams.clone()),
            _ => (200, "{}".into()),
        });
        Client::new(address.parse().unwrap(), None).unwrap()
    }

    #[test]
    fn an_answer_that_lacks_a_field_or_has_another_kind_of_one_is_an_error_that_names_it() {
        for (place, value, named) in [
            ("/version", None, "missing field `version`"),
            ("/process/threads", None, "process: missing field `threads`"),
            ("/process/cpu_percent", Some("much".into()), "process.cpu_percent: invalid type: string"),
            ("/relay/viewers", Some((-1).into()), "relay.viewers: invalid value: integer `-1`"),
            ("/detector/state", Some("dream\u{1b}ing".into()), "detector.state: unknown variant `dreaming`"),
        ] {
            let error = otherwise(place, value).read().unwrap_err().to_string();
            let said = "it answers otherwise than this version of sightwire expects (/api/v1/status: ";
            assert!(error.starts_with(&format!("{said}{named}")), "{error}");
        }
        let error = otherwise("/new", None).read_stream("a").unwrap_err().to_string();
        assert!(error.ends_with("(/api/v1/streams/a: missing field `analyses`)"), "{error}");
    }

    #[test]
    fn what_a_newer_server_says_beyond_that_is_passed_over() {
        let newer = otherwise("/process/new", Some(true.into())).read().unwrap();
        assert_eq!(newer, stub::sample_reading(2));
    }

    #[test]
    fn nothing_that_a_camera_is_named_can_reach_the_terminal_as_a_command() {
        let named = |name: &str, label: &str| Stream {
            name: name.into(),
            analyses: vec![Analysis { objects: [(label.into(), 1)].into(), ..Default::default() }],
            ..Default::default()
        };
        let said = stub::to_json(&named("\u{1b}[2JDoor\r\n\u{9b}31m", "\u{7}car"));
        let client =
            Client::new(stub::serve_answers(move |_| (200, said.clone())).parse().unwrap(), None).unwrap();
        assert_eq!(client.read_stream("a").unwrap(), Some(named("[2JDoor31m", "car")));
        assert_eq!(clean_value("ä".repeat(5000).into()), Value::from("ä".repeat(MAX_TEXT)));
    }

    #[test]
    fn an_id_that_is_no_plain_word_never_becomes_a_path() {
        let client = Client::new("127.0.0.1:9".parse().unwrap(), None).unwrap();
        for id in ["", "../status", "a?b", "a b"] {
            assert!(client.read_stream(id).unwrap().is_none(), "{id}");
        }
    }
}
