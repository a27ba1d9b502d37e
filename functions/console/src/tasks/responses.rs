//! Responses that show a task.

use axum::Json;
use axum::response::{IntoResponse, Response};
use muster_api::TaskResponse;
use muster_aws::tasks::{PutTaskOutcome, Task};
use muster_web::ApiError;
use muster_web::http::{StatusCode, header};

use crate::app::PREFIX;
use crate::errors::{invalid_settings, not_found};

/// Returns a task as it is shown.
pub(super) fn response(task: Task) -> TaskResponse {
    let Task {
        tenant: _,
        settings,
        version,
        created_at,
        updated_at,
        created_by,
        updated_by,
    } = task;
    TaskResponse {
        id: settings.id,
        version,
        created_at,
        updated_at,
        created_by,
        updated_by,
        settings,
    }
}

/// Returns the stored task, or the error if it was not stored.
pub(super) fn stored(put: PutTaskOutcome) -> Result<TaskResponse, ApiError> {
    match put {
        PutTaskOutcome::Stored(task) => Ok(response(*task)),
        PutTaskOutcome::Refused(problems) => Err(invalid_settings(problems)),
        PutTaskOutcome::Missing => Err(not_found()),
        PutTaskOutcome::Changed => Err(ApiError::conflict(
            "nothing was changed: the task was changed concurrently; send the request again",
        )),
    }
}

/// Returns the 201 response with the task's location.
pub(super) fn created(task: TaskResponse) -> Response {
    let location = format!("{PREFIX}/tasks/{}", task.id);
    let headers = [(header::LOCATION, location)];
    (StatusCode::CREATED, headers, Json(task)).into_response()
}
