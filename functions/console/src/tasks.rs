//! Import tasks: their settings, the robots that may run them, and their history.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use muster_api::{CreateTaskRequest, Page, ReplaceTaskRequest, TaskResponse};
use muster_aws::tasks::{PutTaskOutcome, TaskFilter, TaskPage};
use muster_core::settings::{FieldProblem, TaskSettings};
use muster_web::page::{PageQuery, page};
use muster_web::request_id::record_task;
use muster_web::responses::{
    BodyErrors, Conflict, NotFound, OperatorErrors, QueryErrors, ServiceErrors,
};
use muster_web::{ApiError, JsonBody, QueryParams};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Manager, Reader};
use crate::app::App;
use crate::errors::{invalid_settings, not_found};
use crate::path::PathParams;

mod actions;
mod conflict;
mod history;
mod responses;

use responses::{created, response, stored};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, replace))
        .merge(actions::routes())
        .merge(history::routes())
}

/// Filter of tasks.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListTasksQuery {
    /// `true`: only enabled tasks; `false`: only disabled tasks.
    enabled: Option<bool>,
    /// Only tasks with this text, ignoring case, in the title, description, notes or id.
    text: Option<String>,
}

/// List tasks
///
/// Tasks are ordered by id.
#[utoipa::path(
    get, path = "/tasks", tag = "Tasks",
    security(("operator" = ["read"])),
    params(ListTasksQuery, PageQuery),
    responses((status = 200, body = Page<TaskResponse>), QueryErrors, OperatorErrors, ServiceErrors)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    QueryParams(filter): QueryParams<ListTasksQuery>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Page<TaskResponse>>, ApiError> {
    let ListTasksQuery { enabled, text } = filter;
    let filter = TaskFilter { enabled, text };
    let (after, limit) = query.into_parts()?;
    let tenant = &session.operator.tenant;
    let TaskPage { tasks, next } = app
        .store
        .tasks()
        .list(tenant, &filter, after, limit)
        .await?;
    Ok(Json(page(tasks, next, response)))
}

/// Create a task
///
/// All settings of an enabled task are checked; a disabled task may be incomplete.
#[utoipa::path(
    post, path = "/tasks", tag = "Tasks",
    security(("operator" = ["manage"])),
    request_body = CreateTaskRequest,
    responses(
        (status = 201, body = TaskResponse, headers(("Location" = String, description = "Path of the task."))),
        BodyErrors, Conflict, OperatorErrors, ServiceErrors,
    )
)]
async fn create(
    State(app): State<App>,
    Manager(operator): Manager,
    JsonBody(CreateTaskRequest { settings }): JsonBody<CreateTaskRequest>,
) -> Result<Response, ApiError> {
    if settings.id != 0 {
        let message = "the id of a new task is assigned: omit it";
        return Err(invalid_settings(vec![FieldProblem::new("id", message)]));
    }
    let now = Timestamp::now();
    let put = app.store.tasks().create(&operator, settings, None, now);
    stored(put.await?).map(created)
}

/// Show a task
#[utoipa::path(
    get, path = "/tasks/{id}", tag = "Tasks",
    security(("operator" = ["read"])),
    params(("id" = u64, Path, description = "The task's id.")),
    responses((status = 200, body = TaskResponse), NotFound, OperatorErrors, ServiceErrors)
)]
async fn show(
    State(app): State<App>,
    Reader(session): Reader,
    PathParams(id): PathParams<u64>,
) -> Result<Json<TaskResponse>, ApiError> {
    record_task(id);
    let task = app.store.tasks().find(&session.operator.tenant, id).await?;
    Ok(Json(response(task.ok_or_else(not_found)?)))
}

/// Replace a task's settings
///
/// Replaces all settings, based on the last version. If the request is based on an older one, the
/// error says who changed what since. Sending the same settings again changes nothing.
#[utoipa::path(
    put, path = "/tasks/{id}", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The task's id.")),
    request_body = ReplaceTaskRequest,
    responses((status = 200, body = TaskResponse), BodyErrors, Conflict, NotFound, OperatorErrors, ServiceErrors)
)]
async fn replace(
    State(app): State<App>,
    Manager(operator): Manager,
    PathParams(id): PathParams<u64>,
    JsonBody(ReplaceTaskRequest { version, settings }): JsonBody<ReplaceTaskRequest>,
) -> Result<Json<TaskResponse>, ApiError> {
    record_task(id);
    if settings.id != 0 && settings.id != id {
        let task = app.store.tasks().find(&operator.tenant, id).await?;
        let message = format!(
            "expected {id}, the id of this task, found {}: omit it, or send the settings to their \
             own task",
            settings.id
        );
        let problem = FieldProblem::new("id", message);
        return Err(task.map_or_else(not_found, |_| invalid_settings(vec![problem])));
    }
    let settings = TaskSettings { id, ..settings };
    let (store, now) = (&app.store, Timestamp::now());
    match store
        .tasks()
        .replace(&operator, version, settings, now)
        .await?
    {
        PutTaskOutcome::Changed => Err(conflict::error(store, &operator, id, version).await?),
        put => stored(put).map(Json),
    }
}
