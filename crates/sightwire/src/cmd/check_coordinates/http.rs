//! Reads pictures over HTTP, one by one and as a job.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::blocking::multipart::Form;
use reqwest::blocking::{ClientBuilder, RequestBuilder};
use sightwire_api::read::{Job, JobState};
use sightwire_http_client::trust;
use sightwire_reading::output::Document;

use crate::cmd::read::OptionArgs;

/// Time for one request.
const DEADLINE: Duration = Duration::from_secs(120);
/// A server that is busy or gets its model is asked again for this long.
const PATIENCE: Duration = Duration::from_secs(300);
/// Time before a server is asked again.
const AGAIN: Duration = Duration::from_millis(200);
/// Pictures in a job: each is an open file while it is sent.
const IN_A_JOB: usize = 200;
/// Of an answer; a page with ten thousand lines has more than 10 MB. One that is longer is cut off, and so is not JSON.
const MAX_ANSWER: u64 = 256 << 20;

pub struct Client {
    http: reqwest::blocking::Client,
    address: String,
    query: Vec<(&'static str, String)>,
}

impl Client {
    pub fn new(address: &str, args: &OptionArgs) -> anyhow::Result<Self> {
        let http =
            ClientBuilder::from(sightwire_http_client::direct_builder(trust::trust_nobody())).build()?;
        Ok(Self { http, address: address.to_owned(), query: query_params(args) })
    }

    /// One picture, as the body of a request.
    pub fn read_picture(&self, path: &Path) -> anyhow::Result<Document> {
        let answer = self.retry_while_busy(|| {
            let request = self.http.post(format!("{}/api/v1/read", self.address)).query(&self.query);
            Ok(request.body(File::open(path)?))
        });
        let text = answer.with_context(|| path.display().to_string())?;
        parse_document(&text).with_context(|| path.display().to_string())
    }

    /// All pictures in jobs; `each` gets the number of each and its result.
    pub fn read_as_job(&self, paths: &[&Path], mut each: impl FnMut(usize, &Document)) -> anyhow::Result<()> {
        for (group, paths) in paths.chunks(IN_A_JOB).enumerate() {
            let job = self.retry_while_busy(|| {
                let mut form = Form::new();
                for path in paths {
                    form = form.file("file", path)?;
                }
                let request = self.http.post(format!("{}/api/v1/jobs", self.address)).query(&self.query);
                Ok(request.multipart(form))
            });
            let job: Job = serde_json::from_str(&job.context("a job")?).context("the answer to a job")?;
            let job = self.wait_for_job(job).context("a job")?;
            for (index, path) in paths.iter().enumerate() {
                let text = self.get(&format!("/api/v1/jobs/{}/files/{index}", job.id));
                let text = text.with_context(|| format!("{} in a job", path.display()))?;
                let document =
                    parse_document(&text).with_context(|| format!("{} in a job", path.display()))?;
                each(group * IN_A_JOB + index, &document);
            }
            let address = format!("{}/api/v1/jobs/{}", self.address, job.id);
            self.http.delete(address).send().context("removing a job")?;
        }
        Ok(())
    }

    /// Until all of its pictures are done with.
    fn wait_for_job(&self, mut job: Job) -> anyhow::Result<Job> {
        while job.state == JobState::Running {
            thread::sleep(AGAIN);
            job = serde_json::from_str(&self.get(&format!("/api/v1/jobs/{}", job.id))?)?;
        }
        Ok(job)
    }

    fn get(&self, path: &str) -> anyhow::Result<String> {
        self.retry_while_busy(|| Ok(self.http.get(format!("{}{path}", self.address))))
    }

    /// The body of the answer; asks again while the server says that it is busy.
    fn retry_while_busy(&self, ask: impl Fn() -> anyhow::Result<RequestBuilder>) -> anyhow::Result<String> {
        let asked = Instant::now();
        loop {
            let answer = ask()?.timeout(DEADLINE).send()?;
            let status = answer.status().as_u16();
            let mut text = String::new();
            answer.take(MAX_ANSWER).read_to_string(&mut text)?;
            match status {
                200 | 201 => return Ok(text),
                429 | 503 if asked.elapsed() < PATIENCE => thread::sleep(AGAIN),
                status => {
                    let detail =
                        serde_json::from_str::<sightwire_api::Error>(&text).map(|error| error.detail);
                    let detail = detail.unwrap_or_else(|_| "no reason given".to_owned());
                    anyhow::bail!("{} answers with {status}: {detail}", self.address);
                }
            }
        }
    }
}

fn parse_document(text: &str) -> anyhow::Result<Document> {
    Document::from_json(text).context("the answer is none of a reader of text")
}

/// The same options as on the command line; those of the engine are the server's own.
fn query_params(args: &OptionArgs) -> Vec<(&'static str, String)> {
    let flag = |on: bool| u8::from(on).to_string();
    let corners = args.corners.iter().map(|corners| ("corners", corners.to_string()));
    let model = args.model.iter().map(|model| ("model", model.clone()));
    let options = [
        ("threshold", args.threshold.to_string()),
        ("box_threshold", args.box_threshold.to_string()),
        ("unclip", args.unclip.to_string()),
        ("max_side", args.max_side.to_string()),
        ("max_candidates", args.max_candidates.to_string()),
        ("min_detection_size", args.min_detection_size.to_string()),
        ("min_confidence", args.min_confidence.to_string()),
        ("angle", flag(!args.no_angle)),
        ("deskew", flag(args.deskew)),
        ("contrast", flag(args.contrast)),
        ("denoise", flag(args.denoise)),
        ("perspective", flag(args.perspective)),
    ];
    model.chain(options).chain(corners).collect()
}
