//! Responses to unknown paths and methods, and to a panic.

use std::any::Any;

use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, Uri};

use crate::ProblemResponse;

/// Responds with 404.
pub async fn not_found(uri: Uri) -> ProblemResponse {
    ProblemResponse::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at {}", uri.path()),
    )
}

/// Responds with 405; axum adds `Allow`.
pub async fn method_not_allowed(method: Method, uri: Uri) -> ProblemResponse {
    ProblemResponse::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!(
            "{} does not support {method}: the Allow header lists the methods that it supports",
            uri.path()
        ),
    )
}

/// Responds with 500. The panic's message is ignored: it may quote data. The panic hook logs the
/// location.
pub(crate) fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request handler panicked");
    ProblemResponse::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the service failed: report the request id in the header x-request-id to the administrator of the service",
    )
    .into_response()
}
