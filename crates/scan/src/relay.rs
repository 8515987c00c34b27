//! Reads what senders and viewers say: each byte once, without building a JSON tree or decoding base64. Odd messages take
//! the way through serde.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeFrom;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::json;

/// What a frame's text begins with, in any case.
const DATA_IMAGE: &str = "data:image";
/// Kind of a binary message that is a picture.
pub const PICTURE: u8 = 1;
/// Kind of a binary message from process to process that is a picture as its sender wrote it: a data URL that has to go out as
/// it came.
pub const AS_IT_CAME: u8 = 2;
/// Bytes of a binary message before the name.
pub const HEADER: usize = 20;

/// A text message of a sender or viewer.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A picture as a data URL.
    Frame(Cow<'a, str>),
    /// A picture of no bytes (`data:,`), as a page sends whose camera is not ready.
    Empty,
    /// A question whether we are there; gets a `pong`.
    Ping,
    /// Something that is none of our business.
    Other,
    /// It should have been a frame, or is not a JSON object at all.
    Bad(Bad),
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// Not a JSON object.
    #[error("it is no JSON object")]
    Json,
    /// Its `frame` is missing, empty, no string, or no data URL of an image.
    #[error("its frame is no text that begins with data:image")]
    Frame,
    /// A binary message that is too short, or of another kind.
    #[error("it is no picture message")]
    Header,
    /// A binary message without a JPEG in it.
    #[error("its picture is no JPEG")]
    Jpeg,
}

/// The two strings that matter in a message without anything odd.
#[derive(Default)]
struct Plain<'a> {
    kind: Option<&'a str>,
    frame: Option<&'a str>,
}

/// Likewise, of any message.
#[derive(Deserialize)]
struct Odd<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    frame: Option<Text<'a>>,
}

/// A string; `None` in place of anything else, of which nothing is kept.
struct Text<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text<'de>, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Text<'de>, A::Error> {
                while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// Whether a list has anything in it; nothing of it is kept.
struct IsNotEmpty(bool);

impl<'de> Deserialize<'de> for IsNotEmpty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items: Vec<IgnoredAny> = Vec::deserialize(deserializer)?;
        Ok(Self(!items.is_empty()))
    }
}

/// Reads a text message.
pub fn parse_message(text: &str) -> Incoming<'_> {
    if let Some(Plain { kind, frame }) = parse_plain(text) {
        return build_incoming(kind, frame.map(Cow::Borrowed), frame.is_some());
    }
    if !skip_space(text).starts_with('{') {
        return Incoming::Bad(Bad::Json);
    }
    match serde_json::from_str::<Odd<'_>>(text) {
        Ok(Odd { kind, frame }) => {
            let has_frame = frame.is_some();
            build_incoming(
                kind.and_then(|kind| kind.0).as_deref(),
                frame.and_then(|frame| frame.0),
                has_frame,
            )
        }
        Err(_) => Incoming::Bad(Bad::Json),
    }
}

fn build_incoming<'a>(kind: Option<&str>, frame: Option<Cow<'a, str>>, has_frame: bool) -> Incoming<'a> {
    match (kind, frame) {
        (Some("frame"), Some(frame)) if is_empty_picture(&frame) => Incoming::Empty,
        (Some("frame"), Some(frame)) if is_picture(&frame) => Incoming::Frame(frame),
        (Some("frame"), _) => Incoming::Bad(Bad::Frame),
        (Some("ping"), _) => Incoming::Ping,
        (None, _) if has_frame => Incoming::Bad(Bad::Frame),
        (Some(_) | None, _) => Incoming::Other,
    }
}

/// Whether it begins as the data URL of an image does.
fn is_picture(url: &str) -> bool {
    url.get(..DATA_IMAGE.len()).is_some_and(|start| start.eq_ignore_ascii_case(DATA_IMAGE))
}

/// Whether it is a data URL without data: `data:,`, which `toDataURL` gives of a canvas without pixels, or
/// `data:image/jpeg;base64,`.
fn is_empty_picture(url: &str) -> bool {
    let Some(head) = url.strip_suffix(',') else { return false };
    let is_data = head.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:"));
    is_data && !head.contains(',') && (head.len() == 5 || is_picture(head))
}

/// An object of numbers and of strings without escapes, which is what senders send; of anything else `None`.
fn parse_plain(text: &str) -> Option<Plain<'_>> {
    let mut plain = Plain::default();
    let mut rest = skip_space(text).strip_prefix('{')?;
    loop {
        let (key, after) = parse_string(skip_space(rest))?;
        let value = skip_space(skip_space(after).strip_prefix(':')?);
        let after = if value.starts_with('"') {
            let (value, after) = parse_string(value)?;
            match key {
                "type" => plain.kind = Some(value),
                "frame" => plain.frame = Some(value),
                _ => {}
            }
            after
        } else {
            // A time, a number of the frame.
            let end = value.find([',', '}', ' ', '\t', '\r', '\n'])?;
            let is_other = key != "type" && key != "frame";
            is_other.then_some(())?;
            serde_json::from_str::<IgnoredAny>(&value[..end]).ok()?;
            &value[end..]
        };
        let after = skip_space(after);
        if let Some(more) = after.strip_prefix(',') {
            rest = more;
        } else {
            let end = skip_space(after.strip_prefix('}')?);
            return end.is_empty().then_some(plain);
        }
    }
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
}

/// A JSON string without escapes, and what follows it.
fn parse_string(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let end = memchr::memchr2(b'"', b'\\', text.as_bytes())?;
    let (inside, after) = text.split_at(end);
    let after = after.strip_prefix('"')?;
    (!json::has_control(inside)).then_some((inside, after))
}

/// Longest first message that is looked at; real ones have fifty bytes.
const MAX_HELLO: usize = 64 << 10;

/// Whether a stream is to be looked at more closely, by the first message of its sender. Whatever is not known means no.
pub fn wants_enhanced(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Hello<'a> {
        #[serde(borrow, default)]
        analysis_mode: Option<Text<'a>>,
    }
    #[derive(Deserialize)]
    struct OldHello {
        monitoring_conditions: IsNotEmpty,
    }
    // Of a list, serde would take the items for fields.
    if text.len() > MAX_HELLO || !skip_space(text).starts_with('{') {
        return false;
    }
    match serde_json::from_str(text) {
        Ok(Hello { analysis_mode: Some(Text(mode)) }) => mode.as_deref() == Some("enhanced"),
        Ok(Hello { analysis_mode: None }) => {
            serde_json::from_str(text).is_ok_and(|OldHello { monitoring_conditions }| monitoring_conditions.0)
        }
        Err(_) => false,
    }
}

/// Where the data URL of a binary message from process to process is.
pub fn read_as_it_came(message: &[u8]) -> Option<&str> {
    let (&kind, &name) = (message.first()?, message.get(1)?);
    let url = message.get(HEADER + usize::from(name)..).filter(|_| kind == AS_IT_CAME)?;
    std::str::from_utf8(url).ok().filter(|url| is_picture(url))
}

/// Where the JPEG of a binary message is.
pub fn read_binary(message: &[u8]) -> Result<RangeFrom<usize>, Bad> {
    let (Some(&kind), Some(&name)) = (message.first(), message.get(1)) else { return Err(Bad::Header) };
    let start = HEADER + usize::from(name);
    if kind != PICTURE || message.len() < start {
        return Err(Bad::Header);
    }
    if message[start..].starts_with(&[0xff, 0xd8, 0xff]) { Ok(start..) } else { Err(Bad::Jpeg) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn frame(url: &str) -> Incoming<'_> {
        Incoming::Frame(Cow::Borrowed(url))
    }

    #[test]
    fn frames_are_read_however_they_are_spaced_and_ordered() {
        let url = "data:image/jpeg;base64,/9j/4AAQ";
        for text in [
            r#"{"type":"frame","frame":"data:image/jpeg;base64,/9j/4AAQ"}"#,
            r#"{"type": "frame", "frame": "data:image/jpeg;base64,/9j/4AAQ"}"#,
            "\n{ \"frame\" : \"data:image/jpeg;base64,/9j/4AAQ\" ,\r\n\"type\"\t:\"frame\" } ",
            r#"{"type":"frame","frame":"data:image/jpeg;base64,/9j/4AAQ","timestamp":17.5,"x":{"y":[1,null]}}"#,
            r#"{"type":"frame","frame":"data:image\/jpeg;base64,\/9j\/4AAQ"}"#,
            r#"{"type":"\u0066rame","frame":"data:image/jpeg;base64,/9j/4AAQ"}"#,
            r#"{"n":-1.5e3,"type":"frame","ok":true,"frame":"data:image/jpeg;base64,/9j/4AAQ","none":null}"#,
        ] {
            assert_eq!(parse_message(text), frame(url), "{text}");
        }
    }

    #[test]
    fn what_is_no_frame_is_told_from_what_is_none_of_our_business() {
        for (text, expected) in [
            (r#"{"type":"frame"}"#, Incoming::Bad(Bad::Frame)),
            (r#"{"type":"frame","frame":""}"#, Incoming::Bad(Bad::Frame)),
            (r#"{"type":"frame","frame":7}"#, Incoming::Bad(Bad::Frame)),
            (r#"{"type":"frame","frame":null}"#, Incoming::Bad(Bad::Frame)),
            (r#"{"type":"frame","frame":"hello"}"#, Incoming::Bad(Bad::Frame)),
            (r#"{"type":"frame","frame":["data:image/png"]}"#, Incoming::Bad(Bad::Frame)),
            (r#"{"frame":"data:image/png;base64,AA"}"#, Incoming::Bad(Bad::Frame)),
            ("not json", Incoming::Bad(Bad::Json)),
            ("", Incoming::Bad(Bad::Json)),
            ("[1,2]", Incoming::Bad(Bad::Json)),
            (r#"{"type":"frame","frame":"data:image/png"#, Incoming::Bad(Bad::Json)),
            (r#"{"type":"frame","frame":"data:image/png"} x"#, Incoming::Bad(Bad::Json)),
            ("{\"type\":\"frame\",\"frame\":\"data:image/png\n\"}", Incoming::Bad(Bad::Json)),
            (r#"{"type":"frame","frame":"data:,"}"#, Incoming::Empty),
            (r#"{"type":"frame","frame":"DATA:\u002c"}"#, Incoming::Empty),
            (r#"{"type":"frame","frame":"data:image/jpeg;base64,"}"#, Incoming::Empty),
            (r#"{"type":"frame","frame":"data:text/plain,"}"#, Incoming::Bad(Bad::Frame)),
            (r#"{"type":"frame","frame":"data:,,"}"#, Incoming::Bad(Bad::Frame)),
            (r#"{"type":"frame","frame":"data:imagé,"}"#, Incoming::Bad(Bad::Frame)),
            (
                r#"{"type":"frame","frame":"data:IMAGE/JPEG;base64,/9j/"}"#,
                frame("data:IMAGE/JPEG;base64,/9j/"),
            ),
            (r#"{"type":"ping"}"#, Incoming::Ping),
            (r#"{"type":"ping","timestamp":1.5}"#, Incoming::Ping),
            (r#"{"type":"pong"}"#, Incoming::Other),
            (r#"{"analysis_mode":"enhanced"}"#, Incoming::Other),
            ("{}", Incoming::Other),
        ] {
            assert_eq!(parse_message(text), expected, "{text}");
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse_message(&format!("{{\"type\":\"frame\",\"x\":{deep}}}")), Incoming::Bad(Bad::Frame));
        assert_eq!(
            parse_message(&format!("{{\"type\":\"frame\",\"frame\":{deep}}}")),
            Incoming::Bad(Bad::Frame)
        );
    }

    #[test]
    fn a_first_message_that_is_a_list_says_nothing() {
        assert!(wants_enhanced(" {\"analysis_mode\":\"enhanced\"}"));
        for list in [r#"["enhanced"]"#, r#"[null,["fall"]]"#, r#"[["fall"]]"#] {
            assert!(!wants_enhanced(list), "{list}");
        }
    }

    proptest! {
        #[test]
        fn the_fast_way_and_serde_agree(text in "[ {}\":,\\\\a-z0-9/]{0,40}|\\{\"type\":\"frame\",\"frame\":\"[ -~]{0,20}\"\\}") {
            if let Some(Plain { kind, frame }) = parse_plain(&text) {
                let value: Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(value.get("type").and_then(Value::as_str), kind);
                prop_assert_eq!(value.get("frame").and_then(Value::as_str), frame);
            }
        }
    }
}
