//! Keys and users of several servers, each with a folder of its own: who may do what is the same at all of them.

use std::time::SystemTime;

use http::{Method, header};
use serde_json::{Value, json};
use sightwire_access::record::NewKey;
use sightwire_access::store::{Store as Files, StoreError};
use sightwire_access::{Role, Scope};
use sightwire_cluster::memory::Trouble;
use sightwire_cluster::options::WhenDown;
use sightwire_cluster::store::{Shared, Store as _};
use tokio::time::{Duration, Instant, sleep};

use crate::client::{Client, POLITE, What};
use crate::house::{House, URL};
use crate::support::{Answer, Running};

/// More than a heartbeat.
const BEAT: Duration = Duration::from_secs(2);

async fn house() -> House {
    let house = House::that(2, WhenDown::Accept, "access.mode = \"protected\"").await;
    sleep(BEAT).await;
    house
}

/// A key as `sightwire keys add` makes it, on the machine of that server.
fn command_adds(house: &House, index: usize, role: Role) -> (String, String) {
    let wanted = NewKey { name: None, role, scope: Scope::ALL, expires: None };
    let files = Files::in_folder(house.homes[index].path());
    let key = files.update(|records| Ok::<_, StoreError>(records.add_key(&wanted, SystemTime::now())?.0));
    let key = key.unwrap();
    (key.id().to_owned(), key.reveal().to_owned())
}

async fn ask(server: &Running, key: &str, method: Method, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut request = server.request(method.as_str(), path, body);
    let headers = request.headers_mut();
    headers.insert(header::AUTHORIZATION, format!("Bearer {key}").parse().unwrap());
    headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    server.ask(request).await
}

async fn get(server: &Running, key: &str) -> Answer {
    ask(server, key, Method::GET, "/api/v1/streams", &Value::Null).await
}

async fn status(server: &Running, key: &str) -> u16 {
    get(server, key).await.status.as_u16()
}

async fn makes(server: &Running, admin: &str, role: &str) -> (String, String) {
    let made =
        ask(server, admin, Method::POST, "/api/v1/keys", &json!({ "name": "some", "role": role })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let key = made.json()["key"].as_str().unwrap().to_owned();
    (id_of(&key).to_owned(), key)
}

/// As it stands in the key.
fn id_of(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

async fn revokes(server: &Running, admin: &str, id: &str) {
    let path = format!("/api/v1/keys/{id}");
    assert_eq!(ask(server, admin, Method::DELETE, &path, &Value::Null).await.status, 204);
}

async fn is_cut(client: &mut Client) {
    client.until(|what| matches!(what, What::Close(..) | What::Gone)).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_made_at_one_counts_at_all_and_ends_at_all_when_it_is_revoked_at_one() {
    let house = house().await;
    let [a, b] = &house.servers[..] else { panic!() };
    let (_, admin) = command_adds(&house, 0, Role::Admin);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(status(b, &admin).await, 200, "what the command line made at A counts at B");
    let (id, key) = makes(a, &admin, "streamer").await;
    sleep(Duration::from_millis(100)).await;
    let sender = b.client(&format!("/ws/stream/ward?key={key}"), POLITE).await;
    sender.text(r#"{"analysis_mode":"normal"}"#).await;
    let mut viewer = b.viewer(&format!("?streams=ward&key={key}"), POLITE).await;
    sender.picture(URL).await;
    viewer.next("live_frame").await;
    let begun = Instant::now();
    revokes(a, &admin, &id).await;
    is_cut(&mut viewer).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let denied = get(b, &key).await;
    assert_eq!(denied.status, 401);
    assert!(denied.text().contains("was revoked"), "{}", denied.text());
    assert_eq!(status(b, &admin).await, 200, "another key is left alone");
}

#[tokio::test(start_paused = true)]
async fn a_user_who_is_removed_at_one_is_logged_out_at_all() {
    let house = house().await;
    let [a, b] = &house.servers[..] else { panic!() };
    let (_, admin) = command_adds(&house, 1, Role::Admin);
    sleep(Duration::from_secs(1)).await;
    let user = json!({ "name": "Anna", "password": "correct horse", "role": "viewer" });
    assert_eq!(ask(a, &admin, Method::POST, "/api/v1/users", &user).await.status, 201);
    sleep(Duration::from_millis(100)).await;
    let mut login = b.request(
        "POST",
        "/api/v1/login",
        json!({ "name": "anna", "password": "correct horse" }).to_string(),
    );
    login.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    let login = b.ask(login).await;
    assert!(login.status.is_success(), "{}", login.text());
    let cookie = login.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let with_cookie = async || {
        let mut request = b.request("GET", "/api/v1/streams", "");
        request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
        b.ask(request).await.status.as_u16()
    };
    assert_eq!(with_cookie().await, 200);
    assert_eq!(ask(a, &admin, Method::DELETE, "/api/v1/users/anna", &Value::Null).await.status, 204);
    sleep(Duration::from_millis(800)).await;
    assert_eq!(with_cookie().await, 401);
}

#[tokio::test(start_paused = true)]
async fn what_both_change_while_the_store_is_away_holds_for_both_after_it() {
    let house = house().await;
    let [a, b] = &house.servers[..] else { panic!() };
    let (_, admin) = command_adds(&house, 0, Role::Admin);
    sleep(Duration::from_secs(1)).await;
    let (old, old_key) = makes(a, &admin, "viewer").await;
    sleep(Duration::from_millis(100)).await;
    house.store.set_trouble(Trouble::Away);
    sleep(BEAT).await;
    let ((_, first), (_, second)) = (makes(a, &admin, "viewer").await, makes(b, &admin, "viewer").await);
    revokes(b, &admin, &old).await;
    assert_eq!([status(a, &first).await, status(b, &first).await], [200, 401]);
    assert_eq!([status(a, &old_key).await, status(b, &old_key).await], [200, 401], "nobody could be told");
    house.store.set_trouble(Trouble::None);
    sleep(2 * BEAT).await;
    for server in [a, b] {
        assert_eq!([status(server, &first).await, status(server, &second).await], [200, 200]);
        assert_eq!([status(server, &admin).await, status(server, &old_key).await], [200, 401]);
    }
    house.store.flush();
    sleep(2 * BEAT).await;
    revokes(a, &admin, id_of(&second)).await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!([status(b, &first).await, status(b, &second).await], [200, 401]);
}

#[tokio::test(start_paused = true)]
async fn keys_that_nobody_confirms_for_an_hour_get_401_in_words_until_somebody_does() {
    let house = house().await;
    let [a, b] = &house.servers[..] else { panic!() };
    let (_, admin) = command_adds(&house, 0, Role::Admin);
    sleep(Duration::from_secs(1)).await;
    house.store.set_trouble(Trouble::Away);
    sleep(Duration::from_secs(3550)).await;
    assert_eq!([status(a, &admin).await, status(b, &admin).await], [200, 200]);
    let mut viewer = b.viewer(&format!("?key={admin}"), POLITE).await;
    sleep(Duration::from_secs(60)).await;
    let denied = get(b, &admin).await;
    assert_eq!(denied.status, 401);
    let words = denied.text().to_owned();
    assert!(words.contains("60 min") && words.contains("cluster.rights_max_age_s"), "{words}");
    assert!(viewer.all(|what| matches!(what, What::Close(..) | What::Gone)).is_empty(), "what is open stays");
    house.store.set_trouble(Trouble::None);
    sleep(BEAT).await;
    assert_eq!([status(a, &admin).await, status(b, &admin).await], [200, 200]);
}

#[tokio::test(start_paused = true)]
async fn whoever_can_write_to_the_store_makes_no_keys() {
    let house = house().await;
    let [a, b] = &house.servers[..] else { panic!() };
    let (_, admin) = command_adds(&house, 0, Role::Admin);
    sleep(Duration::from_secs(1)).await;
    let good = house.store.read_rights().await.unwrap().unwrap();
    let value = good.value.replace("admin", "viewer").into();
    assert!(
        house.store.set_rights(good.version, &Shared { version: good.version + 1, value }).await.unwrap()
    );
    sleep(2 * BEAT).await;
    for (server, cluster) in [a, b].into_iter().zip(&house.clusters) {
        let keys = ask(server, &admin, Method::GET, "/api/v1/keys", &Value::Null).await;
        assert_eq!(keys.status, 200, "an admin still: {}", keys.text());
        assert!(cluster.rights_status().trouble.is_some_and(|why| why.contains("is not believed")));
    }
}
