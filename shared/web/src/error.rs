//! Errors of handlers, as `application/problem+json` (RFC 9457) responses.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use muster_api::problem::MEDIA_TYPE;
use muster_api::{FieldError, Problem};
use muster_aws::StoreError;

/// Seconds after which a client may retry a request that failed because the store was busy or did
/// not respond.
const STORE_RETRY_AFTER_SECONDS: u64 = 2;

/// A [`Problem`] with its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemResponse {
    problem: Problem,
    retry_after_seconds: Option<u64>,
}

/// Why a handler could not do what was requested.
#[derive(Debug)]
pub enum ApiError {
    /// The request cannot be fulfilled; the client is told why.
    Problem(ProblemResponse),
    /// The store failed. The cause goes to the log, not to the client.
    Store(StoreError),
}

impl ProblemResponse {
    /// Creates a problem. `detail` is about this request.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            problem: Problem {
                title: Cow::Borrowed(status.canonical_reason().unwrap_or("Error")),
                status: status.as_u16(),
                detail: detail.into(),
                errors: Vec::new(),
            },
            retry_after_seconds: None,
        }
    }

    /// Creates a 422 response: the request can be read, but these fields are invalid.
    #[must_use]
    pub fn invalid_fields(errors: Vec<FieldError>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "nothing was changed: correct the fields in `errors`",
        )
        .with_errors(errors)
    }

    /// Adds the invalid fields.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.problem.errors = errors;
        self
    }

    /// Replaces the detail.
    #[must_use]
    pub fn with_detail(mut self, detail: String) -> Self {
        self.problem.detail = detail;
        self
    }

    /// Adds the header `Retry-After`.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }
}

impl IntoResponse for ProblemResponse {
    fn into_response(self) -> Response {
        let Self {
            problem,
            retry_after_seconds,
        } = self;
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl ApiError {
    /// Creates an error with a status and a detail about this request.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        ProblemResponse::new(status, detail).into()
    }

    /// Creates a 409 error.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }
}

impl From<ProblemResponse> for ApiError {
    fn from(problem: ProblemResponse) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Problem(problem) => return problem.into_response(),
            Self::Store(error) => error,
        };
        tracing::error!(%error, "request failed");
        let message = error.client_message();
        if error.retryable() {
            ProblemResponse::new(StatusCode::SERVICE_UNAVAILABLE, message)
                .with_retry_after(STORE_RETRY_AFTER_SECONDS)
        } else {
            ProblemResponse::new(StatusCode::INTERNAL_SERVER_ERROR, message)
        }
        .into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_may_recover_is_503_and_any_other_failure_is_500() {
        let busy = ApiError::from(StoreError::contended("PutItem")).into_response();
        assert_eq!(busy.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(busy.headers()[header::RETRY_AFTER], "2");
        let broken = ApiError::from(StoreError::Secrets("no randomness".to_owned()));
        let broken = broken.into_response();
        assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(broken.headers().get(header::RETRY_AFTER), None);
    }
}
