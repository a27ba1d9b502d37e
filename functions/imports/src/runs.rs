//! What can be asked of a run by whoever may run its task: how it stands, and that it stop
//! (CONTRACT §1).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use muster_aws::runs::Run;
use muster_core::run::{Shown, Status};
use muster_import::uploads::{self, Cancel, Standing};
use muster_web::documented::{Always, Conflicts, Missing, Robots};
use muster_web::http::StatusCode;
use muster_web::time;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::OwnRun;
use crate::answer::Accepted;
use crate::failure::{Failure, conflict, missing};

const RUN_PATH: &str = "/v1/imports/{id}";
const CANCEL_PATH: &str = "/v1/imports/{id}/cancel";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(RUN_PATH, get(status))
        .route(CANCEL_PATH, post(cancel))
}

/// What they are documented as.
pub(crate) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(cancel))
}

/// How an import stands. What is not known is left out.
#[derive(Serialize, ToSchema)]
struct Import {
    /// Its id.
    #[schema(example = "019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70")]
    import_id: String,
    /// The task's id.
    #[schema(example = 206)]
    task: u64,
    /// Where it stands.
    state: Shown,
    /// Whether it only plans what it would do.
    dry_run: bool,
    /// Bytes of the data, as they are sent.
    size: u64,
    /// When it began.
    #[serde(serialize_with = "time::millis")]
    started_at: Timestamp,
    /// When it ended.
    #[serde(
        serialize_with = "time::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(required = false, value_type = Timestamp)]
    ended_at: Option<Timestamp>,
    /// How far it has come in its state.
    progress: Progress,
    /// Records a second, since it came into its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = f64)]
    rate: Option<f64>,
    /// Seconds until it leaves its state, if it gets on as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    eta_seconds: Option<u64>,
    #[serde(flatten)]
    ended: Ended,
}

/// How far an import has come; what is not known is left out.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportProgress)]
struct Progress {
    /// Bytes that were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    bytes: Option<u64>,
    /// Bytes in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    bytes_total: Option<u64>,
    /// Records that are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    records: Option<u64>,
    /// Records in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    records_total: Option<u64>,
    /// Chunks of records that are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    chunks: Option<u64>,
    /// Chunks in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    chunks_total: Option<u64>,
}

/// How an import ended, in the words of the reply to one within a request.
#[derive(Serialize, ToSchema)]
#[schema(as = EndedImport)]
#[serde(rename_all = "PascalCase")]
struct Ended {
    /// In one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Status)]
    status: Option<Status>,
    /// Why it failed, or was cancelled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<String>,
    #[serde(rename = "Total Lines", skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    total: Option<u64>,
    #[serde(rename = "Empty IDs", skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    empty: Option<u64>,
    #[serde(rename = "Ignored Users", skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    ignored: Option<u64>,
    #[serde(rename = "Duplicated Users", skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    duplicated: Option<u64>,
    /// There if nothing was to be written.
    #[serde(rename = "Dry Run", skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = bool)]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    created: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    updated: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    unchanged: Option<u64>,
}

impl Ended {
    /// Nothing, as long as it has not.
    fn of(run: &mut Run) -> Self {
        let counts = run.counts.filter(|_| run.state.is_terminal());
        Self {
            status: run.status,
            errors: std::mem::take(&mut run.errors),
            total: counts.map(|counts| counts.total),
            empty: counts.map(|counts| counts.empty),
            ignored: counts.map(|counts| counts.ignored),
            duplicated: counts.map(|counts| counts.duplicated),
            dry_run: (run.state.is_terminal() && run.dry_run).then_some(true),
            created: counts.map(|counts| counts.created),
            updated: counts.map(|counts| counts.updated),
            unchanged: counts.map(|counts| counts.unchanged),
        }
    }
}

impl From<uploads::Progress> for Progress {
    fn from(progress: uploads::Progress) -> Self {
        let uploads::Progress {
            bytes,
            bytes_total,
            records,
            records_total,
            chunks,
            chunks_total,
        } = progress;
        Self {
            bytes,
            bytes_total,
            records,
            records_total,
            chunks,
            chunks_total,
        }
    }
}

/// How an import stands
///
/// Of any import, also one within a request. What is said of one that goes on is as exact as a
/// progress bar needs; what is said of one that has ended is exact.
#[utoipa::path(
    get, path = RUN_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id.")),
    security(("robot" = [])),
    responses((status = 200, body = Import), Missing, Robots, Always)
)]
async fn status(
    State(app): State<App>,
    OwnRun { mut run, .. }: OwnRun,
) -> Result<Json<Import>, Failure> {
    let Standing {
        state,
        progress,
        rate,
        eta_seconds,
    } = uploads::status(&app.store, &run, Timestamp::now()).await?;
    Ok(Json(Import {
        import_id: run.id.to_string(),
        task: run.task,
        state,
        dry_run: run.dry_run,
        size: run.size,
        started_at: run.started_at,
        ended_at: run.ended_at,
        progress: progress.into(),
        rate,
        eta_seconds,
        ended: Ended::of(&mut run),
    }))
}

/// Cancel an import
///
/// One that has applied nothing ends at once; one that has begun to begins with no further record,
/// and ends as soon as it is known what was applied.
#[utoipa::path(
    post, path = CANCEL_PATH, tag = "Imports",
    params(("id" = String, Path, description = "The import's id.")),
    security(("robot" = [])),
    responses(
        (status = 200, description = "It has ended; nothing was applied.", body = Accepted),
        (status = 202, description = "It is stopping.", body = Accepted),
        Missing, Robots, Conflicts, Always,
    )
)]
async fn cancel(State(app): State<App>, OwnRun { run, .. }: OwnRun) -> Result<Response, Failure> {
    let id = run.id;
    let cancelled = uploads::cancel(&app.store, &app.background, run, Timestamp::now());
    let (status, state) = match cancelled.await? {
        Cancel::Cancelled => (StatusCode::OK, Shown::Cancelled),
        Cancel::Stopping => (StatusCode::ACCEPTED, Shown::Stopping),
        Cancel::Ended(state) => {
            let state = state.as_str();
            return Err(conflict(format!("the import has ended: it is {state}")));
        }
        Cancel::Synchronous => {
            return Err(conflict(
                "the import runs within its request, and cannot be cancelled: it ends within a \
                 minute",
            ));
        }
        Cancel::Gone => return Err(missing()),
    };
    Ok((status, Json(Accepted::new(&id, state))).into_response())
}
