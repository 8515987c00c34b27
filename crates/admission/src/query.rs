//! Parameters of a request's query, each with a clear refusal.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Uri, uri};

const MAX_NOTES: usize = 10;
/// The parameter that keys come in where no header can be set.
const KEY: &str = "key";
/// Header in which [`with_notes`] puts the notes.
pub const NOTES: HeaderName = HeaderName::from_static("x-sightwire-notes");

/// The parameters as they came.
pub type Params = BTreeMap<String, String>;

/// A parameter that cannot be what it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} must be {expected}, not {value:?}.")]
pub struct ParamError {
    name: &'static str,
    expected: String,
    value: String,
}

impl ParamError {
    /// `expected` completes "must be".
    pub fn new(name: &'static str, expected: String, value: &str) -> Self {
        Self { name, expected, value: shorten_text(value) }
    }
}

/// A number within a range, or its default.
pub fn read_number<T>(
    params: &Params,
    name: &'static str,
    default: T,
    range: &RangeInclusive<T>,
) -> Result<T, ParamError>
where
    T: FromStr + PartialOrd + Display + Copy,
{
    let Some(text) = read_text(params, name) else { return Ok(default) };
    text.parse().ok().filter(|value| range.contains(value)).ok_or_else(|| ParamError {
        name,
        expected: format!("a number from {} to {}", range.start(), range.end()),
        value: shorten_text(text),
    })
}

/// As [`read_number`], with digits after the point. The range is compared before the number is rounded to 32 bits: what is a little
/// too much is too much.
pub fn read_real(
    params: &Params,
    name: &'static str,
    default: f32,
    range: &RangeInclusive<f32>,
) -> Result<f32, ParamError> {
    let wide = f64::from(*range.start())..=f64::from(*range.end());
    read_number(params, name, f64::from(default), &wide).map(|value| value as f32)
}

/// Yes or no, in any of the ways that the prototype took, or the default.
pub fn read_flag(params: &Params, name: &'static str, default: bool) -> Result<bool, ParamError> {
    let Some(text) = read_text(params, name) else { return Ok(default) };
    match text.to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Ok(true),
        "false" | "0" | "no" | "off" | "f" | "n" => Ok(false),
        _ => Err(ParamError { name, expected: "true or false".into(), value: shorten_text(text) }),
    }
}

/// A list with commas between its items; sorted, without doubles.
pub fn read_list(params: &Params, name: &str) -> Option<Vec<String>> {
    let text = read_text(params, name)?;
    let mut items: Vec<String> =
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
    items.sort();
    items.dedup();
    Some(items)
}

/// A note for each parameter that is not among the known ones, at most ten: old clients may send what they like, but should
/// know that it does nothing.
pub fn unknown_notes(params: &Params, known: &[&str]) -> Vec<String> {
    let unknown = params.keys().filter(|name| !known.contains(&name.as_str()));
    unknown
        .take(MAX_NOTES)
        .map(|name| format!("{:?} is no parameter here and does nothing.", shorten_text(name)))
        .collect()
}

/// The answer with these notes in a header, where its body has no place for them.
pub fn with_notes(mut response: Response, notes: &[String]) -> Response {
    let text: String =
        notes.join(" ").chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect();
    if let Ok(value) = HeaderValue::try_from(text)
        && !value.is_empty()
    {
        response.headers_mut().insert(NOTES, value);
    }
    response
}

/// What stands there, if anything does.
pub fn read_text<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// Takes the key out of the address, so that nothing that is said of the request can have it in it.
pub fn take_key(request: &mut Request) -> Option<String> {
    let query = request.uri().query()?;
    let mut found = None;
    let others: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if name == KEY && found.is_none() {
                found = Some(value.to_owned());
            }
            name != KEY
        })
        .collect();
    found.as_ref()?;
    let path = request.uri().path();
    let rest = if others.is_empty() { path.to_owned() } else { format!("{path}?{}", others.join("&")) };
    let mut parts: uri::Parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(rest.parse().ok()?);
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    found
}

fn shorten_text(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Params {
        text.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
    }

    #[test]
    fn what_nobody_knows_is_named_in_the_answer() {
        let notes = unknown_notes(&params("conf=1&min_size=3&größe=x"), &["conf", "fps"]);
        assert_eq!(
            notes,
            [
                r#""größe" is no parameter here and does nothing."#,
                r#""min_size" is no parameter here and does nothing."#
            ]
        );
        let header = |notes: &[String]| with_notes(Response::default(), notes).headers().get(NOTES).cloned();
        let expected = r#""gr??e" is no parameter here and does nothing. "min_size" is no parameter here and does nothing."#;
        assert_eq!(header(&notes).unwrap(), expected);
        assert_eq!(header(&[]), None);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let range = 0.0..=1.0;
        assert_eq!(read_real(&params("conf=0.5"), "conf", 0.25, &range), Ok(0.5));
        assert_eq!(read_real(&params("conf=0.1"), "conf", 0.25, &range), Ok(0.1));
        assert_eq!(read_real(&params("x=1"), "conf", 0.3, &range), Ok(0.3));
        for wrong in
            ["conf=1.5", "conf=-1", "conf=nan", "conf=x", "conf=inf", "conf=1.00000001", "conf=-1e-300"]
        {
            let error = read_real(&params(wrong), "conf", 0.25, &range).unwrap_err().to_string();
            assert!(error.starts_with("conf must be a number from 0 to 1, not"), "{error}");
        }
        assert_eq!(read_number(&params("fps=10"), "fps", 5_u8, &(1..=30)), Ok(10));
        assert!(read_number(&params("fps=10.5"), "fps", 5_u8, &(1..=30)).is_err());
        assert!(read_number(&params("fps=0"), "fps", 5_u8, &(1..=30)).is_err());
    }

    #[test]
    fn flags_are_read_as_the_prototype_read_them() {
        for (text, value) in
            [("a=1", true), ("a=True", true), ("a=off", false), ("a=0", false), ("b=1", true)]
        {
            assert_eq!(read_flag(&params(text), "a", true), Ok(value), "{text}");
        }
        assert!(read_flag(&params("a=maybe"), "a", true).is_err());
    }
}
