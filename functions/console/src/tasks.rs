//! Import tasks: their settings, who may run them, and how they came to be what they are.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use muster_aws::tasks::{PutTask, Task, TaskFilter, TaskPage};
use muster_core::settings::{FieldProblem, TaskSettings};
use muster_web::documented::{Always, Bodies, Conflicts, Missing, Operators, Queries};
use muster_web::http::{StatusCode, header};
use muster_web::{FieldError, JsonBody, Parameters, Problem};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Manager, Reader};
use crate::failure::{Failure, missing};
use crate::lists::{After, Id, Limit, Page};
use crate::{App, PREFIX};

mod changes;
mod conflict;
mod history;
mod view;

use view::View;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, replace))
        .merge(changes::routes())
        .merge(history::routes())
}

/// Which tasks are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only enabled ones, or only disabled ones.
    enabled: Option<bool>,
    /// Only those whose title, description, notes or id contain this text, in any case.
    text: Option<String>,
    /// How many the page holds at most.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 100)]
    limit: Limit,
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<After<u64>>,
}

/// A task that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTask {
    /// Its settings, without an `id`: that is assigned.
    settings: TaskSettings,
}

/// What a task is to become.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskChange {
    /// The version that was seen.
    version: u64,
    /// All its settings. What is left out gets its default.
    settings: TaskSettings,
}

/// 422 for what is wrong with fields.
pub(crate) fn unacceptable(problems: Vec<FieldProblem>) -> Failure {
    let errors = problems
        .into_iter()
        .map(|FieldProblem { field, message }| FieldError { field, message })
        .collect();
    Problem::unacceptable(errors).into()
}

/// What became of a task, if it is stored.
fn stored(put: PutTask) -> Result<Task, Failure> {
    match put {
        PutTask::Stored(task) => Ok(*task),
        PutTask::Refused(problems) => Err(unacceptable(problems)),
        PutTask::Missing => Err(missing()),
        PutTask::Changed => {
            let detail = "nothing was changed: somebody else changed the task at this moment; send \
                          the request again";
            Err(Problem::new(StatusCode::CONFLICT, detail).into())
        }
    }
}

/// 201, and where the task is.
fn created(task: Task) -> Response {
    let location = format!("{PREFIX}/tasks/{}", task.settings.id);
    let headers = [(header::LOCATION, location)];
    (StatusCode::CREATED, headers, Json(View::from(task))).into_response()
}

/// List tasks
///
/// In the order of their ids.
#[utoipa::path(
    get, path = "/tasks", tag = "Tasks",
    security(("operator" = ["read"])),
    params(Wanted),
    responses((status = 200, body = Page<View>), Queries, Operators, Always)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Page<View>>, Failure> {
    let Wanted {
        enabled,
        text,
        limit: Limit(limit),
        after,
    } = wanted;
    let filter = TaskFilter { enabled, text };
    let after = after.map(|After(id)| id);
    let tenant = &session.operator.tenant;
    let TaskPage { tasks, next } = app.store.list_tasks(tenant, &filter, after, limit).await?;
    Ok(Json(Page {
        items: tasks.into_iter().map(View::from).collect(),
        next: next.map(|id| id.to_string()),
    }))
}

/// Make a task
///
/// An enabled task is checked in full; a disabled one may be incomplete.
#[utoipa::path(
    post, path = "/tasks", tag = "Tasks",
    security(("operator" = ["manage"])),
    request_body = NewTask,
    responses(
        (status = 201, body = View, headers(("Location" = String, description = "Where it is."))),
        Bodies, Conflicts, Operators, Always,
    )
)]
async fn create(
    State(app): State<App>,
    Manager(operator): Manager,
    JsonBody(NewTask { settings }): JsonBody<NewTask>,
) -> Result<Response, Failure> {
    if settings.id != 0 {
        let message = "a new task's id is assigned: leave it out";
        return Err(unacceptable(vec![FieldProblem::new("id", message)]));
    }
    let now = Timestamp::now();
    let put = app
        .store
        .create_task(&operator, settings, None, now)
        .await?;
    stored(put).map(created)
}

/// Look at a task
#[utoipa::path(
    get, path = "/tasks/{id}", tag = "Tasks",
    security(("operator" = ["read"])),
    params(("id" = u64, Path, description = "The task's id.")),
    responses((status = 200, body = View), Missing, Operators, Always)
)]
async fn show(
    State(app): State<App>,
    Reader(session): Reader,
    Id(id): Id<u64>,
) -> Result<Json<View>, Failure> {
    let task = app.store.find_task(&session.operator.tenant, id).await?;
    task.map(|task| Json(task.into())).ok_or_else(missing)
}

/// Replace a task's settings
///
/// As a whole, by somebody who has seen the last version: if it is another one, the answer says who
/// changed what since. Sending the same settings again changes nothing.
#[utoipa::path(
    put, path = "/tasks/{id}", tag = "Tasks",
    security(("operator" = ["manage"])),
    params(("id" = u64, Path, description = "The task's id.")),
    request_body = TaskChange,
    responses((status = 200, body = View), Bodies, Conflicts, Missing, Operators, Always)
)]
async fn replace(
    State(app): State<App>,
    Manager(operator): Manager,
    Id(id): Id<u64>,
    JsonBody(TaskChange { version, settings }): JsonBody<TaskChange>,
) -> Result<Json<View>, Failure> {
    if settings.id != 0 && settings.id != id {
        let task = app.store.find_task(&operator.tenant, id).await?;
        let message = format!("this is task {id}: leave the id out, or send it to its own task");
        let problem = FieldProblem::new("id", message);
        return Err(task.map_or_else(missing, |_| unacceptable(vec![problem])));
    }
    let settings = TaskSettings { id, ..settings };
    let now = Timestamp::now();
    match app
        .store
        .replace_task(&operator, version, settings, now)
        .await?
    {
        PutTask::Changed => Err(conflict::answer(&app.store, &operator, id, version).await?),
        put => stored(put).map(|task| Json(task.into())),
    }
}
