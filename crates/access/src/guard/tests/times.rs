//! What it takes to find out who asks.

use super::*;
use crate::token::tests::of_signer;

/// The median and the 99th percentile of this many, as a row.
fn row(what: &str, count: usize, mut check: impl FnMut(usize) -> Option<Role>) -> String {
    let mut times: Vec<u64> = (0..count)
        .map(|number| {
            let begun = Instant::now();
            let role = check(number);
            let took = begun.elapsed().as_nanos() as u64;
            assert_eq!(role, Some(Role::Operator), "{what}");
            took
        })
        .collect();
    times.sort_unstable();
    let us = |part: usize| times[(times.len() - 1) * part / 100] as f64 / 1e3;
    format!("| {what} | {:.2} | {:.2} |", us(50), us(99))
}

#[test]
#[ignore = "prints times: cargo test --release -p sightwire-access check_times -- --ignored --nocapture"]
#[expect(clippy::print_stdout, reason = "it is there to print")]
fn check_times() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::in_folder(home.path());
    let wanted = NewKey { name: None, role: Role::Operator, scope: Scope::ALL, expires: None };
    let make = || store.update(|records| Ok::<_, StoreError>(records.add_key(&wanted, now())?.0)).unwrap();
    let keys: Vec<_> = (0..100).map(|_| make()).collect();
    let keyring = Arc::new(Keyring::open(Store::in_folder(home.path()), Arc::default()).unwrap());
    let guard = |signer: &Signer| {
        Guard::new(Mode::Protected, keyring.clone(), Arc::default()).with_tokens(Some(of_signer(signer)))
    };
    let role = |guard: &Guard, presented: Presented<'_>| guard.identify(&presented, now()).principal.role();
    let mut rows = vec!["| what is sent | p50 µs | p99 µs |\n| --- | ---: | ---: |".to_owned()];
    let own = guard(&Signer::secret());
    rows.push(row("a key (of 100)", 200_000, |number| {
        role(&own, Presented { key: Some(keys[number % 100].reveal()), ..Presented::default() })
    }));
    let principal = own.find_principal(keys[0].reveal(), now(), None).unwrap();
    let (session, _) = own.begin_session(&principal).unwrap();
    rows.push(row("a cookie", 200_000, |_| {
        role(&own, Presented { session: Some(session.reveal()), ..Presented::default() })
    }));
    let seen = Signer::secret().token(&claims(&json!({})));
    rows.push(row("a token that was seen before", 200_000, |_| {
        role(&own, Presented { bearer: Some(&seen), ..Presented::default() })
    }));
    for (name, signer) in [
        ("HS256", Signer::secret()),
        ("RS256", Signer::rsa()),
        ("ES256", Signer::p256()),
        ("EdDSA", Signer::ed25519()),
    ] {
        let guard = guard(&signer);
        let tokens: Vec<String> =
            (0..2000).map(|number| signer.token(&claims(&json!({ "jti": number })))).collect();
        rows.push(row(&format!("a new token, {name}"), tokens.len(), |number| {
            role(&guard, Presented { bearer: Some(&tokens[number]), ..Presented::default() })
        }));
    }
    println!("{}", rows.join("\n"));
}
