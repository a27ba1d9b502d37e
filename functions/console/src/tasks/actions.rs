//! Changes of a task without sending all its settings: copy it, enable or disable it, permit or
//! forbid a robot.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use muster_api::{CopyTaskRequest, Problem, TaskResponse};
use muster_aws::auth::operators::Operator;
use muster_core::limits::MAX_TITLE_CHARS;
use muster_core::settings::TaskSettings;
use muster_web::request_id::record_task;
use muster_web::responses::{
    BodyErrors, Conflict, DryRunErrors, NotFound, OperatorErrors, ServiceErrors,
};
use muster_web::{ApiError, JsonBody};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::{created, stored};
use crate::access::Manager;
use crate::app::App;
use crate::errors::not_found;
use crate::path::PathParams;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(copy))
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(permit, forbid))
}

/// Returns the title of a copy, shortened if it would be too long.
fn title_of_copy(title: &str) -> String {
    let title = format!("Copy of {title}");
    match title.char_indices().nth(MAX_TITLE_CHARS) {
        None => title,
        Some(_) => title
            .chars()
            .take(MAX_TITLE_CHARS - 1)
            .chain(['…'])
            .collect(),
    }
}

/// Changes a task and returns it with the change.
async fn change(
    app: &App,
    operator: &Operator,
    id: u64,
    change: impl Fn(&mut TaskSettings) + Send + Sync,
) -> Result<Json<TaskResponse>, ApiError> {
    record_task(id);
    let now = Timestamp::now();
    let put = app.store.tasks().change(operator, id, change, now).await?;
    stored(put).map(Json)
}

/// Copy a task
///
/// The copy is disabled.
#[utoipa::path(
    post, path = "/tasks/{id}/copy", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The task's id.")),
    request_body = CopyTaskRequest,
    responses(
        (status = 201, body = TaskResponse, headers(("Location" = String, description = "Path of the copy."))),
        BodyErrors, Conflict, NotFound, OperatorErrors, ServiceErrors,
    )
)]
async fn copy(
    State(app): State<App>,
    Manager(operator): Manager,
    PathParams(id): PathParams<u64>,
    JsonBody(CopyTaskRequest { title }): JsonBody<CopyTaskRequest>,
) -> Result<Response, ApiError> {
    record_task(id);
    let original = app.store.tasks().find(&operator.tenant, id).await?;
    let original = original.ok_or_else(not_found)?.settings;
    let settings = TaskSettings {
        enabled: false,
        title: title.unwrap_or_else(|| title_of_copy(&original.title)),
        ..original.clone()
    };
    let (store, now) = (&app.store, Timestamp::now());
    let put = store
        .tasks()
        .create(&operator, settings, Some(&original), now);
    stored(put.await?).map(created)
}

/// Enable a task
///
/// All settings are checked. Idempotent.
#[utoipa::path(
    post, path = "/tasks/{id}/enable", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The task's id.")),
    responses(
        (status = 200, body = TaskResponse),
        (status = 422, description = "The task is incomplete; `errors` names the fields.", body = Problem, content_type = "application/problem+json"),
        DryRunErrors, NotFound, OperatorErrors, ServiceErrors,
    )
)]
async fn enable(
    State(app): State<App>,
    Manager(operator): Manager,
    PathParams(id): PathParams<u64>,
) -> Result<Json<TaskResponse>, ApiError> {
    change(&app, &operator, id, |settings| settings.enabled = true).await
}

/// Disable a task
///
/// An import that is running continues to its end. Idempotent.
#[utoipa::path(
    post, path = "/tasks/{id}/disable", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The task's id.")),
    responses((status = 200, body = TaskResponse), DryRunErrors, NotFound, OperatorErrors, ServiceErrors)
)]
async fn disable(
    State(app): State<App>,
    Manager(operator): Manager,
    PathParams(id): PathParams<u64>,
) -> Result<Json<TaskResponse>, ApiError> {
    change(&app, &operator, id, |settings| settings.enabled = false).await
}

/// Permit a robot
///
/// Lets the robot run the task. Idempotent.
#[utoipa::path(
    put, path = "/tasks/{id}/robots/{name}", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(
        ("id" = u64, Path, description = "The task's id."),
        ("name" = String, Path, description = "The robot's name."),
    ),
    responses(
        (status = 200, body = TaskResponse),
        (status = 422, description = "The task permits the maximum number of robots.", body = Problem, content_type = "application/problem+json"),
        DryRunErrors, NotFound, OperatorErrors, ServiceErrors,
    )
)]
async fn permit(
    State(app): State<App>,
    Manager(operator): Manager,
    PathParams((id, name)): PathParams<(u64, String)>,
) -> Result<Json<TaskResponse>, ApiError> {
    if !app.store.robots().exists(&operator.tenant, &name).await? {
        return Err(not_found());
    }
    let permit = |settings: &mut TaskSettings| {
        if !settings.permitted_robots.contains(&name) {
            settings.permitted_robots.push(name.clone());
        }
    };
    change(&app, &operator, id, permit).await
}

/// Withdraw a robot's permission
///
/// Idempotent. An enabled task keeps at least one robot.
#[utoipa::path(
    delete, path = "/tasks/{id}/robots/{name}", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(
        ("id" = u64, Path, description = "The task's id."),
        ("name" = String, Path, description = "The robot's name."),
    ),
    responses(
        (status = 200, body = TaskResponse),
        (status = 422, description = "This is the last robot of an enabled task.", body = Problem, content_type = "application/problem+json"),
        DryRunErrors, NotFound, OperatorErrors, ServiceErrors,
    )
)]
async fn forbid(
    State(app): State<App>,
    Manager(operator): Manager,
    PathParams((id, name)): PathParams<(u64, String)>,
) -> Result<Json<TaskResponse>, ApiError> {
    let forbid =
        |settings: &mut TaskSettings| settings.permitted_robots.retain(|robot| *robot != name);
    change(&app, &operator, id, forbid).await
}
