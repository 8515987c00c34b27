//! Who may do what. Whatever serves somebody asks that one's [`Principal`]: by [`Principal::check_action`], and about a
//! single stream by [`Principal::check_stream_action`].
//!
//! - [`action`]: what can be asked for, and the role that it takes
//! - [`Role`], [`scope`]: how much somebody may do, and of what
//! - [`principal`]: who asks, and whether that one may
//! - [`key`]: API keys, of which only a hash is kept
//! - [`store`]: the file that keeps them; [`record`]: what stands in it
//! - [`common`]: what several processes have in common, and since when; [`merge`]: what two of them changed
//! - [`keyring`]: the keys that count now; who had one that does no more is cut off
//! - [`session`]: who has logged in; [`link`]: links that log in once; [`password`]: passwords of users; [`attempts`]: how often somebody may try
//! - [`token`]: tokens that others issue (JWT)
//! - [`proxy`]: users whom a proxy has let in
//! - [`process`]: other processes of the same cluster
//! - [`legacy`]: clients that cannot send a key
//! - [`guard`]: whose request it is
//! - [`options`]: who needs what to come in, as it is configured
//! - [`credential`]: what a request came with, and what ends when it is revoked
//!
//! Nothing here knows HTTP; what is asked of others is asked through [`token::fetch::Fetch`].

#![forbid(unsafe_code)]
// These panic when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod action;
pub mod attempts;
pub mod common;
mod confirmed;
pub mod credential;
pub mod guard;
pub mod key;
pub mod keyring;
pub mod legacy;
pub mod link;
pub mod merge;
pub mod options;
pub mod password;
pub mod principal;
pub mod process;
pub mod proxy;
mod recent;
pub mod record;
pub mod scope;
pub mod session;
pub mod store;
pub mod token;

pub use action::Action;
pub use guard::Guard;
pub use principal::{Denied, Principal};
pub use scope::Scope;
pub use sightwire_api::access::{Role, Use};
