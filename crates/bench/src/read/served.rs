//! A server that reads text: pictures one at a time, and jobs.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::load::procfs;
use crate::load::target::Target;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use sightwire_api::read::{Document, Job, JobState};
use sightwire_api::status::ReaderStatus;
use tokio::runtime::Runtime;

use super::Picture;
use super::reader::Reader;
use crate::http::{Connection, Response};
use crate::status::parse_status;

const CONNECT: Duration = Duration::from_secs(5);
/// A picture may take as long as the server allows by itself, a job a good deal longer.
const JOB_DEADLINE: Duration = Duration::from_mins(10);
/// How often a job is looked at; at the end half of it is lost on average.
const LOOK: Duration = Duration::from_millis(10);
/// A server that has just started loads its model, or fetches it.
const LOADING: Duration = Duration::from_mins(2);
const BOUNDARY: &str = "sightwire-bench-5d1f";

/// One server on this machine. Each request has a connection of its own: servers close those that have long been idle.
pub(crate) struct Served {
    name: String,
    pid: u32,
    target: Target,
    runtime: Runtime,
}

impl Served {
    /// Finds the process of this user that listens on the address.
    pub(crate) fn from_url(name: &str, url: &str) -> Result<Self> {
        let target = Target::parse(url, false)?;
        let pid = procfs::listening_pid(target.address)
            .with_context(|| format!("no process of ours listens on {}", target.address))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { name: name.to_owned(), pid, target, runtime })
    }

    /// What the server says of its reader: `status.reader`.
    pub(super) fn fetch_status(&self) -> Result<ReaderStatus> {
        let answer = self.send_request("GET", "/api/v1/status", "text/plain", &[])?;
        Ok(parse_status(&answer.body).context("read /api/v1/status")?.reader)
    }

    /// Has a batch read; its id.
    pub(crate) fn start_batch(&self, pictures: &[Picture]) -> Result<String> {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let answer =
            self.send_request("POST", "/api/v1/jobs?keep=5", &content_type, &encode_form(pictures))?;
        Ok(parse_json::<Job>(&answer)?.id)
    }

    /// How far a batch is.
    pub(super) fn fetch_job(&self, id: &str) -> Result<Job> {
        parse_json(&self.send_request("GET", &format!("/api/v1/jobs/{id}"), "text/plain", &[])?)
    }

    /// Lines of text of a batch that is done.
    pub(crate) fn batch_lines(&self, id: &str) -> Result<Option<usize>> {
        let job = self.fetch_job(id)?;
        if job.failed > 0 {
            bail!("{}: {} files of the job have failed", self.name, job.failed);
        }
        Ok((job.state == JobState::Done).then_some(job.regions as usize))
    }

    /// Lets a batch go.
    pub(crate) fn delete_batch(&self, id: &str) -> Result<()> {
        self.send_request("DELETE", &format!("/api/v1/jobs/{id}"), "text/plain", &[]).map(drop)
    }

    /// Lines that the server has read since its start.
    pub(crate) fn total_lines(&self) -> Result<u64> {
        Ok(self.fetch_status()?.lines)
    }

    fn send_request(&self, method: &str, path: &str, content_type: &str, body: &[Bytes]) -> Result<Response> {
        let started = Instant::now();
        let answer = loop {
            let answer = self.runtime.block_on(async {
                let mut connection = Connection::open(&self.target, CONNECT).await?;
                connection.send(method, path, content_type, body).await
            });
            let answer = answer.with_context(|| format!("{method} {path} of {}", self.name))?;
            // The first one to ask has the model loaded.
            if answer.status != 503 || started.elapsed() > LOADING {
                break answer;
            }
            sleep(LOOK);
        };
        if answer.status >= 300 {
            let said = String::from_utf8_lossy(&answer.body);
            bail!("{}: {method} {path}: status {}: {said}", self.name, answer.status);
        }
        Ok(answer)
    }
}

impl Reader for Served {
    fn name(&self) -> &str {
        &self.name
    }

    fn pids(&self) -> Vec<u32> {
        vec![self.pid]
    }

    fn read(&mut self, picture: &Picture) -> Result<usize> {
        let body = [picture.bytes.clone()];
        let answer = self.send_request("POST", "/api/v1/read", "application/octet-stream", &body)?;
        Ok(parse_json::<Document>(&answer)?.regions.len())
    }

    fn read_batch(&mut self, pictures: &[Picture]) -> Result<usize> {
        let id = self.start_batch(pictures)?;
        let started = Instant::now();
        let lines = loop {
            if let Some(lines) = self.batch_lines(&id)? {
                break lines;
            }
            if started.elapsed() > JOB_DEADLINE {
                bail!("{}: a job of {} pictures takes too long", self.name, pictures.len());
            }
            sleep(LOOK);
        };
        self.delete_batch(&id)?;
        Ok(lines)
    }
}

/// A form with all pictures as files.
fn encode_form(pictures: &[Picture]) -> Vec<Bytes> {
    let mut body = Vec::with_capacity(pictures.len() * 2 + 1);
    for (index, picture) in pictures.iter().enumerate() {
        let name = picture.path.file_name().unwrap_or_default().to_string_lossy();
        let line = if index == 0 { "" } else { "\r\n" };
        body.push(Bytes::from(format!(
            "{line}--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{index}-{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )));
        body.push(picture.bytes.clone());
    }
    body.push(Bytes::from(format!("\r\n--{BOUNDARY}--\r\n")));
    body
}

fn parse_json<T: DeserializeOwned>(answer: &Response) -> Result<T> {
    serde_json::from_slice(&answer.body).context("the server's answer is not what it should be")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_each_picture_as_a_file_of_its_own() {
        let picture = |name: &str, bytes: &'static [u8]| Picture {
            path: name.into(),
            bytes: Bytes::from_static(bytes),
        };
        let text =
            String::from_utf8(encode_form(&[picture("d/a.png", b"AAA"), picture("b.jpg", b"BB")]).concat());
        let text = text.unwrap();
        assert_eq!(text.matches("name=\"file\"").count(), 2);
        assert!(text.contains("filename=\"0-a.png\"") && text.contains("\r\n\r\nAAA\r\n--"), "{text}");
        assert!(text.ends_with(&format!("BB\r\n--{BOUNDARY}--\r\n")), "{text}");
    }
}
