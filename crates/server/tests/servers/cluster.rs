//! Several servers that act as one: over pipes, with the runtime's clock paused, and a store in this process.

use sightwire_cluster::memory::Trouble;
use sightwire_cluster::options::{TTL, WhenDown};
use sightwire_cluster::store::Store as _;
use tokio::time::{Duration, Instant, sleep};

use crate::client::{MODERN, MUTE, POLITE, number};
use crate::house::{House, URL};

#[tokio::test(start_paused = true)]
async fn a_viewer_sees_what_is_sent_to_another_process_and_its_end() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let mut viewer = b.viewer("?streams=ward", POLITE).await;
    let mut modern = b.viewer("?streams=ward", MODERN).await;
    let sender = a.sender("ward", POLITE).await;
    for _ in 0..3 {
        sender.picture(URL).await;
        let frame = viewer.next("live_frame").await;
        assert_eq!(frame["patient_id"], "ward");
        assert_eq!(frame["data"]["frame"], URL);
        modern.until(|what| number(what).is_some()).await;
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(b.active().await, ["ward"]);
    drop(sender);
    viewer.next("stream_ended").await;
    assert_eq!(modern.next("stream_ended").await["reason"], "its sender has left");
    assert!(b.active().await.is_empty());
    let again = b.sender("ward", POLITE).await;
    again.picture(URL).await;
    viewer.next("live_frame").await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_watches_is_not_pulled_and_what_several_watch_is_pulled_once() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let sender = a.sender("ward", POLITE).await;
    sender.picture(URL).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(b.active().await, ["ward"]);
    assert_eq!(house.dialed(), 0);
    let mut first = b.viewer("", POLITE).await;
    let mut second = b.viewer("?streams=ward", MODERN).await;
    sender.picture(URL).await;
    first.next("live_frame").await;
    second.until(|what| number(what).is_some()).await;
    assert_eq!(house.dialed(), 1);
    drop((first, second));
    sleep(Duration::from_secs(4)).await;
    let watched = a.get("/api/v1/streams/ward").await.json();
    assert_eq!(watched["viewers"], 0, "nobody here watches it any more");
    sender.picture(URL).await;
    let snapshot = b.get("/api/v1/streams/ward/snapshot.jpg").await;
    assert_eq!((snapshot.status.as_u16(), &snapshot.body[..]), (200, &b"\xff\xd8\xff"[..]));
    assert_eq!(house.dialed(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_live_elsewhere_is_refused_before_the_first_message() {
    let house = House::with_servers(3).await;
    let [a, b, c] = &house.servers[..] else { panic!() };
    let first = a.sender("ward", POLITE).await;
    first.picture(URL).await;
    sleep(Duration::from_millis(500)).await;
    for other in [b, c] {
        let mut second = other.client("/ws/stream/ward", POLITE).await;
        let (code, reason) = second.closed().await;
        assert_eq!(code, 4090);
        assert!(reason.starts_with("This patient already has an active stream."), "{reason}");
    }
    drop(first);
    sleep(Duration::from_millis(100)).await;
    let third = c.sender("ward", POLITE).await;
    third.picture(URL).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(a.active().await, ["ward"]);
}

#[tokio::test(start_paused = true)]
async fn two_that_begin_at_once_at_two_processes_are_one() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let (first, second) =
        tokio::join!(a.client("/ws/stream/ward", POLITE), b.client("/ws/stream/ward", POLITE));
    let mut both = [first, second];
    for one in &both {
        one.text(r#"{"analysis_mode":"normal"}"#).await;
    }
    sleep(Duration::from_secs(5)).await;
    let begun =
        both.iter_mut().filter_map(|one| one.so_far().iter().any(|what| what.is("connected")).then_some(()));
    assert_eq!(begun.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_sender_that_does_not_answer_its_own_process_gives_way_within_2_s() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let mut mute = a.sender("ward", MUTE).await;
    mute.picture(URL).await;
    let mut viewer = b.viewer("?streams=ward", MODERN).await;
    viewer.until(|what| number(what).is_some()).await;
    let begun = Instant::now();
    let sender = b.sender("ward", POLITE).await;
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_millis(2300), "{took:?}");
    assert_eq!(mute.closed().await.0, 4090);
    viewer.next("stream_ended").await;
    sender.picture(URL).await;
    viewer.until(|what| number(what).is_some()).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_gone_gives_its_streams_up_and_old_pictures_are_not_shown() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let first = a.sender("ward", POLITE).await;
    first.picture(URL).await;
    let mut viewer = b.viewer("?streams=ward", MODERN).await;
    viewer.until(|what| number(what).is_some()).await;
    let begun = Instant::now();
    house.kill(0).await;
    viewer.until(|what| what.json().is_some_and(|json| json["state"] == "stalled")).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let sender = b.sender("ward", POLITE).await;
    assert!(begun.elapsed() < Duration::from_millis(2300), "{:?}", begun.elapsed());
    viewer.next("stream_ended").await;
    sender.picture(URL).await;
    viewer.until(|what| number(what).is_some()).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_process_had_ends_within_the_ttl_after_it_is_gone() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let first = a.sender("ward", POLITE).await;
    first.picture(URL).await;
    let mut viewer = b.viewer("?streams=ward", MODERN).await;
    viewer.until(|what| number(what).is_some()).await;
    let begun = Instant::now();
    house.kill(0).await;
    let ended = viewer.next("stream_ended").await;
    // The last heartbeat may have come just before.
    assert!(begun.elapsed() < TTL + Duration::from_millis(100), "{:?}", begun.elapsed());
    assert!(ended["reason"].as_str().unwrap().contains("has left"), "{ended}");
    assert!(b.active().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_changes_nothing_for_what_flows() {
    for trouble in [Trouble::Away, Trouble::Stalled] {
        let house = House::with_servers(2).await;
        let [a, b] = &house.servers[..] else { panic!() };
        let mut sender = a.sender("ward", POLITE).await;
        let mut viewer = b.viewer("?streams=ward", MODERN).await;
        house.store.set_trouble(trouble);
        for _ in 0..60 {
            sender.picture(URL).await;
            viewer.until(|what| number(what).is_some()).await;
            sleep(Duration::from_millis(500)).await;
        }
        let mut late = b.viewer("?streams=ward", POLITE).await;
        late.next("live_frame").await;
        assert_eq!(
            b.client("/ws/stream/ward", POLITE).await.closed().await.0,
            4090,
            "it is known where it is"
        );
        let other = b.sender("other", POLITE).await;
        house.store.set_trouble(Trouble::None);
        sleep(Duration::from_secs(6)).await;
        sender.picture(URL).await;
        viewer.until(|what| number(what).is_some()).await;
        assert_eq!(a.active().await, ["other", "ward"], "{trouble:?}: what began meanwhile is known");
        assert!(viewer.all(|what| what.is("stream_ended")).is_empty());
        assert!(sender.all(|what| what.is("error")).is_empty());
        drop(other);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_emptied_gets_back_what_is_live() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let sender = a.sender("ward", POLITE).await;
    let mut viewer = b.viewer("?streams=ward", MODERN).await;
    house.store.flush();
    for i in 0..20 {
        sender.picture(URL).await;
        viewer.until(|what| number(what).is_some()).await;
        assert_eq!(b.active().await, ["ward"], "after {i} pictures");
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(b.client("/ws/stream/ward", POLITE).await.closed().await.0, 4090);
    assert!(viewer.all(|what| what.is("stream_ended")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_lost_what_streams_there_are_is_told_again() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let sender = a.sender("ward", POLITE).await;
    let mut viewer = b.viewer("?streams=ward", MODERN).await;
    sender.picture(URL).await;
    sleep(Duration::from_secs(4)).await;
    house.store.lose_streams();
    for i in 0..20 {
        sender.picture(URL).await;
        viewer.until(|what| number(what).is_some()).await;
        assert_eq!(b.active().await, ["ward"], "after {i} pictures");
        assert_eq!(b.client("/ws/stream/ward", POLITE).await.closed().await.0, 4090);
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(house.store.read_snapshot().await.unwrap().streams.len(), 1);
    assert!(viewer.all(|what| what.is("stream_ended")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_name_is_free_though_nobody_can_be_asked_if_its_process_says_so() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let sender = a.sender("ward", POLITE).await;
    sender.picture(URL).await;
    sleep(Duration::from_secs(2)).await;
    house.store.set_trouble(Trouble::Away);
    sleep(Duration::from_secs(2)).await;
    drop(sender);
    sleep(Duration::from_millis(100)).await;
    let again = b.sender("ward", POLITE).await;
    again.picture(URL).await;
    b.viewer("?streams=ward", POLITE).await.next("live_frame").await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_granted_by_an_answer_that_was_lost_goes_on_as_it_is() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let mut viewer = b.viewer("?streams=ward", POLITE).await;
    house.store.set_trouble(Trouble::Mute);
    let sender = a.sender("ward", POLITE).await;
    sender.picture(URL).await;
    viewer.next("live_frame").await;
    let token = house.clusters[1].current_directory().streams["ward"].token;
    house.store.set_trouble(Trouble::None);
    for _ in 0..50 {
        sleep(Duration::from_millis(100)).await;
        sender.picture(URL).await;
    }
    assert_eq!(house.clusters[1].current_directory().streams["ward"].token, token);
    assert_eq!(viewer.all(|what| what.is("stream_ended")).len(), 0);
    // Another one of that name is another one.
    drop(sender);
    viewer.next("stream_ended").await;
    let again = a.sender("ward", POLITE).await;
    again.picture(URL).await;
    viewer.next("live_frame").await;
    assert!(house.clusters[1].current_directory().streams["ward"].token > token);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_comes_back_while_nobody_can_be_asked_is_seen_by_those_who_watched_before() {
    for trouble in [Trouble::Away, Trouble::Stalled, Trouble::Mute] {
        let house = House::with_servers(2).await;
        let [a, b] = &house.servers[..] else { panic!() };
        let sender = a.sender("ward", POLITE).await;
        sender.picture(URL).await;
        let mut viewer = b.viewer("?streams=ward", POLITE).await;
        viewer.next("live_frame").await;
        let token = house.clusters[1].current_directory().streams["ward"].token;
        house.store.set_trouble(trouble);
        sleep(Duration::from_secs(3)).await;
        drop(sender);
        sleep(Duration::from_millis(300)).await;
        let again = a.sender("ward", POLITE).await;
        again.picture(URL).await;
        sleep(Duration::from_secs(3)).await;
        house.store.set_trouble(Trouble::None);
        sleep(Duration::from_secs(5)).await;
        viewer.so_far();
        again.picture(URL).await;
        viewer.next("live_frame").await;
        assert!(house.clusters[1].current_directory().streams["ward"].token > token, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_that_began_while_nobody_could_be_asked_the_later_known_gives_way() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    house.store.set_trouble(Trouble::Away);
    sleep(Duration::from_secs(2)).await;
    let mut both = [a.sender("ward", POLITE).await, b.sender("ward", POLITE).await];
    house.store.set_trouble(Trouble::None);
    sleep(Duration::from_secs(6)).await;
    let closed = both.iter_mut().filter_map(|one| one.all(|what| what.is("error")).pop());
    assert_eq!(closed.count(), 1);
    assert_eq!((a.active().await, b.active().await), (vec!["ward".to_owned()], vec!["ward".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn where_that_is_chosen_nothing_begins_while_nobody_can_be_asked() {
    let house = House::that(2, WhenDown::Refuse, "").await;
    let [a, b] = &house.servers[..] else { panic!() };
    let sender = a.sender("ward", POLITE).await;
    house.store.set_trouble(Trouble::Away);
    sleep(Duration::from_secs(3)).await;
    let mut other = b.client("/ws/stream/other", POLITE).await;
    other.text(r#"{"analysis_mode":"normal"}"#).await;
    let (code, reason) = other.closed().await;
    assert_eq!(code, 1013);
    assert!(reason.contains("Redis does not answer"), "{reason}");
    sender.picture(URL).await;
    let mut viewer = b.viewer("?streams=ward", POLITE).await;
    viewer.next("live_frame").await;
    house.store.set_trouble(Trouble::None);
    sleep(Duration::from_secs(3)).await;
    b.sender("other", POLITE).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_process_lives_and_cannot_be_reached_stalls_until_it_is_back() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let sender = a.sender("ward", POLITE).await;
    let mut viewer = b.viewer("?streams=ward", MODERN).await;
    sender.picture(URL).await;
    viewer.until(|what| number(what).is_some()).await;
    house.unplug(0);
    for _ in 0..60 {
        sleep(Duration::from_secs(1)).await;
        sender.picture(URL).await;
    }
    let status = house.clusters[1].status();
    let wrong = status.processes[0].reason.as_deref();
    assert_eq!(wrong, Some("this process cannot reach it: no connection: connection refused"));
    house.plug(0);
    sleep(Duration::from_secs(3)).await;
    sender.picture(URL).await;
    let looked_at = viewer.heard.len();
    viewer.until(|what| number(what).is_some()).await;
    let meanwhile = &viewer.heard[looked_at..];
    let states = meanwhile.iter().filter(|(_, what)| what.is("stream_state"));
    let states: Vec<_> = states.map(|(_, what)| what.json().unwrap()["state"].clone()).collect();
    assert_eq!(states, ["stalled", "running"], "{meanwhile:?}");
    assert!(!meanwhile.iter().any(|(_, what)| what.is("stream_ended")), "it has not ended");
    assert_eq!(house.clusters[1].status().processes[0].reason, None);
}

#[tokio::test(start_paused = true)]
async fn a_frame_reaches_old_viewers_of_another_process_as_it_came_whatever_it_is() {
    let house = House::with_servers(2).await;
    let [a, b] = &house.servers[..] else { panic!() };
    let sender = a.sender("ward", POLITE).await;
    let mut viewer = b.viewer("?streams=ward", POLITE).await;
    for url in [
        URL,
        "data:image/png;base64,iVBORw0KGgo=",
        "data:image/jpeg;charset=x;base64,/9j/",
        "data:image/jpeg;base64,/9j/QR==",
        "data:image/gif,what is \\\"this\\\"",
        URL,
    ] {
        sender.picture(url).await;
        let frame = viewer.next("live_frame").await;
        assert_eq!(frame["data"]["frame"].as_str().unwrap(), url.replace("\\\"", "\""));
        sleep(Duration::from_millis(60)).await;
    }
}
