//! Why an operation on an upload or a run did not do what it was asked, as its answer.

use axum::response::{IntoResponse, Response};
use muster_aws::StoreError;
use muster_web::Problem;
use muster_web::http::StatusCode;

/// An operation's refusal.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client's affair.
    Problem(Problem),
    /// The store's: the cause goes to the log, not to the client.
    Store(StoreError),
}

/// The answer to an id that is unknown, malformed, another tenant's, or of a task that the robot is
/// not permitted on: always the same.
pub(crate) fn missing() -> Failure {
    Problem::new(StatusCode::NOT_FOUND, "there is no import with this id").into()
}

/// 409
pub(crate) fn conflict(detail: impl Into<String>) -> Failure {
    Problem::new(StatusCode::CONFLICT, detail).into()
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Store(error) => {
                tracing::error!(%error, "request for an import failed");
                let message = error.client_message();
                if error.retryable() {
                    Problem::new(StatusCode::SERVICE_UNAVAILABLE, message).with_retry_after(2)
                } else {
                    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, message)
                }
                .into_response()
            }
        }
    }
}
