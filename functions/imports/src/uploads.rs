//! Uploads: data too large for one request is sent to the bucket in parts, through URLs that are
//! valid for an hour, and is imported in the background (contract.md#uploads).

use std::num::NonZeroU32;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use muster_api::{
    AcceptedImportResponse, CreateUploadRequest, CreateUploadResponse, FieldError, Problem,
    ReceivedPart, Sha256Hex, SignedPart, UploadPartsResponse,
};
use muster_core::limits;
use muster_import::uploads::{
    self, CompleteOutcome, CreateOutcome, Incomplete, PartsOutcome, PartsPage, UploadRequest,
};
use muster_web::http::{StatusCode, Uri};
use muster_web::query::{DryRunOfUpload, DryRunSwitch, overrides_threshold};
use muster_web::request_id::record_import;
use muster_web::responses::{
    BodyErrors, Conflict, DryRunErrors, NotFound, QueryErrors, RobotErrors, ServiceErrors,
};
use muster_web::{ApiError, JsonBody, ProblemResponse, QueryParams};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{PermittedRun, PermittedTask};
use crate::app::App;
use crate::response::{accepted, with_location};

const UPLOADS_PATH: &str = "/v1/import/user-data/{task_id}/uploads";
const PARTS_PATH: &str = "/v1/imports/{id}/parts";
const COMPLETE_PATH: &str = "/v1/imports/{id}/complete";

/// Maximum ranges of part numbers in a message; the parts of further ranges are counted.
const MAX_NAMED_RANGES: usize = 20;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(UPLOADS_PATH, post(create))
        .route(PARTS_PATH, get(parts))
        .route(COMPLETE_PATH, post(complete))
}

/// Returns the routes with their OpenAPI description.
pub(crate) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(parts))
        .routes(routes!(complete))
}

fn signed_parts(page: &mut PartsPage) -> Vec<SignedPart> {
    let parts = std::mem::take(&mut page.parts).into_iter();
    parts
        .map(|uploads::SignedPart { number, url }| SignedPart { number, url })
        .collect()
}

/// Create an upload
///
/// For data too large for one request. PUT each part to its URL, in any order and several at a
/// time, then complete the upload. The run waits for its data for a week and does not lock the task
/// meanwhile.
#[utoipa::path(
    post, path = UPLOADS_PATH, tag = "Imports",
    params(
        ("task_id" = u64, Path, description = "The task's id.", example = 206),
        ("dryRun" = Option<String>, Query, description = "Write nothing: any value but `false`, `0`, `no` or `off`. Case and punctuation of the name do not matter; a name that begins similarly and is not known is 400.", allow_reserved),
        ("overrideThreshold" = Option<String>, Query, description = "Import even if the task's safety threshold is exceeded: the name alone, `true`, `1`, `yes` or `on`. The run in the execution log says so.", allow_reserved),
    ),
    request_body = CreateUploadRequest,
    security(("robot" = [])),
    responses(
        (status = 201, description = "The upload was created.", body = CreateUploadResponse,
            headers(
                ("Import-Id" = String, description = "The run's id in the execution log."),
                ("Location" = String, description = "Path of the import."),
            )),
        BodyErrors, NotFound, RobotErrors, Conflict, ServiceErrors,
    )
)]
async fn create(
    State(app): State<App>,
    PermittedTask { token, task }: PermittedTask,
    DryRunSwitch(dry_run): DryRunSwitch,
    uri: Uri,
    JsonBody(request): JsonBody<CreateUploadRequest>,
) -> Result<Response, ApiError> {
    let CreateUploadRequest {
        size,
        format,
        compression,
        sha256,
    } = request;
    ensure_valid_size(size)?;
    let announced = UploadRequest {
        tenant: token.tenant,
        robot: token.robot,
        task: task.settings,
        size,
        format,
        compression,
        sha256: sha256.map(Sha256Hex::into_string),
        dry_run,
        override_threshold: overrides_threshold(&uri).map_err(ProblemResponse::from)?,
    };
    let created = uploads::create(&app.store, &app.background, announced, Timestamp::now());
    let (run, mut page) = match created.await? {
        CreateOutcome::Uploading { run, page } => (run, page),
        CreateOutcome::NotReady(problems) => return Err(ApiError::conflict(problems.join("; "))),
    };
    record_import(run);
    let upload = CreateUploadResponse {
        import_id: run.to_string(),
        part_size: page.layout.part_size,
        part_count: page.layout.count(),
        parts: signed_parts(&mut page),
        expires_at: page.expires_at,
    };
    let response = (StatusCode::CREATED, Json(upload)).into_response();
    Ok(with_location(&run, response))
}

/// Returns an error if an upload cannot have this size.
fn ensure_valid_size(size: u64) -> Result<(), ProblemResponse> {
    const EXPECTED: &str = "invalid size: expected 1 to 32,000,000,000 bytes";
    match size {
        0 => Err(ProblemResponse::new(
            StatusCode::BAD_REQUEST,
            "the upload is empty; nothing was changed",
        )
        .with_errors(vec![FieldError::new("size", EXPECTED)])),
        1..=limits::MAX_UPLOAD_BYTES => Ok(()),
        _ => Err(ProblemResponse::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the data is too large: split it, or send it compressed",
        )
        .with_errors(vec![FieldError::new("size", EXPECTED)])),
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PartsQuery {
    /// Number of the first part.
    #[param(value_type = Option<u32>, minimum = 1, default = 1)]
    from: Option<NonZeroU32>,
}

/// List the parts of an upload
///
/// Up to 500 parts from a number on: those that were received, and new URLs for the others. A part
/// with the wrong size counts as not received.
#[utoipa::path(
    get, path = PARTS_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id."), PartsQuery),
    security(("robot" = [])),
    responses((status = 200, body = UploadPartsResponse), QueryErrors, NotFound, RobotErrors, Conflict, ServiceErrors)
)]
async fn parts(
    State(app): State<App>,
    PermittedRun { run, .. }: PermittedRun,
    QueryParams(PartsQuery { from }): QueryParams<PartsQuery>,
) -> Result<Json<UploadPartsResponse>, ApiError> {
    let id = run.id;
    let from = from.map_or(1, NonZeroU32::get);
    let found = uploads::parts(&app.store, &app.background, run, from, Timestamp::now());
    let mut page = match found.await? {
        PartsOutcome::Page(page) => page,
        PartsOutcome::NotAnUpload => return Err(not_an_upload()),
        PartsOutcome::NotUploading(state) => {
            let state = state.as_str();
            return Err(ApiError::conflict(format!(
                "the import accepts no more data: its state is {state}"
            )));
        }
        PartsOutcome::Gone => return Err(parts_expired()),
    };
    let parts = signed_parts(&mut page);
    let received = page.received.into_iter();
    Ok(Json(UploadPartsResponse {
        import_id: id.to_string(),
        part_size: page.layout.part_size,
        part_count: page.layout.count(),
        received: received
            .map(|part| ReceivedPart {
                number: part.number,
                size: part.size,
            })
            .collect(),
        parts,
        next: page.next,
        expires_at: page.expires_at,
    }))
}

/// Complete an upload
///
/// Locks the task, with its current settings, and queues the import. Idempotent: the response to a
/// repeated request has the import's current state.
#[utoipa::path(
    post, path = COMPLETE_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id.")),
    security(("robot" = [])),
    responses(
        (status = 202, description = "The import continues in the background.", body = AcceptedImportResponse,
            headers(
                ("Import-Id" = String, description = "The run's id in the execution log."),
                ("Location" = String, description = "Path of the import."),
            )),
        DryRunErrors, NotFound, RobotErrors, Conflict, ServiceErrors,
        (status = 503, description = "The task is running another import, or the service is busy; `Retry-After` has the seconds to wait.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn complete(
    State(app): State<App>,
    PermittedRun { run, task }: PermittedRun,
    _: DryRunOfUpload,
) -> Result<Response, ApiError> {
    let id = run.id;
    let completed = uploads::complete(&app.store, &app.background, run, &task, Timestamp::now());
    let state = match completed.await? {
        CompleteOutcome::Began(state) => state,
        CompleteOutcome::Busy { retry_after } => {
            let detail = format!(
                "the task is running another import: complete the upload again in {retry_after} \
                 seconds"
            );
            let problem = ProblemResponse::new(StatusCode::SERVICE_UNAVAILABLE, detail);
            return Err(problem.with_retry_after(retry_after).into());
        }
        CompleteOutcome::Incomplete(incomplete) => {
            return Err(ApiError::conflict(incomplete_message(&incomplete)));
        }
        CompleteOutcome::NotReady(problems) => return Err(ApiError::conflict(problems.join("; "))),
        CompleteOutcome::NotAnUpload => return Err(not_an_upload()),
        CompleteOutcome::Cancelled => {
            return Err(ApiError::conflict(
                "the import was cancelled: create a new upload",
            ));
        }
        CompleteOutcome::Gone => return Err(parts_expired()),
    };
    let response = (StatusCode::ACCEPTED, Json(accepted(&id, state))).into_response();
    Ok(with_location(&id, response))
}

fn not_an_upload() -> ApiError {
    ApiError::conflict("this import is not an upload: its data was sent with the request")
}

fn parts_expired() -> ApiError {
    ApiError::conflict("the parts were deleted after a week: create a new upload")
}

fn incomplete_message(incomplete: &Incomplete) -> String {
    let Incomplete {
        missing,
        wrong_size,
    } = incomplete;
    let mut problems = Vec::new();
    if !missing.is_empty() {
        problems.push(format!("parts not received: {}", ranges(missing)));
    }
    if !wrong_size.is_empty() {
        problems.push(format!("parts with the wrong size: {}", ranges(wrong_size)));
    }
    format!(
        "the upload is incomplete; {}; GET the import's `parts` for their URLs, and send them",
        problems.join("; ")
    )
}

/// Returns ascending numbers as ranges: `1, 3-7`. Numbers beyond the maximum are counted.
fn ranges(numbers: &[u32]) -> String {
    let runs: Vec<&[u32]> = numbers.chunk_by(|a, b| a + 1 == *b).collect();
    let named = runs.iter().take(MAX_NAMED_RANGES).map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        _ => run.first().map(u32::to_string).unwrap_or_default(),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let more: usize = runs
        .iter()
        .skip(MAX_NAMED_RANGES)
        .map(|run| run.len())
        .sum();
    match more {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_numbers_are_shown_as_ranges_and_further_ones_are_counted() {
        assert_eq!(ranges(&[2]), "2");
        assert_eq!(ranges(&[1, 3, 4, 5, 9, 10]), "1, 3-5, 9-10");
        let even: Vec<u32> = (1..=50).map(|n| n * 2).collect();
        let text = ranges(&even);
        assert!(
            text.starts_with("2, 4, 6") && text.ends_with("40 and 30 more"),
            "{text}"
        );
    }
}
