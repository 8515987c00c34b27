//! What lies below an address, in the order of S3: one page of at most a thousand objects is in memory at a time.

use std::thread;
use std::time::{Duration, SystemTime};
use std::vec;

use object_store::list::PaginatedListResult;

use crate::Objects;
use crate::address::Address;
use crate::error::ObjectError;

/// A page that does not come is asked for again after this time; there are no more tries than these.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// An object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its address, with the whole key.
    pub address: Address,
    /// Its key from the address on that was listed: the name alone of an object that was named itself.
    pub below: String,
    /// When it was written.
    pub modified: SystemTime,
}

/// Objects one after another. After an error there are none.
#[derive(Debug)]
pub struct Listing {
    objects: Objects,
    at: Address,
    page: vec::IntoIter<(String, SystemTime)>,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    After(String),
    Over,
}

/// Keys with the time of writing, and where the next page begins.
pub(crate) struct Page {
    keys: Vec<(String, SystemTime)>,
    next: Option<String>,
}

impl Page {
    pub(crate) fn from_result(page: PaginatedListResult) -> Self {
        let objects = page.result.objects.into_iter();
        let keys = objects.map(|object| (object.location.into(), object.last_modified.into())).collect();
        Self { keys, next: page.page_token }
    }
}

impl Listing {
    pub(crate) fn new(objects: Objects, at: Address) -> Self {
        Self { objects, at, page: Vec::new().into_iter(), next: Next::First }
    }

    /// What all keys begin with.
    fn folder(&self) -> String {
        let key = self.at.key.trim_end_matches('/');
        if key.is_empty() { String::new() } else { format!("{key}/") }
    }

    fn fetch_next(&mut self) -> Result<(), ObjectError> {
        let after = match std::mem::replace(&mut self.next, Next::Over) {
            Next::First => None,
            Next::After(token) => Some(token),
            Next::Over => return Ok(()),
        };
        let page = self.fetch_page(&self.folder(), after.as_ref())?;
        let is_first = after.is_none();
        if page.next.is_some() && page.next == after {
            return Err(ObjectError::Keys("it begins again and again".into()));
        }
        self.next = page.next.map_or(Next::Over, Next::After);
        self.page = page.keys.into_iter();
        // Nothing lies below: perhaps it is an object. Of all that begin so, that one comes first.
        let key = &self.at.key;
        if is_first && self.page.len() == 0 && !key.is_empty() && !key.ends_with('/') {
            let named = self.fetch_page(key, None)?.keys.into_iter();
            self.page = named.take(1).filter(|(found, _)| found == key).collect::<Vec<_>>().into_iter();
        }
        Ok(())
    }

    fn fetch_page(&self, prefix: &str, after: Option<&String>) -> Result<Page, ObjectError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            match self.objects.list_page(&self.at, prefix, after.cloned()) {
                Err(ObjectError::Away { endpoint, why }) => match pauses.next() {
                    Some(pause) => thread::sleep(pause),
                    None => return Err(ObjectError::Away { endpoint, why }),
                },
                page => return page,
            }
        }
    }
}

impl Iterator for Listing {
    type Item = Result<Object, ObjectError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            for (key, modified) in self.page.by_ref() {
                let folder = self.at.key.trim_end_matches('/');
                let below = match key.strip_prefix(folder) {
                    Some("") if !self.at.key.ends_with('/') => key.rsplit('/').next().unwrap_or(&key),
                    // A folder's own entry, as consoles make it.
                    Some("") | None => continue,
                    Some(below) => below.trim_start_matches('/'),
                };
                let below = below.to_owned();
                let address = Address { bucket: self.at.bucket.clone(), key };
                return Some(Ok(Object { address, below, modified }));
            }
            if matches!(self.next, Next::Over) {
                return None;
            }
            if let Err(error) = self.fetch_next() {
                return Some(Err(error));
            }
        }
    }
}
