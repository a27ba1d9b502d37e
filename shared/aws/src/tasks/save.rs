//! Saving a task, in one transaction: the task, conditional on the version that was seen; that
//! version, for its history; its place in the tenant's list; and a use of the tenant's roles, so
//! that these are still what the mapping was checked against.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use jiff::Timestamp;
use muster_core::settings::{FieldProblem, TaskSettings};

use super::{PutTask, Task, check, history};
use crate::lists::{self, Kind, number};
use crate::operators::Operator;
use crate::roles::{self, Roles};
use crate::row::{self, Attributes};
use crate::transact::{Transacted, condition_failed, found};
use crate::{Store, StoreError};

/// How often a save looks again at what changed under it.
const ROUNDS: u32 = 8;

/// What is to be saved.
struct Draft<'a> {
    tenant: &'a str,
    /// The operator who saves it; none at a set-up.
    by: Option<&'a str>,
    settings: TaskSettings,
    /// What it replaces.
    old: Option<&'a Task>,
    /// Settings whose roles and robots are not questioned.
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

    /// The roles that the tenant has then. A set-up makes what it maps to; an operator maps to
    /// what is there.
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

/// The rows of the first task of a tenant, to be put where there are none.
pub(crate) fn set_up_rows(task: &Task) -> Result<Vec<Attributes>, StoreError> {
    let name = number(task.settings.id);
    let mapped = task.settings.role_mapping.values().cloned().collect();
    Ok(vec![
        task.row()?,
        history::row(task, None)?,
        lists::row(&task.tenant, Kind::Task, &name),
        roles::first_row(&task.tenant, mapped)?,
    ])
}

/// What is not questioned when these settings become those: enabling a task questions everything.
fn known<'a>(old: &'a Task, new: &TaskSettings) -> Option<&'a TaskSettings> {
    (old.settings.enabled || !new.enabled).then_some(&old.settings)
}

impl Store {
    /// Stores the settings of task `settings.id` of `tenant` at a set-up: nobody is noted as who did
    /// it, the roles it maps to become roles of the tenant, and whether there are the robots that
    /// it permits is not asked. `replaces` is the version that the caller has seen; `None` makes a
    /// new task (take its id from [`Store::next_task_id`]).
    ///
    /// # Errors
    /// What the store says.
    pub async fn put_task(
        &self,
        tenant: &str,
        settings: TaskSettings,
        replaces: Option<u64>,
        now: Timestamp,
    ) -> Result<PutTask, StoreError> {
        let mut old = None;
        if let Some(version) = replaces {
            old = self.find_task(tenant, settings.id).await?;
            match &old {
                None => return Ok(PutTask::Missing),
                Some(old) if old.version != version => return Ok(PutTask::Changed),
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

    /// Makes a task of the operator's tenant; its number is assigned. `like` is the task that it is
    /// a copy of: what that maps to and permits is not questioned.
    ///
    /// # Errors
    /// What the store says.
    pub async fn create_task(
        &self,
        by: &Operator,
        settings: TaskSettings,
        like: Option<&TaskSettings>,
        now: Timestamp,
    ) -> Result<PutTask, StoreError> {
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

    /// Replaces the settings of task `settings.id` of the operator's tenant, of which the operator
    /// has seen `version`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn replace_task(
        &self,
        by: &Operator,
        version: u64,
        settings: TaskSettings,
        now: Timestamp,
    ) -> Result<PutTask, StoreError> {
        let Some(old) = self.find_task(&by.tenant, settings.id).await? else {
            return Ok(PutTask::Missing);
        };
        // Also where it has become so since: whoever repeats a request has what it asked for.
        if old.settings == settings {
            return Ok(PutTask::Stored(Box::new(old)));
        }
        if old.version != version {
            return Ok(PutTask::Changed);
        }
        self.save_over(by, &old, settings, now).await
    }

    /// Changes the settings of a task of the operator's tenant, whatever they are.
    ///
    /// # Errors
    /// What the store says.
    pub async fn change_task(
        &self,
        by: &Operator,
        id: u64,
        change: impl Fn(&mut TaskSettings) + Send + Sync,
        now: Timestamp,
    ) -> Result<PutTask, StoreError> {
        for _ in 0..ROUNDS {
            let Some(old) = self.find_task(&by.tenant, id).await? else {
                return Ok(PutTask::Missing);
            };
            let mut settings = old.settings.clone();
            change(&mut settings);
            if settings == old.settings {
                return Ok(PutTask::Stored(Box::new(old)));
            }
            match self.save_over(by, &old, settings, now).await? {
                PutTask::Changed => {}
                outcome => return Ok(outcome),
            }
        }
        Err(StoreError::contended("TransactWriteItems"))
    }

    async fn save_over(
        &self,
        by: &Operator,
        old: &Task,
        settings: TaskSettings,
        now: Timestamp,
    ) -> Result<PutTask, StoreError> {
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

    async fn save(&self, mut draft: Draft<'_>) -> Result<PutTask, StoreError> {
        let mut problems = check::problems(&draft.settings);
        if draft.by.is_some() {
            problems.extend(
                self.unknown_robots(draft.tenant, &draft.settings, draft.known)
                    .await?,
            );
        }
        for _ in 0..ROUNDS {
            let seen = self.get_roles(draft.tenant).await?;
            let roles = draft.roles(&seen).unwrap_or_else(|unknown| {
                problems.extend(unknown);
                BTreeSet::new()
            });
            if !problems.is_empty() {
                return Ok(PutTask::Refused(problems));
            }
            if draft.settings.id == 0 {
                draft.settings.id = self.next_task_id().await?;
            }
            let task = draft.task();
            let use_of_roles = seen.used(&self.tables.control, draft.tenant, &roles)?;
            if let Some(outcome) = self.write_task(task, draft.old, use_of_roles).await? {
                return Ok(outcome);
            }
        }
        Err(StoreError::contended("TransactWriteItems"))
    }

    /// Absent: the roles changed meanwhile, and nothing is written.
    async fn write_task(
        &self,
        task: Task,
        old: Option<&Task>,
        use_of_roles: TransactWriteItem,
    ) -> Result<Option<PutTask>, StoreError> {
        let row = task.row()?;
        let name = number(task.settings.id);
        let writes = [
            self.put_task_over(row.clone(), old)?,
            self.put_new(history::row(&task, old)?)?,
            self.list_as(&task.tenant, Kind::Task, &name)?,
            use_of_roles,
        ];
        let stored = match self.transact(&writes).await {
            Ok(Transacted::Done) => true,
            Ok(Transacted::Cancelled(reasons)) => {
                if !reasons.first().is_some_and(condition_failed) {
                    return Ok(None);
                }
                // Its own row: the answer to an earlier try was lost.
                found(&reasons, 0).is_some_and(|found| found == row)
            }
            Err(error) if error.retryable() => {
                let there = self.find_task(&task.tenant, task.settings.id).await?;
                if there.as_ref() != Some(&task) {
                    return Err(error);
                }
                true
            }
            Err(error) => return Err(error),
        };
        Ok(Some(if stored {
            PutTask::Stored(Box::new(task))
        } else {
            PutTask::Changed
        }))
    }

    /// Puts a task's row where the version is that was seen, or where there is none.
    fn put_task_over(
        &self,
        row: Attributes,
        old: Option<&Task>,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.control)
            .set_item(Some(row))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match old {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(old) => put
                .condition_expression("#tenant = :tenant AND #version = :version")
                .expression_attribute_names("#tenant", "tenant")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":tenant", row::text(&old.tenant))
                .expression_attribute_values(":version", row::number(old.version)),
        };
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }
}
