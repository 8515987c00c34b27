use sightwire_base::captured;
use sightwire_hub::delivery::Delivery;
use sightwire_hub::stream::State;

use super::*;

fn arrival(kind: ViewerKind) -> NewViewer {
    let who = Some(Known::new("the key 7 (\"gate\")", "gate"));
    NewViewer {
        peer: None,
        who,
        proxied: false,
        kind,
        page: None,
        beside: false,
        endpoint: "/stream",
        connection: None,
    }
}

#[test]
fn one_too_many_is_refused_and_a_place_is_free_again_when_its_viewer_leaves() {
    let (viewers, stream) = (Viewers::new(PerUse { cameras: 1, relay: 1, processes: 0 }), Arc::from("a"));
    let admission = viewers.admit(arrival(ViewerKind::Mjpeg)).unwrap();
    let watch = admission.watch_stream(&stream);
    assert!(viewers.admit(arrival(ViewerKind::Events)).is_none());
    assert!(viewers.admit(arrival(ViewerKind::Relay)).is_some(), "another use has places of its own");
    assert_eq!((viewers.watcher_count("a"), viewers.watcher_count("b")), (1, 0));
    drop(admission);
    assert!(viewers.admit(arrival(ViewerKind::Mjpeg)).is_none(), "it still watches");
    drop(watch);
    assert!(viewers.admit(arrival(ViewerKind::Mjpeg)).is_some());
    assert_eq!((viewers.admitted_counts().cameras, viewers.refused_counts().cameras), (2, 2));
}

#[test]
fn the_log_tells_who_has_come_who_has_gone_why_and_how_many_remain() {
    let (log, viewers, gate) = (
        captured::capture_log(),
        Viewers::new(PerUse { cameras: 2, relay: 1, processes: 0 }),
        Arc::from("gate"),
    );
    let come = |kind| {
        let peer = Some("192.0.2.7:5000".parse().unwrap());
        viewers.admit(NewViewer { peer, ..arrival(kind) })
    };
    let [first, second] = [ViewerKind::Mjpeg, ViewerKind::Events].map(|kind| come(kind).unwrap());
    let watches = [first.watch_stream(&gate), second.watch_stream(&gate)];
    assert!(come(ViewerKind::Mjpeg).is_none());
    let relay = come(ViewerKind::Relay).unwrap();
    first.viewer().set_end_reason("it took no pictures in time");
    second.viewer().send_away();
    drop((watches, first, second, relay));
    let come = log.lines_with("a viewer has come");
    assert_eq!(come.len(), 3);
    for part in ["viewer=2", "stream=\"gate\"", "from=\"192.0.2.7:5000\"", "who=\"the key 7", "viewers=2"] {
        assert!(come[1].contains(part), "{part} in {}", come[1]);
    }
    let refused = log.lines_with("a viewer is refused: 2 are there");
    assert!(refused.len() == 1 && refused[0].contains("who=\"the key 7"), "{refused:?}");
    let gone = log.lines_with("a viewer has gone");
    assert!(gone[0].contains("it took no pictures in time") && gone[0].contains("viewers=0"), "{gone:?}");
    assert!(gone[1].contains("it was sent away"), "{gone:?}");
    assert!(gone[2].contains("it has left") && !gone[2].contains(" stream="), "{gone:?}");
}

#[test]
fn a_viewer_of_many_streams_counts_for_each_of_them() {
    let viewers = Viewers::new(PerUse { cameras: 0, relay: 1, processes: 0 });
    let (a, b): (Arc<str>, Arc<str>) = (Arc::from("a"), Arc::from("b"));
    let admission = viewers.admit(arrival(ViewerKind::Relay)).unwrap();
    let (first, _second) = (admission.watch_stream(&a), admission.watch_stream(&b));
    assert_eq!((viewers.watcher_count("a"), viewers.watcher_count("b")), (1, 1));
    drop(first);
    assert_eq!((viewers.watcher_count("a"), viewers.watcher_count("b")), (0, 1));
}

#[test]
fn what_a_viewer_that_hangs_does_not_get_is_missed_at_once() {
    let viewers = Viewers::new(PerUse { cameras: 0, relay: 1, processes: 0 });
    let (stream, mut producer) = Stream::new("a", Instant::now());
    producer.set_state(State::new(Condition::Running, None, Instant::now()));
    let mut publish = |count| (0..count).for_each(|_| producer.publish_jpeg(vec![0].into(), Instant::now()));
    publish(10);
    let admission = viewers.admit(arrival(ViewerKind::Relay)).unwrap();
    let watch = admission.watch_stream(stream.id());
    watch.expect_every_picture(stream.clone());
    assert_eq!(admission.viewer().counts()[2], 0, "what was there before it came");
    publish(1);
    assert_eq!(admission.viewer().counts()[2], 0, "it is on its way");
    publish(4);
    assert_eq!(admission.viewer().counts()[2], 4);
    watch.record_taken(15);
    admission.viewer().delivered().add(Delivery { bytes: 1, missed: 4, age: Duration::ZERO });
    assert_eq!(admission.viewer().counts()[2], 4, "counted once");
}

#[test]
fn whoever_is_sent_away_hears_of_it() {
    let viewers = Viewers::new(PerUse { cameras: 1, relay: 0, processes: 0 });
    let admission = viewers.admit(arrival(ViewerKind::Mjpeg)).unwrap();
    assert!(viewers.get(admission.viewer().id() + 1).is_none());
    viewers.get(admission.viewer().id()).unwrap().send_away();
    assert!(admission.viewer().end_token().is_cancelled());
}

#[test]
fn whoever_hears_of_what_they_see_is_one_viewer_and_goes_as_one() {
    let viewers = Viewers::new(PerUse { cameras: 4, relay: 0, processes: 0 });
    let (gate, yard): (Arc<str>, Arc<str>) = (Arc::from("gate"), Arc::from("yard"));
    let page = |name: &str| Some(Box::from(name));
    let sees = viewers.admit(NewViewer { page: page("a"), ..arrival(ViewerKind::Mjpeg) }).unwrap();
    let hears = |of: &str| {
        let arrival = NewViewer { page: page(of), beside: true, ..arrival(ViewerKind::Events) };
        viewers.admit(arrival).unwrap()
    };
    let (own, another) = (hears("a"), hears("b"));
    let watch = sees.watch_stream(&gate);
    let others = [&own, &another].map(|admission| admission.watch_stream(&gate));
    // A client that only says it belongs to a page, and sees nothing, is a viewer as any other.
    assert_eq!(
        (viewers.watcher_count("gate"), viewers.all().len(), viewers.stream_viewers("gate").len()),
        (2, 2, 2)
    );
    assert_eq!(viewers.current_counts().cameras, 2);
    let elsewhere = hears("a");
    let other_stream = elsewhere.watch_stream(&yard);
    assert_eq!(
        (viewers.watcher_count("yard"), viewers.current_counts().cameras),
        (1, 3),
        "of another stream"
    );
    assert!(viewers.admit(arrival(ViewerKind::Mjpeg)).is_none(), "each connection takes a place");

    assert_eq!(viewers.send_away(sees.viewer().id()).unwrap().id(), sees.viewer().id());
    let gone = [&own, &another, &elsewhere].map(|admission| admission.viewer().end_token().is_cancelled());
    assert_eq!(gone, [true, false, false]);
    assert!(viewers.send_away(99).is_none());
    drop((watch, sees));
    assert_eq!(viewers.watcher_count("gate"), 2, "it sees nothing any more");
    drop((others, other_stream, own, another, elsewhere));
    assert_eq!((viewers.watcher_count("gate"), viewers.current_counts().cameras), (0, 0));
}
