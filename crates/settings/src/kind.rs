//! What a value may be, and how it is read. Each kind is a type whose `kind` describes it and that reads a value of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// True or false.
    Flag,
    /// A whole number of that range, both ends included.
    Int {
        /// Least.
        from: usize,
        /// Most.
        to: usize,
    },
    /// A number of that range, both ends included.
    Number {
        /// Least.
        from: f64,
        /// Most.
        to: f64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, or another spelling of one.
    Word(&'static [&'static str]),
    /// Any text; what reads it may ask for more.
    Text,
    /// The path of a file or folder.
    Path,
    /// A list of texts.
    List,
    /// A list of addresses to listen on, or of ports.
    Addresses,
}

/// Reads a value; an error says what is allowed.
pub trait ReadValue {
    /// The type that options have for it.
    type Output;

    /// The value has the type of the key's default: that was seen to when it was set.
    fn read(self, value: &Value) -> Result<Self::Output, String>;
}

/// True or false.
#[derive(Clone, Copy, Debug)]
pub struct Flag;

/// A whole number from the first to the second.
#[derive(Clone, Copy, Debug)]
pub struct Int(pub usize, pub usize);

/// MiB from the first to the second; read as bytes.
#[derive(Clone, Copy, Debug)]
pub struct Mib(pub usize, pub usize);

/// A number from the first to the second.
#[derive(Clone, Copy, Debug)]
pub struct Number(pub f64, pub f64);

/// Seconds from the first to the second.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub f64, pub f64);

/// One of these words; errors name them in this order.
#[derive(Clone, Copy, Debug)]
pub struct Choice(pub &'static [&'static str]);

/// One of these words, or another spelling of one: what it means is for who reads it to say.
#[derive(Clone, Copy, Debug)]
pub struct Word(pub &'static [&'static str]);

/// Any text, without spaces around it.
#[derive(Clone, Copy, Debug)]
pub struct Text;

/// A path; `None` where it is empty.
#[derive(Clone, Copy, Debug)]
pub struct Path;

/// Texts, without spaces around them and slashes at their ends.
#[derive(Clone, Copy, Debug)]
pub struct List;

/// Addresses to listen on; a port alone is one of 127.0.0.1. None stands there twice.
#[derive(Clone, Copy, Debug)]
pub struct Addresses;

/// Who may change something while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Those who have the role for it, as those on this machine have.
    Local,
    /// Anyone who can reach the server, without a key.
    Anyone,
    /// Nobody: it can only be changed in the configuration.
    Nobody,
}

/// [`Who`], as `local`, `anyone` or `nobody`.
#[derive(Clone, Copy, Debug)]
pub struct WhoMay;

const WHO: &[&str] = &["local", "anyone", "nobody"];

macro_rules! describes {
    ($($kind:ident: |$this:ident| $described:expr;)*) => {$(
        impl $kind {
            /// What its values may be.
            pub const fn kind(self) -> Kind {
                let $this = self;
                $described
            }
        }
    )*};
}

describes! {
    Flag: |_this| Kind::Flag;
    Int: |this| Kind::Int { from: this.0, to: this.1 };
    Mib: |this| Kind::Int { from: this.0, to: this.1 };
    Number: |this| Kind::Number { from: this.0, to: this.1 };
    Seconds: |this| Kind::Number { from: this.0, to: this.1 };
    Choice: |this| Kind::Choice(this.0);
    Word: |this| Kind::Word(this.0);
    WhoMay: |_this| Kind::Choice(WHO);
    Text: |_this| Kind::Text;
    Path: |_this| Kind::Path;
    List: |_this| Kind::List;
    Addresses: |_this| Kind::Addresses;
}

impl ReadValue for Flag {
    type Output = bool;

    fn read(self, value: &Value) -> Result<bool, String> {
        Ok(value.as_bool().unwrap_or_default())
    }
}

impl ReadValue for Int {
    type Output = usize;

    fn read(self, value: &Value) -> Result<usize, String> {
        let Self(from, to) = self;
        let number = value.as_integer().and_then(|value| usize::try_from(value).ok());
        number.filter(|number| (from..=to).contains(number)).ok_or_else(|| must_be_from(from, to))
    }
}

impl ReadValue for Mib {
    type Output = usize;

    fn read(self, value: &Value) -> Result<usize, String> {
        Int(self.0, self.1).read(value).map(|mib| mib << 20)
    }
}

impl ReadValue for Number {
    type Output = f64;

    fn read(self, value: &Value) -> Result<f64, String> {
        let Self(from, to) = self;
        let number = value.as_float().unwrap_or(f64::NAN);
        if (from..=to).contains(&number) { Ok(number) } else { Err(must_be_from(from, to)) }
    }
}

impl ReadValue for Seconds {
    type Output = Duration;

    fn read(self, value: &Value) -> Result<Duration, String> {
        Number(self.0, self.1).read(value).map(Duration::from_secs_f64)
    }
}

impl ReadValue for Choice {
    type Output = &'static str;

    fn read(self, value: &Value) -> Result<&'static str, String> {
        let text = value.as_str().unwrap_or_default().trim();
        self.0
            .iter()
            .find(|word| **word == text)
            .copied()
            .ok_or_else(|| format!("it must be {}", any_of(self.0)))
    }
}

impl ReadValue for Word {
    type Output = String;

    fn read(self, value: &Value) -> Result<String, String> {
        Text.read(value)
    }
}

impl ReadValue for WhoMay {
    type Output = Who;

    fn read(self, value: &Value) -> Result<Who, String> {
        Choice(WHO).read(value).map(|word| match word {
            "anyone" => Who::Anyone,
            "nobody" => Who::Nobody,
            _ => Who::Local,
        })
    }
}

impl ReadValue for Text {
    type Output = String;

    fn read(self, value: &Value) -> Result<String, String> {
        Ok(value.as_str().unwrap_or_default().trim().to_owned())
    }
}

impl ReadValue for Path {
    type Output = Option<PathBuf>;

    fn read(self, value: &Value) -> Result<Option<PathBuf>, String> {
        Ok(Some(Text.read(value)?).filter(|path| !path.is_empty()).map(PathBuf::from))
    }
}

impl ReadValue for List {
    type Output = Vec<String>;

    fn read(self, value: &Value) -> Result<Vec<String>, String> {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |item: &Value| {
            let text = item.as_str().ok_or_else(|| "every item must be text".to_owned())?;
            Ok(text.trim().trim_end_matches('/').to_owned())
        };
        items.iter().map(text).collect()
    }
}

impl ReadValue for Addresses {
    type Output = Vec<SocketAddr>;

    fn read(self, value: &Value) -> Result<Vec<SocketAddr>, String> {
        let mut addresses = Vec::new();
        for text in List.read(value)? {
            let text = text.replace("localhost", "127.0.0.1");
            let on_port = || text.parse().ok().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            let address = text.parse().ok().or_else(on_port).ok_or_else(|| {
                let reason = "is not an address such as 127.0.0.1:8000 or [::]:8000, nor a port such as 8000";
                format!("{text:?} {reason}")
            })?;
            if is_among(&address, &addresses) {
                return Err(format!("{address} stands there twice"));
            }
            addresses.push(address);
        }
        Ok(addresses)
    }
}

/// Whether both are one place to listen at: of port 0 each is another one.
pub fn is_among(address: &SocketAddr, others: &[SocketAddr]) -> bool {
    address.port() > 0 && others.contains(address)
}

fn must_be_from(from: impl std::fmt::Display, to: impl std::fmt::Display) -> String {
    format!("it must be from {from} to {to}")
}

/// `a, b or c`.
fn any_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

impl Kind {
    /// The range with its unit, or the words to choose from: `1 to 3600 s`. `None` where the kind alone says nothing.
    pub fn describe_allowed(&self, name: &str) -> Option<String> {
        let unit = self.unit(name).map(|unit| format!(" {unit}")).unwrap_or_default();
        match self {
            Self::Int { from, to } => Some(format!("{from} to {to}{unit}")),
            Self::Number { from, to } => Some(format!("{from} to {to}{unit}")),
            Self::Choice(words) | Self::Word(words) => Some(any_of(words)),
            Self::Flag | Self::Text | Self::Path | Self::List | Self::Addresses => None,
        }
    }

    /// What its values are, whichever of them are allowed.
    pub(crate) fn describe_type(&self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Int { .. } => "a whole number",
            Self::Number { .. } => "a number",
            Self::Choice(_) | Self::Word(_) | Self::Text => "text in quotes",
            Self::Path => "a path in quotes",
            Self::List => r#"a list such as ["a", "b"]"#,
            Self::Addresses => r#"a list of addresses or ports such as ["127.0.0.1:8000"]"#,
        }
    }

    /// What is expected where a value is of another type altogether: `a number from 1 to 3600 s`.
    pub(crate) fn describe_expected(&self, name: &str) -> String {
        let of_type = self.describe_type();
        match (self, self.describe_allowed(name)) {
            (Self::Int { .. } | Self::Number { .. }, Some(range)) => format!("{of_type} from {range}"),
            (_, allowed) => allowed.unwrap_or_else(|| of_type.to_owned()),
        }
    }

    /// A value of a file as this kind has it: a whole number is a number, one text or port a list of one. One of another type comes back
    /// as the error.
    pub(crate) fn accept_value(&self, value: Value) -> Result<Value, Value> {
        let is_of_type = match self {
            Self::Flag => value.is_bool(),
            Self::Int { .. } => value.is_integer(),
            Self::Number { .. } => value.is_float(),
            Self::Choice(_) | Self::Word(_) | Self::Text | Self::Path => value.is_str(),
            Self::List | Self::Addresses => value.is_array(),
        };
        match (self, value) {
            (_, value) if is_of_type => Ok(value),
            (Self::Number { .. }, Value::Integer(whole)) => Ok(Value::Float(whole as f64)),
            (Self::List | Self::Addresses, one @ Value::String(_)) => Ok(Value::Array(vec![one])),
            (Self::Addresses, Value::Integer(port)) => {
                Ok(Value::Array(vec![Value::String(port.to_string())]))
            }
            (_, other) => Err(other),
        }
    }

    /// What a number of that key counts, by how its name ends.
    pub fn unit(&self, name: &str) -> Option<&'static str> {
        // The first that fits; a rate of something else has none.
        const UNITS: [(&str, Option<&str>); 6] = [
            ("mb_per_s", Some("MiB/s")),
            ("_per_s", None),
            ("_s", Some("s")),
            ("_mb", Some("MiB")),
            ("_px", Some("px")),
            ("fps", Some("fps")),
        ];
        let is_number = matches!(self, Self::Int { .. } | Self::Number { .. });
        let fitting = UNITS.iter().find(|(end, _)| is_number && name.ends_with(end));
        fitting.and_then(|(_, unit)| *unit)
    }
}
