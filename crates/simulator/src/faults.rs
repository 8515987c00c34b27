//! What goes wrong, and when: `stall@5s-9s,half-frame@3,garbage`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// Faults in a list.
const MAX_FAULTS: usize = 32;
/// Times are no longer than this.
const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sends nothing more and keeps the connection.
    Stall,
    /// Cuts a picture in half.
    HalfFrame,
    /// Sends the same picture again and again.
    Freeze,
    /// Takes only a tenth of the pictures.
    Slow,
    /// Sends 2 kB per second.
    SlowDrip,
    /// Breaks connections with a TCP reset, in the middle of a picture.
    Reset,
    /// Leaves requests for pictures and pages unanswered; settings are still there.
    Dead,
    /// Answers requests for pictures with status 503.
    Busy,
    /// Answers with a web page.
    Html,
    /// Random bytes before a picture.
    Garbage,
    /// Leaves `Content-Length` out.
    NoLength,
    /// Announces a `Content-Length` of 99,999,999,999.
    HugeLength,
    /// Announces a `Content-Length` of -1.
    NegativeLength,
    /// Announces a `Content-Length` that is a little too short or too long.
    WrongLength,
    /// A picture within the picture.
    Thumbnail,
    /// End markers where no picture ends.
    StrayEoi,
    /// Puts bytes `FF` before markers, as JPEG allows.
    FillBytes,
}

impl Kind {
    /// All of them, as they are told to people.
    pub const ALL: [Self; 17] = [
        Self::Stall,
        Self::HalfFrame,
        Self::Freeze,
        Self::Slow,
        Self::SlowDrip,
        Self::Reset,
        Self::Dead,
        Self::Busy,
        Self::Html,
        Self::Garbage,
        Self::NoLength,
        Self::HugeLength,
        Self::NegativeLength,
        Self::WrongLength,
        Self::Thumbnail,
        Self::StrayEoi,
        Self::FillBytes,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stall => "stall",
            Self::HalfFrame => "half-frame",
            Self::Freeze => "freeze",
            Self::Slow => "slow",
            Self::SlowDrip => "slow-drip",
            Self::Reset => "reset",
            Self::Dead => "dead",
            Self::Busy => "busy",
            Self::Html => "html",
            Self::Garbage => "garbage",
            Self::NoLength => "no-length",
            Self::HugeLength => "huge-length",
            Self::NegativeLength => "negative-length",
            Self::WrongLength => "wrong-length",
            Self::Thumbnail => "thumbnail",
            Self::StrayEoi => "stray-eoi",
            Self::FillBytes => "fill-bytes",
        }
    }

    /// Whether it can hit some pictures and spare others.
    fn is_per_picture(self) -> bool {
        !matches!(
            self,
            Self::Stall
                | Self::Freeze
                | Self::Slow
                | Self::SlowDrip
                | Self::Reset
                | Self::Dead
                | Self::Busy
                | Self::Html
        )
    }
}

/// One entry of a list: a kind, and when it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    kind: Kind,
    /// The number in "every n pictures"; `None`: every picture.
    every: Option<NonZeroU32>,
    from: Option<Duration>,
    until: Option<Duration>,
}

impl Fault {
    fn is_on(&self, at: Duration) -> bool {
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
    }
}

/// A list of faults; without any, a good camera.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Whether a fault is there at a time.
    pub fn is_on(&self, kind: Kind, at: Duration) -> bool {
        self.0.iter().any(|fault| fault.kind == kind && fault.is_on(at))
    }

    /// Whether a fault is there at a time and hits the picture of that number, which counts from 1.
    pub fn is_hit(&self, kind: Kind, at: Duration, number: u64) -> bool {
        self.0.iter().any(|fault| {
            let every = fault.every.map_or(1, |every| u64::from(every.get()));
            fault.kind == kind && fault.is_on(at) && number.is_multiple_of(every)
        })
    }

    /// Whether a connection that was `opened` is broken by now. `None`: it was opened before these faults were set.
    ///
    /// Without a time or with an end, [`Kind::Reset`] breaks every connection; with a beginning alone, those that are
    /// open at that moment.
    pub fn is_reset(&self, opened: Option<Duration>, at: Duration) -> bool {
        self.0.iter().filter(|fault| fault.kind == Kind::Reset).any(|fault| match (fault.from, fault.until) {
            (Some(from), None) => at >= from && opened.is_none_or(|opened| opened < from),
            _ => fault.is_on(at),
        })
    }
}

impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(list: &str) -> Result<Self, FaultError> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let faults: Vec<Fault> = entries.take(MAX_FAULTS + 1).map(parse_fault).collect::<Result<_, _>>()?;
        if faults.len() > MAX_FAULTS { Err(FaultError::TooMany) } else { Ok(Self(faults)) }
    }
}

/// As it is parsed.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(fault.kind.name())?;
            if let Some(every) = fault.every {
                write!(f, "@{every}")?;
            }
            match (fault.from, fault.until) {
                (Some(from), Some(until)) => write!(f, "@{}s-{}s", from.as_secs_f64(), until.as_secs_f64())?,
                (Some(from), None) => write!(f, "@{}s", from.as_secs_f64())?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Why a list of faults cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No such fault.
    #[error("there is no fault {name:?}{}; there are {}", suggest_name(.name), list_names())]
    Unknown {
        /// As it was written.
        name: String,
    },
    /// What follows `@` is neither a number of pictures nor a time.
    #[error("{text:?} in {entry:?} is neither a number of pictures (@3) nor a time (@5s, @500ms, @5s-9s)")]
    When {
        /// The whole entry.
        entry: String,
        /// What was not understood.
        text: String,
    },
    /// A number for a fault that does not hit single pictures.
    #[error("{name} cannot hit every {every}th picture; give it a time with a unit, as in {name}@{every}s")]
    NoPictures {
        /// The fault.
        name: &'static str,
        /// The number.
        every: u32,
    },
    /// Two numbers or two times.
    #[error("{entry:?} says twice when it is; write one number of pictures, one time, or one of both")]
    Twice {
        /// The whole entry.
        entry: String,
    },
    /// It ends before it begins.
    #[error("{entry:?} ends before it begins")]
    Order {
        /// The whole entry.
        entry: String,
    },
    /// Too many.
    #[error("more than {MAX_FAULTS} faults are too many")]
    TooMany,
}

fn suggest_name(name: &str) -> String {
    let likeness = |kind: &Kind| strsim::jaro_winkler(name, kind.name());
    let best = Kind::ALL.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let best = best.filter(|kind| likeness(kind) > 0.7);
    best.map_or_else(String::new, |kind| format!(" (did you mean {}?)", kind.name()))
}

fn list_names() -> String {
    Kind::ALL.map(Kind::name).join(", ")
}

fn parse_fault(entry: &str) -> Result<Fault, FaultError> {
    let mut words = entry.split('@').map(str::trim);
    let name = words.next().unwrap_or_default();
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name) else {
        return Err(FaultError::Unknown { name: shorten_text(name) });
    };
    let mut fault = Fault { kind, every: None, from: None, until: None };
    for word in words {
        let twice = || FaultError::Twice { entry: shorten_text(entry) };
        let unclear = || FaultError::When { entry: shorten_text(entry), text: shorten_text(word) };
        if let Ok(every) = word.parse::<NonZeroU32>() {
            if !kind.is_per_picture() {
                return Err(FaultError::NoPictures { name: kind.name(), every: every.get() });
            }
            if fault.every.replace(every).is_some() {
                return Err(twice());
            }
            continue;
        }
        let (from, until) = match word.split_once('-') {
            Some((from, until)) => (parse_time(from), Some(parse_time(until).ok_or_else(unclear)?)),
            None => (parse_time(word), None),
        };
        let from = from.ok_or_else(unclear)?;
        if fault.from.replace(from).is_some() {
            return Err(twice());
        }
        if until.is_some_and(|until| until <= from) {
            return Err(FaultError::Order { entry: shorten_text(entry) });
        }
        fault.until = until;
    }
    Ok(fault)
}

/// Reads a time such as `5s`, `1.5s` or `500ms`, at most [`MAX_TIME`].
fn parse_time(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s')?, 1.0),
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let seconds: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(seconds * unit).ok().filter(|time| *time <= MAX_TIME)
}

/// Nobody wants to read all of a long mistake.
fn shorten_text(text: &str) -> String {
    text.chars().take(60).collect()
}
