use std::time::Duration;

use sightwire_api::cluster::ClusterState;
use sightwire_api::stream::Stream;

use super::*;
use crate::client::{ReadError, Reading};
use crate::monitor::Action;
use crate::stub;

const SIZES: [(u16, u16); 3] = [(60, 15), (80, 24), (160, 50)];

fn monitor(reading: &Reading, viewers: usize) -> Monitor {
    let mut monitor = Monitor::new("http://127.0.0.1:8000".parse().unwrap(), Duration::from_secs(1));
    for _ in 0..3 {
        monitor.apply_answer(Ok(reading.clone()), Instant::now());
    }
    if let Some(id) = monitor.selected_id().map(str::to_owned) {
        monitor.apply_detail(id, Some(stub::sample_detail(viewers)));
    }
    monitor
}

fn screen(monitor: &Monitor, (width, height): (u16, u16), scroll: &mut Scroll, now: Instant) -> Vec<String> {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(_) = terminal.draw(|frame| draw_monitor(frame, monitor, scroll, now));
    buffer_lines(terminal.backend())
}

fn shown(monitor: &Monitor, size: (u16, u16)) -> String {
    screen(monitor, size, &mut Scroll::default(), Instant::now()).join("\n")
}

#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn the_numbers_that_matter_are_on_the_smallest_screen() {
    for size in SIZES {
        for streams in [0, 1, 40] {
            let text = shown(&monitor(&stub::sample_reading(streams), 2), size);
            assert_has(&text, &["CPU 145 %", "123 MB", "17 of 2000", "wlasl20", "yolox-nano", "q quit"]);
            match streams {
                0 => assert_has(&text, &["No camera is open", "http://127.0.0.1:8000"]),
                _ => assert_has(
                    &text,
                    &["● live", "Camera 00", "19.9", "p95 ms", "333", "lost %", "192.168.100.0"],
                ),
            }
        }
    }
}

#[test]
fn wide_screens_say_more() {
    let text = shown(&monitor(&stub::sample_reading(40), 40), (160, 50));
    let more = ["1920×1080", "yolox-nano 5.0/s: 3 car, 1 person", "delay p50/p95 12/31 ms", "▲ stalled 7 s"];
    assert_has(&text, &more);
    assert_has(
        &text,
        &["Camera 00 at the long gate behind the house", "… and ", "viewers 12 of 1000", "3 h 5 min"],
    );
    let medium = shown(&monitor(&stub::sample_reading(1), 1), (80, 24));
    assert_has(&medium, &["1920×1080", "cameras     open 2 of 5", "relay       streams 4 of 64", "original"]);
}

#[test]
fn other_processes_have_a_line_where_there_are_some_and_on_the_smallest_screen_where_something_is_wrong() {
    let mut reading = stub::sample_reading(1);
    for size in SIZES {
        assert!(!shown(&monitor(&reading, 1), size).contains("cluster"), "it is alone");
    }
    reading.status.cluster = Some(stub::sample_cluster());
    assert!(!shown(&monitor(&reading, 1), SIZES[0]).contains("cluster"));
    assert_has(
        &shown(&monitor(&reading, 1), SIZES[1]),
        &["cluster     ● connected  processes 3 of 3  elsewhere 7  pulls 2  in  3.2 MB/s"],
    );
    let cluster = reading.status.cluster.as_mut().unwrap();
    (cluster.state, cluster.since_s) = (ClusterState::Away, 12.3);
    cluster.reason = Some("nothing listens at 10.0.0.9:6379".into());
    for size in SIZES {
        assert_has(&shown(&monitor(&reading, 1), size), &["cluster     ▲ away 12 s"]);
    }
    assert_has(&shown(&monitor(&reading, 1), SIZES[1]), &["nothing listens at"]);
    assert_has(&shown(&monitor(&reading, 1), SIZES[2]), &["nothing listens at 10.0.0.9:6379"]);
}

/// Its line and those below, as far as they are of a cluster.
fn of_cluster(text: &str) -> Vec<&str> {
    let lines = text.lines().skip_while(|line| !line.starts_with("cluster"));
    lines.take_while(|line| !line.is_empty()).collect()
}

#[test]
fn each_process_has_a_line_with_what_it_has_and_what_is_wrong_with_it() {
    let mut reading = stub::sample_reading(40);
    let mut cluster = stub::sample_cluster();
    cluster.processes[1].reason = Some("this process cannot reach it: no connection".into());
    reading.status.cluster = Some(cluster);
    let text = shown(&monitor(&reading, 9), (100, 30));
    let expected = [
        "cluster     ● connected  processes 2 of 3  streams elsewhere 7  watched from there 2  in  3.2 MB/s",
        "process      state         streams cameras capacity",
        "b            ▲ unreachable       0       0        – this process cannot reach it: no connection",
        "c            ◌ draining          0       0        –",
        "a (this one) ● connected         4       2     62.5",
    ];
    assert_eq!(of_cluster(&text), expected, "{text}");
    // Where there is no room beside it, it stands above.
    let narrow = shown(&monitor(&reading, 9), (60, 24));
    assert_has(&narrow, &["b: this process", "a (this one) ● connected         4       2     62.5"]);
}

#[test]
fn the_selected_stream_says_which_process_has_it() {
    let mut reading = stub::sample_reading(1);
    assert!(!shown(&monitor(&reading, 9), (100, 30)).contains(" at b"));
    let streams = reading.streams.as_mut().unwrap();
    for stream in streams {
        stream.process = Some("b".into());
    }
    let text = shown(&monitor(&reading, 9), (100, 30));
    assert!(text.lines().any(|line| line.starts_with("── ") && line.contains(" at b ")), "{text}");
}

#[test]
fn processes_leave_two_thirds_of_the_screen_and_enough_for_the_selected_stream() {
    let mut reading = stub::sample_reading(40);
    reading.status.cluster = Some(stub::cluster_of(40));
    let monitor = monitor(&reading, 9);
    for height in 21..80 {
        let text = shown(&monitor, (100, height));
        let taken = of_cluster(&text);
        assert!(taken.len() <= usize::from(height) / 3, "{text}");
        assert_has(&text, &["── Camera 00", "quality"]);
        let named = taken.iter().filter(|line| line.starts_with("process-")).count();
        let hidden = format!("… and {} more", 40 - named);
        assert!(taken.len() == 1 || taken.last() == Some(&&*hidden), "{text}");
    }
    assert_eq!(of_cluster(&shown(&monitor, (100, 50))).len(), 16, "all that it may");
    let all = render_plain(&monitor, 100, 200, Instant::now());
    assert_has(&all, &["process-39 ● connected"]);
}

#[test]
fn states_are_words_and_never_only_colours() {
    let text = shown(&monitor(&stub::sample_reading(5), 0), (80, 24));
    assert_has(
        &text,
        &["● live", "▲ stalled 7 s", "■ frozen 7 s", "◌ connecting", "× ended 7 s", "no viewers now"],
    );
}

#[test]
fn the_selected_stream_is_in_sight_and_marked_wherever_it_is() {
    let mut monitor = monitor(&stub::sample_reading(40), 0);
    let mut scroll = Scroll::default();
    for action in [Action::Last, Action::Move(-20), Action::First] {
        monitor.apply_action(action);
        let text = screen(&monitor, (60, 15), &mut scroll, Instant::now()).join("\n");
        let name = format!("Camera {:02}", monitor.selected().unwrap());
        let line = text.lines().find(|line| line.starts_with('›')).unwrap();
        assert_has(line, &[&name]);
        assert_has(&text, &[&format!("── {name}")]);
    }
}

#[test]
fn numbers_stand_below_each_other_and_names_never_push_them() {
    let mut reading = stub::sample_reading(3);
    let streams = reading.streams.as_mut().unwrap();
    streams[0].name = "車庫の後ろの門の車庫の後ろの門".into();
    streams[1].name = "b".into();
    streams[1].fps = 5.0;
    streams[2].fps = 123.4;
    for size in SIZES {
        let Ok(mut terminal) = Terminal::new(TestBackend::new(size.0, size.1));
        let monitor = monitor(&reading, 0);
        let Ok(_) =
            terminal.draw(|frame| draw_monitor(frame, &monitor, &mut Scroll::default(), Instant::now()));
        let buffer = terminal.backend().buffer();
        let rows: Vec<u16> =
            (0..size.1).filter(|y| ["●", "▲", "■"].contains(&buffer[(2, *y)].symbol())).take(3).collect();
        assert_eq!(rows.len(), 3);
        // The last character of each rate.
        let ends = ["0", "4", "9"];
        let below = |x: &u16| rows.iter().zip(ends).all(|(y, end)| buffer[(*x, *y)].symbol() == end);
        assert!((20..size.0).any(|x| below(&x)), "{size:?}");
    }
}

#[test]
fn what_a_server_does_not_say_is_a_dash() {
    let mut reading = stub::sample_reading(0);
    reading.status.recognizer.delay_ms.p50 = None;
    reading.streams = Some(vec![Stream { id: "only".into(), ..Default::default() }]);
    for size in SIZES {
        let text = shown(&monitor(&reading, 0), size);
        assert_has(&text, &["◌ connecting", "only", "0.0", "–      –", "delay p50    – ms"]);
    }
    assert_has(&shown(&monitor(&reading, 0), (160, 50)), &["delay p50/p95 –/31 ms"]);
    let none = Reading::default();
    assert_has(&shown(&monitor(&none, 0), (60, 15)), &["This server has no cameras."]);
}

#[test]
fn a_server_that_is_gone_is_said_and_its_last_numbers_are_called_old() {
    let start = Instant::now();
    let mut lost = monitor(&stub::sample_reading(1), 0);
    lost.apply_answer(Ok(stub::sample_reading(1)), start);
    lost.apply_answer(Err(ReadError::Late), start + Duration::from_secs(4));
    let later = start + Duration::from_secs(12);
    for size in SIZES {
        let text = screen(&lost, size, &mut Scroll::default(), later).join("\n");
        assert_has(&text, &["last answer 12 s ago, all below is old: it does", "Camera 00"]);
    }
    let mut never = Monitor::new("127.0.0.1:1".parse().unwrap(), Duration::from_secs(2));
    assert_has(&shown(&never, (60, 15)), &["Asking http://127.0.0.1:1 …"]);
    never.apply_answer(Err(ReadError::Refused), start);
    let text = screen(&never, (60, 15), &mut Scroll::default(), later).join("\n");
    assert_has(
        &text,
        &["http://127.0.0.1:1: nothing listens there", "Tried for 12 s", "every 2 s", "q quit"],
    );
}

#[test]
fn the_help_fits_the_smallest_screen() {
    let mut monitor = monitor(&stub::sample_reading(40), 0);
    monitor.apply_action(Action::Help);
    for size in SIZES {
        assert_has(&shown(&monitor, size), &["Keys and columns", "sort by the next column", "does not say"]);
    }
}

#[test]
fn no_size_is_too_small_to_be_drawn() {
    let mut reading = stub::sample_reading(7);
    reading.status.cluster = Some(stub::cluster_of(9));
    let mut monitor = monitor(&reading, 9);
    let never = Monitor::new("127.0.0.1:1".parse().unwrap(), Duration::from_secs(1));
    for help in [false, true] {
        for (width, height) in
            (0..64).step_by(9).flat_map(|w| (0..30).step_by(2).map(move |h| (w, h))).chain([(500, 200)])
        {
            shown(&monitor, (width, height));
            shown(&never, (width, height));
            render_plain(&monitor, width, height, Instant::now());
        }
        if !help {
            monitor.apply_action(Action::Help);
        }
    }
}

#[test]
fn a_plain_picture_has_no_keys_and_no_empty_end() {
    let text = render_plain(&monitor(&stub::sample_reading(2), 1), 100, 40, Instant::now());
    assert_has(&text, &["● live", "192.168.100.0:50000"]);
    assert!(!text.contains("quit") && !text.ends_with(['\n', ' ']), "{text}");
}
