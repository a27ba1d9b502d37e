//! A tenant's tasks, page by page in the order of their numbers, through [`crate::lists`].

use std::collections::HashMap;

use super::{Task, WHAT, check, key};
use crate::lists::{Kind, Order, number};
use crate::row;
use crate::{Store, StoreError};

/// Tasks that are read at once.
const AT_ONCE: u16 = 100;
/// Tasks that are looked at for one page.
const LOOKED_AT: usize = 1_000;
/// Bytes of settings in a page: an answer of a function ends at 6 MB.
const PAGE_BYTES: usize = 2_000_000;

/// Which tasks are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only enabled, or only disabled ones.
    pub enabled: Option<bool>,
    /// What title, description, notes or number contain, in any case.
    pub text: Option<String>,
}

/// Some tasks of a tenant, in the order of their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Behind which number the next page begins; absent: this was the last one.
    pub next: Option<u64>,
}

/// Some tasks, whatever they are.
pub(crate) struct SomeTasks {
    pub(crate) tasks: Vec<Task>,
    /// The last number that was looked at.
    pub(crate) last: Option<u64>,
    /// Whether there are more behind it.
    pub(crate) more: bool,
}

impl TaskFilter {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn admits(&self, task: &Task) -> bool {
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

impl Store {
    /// At most `limit` tasks of `tenant` behind `after` that the filter admits. A page may hold
    /// fewer than there are; the last one has no `next`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list_tasks(
        &self,
        tenant: &str,
        filter: &TaskFilter,
        mut after: Option<u64>,
        limit: u16,
    ) -> Result<TaskPage, StoreError> {
        let limit = usize::from(limit.max(1));
        let mut tasks = Vec::new();
        let (mut looked_at, mut bytes) = (0, 0);
        loop {
            let wanted = filter.is_empty().then(|| limit - tasks.len());
            let some = self.some_tasks(tenant, after, wanted).await?;
            let mut found = some.tasks.into_iter().peekable();
            while let Some(task) = found.next() {
                looked_at += 1;
                let id = task.settings.id;
                if filter.admits(&task) {
                    bytes += check::bytes(&task.settings);
                    tasks.push(task);
                }
                if tasks.len() == limit || bytes > PAGE_BYTES {
                    let more = some.more || found.peek().is_some();
                    let next = more.then_some(id);
                    return Ok(TaskPage { tasks, next });
                }
            }
            after = some.last;
            if !some.more || looked_at >= LOOKED_AT {
                let next = after.filter(|_| some.more);
                return Ok(TaskPage { tasks, next });
            }
        }
    }

    /// The tasks of `tenant` behind `after`; as many as can be read at once, or as are `wanted`.
    pub(crate) async fn some_tasks(
        &self,
        tenant: &str,
        after: Option<u64>,
        wanted: Option<usize>,
    ) -> Result<SomeTasks, StoreError> {
        let after = after.map(number);
        let limit = wanted.map_or(AT_ONCE, |wanted| {
            u16::try_from(wanted).unwrap_or(AT_ONCE).min(AT_ONCE)
        });
        let listed = self
            .listed(
                tenant,
                Kind::Task,
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
        let rows = self.batch_rows(&self.tables.control, &keys).await?;
        let mut found = rows
            .into_iter()
            .map(|row| row::decode(WHAT, row).map(|task: Task| (task.settings.id, task)))
            .collect::<Result<HashMap<_, _>, _>>()?;
        Ok(SomeTasks {
            tasks: ids.iter().filter_map(|id| found.remove(id)).collect(),
            last: ids.last().copied(),
            more: listed.more,
        })
    }
}
