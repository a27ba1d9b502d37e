//! Who asks, and for what: a robot whose token opens Quant's dialect, a task that it is permitted
//! on, a run of such a task. All of it comes before anything else of a request is looked at.

use axum::extract::{FromRequestParts, Path};
use jiff::Timestamp;
use muster_aws::runs::{Run, RunId};
use muster_aws::tasks::Task;
use muster_aws::tokens::{Scope, Token};
use muster_aws::{Store, StoreError};
use muster_web::http::request::Parts;
use muster_web::http::{HeaderMap, StatusCode};
use muster_web::{Problem, headers};

use crate::App;
use crate::failure::{Failure, missing};

/// Why a task is closed to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Closed {
    /// No token, or one that opens nothing here.
    Token,
    /// There is none, or it is another tenant's: these cannot be told apart.
    Task,
    /// The robot is not among those that may run it.
    Permission,
}

impl Closed {
    /// Its answer's status.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Token | Self::Permission => StatusCode::UNAUTHORIZED,
            Self::Task => StatusCode::NOT_FOUND,
        }
    }

    /// What a client reads, and what it can do.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Token => {
                "the token is missing or invalid: sign in at POST /authenticate and send it as \
                 `Authorization: Bearer …`"
            }
            Self::Task => {
                "there is no task with this id: the number in the URL is the task's, see its \
                 settings"
            }
            Self::Permission => {
                "this user has no permission to run the task: add the robot to the task's \
                 \"Users with API Access Permission\""
            }
        }
    }
}

impl From<Closed> for Failure {
    fn from(closed: Closed) -> Self {
        Problem::new(closed.status(), closed.message()).into()
    }
}

async fn token(store: &Store, headers: &HeaderMap) -> Result<Option<Token>, StoreError> {
    let token = headers::token(headers);
    store.open_with(token, Scope::Quant, Timestamp::now()).await
}

fn may_run(token: &Token, task: &Task) -> bool {
    task.settings.permitted_robots.contains(&token.robot)
}

/// Whether the request's token opens this task.
pub(crate) async fn permitted(
    store: &Store,
    headers: &HeaderMap,
    task_id: &str,
) -> Result<Result<Permitted, Closed>, StoreError> {
    let Some(token) = token(store, headers).await? else {
        return Ok(Err(Closed::Token));
    };
    let task = match integer(task_id) {
        None => None,
        Some(id) => store.find_task(&token.tenant, id).await?,
    };
    let Some(task) = task else {
        return Ok(Err(Closed::Task));
    };
    if !may_run(&token, &task) {
        return Ok(Err(Closed::Permission));
    }
    Ok(Ok(Permitted { token, task }))
}

fn integer(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A robot and the task in the path, which it may run.
#[derive(Debug)]
pub(crate) struct Permitted {
    pub(crate) token: Token,
    pub(crate) task: Task,
}

impl FromRequestParts<App> for Permitted {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let id = Path::<String>::from_request_parts(parts, app).await;
        let id = id.map(|Path(id)| id).unwrap_or_default();
        let permitted = permitted(&app.store, &parts.headers, &id).await?;
        Ok(permitted?)
    }
}

/// The run in the path, of a task that the robot may run.
#[derive(Debug)]
pub(crate) struct OwnRun {
    pub(crate) run: Run,
    pub(crate) task: Task,
}

impl FromRequestParts<App> for OwnRun {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let token = token(&app.store, &parts.headers).await?;
        let token = token.ok_or(Closed::Token)?;
        let Path(id) = Path::<RunId>::from_request_parts(parts, app)
            .await
            .map_err(|_| missing())?;
        let run = app.store.tenant_run(&token.tenant, &id, Timestamp::now());
        let run = run.await?.ok_or_else(missing)?;
        let task = app.store.find_task(&token.tenant, run.task).await?;
        let task = task.filter(|task| may_run(&token, task));
        let task = task.ok_or_else(missing)?;
        Ok(Self { run, task })
    }
}
