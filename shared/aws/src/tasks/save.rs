//! Saving a task, in one transaction: the task, conditional on the version that was read; the new
//! version, for the history; the entry in the tenant index; and a use of the tenant's roles, so
//! that they are still those that the mapping was checked against.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use muster_core::settings::{FieldProblem, TaskSettings};

use super::{PutTaskOutcome, Task, Tasks, check, history};
use crate::auth::operators::Operator;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row::{self, Attributes};
use crate::dynamodb::transaction::{Transacted, condition_failed, refusing_row};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::roles::{self, Roles};
use crate::tenant_index::{self, IndexKind, sortable_number};

/// Maximum attempts to save while others change the task or the roles.
const MAX_SAVE_ATTEMPTS: u32 = 8;

/// A task to save.
struct Draft<'a> {
    tenant: &'a str,
    /// The operator who saves it; `None` at a setup.
    by: Option<&'a str>,
    settings: TaskSettings,
    /// The task that it replaces.
    old: Option<&'a Task>,
    /// Settings whose roles and robots are not checked again.
    known: Option<&'a TaskSettings>,
    now: Timestamp,
}

impl Draft<'_> {
    fn task(&self) -> Task {
        let mut task = Task::new(self.tenant, self.settings.clone(), self.by, self.now);
        if let Some(old) = self.old {
            task.version = old.version.saturating_add(1);
            task.created_at = old.created_at;
            task.created_by.clone_from(&old.created_by);
        }
        task
    }

    /// Returns the roles of the tenant after the save. A setup adds the roles that the task maps
    /// to; an operator can map only to existing ones.
    fn roles(&self, roles: &Roles) -> Result<BTreeSet<String>, Vec<FieldProblem>> {
        if self.by.is_none() {
            return check::with_mapped(&roles.roles, &self.settings)
                .map_err(|problem| vec![problem]);
        }
        let problems = check::unknown_roles(&roles.roles, &self.settings, self.known);
        if problems.is_empty() {
            Ok(roles.roles.clone())
        } else {
            Err(problems)
        }
    }
}

/// Builds the rows of the first task of a tenant, to be put where none exist.
pub(crate) fn set_up_rows(task: &Task) -> Result<Vec<Attributes>, StoreError> {
    let name = sortable_number(task.settings.id);
    let mapped = task.settings.role_mapping.values().cloned().collect();
    Ok(vec![
        task.row()?,
        history::row(task, None)?,
        tenant_index::row(&task.tenant, IndexKind::Task, &name),
        roles::first_row(&task.tenant, mapped)?,
    ])
}

/// Returns the settings that are not checked again when `new` replaces `old`. Enabling a task
/// checks everything.
fn known<'a>(old: &'a Task, new: &TaskSettings) -> Option<&'a TaskSettings> {
    (old.settings.enabled || !new.enabled).then_some(&old.settings)
}

impl Tasks<'_> {
    /// Stores the settings of task `settings.id` of `tenant` at a setup: no operator is recorded,
    /// the roles that it maps to become roles of the tenant, and the existence of its permitted
    /// robots is not checked. `replaces` is the version that the caller has read; `None` creates a
    /// task (take its id from [`Tasks::next_id`]).
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn put(
        self,
        tenant: &str,
        settings: TaskSettings,
        replaces: Option<u64>,
        now: Timestamp,
    ) -> Result<PutTaskOutcome, StoreError> {
        let mut old = None;
        if let Some(version) = replaces {
            old = self.find(tenant, settings.id).await?;
            match &old {
                None => return Ok(PutTaskOutcome::Missing),
                Some(old) if old.version != version => return Ok(PutTaskOutcome::Changed),
                Some(_) => {}
            }
        }
        self.save(Draft {
            tenant,
            by: None,
            known: None,
            settings,
            old: old.as_ref(),
            now,
        })
        .await
    }

    /// Creates a task of the operator's tenant and assigns its number. `like` is the task that it
    /// is copied from: the roles and robots of that task are not checked.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn create(
        self,
        by: &Operator,
        settings: TaskSettings,
        like: Option<&TaskSettings>,
        now: Timestamp,
    ) -> Result<PutTaskOutcome, StoreError> {
        self.save(Draft {
            tenant: &by.tenant,
            by: Some(&by.name),
            settings: TaskSettings { id: 0, ..settings },
            old: None,
            known: like,
            now,
        })
        .await
    }

    /// Replaces the settings of task `settings.id` of the operator's tenant. `version` is the one
    /// that the operator has read.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn replace(
        self,
        by: &Operator,
        version: u64,
        mut settings: TaskSettings,
        now: Timestamp,
    ) -> Result<PutTaskOutcome, StoreError> {
        let Some(old) = self.find(&by.tenant, settings.id).await? else {
            return Ok(PutTaskOutcome::Missing);
        };
        settings.complete(Some(&old.settings));
        // Checked before the version: a repeated request succeeds if its settings are already
        // stored.
        if old.settings == settings {
            return Ok(PutTaskOutcome::Stored(Box::new(old)));
        }
        if old.version != version {
            return Ok(PutTaskOutcome::Changed);
        }
        self.save_over(by, &old, settings, now).await
    }

    /// Changes the settings of a task of the operator's tenant, whatever its version.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn change(
        self,
        by: &Operator,
        id: u64,
        change: impl Fn(&mut TaskSettings) + Send + Sync,
        now: Timestamp,
    ) -> Result<PutTaskOutcome, StoreError> {
        for _ in 0..MAX_SAVE_ATTEMPTS {
            let Some(old) = self.find(&by.tenant, id).await? else {
                return Ok(PutTaskOutcome::Missing);
            };
            let mut settings = old.settings.clone();
            change(&mut settings);
            if settings == old.settings {
                return Ok(PutTaskOutcome::Stored(Box::new(old)));
            }
            match self.save_over(by, &old, settings, now).await? {
                PutTaskOutcome::Changed => {}
                outcome => return Ok(outcome),
            }
        }
        Err(StoreError::contended("TransactWriteItems"))
    }

    async fn save_over(
        self,
        by: &Operator,
        old: &Task,
        settings: TaskSettings,
        now: Timestamp,
    ) -> Result<PutTaskOutcome, StoreError> {
        self.save(Draft {
            tenant: &by.tenant,
            by: Some(&by.name),
            old: Some(old),
            known: known(old, &settings),
            settings,
            now,
        })
        .await
    }

    async fn save(self, mut draft: Draft<'_>) -> Result<PutTaskOutcome, StoreError> {
        draft.settings.complete(draft.old.map(|old| &old.settings));
        let mut problems = check::problems(&draft.settings);
        if draft.by.is_some() {
            problems.extend(
                self.unknown_robots(draft.tenant, &draft.settings, draft.known)
                    .await?,
            );
        }
        for _ in 0..MAX_SAVE_ATTEMPTS {
            let seen = self.store.roles().get(draft.tenant).await?;
            let roles = draft.roles(&seen).unwrap_or_else(|unknown| {
                problems.extend(unknown);
                BTreeSet::new()
            });
            if !problems.is_empty() {
                return Ok(PutTaskOutcome::Refused(problems));
            }
            if draft.settings.id == 0 {
                draft.settings.id = self.next_id().await?;
            }
            let task = draft.task();
            let use_of_roles = seen.used(&self.store.tables.control, draft.tenant, &roles)?;
            if let Some(outcome) = self.write_task(task, draft.old, use_of_roles).await? {
                return Ok(outcome);
            }
        }
        Err(StoreError::contended("TransactWriteItems"))
    }

    /// Writes a task. Returns `None` if the roles changed meanwhile; nothing is written then.
    async fn write_task(
        self,
        task: Task,
        old: Option<&Task>,
        use_of_roles: TransactWriteItem,
    ) -> Result<Option<PutTaskOutcome>, StoreError> {
        let row = task.row()?;
        let name = sortable_number(task.settings.id);
        let table = &self.store.tables.control;
        let writes = [
            self.put_task(row.clone(), old)?,
            Write::put_new(table, history::row(&task, old)?).build()?,
            self.store
                .index_entry(&task.tenant, IndexKind::Task, &name)?,
            use_of_roles,
        ];
        let stored = match self.store.transact(&writes).await {
            Ok(Transacted::Done) => true,
            Ok(Transacted::Cancelled(reasons)) => {
                if !reasons.first().is_some_and(condition_failed) {
                    return Ok(None);
                }
                // Our own row: the response to an earlier attempt was lost.
                refusing_row(&reasons, 0).is_some_and(|found| found == row)
            }
            Err(error) if error.retryable() => {
                let stored = self.find(&task.tenant, task.settings.id).await?;
                if stored.as_ref() != Some(&task) {
                    return Err(error);
                }
                true
            }
            Err(error) => return Err(error),
        };
        Ok(Some(if stored {
            PutTaskOutcome::Stored(Box::new(task))
        } else {
            PutTaskOutcome::Changed
        }))
    }

    /// Builds the put of a task's row, conditional on the version of `old`, or on the row's
    /// absence.
    fn put_task(
        self,
        row: Attributes,
        old: Option<&Task>,
    ) -> Result<TransactWriteItem, StoreError> {
        let unchanged = match old {
            None => Condition::row_absent(),
            Some(old) => Condition::equals("tenant", row::text(&old.tenant))
                .and(Condition::equals("version", row::number(old.version))),
        };
        Write::put(&self.store.tables.control, row)
            .only_if(unchanged)
            .returning_refusing_row()
            .build()
    }
}
