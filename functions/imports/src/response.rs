//! Parts that responses about imports have in common.

use axum::response::Response;
use muster_api::AcceptedImportResponse;
use muster_aws::runs::RunId;
use muster_core::run::ImportState;
use muster_web::ApiError;
use muster_web::http::{HeaderName, HeaderValue, StatusCode, header};

/// The id of the import that the response is about.
const IMPORT_ID: HeaderName = HeaderName::from_static("import-id");

/// Returns the body about an import that runs in the background, or has just ended.
pub(crate) fn accepted(run: &RunId, state: ImportState) -> AcceptedImportResponse {
    AcceptedImportResponse {
        import_id: run.to_string(),
        state: state.into(),
    }
}

/// Returns the 404 error for an id that is unknown, malformed, another tenant's, or of a task that
/// the robot may not run. It is always the same, so that ids cannot be probed.
pub(crate) fn not_found() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "there is no import with this id")
}

/// Adds the header `Import-Id`.
pub(crate) fn with_import_id(run: &RunId, mut response: Response) -> Response {
    if let Ok(value) = HeaderValue::from_str(&run.to_string()) {
        response.headers_mut().insert(IMPORT_ID, value);
    }
    response
}

/// Adds the headers `Import-Id` and `Location`.
pub(crate) fn with_location(run: &RunId, response: Response) -> Response {
    let mut response = with_import_id(run, response);
    if let Ok(value) = HeaderValue::from_str(&format!("/v1/imports/{run}")) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}
