//! Why a request was not done, as the dialect answers it (CONTRACT §3).

use axum::Json;
use axum::response::{IntoResponse, Response};
use muster_aws::StoreError;
use muster_core::dialect::qvalon::key;
use muster_core::plan::{LOGIN_TAKEN, Refusal};
use muster_web::http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// An error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QvalonError)]
pub(crate) struct Problem {
    /// The HTTP status.
    #[schema(example = 400)]
    status: u16,
    /// The status in words.
    #[schema(value_type = String, example = "Bad Request")]
    error: &'static str,
    /// What is wrong, and what to do.
    message: String,
    /// The member or parameter that is to blame, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String, example = "login")]
    field: Option<String>,
}

/// Why a request was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client's affair.
    Refused(Problem, StatusCode),
    /// The store's: the cause goes to the log, not to the client.
    Store(StoreError),
}

impl Failure {
    /// About the request as a whole.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let problem = Problem {
            status: status.as_u16(),
            error: status.canonical_reason().unwrap_or("Error"),
            message: message.into(),
            field: None,
        };
        Self::Refused(problem, status)
    }

    /// About one member of the body, or one parameter.
    pub(crate) fn of(
        status: StatusCode,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        match Self::new(status, message) {
            Self::Refused(problem, status) => {
                let field = Some(field.into());
                Self::Refused(Problem { field, ..problem }, status)
            }
            other @ Self::Store(_) => other,
        }
    }

    /// 400 for one member or parameter.
    pub(crate) fn bad(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(StatusCode::BAD_REQUEST, field, message)
    }

    /// What speaks against the user as it would be: all of it, the first one by name.
    pub(crate) fn refused(refusals: Vec<Refusal>) -> Self {
        let is_taken = |refusal: &Refusal| refusal.problem.code == LOGIN_TAKEN.problem.code;
        let status = if refusals.iter().any(is_taken) {
            StatusCode::CONFLICT
        } else {
            StatusCode::BAD_REQUEST
        };
        let told = |refusal: &Refusal| match refusal.attribute {
            Some(attribute) => format!("{}: {}", key(attribute), refusal.problem.message),
            None => refusal.problem.message.to_string(),
        };
        let message = refusals.iter().map(told).collect::<Vec<_>>().join("; ");
        match refusals.iter().find_map(|refusal| refusal.attribute) {
            Some(attribute) => Self::of(status, key(attribute), message),
            None => Self::new(status, message),
        }
    }

    /// 404: unknown, malformed, or another tenant's: always the same.
    pub(crate) fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no user with this id")
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Refused(problem, status) => return refused(problem, status),
            Self::Store(error) => error,
        };
        tracing::error!(%error, "user request failed");
        let wait = error.retry_after();
        let status = match wait {
            Some(_) => StatusCode::TOO_MANY_REQUESTS,
            None => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = Self::new(status, error.client_message()).into_response();
        if let Some(wait) = wait {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        response
    }
}

fn refused(problem: Problem, status: StatusCode) -> Response {
    let mut response = (status, Json(problem)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
