//! Errors in the format of the dialect (contract.md#qvalon).

use std::borrow::Cow;

use axum::Json;
use axum::response::{IntoResponse, Response};
use muster_api::QvalonError;
use muster_aws::StoreError;
use muster_core::dialect::qvalon::key;
use muster_core::plan::Refusal;
use muster_import::PROMISED_RETRY_AFTER_SECONDS;
use muster_web::http::{HeaderValue, StatusCode, header};
use muster_web::query::NotUnderstood;

/// Why a handler could not do what was requested.
#[derive(Debug)]
pub(crate) enum UsersError {
    /// The request cannot be fulfilled; the client is told why.
    Refused(QvalonError, StatusCode),
    /// The request cannot be fulfilled at this moment; the client is told why, and to wait this many
    /// seconds.
    Wait(QvalonError, StatusCode, u64),
    /// The store failed. The cause goes to the log, not to the client.
    Store(StoreError),
}

impl UsersError {
    /// Creates an error about the request as a whole.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self::with_field(status, None, message.into())
    }

    /// Creates a 400 error about a member of the body or a parameter.
    pub(crate) fn bad_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let field = Some(field.into());
        Self::with_field(StatusCode::BAD_REQUEST, field, message.into())
    }

    fn with_field(status: StatusCode, field: Option<String>, message: String) -> Self {
        Self::Refused(qvalon_error(status, field, message), status)
    }

    /// Creates the 409 error for an external id that an import is giving to another user.
    pub(crate) fn promised(refusal: Refusal) -> Self {
        let (error, status) = refusal_error(&[refusal]);
        Self::Wait(error, status, PROMISED_RETRY_AFTER_SECONDS)
    }

    /// Creates the error for a user that cannot be stored. The message has all reasons; `field` is
    /// the first invalid member.
    pub(crate) fn refused(refusals: &[Refusal]) -> Self {
        let (error, status) = refusal_error(refusals);
        Self::Refused(error, status)
    }

    /// Creates the 404 error for an id that is unknown, malformed, or another tenant's. It is
    /// always the same, so that ids of other tenants cannot be probed.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no user with this id")
    }
}

impl From<NotUnderstood> for UsersError {
    fn from(NotUnderstood { name, message }: NotUnderstood) -> Self {
        Self::bad_field(name, message)
    }
}

impl From<StoreError> for UsersError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for UsersError {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Refused(error, status) => return refused(error, status),
            Self::Wait(error, status, seconds) => {
                return retry_later(refused(error, status), seconds);
            }
            Self::Store(error) => error,
        };
        tracing::error!(%error, "request failed");
        let wait = error.retry_after();
        let status = match wait {
            Some(_) => StatusCode::TOO_MANY_REQUESTS,
            None => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let response = Self::new(status, error.client_message()).into_response();
        match wait {
            Some(seconds) => retry_later(response, seconds),
            None => response,
        }
    }
}

fn qvalon_error(status: StatusCode, field: Option<String>, message: String) -> QvalonError {
    QvalonError {
        status: status.as_u16(),
        error: Cow::Borrowed(status.canonical_reason().unwrap_or("Error")),
        message,
        field,
    }
}

fn refusal_error(refusals: &[Refusal]) -> (QvalonError, StatusCode) {
    let is_taken = |refusal: &Refusal| matches!(refusal.problem.code, "taken" | "promised");
    let status = if refusals.iter().any(is_taken) {
        StatusCode::CONFLICT
    } else {
        StatusCode::BAD_REQUEST
    };
    let reason = |refusal: &Refusal| match refusal.attribute {
        Some(attribute) => format!("{}: {}", key(attribute), refusal.problem.message),
        None => refusal.problem.message.to_string(),
    };
    let message = refusals.iter().map(reason).collect::<Vec<_>>().join("; ");
    let attribute = refusals.iter().find_map(|refusal| refusal.attribute);
    let field = attribute.map(|attribute| key(attribute).to_owned());
    (qvalon_error(status, field, message), status)
}

fn retry_later(mut response: Response, seconds: u64) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn refused(error: QvalonError, status: StatusCode) -> Response {
    let mut response = (status, Json(error)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
