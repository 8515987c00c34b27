use super::*;
use crate::sign::packet::Encoding;

const MS: Duration = Duration::from_millis(1);

struct Rig {
    session: Session,
    shared: Arc<Shared>,
    start: Instant,
}

/// One client at 10 fps: 1 s of warm-up, 2 s measured.
fn rig(extras: bool) -> Rig {
    let (_, plan) = watch::channel(None);
    let jpeg = Bytes::from_static(b"jpeg");
    let shared = Arc::new(Shared {
        target: Target::parse("http://127.0.0.1:1", false).unwrap(),
        messages: vec![FrameMessage::new(&jpeg, Encoding::Base64)],
        fps: 10.0,
        clients: 1,
        extras,
        clockwork: Clockwork::start().unwrap(),
        recorder: Recorder::new().unwrap(),
        plan,
    });
    let start = Instant::now();
    let session = Session::new(shared.clone(), 0, start);
    Rig { session, shared, start }
}

fn ready(extras: bool) -> Rig {
    let mut rig = rig(extras);
    assert_eq!(rig.session.on_text(r#"42["status",{"message":"ready"}]"#, rig.start), Reaction::Ready);
    let s = Duration::from_secs;
    rig.session.set_plan(Some(Plan::new(rig.start, s(1), s(0), s(2), s(5))));
    rig
}

impl Rig {
    fn send(&mut self, frames: u64) {
        for _ in 0..frames {
            let due = self.session.next_due().unwrap();
            assert!(self.session.take_due(due).is_some());
        }
    }

    fn reply(&mut self, body: &str, at: Instant) {
        let _ = self.session.on_text(&format!(r#"42["prediction",{{"label":"x","score":1{body}}}]"#), at);
    }
}

#[test]
fn the_handshake_is_answered_as_the_official_client_does() {
    let mut rig = rig(true);
    let open = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1}"#;
    assert_eq!(
        rig.session.on_text(open, rig.start),
        Reaction::Send(Bytes::from_static(br#"40{"extras":true}"#))
    );
    assert_eq!(rig.session.on_text("40{}", rig.start), Reaction::None);
    assert_eq!(rig.session.on_text("2", rig.start), Reaction::Send(Bytes::from_static(b"3")));
}

#[test]
fn nothing_is_sent_before_its_time_and_all_of_it_in_the_end() {
    let mut rig = ready(false);
    assert!(rig.session.take_due(rig.start).is_some());
    assert!(rig.session.take_due(rig.start + 99 * MS).is_none());
    // The socket was blocked for a second: the missed frames follow, each with its own lateness.
    let late = rig.start + 1100 * MS;
    let mut sent = 0;
    while rig.session.take_due(late).is_some() {
        sent += 1;
    }
    assert_eq!(sent, 11);
    assert_eq!(rig.shared.recorder.measured_delays().lateness.percentiles().count, 2);
}

#[test]
fn delays_count_from_the_due_time_even_if_the_frame_left_late() {
    let mut rig = ready(false);
    rig.send(10);
    let late = rig.start + 1500 * MS;
    assert!(rig.session.take_due(late).is_some(), "frame 10, due at 1000 ms");
    for _ in 0..11 {
        rig.reply("", late + 10 * MS);
    }
    let measured = rig.shared.recorder.measured_delays();
    assert!((measured.reply_from_due.percentiles().max - 510.0).abs() < 1.0);
    assert!((measured.reply_from_send.percentiles().max - 10.0).abs() < 0.1);
    assert_eq!(measured.reply_from_due.percentiles().count, 1);
}

#[test]
fn missing_extra_and_reordered_replies_are_counted() {
    let mut rig = ready(true);
    rig.send(4);
    let at = rig.start + 500 * MS;
    rig.reply(r#","id":2"#, at);
    rig.reply(r#","id":1"#, at);
    rig.reply(r#","id":2"#, at);
    rig.reply(r#","id":4"#, at);
    let outcome = rig.session.finish(at);
    let tally = outcome.tally;
    assert_eq!((tally.sent, tally.replied, tally.missing()), (4, 3, 1));
    assert_eq!((tally.extra, tally.out_of_order), (1, 1));
    assert_eq!(tally.unsent, 2, "frames 4 and 5 were due at 400 and 500 ms");
}

#[test]
fn an_unanswered_frame_makes_the_percentiles_worse_not_better() {
    let mut rig = ready(false);
    rig.send(30);
    for _ in 0..29 {
        rig.reply("", rig.start + 3000 * MS);
    }
    let give_up = rig.start + 8000 * MS;
    rig.session.last_heard = give_up;
    assert_eq!(rig.session.check_time(give_up), Reaction::Over);
    let outcome = rig.session.finish(give_up);
    assert_eq!(outcome.end, End::Left);
    assert_eq!(outcome.tally.missing(), 1);
    let delays = rig.shared.recorder.measured_delays().reply_from_due.percentiles();
    assert_eq!(delays.count, 20);
    assert!((delays.max - 5100.0).abs() < 10.0, "{delays:?}");
}

#[test]
fn frames_outside_of_every_window_are_counted_as_unseen() {
    let mut rig = ready(true);
    let _ = rig.session.on_text(r#"42["model",{"window":3}]"#, rig.start);
    rig.send(20);
    let at = rig.start + 2000 * MS;
    let mut result = |seen: u64| {
        let text = format!(r#"42["result",{{"label":"x","score":1,"seen":{seen},"age_ms":2.5}}]"#);
        let _ = rig.session.on_text(&text, at);
    };
    // Frames 11 to 20 are measured; windows 11..=13 and 16..=18 leave out 14 and 15, and 19, 20 wait.
    result(13);
    result(18);
    let tally = rig.session.finish(at).tally;
    assert_eq!((tally.measured_seen, tally.measured_unseen), (6, 2));
    assert_eq!(tally.measured_results, 2);
    assert_eq!(rig.shared.recorder.measured_delays().result_age.percentiles().count, 2);
}

#[test]
fn a_refusal_is_not_a_failure() {
    let mut refused = rig(false);
    let text = r#"42["error",{"message":"Server at capacity, please try again later"}]"#;
    assert_eq!(refused.session.on_text(text, refused.start), Reaction::Over);
    assert!(refused.session.is_leaving());
    assert_eq!(refused.session.finish(refused.start).end, End::Refused);
    let mut cut = ready(false);
    assert_eq!(cut.session.on_text("41", cut.start), Reaction::Over);
    assert!(!cut.session.is_leaving());
    assert!(matches!(cut.session.finish(cut.start).end, End::Lost(_)));
}

#[test]
fn a_silent_server_ends_the_session() {
    let mut rig = ready(false);
    let open = r#"0{"sid":"a","upgrades":[],"pingInterval":100,"pingTimeout":50,"maxPayload":1}"#;
    let _ = rig.session.on_text(open, rig.start);
    assert_eq!(rig.session.next_check(), rig.start + 150 * MS);
    assert_eq!(rig.session.check_time(rig.start + 149 * MS), Reaction::None);
    assert_eq!(rig.session.check_time(rig.start + 150 * MS), Reaction::Over);
    assert!(matches!(rig.session.finish(rig.start + 150 * MS).end, End::Lost(_)));
}
