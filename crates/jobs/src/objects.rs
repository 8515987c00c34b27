//! Pictures below an address in S3-compatible storage, one after another.

use std::path::{Path, PathBuf};

use sightwire_s3::Objects;
use sightwire_s3::address::Address;
use sightwire_s3::error::ObjectError;
use sightwire_s3::listing::{Listing, Object};

use crate::inputs::{Input, InputError, Unreadable, is_picture};
use crate::left_out::LeftOut;

/// An address that is being looked at, as a folder is.
pub struct ObjectWalk {
    at: Address,
    listing: Result<Listing, Option<ObjectError>>,
    found: bool,
    left_out: LeftOut,
}

impl ObjectWalk {
    pub fn new(at: Address, objects: Option<&Objects>, left_out: LeftOut) -> Self {
        let listing = objects.map(|objects| objects.list(&at)).ok_or(Some(ObjectError::Outside));
        Self { at, listing, found: false, left_out }
    }

    /// Whether it is looked at: names of pictures are, and an object that was named whatever it is called.
    fn is_meant(&self, object: &Object) -> bool {
        if object.address == self.at {
            return true;
        }
        let below = Path::new(&object.below);
        if object.below.split('/').any(|part| part.starts_with('.')) {
            self.left_out.count_hidden();
        } else if !is_picture(below) {
            self.left_out.count_other_kind(below);
        } else {
            return true;
        }
        false
    }

    fn unreadable(&self, reason: InputError) -> Unreadable {
        Unreadable { name: self.at.to_string(), reason }
    }
}

impl Iterator for ObjectWalk {
    type Item = Result<Input, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = match &mut self.listing {
                Ok(listing) => listing.next(),
                Err(error) => error.take().map(Err),
            };
            match next {
                Some(Ok(object)) if self.is_meant(&object) => {
                    self.found = true;
                    let (name, place) = (object.address.to_string(), PathBuf::from(object.below));
                    let modified = Some(object.modified);
                    return Some(Ok(Input { path: Some(PathBuf::from(&name)), name, place, modified }));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    self.found = true;
                    return Some(Err(self.unreadable(InputError::Object(error))));
                }
                None if std::mem::replace(&mut self.found, true) => return None,
                None => return Some(Err(self.unreadable(InputError::NoPicture))),
            }
        }
    }
}
