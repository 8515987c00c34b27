//! The `frame` event of a client: what it may look like, and what is wrong with it where it does not.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sightwire_frame::header::Limits;
use sightwire_frame::sent::{self, SentError};
use sightwire_recognizer::Payload;
use sightwire_scan::json;

/// A valid frame: its base64 decodes and its header passes the limits.
#[derive(Clone, Debug)]
pub struct FrameMessage {
    /// The picture, sharing the message's bytes.
    pub payload: Payload,
    /// The client's own number for it.
    pub id: Option<u64>,
}

/// Why a frame is not valid. It gets no reply, and the session goes on.
#[derive(Debug, thiserror::Error)]
pub enum FrameMessageError {
    /// Not `{"image": …}`.
    #[error("not a frame: {0}")]
    Shape(#[from] serde_json::Error),
    /// An attachment that did not come.
    #[error("the attachment {0} is not in the message")]
    Attachment(usize),
    /// Not base64, not a picture, or over the limits.
    #[error(transparent)]
    Picture(#[from] SentError),
}

/// Reads the text of a `frame` event, `["frame",{"image":…}]`, with its binary attachments.
pub fn parse(
    text: &Bytes,
    attachments: Option<&VecDeque<Bytes>>,
    limits: &Limits,
) -> Result<FrameMessage, FrameMessageError> {
    let short;
    let event: Event = if let Some((image, rest)) = parse_usual(text) {
        short = rest;
        let mut event: Event = serde_json::from_str(&short)?;
        event.frame.image = ImageField::Text(Cow::Borrowed(image));
        event
    } else {
        serde_json::from_slice(text)?
    };
    let payload = match event.frame.image {
        ImageField::Text(base64) => {
            sent::probe_text(&base64, limits)?;
            Payload::Base64(match base64 {
                // A small picture must not keep a large message.
                Cow::Borrowed(part) if part.len() * 2 < text.len() => Bytes::copy_from_slice(part.as_bytes()),
                Cow::Borrowed(part) => text.slice_ref(part.as_bytes()),
                Cow::Owned(unescaped) => Bytes::from(unescaped),
            })
        }
        ImageField::Attachment(number) => {
            let bytes =
                attachments.and_then(|all| all.get(number)).ok_or(FrameMessageError::Attachment(number))?;
            match sent::probe_bytes(bytes, limits)? {
                sent::Bytes::Picture => Payload::Binary(bytes.clone()),
                sent::Bytes::Text => Payload::Base64(bytes.clone()),
            }
        }
    };
    Ok(FrameMessage { payload, id: event.frame.id.0 })
}

/// How clients write a frame.
const USUAL: &str = r#"["frame",{"image":""#;

/// A frame written as clients write it: its picture, and the event without that. Nobody then has to look at each character of
/// the picture for what it means in JSON, which takes longer than all else that is done with a frame that is not analysed.
fn parse_usual(text: &[u8]) -> Option<(&str, String)> {
    let image = text.strip_prefix(USUAL.as_bytes())?;
    let end = memchr::memchr2(b'"', b'\\', image).filter(|end| image[*end] == b'"')?;
    let (image, rest) = (str::from_utf8(&image[..end]).ok()?, str::from_utf8(&image[end..]).ok()?);
    // Of two pictures the second would count.
    let is_one = !rest.contains("image");
    (is_one && !json::has_control(image)).then(|| (image, format!("{USUAL}{rest}")))
}

/// The arguments of an event: its name, the frame, and what may follow.
struct Event<'a> {
    frame: FrameFields<'a>,
}

#[derive(Deserialize)]
struct FrameFields<'a> {
    #[serde(borrow)]
    image: ImageField<'a>,
    #[serde(default)]
    id: FrameId,
}

enum ImageField<'a> {
    Text(Cow<'a, str>),
    /// Place of a binary attachment in the message.
    Attachment(usize),
}

/// A number from 0; anything else is as good as none, since old clients may send what they like beside `image`.
#[derive(Default)]
struct FrameId(Option<u64>);

impl<'de: 'a, 'a> Deserialize<'de> for Event<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Event<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event with {\"image\": …}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let missing = |what| serde::de::Error::custom(format_args!("the event has no {what}"));
                items.next_element::<IgnoredAny>()?.ok_or_else(|| missing("name"))?;
                let frame = items.next_element()?.ok_or_else(|| missing("argument"))?;
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Event { frame })
            }
        }
        deserializer.deserialize_seq(Items)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ImageField<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Field;
        impl<'de> Visitor<'de> for Field {
            type Value = ImageField<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64 text or binary data")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(ImageField::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(ImageField::Text(Cow::Owned(text.to_owned())))
            }

            // {"_placeholder":true,"num":0}
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut number = None;
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    if key == "num" {
                        number = Some(map.next_value::<usize>()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                let missing =
                    || serde::de::Error::custom("`image` is an object, not base64 text or binary data");
                number.map(ImageField::Attachment).ok_or_else(missing)
            }
        }
        deserializer.deserialize_any(Field)
    }
}

impl<'de> Deserialize<'de> for FrameId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = FrameId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_u64<E>(self, id: u64) -> Result<FrameId, E> {
                Ok(FrameId(Some(id)))
            }

            fn visit_i64<E>(self, _: i64) -> Result<FrameId, E> {
                Ok(FrameId(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<FrameId, E> {
                Ok(FrameId(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<FrameId, E> {
                Ok(FrameId(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<FrameId, E> {
                Ok(FrameId(None))
            }

            fn visit_unit<E>(self) -> Result<FrameId, E> {
                Ok(FrameId(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<FrameId, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(FrameId(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FrameId, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(FrameId(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sightwire_frame::{Encoder, Image};

    use super::*;

    fn jpeg() -> Vec<u8> {
        let mut out = Vec::new();
        Encoder::new().unwrap().encode(&Image::new(64, 48), 80, &mut out).unwrap();
        out
    }

    fn base64() -> String {
        base64_simd::STANDARD.encode_to_string(jpeg())
    }

    fn parse_text(text: &str) -> Result<FrameMessage, FrameMessageError> {
        parse(&Bytes::copy_from_slice(text.as_bytes()), None, &Limits::default())
    }

    fn base64_of(message: &FrameMessage) -> &[u8] {
        match &message.payload {
            Payload::Base64(text) => text,
            Payload::Binary(_) => panic!("not base64"),
        }
    }

    #[test]
    fn a_frame_shares_its_bytes_with_the_message() {
        let text = Bytes::from(format!(r#"["frame",{{"image":"{}"}}]"#, base64()));
        let message = parse(&text, None, &Limits::default()).unwrap();
        let payload = base64_of(&message);
        assert!(text.as_ptr_range().contains(&payload.as_ptr()), "not copied");
        assert_eq!(payload, base64().as_bytes());
        assert_eq!(message.id, None);
    }

    #[test]
    fn extra_fields_escapes_and_prefixes_are_accepted() {
        let plain = base64();
        for (text, id) in [
            (format!(r#"["frame",{{"image":"data:image/jpeg;base64,{plain}","id":7}}]"#), Some(7)),
            (
                format!(
                    r#"["frame",{{"id":7,"image":"{plain}","extra":{{"a":[1,2,{{"b":null}}]}}}},"more"]"#
                ),
                Some(7),
            ),
            (format!(r#"["frame",{{"image":"{}"}}]"#, plain.replace('/', "\\/")), None),
            (format!(r#"["frame",{{"image":"{plain}","id":"seven"}}]"#), None),
            (format!(r#"["frame",{{"image":"{plain}","id":-7.5}}]"#), None),
            (format!(r#"["frame",{{"image":"{plain}","id":{{"a":[1]}}}}]"#), None),
            (format!(r#"["frame",{{"image":"{plain}","id":null}}]"#), None),
        ] {
            let message = parse_text(&text).unwrap_or_else(|error| panic!("{error}: {}", &text[..60]));
            assert_eq!(message.id, id);
            assert!(base64_of(&message).ends_with(plain.as_bytes()));
        }
    }

    #[test]
    fn an_attachment_is_taken_by_its_number() {
        let text = Bytes::from(r#"["frame",{"image":{"_placeholder":true,"num":1},"id":3}]"#);
        let attachments = VecDeque::from([Bytes::from_static(b"other"), Bytes::from(jpeg())]);
        let message = parse(&text, Some(&attachments), &Limits::default()).unwrap();
        assert!(matches!(message.payload, Payload::Binary(bytes) if bytes == attachments[1]));
        assert_eq!(message.id, Some(3));
        let error = parse(&text, None, &Limits::default()).unwrap_err();
        assert!(matches!(error, FrameMessageError::Attachment(1)));
    }

    #[test]
    fn what_is_not_a_frame_is_refused_in_words() {
        let deep = format!(r#"["frame",{}{}]"#, r#"{"image":"#.repeat(10_000), "}".repeat(10_000));
        let nested = format!(r#"["frame",{{"image":"x","a":{}{}}}]"#, "[".repeat(10_000), "]".repeat(10_000));
        for text in [
            "",
            "null",
            "[]",
            r#"["frame"]"#,
            r#"["frame",5]"#,
            r#"["frame",null]"#,
            r#"["frame",{}]"#,
            r#"["frame",{"image":null}]"#,
            r#"["frame",{"image":5}]"#,
            r#"["frame",{"image":[1]}]"#,
            r#"["frame",{"image":{}}]"#,
            r#"["frame",{"image":""}]"#,
            r#"["frame",{"image":"%%%"}]"#,
            r#"["frame",{"image":"data:image/jpeg;base64,"}]"#,
            r#"["frame",{"image":"aGVsbG8="}]"#,
            r#"["frame",{"image":"QUJD"#,
            &deep,
            &nested,
        ] {
            let error = parse_text(text).expect_err(&text[..text.len().min(60)]);
            assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn a_decompression_bomb_is_refused_from_its_header() {
        // The header of a JPEG of 20,000 × 20,000, and nothing else.
        let bomb = [
            0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0x4e, 0x20, 0x4e, 0x20, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1,
            0xff, 0xda,
        ];
        let text = format!(r#"["frame",{{"image":"{}"}}]"#, base64_simd::STANDARD.encode_to_string(bomb));
        let error = parse_text(&text).unwrap_err().to_string();
        assert!(error.contains("20000"), "{error}");
    }

    #[test]
    fn a_frame_as_clients_write_it_is_read_as_any_other() {
        let plain = base64();
        for rest in
            [r"}]", r#","id":7}]"#, r#","extra":{"a":[1]},"id":7},5]"#, r"}", "", r#","image":"QUJD"}]"#]
        {
            let usual = parse_text(&format!(r#"["frame",{{"image":"{plain}"{rest}"#));
            let other = parse_text(&format!(r#" ["frame",{{"image":"{plain}"{rest}"#));
            let outcome = |result: Result<FrameMessage, FrameMessageError>| match result {
                Ok(message) => Ok((base64_of(&message).to_vec(), message.id)),
                Err(error) => Err(error.to_string().split(" at line").next().map(str::to_owned)),
            };
            assert_eq!(outcome(usual), outcome(other), "{rest}");
        }
    }

    #[test]
    fn a_control_character_within_a_picture_is_refused_as_everywhere_in_json() {
        let plain = base64();
        let text = format!("[\"frame\",{{\"image\":\"{}\n{}\"}}]", &plain[..40], &plain[40..]);
        assert!(matches!(parse_text(&text), Err(FrameMessageError::Shape(_))));
        assert!(parse_text(&text.replace('\n', "\\n")).is_ok(), "Python leaves it out");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = parse_text(&text);
        }

        #[test]
        fn no_field_value_makes_it_panic(image in "[^\"\\\\]{0,200}", id in "[-0-9a-z.{}\\[\\]\"]{0,20}") {
            let _ = parse_text(&format!(r#"["frame",{{"image":"{image}","id":{id}}}]"#));
        }

        #[test]
        fn a_cut_message_is_never_a_frame(cut in 0_usize..400) {
            let text = format!(r#"["frame",{{"image":"{}"}}]"#, base64());
            let cut = cut.min(text.len() - 1);
            prop_assert!(parse_text(&text[..cut]).is_err());
        }
    }
}
