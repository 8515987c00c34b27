//! Everything that can be seen of the server, once a second while somebody looks: whole at first, then what has changed.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use sightwire_api::live::{
    FullType, Live as Everything, LiveFull, LivePatch, LiveProcess, LiveServer, PatchType,
};
use sightwire_live::Streams;
use sightwire_live::relay::Relay;
use sightwire_measure::clock;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Telemetry, process, unix_s};

/// From one edition to the next.
const EVERY: Duration = Duration::from_secs(1);

/// Makes editions while there are readers.
#[derive(Debug)]
pub struct Live {
    telemetry: Arc<Telemetry>,
    streams: Arc<Streams>,
    relay: Arc<Relay>,
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
    pub data: Value,
    /// What has changed since the edition before: a JSON merge patch (RFC 7386), as a message.
    pub patch: String,
}

impl Live {
    /// Makes no editions before [`Self::run`].
    pub fn new(
        telemetry: Arc<Telemetry>,
        (streams, relay): (Arc<Streams>, Arc<Relay>),
        max_connections: usize,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let newest = watch::Sender::new(Arc::default());
        Arc::new(Self { telemetry, streams, relay, newest, max_connections, stop })
    }

    /// The newest edition, and those to come.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Edition>> {
        self.newest.subscribe()
    }

    /// Makes editions until the server stops.
    pub async fn run(self: Arc<Self>) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            if self.newest.receiver_count() > 0 {
                let before = self.newest.borrow().clone();
                self.newest.send_replace(Arc::new(before.next(self.data())));
            } else if self.newest.borrow().version > 0 {
                // Nobody is to see what was true a while ago.
                self.newest.send_replace(Arc::default());
            }
        }
    }

    fn data(&self) -> Value {
        let (now, all) = (clock::now(), &self.streams);
        let (process, rates) = (process::usage(), self.telemetry.rates());
        let (upstreams, viewers) = (all.upstreams(), all.viewers.all());
        let streams =
            upstreams.iter().map(|stream| (stream.stream.id().to_string(), all.stream_report(stream)));
        let viewers = viewers.iter().map(|viewer| (viewer.id().to_string(), viewer.report(now)));
        let everything = Everything {
            cameras: all.report(),
            may_manage: false,
            process: LiveProcess {
                connections: self.telemetry.connections().open,
                cpu_percent: (rates.cpu_percent * 10.0).round() / 10.0,
                max_connections: self.max_connections,
                memory_bytes: process.memory_bytes,
                threads: process.threads,
            },
            relay: self.relay.report(),
            server: LiveServer {
                uptime_s: self.telemetry.uptime().as_secs_f64().round(),
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
    /// All of it, as a message to one who may or may not manage this server.
    pub fn full(&self, why_not: Option<&str>) -> String {
        let mut data = self.data.clone();
        data["may_manage"] = why_not.is_none().into();
        if let Some(why_not) = why_not {
            data["why_not"] = why_not.into();
        }
        message(&LiveFull { data, kind: FullType::default(), version: self.version })
    }

    fn next(&self, data: Value) -> Self {
        let version = self.version + 1;
        let patch = changes(&self.data, &data).unwrap_or_else(|| Map::new().into());
        let patch = message(&LivePatch { data: patch, kind: PatchType::default(), version });
        Self { version, data, patch }
    }
}

/// As it is sent.
fn message(message: &impl Serialize) -> String {
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
fn changes(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return Some(new.clone()) };
    let gone = old.keys().filter(|key| !new.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let changed = new.iter().filter_map(|(key, value)| {
        let before = old.get(key).unwrap_or(&Value::Null);
        changes(before, value).map(|change| (key.clone(), change))
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
            if let Some(patch) = changes(&old, &new) {
                merge(&mut merged, &patch);
            }
            prop_assert_eq!(merged, new);
        }
    }

    #[test]
    fn only_what_has_changed_is_said() {
        let (old, new) = (json!({"a": {"x": 1, "y": 2}, "b": 3}), json!({"a": {"x": 1, "y": 5}, "c": 4}));
        assert_eq!(changes(&old, &new), Some(json!({"a": {"y": 5}, "b": null, "c": 4})));
        assert_eq!(changes(&old, &old), None);
        assert_eq!(without_null(json!({"a": null, "b": [{"c": null, "d": 1}]})), json!({"b": [{"d": 1}]}));
    }
}
