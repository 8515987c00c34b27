//! The slot of a model.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::bail;
use shuttle::future::block_on;
use shuttle::thread;
use sightwire_interleavings::slot::{ModelSlot, State};

use crate::orders::in_every_order;

/// What each of this many gets who ask for a model at the same time, and how often it was loaded.
fn ask(
    askers: usize,
    load: impl Fn(&ModelSlot<u32>) -> anyhow::Result<()> + Copy + Send + 'static,
) -> (Vec<State<u32>>, usize) {
    let (slot, loads) = (ModelSlot::default(), Arc::new(AtomicUsize::new(0)));
    let asks = || {
        let (slot, loads) = (slot.clone(), loads.clone());
        thread::spawn(move || {
            slot.spawn_load(move |slot| {
                loads.fetch_add(1, Ordering::Relaxed);
                load(slot)
            });
            block_on(slot.wait_settled(true))
        })
    };
    let asked: Vec<_> = (0..askers).map(|_| asks()).collect();
    let got = asked.into_iter().map(|asker| asker.join().unwrap()).collect();
    (got, loads.load(Ordering::Relaxed))
}

#[test]
fn a_model_that_cannot_be_had_is_tried_once_and_all_who_wait_are_told_why() {
    in_every_order(5, || {
        let (got, loads) = ask(2, |_| bail!("no such file"));
        let told = |state: &State<u32>| matches!(state, State::Failed(failure) if &*failure.reason == "no such file");
        assert!(got.iter().all(told), "{got:?}");
        assert_eq!(loads, 1);
    });
}

#[test]
fn a_model_is_loaded_once_and_all_who_wait_get_it() {
    in_every_order(5, || {
        let (got, loads) = ask(2, |slot| {
            slot.set_ready(7);
            Ok(())
        });
        assert!(got.iter().all(|state| matches!(state, State::Ready(7))), "{got:?}");
        assert_eq!(loads, 1);
    });
}

#[test]
fn who_does_not_wait_for_files_is_told_that_they_are_fetched_or_what_came_of_it() {
    in_every_order(5, || {
        let slot = ModelSlot::default();
        slot.spawn_load(|slot| {
            slot.set_fetching("weights", None);
            slot.set_loading();
            slot.set_ready(7);
            Ok(())
        });
        let early = block_on(slot.wait_settled(false));
        assert!(matches!(early, State::Fetching { .. } | State::Ready(7)), "{early:?}");
        assert!(matches!(block_on(slot.wait_settled(true)), State::Ready(7)));
    });
}

#[test]
fn a_model_that_fails_after_it_was_ready_stays() {
    in_every_order(5, || {
        let (got, _) = ask(2, |slot| {
            slot.set_ready(7);
            bail!("how it runs fastest was not measured")
        });
        assert!(got.iter().all(|state| matches!(state, State::Ready(7))), "{got:?}");
    });
}

#[test]
fn one_is_put_in_the_place_of_the_one_that_is_meant_and_of_no_other() {
    in_every_order(5, || {
        let slot = ModelSlot::default();
        slot.set_ready(0);
        let replaces = [1, 2].map(|model| {
            let slot = slot.clone();
            thread::spawn(move || slot.replace(|now| *now == 0, model))
        });
        let replaced = replaces.map(|replace| replace.join().unwrap());
        assert!(replaced[0] != replaced[1], "{replaced:?}");
        let stays = if replaced[0] { 1 } else { 2 };
        assert!(matches!(slot.state(), State::Ready(model) if model == stays));
    });
}
