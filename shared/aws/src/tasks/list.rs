//! The tasks of a tenant, in pages by number, read through the tenant index.

use std::collections::HashMap;

use super::{ROW, Task, Tasks, check, key};
use crate::dynamodb::read::Order;
use crate::dynamodb::row;
use crate::error::StoreError;
use crate::tenant_index::{IndexKind, sortable_number};

/// Maximum tasks per read.
const MAX_BATCH: u16 = 100;
/// Maximum tasks examined for one page.
const MAX_EXAMINED: usize = 1_000;
/// Bytes of settings at which a page ends; the response of a function is limited to 6 MB.
const PAGE_BYTES: usize = 2_000_000;

/// Filter for tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only enabled or only disabled tasks.
    pub enabled: Option<bool>,
    /// Text that the title, description, notes or number contains, ignoring case.
    pub text: Option<String>,
}

/// A page of the tasks of a tenant, in the order of their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Cursor of the next page; absent on the last page.
    pub next: Option<u64>,
}

/// A batch of tasks, unfiltered.
pub(crate) struct TaskBatch {
    pub(crate) tasks: Vec<Task>,
    /// The last number in the batch.
    pub(crate) last: Option<u64>,
    /// True if more tasks follow.
    pub(crate) more: bool,
}

impl TaskFilter {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn matches_task(&self, task: &Task) -> bool {
        let settings = &task.settings;
        let contains = |text: &str| {
            let texts = [&settings.title, &settings.description, &settings.notes];
            let text = text.to_lowercase();
            settings.id.to_string().contains(&text)
                || texts.iter().any(|part| part.to_lowercase().contains(&text))
        };
        self.enabled
            .is_none_or(|enabled| enabled == settings.enabled)
            && self.text.as_deref().is_none_or(contains)
    }
}

impl Tasks<'_> {
    /// Returns at most `limit` tasks of `tenant` that follow `after` and match the filter. A page
    /// may have fewer tasks before the end of the list; the last page has no `next`.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn list(
        self,
        tenant: &str,
        filter: &TaskFilter,
        mut after: Option<u64>,
        limit: u16,
    ) -> Result<TaskPage, StoreError> {
        let limit = usize::from(limit.max(1));
        let mut tasks = Vec::new();
        let (mut examined, mut bytes) = (0, 0);
        loop {
            let batch_limit = filter.is_empty().then(|| limit - tasks.len());
            let batch = self.batch(tenant, after, batch_limit).await?;
            let mut found = batch.tasks.into_iter().peekable();
            while let Some(task) = found.next() {
                examined += 1;
                let id = task.settings.id;
                if filter.matches_task(&task) {
                    bytes += check::bytes(&task.settings);
                    tasks.push(task);
                }
                if tasks.len() == limit || bytes > PAGE_BYTES {
                    let more = batch.more || found.peek().is_some();
                    let next = more.then_some(id);
                    return Ok(TaskPage { tasks, next });
                }
            }
            after = batch.last;
            if !batch.more || examined >= MAX_EXAMINED {
                let next = after.filter(|_| batch.more);
                return Ok(TaskPage { tasks, next });
            }
        }
    }

    /// Returns the numbers of the tenant's tasks that permit this robot.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn permitting(self, tenant: &str, robot: &str) -> Result<Vec<u64>, StoreError> {
        let (mut permitted, mut after) = (Vec::new(), None);
        loop {
            let batch = self.batch(tenant, after, None).await?;
            let settings = batch.tasks.into_iter().map(|task| task.settings);
            permitted.extend(
                settings
                    .filter(|settings| settings.permitted_robots.iter().any(|name| name == robot))
                    .map(|settings| settings.id),
            );
            after = batch.last;
            if !batch.more {
                return Ok(permitted);
            }
        }
    }

    /// Reads the tasks of `tenant` that follow `after`, at most `limit` or one batch.
    pub(crate) async fn batch(
        self,
        tenant: &str,
        after: Option<u64>,
        limit: Option<usize>,
    ) -> Result<TaskBatch, StoreError> {
        let after = after.map(sortable_number);
        let limit = limit.map_or(MAX_BATCH, |limit| {
            u16::try_from(limit).unwrap_or(MAX_BATCH).min(MAX_BATCH)
        });
        let listed = self
            .store
            .index_page(
                tenant,
                IndexKind::Task,
                Order::Ascending,
                after.as_deref(),
                limit,
            )
            .await?;
        let ids: Vec<u64> = listed
            .names
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect();
        let keys: Vec<_> = ids.iter().map(|id| key(*id)).collect();
        let rows = self
            .store
            .batch_get(&self.store.tables.control, &keys)
            .await?;
        let mut found = rows
            .into_iter()
            .map(|row| row::decode(ROW, row).map(|task: Task| (task.settings.id, task)))
            .collect::<Result<HashMap<_, _>, _>>()?;
        Ok(TaskBatch {
            tasks: ids.iter().filter_map(|id| found.remove(id)).collect(),
            last: ids.last().copied(),
            more: listed.more,
        })
    }
}
