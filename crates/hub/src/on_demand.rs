//! Things that run while someone needs them: started for the first, shared by all, stopped some time after the last.

use std::fmt;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::sync::{AtomicU64, AtomicUsize, CancellationToken, Handle, HashMap, Mutex, TaskTracker, sleep};

/// A bounded set of running things, by key.
pub struct OnDemand<K, V> {
    shared: Arc<Shared<K, V>>,
}

struct Shared<K, V> {
    /// Held while `start` makes a thing and while `is_over`, `alike` and `when` are asked, so it comes before the locks that
    /// these take. They must neither use this set nor drop a lease of it. What was stopped is dropped after this is released,
    /// since that may drop leases of other sets.
    running: Mutex<HashMap<K, Running<V>>>,
    /// Goes up with each lease, so that a timer set before one knows that it is out of date.
    epoch: AtomicU64,
    max: AtomicUsize,
    linger: Duration,
    is_over: fn(&V) -> bool,
    tasks: TaskTracker,
    stop: CancellationToken,
}

struct Running<V> {
    value: Arc<V>,
    stop: CancellationToken,
    leases: usize,
    /// That of its newest lease.
    epoch: u64,
}

/// One more would be too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{max} are running already")]
pub struct TooMany {
    /// The limit.
    pub max: usize,
}

/// Keeps a thing running. Dropping the last one stops it after the linger time.
pub struct Lease<K: Clone + Eq + Hash + Send + 'static, V: Send + Sync + 'static> {
    key: K,
    value: Arc<V>,
    shared: Arc<Shared<K, V>>,
    lingers: bool,
}

impl<K: Clone + Eq + Hash + Send + 'static, V: Send + Sync + 'static> OnDemand<K, V> {
    /// Nothing is running. A thing that ends by itself is one that `is_over`. What runs, and the timers that stop it, are
    /// `tasks`; all ends with `stop`.
    pub fn new(
        max: usize,
        linger: Duration,
        is_over: fn(&V) -> bool,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let running = Mutex::new(HashMap::default());
        Self {
            shared: Arc::new(Shared {
                running,
                epoch: AtomicU64::new(0),
                max: max.into(),
                linger,
                is_over,
                tasks,
                stop,
            }),
        }
    }

    /// The thing with that key. If it is not running, or is over, `start` makes it, and is given the token that will stop it; what
    /// it runs belongs to the tasks that this was made with. What `start` gives beside the thing is for the caller,
    /// to run it.
    pub fn get<T>(
        &self,
        key: &K,
        start: impl FnOnce(CancellationToken) -> (V, T),
    ) -> Result<(Lease<K, V>, Option<T>), TooMany> {
        self.get_among(key, self.max(), |_| true, start)
    }

    /// As [`OnDemand::get`], where things of different kinds run and each kind has places of its own: at most `max` of those
    /// that are `alike`, whatever else there is.
    pub fn get_among<T>(
        &self,
        key: &K,
        max: usize,
        alike: impl Fn(&K) -> bool,
        start: impl FnOnce(CancellationToken) -> (V, T),
    ) -> Result<(Lease<K, V>, Option<T>), TooMany> {
        // What makes way is let go of when nobody has to wait for it: declared before the lock, dropped after it.
        let mut gone = Vec::new();
        let mut running = self.shared.running.lock();
        let mut begun = None;
        if running.get(key).is_some_and(|entry| (self.shared.is_over)(&entry.value)) {
            gone.extend(stop_running(&mut running, key));
        }
        if !running.contains_key(key) {
            let count = running.keys().filter(|key| alike(key)).count();
            if count >= max {
                gone.push(stop_idle(&mut running, alike).ok_or(TooMany { max })?);
            }
            let token = self.shared.stop.child_token();
            let (value, beside) = start(token.clone());
            begun = Some(beside);
            running.insert(key.clone(), Running { value: Arc::new(value), stop: token, leases: 0, epoch: 0 });
        }
        let Some(entry) = running.get_mut(key) else { return Err(TooMany { max }) };
        Ok((self.new_lease(key, entry), begun))
    }

    /// The thing with that key, if it is running.
    pub fn join(&self, key: &K) -> Option<Lease<K, V>> {
        let mut running = self.shared.running.lock();
        let entry = running.get_mut(key)?;
        Some(self.new_lease(key, entry))
    }

    fn new_lease(&self, key: &K, entry: &mut Running<V>) -> Lease<K, V> {
        entry.leases += 1;
        entry.epoch = self.shared.epoch.fetch_add(1, Ordering::Relaxed) + 1;
        Lease { key: key.clone(), value: entry.value.clone(), shared: self.shared.clone(), lingers: true }
    }

    /// Stops the thing with that key at once, though somebody may still hold it.
    pub fn stop(&self, key: &K) {
        self.stop_if(key, |_, _| true);
    }

    /// Stops the thing with that key if that is to be, which is asked of it and of how many hold it; whether it was. Nobody
    /// comes, goes, or puts another in its place meanwhile: the code that answers must let go of nothing that is a lease of this.
    pub fn stop_if(&self, key: &K, when: impl FnOnce(&Arc<V>, usize) -> bool) -> bool {
        let mut running = self.shared.running.lock();
        let stops = running.get(key).is_some_and(|entry| when(&entry.value, entry.leases));
        let gone = if stops { stop_running(&mut running, key) } else { None };
        drop(running);
        gone.is_some()
    }

    /// Stops those of the things with such keys that are over, instead of keeping them until nobody holds them.
    pub fn stop_over(&self, alike: impl Fn(&K) -> bool) {
        let mut running = self.shared.running.lock();
        let is_over = |(key, entry): &(&K, &Running<V>)| alike(key) && (self.shared.is_over)(&entry.value);
        let over: Vec<K> = running.iter().filter(is_over).map(|(key, _)| key.clone()).collect();
        let gone: Vec<_> = over.iter().map(|key| stop_running(&mut running, key)).collect();
        drop(running);
        drop(gone);
    }

    /// The thing with that key, if it is running, without keeping it so.
    pub fn peek(&self, key: &K) -> Option<Arc<V>> {
        self.shared.running.lock().get(key).map(|entry| entry.value.clone())
    }

    /// Whether the thing with that key is running.
    pub fn is_running(&self, key: &K) -> bool {
        self.shared.running.lock().contains_key(key)
    }

    /// All that is running.
    pub fn all(&self) -> Vec<(K, Arc<V>)> {
        let running = self.shared.running.lock();
        running.iter().map(|(key, entry)| (key.clone(), entry.value.clone())).collect()
    }

    /// How many hold the thing with that key.
    pub fn lease_count(&self, key: &K) -> usize {
        self.shared.running.lock().get(key).map_or(0, |entry| entry.leases)
    }

    /// Whether the thing with that key runs, or there is room for it.
    pub fn has_room(&self, key: &K) -> bool {
        let running = self.shared.running.lock();
        running.contains_key(key)
            || running.len() < self.max()
            || running.values().any(|entry| entry.leases == 0)
    }

    /// How many are running of those that are `alike`.
    pub fn count(&self, alike: impl Fn(&K) -> bool) -> usize {
        self.shared.running.lock().keys().filter(|key| alike(key)).count()
    }

    /// How many are running.
    pub fn len(&self) -> usize {
        self.shared.running.lock().len()
    }

    /// Whether nothing is running.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many may run.
    pub fn max(&self) -> usize {
        self.shared.max.load(Ordering::Relaxed)
    }

    /// This many may run from now on. What runs goes on, also where there are more.
    pub fn set_max(&self, max: usize) {
        self.shared.max.store(max, Ordering::Relaxed);
    }
}

/// Stops it before anybody can put another in its place.
fn stop_running<K: Eq + Hash, V>(running: &mut HashMap<K, Running<V>>, key: &K) -> Option<Running<V>> {
    running.remove(key).inspect(|entry| entry.stop.cancel())
}

/// Stops one of those alike that only lingers, to make room.
fn stop_idle<K: Clone + Eq + Hash, V>(
    running: &mut HashMap<K, Running<V>>,
    alike: impl Fn(&K) -> bool,
) -> Option<Running<V>> {
    let idle = running.iter().find(|(key, entry)| entry.leases == 0 && alike(key));
    let idle = idle.map(|(key, _)| key.clone());
    idle.and_then(|key| stop_running(running, &key))
}

/// Stops it unless somebody holds it, or has since that epoch.
fn stop_if_idle<K: Eq + Hash, V>(
    running: &mut HashMap<K, Running<V>>,
    key: &K,
    epoch: u64,
) -> Option<Running<V>> {
    let is_idle = running.get(key).is_some_and(|entry| entry.leases == 0 && entry.epoch == epoch);
    if is_idle { stop_running(running, key) } else { None }
}

impl<K: Clone + Eq + Hash + Send + 'static, V: Send + Sync + 'static> Drop for Lease<K, V> {
    fn drop(&mut self) {
        let mut running = self.shared.running.lock();
        let Some(entry) = running.get_mut(&self.key).filter(|e| Arc::ptr_eq(&e.value, &self.value)) else {
            return;
        };
        entry.leases -= 1;
        if entry.leases > 0 {
            return;
        }
        let (shared, key, epoch) = (self.shared.clone(), self.key.clone(), entry.epoch);
        if self.shared.linger.is_zero() || !self.lingers {
            let gone = stop_if_idle(&mut running, &key, epoch);
            drop(running);
            drop(gone);
            return;
        }
        drop(running);
        let timer = async move {
            tokio::select! {
                biased;
                () = shared.stop.cancelled() => {}
                () = sleep(shared.linger) => {}
            }
            let gone = stop_if_idle(&mut shared.running.lock(), &key, epoch);
            drop(gone);
        };
        // Outside of a runtime nobody can linger, nor anything run.
        if Handle::try_current().is_ok() {
            self.shared.tasks.spawn(timer);
        }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static, V: Send + Sync + 'static> Lease<K, V> {
    /// Lets it go; if this was the last lease, the thing stops at once. For who has lingered itself.
    pub fn release_now(mut self) {
        self.lingers = false;
    }

    /// The thing itself, without keeping it running.
    pub fn value(&self) -> &Arc<V> {
        &self.value
    }

    /// The key under which the thing runs.
    pub fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Clone + Eq + Hash + Send + 'static, V: Send + Sync + 'static> Deref for Lease<K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

impl<K: Clone + Eq + Hash + Send + fmt::Debug + 'static, V: Send + Sync + 'static> fmt::Debug
    for Lease<K, V>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("key", &self.key).finish_non_exhaustive()
    }
}

impl<K, V> fmt::Debug for OnDemand<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDemand").field("max", &self.shared.max).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(max: usize, linger_s: u64) -> (OnDemand<&'static str, CancellationToken>, CancellationToken) {
        let stop = CancellationToken::new();
        let (linger, tasks) = (Duration::from_secs(linger_s), TaskTracker::new());
        (OnDemand::new(max, linger, CancellationToken::is_cancelled, tasks, stop.clone()), stop)
    }

    fn get(
        set: &OnDemand<&'static str, CancellationToken>,
        key: &'static str,
    ) -> Result<Lease<&'static str, CancellationToken>, TooMany> {
        set.get(&key, |stop| (stop, ())).map(|(lease, _)| lease)
    }

    async fn seconds(count: f32) {
        sleep(Duration::from_secs_f32(count)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_starts_with_the_first_and_stops_after_the_last() {
        let (set, _stop) = set(2, 3);
        let mut starts = 0;
        let mut get = |set: &OnDemand<_, _>| {
            let (lease, started) = set.get(&"a", |stop| (stop, ())).unwrap();
            starts += usize::from(started.is_some());
            lease
        };
        let (first, second) = (get(&set), get(&set));
        let running = CancellationToken::clone(&first);
        drop(first);
        seconds(10.0).await;
        assert!(!running.is_cancelled(), "the second still needs it");
        drop(second);
        seconds(2.9).await;
        assert!(!running.is_cancelled(), "it lingers");
        let third = get(&set);
        seconds(10.0).await;
        assert!(!running.is_cancelled(), "someone came in time");
        drop(third);
        seconds(3.1).await;
        assert!(running.is_cancelled() && set.is_empty());
        assert_eq!(starts, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_too_many_is_refused_but_one_that_only_lingers_gives_way() {
        let (set, _stop) = set(1, 60);
        let a = get(&set, "a").unwrap();
        assert_eq!(get(&set, "b").err(), Some(TooMany { max: 1 }));
        assert!(get(&set, "a").is_ok(), "what is running can be shared");
        let token = CancellationToken::clone(&a);
        drop(a);
        let _b = get(&set, "b").unwrap();
        assert!(token.is_cancelled());
        assert_eq!(set.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn each_kind_has_places_of_its_own() {
        let (set, _stop) = set(0, 60);
        let get = |key: &'static str| {
            let alike = move |other: &&str| other.starts_with(&key[..1]);
            set.get_among(&key, 1, alike, |stop| (stop, ())).map(|(lease, _)| lease)
        };
        let a = get("a1").unwrap();
        assert_eq!(get("a2").err(), Some(TooMany { max: 1 }));
        let b = get("b1").unwrap();
        assert_eq!((set.len(), set.count(|key| key.starts_with('a'))), (2, 1));
        let token = CancellationToken::clone(&a);
        drop((a, b));
        assert!(get("b2").is_ok() && !token.is_cancelled(), "one of its own kind gives way");
        assert!(get("a2").is_ok() && token.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_of_what_was_there_before_does_not_stop_what_took_its_place() {
        let (set, _stop) = set(1, 3);
        drop(get(&set, "a").unwrap());
        seconds(2.0).await;
        set.stop(&"a");
        drop(get(&set, "a").unwrap());
        seconds(2.0).await;
        assert_eq!(set.len(), 1, "it lingers for three seconds of its own");
        seconds(1.5).await;
        assert!(set.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_over_gives_way_to_the_next_and_those_who_hold_it_keep_it() {
        let (set, _stop) = set(1, 3);
        let first = get(&set, "a").unwrap();
        first.cancel();
        let second = get(&set, "a").unwrap();
        assert!(!second.is_cancelled() && set.len() == 1);
        drop(first);
        seconds(10.0).await;
        assert!(!second.is_cancelled(), "the first one's timer is not its own");
        set.stop_over(|_| true);
        assert_eq!(set.len(), 1, "it is not over");
        second.cancel();
        set.stop_over(|key| *key == "b");
        assert_eq!(set.len(), 1, "another is meant");
        set.stop_over(|_| true);
        assert!(set.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_stopped_only_if_what_is_asked_of_it_is_so() {
        let (set, _stop) = set(1, 3);
        let lease = get(&set, "a").unwrap();
        assert!(!set.stop_if(&"a", |_, leases| leases == 0) && !set.stop_if(&"b", |_, _| true));
        assert!(!lease.is_cancelled());
        assert!(set.stop_if(&"a", |value, leases| Arc::ptr_eq(value, lease.value()) && leases == 1));
        assert!(lease.is_cancelled() && set.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn all_ends_with_the_server() {
        let (set, stop) = set(4, 60);
        let a = get(&set, "a").unwrap();
        drop(get(&set, "b").unwrap());
        stop.cancel();
        assert!(a.is_cancelled());
        seconds(0.1).await;
        assert_eq!(set.len(), 1, "what lingered is gone, what is held goes when it is let go");
        drop(a);
        seconds(0.1).await;
        assert!(set.is_empty());
    }
}
