//! Everything that can be seen of the server, once a second while somebody looks: whole at first, then what has changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Map, Value};
use sightwire_access::{Scope, Use};
use sightwire_api::live::{
    FullType, Live as Everything, LiveFull, LivePatch, LiveProcess, LiveServer, PatchType,
};
use sightwire_base::clock::{self, unix_s};
use sightwire_telemetry::process;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Observer;

/// From one edition to the next.
const EVERY: Duration = Duration::from_secs(1);

/// Makes editions while there are readers.
#[derive(Debug)]
pub struct Live {
    observer: Arc<Observer>,
    newest: watch::Sender<Arc<Edition>>,
    max_connections: usize,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
}

/// The state of everything at one moment.
#[derive(Debug, Default)]
pub struct Edition {
    /// Counts editions; 0: there is none yet.
    pub version: u64,
    /// All of it, without null anywhere.
    data: Arc<Value>,
    /// That of the edition before.
    before: Arc<Value>,
    /// As they are for each kind of reader: made for the first of them.
    views: Mutex<BTreeMap<(Scope, bool), Arc<View>>>,
}

/// What a reader may see.
#[derive(Clone, Debug)]
pub struct Visibility {
    /// The streams that are shown.
    pub scope: Scope,
    /// Also who sends and who watches, and from where.
    pub sees_viewers: bool,
    /// Why it may not end streams and viewers, if it may not.
    pub why_not: Option<String>,
}

/// An edition, as one kind of reader may see it.
#[derive(Debug)]
struct View {
    data: Arc<Value>,
    /// What has changed since the edition before: a JSON merge patch (RFC 7386), as a message.
    patch: Arc<str>,
}

impl Live {
    /// Makes no editions before [`Self::run`].
    pub fn new(observer: Arc<Observer>, max_connections: usize, stop: CancellationToken) -> Arc<Self> {
        let newest = watch::Sender::new(Arc::default());
        Arc::new(Self { observer, newest, max_connections, stop })
    }

    /// The newest edition, and those to come.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Edition>> {
        self.newest.subscribe()
    }

    /// Makes editions until the server stops.
    pub async fn run(self: Arc<Self>) {
        tokio::join!(self.make_editions(), self.ask_others());
    }

    /// Asks other processes for their streams while there are readers. Nobody waits for that: an edition has what was told last.
    async fn ask_others(&self) {
        if !self.observer.parts.streams.has_others() {
            return;
        }
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let asking = async {
            loop {
                tick.tick().await;
                if self.newest.receiver_count() > 0 {
                    self.observer.parts.streams.reports_elsewhere().await;
                }
            }
        };
        self.stop.run_until_cancelled(asking).await;
    }

    async fn make_editions(&self) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            if self.newest.receiver_count() > 0 {
                let before = self.newest.borrow().clone();
                self.newest.send_replace(Arc::new(before.next(self.collect_data())));
            } else if self.newest.borrow().version > 0 {
                // Nobody is to see what was true a while ago.
                self.newest.send_replace(Arc::default());
            }
        }
    }

    fn collect_data(&self) -> Value {
        let (now, all) = (clock::now(), &self.observer.parts.streams);
        let (process, rates) = (process::process_usage(), self.observer.rates());
        let (upstreams, viewers) = (all.upstreams(), all.viewers.all());
        let here = upstreams.iter().map(|stream| all.stream_report(stream));
        let streams = here.chain(all.told_elsewhere()).map(|report| (report.id.clone(), report));
        let viewers = viewers.iter().map(|viewer| (viewer.id().to_string(), viewer.report(now)));
        let everything = Everything {
            cameras: all.report(),
            ended: self
                .observer
                .parts
                .relay
                .gone
                .all()
                .into_iter()
                .map(|(n, gone)| (n.to_string(), gone))
                .collect(),
            may_manage: false,
            process: LiveProcess {
                connections: self.observer.connections().open,
                cpu_percent: (rates.cpu_percent * 10.0).round() / 10.0,
                max_connections: self.max_connections,
                memory_bytes: process.memory_bytes,
                threads: process.threads,
            },
            relay: self.observer.parts.relay.report(),
            server: LiveServer {
                uptime_s: self.observer.uptime().as_secs_f64().round(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            streams: streams.collect(),
            time: unix_s(),
            viewers: viewers.collect(),
            why_not: None,
        };
        // There is no map with odd keys in it.
        without_null(serde_json::to_value(everything).unwrap_or_default())
    }
}

impl Edition {
    /// All of it, as a message.
    pub fn full_message(&self, seen: &Visibility) -> String {
        let mut data = Value::clone(&self.view(seen).data);
        data["may_manage"] = seen.why_not.is_none().into();
        if let Some(why_not) = &seen.why_not {
            data["why_not"] = why_not.as_str().into();
        }
        to_json(&LiveFull { data, kind: FullType::default(), version: self.version })
    }

    /// What has changed since the edition before, as a message.
    pub fn patch_message(&self, seen: &Visibility) -> String {
        self.view(seen).patch.to_string()
    }

    fn view(&self, seen: &Visibility) -> Arc<View> {
        let key = (seen.scope.clone(), seen.sees_viewers);
        if let Some(view) = self.views.lock().get(&key) {
            return view.clone();
        }
        let [before, data] = [&self.before, &self.data].map(|data| seen.visible_part(data));
        let patch = merge_patch(&before, &data).unwrap_or_else(|| Map::new().into());
        let patch = to_json(&LivePatch { data: patch, kind: PatchType::default(), version: self.version });
        let view = Arc::new(View { data, patch: patch.into() });
        self.views.lock().entry(key).or_insert(view).clone()
    }

    fn next(&self, data: Value) -> Self {
        let (version, data, before) = (self.version + 1, Arc::new(data), self.data.clone());
        Self { version, data, before, views: Mutex::default() }
    }
}

impl Visibility {
    /// What of it may be seen.
    fn visible_part(&self, data: &Arc<Value>) -> Arc<Value> {
        if self.sees_viewers && self.scope == Scope::ALL {
            return data.clone();
        }
        let mut data = Value::clone(data);
        let kinds = data.get("streams").cloned().unwrap_or_default();
        if let Some(streams) = data.get_mut("streams").and_then(Value::as_object_mut) {
            streams.retain(|id, stream| self.sees_stream(id, stream.get("kind")));
            for stream in streams.values_mut().filter_map(Value::as_object_mut) {
                if !self.sees_viewers {
                    stream.remove("peer");
                }
            }
        }
        if let Some(ended) = data.get_mut("ended").and_then(Value::as_object_mut) {
            let id = |gone: &Value| gone.get("id").and_then(Value::as_str).map(str::to_owned);
            ended.retain(|_, gone| id(gone).is_some_and(|id| self.sees_stream(&id, None)));
            for gone in ended.values_mut().filter_map(Value::as_object_mut).filter(|_| !self.sees_viewers) {
                gone.remove("peer");
                gone.remove("by");
            }
        }
        if let Some(viewers) = data.get_mut("viewers").and_then(Value::as_object_mut) {
            let kind = |id: &str| kinds.get(id).and_then(|stream| stream.get("kind"));
            let covers = |id: &Value| id.as_str().is_some_and(|id| self.sees_stream(id, kind(id)));
            let watched = |viewer: &Value| viewer.get("streams").and_then(Value::as_array).cloned();
            viewers.retain(|_, viewer| {
                self.sees_viewers && watched(viewer).unwrap_or_default().iter().all(covers)
            });
        }
        data.into()
    }

    fn sees_stream(&self, id: &str, kind: Option<&Value>) -> bool {
        let of = match kind.and_then(Value::as_str) {
            Some("camera") => Use::Cameras,
            _ => Use::Relay,
        };
        self.scope.covers_stream(id) && self.scope.has_use(of)
    }
}

/// As it is sent.
fn to_json(message: &impl Serialize) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

/// In a merge patch null takes away what was there, so it cannot be a value.
fn without_null(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_null(v))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_null).collect(),
        other => other,
    }
}

/// The merge patch that makes `new` of `old`; `None` if they are the same.
fn merge_patch(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return Some(new.clone()) };
    let gone = old.keys().filter(|key| !new.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let changed = new.iter().filter_map(|(key, value)| {
        let before = old.get(key).unwrap_or(&Value::Null);
        merge_patch(before, value).map(|change| (key.clone(), change))
    });
    Some(gone.chain(changed).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// RFC 7386, section 2.
    fn merge(target: &mut Value, patch: &Value) {
        let Value::Object(patch) = patch else {
            *target = patch.clone();
            return;
        };
        if !target.is_object() {
            *target = json!({});
        }
        let Value::Object(target) = target else { return };
        for (key, value) in patch {
            if value.is_null() {
                target.remove(key);
            } else {
                merge(target.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![any::<i8>().prop_map(Value::from), "[ab]{0,2}".prop_map(Value::from)];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|map| map.into_iter().collect())
        })
    }

    proptest! {
        #[test]
        fn an_edition_and_the_next_patch_give_the_next_edition(old in documents(), new in documents()) {
            let mut merged = old.clone();
            if let Some(patch) = merge_patch(&old, &new) {
                merge(&mut merged, &patch);
            }
            prop_assert_eq!(merged, new);
        }
    }

    fn seen(streams: &[&str], uses: &[Use], sees_viewers: bool) -> Visibility {
        let scope = Scope::new(streams.iter().copied(), uses.iter().copied()).unwrap();
        Visibility { scope, sees_viewers, why_not: None }
    }

    #[test]
    fn each_reader_is_told_of_what_it_may_see() {
        let stream = |kind: &str| json!({"kind": kind, "peer": "192.168.1.7:9"});
        let first = json!({
            "streams": {"gate": stream("camera"), "yard": stream("camera"), "gate-phone": stream("relay")},
            "viewers": {"1": {"streams": ["gate"]}, "2": {"streams": ["gate", "yard"]}},
            "ended": {"0": {"id": "gate-tablet", "peer": "192.168.1.8:9", "by": "eve"}, "1": {"id": "desk"}},
        });
        let mut second = first.clone();
        second["streams"]["yard"]["fps"] = 1.into();
        second["streams"]["gate"]["fps"] = 2.into();
        let edition = Edition::default().next(first).next(second);
        let read = |text: String| serde_json::from_str::<Value>(&text).unwrap()["data"].take();
        let everything = read(edition.full_message(&seen(&[], &[], true)));
        assert_eq!(everything["streams"].as_object().unwrap().len(), 3);
        assert_eq!(everything["viewers"].as_object().unwrap().len(), 2);
        assert_eq!(everything["ended"].as_object().unwrap().len(), 2);
        let gates = read(edition.full_message(&seen(&["gate*"], &[Use::Cameras], true)));
        assert_eq!(gates["streams"].as_object().unwrap().keys().collect::<Vec<_>>(), ["gate"]);
        assert_eq!(gates["viewers"].as_object().unwrap().keys().collect::<Vec<_>>(), ["1"]);
        assert_eq!(gates["streams"]["gate"]["peer"], "192.168.1.7:9");
        assert_eq!(gates["ended"], json!({}), "sent streams are another use");
        let viewer = seen(&["gate*"], &[], false);
        let shown = read(edition.full_message(&viewer));
        assert_eq!(shown["streams"].as_object().unwrap().keys().collect::<Vec<_>>(), ["gate", "gate-phone"]);
        assert!(
            shown["viewers"].as_object().unwrap().is_empty() && shown["streams"]["gate"]["peer"].is_null()
        );
        assert_eq!(shown["ended"], json!({"0": {"id": "gate-tablet"}}));
        assert_eq!(read(edition.patch_message(&viewer)), json!({"streams": {"gate": {"fps": 2}}}));
    }

    #[test]
    fn only_what_has_changed_is_said() {
        let (old, new) = (json!({"a": {"x": 1, "y": 2}, "b": 3}), json!({"a": {"x": 1, "y": 5}, "c": 4}));
        assert_eq!(merge_patch(&old, &new), Some(json!({"a": {"y": 5}, "b": null, "c": 4})));
        assert_eq!(merge_patch(&old, &old), None);
        assert_eq!(without_null(json!({"a": null, "b": [{"c": null, "d": 1}]})), json!({"b": [{"d": 1}]}));
    }
}
