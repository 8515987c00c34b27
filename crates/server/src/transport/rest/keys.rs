//! `/api/v1/keys` and `/api/v1/users`: who else may do something. What is made here is kept in the same file as what
//! `sightwire keys` makes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use sightwire_access::action::ManageAccess;
use sightwire_access::key::Key;
use sightwire_access::password;
use sightwire_access::record::{KeyRecord, NewKey, NewUser, Records, UserRecord};
use sightwire_access::scope::ScopeError;
use sightwire_access::store::StoreError;
use sightwire_access::{Guard, Scope, Use};
use sightwire_api::access as api;

use super::run_blocking;
use sightwire_admission::may::May;
use sightwire_admission::object::{self, Object};
use sightwire_admission::parts::Path;
use sightwire_admission::refusal::Refusal;

const FAILED: &str = "The keys could not be changed.";

pub(super) async fn list_keys(
    _: May<ManageAccess>,
    State(guard): State<Arc<Guard>>,
) -> Result<Json<api::Keys>, Refusal> {
    let records = run_blocking("The keys could not be read.", move || guard.keyring().store().load()).await?;
    Ok(Json(api::Keys { keys: records.keys.iter().map(to_api_key).collect() }))
}

pub(super) async fn add_key(
    may: May<ManageAccess>,
    State(guard): State<Arc<Guard>>,
    wanted: Result<Object<api::NewKey>, JsonRejection>,
) -> Result<Response, Refusal> {
    let (made, record) = make_key(&may, guard, wanted).await?;
    let answer = api::MadeKey { about: to_api_key(&record), key: made.reveal().to_owned() };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Makes a key, which counts at once.
pub(super) async fn make_key(
    may: &May<ManageAccess>,
    guard: Arc<Guard>,
    wanted: Result<Object<api::NewKey>, JsonRejection>,
) -> Result<(Key, KeyRecord), Refusal> {
    let Object(wanted) = wanted.map_err(|wrong| no_json(&wrong))?;
    let now = SystemTime::now();
    let expires = wanted.expires_s.map(|seconds| {
        let too_far = || Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "expires_s is too far away");
        now.checked_add(Duration::from_secs(seconds)).ok_or_else(too_far)
    });
    let new = NewKey {
        name: wanted.name,
        role: wanted.role,
        scope: parse_scope(&wanted.streams, &wanted.uses)?,
        expires: expires.transpose()?,
    };
    let (made, record) = change_store(guard, move |records| Ok(records.add_key(&new, now)?)).await?;
    may.deed().set_description(format!(
        "made the key {} ({:?}, {})",
        record.id,
        record.name,
        record.role.name()
    ));
    Ok((made, record))
}

pub(super) async fn revoke_key(
    may: May<ManageAccess>,
    State(guard): State<Arc<Guard>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let unknown = Refusal::new(StatusCode::NOT_FOUND, &format!("there is no key {id:?}"));
    may.let_go();
    let revoked = change_store(guard, move |records| Ok(records.revoke_key(&id))).await?;
    let record = revoked.ok_or(unknown)?;
    may.deed().set_description(format!("revoked the key {} ({:?})", record.id, record.name));
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn list_users(
    _: May<ManageAccess>,
    State(guard): State<Arc<Guard>>,
) -> Result<Json<api::Users>, Refusal> {
    let records =
        run_blocking("The users could not be read.", move || guard.keyring().store().load()).await?;
    Ok(Json(api::Users { users: records.users.iter().map(to_api_user).collect() }))
}

pub(super) async fn add_user(
    may: May<ManageAccess>,
    State(guard): State<Arc<Guard>>,
    wanted: Result<Object<api::NewUser>, JsonRejection>,
) -> Result<(StatusCode, Json<api::User>), Refusal> {
    let Object(wanted) = wanted.map_err(|wrong| no_json(&wrong))?;
    let (scope, role) = (parse_scope(&wanted.streams, &wanted.uses)?, wanted.role);
    let api::NewUser { name, password, .. } = wanted;
    let password = run_blocking(FAILED, move || password::hash(&password)).await?;
    let new = NewUser { name, role, scope, password };
    let added = change_store(guard, |records| Ok(records.add_user(new, SystemTime::now())?.clone())).await?;
    may.deed().set_description(format!("added the user {:?} ({})", added.name, added.role.name()));
    Ok((StatusCode::CREATED, Json(to_api_user(&added))))
}

pub(super) async fn remove_user(
    may: May<ManageAccess>,
    State(guard): State<Arc<Guard>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    let unknown = Refusal::new(StatusCode::NOT_FOUND, &format!("there is no user {name:?}"));
    may.let_go();
    let removed = change_store(guard, move |records| Ok(records.remove_user(&name))).await?;
    let record = removed.ok_or(unknown)?;
    may.deed().set_description(format!("removed the user {:?}", record.name));
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the store, and has the change count at once.
pub(super) async fn change_store<T: Send + 'static>(
    guard: Arc<Guard>,
    change: impl FnOnce(&mut Records) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Refusal> {
    run_blocking(FAILED, move || {
        let done = guard.keyring().store().update(change)?;
        guard.keyring().take_up()?;
        Ok::<_, StoreError>(done)
    })
    .await
}

fn no_json(wrong: &JsonRejection) -> Refusal {
    let fields = "A field is missing, unknown or has the wrong type. Roles: viewer, streamer, operator, admin; uses: cameras, reading, relay, signs.";
    object::body_refusal(wrong, fields)
}

fn parse_scope(streams: &[String], uses: &[Use]) -> Result<Scope, Refusal> {
    let scope = Scope::new(streams.iter().map(String::as_str), uses.iter().copied());
    scope.map_err(|wrong: ScopeError| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, &wrong.to_string()))
}

/// As others see it.
pub(super) fn to_api_key(record: &KeyRecord) -> api::Key {
    api::Key {
        created: format_time(record.created),
        expired: record.has_expired(SystemTime::now()),
        expires: record.expires.map(format_time),
        id: record.id.clone(),
        name: record.name.clone(),
        role: record.role,
        streams: record.streams.clone(),
        uses: record.uses.clone(),
    }
}

fn to_api_user(record: &UserRecord) -> api::User {
    api::User {
        created: format_time(record.created),
        name: record.name.clone(),
        role: record.role,
        streams: record.streams.clone(),
        uses: record.uses.clone(),
    }
}

/// RFC 3339.
pub(super) fn format_time(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}
