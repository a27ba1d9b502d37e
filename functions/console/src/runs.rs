//! The execution log: the runs of the tenant.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use muster_api::{Page, RunResponse};
use muster_aws::runs::{ListedRun, Run, RunFilter, RunId, RunStatusFilter};
use muster_core::run::Status;
use muster_web::http::StatusCode;
use muster_web::page::{PageQuery, page};
use muster_web::request_id::record_import;
use muster_web::responses::{
    Conflict, DryRunErrors, NotFound, OperatorErrors, QueryErrors, ServiceErrors,
};
use muster_web::{ApiError, QueryParams};
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Manager, Reader};
use crate::app::App;
use crate::errors::not_found;
use crate::path::PathParams;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(erase_undo_data))
}

fn response(run: Run, task_title: Option<String>) -> RunResponse {
    let Run {
        id,
        tenant: _,
        task,
        robot,
        started_at,
        ended_at,
        size,
        dry_run,
        threshold_overridden,
        state,
        status,
        counts,
        item_counts,
        errors,
        job: _,
        rests_until: _,
        undo_until,
        applied: _,
    } = run;
    // Two machines may have taken the times, so that the end can be before the start.
    let duration = |end: Timestamp| {
        let millis = end.as_millisecond() - started_at.as_millisecond();
        u64::try_from(millis).unwrap_or(0)
    };
    RunResponse {
        id: id.to_string(),
        task,
        task_title,
        robot,
        started_at,
        ended_at,
        duration_ms: ended_at.map(duration),
        size,
        dry_run,
        threshold_overridden,
        state: state.into(),
        status: status.map(Into::into),
        counts,
        items: item_counts,
        errors,
        undo_until,
    }
}

/// Statuses of runs, separated by commas.
#[derive(Default)]
struct StatusFilter(Vec<RunStatusFilter>);

impl<'de> Deserialize<'de> for StatusFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let statuses = text.split(',').map(|word| match word.trim() {
            "running" => Ok(RunStatusFilter::Running),
            "SUCCESS" => Ok(RunStatusFilter::Ended(Status::Success)),
            "PARTIAL_SUCCESS" => Ok(RunStatusFilter::Ended(Status::PartialSuccess)),
            "FAILURE" => Ok(RunStatusFilter::Ended(Status::Failure)),
            _ => Err(D::Error::custom(
                "invalid status: expected SUCCESS, PARTIAL_SUCCESS, FAILURE or running, or several \
                 of them separated by commas",
            )),
        });
        statuses.collect::<Result<_, _>>().map(Self)
    }
}

/// Filter of runs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListRunsQuery {
    /// Only runs of the task with this id.
    task: Option<u64>,
    /// Only runs with this result (`SUCCESS`, `PARTIAL_SUCCESS`, `FAILURE`) or that have not ended
    /// (`running`). Separate several values with commas.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "FAILURE,running")]
    status: StatusFilter,
    /// Only runs that started at this time or later.
    from: Option<Timestamp>,
    /// Only runs that started before this time.
    to: Option<Timestamp>,
    /// Only runs with this text, ignoring case, in the robot's name, the task's title, an error, or
    /// the id.
    text: Option<String>,
}

/// List runs
///
/// Newest first. One page reads at most 1,000 runs: with a filter it may hold fewer runs than
/// match, and still have a `next`.
#[utoipa::path(
    get, path = "/runs", tag = "Execution log",
    security(("operator" = ["read"])),
    params(ListRunsQuery, PageQuery),
    responses((status = 200, body = Page<RunResponse>), QueryErrors, OperatorErrors, ServiceErrors)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    QueryParams(filter): QueryParams<ListRunsQuery>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Page<RunResponse>>, ApiError> {
    let ListRunsQuery {
        task,
        status: StatusFilter(statuses),
        from,
        to,
        text,
    } = filter;
    let filter = RunFilter {
        task,
        statuses,
        from,
        to,
        text,
    };
    let (after, limit) = query.into_parts::<RunId>()?;
    let (tenant, now) = (&session.operator.tenant, Timestamp::now());
    let after = after.as_ref();
    let found = app
        .store
        .runs()
        .list(tenant, &filter, after, limit.into(), now);
    let found = found.await?;
    let listed = |ListedRun { run, task_title }| response(run, task_title);
    Ok(Json(page(found.runs, found.next, listed)))
}

/// Show a run
#[utoipa::path(
    get, path = "/runs/{id}", tag = "Execution log",
    security(("operator" = ["read"])),
    params(("id" = String, Path, description = "The run's id.")),
    responses((status = 200, body = RunResponse), NotFound, OperatorErrors, ServiceErrors)
)]
async fn get(
    State(app): State<App>,
    Reader(session): Reader,
    PathParams(id): PathParams<RunId>,
) -> Result<Json<RunResponse>, ApiError> {
    record_import(id);
    let tenant = &session.operator.tenant;
    let run = app.store.runs().find(tenant, &id, Timestamp::now()).await?;
    let run = run.ok_or_else(not_found)?;
    let task_title = app.store.tasks().title(tenant, run.task).await?;
    Ok(Json(response(run, task_title)))
}

/// Erase the values before a run
///
/// The values that the run replaced are deleted at once, before `undo_until`: the run can never be
/// undone. The users and the log stay as they are. Idempotent.
#[utoipa::path(
    delete, path = "/runs/{id}/undo-data", tag = "Execution log",
    security(("operator" = ["manage"])),
    params(("id" = String, Path, description = "The run's id.")),
    responses(
        (status = 204, description = "No values before the run are kept."),
        Conflict, DryRunErrors, NotFound, OperatorErrors, ServiceErrors,
    )
)]
async fn erase_undo_data(
    State(app): State<App>,
    Manager(operator): Manager,
    PathParams(id): PathParams<RunId>,
) -> Result<StatusCode, ApiError> {
    record_import(id);
    let (runs, now) = (app.store.runs(), Timestamp::now());
    let run = runs.find(&operator.tenant, &id, now).await?;
    let run = run.ok_or_else(not_found)?;
    if !run.state.is_terminal() {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "the run has not ended, and may keep more values: expected an ended run; wait for its \
             end, or cancel it, then send this again",
        ));
    }
    runs.erase_undo_data(&app.objects, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
