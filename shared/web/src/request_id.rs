//! A request id: in the answer's header, in every log line, and for handlers to put in errors.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tracing::Instrument as _;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request that is being answered.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

impl RequestId {
    /// A message, with the id by which the log has the cause.
    #[must_use]
    pub fn mention(&self, message: &str) -> String {
        format!("{message} (request {})", self.0)
    }
}

/// Middleware: gives the request an id. One that a client sends is not taken over, because log
/// lines are found by it.
pub async fn assign(mut request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().to_string();
    let span = tracing::info_span!("request", request.id = %id);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
