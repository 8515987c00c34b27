//! Hands and shoulders with networks that are run elsewhere, for which pixels go as bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use sightwire_engine::remote::{Offered, Output, RemoteNetworks, Report, Task};
use sightwire_engine::{Engine, NetworkSpec, Session};
use sightwire_hands::shape::Shape;
use sightwire_infer::landmarks::{HandModel, HandService, trial_subjects};
use sightwire_models::store::Store;

use crate::drawn::{Drawn, draw_person};
use crate::model::{self, NAME, POSE};
use crate::networks;
use crate::show::{HEIGHT, Show, WIDTH, options};

/// Runs them with another engine, after what becomes of their input on the way there.
struct Other {
    engine: Arc<Engine>,
    store: Store,
    sessions: Mutex<BTreeMap<String, Session>>,
    runs: Mutex<BTreeMap<String, u32>>,
}

impl RemoteNetworks for Other {
    fn takes_task(&self, task: Task) -> bool {
        task == Task::Hands
    }

    fn run(
        &self,
        network: &Arc<Offered>,
        shape: &[usize],
        values: &[f32],
        expected: &[Option<usize>],
    ) -> Option<Output> {
        let levels = network.terms.levels.unwrap();
        let there: Vec<f32> =
            values.iter().map(|value| levels.values()[usize::from(levels.to_byte(*value))]).collect();
        *self.runs.lock().entry(network.name.clone()).or_default() += 1;
        let mut sessions = self.sessions.lock();
        let session = sessions.entry(network.name.clone()).or_insert_with(|| {
            let (model, _) = network.name.split_once('.').unwrap();
            let all = trial_subjects(&self.store, &self.store.manifest(model).unwrap()).unwrap();
            let mut found = all.into_iter().map(|subject| subject.network);
            let found = found.find(|found| found.as_offered().unwrap() == **network).unwrap();
            let output = expected.iter().map(|size| size.unwrap()).collect();
            let spec = NetworkSpec { network: &found, symbol: None, batch: 1, input: shape.to_vec(), output };
            self.engine.session(&spec).unwrap()
        });
        let read = |shape: &[i64], values: &[f32]| Output { shape: shape.to_vec(), values: values.to_vec() };
        let output = session.run_shaped(&there, read).unwrap();
        output.check_shape(expected).unwrap();
        Some(output)
    }

    fn report(&self) -> Vec<Report> {
        Vec::new()
    }
}

impl fmt::Debug for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Other")
    }
}

#[test]
fn hands_and_shoulders_are_where_they_are_also_when_pixels_go_as_bytes() {
    let (_home, store) = model::store(&[("palm", &networks::palm()), ("hand", &networks::hand())]);
    model::write_pose(&store.models(), &networks::body());
    let other = Arc::new(Other {
        engine: model::engine(),
        store: store.clone(),
        sessions: Mutex::default(),
        runs: Mutex::default(),
    });
    let engine = Arc::into_inner(model::engine()).unwrap().with_remote(Some(other.clone()));
    assert!(engine.runs_remotely(Task::Hands) && !engine.runs_remotely(Task::Signs));
    let load = || HandModel::load(&store, &store.manifest(NAME).unwrap()).unwrap();
    let there = HandService::start(load(), Arc::new(engine), options()).unwrap();
    let here = HandService::start(load(), model::engine(), options()).unwrap();
    let hand = Drawn::new(Shape::OpenPalm, [150.0, 220.0], 48.0);
    let picture = draw_person(&[hand], [[420.0, 320.0], [230.0, 325.0]], WIDTH, HEIGHT);
    let [mut elsewhere, mut local] = [Show::new(&there), Show::new(&here)];
    for _ in 0..10 {
        let (found, expected) =
            (elsewhere.picture(picture.clone()).sight, local.picture(picture.clone()).sight);
        assert_eq!((found.hands.len(), found.shoulders.is_some()), (1, expected.shoulders.is_some()));
        let pairs = found.hands[0].hand.points.iter().zip(&expected.hands[0].hand.points);
        let most = pairs.map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).fold(0.0, f32::max);
        assert!(most < 0.03 * hand.palm, "a joint is {most} px away");
    }
    let runs = other.runs.lock().clone();
    let names: Vec<_> = runs.keys().map(String::as_str).collect();
    assert_eq!(names, [&*format!("{NAME}.hand"), &*format!("{NAME}.palm"), &*format!("{POSE}.pose")]);
    assert!(runs.values().all(|runs| *runs > 0), "{runs:?}");
}
