//! How one process of a cluster shows another that it knows the secret that they have in common, without ever sending it:
//! anyone who can write into Redis can have a process ask anybody.
//!
//! A request brings a [`Tag`] in `Authorization: Sightwire FROM.TO.TIME.MAC`. FROM and TO are the instances of both processes as
//! 16 hexadecimal digits, TIME is in milliseconds by the clock of Redis, and MAC is
//!
//! ```text
//! HMAC-SHA256(secret, "1\nFROM\nTO\nTIME\nMETHOD\nPATH?QUERY")
//! ```
//!
//! in base64 for addresses (RFC 4648, section 5), without padding. So a tag is for one request to one life of one process. The
//! answer shows the same in [`ANSWER`]: `HMAC-SHA256(secret, "answer\n" MAC)`; nothing else of it is believed before.
//!
//! Anyone who reads along sees all of a request but the secret, and can repeat it for [`LEEWAY`], and bodies are in no MAC: between
//! machines that is a matter of HTTPS.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD;
use ring::hmac;
use subtle::ConstantTimeEq as _;

/// What `Authorization` begins with.
pub const SCHEME: &str = "Sightwire";
/// The header of an answer to another process.
pub const ANSWER: &str = "sightwire-process";
/// The clocks of two processes may differ by this much, each as it knows that of Redis.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// Bytes of a secret, at least.
pub const MIN_SECRET: usize = 32;

/// Bytes of a file with a secret, at most.
const MAX_SECRET_FILE: u64 = 64 << 10;
/// Of which version of this a MAC is.
const REQUEST: &str = "1";
const OF_ANSWER: &str = "answer";
const INSTANCE_DIGITS: usize = 16;
/// 32 bytes as base64.
const MAC_LETTERS: usize = 43;
/// Of the longest tag there is.
const MAX_TAG: usize = 2 * INSTANCE_DIGITS + "18446744073709551615".len() + MAC_LETTERS + "...".len();

/// What all processes of a cluster know, and nobody else.
#[derive(Clone)]
pub struct Secret {
    key: hmac::Key,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Why there is no secret. Never says any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It could be guessed.
    #[error(
        "the secret has {0} bytes, and at least {MIN_SECRET} are needed; `openssl rand -hex 32` makes one, for all processes the same"
    )]
    Short(usize),
    /// The file is not there, or not for us, or no text.
    #[error("the secret in {} cannot be read: {error}", path.display())]
    File {
        /// Where it should be.
        path: PathBuf,
        /// As the system says it.
        #[source]
        error: io::Error,
    },
}

impl Secret {
    /// Of a text; spaces and line breaks around it do not count.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        let bytes = text.trim().as_bytes();
        if bytes.len() < MIN_SECRET {
            return Err(SecretError::Short(bytes.len()));
        }
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, bytes) })
    }

    /// As [`Self::new`], of what stands in a file.
    pub fn from_file(path: &Path) -> Result<Self, SecretError> {
        let mut text = String::new();
        let unread = |error| SecretError::File { path: path.to_owned(), error };
        let file = File::open(path).map_err(unread)?;
        file.take(MAX_SECRET_FILE + 1).read_to_string(&mut text).map_err(unread)?;
        if text.len() as u64 > MAX_SECRET_FILE {
            return Err(unread(io::Error::other(format!("it has more than {MAX_SECRET_FILE} bytes"))));
        }
        Self::new(&text)
    }

    /// What only those who know the secret can say of a text. A MAC for one purpose is none for another; a purpose is one line.
    pub fn mac(&self, purpose: &'static str, text: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [purpose, "\n", text] {
            context.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode_to_string(context.sign())
    }

    /// Whether that is [`Self::mac`] of it. Takes as long for every wrong one.
    pub fn is_valid_mac(&self, purpose: &'static str, text: &str, mac: &str) -> bool {
        self.mac(purpose, text).as_bytes().ct_eq(mac.as_bytes()).into()
    }
}

/// With which one process asks another.
#[derive(Clone, PartialEq, Eq)]
pub struct Tag {
    from: u64,
    to: u64,
    time_ms: u64,
    mac: Box<str>,
}

/// Without the MAC, which lets anyone who has it ask the same once more.
impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, time_ms, .. } = self;
        write!(f, "Tag({from:016x} to {to:016x} at {time_ms})")
    }
}

/// What follows `Authorization: Sightwire` is not a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("`Authorization: {SCHEME}` is how processes of a cluster ask each other, with FROM.TO.TIME.MAC; {0}")]
pub struct NotATag(Wrong);

/// What about it is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
enum Wrong {
    #[error("this has {0} bytes, and at most {MAX_TAG} are possible")]
    Length(usize),
    #[error("this has other than four parts")]
    Parts,
    #[error("{0} has to be {INSTANCE_DIGITS} hexadecimal digits, in small letters")]
    Instance(&'static str),
    #[error("TIME has to be milliseconds, without zeros before them")]
    Time,
    #[error("MAC has to be {MAC_LETTERS} characters of base64 for addresses")]
    Mac,
}

impl Tag {
    /// Of a request from one instance to another, at that time by the clock of Redis. `target` is the path with the query, as it
    /// is sent.
    pub fn sign(secret: &Secret, from: u64, to: u64, time_ms: u64, method: &str, target: &str) -> Self {
        let unsigned = Self { from, to, time_ms, mac: Box::default() };
        let mac = secret.mac(REQUEST, &unsigned.covered_text(method, target)).into();
        Self { mac, ..unsigned }
    }

    /// Of what follows the scheme.
    pub fn parse(text: &str) -> Result<Self, NotATag> {
        Self::parse_parts(text).map_err(NotATag)
    }

    fn parse_parts(text: &str) -> Result<Self, Wrong> {
        if text.len() > MAX_TAG {
            return Err(Wrong::Length(text.len()));
        }
        let mut parts = text.split('.');
        let (Some(from), Some(to), Some(time), Some(mac), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Wrong::Parts);
        };
        let from = parse_instance(from).ok_or(Wrong::Instance("FROM"))?;
        let to = parse_instance(to).ok_or(Wrong::Instance("TO"))?;
        let is_time = time.bytes().all(|b| b.is_ascii_digit()) && (time == "0" || !time.starts_with('0'));
        let time_ms = time.parse().ok().filter(|_| is_time).ok_or(Wrong::Time)?;
        let is_mac = mac.len() == MAC_LETTERS
            && mac.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if is_mac { Ok(Self { from, to, time_ms, mac: mac.into() }) } else { Err(Wrong::Mac) }
    }

    /// Of the header [`ANSWER`], by the process that was asked.
    pub fn sign_answer(&self, secret: &Secret) -> String {
        secret.mac(OF_ANSWER, &self.mac)
    }

    /// Whether that stands in the header [`ANSWER`] where the process that was asked knows the secret.
    pub fn is_answered_by(&self, secret: &Secret, answer: &str) -> bool {
        secret.is_valid_mac(OF_ANSWER, &self.mac, answer)
    }

    fn is_of(&self, secret: &Secret, request: &Signed<'_>) -> bool {
        secret.is_valid_mac(REQUEST, &self.covered_text(request.method, request.target), &self.mac)
    }

    /// What the MAC is of, but the version.
    fn covered_text(&self, method: &str, target: &str) -> String {
        let Self { from, to, time_ms, .. } = self;
        format!("{from:016x}\n{to:016x}\n{time_ms}\n{method}\n{target}")
    }
}

fn parse_instance(text: &str) -> Option<u64> {
    let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let is_one = text.len() == INSTANCE_DIGITS && text.bytes().all(is_hex);
    u64::from_str_radix(text, 16).ok().filter(|_| is_one)
}

/// As the value of `Authorization`.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, time_ms, mac } = self;
        write!(f, "{SCHEME} {from:016x}.{to:016x}.{time_ms}.{mac}")
    }
}

/// A request that says that another process makes it.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// What follows the scheme.
    pub tag: &'a str,
    /// The method of the request: `GET`.
    pub method: &'a str,
    /// Its path and query, as they came.
    pub target: &'a str,
}

/// Without the tag.
impl fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed")
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// Another process of this cluster, which has shown that it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownProcess {
    /// The name of that process.
    pub name: Arc<str>,
    /// For the header [`ANSWER`].
    pub answer: String,
}

/// Why a request is not another process's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ProcessFlaw {
    /// It has no tag.
    #[error(transparent)]
    NotATag(#[from] NotATag),
    /// There are no others here.
    #[error("this server is in no cluster, so no other process is known to it (cluster.redis_url)")]
    NoCluster,
    /// It is for another life of this process, or for another process.
    #[error(
        "this is for another process: the one that was meant was restarted, or its address leads elsewhere (cluster.advertise_url)"
    )]
    OtherProcess,
    /// The process that asks is not in the directory.
    #[error(
        "this process does not know the one that asks: it has only just begun, or has another Redis, another cluster.prefix or another secret (cluster.secret_file)"
    )]
    Stranger,
    /// The MAC is wrong.
    #[error(
        "this process and {name} have different secrets (cluster.secret_file), or something between them changes requests"
    )]
    OtherSecret {
        /// Of the process that seems to ask.
        name: Arc<str>,
    },
    /// It comes too late, or too early.
    #[error(
        "the clocks of this process and {name} are {seconds} s apart, and may be {}: each takes it from Redis, so one was set just now, or the request is an old one",
        LEEWAY.as_secs()
    )]
    Clocks {
        /// Of the process that asks.
        name: Arc<str>,
        /// Difference of the clocks, seconds.
        seconds: u64,
    },
}

/// Knows the other processes of this cluster.
pub trait Processes: fmt::Debug + Send + Sync {
    /// Which of them makes a request. Does not wait.
    fn identify_process(&self, request: &Signed<'_>) -> Result<KnownProcess, ProcessFlaw>;
}

/// What is needed to know whether a request is another process's.
pub struct Check<'a> {
    /// The secret of the cluster.
    pub secret: &'a Secret,
    /// The instance that is asked.
    pub me: u64,
    /// By the clock of Redis.
    pub now_ms: u64,
    /// The name of the process that is that instance now.
    pub name_of: &'a dyn Fn(u64) -> Option<Arc<str>>,
}

impl fmt::Debug for Check<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { me, now_ms, .. } = self;
        write!(f, "Check({me:016x} at {now_ms})")
    }
}

impl Check<'_> {
    /// Which process makes the request.
    pub fn check_request(&self, request: &Signed<'_>) -> Result<KnownProcess, ProcessFlaw> {
        let tag = Tag::parse(request.tag)?;
        if tag.to != self.me {
            return Err(ProcessFlaw::OtherProcess);
        }
        let name = (self.name_of)(tag.from).ok_or(ProcessFlaw::Stranger)?;
        if !tag.is_of(self.secret, request) {
            return Err(ProcessFlaw::OtherSecret { name });
        }
        // Not before: a time that anybody can have written says nothing of clocks.
        let apart = Duration::from_millis(tag.time_ms.abs_diff(self.now_ms));
        if apart > LEEWAY {
            return Err(ProcessFlaw::Clocks { name, seconds: apart.as_millis().div_ceil(1000) as u64 });
        }
        Ok(KnownProcess { name, answer: tag.sign_answer(self.secret) })
    }
}

#[cfg(test)]
mod tests;
