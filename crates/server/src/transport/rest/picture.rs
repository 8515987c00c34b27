//! A picture that comes with a request: the body, or a file of a form. Within bounds for it and for all.

use std::sync::Arc;

use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use sightwire_listen::form::{BodyError, Form, Part, TimedBody, is_form};
use sightwire_reading::jobs::upload::display_name;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use sightwire_admission::query::Params;

/// What a form may have beside the picture, in bytes.
pub const MAX_FORM_OVERHEAD: usize = 64 << 10;

/// A picture that was sent.
#[derive(Debug)]
pub struct Sent {
    /// Its name, as the sender gave it.
    pub name: Option<String>,
    /// The file as it came; never empty.
    pub bytes: Bytes,
    /// What it takes of the memory for all pictures.
    pub memory: Option<OwnedSemaphorePermit>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// The body, or the form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The picture, or what the form has beside it.
    #[error("too many bytes")]
    TooLarge,
    /// There is no memory for it now.
    #[error("no memory")]
    Busy,
    /// The request has no picture.
    #[error("no picture")]
    Nothing,
    /// The form has several.
    #[error("several pictures")]
    Several,
}

/// What is taken of a request.
pub struct Wanted<'a> {
    /// Of a picture at most.
    pub max_bytes: usize,
    /// Of all pictures together, in bytes.
    pub memory: Option<&'a Arc<Semaphore>>,
    /// What to do with a form.
    pub form: Parts<'a>,
}

/// What is taken of a form.
pub enum Parts<'a> {
    /// Its field `file`, and nothing of what is beside it, which may have this many bytes; what follows is not waited for.
    File(usize),
    /// Its only file; the other fields are options.
    OnlyFile(&'a mut Params),
}

/// What has come of a picture.
struct Collector<'a> {
    max_bytes: usize,
    memory: Option<&'a Arc<Semaphore>>,
    bytes: BytesMut,
    taken: Option<OwnedSemaphorePermit>,
}

/// Each part of a form, and each of its pieces, is counted as this much beside its bytes.
const PIECE_OVERHEAD: usize = 1;

/// Takes the picture of a request. Who sends what is refused hears of it: the rest is read and thrown away, if that is not
/// too much.
pub async fn receive_picture(request: Request, wanted: Wanted<'_>) -> Result<Sent, NotSent> {
    let Wanted { max_bytes, memory, form: parts } = wanted;
    let mut collector = Collector { max_bytes, memory, bytes: BytesMut::new(), taken: None };
    if !is_form(&request) {
        let mut arrival = TimedBody::new(request.into_body());
        while let Some(chunk) = arrival.next().await? {
            if let Err(refused) = collector.add(&chunk) {
                drop(collector);
                arrival.drain().await;
                return Err(refused);
            }
        }
        return collector.into_sent(None);
    }
    let mut form = Form::new(request)?;
    let named = match parts {
        Parts::File(beside) => {
            collector.max_bytes += beside;
            read_first_file(&mut form, &mut collector, max_bytes + beside).await
        }
        Parts::OnlyFile(options) => read_only_file(&mut form, &mut collector, options).await,
    };
    match named {
        Ok(name) => collector.into_sent(name),
        Err(refused) => {
            drop(collector);
            form.drain().await;
            Err(refused)
        }
    }
}

/// The form around the picture counts, too: one without end is refused like a picture too large.
async fn read_first_file(
    form: &mut Form,
    collector: &mut Collector<'_>,
    mut left: usize,
) -> Result<Option<String>, NotSent> {
    let mut count = |bytes: usize| -> Result<(), NotSent> {
        left = left.checked_sub(bytes + PIECE_OVERHEAD).ok_or(NotSent::TooLarge)?;
        Ok(())
    };
    while let Some(mut part) = form.next().await? {
        let is_it = part.field() == Some("file");
        count(0)?;
        while let Some(chunk) = part.next().await? {
            count(chunk.len())?;
            if is_it {
                collector.add(&chunk)?;
            }
        }
        if is_it {
            return Ok(part_name(&part));
        }
    }
    Ok(None)
}

async fn read_only_file(
    form: &mut Form,
    collector: &mut Collector<'_>,
    options: &mut Params,
) -> Result<Option<String>, NotSent> {
    let (mut called, mut came) = (None, false);
    while let Some(mut part) = form.next().await? {
        if !part.is_file() {
            part.add_option(options).await?;
            continue;
        }
        if came {
            return Err(NotSent::Several);
        }
        came = true;
        called = part_name(&part);
        while let Some(chunk) = part.next().await? {
            collector.add(&chunk)?;
        }
    }
    Ok(called)
}

fn part_name(part: &Part) -> Option<String> {
    part.name().filter(|name| !name.is_empty()).map(|name| display_name(name).into())
}

impl Collector<'_> {
    fn add(&mut self, chunk: &Bytes) -> Result<(), NotSent> {
        if self.bytes.len() + chunk.len() > self.max_bytes {
            return Err(NotSent::TooLarge);
        }
        if let Some(memory) = self.memory {
            let more = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            let more = memory.clone().try_acquire_many_owned(more).map_err(|_| NotSent::Busy)?;
            match &mut self.taken {
                Some(taken) => taken.merge(more),
                none => *none = Some(more),
            }
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn into_sent(self, name: Option<String>) -> Result<Sent, NotSent> {
        if self.bytes.is_empty() {
            return Err(NotSent::Nothing);
        }
        Ok(Sent { name, bytes: self.bytes.freeze(), memory: self.taken })
    }
}
