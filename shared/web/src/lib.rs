//! What the HTTP functions share: bearer tokens, request ids, bounded bodies, problem+json, pages, and
//! the answers to unknown paths and wrong methods. No endpoint lives here.

pub mod body;
pub mod client;
pub mod documented;
pub mod fallback;
pub mod headers;
pub mod items;
pub mod json;
pub mod lists;
pub mod panics;
pub mod problem;
pub mod request_id;
pub mod time;

use axum::Router;
pub use http;

pub use self::body::Body;
pub use self::client::ClientAddress;
pub use self::items::LoggedItem;
pub use self::json::{JsonBody, Parameters};
pub use self::problem::{FieldError, Problem};
pub use self::request_id::RequestId;

/// Finishes a function's router: answers for what it does not route, a [`RequestId`] and a
/// [`Body`] among the extensions of every request, and 500 instead of a dropped connection if a handler panics.
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
