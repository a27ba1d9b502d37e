//! The set-up of a fresh deployment: its first tenant and operator, with a robot and a task if
//! wanted, in one transaction. A marker row makes it possible once, and holds what tells a
//! transaction whose answer was lost from that of somebody else.

use std::fmt;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use muster_core::settings::{FieldProblem, TaskSettings};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Operator, Role};
use crate::accounts::AccountRow as _;
use crate::lists::Kind;
use crate::row::{self, Attributes, Key, millis};
use crate::tasks::Task;
use crate::tenants::Tenant;
use crate::tokens::Scope;
use crate::transact::{Transacted, condition_failed};
use crate::{Store, StoreError, accounts, robots, tasks, tenants};

/// What a fresh deployment gets.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// The name of the first tenant.
    pub tenant: String,
    /// The name of its operator, who may manage it.
    pub operator: String,
    /// The operator's password.
    pub password: SecretString,
    /// A robot's name and password.
    pub robot: Option<(String, SecretString)>,
    /// A task; its `id` is not looked at.
    pub task: Option<TaskSettings>,
}

/// What became of a [`Bootstrap`]. Unless it is done, or may be, none of it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bootstrapped {
    /// Everything is there.
    Done {
        /// The number of the task.
        task: Option<u64>,
    },
    /// The deployment was set up before.
    AlreadyDone {
        /// When.
        at: Timestamp,
        /// For which tenant.
        tenant: String,
        /// With which operator.
        operator: String,
    },
    /// This name is in use.
    Taken(Named),
    /// This name cannot be used: what a name must be.
    BadName(Named, &'static str),
    /// The task's settings are wrong.
    Refused(Vec<FieldProblem>),
    /// It was sent, and nobody knows whether it took effect: its answer was lost, and the marker
    /// cannot be read. Its passwords may be the right ones; a second try tells.
    Unknown {
        /// The number that the task has if it did.
        task: Option<u64>,
        /// What the store said last.
        cause: StoreError,
    },
}

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// The tenant.
    Tenant,
    /// The operator.
    Operator,
    /// The robot.
    Robot,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::Operator => "operator",
            Self::Robot => "robot",
        })
    }
}

/// The row that says that the deployment is set up.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Marker {
    #[serde(with = "millis")]
    at: Timestamp,
    tenant: String,
    operator: String,
    /// Random: whoever finds its own has written the row.
    attempt: String,
}

const MARKER: &str = "the deployment's set-up";

fn marker_key() -> Key {
    Key::new("BOOTSTRAP", "BOOTSTRAP")
}

impl Marker {
    /// What it says to `attempt`, which was about to make this task.
    fn outcome(self, attempt: &str, task: Option<u64>) -> Bootstrapped {
        if self.attempt == attempt {
            return Bootstrapped::Done { task };
        }
        Bootstrapped::AlreadyDone {
            at: self.at,
            tenant: self.tenant,
            operator: self.operator,
        }
    }
}

/// A row to be put where there is none, and whose name it takes.
type NewRow = (Option<Named>, Attributes);

impl Bootstrap {
    /// What keeps it from being written, whatever is stored.
    fn refusal(&self) -> Option<Bootstrapped> {
        if !tenants::is_name(&self.tenant) {
            return Some(Bootstrapped::BadName(Named::Tenant, tenants::NAME_RULE));
        }
        let robot = self.robot.as_ref().map(|(name, _)| (Named::Robot, name));
        for (named, name) in [(Named::Operator, &self.operator)].into_iter().chain(robot) {
            if !accounts::is_name(name) {
                return Some(Bootstrapped::BadName(named, accounts::NAME_RULE));
            }
        }
        let robot = robot.map(|(_, name)| name.as_str());
        let problems = tasks::set_up_problems(self.task.as_ref()?, robot);
        (!problems.is_empty()).then_some(Bootstrapped::Refused(problems))
    }

    /// Its rows, the marker first.
    async fn rows(self, marker: &Marker, now: Timestamp) -> Result<Vec<NewRow>, StoreError> {
        let Self {
            tenant,
            operator,
            password,
            robot,
            task,
        } = self;
        let operator = Operator {
            tenant: tenant.clone(),
            name: operator,
            role: Role::Manage,
        };
        let mut rows = vec![
            (None, row::encode(MARKER, &marker_key(), marker)?),
            (Some(Named::Tenant), Tenant::new(&tenant, now).row()?),
            (
                Some(Named::Operator),
                super::new_row(&operator, password, now).await?.row()?,
            ),
        ];
        if let Some((name, password)) = robot {
            let scopes = Scope::ALL.into();
            let robot = robots::new_row(&tenant, &name, password, scopes, now).await?;
            rows.push((Some(Named::Robot), robot.row()?));
        }
        if let Some(settings) = task {
            let task = Task::new(&tenant, settings, None, now);
            rows.extend(
                tasks::set_up_rows(&task)?
                    .into_iter()
                    .map(|row| (None, row)),
            );
        }
        Ok(rows)
    }
}

impl Store {
    /// Sets up a fresh deployment, wholly or not at all.
    ///
    /// # Errors
    /// What the store says; then nothing is written.
    pub async fn bootstrap(
        &self,
        mut bootstrap: Bootstrap,
        now: Timestamp,
    ) -> Result<Bootstrapped, StoreError> {
        if let Some(refusal) = bootstrap.refusal() {
            return Ok(refusal);
        }
        let marker = Marker {
            at: now,
            tenant: bootstrap.tenant.clone(),
            operator: bootstrap.operator.clone(),
            attempt: Uuid::new_v4().to_string(),
        };
        // A second one is refused by the transaction, too; this spares it a task's number.
        if let Some(found) = self.marker().await? {
            return Ok(found.outcome(&marker.attempt, None));
        }
        let mut task = None;
        if let Some(settings) = &mut bootstrap.task {
            settings.id = self.next_task_id().await?;
            task = Some(settings.id);
        }
        let entries = self.entries(&bootstrap)?;
        let rows = bootstrap.rows(&marker, now).await?;
        self.write_bootstrap(rows, entries, &marker.attempt, task)
            .await
    }

    /// What is written beside the rows: the lists they are in, and who may manage the tenant.
    fn entries(&self, bootstrap: &Bootstrap) -> Result<Vec<TransactWriteItem>, StoreError> {
        let Bootstrap {
            tenant, operator, ..
        } = bootstrap;
        let mut entries = vec![
            self.list_as(tenant, Kind::Operator, operator)?,
            self.count_in(tenant, operator)?,
        ];
        if let Some((robot, _)) = &bootstrap.robot {
            entries.push(self.list_as(tenant, Kind::Robot, robot)?);
        }
        Ok(entries)
    }

    async fn write_bootstrap(
        &self,
        rows: Vec<NewRow>,
        entries: Vec<TransactWriteItem>,
        attempt: &str,
        task: Option<u64>,
    ) -> Result<Bootstrapped, StoreError> {
        let (names, rows): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let mut writes = rows
            .into_iter()
            .map(|row| self.put_new(row))
            .collect::<Result<Vec<TransactWriteItem>, _>>()?;
        writes.extend(entries);
        let transacted = match self.transact(&writes).await {
            Ok(Transacted::Done) => return Ok(Bootstrapped::Done { task }),
            // Also when its answers were lost: the marker says whether it took effect.
            Err(error) if !error.retryable() => return Err(error),
            other => other,
        };
        match (self.marker().await, &transacted) {
            (Ok(Some(found)), _) => return Ok(found.outcome(attempt, task)),
            (Ok(None), _) => {}
            (Err(_), Err(error @ (StoreError::Throttled(_) | StoreError::Contended(_)))) => {
                return Err(error.clone());
            }
            // A try whose answer was lost may have written, and then the next was cancelled by it.
            (Err(cause), _) => return Ok(Bootstrapped::Unknown { task, cause }),
        }
        let reasons = match transacted? {
            Transacted::Done => return Ok(Bootstrapped::Done { task }),
            Transacted::Cancelled(reasons) => reasons,
        };
        let taken = names
            .into_iter()
            .zip(&reasons)
            .find(|(_, reason)| condition_failed(reason))
            .and_then(|(named, _)| named);
        taken
            .map(Bootstrapped::Taken)
            .ok_or_else(|| StoreError::Row {
                row: "a task",
                reason: "the next number of the counter of tasks is in use".to_owned(),
            })
    }

    async fn marker(&self) -> Result<Option<Marker>, StoreError> {
        self.read_lasting_row(MARKER, &marker_key()).await
    }
}
