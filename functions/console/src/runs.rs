//! The execution log: a tenant's runs.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use muster_aws::runs::{ListedRun, Run, RunFilter, RunId, Standing};
use muster_core::run::{Counts, Status};
use muster_web::Parameters;
use muster_web::documented::{Always, Missing, Operators, Queries};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::Reader;
use crate::failure::{Failure, missing};
use crate::lists::{After, Id, Limit, Page};
use muster_web::time;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
}

/// One execution of a task.
#[derive(Serialize, ToSchema)]
struct LoggedRun {
    /// The id; also in the header `Import-Id` of the import's answer.
    #[schema(example = "019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70")]
    id: String,
    /// The task's id.
    #[schema(example = 206)]
    task: u64,
    /// What the task is called now; null: it is gone.
    #[schema(required)]
    task_title: Option<String>,
    /// The robot that asked for the run.
    robot: String,
    /// When it began.
    #[serde(serialize_with = "time::millis")]
    started_at: Timestamp,
    /// When it ended; null: it has not.
    #[schema(required)]
    #[serde(serialize_with = "time::optional")]
    ended_at: Option<Timestamp>,
    /// How long it took, in milliseconds; null: it has not ended.
    #[schema(required, minimum = 0)]
    duration_ms: Option<i64>,
    /// Bytes of the data.
    size: u64,
    /// Whether it only planned what it would do.
    dry_run: bool,
    /// Where it stands.
    state: muster_core::run::State,
    /// How it ended; null: it has not.
    #[schema(required)]
    status: Option<Status>,
    /// What became of its records; null: not known, as of a run that was interrupted.
    #[schema(required)]
    counts: Option<Counts>,
    /// How many items it has, by code.
    #[schema(example = json!({"email.malformed": 3}))]
    items: BTreeMap<String, u64>,
    /// Why it failed.
    errors: Vec<String>,
}

impl LoggedRun {
    fn of(run: Run, task_title: Option<String>) -> Self {
        let Run {
            id,
            tenant: _,
            task,
            robot,
            started_at,
            ended_at,
            size,
            dry_run,
            state,
            status,
            counts,
            item_counts,
            errors,
            job: _,
        } = run;
        let duration = |end: Timestamp| end.as_millisecond() - started_at.as_millisecond();
        Self {
            id: id.to_string(),
            task,
            task_title,
            robot,
            started_at,
            ended_at,
            // Two machines may have taken the times.
            duration_ms: ended_at.map(duration).map(|millis| millis.max(0)),
            size,
            dry_run,
            state,
            status,
            counts,
            items: item_counts,
            errors,
        }
    }
}

/// Ways to stand, separated by commas.
#[derive(Default)]
struct Standings(Vec<Standing>);

impl<'de> Deserialize<'de> for Standings {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let standings = text.split(',').map(|word| match word.trim() {
            "running" => Ok(Standing::Running),
            "SUCCESS" => Ok(Standing::Ended(Status::Success)),
            "PARTIAL_SUCCESS" => Ok(Standing::Ended(Status::PartialSuccess)),
            "FAILURE" => Ok(Standing::Ended(Status::Failure)),
            _ => Err(D::Error::custom(
                "one or more of SUCCESS, PARTIAL_SUCCESS, FAILURE and running, separated by commas",
            )),
        });
        standings.collect::<Result<_, _>>().map(Self)
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only runs of the task with this id.
    task: Option<u64>,
    /// Only runs that ended so (`SUCCESS`, `PARTIAL_SUCCESS`, `FAILURE`) or have not ended
    /// (`running`); several are separated by commas.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "FAILURE,running")]
    status: Standings,
    /// Only runs that began then or later.
    from: Option<Timestamp>,
    /// Only runs that began earlier.
    to: Option<Timestamp>,
    /// Only runs with this text, in any case, in the robot's name, the task's title, an error, or
    /// the id.
    text: Option<String>,
    /// How many runs a page holds at most.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 100)]
    limit: Limit,
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<After<RunId>>,
}

/// The runs of the tenant, the newest first
///
/// One page looks at 1,000 runs at most: with a filter it may hold fewer runs than there are, and
/// still have a `next`.
#[utoipa::path(
    get, path = "/runs", tag = "Execution log",
    security(("operator" = ["read"])),
    params(Wanted),
    responses((status = 200, body = Page<LoggedRun>), Queries, Operators, Always)
)]
async fn list(
    State(app): State<App>,
    Reader(session): Reader,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Page<LoggedRun>>, Failure> {
    let Wanted {
        task,
        status: Standings(standing),
        from,
        to,
        text,
        limit: Limit(limit),
        after,
    } = wanted;
    let filter = RunFilter {
        task,
        standing,
        from,
        to,
        text,
    };
    let tenant = &session.operator.tenant;
    let after = after.map(|After(run)| run);
    let page = app
        .store
        .list_runs(
            tenant,
            &filter,
            after.as_ref(),
            limit.into(),
            Timestamp::now(),
        )
        .await?;
    let runs = page.runs.into_iter();
    let items = runs.map(|ListedRun { run, task_title }| LoggedRun::of(run, task_title));
    Ok(Json(Page {
        items: items.collect(),
        next: page.next.map(|run| run.to_string()),
    }))
}

/// One run
#[utoipa::path(
    get, path = "/runs/{id}", tag = "Execution log",
    security(("operator" = ["read"])),
    params(("id" = String, Path, description = "The run's id.")),
    responses((status = 200, body = LoggedRun), Missing, Operators, Always)
)]
async fn get(
    State(app): State<App>,
    Reader(session): Reader,
    Id(id): Id<RunId>,
) -> Result<Json<LoggedRun>, Failure> {
    let tenant = &session.operator.tenant;
    let run = app.store.tenant_run(tenant, &id, Timestamp::now()).await?;
    let run = run.ok_or_else(missing)?;
    let task_title = app.store.task_title(tenant, run.task).await?;
    Ok(Json(LoggedRun::of(run, task_title)))
}
