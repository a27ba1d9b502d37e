//! Why an operation did not do what it was asked, as its answer.

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

/// The answer to an id that is unknown, malformed, or another tenant's: always the same.
pub(crate) fn missing() -> Failure {
    Failure::Problem(Problem::new(
        StatusCode::NOT_FOUND,
        "there is nothing with this id or name",
    ))
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
                tracing::error!(%error, "operator's request failed");
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
