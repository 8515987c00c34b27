mod times;

use serde_json::json;

use super::*;
use crate::Use;
use crate::action::{EndStreams, SwitchModel};
use crate::principal::Denied;
use crate::record::{NewKey, NewUser};
use crate::store::Store;
use crate::token::fetch::FetchError;
use crate::token::tests::{Signer, claims, now, of_secret};

#[tokio::test]
async fn somebody_logs_in_with_a_key_or_a_password_and_is_known_by_the_session() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::in_folder(home.path());
    let wanted = NewKey { name: None, role: Role::Viewer, scope: Scope::ALL, expires: None };
    let now = SystemTime::now();
    let key = store.update(|records| Ok::<_, StoreError>(records.add_key(&wanted, now)?.0)).unwrap();
    let anna = NewUser {
        name: "Anna".into(),
        role: Role::Operator,
        scope: Scope::ALL,
        password: crate::password::hash("correct horse").unwrap(),
    };
    store.update(|records| records.add_user(anna, now).map(|_| ()).map_err(StoreError::from)).unwrap();
    let keyring = Arc::new(Keyring::open(store, Arc::default()).unwrap());
    let guard = Guard::new(Mode::Protected, keyring, Arc::default());
    let from = IpAddr::from([127, 0, 0, 1]);
    let role = |token: &str| {
        let presented = Presented { session: Some(token), ..Presented::default() };
        guard.identify(&presented, now).principal.role()
    };
    let (token, _) = guard.log_in(Login::Key(key.reveal()), from).await.unwrap();
    assert_eq!(role(token.reveal()), Some(Role::Viewer));
    let right = Login::Password { name: "anna", password: "correct horse" };
    let (token, session) = guard.log_in(right, from).await.unwrap();
    assert_eq!(role(token.reveal()), Some(Role::Operator));
    assert_eq!(role(session.csrf()), None);
    let wrong = guard.log_in(Login::Password { name: "anna", password: "wrong horse" }, from).await;
    let nobody = guard.log_in(Login::Password { name: "otto", password: "correct horse" }, from).await;
    assert_eq!(wrong.unwrap_err().to_string(), nobody.unwrap_err().to_string());
    assert!(matches!(guard.log_in(Login::Key("sw_x"), from).await, Err(LoginError::Key(_))));
    let mut tries = 0;
    let wrong = || guard.log_in(Login::Password { name: "x", password: "wrong" }, from);
    while !matches!(wrong().await, Err(LoginError::TooMany(_))) {
        tries += 1;
    }
    // Three were before, and on a slow machine one more is given meanwhile.
    assert!((7..20).contains(&tries), "{tries}");
    assert!(guard.log_in(Login::Key(key.reveal()), from).await.is_ok(), "a key is not guessed");
    guard.sessions().end_session(token.reveal());
    assert_eq!(role(token.reveal()), None);
    let link = guard.link_to(key.id(), Unused::Keeps).unwrap();
    let (token, _) = guard.log_in(Login::Link(link.reveal()), from).await.unwrap();
    assert_eq!(role(token.reveal()), Some(Role::Viewer));
    let again = guard.log_in(Login::Link(link.reveal()), from).await;
    assert!(matches!(again, Err(LoginError::Link)));
    let link = guard.link_to(key.id(), Unused::Keeps).unwrap();
    guard.keyring().store().update(|records| Ok::<_, StoreError>(records.revoke_key(key.id()))).unwrap();
    guard.keyring().take_up().unwrap();
    assert_eq!(role(token.reveal()), None, "the key was revoked");
    assert!(matches!(guard.log_in(Login::Link(link.reveal()), from).await, Err(LoginError::Key(_))));
}

#[test]
fn who_needs_no_key_is_what_the_mode_says_and_a_bad_key_is_never_as_good_as_none() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::in_folder(home.path());
    let wanted = NewKey { name: None, role: Role::Operator, scope: Scope::ALL, expires: None };
    let now = SystemTime::now();
    let key = store.update(|records| Ok::<_, StoreError>(records.add_key(&wanted, now)?.0)).unwrap();
    let keyring = Arc::new(Keyring::open(store, Arc::default()).unwrap());
    let role = |mode, key, is_here| {
        let guard = Guard::new(mode, keyring.clone(), Arc::default());
        guard.identify(&Presented { key, is_here, ..Presented::default() }, now).principal.role()
    };
    for (mode, here, beyond) in [
        (Mode::Auto, Some(Role::Admin), None),
        (Mode::Open, Some(Role::Admin), Some(Role::Streamer)),
        (Mode::Protected, None, None),
    ] {
        assert_eq!(role(mode, None, true), here, "{mode}");
        assert_eq!(role(mode, None, false), beyond, "{mode}");
        for is_here in [true, false] {
            assert_eq!(role(mode, Some(key.reveal()), is_here), Some(Role::Operator), "{mode}");
            assert_eq!(role(mode, Some("sw_wrong"), is_here), None, "{mode}");
        }
    }
    let guard = Guard::new(Mode::Open, keyring, Arc::default());
    let empty = Presented { key: Some(""), is_here: true, ..Presented::default() };
    let who = guard.identify(&empty, now).principal.who().clone();
    assert_eq!(who, Who::Unknown(Some(Unknown::NotAKey)));
    let secret = Some("sw_secret");
    let secret =
        Presented { key: secret, bearer: secret, session: secret, is_here: true, ..Presented::default() };
    assert!(!format!("{secret:?}").contains("secret"));
}

/// No issuer publishes anything.
struct Nobody;

impl Fetch for Nobody {
    async fn fetch(&self, _: &str) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::Late)
    }
}

fn guard(mode: Mode) -> (tempfile::TempDir, Guard) {
    let home = tempfile::tempdir().unwrap();
    let keyring = Keyring::open(Store::in_folder(home.path()), Arc::default()).unwrap();
    (home, Guard::new(mode, Arc::new(keyring), Arc::default()))
}

#[tokio::test(start_paused = true)]
async fn while_nobody_confirms_keys_and_users_only_those_who_need_none_go_on() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::in_folder(home.path());
    let wanted = NewKey { name: None, role: Role::Operator, scope: Scope::ALL, expires: None };
    let now = SystemTime::now();
    let key = store.update(|records| Ok::<_, StoreError>(records.add_key(&wanted, now)?.0)).unwrap();
    let keyring = Arc::new(Keyring::open(store, Arc::default()).unwrap());
    keyring.require_confirmation(Duration::from_secs(60), None);
    let [open, protected] =
        [Mode::Open, Mode::Protected].map(|mode| Guard::new(mode, keyring.clone(), Arc::default()));
    let from = IpAddr::from([192, 168, 1, 7]);
    let (of_open, _) = open.log_in(Login::Key(key.reveal()), from).await.unwrap();
    let (of_protected, session) = protected.log_in(Login::Key(key.reveal()), from).await.unwrap();
    let end = CancellationToken::new();
    let _watching = session.principal().credential().unwrap().hold(end.clone());
    tokio::time::sleep(Duration::from_secs(61)).await;
    let with = |guard: &Guard, token: &Token| {
        let presented = Presented { session: Some(token.reveal()), ..Presented::default() };
        guard.identify(&presented, now).principal.check_action(&SwitchModel::ACTION)
    };
    let is_unconfirmed =
        |denied: &Denied| matches!(denied, Denied::Unknown(Unknown::Unconfirmed { seconds: 61 }));
    assert!(is_unconfirmed(&with(&protected, &of_protected).unwrap_err()));
    assert!(matches!(with(&open, &of_open), Err(Denied::Role { role: Role::Streamer, .. })), "as anybody");
    for login in [Login::Key(key.reveal()), Login::Password { name: "otto", password: "correct horse" }] {
        let denied = protected.log_in(login, from).await.unwrap_err();
        assert!(matches!(denied, LoginError::Key(Unknown::Unconfirmed { .. })), "{denied}");
    }
    assert!(!end.is_cancelled(), "what is open stays open");
    keyring.confirm(clock::now());
    assert_eq!(with(&protected, &of_protected), Ok(()));
}

#[test]
fn a_token_counts_wherever_a_key_does_and_a_bad_one_is_never_as_good_as_none() {
    let token = Signer::secret().token(&claims(&json!({})));
    let forged = Signer::ed25519().token(&claims(&json!({})));
    for mode in [Mode::Auto, Mode::Open, Mode::Protected] {
        let (_home, guard) = guard(mode);
        let guard = guard.with_tokens(Some(of_secret()));
        for is_here in [true, false] {
            let of = |presented: Presented<'_>| {
                guard.identify(&Presented { is_here, ..presented }, now()).principal.role()
            };
            for (text, role) in [(&*token, Some(Role::Operator)), (&forged, None), ("e30.e30.", None)] {
                assert_eq!(of(Presented { key: Some(text), ..Presented::default() }), role, "{mode} {text}");
                assert_eq!(
                    of(Presented { bearer: Some(text), ..Presented::default() }),
                    role,
                    "{mode} {text}"
                );
            }
            let free = of(Presented::default());
            let of_others = of(Presented { bearer: Some("opaque"), ..Presented::default() });
            assert_eq!(of_others, free, "{mode}: it is not meant for us");
        }
    }
    let (_home, without) = guard(Mode::Auto);
    let bearer = Presented { bearer: Some(&token), is_here: true, ..Presented::default() };
    assert_eq!(without.identify(&bearer, now()).principal.who(), &Who::Here, "no token is meant for us");
    let key = Presented { key: Some(&token), is_here: true, ..Presented::default() };
    let why = Who::Unknown(Some(Unknown::NotAKey));
    assert_eq!(without.identify(&key, now()).principal.who(), &why);
}

#[tokio::test(start_paused = true)]
async fn what_a_token_opened_ends_within_a_second_after_it_expires() {
    let (_home, guard) = guard(Mode::Protected);
    let guard = Arc::new(guard.with_tokens(Some(of_secret())));
    let (begun, stop) = (tokio::time::Instant::now(), CancellationToken::new());
    let at = move || now() + begun.elapsed();
    let running = tokio::spawn(guard.clone().run_by(at, Nobody, stop.clone()));
    let token = Signer::secret().token(&claims(&json!({ "exp": 1_800_000_000 + 5 })));
    let presented = Presented { bearer: Some(&token), ..Presented::default() };
    let principal = guard.identify(&presented, at()).principal;
    let (session, _) = guard.begin_session(&principal).unwrap();
    let [stream, of_session] = [(); 2].map(|()| CancellationToken::new());
    let _stream = principal.credential().unwrap().hold(stream.clone());
    let presented = Presented { session: Some(session.reveal()), ..Presented::default() };
    let known = guard.identify(&presented, at()).principal;
    assert_eq!(known.who().to_string(), "the token of anna");
    let _session = known.credential().unwrap().hold(of_session.clone());
    tokio::time::sleep(Duration::from_millis(4900)).await;
    assert!(!stream.is_cancelled() && !of_session.is_cancelled());
    stream.cancelled().await;
    of_session.cancelled().await;
    let ended = begun.elapsed();
    assert!((5.0..=6.0).contains(&ended.as_secs_f64()), "{ended:?}");
    assert_eq!(guard.identify(&presented, at()).principal.role(), None, "so does the session");
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_goes_with_the_link_that_nobody_used() {
    let (_home, guard) = guard(Mode::Protected);
    let guard = Arc::new(guard);
    let store = guard.keyring().store();
    let make = |name: &str| {
        let wanted = NewKey { name: Some(name.into()), role: Role::Viewer, scope: Scope::ALL, expires: None };
        let key = store.update(|r| Ok::<_, StoreError>(r.add_key(&wanted, SystemTime::now())?.0)).unwrap();
        guard.link_to(key.id(), Unused::Revokes).unwrap()
    };
    let names = || {
        let keys = store.load().unwrap().keys;
        keys.into_iter().map(|key| key.name).collect::<Vec<_>>()
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn(guard.clone().run(Nobody, stop.clone()));
    let [used, _late] = ["used", "late"].map(make);
    guard.keyring().take_up().unwrap();
    let from = IpAddr::from([127, 0, 0, 1]);
    guard.log_in(Login::Link(used.reveal()), from).await.unwrap();
    tokio::time::sleep(link::LASTS.mul_f64(0.99)).await;
    assert_eq!(names(), ["used", "late"]);
    let _last = make("last");
    tokio::time::sleep(link::LASTS.mul_f64(0.02)).await;
    assert_eq!(names(), ["used", "last"]);
    stop.cancel();
    running.await.unwrap();
    assert_eq!(names(), ["used"], "after this server nobody knows the link");
}

#[test]
fn a_proxy_is_believed_by_where_it_is_and_only_if_it_names_one_user() {
    let (_home, guard) = guard(Mode::Auto);
    let networks = ["10.0.0.2".to_owned(), "127.0.0.1".to_owned()];
    let proxy = ProxyLogin::new("Remote-User", &networks, Some(Role::Viewer)).unwrap();
    let guard = guard.with_proxy(Some(proxy)).with_tokens(Some(of_secret()));
    let who = |from: &str, presented: Presented<'_>| {
        let peer = Some(from.parse().unwrap());
        let Identified { principal, is_proxied, .. } =
            guard.identify(&Presented { peer, ..presented }, now());
        (principal.who().clone(), is_proxied)
    };
    let anna = Presented { proxied: Some(Named::One("anna")), ..Presented::default() };
    let proxied = (Who::Proxied { name: "anna".into() }, true);
    assert_eq!(who("10.0.0.2", anna), proxied);
    assert_eq!(who("::ffff:10.0.0.2", anna), proxied);
    assert_eq!(who("10.0.0.3", anna), (Who::Unknown(None), false), "as if it had said nothing");
    assert_eq!(who("192.168.1.9", Presented { is_here: true, ..anna }), (Who::Here, false));
    // Through a proxy on this machine strangers come, too.
    assert_eq!(who("127.0.0.1", Presented { is_here: true, ..anna }), proxied);
    let nobody = Presented { is_here: true, ..Presented::default() };
    assert_eq!(who("127.0.0.1", nobody), (Who::Unknown(None), false));
    let unclear = (Who::Unknown(Some(Unknown::ProxiedName)), false);
    for named in [Named::Unclear, Named::One(""), Named::One("a\tb"), Named::One("(null)")] {
        let token = Signer::secret().token(&claims(&json!({})));
        let presented = Presented { proxied: Some(named), ..Presented::default() };
        assert_eq!(who("10.0.0.2", presented), unclear, "{named:?}");
        assert_eq!(who("10.0.0.2", Presented { key: Some(&token), ..presented }), unclear, "{named:?}");
    }
    // Who sends a key means it, and a session of somebody else, in the same browser, does not count.
    let token = Signer::secret().token(&claims(&json!({ "sub": "otto" })));
    let otto = (Who::Token { subject: "otto".into() }, false);
    assert_eq!(who("10.0.0.2", Presented { key: Some(&token), ..anna }), otto);
    let (of_bearer, may_be_added) = who("10.0.0.2", Presented { bearer: Some(&token), ..anna });
    assert!(of_bearer == otto.0 && may_be_added, "a browser may not know that the proxy adds it");
    assert_eq!(who("10.0.0.3", Presented { bearer: Some(&token), ..anna }), otto);
    let (session, _) = guard.begin_session(&guard.find_principal(&token, now(), None).unwrap()).unwrap();
    let session = Some(session.reveal());
    assert_eq!(who("10.0.0.2", Presented { session, ..anna }), proxied);
    assert_eq!(who("10.0.0.3", Presented { session, ..anna }), otto);
}

/// Knows a client that says `yard`.
#[derive(Debug)]
struct OneOther;

impl Processes for OneOther {
    fn identify_process(&self, request: &Signed<'_>) -> Result<KnownProcess, ProcessFlaw> {
        let known = KnownProcess { name: request.tag.into(), answer: format!("for {}", request.target) };
        (request.tag == "yard").then_some(known).ok_or(ProcessFlaw::Stranger)
    }
}

#[test]
fn another_process_may_all_that_anybody_may_and_what_is_no_process_is_nobody() {
    let home = tempfile::tempdir().unwrap();
    let keyring = Arc::new(Keyring::open(Store::in_folder(home.path()), Arc::default()).unwrap());
    let rules =
        Arc::new(Rules { nobody: vec![("switch-model", "recognizer.switching")], ..Rules::default() });
    let alone = |mode| Guard::new(mode, keyring.clone(), rules.clone());
    let presented = |tag| Presented {
        process: Some(Signed { tag, method: "GET", target: "/a" }),
        is_here: true,
        ..Presented::default()
    };
    for mode in [Mode::Auto, Mode::Open, Mode::Protected] {
        let guard = alone(mode).with_processes(Arc::new(OneOther));
        let known = guard.identify(&presented("yard"), now());
        assert_eq!(known.principal.who(), &Who::Process { name: "yard".into() });
        assert!(known.principal.is_process() && known.principal.credential().is_none());
        assert_eq!(known.answer.as_deref(), Some("for /a"));
        assert_eq!(
            known.principal.check_stream_action(&EndStreams::ACTION, "gate", Some(Use::Relay)),
            Ok(())
        );
        let denied = known.principal.check_action(&SwitchModel::ACTION).unwrap_err();
        assert!(matches!(denied, Denied::Nobody { .. }), "it is a rule of this process, too: {denied}");
        let words = known.principal.who();
        assert_eq!(
            (words.to_string(), words.quoted_name()),
            ("the process yard".into(), "the process \"yard\"".into())
        );
        assert_eq!(words.name(), Some("yard"));
        for (guard, tag, why) in
            [(guard, "gate", ProcessFlaw::Stranger), (alone(mode), "yard", ProcessFlaw::NoCluster)]
        {
            let nobody = guard.identify(&presented(tag), now());
            assert_eq!(nobody.principal.who(), &Who::Unknown(Some(why.clone().into())), "{mode}");
            assert!(nobody.answer.is_none() && !nobody.principal.is_process());
            let denied = nobody.principal.check_action(&SeeViewers::ACTION).unwrap_err();
            assert_eq!((denied.is_unknown(), denied.to_string()), (true, why.to_string()));
        }
    }
}
