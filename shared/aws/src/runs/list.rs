//! A tenant's runs, page by page, by the pointers under `LOG#<tenant>`. Times are told from the
//! ids, so they cost nothing; any other filter looks at the runs, a bounded number for each page.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use muster_core::run::Status;

use super::{Pointer, Run, RunId, WHAT, key, log};
use crate::row;
use crate::{Store, StoreError};

/// Runs that one page looks at, at most.
const EXAMINED: usize = 1_000;
/// Runs that are looked at together.
const EXAMINED_AT_ONCE: usize = 100;
/// Tasks that are read at the same time.
const TASKS_AT_ONCE: usize = 8;

/// Which runs are wanted: those of which everything holds that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this task.
    pub task: Option<u64>,
    /// That stand in one of these ways; empty: in any.
    pub standing: Vec<Standing>,
    /// That began then or later.
    pub from: Option<Timestamp>,
    /// That began earlier.
    pub to: Option<Timestamp>,
    /// With this text, in any case, in the name of the robot, the task's title, an error, or
    /// the id.
    pub text: Option<String>,
}

/// Where a run stands, as runs are filtered by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has not ended.
    Running,
    /// It ended so.
    Ended(Status),
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRun {
    /// The run.
    pub run: Run,
    /// What its task is called now; absent: the task is gone.
    pub task_title: Option<String>,
}

/// Some runs of a tenant, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<ListedRun>,
    /// Where the next page begins; absent: this was the last one.
    pub next: Option<RunId>,
}

impl RunFilter {
    /// The texts between which the ids are, as far as they tell.
    fn ids(&self, before: Option<&RunId>) -> (String, String) {
        let lowest = self.from.map(RunId::earliest);
        // Hexadecimal digits sort behind the one and before the other.
        let lowest = lowest.map_or_else(|| "0".to_owned(), |id| id.to_string());
        let ends = [self.to.map(RunId::earliest), before.copied()];
        let highest = ends.iter().flatten().min().map(RunId::text_before);
        (lowest, highest.unwrap_or_else(|| "g".to_owned()))
    }

    fn looks_at_runs(&self) -> bool {
        self.task.is_some() || !self.standing.is_empty() || self.text.is_some()
    }

    /// Whether the task and the standing of a run are right.
    fn takes(&self, run: &Run) -> bool {
        let standing = run.status.map_or(Standing::Running, Standing::Ended);
        self.task.is_none_or(|task| run.task == task)
            && (self.standing.is_empty() || self.standing.contains(&standing))
    }

    /// Whether the text is in a run.
    fn is_in(&self, run: &Run, task_title: Option<&str>) -> bool {
        let Some(text) = self.text.as_deref().map(str::to_lowercase) else {
            return true;
        };
        let has = |place: &str| place.to_lowercase().contains(&text);
        has(&run.robot)
            || task_title.is_some_and(has)
            || run.errors.iter().any(|error| has(error))
            || has(&run.id.to_string())
    }
}

/// What tasks are called, each asked for once.
#[derive(Default)]
struct Titles(HashMap<u64, Option<String>>);

impl Titles {
    async fn learn(&mut self, store: &Store, tenant: &str, runs: &[Run]) -> Result<(), StoreError> {
        let tasks: BTreeSet<u64> = runs.iter().map(|run| run.task).collect();
        let unknown = tasks.into_iter().filter(|task| !self.0.contains_key(task));
        let titles: Vec<(u64, Option<String>)> = stream::iter(unknown.collect::<Vec<_>>())
            .map(|task| async move {
                let title = store.task_title(tenant, task).await;
                title.map(|title| (task, title))
            })
            .buffer_unordered(TASKS_AT_ONCE)
            .try_collect()
            .await?;
        self.0.extend(titles);
        Ok(())
    }

    fn of(&self, task: u64) -> Option<&str> {
        self.0.get(&task)?.as_deref()
    }
}

impl Store {
    /// At most `limit` runs of `tenant` that match `filter` and are older than the run `before`,
    /// the newest first. A page may hold fewer than there are; the last one has no `next`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list_runs(
        &self,
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
            let at_once = if filter.looks_at_runs() {
                EXAMINED_AT_ONCE
            } else {
                EXAMINED_AT_ONCE.min(limit - runs.len())
            };
            let span = filter.ids(before.as_ref());
            let (ids, more) = self.run_ids(tenant, span, at_once).await?;
            let last = ids.last().copied();
            let mut found = self.read_runs(&ids, now).await?;
            found.retain(|_, run| filter.takes(run));
            // A pointer without its run is one that DynamoDB has not deleted yet.
            let found: Vec<Run> = ids.iter().filter_map(|id| found.remove(id)).collect();
            titles.learn(self, tenant, &found).await?;
            for run in found {
                let (id, task_title) = (run.id, titles.of(run.task));
                if !filter.is_in(&run, task_title) {
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
            if before.is_none() || examined >= EXAMINED {
                return Ok(RunPage { runs, next: before });
            }
        }
    }

    /// What the task of a tenant is called; absent: there is none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn task_title(&self, tenant: &str, task: u64) -> Result<Option<String>, StoreError> {
        let task = self.get_task(task).await?;
        let task = task.filter(|task| task.tenant == tenant);
        Ok(task.map(|task| task.settings.title))
    }

    /// The newest of a tenant's run ids between two texts, and whether there are more.
    async fn run_ids(
        &self,
        tenant: &str,
        (lowest, highest): (String, String),
        limit: usize,
    ) -> Result<(Vec<RunId>, bool), StoreError> {
        if lowest > highest {
            return Ok((Vec::new(), false));
        }
        let answer = self
            .client
            .query()
            .table_name(&self.tables.control)
            .key_condition_expression("pk = :log AND sk BETWEEN :lowest AND :highest")
            .expression_attribute_values(":log", row::text(log(tenant)))
            .expression_attribute_values(":lowest", row::text(lowest))
            .expression_attribute_values(":highest", row::text(highest))
            .scan_index_forward(false)
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let more = answer.last_evaluated_key.is_some();
        let rows = answer.items.unwrap_or_default().into_iter();
        let ids =
            rows.map(|row| row::decode("a run's pointer", row).map(|Pointer { run, .. }| run));
        Ok((ids.collect::<Result<_, _>>()?, more))
    }

    async fn read_runs(
        &self,
        ids: &[RunId],
        now: Timestamp,
    ) -> Result<HashMap<RunId, Run>, StoreError> {
        let keys: Vec<_> = ids.iter().map(key).collect();
        let rows = self.batch_rows(&self.tables.control, &keys).await?;
        rows.into_iter()
            .filter(|row| row::is_live(row, now))
            .map(|row| row::decode(WHAT, row).map(|run: Run| (run.id, run)))
            .collect()
    }
}
