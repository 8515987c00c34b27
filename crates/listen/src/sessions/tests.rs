use super::*;

fn sessions(max_polling: usize) -> Arc<Sessions> {
    Sessions::new(max_polling, Outboxes::new(1 << 20), TaskTracker::new(), CancellationToken::new())
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

/// A session that was opened, and who had to go for it.
fn opened(sessions: &Arc<Sessions>, from: IpAddr, id: &str) -> Result<(Arc<Session>, Option<String>), ()> {
    let session = sessions.begin_session(from);
    let victim = sessions.admit_polling(&session).map_err(|Full| ())?;
    sessions.record_opened(&session, id);
    Ok((session, victim))
}

#[test]
fn a_session_without_life_of_the_address_with_most_goes_first() {
    let sessions = sessions(4);
    let (one, _) = opened(&sessions, address(1), "one").unwrap();
    let kept: Vec<_> = ["a", "b", "c"].map(|id| opened(&sessions, address(2), id).unwrap().0).into();
    kept[0].come_back();
    let poll = Poll::new(kept[1].clone());
    let (_two, victim) = opened(&sessions, address(3), "two").unwrap();
    assert_eq!(victim.as_deref(), Some("c"), "a has come back, b polls, and one is alone at its address");
    let (_three, victim) = opened(&sessions, address(3), "three").unwrap();
    assert_eq!(victim.as_deref(), Some("a"));
    assert_eq!((sessions.polling_count(), sessions.evicted_count()), (4, 2));
    drop((one, poll));
}

#[test]
fn where_all_poll_nobody_has_to_go() {
    let sessions = sessions(2);
    let kept: Vec<_> = ["a", "b"].map(|id| opened(&sessions, address(1), id).unwrap().0).into();
    let polls: Vec<_> = kept.iter().map(|session| Poll::new(session.clone())).collect();
    assert!(opened(&sessions, address(2), "c").is_err());
    drop(polls);
    assert!(opened(&sessions, address(2), "c").is_ok());
}

#[test]
fn while_the_sessions_of_one_address_are_put_away_others_come_in() {
    let sessions = sessions(10);
    let mut kept = Vec::new();
    let flood = (0..1000).map(|i| opened(&sessions, address(1), &i.to_string()));
    kept.extend(flood.filter_map(Result::ok));
    assert_eq!(kept.len(), 20, "ten are there, ten are being put away");
    let (_other, victim) = opened(&sessions, address(2), "other").unwrap();
    assert!(victim.is_some());
    assert!(opened(&sessions, address(1), "more").is_err());
    drop(kept);
    assert_eq!((sessions.polling_count(), sessions.polling.lock().by_address.len()), (1, 1));
}

#[test]
fn a_session_that_has_a_websocket_counts_no_more() {
    let sessions = sessions(1);
    let (session, _) = opened(&sessions, address(1), "a").unwrap();
    session.leave_polling();
    assert_eq!(sessions.polling_count(), 0);
    let (_other, victim) = opened(&sessions, address(1), "b").unwrap();
    assert_eq!(victim, None);
    drop(session);
    assert_eq!(sessions.polling_count(), 1);
}

#[test]
fn ids_and_addresses_are_what_they_seem() {
    assert_eq!(id_of(br#"0{"sid":"abc","upgrades":[]}"#), Some("abc".into()));
    assert_eq!(id_of(b"0{}"), None);
    let network = |text: &str| counted_address(text.parse().unwrap()).to_string();
    assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
}
