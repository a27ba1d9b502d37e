//! HTTP code that the functions share: bearer tokens, request ids, bounded bodies, switches of
//! queries, errors as problem+json, pages, and responses to unknown paths and methods. No endpoint lives here; the
//! bodies of requests and responses are defined in `muster-api`.

pub mod body;
pub mod client;
pub mod error;
pub mod fallback;
pub mod headers;
pub mod items;
pub mod json;
pub mod page;
pub mod panics;
pub mod query;
pub mod request_id;
pub mod responses;

use axum::Router;
pub use http;

pub use self::body::{Body, BodyError};
pub use self::client::ClientAddress;
pub use self::error::{ApiError, ProblemResponse};
pub use self::json::{JsonBody, QueryParams};
pub use self::request_id::RequestId;

/// Completes a function's router. Unknown paths and methods get a response, every request gets a
/// [`RequestId`] and a [`Body`] as extensions, and a panic in a handler becomes a 500 response
/// instead of a dropped connection.
pub fn finish(router: Router) -> Router {
    router
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .layer(axum::middleware::from_fn(body::read))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(
            fallback::panicked,
        ))
        .layer(axum::middleware::from_fn(request_id::assign))
}
