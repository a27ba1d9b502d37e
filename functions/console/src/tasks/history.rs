//! The versions of a task.

use axum::Json;
use axum::extract::State;
use muster_api::{Page, TaskVersionResponse};
use muster_aws::tasks::TaskVersion;
use muster_web::page::{PageQuery, page};
use muster_web::request_id::record_task;
use muster_web::responses::{NotFound, OperatorErrors, QueryErrors, ServiceErrors};
use muster_web::{ApiError, QueryParams};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Reader;
use crate::app::App;
use crate::errors::not_found;
use crate::path::PathParams;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(history))
}

fn response(version: TaskVersion) -> TaskVersionResponse {
    let TaskVersion {
        version,
        at,
        by,
        changed,
        settings,
    } = version;
    TaskVersionResponse {
        version,
        at,
        by,
        changed,
        settings,
    }
}

/// List a task's versions
///
/// Newest first. Versions are kept forever.
#[utoipa::path(
    get, path = "/tasks/{id}/history", tag = "Tasks",
    security(("operator" = ["read"])),
    params(("id" = u64, Path, description = "The task's id."), PageQuery),
    responses((status = 200, body = Page<TaskVersionResponse>), QueryErrors, NotFound, OperatorErrors, ServiceErrors)
)]
async fn history(
    State(app): State<App>,
    Reader(session): Reader,
    PathParams(id): PathParams<u64>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Page<TaskVersionResponse>>, ApiError> {
    record_task(id);
    let (after, limit) = query.into_parts()?;
    let tenant = &session.operator.tenant;
    let history = app.store.tasks().history(tenant, id, after, limit).await?;
    let history = history.ok_or_else(not_found)?;
    Ok(Json(page(history.versions, history.next, response)))
}
