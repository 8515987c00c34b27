//! A stream, its analysis, a view of that, and those who watch, put together as `live` does (`Streams::open_stream`, `analyse`, `view`,
//! `stop`, `drop_idle`). Its pictures are numbers, and nothing looks at them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use shuttle::future::block_on;
use shuttle::thread;
use sightwire_interleavings::on_demand::{Lease, OnDemand, TooMany};
use sightwire_interleavings::stream::{Condition, Producer, Stream, Update};
use sightwire_interleavings::sync::{CancellationToken, TaskTracker, watch};

use crate::orders::in_every_order;

type Key = &'static str;

struct Street {
    cameras: OnDemand<Key, Upstream>,
    analyses: OnDemand<Key, Analysis>,
    views: OnDemand<Key, View>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// How many cameras end by themselves: the first that are opened.
    ending: AtomicUsize,
    /// What stops the analysis of each that was begun last.
    analysing: Mutex<HashMap<Key, CancellationToken>>,
    /// Streams, analyses and views that are in memory.
    alive: Arc<AtomicUsize>,
}

struct Upstream {
    stream: Arc<Stream>,
    stop: CancellationToken,
    _alive: Alive,
}

struct Analysis {
    upstream: Arc<Upstream>,
    lease: Option<Lease<Key, Upstream>>,
    newest: watch::Sender<Option<u64>>,
    _alive: Alive,
}

struct View {
    analysis: Lease<Key, Analysis>,
    stream: Arc<Stream>,
    _alive: Alive,
}

struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Analysis {
    fn drop(&mut self) {
        self.lease.take().unwrap().release_now();
    }
}

impl Upstream {
    fn is_over(&self) -> bool {
        self.stop.is_cancelled() || self.stream.state().condition == Condition::Ended
    }
}

impl Analysis {
    fn is_over(&self) -> bool {
        self.upstream.is_over()
    }

    async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut reader = self.upstream.stream.tap();
        let looks = async {
            while let Some(update) = reader.next().await {
                if let Update::Picture(picture) = update {
                    self.newest.send_replace(Some(picture.sequence()));
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = looks => {}
        }
    }
}

impl View {
    fn is_over(&self) -> bool {
        self.analysis.is_over()
    }

    async fn run(self: Arc<Self>, mut producer: Producer, stop: CancellationToken) {
        let (mut newest, mut states) =
            (self.analysis.newest.subscribe(), self.analysis.upstream.stream.tap());
        let ends = async { while states.next().await.is_some() {} };
        let draws = async {
            if newest.wait_for(Option::is_some).await.is_ok() {
                picture(&mut producer);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = draws => {}
            () = ends => {}
        }
    }
}

fn picture(producer: &mut Producer) {
    producer.publish_jpeg(Bytes::from_static(b"JPEG"), Instant::now());
}

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Objects,
    /// The stream has ended before.
    End,
}

impl Street {
    /// With this many places for cameras and analyses each.
    fn new([cameras, analyses]: [usize; 2], linger: Duration) -> Arc<Self> {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        Arc::new(Self {
            cameras: OnDemand::new(cameras, linger, Upstream::is_over, tasks.clone(), stop.clone()),
            analyses: OnDemand::new(analyses, linger, Analysis::is_over, tasks.clone(), stop.clone()),
            views: OnDemand::new(2, Duration::ZERO, View::is_over, tasks.clone(), stop.clone()),
            tasks,
            stop,
            ending: AtomicUsize::new(0),
            analysing: Mutex::default(),
            alive: Arc::default(),
        })
    }

    fn upstream(&self, key: Key, stop: CancellationToken) -> (Upstream, Producer) {
        let (stream, producer) = Stream::new(key, Instant::now());
        (Upstream { stream, stop, _alive: Alive::new(&self.alive) }, producer)
    }

    /// A camera; what somebody sends has to be there.
    fn open(&self, key: Key) -> Result<Lease<Key, Upstream>, TooMany> {
        if key == "sent" {
            return self.cameras.join(&key).ok_or(TooMany { max: 0 });
        }
        let start = |stop: CancellationToken| {
            let (upstream, mut producer) = self.upstream(key, stop.clone());
            let order = Ordering::Relaxed;
            let ends = self.ending.fetch_update(order, order, |left| left.checked_sub(1)).is_ok();
            self.tasks.spawn(async move {
                picture(&mut producer);
                if !ends {
                    stop.cancelled().await;
                }
            });
            (upstream, ())
        };
        if !self.cameras.is_running(&key) && self.cameras.len() == self.cameras.max() {
            self.drop_idle();
        }
        self.cameras.get(&key, start).map(|(lease, _)| lease)
    }

    fn analyse(&self, key: Key) -> Result<Lease<Key, Analysis>, TooMany> {
        let upstream = self.open(key)?;
        let start = |stop: CancellationToken| {
            let before = self.analysing.lock().unwrap().insert(key, stop.clone());
            assert!(before.is_none_or(|before| before.is_cancelled()), "two analyses of one stream");
            let newest = watch::Sender::new(None);
            let (of, lease, alive) = (upstream.value().clone(), Some(upstream), Alive::new(&self.alive));
            (Analysis { upstream: of, lease, newest, _alive: alive }, stop)
        };
        let (lease, begun) = self.analyses.get(&key, start)?;
        if let Some(stop) = begun {
            self.tasks.spawn(lease.value().clone().run(stop));
        }
        Ok(lease)
    }

    fn view(&self, key: Key) -> Result<Lease<Key, View>, TooMany> {
        let analysis = self.analyse(key)?;
        let start = |stop| {
            let (stream, producer) = Stream::new(key, Instant::now());
            (View { analysis, stream, _alive: Alive::new(&self.alive) }, (producer, stop))
        };
        let (lease, begun) = self.views.get(&key, start)?;
        if let Some((producer, stop)) = begun {
            self.tasks.spawn(lease.value().clone().run(producer, stop));
        }
        Ok(lease)
    }

    fn stop(&self, key: Key) {
        self.cameras.stop(&key);
        self.stop_what_is_made_of(key);
    }

    fn stop_what_is_made_of(&self, key: Key) {
        self.views.stop_over(|of| *of == key);
        self.analyses.stop_over(|of| *of == key);
    }

    fn drop_idle(&self) {
        for (key, _) in self.cameras.all() {
            let is_idle = |_: &Arc<Upstream>, leases| {
                let analysed = self.analyses.is_running(&key);
                self.analyses.lease_count(&key) == 0 && leases <= usize::from(analysed)
            };
            if self.cameras.stop_if(&key, is_idle) {
                self.stop_what_is_made_of(key);
                return;
            }
        }
    }

    /// Watches until something is seen, and leaves.
    fn watch(&self, key: Key) -> Result<Seen, TooMany> {
        let analysis = self.analyse(key)?;
        assert!(self.cameras.len() <= self.cameras.max() && self.analyses.len() <= self.analyses.max());
        let (mut newest, mut states) = (analysis.newest.subscribe(), analysis.upstream.stream.tap());
        let ended = async { while states.next().await.is_some() {} };
        Ok(block_on(async {
            tokio::select! {
                biased;
                objects = newest.wait_for(Option::is_some) => objects.map(|_| Seen::Objects).unwrap(),
                () = ended => Seen::End,
            }
        }))
    }

    fn watch_view(&self, key: Key) -> Result<Seen, TooMany> {
        let view = self.view(key)?;
        let mut subscriber = view.stream.subscribe();
        let seen = async {
            while let Some(update) = subscriber.next().await {
                if let Update::Picture(_) = update {
                    return Seen::Objects;
                }
            }
            Seen::End
        };
        Ok(block_on(seen))
    }

    fn is_as_before(&self) {
        block_on(self.tasks.ended());
        assert!(self.cameras.is_empty() && self.analyses.is_empty() && self.views.is_empty());
        assert_eq!(self.alive.load(Ordering::Relaxed), 0, "in memory");
    }
}

/// Two who do that at the same time, beside `meanwhile`; when all has ended, nothing is left.
fn two<T>(
    street: &Arc<Street>,
    watch: impl Fn(&Street) + Copy + Send + 'static,
    meanwhile: impl FnOnce(&Street) -> T,
) {
    let viewers = [(); 2].map(|()| {
        let street = street.clone();
        thread::spawn(move || watch(&street))
    });
    let until_they_leave = meanwhile(street);
    for viewer in viewers {
        viewer.join().unwrap();
    }
    drop(until_they_leave);
    street.is_as_before();
}

/// Comes back at each end, of which there are this many, until something is seen.
fn until_objects(ends: usize, watch: impl Fn() -> Result<Seen, TooMany>) {
    let seen = (0..=ends).map(|_| watch().unwrap()).find(|seen| *seen == Seen::Objects);
    assert!(seen.is_some(), "told of more ends than there were");
}

const LINGER: Duration = Duration::from_secs(3);

#[test]
fn all_who_come_and_go_see_what_is_in_the_pictures_and_nothing_is_left_of_it() {
    for linger in [Duration::ZERO, LINGER] {
        in_every_order(2, move || {
            two(&Street::new([1; 2], linger), |street| until_objects(0, || street.watch("a")), |_| {});
        });
    }
}

#[test]
fn who_comes_back_while_the_last_is_going_sees_it_again() {
    in_every_order(2, || {
        let come_twice = |street: &Street| (0..2).for_each(|_| until_objects(0, || street.watch("a")));
        two(&Street::new([1; 2], LINGER), come_twice, |_| {});
    });
}

#[test]
fn all_who_come_to_a_view_and_go_see_it() {
    for linger in [Duration::ZERO, LINGER] {
        in_every_order(2, move || {
            two(&Street::new([1; 2], linger), |street| until_objects(0, || street.watch_view("a")), |_| {});
        });
    }
}

#[test]
fn whoever_comes_when_a_camera_has_ended_by_itself_gets_a_new_one() {
    in_every_order(2, || {
        let street = Street::new([1; 2], LINGER);
        street.ending.store(1, Ordering::Relaxed);
        two(&street, |street| until_objects(1, || street.watch("a")), |_| {});
    });
}

#[test]
fn whoever_comes_while_a_stream_is_closed_is_told_or_gets_a_new_one() {
    in_every_order(2, || {
        let close = |street: &Street| street.stop("a");
        two(&Street::new([1; 2], LINGER), |street| until_objects(1, || street.watch("a")), close);
    });
    in_every_order(2, || {
        let close = |street: &Street| street.stop("a");
        two(&Street::new([1; 2], LINGER), |street| until_objects(1, || street.watch_view("a")), close);
    });
}

/// Somebody sends a stream, until this is dropped.
struct Sending {
    street: Arc<Street>,
    producer: Option<Producer>,
    lease: Option<Lease<Key, Upstream>>,
}

impl Sending {
    fn begin(street: &Arc<Street>) -> Self {
        let (lease, producer) = street.cameras.get(&"sent", |stop| street.upstream("sent", stop)).unwrap();
        assert!(producer.is_some(), "nobody else sends it");
        Self { street: street.clone(), producer, lease: Some(lease) }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        drop(self.producer.take());
        self.street.stop("sent");
        drop(self.lease.take());
    }
}

#[test]
fn what_is_sent_again_after_it_has_ended_is_seen_again() {
    in_every_order(2, || {
        let street = Street::new([1; 2], LINGER);
        let watch = |street: &Street| {
            while street.watch("sent") != Ok(Seen::Objects) {
                thread::yield_now();
            }
        };
        two(&street, watch, |_| {
            drop(Sending::begin(&street));
            let mut again = Sending::begin(&street);
            picture(again.producer.as_mut().unwrap());
            again
        });
    });
}

#[test]
fn what_nobody_watches_gives_way_and_who_comes_back_in_time_keeps_it() {
    // There is a place for one camera, or for one analysis.
    for places in [[1, 2], [2, 1]] {
        in_every_order(2, move || {
            let street = Street::new(places, LINGER);
            // Nobody is told of an end: who has a place does not lose it to another.
            let see = |street: &Street, key| assert_ne!(street.watch(key), Ok(Seen::End));
            until_objects(0, || street.watch("a"));
            two(&street, move |street| see(street, "a"), |street| see(street, "b"));
        });
    }
}

#[test]
fn the_servers_end_is_the_end_of_all_that_runs() {
    in_every_order(2, || {
        let watch = |street: &Street| {
            street.watch("a").unwrap();
        };
        two(&Street::new([1; 2], LINGER), watch, |street| street.stop.cancel());
    });
}
