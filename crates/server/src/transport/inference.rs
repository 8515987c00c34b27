//! Finding objects, and running networks, for other servers: `KServe` v2 over gRPC (`engine.listen`).
//!
//! There are two models that find objects, since the protocol knows no inputs that may be left out: [`FILES`] takes a JPEG or PNG as
//! it is, [`PIXELS`] takes pixels. Both answer what a server with `engine.remote` reads. [`text::MODEL`] reads text. Any other name is
//! that of a network: [`sightwire_remote::served`].

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use axum::body::Body;
use axum::extract::Request;
use http::StatusCode;
use http::header::HOST;
use sightwire_access::Action;
use sightwire_access::action::{Act as _, Detect, Read, SendFrames};
use sightwire_admission::caller::{Caller, Gate, NotAllowed};
use sightwire_admission::refusal::Refusal as NotServed;
use sightwire_admission::requests::Requests;
use sightwire_base::address;
use sightwire_base::memory::{Memory, Work};
use sightwire_engine::pool;
use sightwire_engine::priority::Priority;
use sightwire_engine::shared::SharedEngine;
use sightwire_frame::boxes::Detection;
use sightwire_listen::Peer;
use sightwire_listen::client::ClientAddress;
use sightwire_listen::tls::Secured;
use sightwire_live::Streams;
use sightwire_live::detector::{BASE_CONFIDENCE, NotForOthers};
use sightwire_live::directory::stills::{DetectedStill, Picture};
use sightwire_models::manifest::Task;
use sightwire_reading::TextReader;
use sightwire_remote::kserve::messages::{ModelMetadata, TensorMetadata};
use sightwire_remote::kserve::server::{Asker, Bounds, Refusal, Server, Serves};
use sightwire_remote::kserve::tensor::{Datatype, Tensor, TensorError, find_tensor};
use sightwire_remote::served::{Networks, NotRun};
use sightwire_remote::text::{self, Asking};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::reach::Reach;
use crate::reading;

/// Name of the model that takes files of pictures.
pub const FILES: &str = "detect";
/// Name of the model that takes pixels.
pub const PIXELS: &str = "detect-pixels";
/// Of both, since there is but one.
const VERSION: &str = "1";
const INPUT: &str = "image";
/// Pictures of other servers that are read at once, or wait for that: half of all requests.
const READING: usize = 8;
/// A model that could not be had is looked for again this often; one that is there is not looked for.
const EVERY: Duration = Duration::from_secs(5);

/// Looks at pictures of other servers and reads them, and runs networks for them.
pub struct Detecting {
    gate: Gate,
    requests: Requests,
    /// Proxies that are believed.
    trusted: address::Networks,
    streams: Arc<Streams>,
    /// Has memory for decoding.
    reader: Arc<TextReader>,
    /// That of the process.
    memory: Arc<Memory>,
    /// `None` where nobody is served.
    networks: Option<Networks>,
    /// Places for pictures to be read.
    reading: Semaphore,
}

pub type Serving = Server<Detecting>;

/// What it is done with.
#[derive(Debug)]
pub struct Dependencies {
    pub gate: Gate,
    pub requests: Requests,
    pub streams: Arc<Streams>,
    pub reader: Arc<TextReader>,
    pub memory: Arc<Memory>,
    pub engine: Arc<SharedEngine>,
    pub tasks: TaskTracker,
}

/// Encrypted as everything else is.
pub fn build_serving(config: &Config, reach: &Reach, deps: Dependencies) -> io::Result<Arc<Serving>> {
    let Dependencies { gate, requests, streams, reader, memory, engine, tasks } = deps;
    let networks = || {
        let (threads, idle_release) = (config.engine.options.threads, config.engine.idle_release);
        let threads = pool::Options { name: "networks", threads, priority: Priority::Live, idle_release };
        Networks::new(config.store.clone(), engine, threads, &tasks)
    };
    let is_asked = !config.engine.listen.is_empty();
    let detecting = Detecting {
        gate,
        requests,
        trusted: config.server.trusted_proxies.clone(),
        streams,
        reader,
        memory,
        networks: is_asked.then(networks).transpose()?,
        reading: Semaphore::new(READING),
    };
    let tls = reach.certificates.clone().map(|own| Arc::new(move || own.config()) as _);
    Ok(Server::new(detecting, tls, Bounds::default()))
}

/// Has the model before anybody asks, and again and again if it could not be had.
pub async fn keep_ready(streams: Arc<Streams>, stop: CancellationToken) {
    let keeping = async {
        loop {
            streams.detector.load_model().await;
            tokio::time::sleep(EVERY).await;
        }
    };
    if streams.detector.remote().is_none() {
        stop.run_until_cancelled(keeping).await;
    }
}

impl Serves for Detecting {
    type Who = Caller;

    /// As over HTTP: what came before the message is looked at as if it were a request there.
    fn identify(&self, asker: &Asker<'_>) -> Result<Caller, Refusal> {
        let mut request = Request::from_parts(asker.head.clone(), Body::empty());
        // HTTP/2 names the host beside the headers.
        let authority = request.uri().authority().and_then(|authority| authority.as_str().parse().ok());
        if let Some(authority) = authority {
            request.headers_mut().insert(HOST, authority);
        }
        let client = ClientAddress::new(asker.peer, request.headers(), &self.trusted);
        let extensions = request.extensions_mut();
        extensions.insert(Peer(asker.peer));
        extensions.insert(client);
        if asker.is_secured {
            extensions.insert(Secured);
        }
        let caller = self.gate.identify_caller(&request, None);
        request.extensions_mut().insert(caller.clone());
        self.requests.admit_request(&request).map_err(|many| to_refusal(&many))?;
        // Something of what there is; what it is will stand in the message.
        check_allowed(&caller, &[Detect::ACTION, SendFrames::ACTION, Read::ACTION])?;
        Ok(caller)
    }

    fn is_ready(&self) -> bool {
        self.streams.detector.for_others().is_ok()
    }

    async fn model_ready(&self, who: &Caller, model: &str) -> Result<bool, Refusal> {
        if Takes::from_model(model).is_some() {
            check_allowed(who, &[Detect::ACTION])?;
            return Ok(self.is_ready());
        }
        if model == text::MODEL {
            // The networks come with the first picture.
            return check_allowed(who, &[Read::ACTION]).map(|()| true);
        }
        let networks = self.allowed_networks(who, model).await?;
        networks.find_anew(model).await.map(|_| true).map_err(|why| not_run(&why))
    }

    async fn metadata(&self, who: &Caller, model: &str) -> Result<ModelMetadata, Refusal> {
        if let Some(takes) = Takes::from_model(model) {
            check_allowed(who, &[Detect::ACTION])?;
            return Ok(takes.metadata(model));
        }
        if model == text::MODEL {
            check_allowed(who, &[Read::ACTION])?;
            return Ok(text::reader_metadata());
        }
        let networks = self.allowed_networks(who, model).await?;
        Ok(networks.find_network(model, "").await.map_err(|why| not_run(&why))?.metadata())
    }

    async fn infer(
        &self,
        who: &Caller,
        (model, version): (&str, &str),
        inputs: Vec<Tensor>,
    ) -> Result<Vec<Tensor>, Refusal> {
        if model == text::MODEL {
            check_allowed(who, &[Read::ACTION])?;
            return self.read_text(&inputs).await;
        }
        let Some(takes) = Takes::from_model(model) else {
            let networks = self.allowed_networks(who, model).await?;
            let network = networks.find_network(model, version).await.map_err(|why| not_run(&why))?;
            self.memory.admit_work(Work::Picture).map_err(|full| to_refusal(&full.into()))?;
            return Ok(vec![networks.run_network(network, &inputs).await.map_err(|why| not_run(&why))?]);
        };
        check_allowed(who, &[Detect::ACTION])?;
        if !["", VERSION].contains(&version) {
            return Err(Refusal::NoModel(format!("{model} has no version {version:.16}")));
        }
        let why_not = |why: NotForOthers| Refusal::NotReady(why.to_string());
        self.streams.detector.for_others().map_err(why_not)?;
        let picture = takes.parse_picture(&inputs).map_err(|wrong| Refusal::Invalid(wrong.to_string()))?;
        drop(inputs);
        self.memory.admit_work(Work::Picture).map_err(|full| to_refusal(&full.into()))?;
        let decoding = &self.reader.display.decoding;
        let room = |bytes| decoding.acquire_bytes(bytes, 0);
        let seen = async {
            let place = self.streams.guests.acquire_place().await?;
            self.streams.find_in_picture(place, picture, BASE_CONFIDENCE, room).await
        };
        let seen = seen.await.map_err(|why| to_refusal(&why.into()))?;
        answer_tensors(&seen).map_err(|wrong| Refusal::Failed(wrong.to_string()))
    }
}

impl Detecting {
    /// What a picture says.
    async fn read_text(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, Refusal> {
        let Asking { file, mut parameters } =
            Asking::from_inputs(inputs).map_err(|wrong| Refusal::Invalid(wrong.to_string()))?;
        let version = parameters.remove(text::VERSION);
        self.memory.admit_work(Work::Picture).map_err(|full| to_refusal(&full.into()))?;
        // Live pictures find a place beside them.
        let Ok(_reading) = self.reading.try_acquire() else {
            return Err(to_refusal(&reading::busy_refusal()));
        };
        let read = reading::for_other(&self.reader, &parameters, file, version).await;
        let read = read.map_err(|why| to_refusal(&why))?;
        Ok(vec![text::answer_tensor(read.as_ref().map_err(String::as_str))])
    }

    /// What runs a network, for somebody who may have it run.
    async fn allowed_networks(&self, who: &Caller, name: &str) -> Result<&Networks, Refusal> {
        let unknown = || {
            Refusal::NoModel(format!(
                "{name:.64?}; there are {FILES}, {PIXELS}, {}, and networks called MODEL.ROLE",
                text::MODEL
            ))
        };
        let networks = self.networks.as_ref().ok_or_else(unknown)?;
        match networks.task(name).await.ok_or_else(unknown)? {
            Task::ClipClassification => check_allowed(who, &[SendFrames::ACTION])?,
            // Hands are looked for in streams, and of those who sign.
            _ => check_allowed(who, &[Detect::ACTION, SendFrames::ACTION])?,
        }
        Ok(networks)
    }
}

/// Whether somebody may do one of these; if not, why not the first.
fn check_allowed(who: &Caller, actions: &[Action]) -> Result<(), Refusal> {
    let asked: Result<Vec<()>, NotAllowed> =
        actions.iter().map(|action| who.check_action(action, true)).collect();
    match asked {
        Err(why) if actions.iter().all(|action| who.check_action(action, true).is_err()) => {
            Err(to_refusal(&why.into()))
        }
        _ => Ok(()),
    }
}

fn not_run(why: &NotRun) -> Refusal {
    let words = why.to_string();
    match why {
        NotRun::Unknown(_) => Refusal::NoModel(words),
        NotRun::Unusable(_) => Refusal::NotReady(words),
        NotRun::Input(_) => Refusal::Invalid(words),
        NotRun::Failed(_) => Refusal::Failed(words),
    }
}

/// What a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    File,
    Pixels,
}

impl Takes {
    fn from_model(model: &str) -> Option<Self> {
        match model {
            FILES => Some(Self::File),
            PIXELS => Some(Self::Pixels),
            _ => None,
        }
    }

    fn metadata(self, name: &str) -> ModelMetadata {
        let tensor = |name: &str, datatype: Datatype, shape: &[i64]| TensorMetadata {
            name: name.to_owned(),
            datatype: datatype.name().to_owned(),
            shape: shape.to_vec(),
        };
        let input = match self {
            Self::File => tensor(INPUT, Datatype::Bytes, &[1]),
            Self::Pixels => tensor(INPUT, Datatype::Uint8, &[-1, -1, 3]),
        };
        ModelMetadata {
            name: name.to_owned(),
            versions: vec![VERSION.to_owned()],
            platform: "sightwire".to_owned(),
            inputs: vec![input],
            outputs: vec![
                tensor("boxes", Datatype::Fp32, &[-1, 4]),
                tensor("scores", Datatype::Fp32, &[-1]),
                tensor("classes", Datatype::Int32, &[-1]),
                tensor("labels", Datatype::Bytes, &[-1]),
            ],
        }
    }

    fn parse_picture(self, inputs: &[Tensor]) -> Result<Picture, TensorError> {
        let unfit = |why| Err(TensorError::Unfit { name: INPUT, why });
        let input = find_tensor(inputs, INPUT)?;
        if self == Self::File {
            let file = input.only_element()?.map(Picture::File);
            return file.map_or_else(|| unfit("has to be one JPEG or PNG: BYTES of shape [1]"), Ok);
        }
        input.check_datatype(Datatype::Uint8)?;
        let ([height, width, 3] | [1, height, width, 3]) = *input.shape() else {
            return unfit("has to be UINT8 of shape [height, width, 3], or [1, height, width, 3]");
        };
        match (u32::try_from(width), u32::try_from(height)) {
            (Ok(width @ 1..), Ok(height @ 1..)) => {
                Ok(Picture::Rgb { size: (width, height), values: input.raw().clone() })
            }
            _ => unfit("has no pixels"),
        }
    }
}

fn answer_tensors(seen: &DetectedStill) -> Result<Vec<Tensor>, TensorError> {
    let found = &seen.found.detections;
    let rect = |detection: &Detection| {
        let rect = detection.rect;
        [rect.left, rect.top, rect.right, rect.bottom]
    };
    let boxes: Vec<f32> = found.iter().flat_map(rect).collect();
    let scores: Vec<f32> = found.iter().map(|detection| detection.confidence).collect();
    let classes: Vec<i32> =
        found.iter().map(|detection| i32::try_from(detection.class).unwrap_or(i32::MAX)).collect();
    let labels: Vec<&str> = found.iter().map(|detection| seen.model.label(detection.class)).collect();
    Ok(vec![
        Tensor::of_f32("boxes", &[found.len(), 4], &boxes)?,
        Tensor::of_f32("scores", &[found.len()], &scores)?,
        Tensor::of_i32("classes", &classes),
        Tensor::of_elements("labels", &labels),
    ])
}

/// As it would be said over HTTP.
fn to_refusal(not: &NotServed) -> Refusal {
    let words = not.detail().to_owned();
    match not.status() {
        StatusCode::UNAUTHORIZED => Refusal::NoKey(words),
        StatusCode::FORBIDDEN => Refusal::NotAllowed(words),
        StatusCode::TOO_MANY_REQUESTS => Refusal::Busy(words),
        StatusCode::SERVICE_UNAVAILABLE => Refusal::NotReady(words),
        StatusCode::NOT_FOUND => Refusal::NoModel(words),
        StatusCode::UNPROCESSABLE_ENTITY => Refusal::Invalid(words),
        _ => Refusal::Failed(words),
    }
}
