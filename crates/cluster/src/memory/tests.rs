use super::*;

const TTL: Duration = Duration::from_secs(5);

fn heartbeat(name: &str, instance: u64) -> Heartbeat {
    let url = format!("http://{name}.example:8000").into();
    let record = Record { name: name.into(), instance: instance.into(), url, about: "{}".into() };
    Heartbeat { record, ttl: TTL, check: "same".into(), joined: false, epoch: "first".into() }
}

fn claim(name: &str, instance: u64) -> Claim {
    let (stream, about) = ("ward".into(), "{}".into());
    Claim {
        stream,
        name: name.into(),
        instance: instance.into(),
        about,
        ttl: TTL,
        instead_of: None,
        again: false,
    }
}

async fn granted(store: &Memory, claim: &Claim) -> Token {
    match store.claim_stream(claim).await.unwrap() {
        Claimed::Granted(token) => token,
        held @ Claimed::Held { .. } => panic!("{held:?}"),
    }
}

async fn keep(store: &Memory, name: &str, token: Token) -> Result<Kept, StoreError> {
    let (stream, about) = ("ward".into(), "{}".into());
    store.keep_stream(&Keep { stream, name: name.into(), instance: 1.into(), token, about }).await
}

async fn of(names: &[&str]) -> Arc<Memory> {
    let store = Memory::new();
    for (name, instance) in names.iter().zip(1..) {
        store.beat_process(&heartbeat(name, instance)).await.unwrap();
    }
    store
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_anothers_only_once_its_process_is_silent() {
    let store = of(&["a", "b"]).await;
    let first = granted(&store, &claim("a", 1)).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    store.beat_process(&heartbeat("b", 2)).await.unwrap();
    let held = store.claim_stream(&claim("b", 2)).await.unwrap();
    assert!(matches!(held, Claimed::Held { token, heard, .. } if token == first && heard == BEGAN_AT));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = granted(&store, &claim("b", 2)).await;
    assert!(second > first);
    assert!(store.beat_process(&heartbeat("a", 1)).await.unwrap().lapsed);
    assert_eq!(keep(&store, "a", first).await, Ok(Kept::Lost(second)));
}

#[tokio::test(start_paused = true)]
async fn what_lapsed_and_nobody_took_is_still_its_own() {
    let store = of(&["a"]).await;
    let token = granted(&store, &claim("a", 1)).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(keep(&store, "a", token).await, Err(StoreError::Unknown));
    assert!(store.beat_process(&heartbeat("a", 1)).await.unwrap().lapsed);
    assert_eq!(keep(&store, "a", token).await, Ok(Kept::Kept));
}

#[tokio::test(start_paused = true)]
async fn one_that_was_silent_for_a_while_gives_way_to_who_asks_for_that() {
    let store = of(&["a", "b"]).await;
    let token = granted(&store, &claim("a", 1)).await;
    tokio::time::sleep(Duration::from_millis(1900)).await;
    let instead = |token| Claim { instead_of: Some((token, Duration::from_secs(2))), ..claim("b", 2) };
    assert!(matches!(store.claim_stream(&instead(token)).await, Ok(Claimed::Held { .. })));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        matches!(store.claim_stream(&instead(Token::NONE)).await, Ok(Claimed::Held { .. })),
        "another lease"
    );
    assert!(matches!(store.claim_stream(&instead(token)).await, Ok(Claimed::Granted(_))));
}

#[tokio::test(start_paused = true)]
async fn a_flushed_store_is_another_and_gets_back_what_is_still_there() {
    let store = of(&["a"]).await;
    let token = granted(&store, &claim("a", 1)).await;
    store.flush();
    let beat = Heartbeat { epoch: "second".into(), joined: true, ..heartbeat("a", 1) };
    let beat = store.beat_process(&beat).await.unwrap();
    assert_eq!((&*beat.epoch, beat.lapsed), ("second", true));
    assert_eq!(keep(&store, "a", token).await, Ok(Kept::Kept));
    assert!(granted(&store, &claim("a", 1)).await > token, "and tokens go on upwards");
}

#[tokio::test(start_paused = true)]
async fn of_two_with_one_name_the_one_that_is_there_stays() {
    let store = of(&["a"]).await;
    let mut second = heartbeat("a", 9);
    second.record.url = "http://elsewhere:8000".into();
    let refused = store.beat_process(&second).await;
    assert!(matches!(refused, Err(StoreError::Refused(Refusal::Name { .. }))), "{refused:?}");
    // A process that has its very address has taken its place: it is dead.
    assert!(store.beat_process(&heartbeat("a", 9)).await.unwrap().lapsed);
    let replaced = store.beat_process(&Heartbeat { joined: true, ..heartbeat("a", 1) }).await;
    assert!(matches!(replaced, Err(StoreError::Refused(Refusal::Replaced { .. }))), "{replaced:?}");
}

#[tokio::test(start_paused = true)]
async fn another_secret_is_refused() {
    let store = of(&["a"]).await;
    let other = Heartbeat { check: "other".into(), ..heartbeat("b", 2) };
    assert_eq!(store.beat_process(&other).await, Err(Refusal::Secret.into()));
}

#[tokio::test(start_paused = true)]
async fn changes_are_told_in_order_and_a_dead_process_is_forgotten() {
    let store = of(&["a", "b"]).await;
    let mut changes = store.subscribe_changes();
    let token = granted(&store, &claim("a", 1)).await;
    tokio::time::sleep(TTL + FORGOTTEN_AFTER).await;
    store.beat_process(&heartbeat("b", 2)).await.unwrap();
    let told: Vec<Change> = std::iter::from_fn(|| changes.try_recv().ok()).collect();
    let value = format!("{token} 0000000000000001/a {{}}");
    let stream = |value: Option<&str>| Changed::Stream("ward".into(), value.map(Into::into));
    let record = heartbeat("b", 2).record;
    let expected = [
        stream(Some(&value)),
        stream(None),
        Changed::Process("a".into(), None),
        // It was silent as long, and is back.
        Changed::Process("b".into(), None),
        Changed::Process("b".into(), Some(record)),
    ];
    assert_eq!(
        told,
        expected.into_iter().zip(3..).map(|(what, version)| Change { version, what }).collect::<Vec<_>>()
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_stands_still_says_so_in_time() {
    let store = of(&["a"]).await;
    store.set_trouble(Trouble::Stalled);
    let begun = clock::now();
    assert!(matches!(store.read_snapshot().await, Err(StoreError::Away(_))));
    assert_eq!(clock::since(begun), ASKED);
    store.set_trouble(Trouble::None);
    assert_eq!(store.read_snapshot().await.unwrap().processes.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_secret_counts_once_nobody_has_gone_by_the_old_one_for_a_minute() {
    let store = of(&["a"]).await;
    let token = granted(&store, &claim("a", 1)).await;
    let other = Heartbeat { check: "other".into(), epoch: "second".into(), ..heartbeat("b", 2) };
    tokio::time::sleep(TTL + FORGOTTEN_AFTER.mul_f64(0.98)).await;
    assert_eq!(store.beat_process(&other).await, Err(Refusal::Secret.into()));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(&*store.beat_process(&other).await.unwrap().epoch, "second");
    assert!(store.read_snapshot().await.unwrap().streams.is_empty());
    assert_eq!(store.beat_process(&heartbeat("a", 1)).await, Err(Refusal::Secret.into()));
    assert!(granted(&store, &claim("b", 2)).await > token);
}
