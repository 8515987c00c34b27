//! What every transport over HTTP has in common: who asks, what that one may, and how it is refused.
//!
//! - [`caller`] finds who asks, by a key, a session or another process's signature; [`cookie`] is how browsers say it, [`origin`] tells
//!   whose page asks
//! - [`routes`] holds every route and who may use it; [`may`] is how a handler asks for it; [`requests`] bounds how often
//! - [`query`] reads parameters, [`parts`] what a path names, [`object`] a body
//! - [`refusal`] says why something is not served, [`audit`] who did what

#![forbid(unsafe_code)]

pub mod audit;
pub mod caller;
pub mod cookie;
pub mod may;
pub mod object;
pub mod origin;
pub mod parts;
pub mod query;
pub mod refusal;
pub mod requests;
pub mod routes;

pub use sightwire_listen::refusal::error_response;

/// With a capital and a full stop, as answers have them.
pub fn to_sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    // An address at the beginning keeps its small letters.
    let text = if text.starts_with("http") { text.to_owned() } else { first + letters.as_str() };
    if text.ends_with(['.', '!', '?']) { text } else { text + "." }
}
