//! What is done to a task without sending all its settings: copy it, switch it, permit a robot.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use muster_aws::operators::Operator;
use muster_core::settings::{TITLE, TaskSettings};
use muster_web::JsonBody;
use muster_web::documented::{Always, Bodies, Conflicts, Missing, Operators};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::view::View;
use super::{created, stored};
use crate::App;
use crate::access::Manager;
use crate::failure::{Failure, missing};
use crate::lists::Id;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(copy))
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(permit, forbid))
}

/// How a copy differs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskCopy {
    /// Its title; `Copy of …` where it is absent.
    title: Option<String>,
}

/// The title of a copy, cut where it would be too long.
fn copied(title: &str) -> String {
    let title = format!("Copy of {title}");
    match title.char_indices().nth(TITLE) {
        None => title,
        Some(_) => title.chars().take(TITLE - 1).chain(['…']).collect(),
    }
}

/// Changes a task, and gives it as it then is.
async fn change(
    app: &App,
    operator: &Operator,
    id: u64,
    change: impl Fn(&mut TaskSettings) + Send + Sync,
) -> Result<Json<View>, Failure> {
    let now = Timestamp::now();
    let put = app.store.change_task(operator, id, change, now).await?;
    stored(put).map(|task| Json(task.into()))
}

/// Copy a task
///
/// The copy is disabled.
#[utoipa::path(
    post, path = "/tasks/{id}/copy", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The task's id.")),
    request_body = TaskCopy,
    responses(
        (status = 201, body = View, headers(("Location" = String, description = "Where it is."))),
        Bodies, Conflicts, Missing, Operators, Always,
    )
)]
async fn copy(
    State(app): State<App>,
    Manager(operator): Manager,
    Id(id): Id<u64>,
    JsonBody(TaskCopy { title }): JsonBody<TaskCopy>,
) -> Result<Response, Failure> {
    let original = app.store.find_task(&operator.tenant, id).await?;
    let original = original.ok_or_else(missing)?.settings;
    let settings = TaskSettings {
        enabled: false,
        title: title.unwrap_or_else(|| copied(&original.title)),
        ..original.clone()
    };
    let now = Timestamp::now();
    let copy = app
        .store
        .create_task(&operator, settings, Some(&original), now);
    stored(copy.await?).map(created)
}

/// Enable a task
///
/// Everything is checked. Repeatable.
#[utoipa::path(
    post, path = "/tasks/{id}/enable", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The task's id.")),
    responses(
        (status = 200, body = View),
        (status = 422, description = "The task is not complete; `errors` names the fields.", body = muster_web::Problem, content_type = "application/problem+json"),
        Missing, Operators, Always,
    )
)]
async fn enable(
    State(app): State<App>,
    Manager(operator): Manager,
    Id(id): Id<u64>,
) -> Result<Json<View>, Failure> {
    change(&app, &operator, id, |settings| settings.enabled = true).await
}

/// Disable a task
///
/// An import that is running goes on to its end. Repeatable.
#[utoipa::path(
    post, path = "/tasks/{id}/disable", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The task's id.")),
    responses((status = 200, body = View), Missing, Operators, Always)
)]
async fn disable(
    State(app): State<App>,
    Manager(operator): Manager,
    Id(id): Id<u64>,
) -> Result<Json<View>, Failure> {
    change(&app, &operator, id, |settings| settings.enabled = false).await
}

/// Permit a robot
///
/// It may run the task then. Repeatable.
#[utoipa::path(
    put, path = "/tasks/{id}/robots/{name}", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(
        ("id" = u64, Path, description = "The task's id."),
        ("name" = String, Path, description = "The robot's name."),
    ),
    responses(
        (status = 200, body = View),
        (status = 422, description = "The task permits as many robots as it can.", body = muster_web::Problem, content_type = "application/problem+json"),
        Missing, Operators, Always,
    )
)]
async fn permit(
    State(app): State<App>,
    Manager(operator): Manager,
    Id((id, name)): Id<(u64, String)>,
) -> Result<Json<View>, Failure> {
    if !app.store.robot_exists(&operator.tenant, &name).await? {
        return Err(missing());
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
/// Repeatable. An enabled task keeps at least one robot.
#[utoipa::path(
    delete, path = "/tasks/{id}/robots/{name}", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(
        ("id" = u64, Path, description = "The task's id."),
        ("name" = String, Path, description = "The robot's name."),
    ),
    responses(
        (status = 200, body = View),
        (status = 422, description = "It is the last robot of an enabled task.", body = muster_web::Problem, content_type = "application/problem+json"),
        Missing, Operators, Always,
    )
)]
async fn forbid(
    State(app): State<App>,
    Manager(operator): Manager,
    Id((id, name)): Id<(u64, String)>,
) -> Result<Json<View>, Failure> {
    let forbid =
        |settings: &mut TaskSettings| settings.permitted_robots.retain(|robot| *robot != name);
    change(&app, &operator, id, forbid).await
}
