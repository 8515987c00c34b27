//! What a handler asks for stands in its signature: it takes a [`May`] or a [`MayStream`] first, which a caller who may not does not
//! get. A handler without one [cannot be added](crate::routes::get).

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use http::{Method, StatusCode};
use sightwire_access::action::Act;
use sightwire_access::principal::Unknown;
use sightwire_access::token::Flaw;
use sightwire_access::{Action, Denied};

use crate::caller::{Caller, NotAllowed};
use crate::refusal::Refusal;

/// Somebody who may do `A`, with whatever stream its scope covers: what a handler gives out or touches, it asks its
/// [`Caller`] for.
#[derive(Clone, Debug)]
pub struct May<A> {
    caller: Caller,
    of: PhantomData<A>,
}

/// Somebody who may do `A` with the stream that the path names as `{id}` or `{name}`.
#[derive(Clone, Debug)]
pub struct MayStream<A>(May<A>);

impl<A> May<A> {
    /// The caller, without the proof of what it may.
    pub fn into_caller(self) -> Caller {
        self.caller
    }
}

impl<A> Deref for May<A> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<A> Deref for MayStream<A> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0.caller
    }
}

/// Requests with these change nothing.
pub fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The caller, if it may do this.
fn check_allowed(
    parts: &Parts,
    action: &Action,
    asked: impl FnOnce(&Caller, bool) -> Result<(), NotAllowed>,
) -> Result<Caller, Refusal> {
    // Without the layer that finds it nobody is let in.
    let lost = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "nobody has looked who asks");
    let caller = parts.extensions.get::<Caller>().ok_or_else(lost)?;
    if is_change(&parts.method) {
        caller.deed().mark_change(action);
    }
    asked(caller, is_change(&parts.method))?;
    Ok(caller.clone())
}

impl<S: Sync, A: Act> FromRequestParts<S> for May<A> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let caller =
            check_allowed(parts, &A::ACTION, |caller, changes| caller.check_action(&A::ACTION, changes))?;
        Ok(Self { caller, of: PhantomData })
    }
}

impl<S: Send + Sync, A: Act> FromRequestParts<S> for MayStream<A> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let not_text = |_| Refusal::new(StatusCode::BAD_REQUEST, "the name of the stream is not UTF-8");
        let params = params.map_err(not_text)?;
        let named = params.iter().find(|(name, _)| matches!(*name, "id" | "name"));
        let lost = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "this path names no stream");
        let (_, stream) = named.ok_or_else(lost)?;
        let asked = |caller: &Caller, changes| caller.check_stream_action(&A::ACTION, changes, stream);
        let caller = check_allowed(parts, &A::ACTION, asked)?;
        Ok(Self(May { caller, of: PhantomData }))
    }
}

impl From<NotAllowed> for Refusal {
    fn from(why: NotAllowed) -> Self {
        match why {
            NotAllowed::Denied(denied) => denied.into(),
            NotAllowed::Page { .. } | NotAllowed::Csrf | NotAllowed::Unsaid => {
                Self::new(StatusCode::FORBIDDEN, &why.to_string())
            }
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        if let Denied::Unknown(Unknown::Token(Flaw::TooMany)) = denied {
            Self::retry_later(StatusCode::TOO_MANY_REQUESTS, 1, &denied.to_string())
        } else if denied.is_unknown() {
            Self::unauthorized(&denied.to_string())
        } else {
            Self::new(StatusCode::FORBIDDEN, &denied.to_string())
        }
    }
}

/// The types of a handler's arguments, of which the first says what it asks for.
pub trait Asks {
    /// The action that a caller has to be allowed.
    const ACTION: Action;
}

macro_rules! asks {
    ($($rest:ident)*) => {
        impl<M, A: Act, $($rest),*> Asks for (M, May<A>, $($rest,)*) {
            const ACTION: Action = A::ACTION;
        }

        impl<M, A: Act, $($rest),*> Asks for (M, MayStream<A>, $($rest,)*) {
            const ACTION: Action = A::ACTION;
        }
    };
}

asks!();
asks!(T1);
asks!(T1 T2);
asks!(T1 T2 T3);
asks!(T1 T2 T3 T4);
asks!(T1 T2 T3 T4 T5);
