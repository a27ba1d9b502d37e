//! Pages of a tenant's runs, read through the pointers under `LOG#<tenant>`. Filters by time use
//! the ids and cost nothing; any other filter reads the runs, a bounded number per page.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_core::run::Status;

use super::id::RunId;
use super::run::{Pointer, ROW, Run, Runs, key, log_pk};
use crate::client::SendBoxed;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row;
use crate::error::StoreError;
use crate::store::Store;

/// Maximum runs examined per page.
const MAX_EXAMINED: usize = 1_000;
/// Runs examined per batch.
const MAX_BATCH: usize = 100;
/// Maximum tasks read concurrently.
const CONCURRENT_TASKS: usize = 8;

/// Filter of runs; a run must match every criterion that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Id of the task.
    pub task: Option<u64>,
    /// Accepted statuses; empty for any.
    pub statuses: Vec<RunStatusFilter>,
    /// Earliest start time, inclusive.
    pub from: Option<Timestamp>,
    /// Latest start time, exclusive.
    pub to: Option<Timestamp>,
    /// Case-insensitive text in the robot's name, the task's title, an error, or the id.
    pub text: Option<String>,
}

/// Status of a run, as a filter criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatusFilter {
    /// The run has not ended.
    Running,
    /// The run ended with this status.
    Ended(Status),
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRun {
    /// The run.
    pub run: Run,
    /// Current title of its task; absent if the task no longer exists.
    pub task_title: Option<String>,
}

/// A page of a tenant's runs, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<ListedRun>,
    /// Cursor of the next page; absent on the last page.
    pub next: Option<RunId>,
}

impl RunFilter {
    /// Returns the bounds of the ids, as text, from the time filters and the cursor.
    fn ids(&self, before: Option<&RunId>) -> (String, String) {
        let lowest = self.from.map(RunId::earliest);
        // Without a bound: "0" sorts before all hexadecimal ids, "g" after them.
        let lowest = lowest.map_or_else(|| "0".to_owned(), |id| id.to_string());
        let ends = [self.to.map(RunId::earliest), before.copied()];
        let highest = ends.iter().flatten().min().map(RunId::text_before);
        (lowest, highest.unwrap_or_else(|| "g".to_owned()))
    }

    fn needs_rows(&self) -> bool {
        self.task.is_some() || !self.statuses.is_empty() || self.text.is_some()
    }

    /// Returns true if the task and the status of a run match.
    fn matches_row(&self, run: &Run) -> bool {
        let status = run
            .status
            .map_or(RunStatusFilter::Running, RunStatusFilter::Ended);
        self.task.is_none_or(|task| run.task == task)
            && (self.statuses.is_empty() || self.statuses.contains(&status))
    }

    /// Returns true if the text occurs in a run.
    fn matches_text(&self, run: &Run, task_title: Option<&str>) -> bool {
        let Some(text) = self.text.as_deref().map(str::to_lowercase) else {
            return true;
        };
        let has = |field: &str| field.to_lowercase().contains(&text);
        has(&run.robot)
            || task_title.is_some_and(has)
            || run.errors.iter().any(|error| has(error))
            || has(&run.id.to_string())
    }
}

/// Cache of task titles.
#[derive(Default)]
struct Titles(HashMap<u64, Option<String>>);

impl Titles {
    /// Reads the titles of the runs' tasks that are not cached yet.
    async fn load(&mut self, store: &Store, tenant: &str, runs: &[Run]) -> Result<(), StoreError> {
        let tasks: BTreeSet<u64> = runs.iter().map(|run| run.task).collect();
        let unknown = tasks.into_iter().filter(|task| !self.0.contains_key(task));
        let titles: Vec<(u64, Option<String>)> = stream::iter(unknown.collect::<Vec<_>>())
            .map(|task| async move {
                let title = store.tasks().title(tenant, task).await;
                title.map(|title| (task, title))
            })
            .buffer_unordered(CONCURRENT_TASKS)
            .try_collect()
            .await?;
        self.0.extend(titles);
        Ok(())
    }

    fn of(&self, task: u64) -> Option<&str> {
        self.0.get(&task)?.as_deref()
    }
}

impl Runs<'_> {
    /// Lists at most `limit` runs of `tenant` that match `filter` and are older than the run
    /// `before`, newest first. A page may contain fewer runs than match; the last page has no
    /// `next`.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn list(
        self,
        tenant: &str,
        filter: &RunFilter,
        before: Option<&RunId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<RunPage, StoreError> {
        let mut runs = Vec::new();
        let mut titles = Titles::default();
        let mut before = before.copied();
        let mut examined = 0;
        loop {
            let batch = if filter.needs_rows() {
                MAX_BATCH
            } else {
                MAX_BATCH.min(limit - runs.len())
            };
            let span = filter.ids(before.as_ref());
            let (ids, more) = self.run_ids(tenant, span, batch).await?;
            let last = ids.last().copied();
            let mut found = self.read_runs(&ids, now).await?;
            found.retain(|_, run| filter.matches_row(run));
            // DynamoDB deletes expired rows late, so a pointer may outlive its run.
            let found: Vec<Run> = ids.iter().filter_map(|id| found.remove(id)).collect();
            titles.load(self.store, tenant, &found).await?;
            for run in found {
                let (id, task_title) = (run.id, titles.of(run.task));
                if !filter.matches_text(&run, task_title) {
                    continue;
                }
                let task_title = task_title.map(str::to_owned);
                runs.push(ListedRun { run, task_title });
                if runs.len() >= limit {
                    let next = Some(id).filter(|_| more || Some(id) != last);
                    return Ok(RunPage { runs, next });
                }
            }
            examined += ids.len();
            before = last.filter(|_| more);
            if before.is_none() || examined >= MAX_EXAMINED {
                return Ok(RunPage { runs, next: before });
            }
        }
    }

    /// Returns the newest run ids of a tenant between two texts, and whether there may be more.
    async fn run_ids(
        self,
        tenant: &str,
        (lowest, highest): (String, String),
        limit: usize,
    ) -> Result<(Vec<RunId>, bool), StoreError> {
        if lowest > highest {
            return Ok((Vec::new(), false));
        }
        let ids = Condition::equals("pk", row::text(log_pk(tenant)))
            .and(Condition::between("sk", [lowest, highest].map(row::text)));
        let response = self
            .store
            .query(ids)
            .scan_index_forward(false)
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
            .send_boxed()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let more = response.last_evaluated_key.is_some();
        let rows = response.items.unwrap_or_default().into_iter();
        let ids =
            rows.map(|row| row::decode("a run's pointer", row).map(|Pointer { run, .. }| run));
        Ok((ids.collect::<Result<_, _>>()?, more))
    }

    async fn read_runs(
        self,
        ids: &[RunId],
        now: Timestamp,
    ) -> Result<HashMap<RunId, Run>, StoreError> {
        let keys: Vec<_> = ids.iter().map(key).collect();
        let rows = self
            .store
            .batch_get(&self.store.tables.control, &keys)
            .await?;
        rows.into_iter()
            .filter(|row| row::is_live(row, now))
            .map(|row| row::decode(ROW, row).map(|run: Run| (run.id, run)))
            .collect()
    }
}
