//! Request ids: in a header of the response, in every log line of the request, and for handlers to
//! mention in errors.

use std::fmt::Display;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tracing::field::Empty;
use tracing::{Instrument as _, Span, error_span};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the current request.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

impl RequestId {
    /// Appends the request id to a message, so that the cause can be found in the log.
    #[must_use]
    pub fn mention(&self, message: &str) -> String {
        format!("{message} (request {})", self.0)
    }
}

/// Middleware that assigns an id to the request and opens its span. An id that the client sends is
/// ignored: log lines are found by this id, so it must be unique.
///
/// The span holds the route, not the path or the query, which may hold personal data. It is at
/// level ERROR because a level filter drops spans below it: at `MUSTER_LOG_LEVEL=WARN`, warnings
/// and errors need their ids, too.
pub async fn assign(mut request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().to_string();
    let route = request.extensions().get::<MatchedPath>();
    let span = error_span!(
        "request",
        request.id = %id,
        request.method = %request.method(),
        request.route = route.map(MatchedPath::as_str),
        import.id = Empty,
        task.id = Empty,
    );
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// Adds the import to the span of the current request.
pub fn record_import(id: impl Display) {
    Span::current().record("import.id", tracing::field::display(id));
}

/// Adds the task to the span of the current request.
pub fn record_task(id: u64) {
    Span::current().record("task.id", id);
}
