//! What answers about a run have in common.

use axum::response::Response;
use muster_aws::runs::RunId;
use muster_core::run::Shown;
use muster_web::http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

/// Names the run that a request has made.
const IMPORT_ID: HeaderName = HeaderName::from_static("import-id");

/// A run that goes on in the background, or has just ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AcceptedImport)]
pub(crate) struct Accepted {
    /// Its id; also in the header `Import-Id`.
    #[schema(example = "019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70")]
    import_id: String,
    /// Where it stands.
    #[schema(example = "queued")]
    state: Shown,
}

impl Accepted {
    pub(crate) fn new(run: &RunId, state: Shown) -> Self {
        Self {
            import_id: run.to_string(),
            state,
        }
    }
}

/// The answer, naming its run.
pub(crate) fn of_run(run: &RunId, mut response: Response) -> Response {
    if let Ok(value) = HeaderValue::from_str(&run.to_string()) {
        response.headers_mut().insert(IMPORT_ID, value);
    }
    response
}

/// The answer, naming its run and where that is to be found from now on.
pub(crate) fn located(run: &RunId, response: Response) -> Response {
    let mut response = of_run(run, response);
    if let Ok(value) = HeaderValue::from_str(&format!("/v1/imports/{run}")) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}
