//! Status and cancellation of an import, for robots that may run its task
//! (contract.md#import-status, contract.md#cancel).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use muster_api::{AcceptedImportResponse, ImportOutcome, ImportProgress, ImportResponse};
use muster_aws::runs::Run;
use muster_core::run::ImportState;
use muster_import::uploads::{self, CancelOutcome, ImportStatus};
use muster_web::ApiError;
use muster_web::http::StatusCode;
use muster_web::query::NoDryRun;
use muster_web::responses::{Conflict, DryRunErrors, NotFound, RobotErrors, ServiceErrors};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::PermittedRun;
use crate::app::App;
use crate::response::{accepted, not_found};

const RUN_PATH: &str = "/v1/imports/{id}";
const CANCEL_PATH: &str = "/v1/imports/{id}/cancel";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(RUN_PATH, get(status))
        .route(CANCEL_PATH, post(cancel))
}

/// Returns the routes with their OpenAPI description.
pub(crate) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(cancel))
}

/// Returns the result of a run; all members are absent until the run has ended.
fn outcome(run: &mut Run) -> ImportOutcome {
    let counts = run.counts.filter(|_| run.state.is_terminal());
    ImportOutcome {
        status: run.status.map(Into::into),
        errors: std::mem::take(&mut run.errors),
        total: counts.map(|counts| counts.total),
        empty: counts.map(|counts| counts.empty),
        ignored: counts.map(|counts| counts.ignored),
        duplicated: counts.map(|counts| counts.duplicated),
        dry_run: (run.state.is_terminal() && run.dry_run).then_some(true),
        created: counts.map(|counts| counts.created),
        updated: counts.map(|counts| counts.updated),
        unchanged: counts.map(|counts| counts.unchanged),
        renamed: counts.map(|counts| counts.renamed),
        moved: counts.map(|counts| counts.moved),
        blocked: counts.map(|counts| counts.blocked),
        unblocked: counts.map(|counts| counts.unblocked),
        cleared: counts.map(|counts| counts.cleared),
    }
}

fn progress(progress: uploads::RunProgress) -> ImportProgress {
    let uploads::RunProgress {
        bytes,
        bytes_total,
        records,
        records_total,
        chunks,
        chunks_total,
    } = progress;
    ImportProgress {
        bytes,
        bytes_total,
        records,
        records_total,
        chunks,
        chunks_total,
    }
}

/// Show the status of an import
///
/// Works for all imports, including synchronous ones. The figures of a running import are as exact
/// as a progress bar needs; those of an ended import are exact.
#[utoipa::path(
    get, path = RUN_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id.")),
    security(("robot" = [])),
    responses((status = 200, body = ImportResponse), NotFound, RobotErrors, ServiceErrors)
)]
async fn status(
    State(app): State<App>,
    PermittedRun { mut run, .. }: PermittedRun,
) -> Result<Json<ImportResponse>, ApiError> {
    let current = uploads::status(&app.store, &run, Timestamp::now()).await?;
    let ImportStatus {
        state,
        progress: reached,
        rate,
        eta_seconds,
    } = current;
    Ok(Json(ImportResponse {
        import_id: run.id.to_string(),
        task: run.task,
        state: state.into(),
        dry_run: run.dry_run,
        size: run.size,
        started_at: run.started_at,
        ended_at: run.ended_at,
        progress: progress(reached),
        rate,
        eta_seconds,
        outcome: outcome(&mut run),
    }))
}

/// Cancel an import
///
/// An import that has applied nothing ends at once. One that is applying records starts no further
/// record, and ends as soon as it is known which records were applied.
#[utoipa::path(
    post, path = CANCEL_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id.")),
    security(("robot" = [])),
    responses(
        (status = 200, description = "The import has ended; nothing was applied.", body = AcceptedImportResponse),
        (status = 202, description = "The import is stopping.", body = AcceptedImportResponse),
        DryRunErrors, NotFound, RobotErrors, Conflict, ServiceErrors,
    )
)]
async fn cancel(
    State(app): State<App>,
    PermittedRun { run, .. }: PermittedRun,
    _: NoDryRun,
) -> Result<Response, ApiError> {
    let id = run.id;
    let cancelled = uploads::cancel(&app.store, &app.background, run, Timestamp::now());
    let (status, state) = match cancelled.await? {
        CancelOutcome::Cancelled => (StatusCode::OK, ImportState::Cancelled),
        CancelOutcome::Stopping => (StatusCode::ACCEPTED, ImportState::Stopping),
        CancelOutcome::Ended(state) => {
            let state = state.as_str();
            return Err(ApiError::conflict(format!(
                "the import has already ended: its state is {state}"
            )));
        }
        CancelOutcome::Synchronous => {
            return Err(ApiError::conflict(
                "the import is synchronous and cannot be cancelled: it ends within a minute",
            ));
        }
        CancelOutcome::Gone => return Err(not_found()),
    };
    Ok((status, Json(accepted(&id, state))).into_response())
}
