//! Routes, each with who may use it: one that does not say so cannot be added.
//!
//! Two things are said of each: which pages may have what it answers (of the route), and what somebody has to be allowed to
//! (of the handler of each method, by its first argument).

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, Request, State};
use axum::handler::Handler;
use axum::middleware::Next;
use axum::response::{Redirect, Response};
use axum::routing::{self, MethodFilter, MethodRouter};
use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http::{Method, StatusCode};
use sightwire_access::Action;

use crate::caller::Caller;
use crate::error_response;
use crate::may::Asks;
use sightwire_listen::websocket;

/// What answers one path, and what each method asks for.
#[derive(Clone)]
pub struct Methods<S> {
    router: MethodRouter<S>,
    asked: Vec<(Method, Action)>,
}

macro_rules! methods {
    ($($name:ident = $method:ident;)*) => {
        $(/// With a handler for that method, whose first argument says what it asks for.
        pub fn $name<H, T, S>(handler: H) -> Methods<S>
        where
            H: Handler<T, S>,
            T: Asks + 'static,
            S: Clone + Send + Sync + 'static,
        {
            Methods { router: MethodRouter::new(), asked: Vec::new() }.$name(handler)
        })*

        impl<S: Clone + Send + Sync + 'static> Methods<S> {
            $(/// With a handler for that method, too.
            #[must_use]
            pub fn $name<H: Handler<T, S>, T: Asks + 'static>(mut self, handler: H) -> Self {
                self.asked.push((Method::$method, T::ACTION));
                Self { router: self.router.on(MethodFilter::$method, handler), ..self }
            })*
        }
    };
}

methods! {
    get = GET;
    post = POST;
    patch = PATCH;
    delete = DELETE;
}

impl<S> Methods<S> {
    /// Its handlers so far go through something first.
    #[must_use]
    pub fn with_layer(self, layer: impl FnOnce(MethodRouter<S>) -> MethodRouter<S>) -> Self {
        Self { router: layer(self.router), ..self }
    }
}

/// Routes whose handlers need an `S`.
pub struct Routes<S = ()> {
    router: Router<S>,
    open: Vec<&'static str>,
    private: Vec<&'static str>,
    asked: Vec<Asked>,
}

/// What a method of a path asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// With names in braces.
    pub path: &'static str,
    /// One that it takes.
    pub method: Method,
    /// What somebody has to be allowed.
    pub action: Action,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Without any routes yet.
    pub fn new() -> Self {
        Self { router: Router::new(), open: Vec::new(), private: Vec::new(), asked: Vec::new() }
    }

    /// For any page that may use this server at all: it brings its own pictures, and learns only what is not secret.
    #[must_use]
    pub fn add_open(mut self, path: &'static str, methods: Methods<S>) -> Self {
        self.open.push(path);
        self.add_route(path, methods)
    }

    /// What cameras see, and what was given to this server: only for pages of this server, of this machine, and those
    /// that the configuration lists. Others may show it (as any picture of another server) but not read it.
    #[must_use]
    pub fn add_private(mut self, path: &'static str, methods: Methods<S>) -> Self {
        self.private.push(path);
        self.add_route(path, methods)
    }

    fn add_route(mut self, path: &'static str, methods: Methods<S>) -> Self {
        self.asked.extend(methods.asked.into_iter().map(|(method, action)| Asked { path, method, action }));
        Self { router: self.router.route(path, methods.router), ..self }
    }

    /// An old client's path with a slash at its end leads to the one without, as in the prototypes. It says nothing, so nobody
    /// is asked.
    #[must_use]
    pub fn add_slashed(self, slashed: &'static str, path: &'static str) -> Self {
        let leads = routing::get(move |RawQuery(query): RawQuery| async move {
            Redirect::temporary(&query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
        });
        Self { router: self.router.route(slashed, leads), ..self }
    }

    /// All routes so far go through something first.
    #[must_use]
    pub fn with_layer(self, layer: impl FnOnce(Router<S>) -> Router<S>) -> Self {
        Self { router: layer(self.router), ..self }
    }

    /// The routes of both; a path may only be in one.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.open.extend(other.open);
        self.private.extend(other.private);
        self.asked.extend(other.asked);
        Self { router: self.router.merge(other.router), ..self }
    }

    /// With what their handlers need.
    pub fn with_state(self, state: S) -> Routes {
        let Self { router, open, private, asked } = self;
        Routes { router: router.with_state(state), open, private, asked }
    }
}

impl Routes {
    /// As they were added, with names in braces.
    pub fn paths(&self) -> Vec<&'static str> {
        [&self.open[..], &self.private].concat()
    }

    /// What each method of each asks for.
    pub fn asked_actions(&self) -> Vec<Asked> {
        self.asked.clone()
    }

    /// The routes, and what keeps the private ones so.
    pub fn finish(self) -> Result<(Router, Privacy), matchit::InsertError> {
        let mut paths = matchit::Router::new();
        self.private.into_iter().try_for_each(|path| paths.insert(path, ()))?;
        Ok((self.router, Privacy { paths: Arc::new(paths) }))
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("open", &self.open)
            .field("private", &self.private)
            .finish_non_exhaustive()
    }
}

/// Keeps the private routes from pages that are neither this server's nor listed.
#[derive(Clone)]
pub struct Privacy {
    paths: Arc<matchit::Router<()>>,
}

impl Privacy {
    /// Whether that request is for a private route, and of a page that may not have it.
    fn is_broken_by(&self, request: &Request) -> bool {
        self.paths.at(request.uri().path()).is_ok()
            && request.extensions().get().is_none_or(Caller::is_foreign)
    }
}

/// A layer outside of the one that allows origins.
pub async fn keep_private(State(privacy): State<Privacy>, request: Request, next: Next) -> Response {
    let foreign = privacy.is_broken_by(&request);
    if foreign && websocket::is_asked_for(request.headers()) {
        let detail = "Pages of this origin may not see or send live pictures. Add it to server.cors_origins.";
        return error_response(StatusCode::FORBIDDEN, detail);
    }
    let mut response = next.run(request).await;
    if foreign {
        response.headers_mut().remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use sightwire_access::action::WatchStream;
    use sightwire_access::guard::Mode;

    use super::*;
    use crate::caller::Gate;
    use crate::caller::tests::gate;
    use crate::may::May;

    fn broken(privacy: &Privacy, gate: &Gate, path: &str, origin: Option<&str>) -> bool {
        let mut request = Request::builder().uri(path).header("host", "server.example:8000");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let mut request = request.body(Body::empty()).unwrap();
        let caller = gate.identify_caller(&request, None);
        request.extensions_mut().insert(caller);
        privacy.is_broken_by(&request)
    }

    #[test]
    fn a_private_route_is_private_with_whatever_name_is_in_its_path() {
        let handler = || get(async |_: May<WatchStream>| {});
        let inner =
            Routes::<()>::new().add_private("/streams/{id}", handler()).add_open("/labels", handler());
        let outer = Routes::<()>::new().add_private("/ws/view", handler()).with_state(());
        let routes = outer.merge(inner.with_state(()));
        let (_, privacy) = routes.finish().unwrap();
        let (_home, gate) = gate(Mode::Auto);
        let evil = Some("https://evil.example");
        for path in ["/streams/gate", "/streams/%2e%2e", "/ws/view"] {
            assert!(broken(&privacy, &gate, path, evil), "{path}");
            assert!(!broken(&privacy, &gate, path, Some("https://app.example")), "{path}");
            assert!(!broken(&privacy, &gate, path, None), "{path}");
        }
        for path in ["/labels", "/", "/streams"] {
            assert!(!broken(&privacy, &gate, path, evil), "{path}");
        }
    }
}
