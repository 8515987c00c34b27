//! What is asked for by several at the same moment.

use std::sync::Barrier;
use std::thread;

use futures_util::FutureExt as _;
use sightwire_api::camera::CameraChange;
use sightwire_api::stream::AnalysisMode;
use sightwire_live::WatchError;
use sightwire_live::private::AskedFrom;
use sightwire_live::source::{CameraSource, CameraTable};
use sightwire_live::view::ViewKey;

use super::*;

/// Streams that run until the end of the test, with this configuration.
fn running_streams(more: &str) -> (Arc<Streams>, Arc<Relay>, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let config = format!("[store]\nhome = {:?}\n{more}", home.path());
    let config = Config::of_toml(&config).unwrap();
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let engine = SharedEngine::new(config.engine_settings(), || true);
    let options = config.live_options(Arc::new(Memory::new(Some(1 << 30))));
    let (streams, relay) = build_streams(options, &engine, &Vital::new(&tasks, &stop)).unwrap();
    (streams, relay, home)
}

#[tokio::test]
async fn a_stream_and_a_camera_that_begin_at_the_same_moment_have_two_names() {
    let (streams, relay, _home) = running_streams("");
    let begin_named =
        |name| relay.begin_stream(name, AnalysisMode::Normal, false, None, None).now_or_never().unwrap();
    let begin = || begin_named("door");
    let add = |is_sent: &dyn Fn(&str) -> bool| {
        let change = CameraChange {
            id: Some("door".into()),
            url: Some("simulated:street".into()),
            ..CameraChange::default()
        };
        let allowed = |source: &CameraSource| streams.check_new(source, AskedFrom::Here);
        streams.registry.add_camera(change, allowed, is_sent)
    };
    // It begins when the camera has been looked for, and is not there yet.
    let begun = std::cell::RefCell::new(None);
    let added = add(&|id| {
        let is_sent = streams.is_sent(id);
        *begun.borrow_mut() = Some(begin());
        is_sent
    });
    added.unwrap();
    let refused = begun.take().unwrap().unwrap_err();
    assert!(refused.to_string().contains("door"), "{refused}");
    assert!(!streams.is_sent("door") && relay.senders().is_empty());
    // Whoever is refused leaves nothing behind: without the camera the name is free.
    streams.registry.remove_camera("door").unwrap();
    let sending = begin().unwrap();
    assert!(add(&|id| streams.is_sent(id)).is_err(), "the stream is there");
    drop(sending);
    add(&|id| streams.is_sent(id)).unwrap();
    // A reload names its cameras when it has looked at all else.
    let mut options = Options::clone(&streams.options());
    let source = CameraSource::from_address("simulated:street", None, None).unwrap();
    options.cameras.configured =
        vec![CameraTable { id: "gate".into(), name: "Gate".into(), source, user: None, default: false }];
    let prepared = streams.prepare_options(options.clone()).unwrap();
    assert!(begin_named("gate").is_err(), "it is about to be a camera's");
    drop(prepared);
    drop(begin_named("gate").expect("the reload came to nothing"));
    streams.reconfigure(streams.prepare_options(options).unwrap());
    assert!(begin_named("gate").is_err(), "it is a camera's");
}

#[tokio::test]
async fn an_address_that_asks_for_many_views_at_once_has_its_share_of_them() {
    const THREADS: u8 = 32;
    let runtime = tokio::runtime::Handle::current();
    let source = CameraSource::from_address("simulated:street", None, None).unwrap();
    for _ in 0..10 {
        let (streams, _relay, _home) = running_streams("[cameras]\nmax_views = 16");
        let together = Barrier::new(THREADS.into());
        let opened: Vec<Result<_, WatchError>> = thread::scope(|scope| {
            let open = |quality| {
                let (streams, source, together, runtime) = (&streams, &source, &together, &runtime);
                scope.spawn(move || {
                    let _runtime = runtime.enter();
                    let key = ViewKey::Plain { origin: source.clone().into(), quality };
                    together.wait();
                    streams.open_view(&key, 0, Some([192, 0, 2, 7].into()))
                })
            };
            let threads: Vec<_> = (1..=THREADS).map(open).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(opened.iter().filter(|opened| opened.is_ok()).count(), 12, "three quarters of 16");
        let other = ViewKey::Plain { origin: source.clone().into(), quality: 100 };
        assert!(streams.open_view(&other, 0, Some([192, 0, 2, 8].into())).is_ok(), "another has its own");
    }
}
