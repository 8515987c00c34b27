//! Who did what: one line for each request that changes something, and for each that was not allowed to.
//!
//! Not the handlers see to that, so none can forget it; they may say in words what they did.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};
use parking_lot::Mutex;
use sightwire_access::{Action, Role};
use sightwire_base::address::counted_address;
use sightwire_base::clock;
use sightwire_base::lines::{self, AUDIT, LogThrottle};
use sightwire_listen::client::ClientAddress;

use crate::caller::Caller;
use crate::may;

/// What was not allowed.
static DENIED: LazyLock<Seldom> = LazyLock::new(Seldom::default);
/// How many are told apart.
const MOST: usize = 1000;
/// Lines of a minute that name the client they are about; with those of all others they are twenty at most.
const MOST_A_MINUTE: usize = 14;
const MINUTE: Duration = Duration::from_mins(1);

/// What anybody can have written is said once in a while: of each who is known, and of each address.
#[derive(Debug, Default)]
pub struct Seldom {
    each: Mutex<Each>,
    /// Those who come when there are too many, or too many lines, are one.
    others: LogThrottle,
}

#[derive(Debug, Default)]
struct Each {
    throttles: HashMap<String, LogThrottle>,
    /// When the lines of the last minute were said, the oldest first.
    said: VecDeque<Instant>,
}

impl Seldom {
    /// If that is to be said of `who`: how often it was not said since it was said last.
    pub fn admit_line(&self, who: String, now: Instant) -> Option<u64> {
        let Each { throttles, said } = &mut *self.each.lock();
        while said.front().is_some_and(|at| now.saturating_duration_since(*at) >= MINUTE) {
            said.pop_front();
        }
        if said.len() >= MOST_A_MINUTE {
            return self.others.admit_line(now);
        }
        if throttles.len() >= MOST && !throttles.contains_key(&who) {
            throttles.retain(|_, throttle| !throttle.is_over(now));
            if throttles.len() >= MOST {
                return self.others.admit_line(now);
            }
        }
        let due = throttles.entry(who).or_default().admit_line(now);
        said.extend(due.map(|_| now));
        due
    }
}

/// Clients from there: all addresses that one client can choose from count as one.
pub fn format_address(ip: IpAddr) -> String {
    counted_address(ip).to_string()
}

/// What becomes of a request, for the line.
#[derive(Clone, Debug, Default)]
pub struct Deed(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    changes: AtomicBool,
    what: OnceLock<String>,
}

impl Deed {
    /// It asks for that action with a method that changes something: worth a line of the log, if the action takes an operator
    /// or more.
    pub fn mark_change(&self, action: &Action) {
        // What every sender and reader does is not worth a line.
        if action.role >= Some(Role::Operator) {
            self.0.changes.store(true, Ordering::Relaxed);
        }
    }

    /// In words that follow who did it, such as "added the camera gate". Never with anything secret.
    pub fn set_description(&self, what: String) {
        let _ = self.0.what.set(what);
    }
}

/// A layer inside of the one that finds who asks.
pub async fn log_deeds(request: Request, next: Next) -> Response {
    // Frames and polls come by the thousand, and most others only look.
    let caller = request.extensions().get::<Caller>().filter(|_| may::is_change(request.method()));
    let Some(caller) = caller.cloned() else { return next.run(request).await };
    let mut asked = Asked {
        client: request.extensions().get::<ClientAddress>().copied(),
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        status: None,
        caller,
    };
    let response = next.run(request).await;
    asked.status = Some(response.status());
    response
}

/// A request, which is told when it is over: answered, or given up by its client.
struct Asked {
    caller: Caller,
    client: Option<ClientAddress>,
    method: Method,
    path: String,
    /// Of the answer; none where nobody waited for it. What was begun is then done all the same.
    status: Option<StatusCode>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        let Told { changes, what } = &*self.caller.deed().0;
        if !changes.load(Ordering::Relaxed) {
            return;
        }
        let who = self.caller.principal().who().quoted_name();
        let (shown, path) = (lines::short_sentence(&who), lines::short_line(&self.path));
        let (code, from) = (self.status.map(|status| status.as_u16()), self.client.map(|c| c.to_string()));
        let method = &self.method;
        match self.status {
            Some(status) if status.is_success() => {
                let asked = || format!("asked for {method} {path}");
                let did = what.get().cloned().unwrap_or_else(asked);
                tracing::info!(target: AUDIT, code, from, "AUDIT {shown} {}", lines::short_sentence(&did));
            }
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                let is_known = self.caller.principal().role().is_some();
                let from_there = || self.client.map(|client| format_address(client.ip())).unwrap_or_default();
                let of = if is_known { who.clone() } else { from_there() };
                if let Some(unsaid) = DENIED.admit_line(of, clock::now()) {
                    tracing::warn!(target: AUDIT, code, from, unsaid, "AUDIT {shown} may not, and tried {method} {path}");
                }
            }
            Some(_) => tracing::info!(target: AUDIT, code, from, "AUDIT {shown} tried {method} {path}"),
            None => {
                tracing::info!(
                    target: AUDIT,
                    from,
                    "AUDIT {shown} asked for {method} {path} and did not wait for the answer: it may be done"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_from_many_addresses_has_few_lines_and_all_are_counted() {
        let (seldom, now) = (Seldom::default(), Instant::now());
        let said = |now| (0..3000).filter_map(|n| seldom.admit_line(n.to_string(), now)).count();
        assert_eq!(said(now), MOST_A_MINUTE + 1);
        let lines: usize = (0..60).map(|second| said(now + Duration::from_secs(second))).sum();
        assert!(lines < 20 - MOST_A_MINUTE, "{lines} further ones in that minute");
        assert_eq!(seldom.admit_line("0".into(), now + MINUTE / 2), None);
        let later = now + MINUTE * 2;
        assert_eq!(seldom.admit_line("new".into(), later), Some(0));
        let unsaid = seldom.others.admit_line(later).unwrap();
        assert!(unsaid > 2000, "{unsaid}");
    }

    #[test]
    fn no_more_are_told_apart_than_there_is_room_for() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        for n in 0..3000_u32 {
            // One each five seconds, so that none has too many lines; each has something unsaid.
            let now = start + Duration::from_secs(5) * n;
            seldom.admit_line(n.to_string(), now);
            seldom.admit_line(n.to_string(), now);
        }
        assert_eq!(seldom.each.lock().throttles.len(), MOST);
    }

    #[test]
    fn addresses_that_one_can_choose_from_are_one() {
        let of = |ip: &str| format_address(ip.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
