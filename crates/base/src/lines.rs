//! Log lines that others have a say in: what they may bring in, and how often the same is said.

use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Bytes that a log line has of a text that somebody else made.
pub const MAX_BYTES: usize = 128;
/// Of a sentence of ours with such texts in it.
const MAX_SENTENCE_BYTES: usize = 1024;
/// Target of log lines that say who did what: they are never left out, whatever `log.level` is.
pub const AUDIT: &str = "audit";
/// Target of log lines with predictions, whose writer sees to it that they are not too many.
pub const PREDICTION: &str = "prediction";
/// Time between messages about what goes wrong again and again.
pub const EVERY: Duration = Duration::from_secs(10);

/// A text of somebody else's as a log line may have it: on one line, without control characters, and cut after
/// [`MAX_BYTES`].
pub fn short_line(text: &str) -> Short<'_> {
    Short { text, max_bytes: MAX_BYTES }
}

/// As [`short_line`], for a reason that has such texts in it.
pub fn short_sentence(text: &str) -> Short<'_> {
    Short { text, max_bytes: MAX_SENTENCE_BYTES }
}

/// As [`short_line`], with this many bytes.
pub fn short_within(text: &str, max_bytes: usize) -> Short<'_> {
    Short { text, max_bytes }
}

/// What [`short_line`] and [`short_sentence`] give: shortens and escapes as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Short<'a> {
    text: &'a str,
    max_bytes: usize,
}

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = 0;
        for c in self.text.chars() {
            let escaped = is_invisible(c).then(|| c.escape_default());
            written += escaped.as_ref().map_or(c.len_utf8(), ExactSizeIterator::len);
            if written > self.max_bytes {
                return write!(f, "… ({} bytes)", self.text.len());
            }
            match escaped {
                Some(escaped) => write!(f, "{escaped}")?,
                None => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Whether the character would break a line, or make one look like another.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Whether a name must not have the character: it breaks a line, or turns the direction of what stands around the name, so that
/// one name reads as another. Joiners stay, without which words of some languages cannot be written.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// Says that something has gone wrong at most once in [`EVERY`], however often it does.
#[derive(Debug)]
pub struct LogThrottle(Mutex<Said>);

#[derive(Debug)]
struct Said {
    last: Option<Instant>,
    unsaid: u64,
}

impl Default for LogThrottle {
    fn default() -> Self {
        Self::new()
    }
}

impl LogThrottle {
    /// Nothing was said yet.
    pub const fn new() -> Self {
        Self(Mutex::new(Said { last: None, unsaid: 0 }))
    }

    /// It has gone wrong at `now`. If that is to be said: how often it was not said since it was said last.
    pub fn admit_line(&self, now: Instant) -> Option<u64> {
        let mut said = self.0.lock();
        if said.last.is_some_and(|last| now.saturating_duration_since(last) < EVERY) {
            said.unsaid += 1;
            return None;
        }
        said.last = Some(now);
        Some(std::mem::take(&mut said.unsaid))
    }

    /// Whether it can be forgotten: nothing is unsaid, and what comes next would be said.
    pub fn is_over(&self, now: Instant) -> bool {
        let said = self.0.lock();
        said.unsaid == 0 && said.last.is_none_or(|last| now.saturating_duration_since(last) >= EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_turns_the_text_around_it_is_deceptive_and_one_of_another_script_is_not() {
        for name in ["gpj.\u{202e}exe", "a\nb", "\u{2067}x", "bed\u{200f}1"] {
            assert!(name.contains(is_deceptive), "{name:?}");
        }
        for name in ["Küche 厨房", "מטבח", "می\u{200c}خواهم", "👩\u{200d}🔬"] {
            assert!(!name.contains(is_deceptive), "{name:?}");
        }
    }

    #[test]
    fn a_text_of_somebody_else_takes_one_short_line() {
        for (text, shown) in [
            ("Ward 3, bed 1", "Ward 3, bed 1"),
            ("Küche 厨房", "Küche 厨房"),
            ("a\r\nWARN forged\t\u{1b}[31m\0\u{7f}", "a\\r\\nWARN forged\\t\\u{1b}[31m\\u{0}\\u{7f}"),
            ("gpj.\u{202e}exe\u{2028}\u{85}", "gpj.\\u{202e}exe\\u{2028}\\u{85}"),
        ] {
            assert_eq!(short_line(text).to_string(), shown);
        }
        let whole = "x".repeat(MAX_BYTES);
        assert_eq!(short_line(&whole).to_string(), whole);
        // Between characters, however many bytes one has.
        let long = format!("x{}", "é".repeat(7000));
        assert_eq!(short_line(&long).to_string(), format!("x{}… (14001 bytes)", "é".repeat(63)));
        assert_eq!(short_line(&"\n".repeat(500)).to_string(), format!("{}… (500 bytes)", "\\n".repeat(64)));
        assert!(short_sentence(&long).to_string().len() < 1100);
    }

    #[test]
    fn what_goes_wrong_again_and_again_is_said_once_in_a_while_with_the_number_of_those_not_said() {
        let (seldom, start) = (LogThrottle::new(), Instant::now());
        assert_eq!(seldom.admit_line(start), Some(0));
        for n in 0..200 {
            assert_eq!(seldom.admit_line(start + EVERY * n / 200), None);
        }
        assert_eq!(seldom.admit_line(start + EVERY), Some(200));
        assert_eq!(seldom.admit_line(start + EVERY * 2), Some(0));
    }
}
