//! Models that cannot be used are refused in words.

use sightwire_engine::EngineError;
use sightwire_infer::landmarks::{HandModel, HandModelError, HandService};
use sightwire_models::manifest::Manifest;
use sightwire_tflite::op::Activation;
use sightwire_tflite::write::Net;

use crate::show::options;
use crate::{model, networks};

/// Loads and starts a model of these files; why it is refused.
fn refused(palm: &[u8], hand: &[u8]) -> HandModelError {
    let (_home, store) = model::store(&[("palm", palm), ("hand", hand)]);
    let loaded = HandModel::load(&store, &store.manifest(model::NAME).unwrap());
    match loaded {
        Ok(model) => HandService::start(model, model::engine(), options()).unwrap_err(),
        Err(error) => error,
    }
}

fn says(error: &HandModelError, parts: &[&str]) {
    let text = error.to_string();
    for part in [model::NAME].iter().chain(parts) {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[test]
fn a_network_in_the_place_of_the_other_is_refused() {
    let (palm, hand) = (networks::palm(), networks::hand());
    let both = refused(&hand, &palm);
    assert!(matches!(both, HandModelError::Convert { .. }), "{both:?}");
    says(&both, &["hand.tflite", "2"]);
    let error = refused(&palm, &palm);
    says(&error, &["hand.tflite"]);
    let error = refused(&hand, &hand);
    assert!(matches!(error, HandModelError::Engine { error: EngineError::Shape { .. }, .. }), "{error:?}");
    says(&error, &["palm.tflite", "[1, 3, 192, 192]", "[1, 3, 224, 224]"]);
}

#[test]
fn another_input_or_output_is_refused() {
    let palm = networks::palm();
    let net = |side: usize, values: usize| {
        let mut net = Net::new([1, side, side, 3]);
        let mean = net.mean(net.input(), &[1, 2, 3], false);
        let list = |net: &mut Net, values: usize| {
            let weights = sightwire_tflite::write::Array::from_fn(&[values, 1], |_| 1.0);
            net.fully_connected(mean, &weights, None, Activation::None)
        };
        let outputs = [values, 1, 1, 63].map(|values| list(&mut net, values));
        net.finish(&outputs)
    };
    let error = refused(&palm, &net(96, 63));
    says(&error, &["hand.tflite", "96"]);
    let error = refused(&palm, &net(224, 42));
    says(&error, &["hand.tflite", "[1, 128]", "[1, 107]"]);
}

#[test]
fn what_is_no_network_or_a_broken_one_is_refused() {
    let (palm, hand) = (networks::palm(), networks::hand());
    says(&refused(&palm, b"this is no network"), &["hand.tflite"]);
    says(&refused(&palm, &[]), &["hand.tflite"]);
    says(&refused(&palm[..palm.len() / 2], &hand), &["palm.tflite"]);
}

#[test]
fn a_file_that_is_not_the_manifests_or_not_there_is_refused() {
    let (palm, hand) = (networks::palm(), networks::hand());
    let (_home, store) = model::store(&[("palm", &palm), ("hand", &hand)]);
    let manifest = store.manifest(model::NAME).unwrap();
    let path = store.file_path(model::NAME, "hand.tflite");
    std::fs::write(&path, &palm).unwrap();
    says(&HandModel::load(&store, &manifest).unwrap_err(), &["hand.tflite"]);
    std::fs::remove_file(&path).unwrap();
    let error = HandModel::load(&store, &manifest).unwrap_err();
    assert!(matches!(error, HandModelError::Store(_)), "{error:?}");
    says(&error, &["hand.tflite"]);
}

#[test]
fn a_model_for_something_else_is_refused() {
    let (palm, hand) = (networks::palm(), networks::hand());
    let (_home, store) = model::store(&[("palm", &palm), ("hand", &hand)]);
    let error = HandModel::load(&store, &store.manifest("gestures").unwrap()).unwrap_err();
    assert!(error.to_string().contains("gestures is for clip-classification"), "{error}");
    let text = model::manifest(&[("pose", &hand)]).replace("of = \"hands\"", "of = \"pose\"");
    let error = HandModel::load(&store, &Manifest::parse(&text, "test").unwrap()).unwrap_err();
    assert!(matches!(error, HandModelError::WrongTask { .. }), "{error:?}");
    let text = model::manifest(&[("palm", &palm)]);
    let error = Manifest::parse(&text, "test").unwrap_err().to_string();
    assert!(error.contains("hand"), "{error}");
}
