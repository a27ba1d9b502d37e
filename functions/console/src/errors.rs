//! Errors that several operations share.

use muster_api::FieldError;
use muster_core::settings::FieldProblem;
use muster_web::http::StatusCode;
use muster_web::{ApiError, ProblemResponse};

/// Returns the 404 error for an id that is unknown, malformed, or another tenant's. It is always
/// the same, so that ids of other tenants cannot be probed.
pub(crate) fn not_found() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "there is nothing with this id or name",
    )
}

/// Returns the 422 error for invalid settings.
pub(crate) fn invalid_settings(problems: Vec<FieldProblem>) -> ApiError {
    let errors = problems
        .into_iter()
        .map(|FieldProblem { field, message }| FieldError { field, message })
        .collect();
    ProblemResponse::invalid_fields(errors).into()
}
