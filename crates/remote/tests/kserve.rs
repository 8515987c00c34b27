//! A model elsewhere, over a real connection, with a server that does what it should or anything else.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use sightwire_remote::kserve::Code;
use sightwire_remote::kserve::client::{CallError, Client, Options};
use sightwire_remote::kserve::messages::{InferRequest, ModelMetadata, TensorMetadata, WantedOutput};
use sightwire_remote::kserve::model::{RemoteError, RemoteModel, Standing};
use sightwire_remote::kserve::server::{self, Asker, Bounds, REASONS, Refusal, Serves, Tls};
use sightwire_remote::kserve::tensor::{Tensor, TensorError, find_tensor};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const PATIENT: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(150);

/// What a server does when it is asked about a picture.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Sum,
    Slow,
    Hang,
    OtherShape,
    NotFinite,
    TooMuch,
    Fail,
    Refuse,
}

struct Model {
    does: Arc<Mutex<Does>>,
    under_way: Arc<AtomicUsize>,
}

struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Serves for Model {
    type Who = ();

    fn identify(&self, asker: &Asker<'_>) -> Result<(), Refusal> {
        match asker.bearer() {
            None if asker.peer.ip().is_loopback() => Ok(()),
            Some("sesame") => Ok(()),
            _ => Err(Refusal::NoKey("a key is needed".into())),
        }
    }

    fn is_ready(&self) -> bool {
        true
    }

    async fn model_ready(&self, (): &(), model: &str) -> Result<bool, Refusal> {
        if model == "sum" { Ok(true) } else { Err(Refusal::NoModel(model.into())) }
    }

    async fn metadata(&self, (): &(), model: &str) -> Result<ModelMetadata, Refusal> {
        let input = TensorMetadata { name: "image".into(), datatype: "UINT8".into(), shape: vec![-1] };
        Ok(ModelMetadata { name: model.into(), inputs: vec![input], ..ModelMetadata::default() })
    }

    async fn infer(
        &self,
        (): &(),
        (model, version): (&str, &str),
        inputs: Vec<Tensor>,
    ) -> Result<Vec<Tensor>, Refusal> {
        if !["", "1"].contains(&version) {
            return Err(Refusal::NoModel(format!("{model} {version}")));
        }
        if model != "sum" {
            return Err(Refusal::NoModel(model.into()));
        }
        let image = find_tensor(&inputs, "image").map_err(|error| Refusal::Invalid(error.to_string()))?;
        let sum: u32 = image.raw().iter().map(|value| u32::from(*value)).sum();
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let _until_dropped = UnderWay(self.under_way.clone());
        let does = *self.does.lock();
        let of = |shape: &[usize], values: &[f32]| Ok(vec![Tensor::of_f32("sum", shape, values).unwrap()]);
        match does {
            Does::Sum => of(&[1], &[sum as f32]),
            Does::Slow => {
                sleep(Duration::from_secs(1)).await;
                of(&[1], &[sum as f32])
            }
            Does::Hang => {
                sleep(Duration::from_secs(600)).await;
                of(&[1], &[0.0])
            }
            Does::OtherShape => of(&[3], &[1.0; 3]),
            Does::NotFinite => of(&[1], &[f32::NAN]),
            Does::TooMuch => of(&[1 << 20], &vec![0.0; 1 << 20]),
            Does::Fail => Err(Refusal::Failed("the card is on fire".into())),
            Does::Refuse => Err(Refusal::Invalid("that is no picture".into())),
        }
    }
}

struct Server {
    address: SocketAddr,
    does: Arc<Mutex<Does>>,
    under_way: Arc<AtomicUsize>,
    serving: Arc<server::Server<Model>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    fn start(at: Option<SocketAddr>, bounds: Bounds, tls: Option<Tls>) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(at.unwrap_or_else(|| "127.0.0.1:0".parse().unwrap())).unwrap();
        let listener: TcpListener = socket.listen(16).unwrap();
        let address = listener.local_addr().unwrap();
        let (does, under_way) = (Arc::new(Mutex::new(Does::Sum)), Arc::<AtomicUsize>::default());
        let model = Model { does: does.clone(), under_way: under_way.clone() };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let serving = server::Server::new(model, tls, bounds);
        tasks.spawn(serving.clone().run(listener, stop.clone(), tasks.clone()));
        Self { address, does, under_way, serving, stop, tasks }
    }

    async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        timeout(PATIENT, self.tasks.wait()).await.expect("nothing is left behind");
    }

    fn options(&self) -> Options {
        let address = format!("grpc://{}", self.address).parse().unwrap();
        Options { address, key: None, tls: None, max_message_bytes: 1 << 20 }
    }
}

fn image() -> [Tensor; 1] {
    [Tensor::of_u8("image", &[1, 2, 3], Bytes::from_static(&[1, 2, 3, 4, 5, 6])).unwrap()]
}

fn summed(outputs: &[Tensor]) -> Result<f32, TensorError> {
    let sum = find_tensor(outputs, "sum")?;
    if sum.shape() != [1] {
        return Err(TensorError::Shape("sum".into()));
    }
    Ok(sum.f32s()?[0])
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENT, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A model elsewhere that answers.
async fn at_work(server: &Server, stop: &CancellationToken) -> Arc<RemoteModel> {
    let remote = RemoteModel::new(server.options(), ("sum", None), |_: &_| Ok(()));
    tokio::spawn(remote.clone().run(stop.clone()));
    until("it is found", || remote.wanted_metadata().is_ok()).await;
    assert_eq!(remote.infer(&image(), PATIENT, summed).await, Ok(21.0));
    assert!(matches!(&*remote.standing().borrow(), Standing::Here(m) if m.inputs[0].name == "image"));
    remote
}

#[tokio::test]
async fn each_fault_of_a_model_elsewhere_is_told_and_after_three_it_is_left_alone_until_it_is_back() {
    let server = Server::start(None, Bounds::default(), None);
    let stop = server.stop.clone();
    for (does, says) in [
        (Does::Hang, "it does not answer within 150 ms"),
        (Does::OtherShape, "sum has a shape that no tensor has"),
        (Does::NotFinite, "sum has values that are no finite numbers"),
        (Does::TooMuch, "it answers OutOfRange"),
        (Does::Fail, "it answers Internal: the card is on fire"),
    ] {
        *server.does.lock() = Does::Sum;
        let remote = at_work(&server, &stop).await;
        *server.does.lock() = does;
        for _ in 0..3 {
            let begun = Instant::now();
            let error = remote.infer(&image(), SHORT, summed).await.unwrap_err().to_string();
            assert!(error.contains(says), "{error}, not {says}");
            assert!(begun.elapsed() < Duration::from_secs(5), "{says}");
        }
        assert!(matches!(&*remote.standing().borrow(), Standing::Away(why) if why.contains(says)));
        let before = remote.counters.failed.load(Ordering::Relaxed);
        let error = remote.infer(&image(), SHORT, summed).await.unwrap_err();
        assert!(matches!(&error, RemoteError::Away(why) if why.contains(says)), "{error}");
        assert_eq!(remote.counters.failed.load(Ordering::Relaxed), before, "it was not asked");
        *server.does.lock() = Does::Sum;
        until("it is tried again", || remote.wanted_metadata().is_ok()).await;
        assert_eq!(remote.infer(&image(), PATIENT, summed).await, Ok(21.0));
        assert!(matches!(&*remote.standing().borrow(), Standing::Here(_)));
    }
    until("nobody works for those who left", || server.under_way.load(Ordering::SeqCst) == 0).await;
    server.end().await;
}

#[tokio::test]
async fn what_was_not_looked_at_before_it_was_sent_and_is_refused_is_no_fault_of_the_server() {
    let server = Server::start(None, Bounds::default(), None);
    let stop = server.stop.clone();
    let remote = at_work(&server, &stop).await;
    let nobody = async || panic!("nobody need look at it");
    assert_eq!(remote.infer_unseen(&image(), PATIENT, summed, nobody).await, Ok(21.0));
    *server.does.lock() = Does::Refuse;
    for _ in 0..5 {
        let asked = remote.infer_unseen(&image(), PATIENT, summed, nobody).await;
        let error = asked.unwrap_err().to_string();
        assert!(error.contains("that is no picture"), "{error}");
    }
    assert_eq!(remote.counters.failed.load(Ordering::Relaxed), 5, "which is told");
    assert!(matches!(&*remote.standing().borrow(), Standing::Here(_)));
    // Some servers fail where they should refuse.
    *server.does.lock() = Does::Fail;
    for _ in 0..5 {
        assert!(remote.infer_unseen(&image(), PATIENT, summed, async || false).await.is_err());
    }
    assert!(matches!(&*remote.standing().borrow(), Standing::Here(_)));
    // Any other failure is one, and so is that of what was looked at.
    assert!(remote.infer_unseen(&image(), PATIENT, summed, async || true).await.is_err());
    *server.does.lock() = Does::Refuse;
    for _ in 0..2 {
        assert!(remote.infer(&image(), PATIENT, summed).await.is_err());
    }
    assert!(
        matches!(&*remote.standing().borrow(), Standing::Away(why) if why.contains("that is no picture"))
    );
    server.end().await;
}

#[tokio::test]
async fn a_model_that_takes_something_else_is_away_and_says_what() {
    let server = Server::start(None, Bounds::default(), None);
    let unfit = TensorError::Unfit { name: "image", why: "is not what we send" };
    let remote = RemoteModel::new(server.options(), ("sum", None), |_: &_| {
        Err(TensorError::Unfit { name: "image", why: "is not what we send" })
    });
    tokio::spawn(remote.clone().run(server.stop.clone()));
    assert!(!remote.wait_settled(PATIENT).await);
    let says = unfit.to_string();
    assert!(matches!(&*remote.standing().borrow(), Standing::Away(why) if why.contains(&says)));
    assert!(remote.infer(&image(), SHORT, summed).await.is_err());
    assert_eq!(server.under_way.load(Ordering::SeqCst), 0);
    server.end().await;
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_worked_on() {
    let server = Server::start(None, Bounds::default(), None);
    *server.does.lock() = Does::Hang;
    let client = Client::new(server.options());
    let asked = client.infer(InferRequest::from_inputs("sum", &image()), Duration::from_secs(600));
    let at_work = async { until("it is at work", || server.under_way.load(Ordering::SeqCst) == 1).await };
    tokio::select! {
        _ = asked => unreachable!("it hangs"),
        () = at_work => {}
    }
    until("it has stopped", || server.under_way.load(Ordering::SeqCst) == 0).await;
    server.end().await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_away_and_one_in_its_place_is_found() {
    let server = Server::start(None, Bounds::default(), None);
    let stop = CancellationToken::new();
    let remote = at_work(&server, &stop).await;
    server.stop.cancel();
    let begun = Instant::now();
    while remote.wanted_metadata().is_ok() {
        // What is under way when it stops is still answered.
        let _ = remote.infer(&image(), SHORT, summed).await;
        sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() < PATIENT);
    }
    let why = remote.wanted_metadata().unwrap_err().to_string();
    assert!(why.contains("no way to grpc://127.0.0.1") || why.contains("was lost"), "{why}");
    server.end().await;
    let again = Server::start(Some(server.address), Bounds::default(), None);
    until("it is found again", || remote.wanted_metadata().is_ok()).await;
    assert_eq!(remote.infer(&image(), PATIENT, summed).await, Ok(21.0));
    stop.cancel();
    again.end().await;
}

#[tokio::test]
async fn a_server_refuses_what_it_has_to_in_the_words_of_the_protocol() {
    let bounds = Bounds { message_bytes: 4096, ..Bounds::default() };
    let server = Server::start(None, bounds, None);
    let client = Client::new(server.options());
    assert!(client.server_ready(PATIENT).await.unwrap() && client.model_ready("sum", PATIENT).await.unwrap());
    let refused = |result: Result<(), CallError>| match result.unwrap_err() {
        CallError::Refused { code, words } => (code, words),
        other => unreachable!("{other}"),
    };
    let asks = async |client: &Client, request: InferRequest| {
        refused(client.infer(request, PATIENT).await.map(|_| ()))
    };
    let (code, words) = asks(&client, InferRequest::from_inputs("text", &image())).await;
    assert_eq!((code, &*words), (Code::NotFound, "there is no model text"));
    let mut wrong = InferRequest::from_inputs("sum", &image());
    wrong.inputs[0].shape = vec![5];
    let (code, words) = asks(&client, wrong).await;
    assert_eq!((code, &*words), (Code::InvalidArgument, "image has 6 bytes where its shape says 5"));
    let large = Tensor::of_u8("image", &[8192], vec![0; 8192].into()).unwrap();
    let (code, _) = asks(&client, InferRequest::from_inputs("sum", &[large])).await;
    assert_eq!(code, Code::OutOfRange);
    let stranger = Client::new(Options { key: Some("other".into()), ..server.options() });
    assert_eq!(asks(&stranger, InferRequest::from_inputs("sum", &image())).await.0, Code::Unauthenticated);
    assert!(stranger.server_ready(PATIENT).await.unwrap(), "that is for everybody");
    let friend = Client::new(Options { key: Some("sesame".into()), ..server.options() });
    friend.infer(InferRequest::from_inputs("sum", &image()), PATIENT).await.unwrap();
    assert!(!format!("{friend:?}").contains("sesame"));
    let long = friend.model_ready(&"m".repeat(5000), PATIENT).await.map(|_| ());
    assert_eq!(refused(long).0, Code::OutOfRange, "a question is short");
    let counters = &server.serving.counters;
    let counted: Vec<(&str, u64)> = REASONS
        .iter()
        .zip(&counters.refused)
        .map(|((reason, _), count)| (*reason, count.load(Ordering::Relaxed)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let expected = [("unauthenticated", 1), ("not_found", 1), ("invalid_argument", 1), ("other", 2)];
    assert_eq!(counted, expected);
    assert_eq!((counters.answered.load(Ordering::Relaxed), server.serving.connections()), (1, 3));
    server.end().await;
    assert_eq!(server.serving.connections(), 0);
}

#[tokio::test]
async fn who_wants_some_outputs_gets_those() {
    let server = Server::start(None, Bounds::default(), None);
    let client = Client::new(server.options());
    let wanting = |name: &str| {
        let wanted = WantedOutput { name: name.into(), ..WantedOutput::default() };
        InferRequest { outputs: vec![wanted], ..InferRequest::from_inputs("sum", &image()) }
    };
    let answer = client.infer(wanting("sum"), PATIENT).await.unwrap();
    assert_eq!(summed(&answer.tensors().unwrap()), Ok(21.0));
    let refused = client.infer(wanting("mean"), PATIENT).await.unwrap_err();
    assert!(matches!(refused, CallError::Refused { code: Code::InvalidArgument, .. }), "{refused}");
    server.end().await;
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out() {
    let bounds = Bounds { connections: 4, ..Bounds::default() };
    let server = Server::start(None, bounds, None);
    let mut silent = Vec::new();
    for _ in 0..6 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    until("all places are taken", || server.serving.connections() == 4).await;
    let client = Client::new(server.options());
    client.infer(InferRequest::from_inputs("sum", &image()), PATIENT).await.unwrap();
    // Nor do those who come after it.
    for _ in 0..6 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    let turned_away = || server.serving.counters.turned_away.load(Ordering::Relaxed);
    until("the silent ones have made room for each other", || turned_away() == 9).await;
    client.infer(InferRequest::from_inputs("sum", &image()), PATIENT).await.unwrap();
    assert_eq!(server.serving.connections(), 4);
    server.end().await;
}

#[tokio::test]
async fn no_more_is_under_way_than_is_allowed() {
    let bounds = Bounds { calls: 2, ..Bounds::default() };
    let server = Server::start(None, bounds, None);
    *server.does.lock() = Does::Hang;
    let client = Arc::new(Client::new(server.options()));
    for _ in 0..2 {
        let client = client.clone();
        server.tasks.spawn(async move {
            drop(client.infer(InferRequest::from_inputs("sum", &image()), Duration::from_secs(2)).await);
        });
    }
    until("both are at work", || server.under_way.load(Ordering::SeqCst) == 2).await;
    let third = client.infer(InferRequest::from_inputs("sum", &image()), PATIENT).await.unwrap_err();
    assert!(matches!(third, CallError::Refused { code: Code::ResourceExhausted, .. }), "{third}");
    server.end().await;
}

#[tokio::test]
async fn what_is_under_way_at_a_server_that_closes_is_answered_though_another_has_taken_its_place() {
    let first = Server::start(None, Bounds::default(), None);
    *first.does.lock() = Does::Slow;
    let client = Arc::new(Client::new(first.options()));
    let asked = tokio::spawn({
        let client = client.clone();
        async move { client.infer(InferRequest::from_inputs("sum", &image()), PATIENT).await }
    });
    until("it is at work", || first.under_way.load(Ordering::SeqCst) == 1).await;
    first.stop.cancel();
    sleep(Duration::from_millis(100)).await;
    let second = Server::start(Some(first.address), Bounds::default(), None);
    // The first call finds out that the connection closes; nothing is asked twice.
    drop(client.server_ready(PATIENT).await);
    assert!(client.server_ready(PATIENT).await.unwrap());
    assert_eq!(second.serving.connections(), 1);
    assert_eq!(summed(&asked.await.unwrap().unwrap().tensors().unwrap()), Ok(21.0));
    first.end().await;
    second.end().await;
}

#[tokio::test]
async fn over_tls_only_who_is_trusted_is_asked() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate.der().clone()], private).unwrap());
    let server = Server::start(None, Bounds::default(), Some(Arc::new(move || config.clone())));
    let trusting = |trusted: bool| {
        let mut roots = RootCertStore::empty();
        if trusted {
            roots.add(certificate.der().clone()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(provider.clone());
        let config = config.with_safe_default_protocol_versions().unwrap();
        let tls = Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
        let address = format!("grpcs://localhost:{}", server.address.port()).parse().unwrap();
        Client::new(Options { address, tls, ..server.options() })
    };
    assert!(trusting(true).server_ready(PATIENT).await.unwrap());
    let untrusted = trusting(false).server_ready(PATIENT).await.unwrap_err().to_string();
    assert!(untrusted.contains("no way to grpcs://localhost") && untrusted.contains("certificate"));
    let plain = Client::new(server.options()).server_ready(PATIENT).await.unwrap_err();
    assert!(matches!(plain, CallError::Lost(_)), "{plain}");
    server.end().await;
}
