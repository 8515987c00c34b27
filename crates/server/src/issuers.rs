//! Asks issuers of tokens for the keys that they publish.

use sightwire_access::token::fetch::{DEADLINE, Fetch, FetchError, MAX_BYTES};
use sightwire_http_client::document::{DocumentError, fetch_document};

#[derive(Clone, Copy, Debug)]
pub struct Issuers;

impl Fetch for Issuers {
    async fn fetch(&self, address: &str) -> Result<Vec<u8>, FetchError> {
        fetch_document(address, MAX_BYTES, DEADLINE).await.map_err(|why| match why {
            DocumentError::Unreachable(why) => FetchError::Unreachable(why),
            DocumentError::Status(status) => FetchError::Status(status),
            DocumentError::TooLong(_) => FetchError::TooLong,
            DocumentError::Late => FetchError::Late,
        })
    }
}
