//! Access control: a robot whose token allows Quant's dialect, a task that it may run, a run of
//! such a task. Handlers check it first, before anything else of a request is read.

use axum::extract::{FromRequestParts, Path};
use jiff::Timestamp;
use muster_aws::auth::tokens::{Scope, Token};
use muster_aws::runs::{Run, RunId};
use muster_aws::tasks::Task;
use muster_aws::{Store, StoreError};
use muster_web::http::request::Parts;
use muster_web::http::{HeaderMap, StatusCode};
use muster_web::request_id::{record_import, record_task};
use muster_web::{ApiError, headers};

use crate::app::App;
use crate::response::not_found;

/// Why a request may not use a task.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AccessDenied {
    /// The token is missing, invalid, or not valid for this dialect.
    InvalidToken,
    /// The task does not exist or belongs to another tenant; clients cannot tell which.
    UnknownTask,
    /// The task does not permit the robot.
    NotPermitted,
}

impl AccessDenied {
    /// Returns the status of the response.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::InvalidToken | Self::NotPermitted => StatusCode::UNAUTHORIZED,
            Self::UnknownTask => StatusCode::NOT_FOUND,
        }
    }

    /// Returns the message for the client.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::InvalidToken => headers::INVALID_TOKEN,
            Self::UnknownTask => {
                "there is no task with this id: the number in the URL must be the id of the task, \
                 as in its settings"
            }
            Self::NotPermitted => {
                "this user has no permission to run the task: add the robot to the task's \
                 \"Users with API Access Permission\""
            }
        }
    }
}

impl From<AccessDenied> for ApiError {
    fn from(denied: AccessDenied) -> Self {
        Self::new(denied.status(), denied.message())
    }
}

async fn token(store: &Store, headers: &HeaderMap) -> Result<Option<Token>, StoreError> {
    let token = headers::bearer_token(headers);
    store
        .tokens()
        .authorize(token, Scope::Quant, Timestamp::now())
        .await
}

fn may_run(token: &Token, task: &Task) -> bool {
    task.settings.permitted_robots.contains(&token.robot)
}

/// Checks that the request's token may run a task.
pub(crate) async fn permitted_task(
    store: &Store,
    headers: &HeaderMap,
    task_id: &str,
) -> Result<Result<PermittedTask, AccessDenied>, StoreError> {
    let Some(token) = token(store, headers).await? else {
        return Ok(Err(AccessDenied::InvalidToken));
    };
    let task = match parse_task_id(task_id) {
        None => None,
        Some(id) => {
            record_task(id);
            store.tasks().find(&token.tenant, id).await?
        }
    };
    let Some(task) = task else {
        return Ok(Err(AccessDenied::UnknownTask));
    };
    if !may_run(&token, &task) {
        return Ok(Err(AccessDenied::NotPermitted));
    }
    Ok(Ok(PermittedTask { token, task }))
}

fn parse_task_id(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A robot's token and the task in the path, which the robot may run.
#[derive(Debug)]
pub(crate) struct PermittedTask {
    pub(crate) token: Token,
    pub(crate) task: Task,
}

impl FromRequestParts<App> for PermittedTask {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let id = Path::<String>::from_request_parts(parts, app).await;
        let id = id.map(|Path(id)| id).unwrap_or_default();
        let permitted = permitted_task(&app.store, &parts.headers, &id).await?;
        Ok(permitted?)
    }
}

/// The run in the path, of a task that the robot may run.
#[derive(Debug)]
pub(crate) struct PermittedRun {
    pub(crate) run: Run,
    pub(crate) task: Task,
}

impl FromRequestParts<App> for PermittedRun {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = token(&app.store, &parts.headers).await?;
        let token = token.ok_or(AccessDenied::InvalidToken)?;
        let Path(id) = Path::<RunId>::from_request_parts(parts, app)
            .await
            .map_err(|_| not_found())?;
        record_import(id);
        let run = app.store.runs().find(&token.tenant, &id, Timestamp::now());
        let run = run.await?.ok_or_else(not_found)?;
        record_task(run.task);
        let task = app.store.tasks().find(&token.tenant, run.task).await?;
        let task = task.filter(|task| may_run(&token, task));
        let task = task.ok_or_else(not_found)?;
        Ok(Self { run, task })
    }
}
