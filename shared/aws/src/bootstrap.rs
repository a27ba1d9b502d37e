//! Setup of a fresh deployment: its first tenant and operator, optionally with a robot and a task,
//! in one transaction. A marker row allows the setup only once. It also identifies the attempt that
//! wrote it, so that a transaction whose response was lost can be told from someone else's.

use std::fmt;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use muster_core::settings::{FieldProblem, TaskSettings};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::operators::{self, Operator, Role};
use crate::auth::robots;
use crate::auth::tokens::Scope;
use crate::auth::{self, AccountRow as _};
use crate::dynamodb::row::{self, Attributes, Key, millis};
use crate::dynamodb::transaction::{Transacted, condition_failed};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::store::Store;
use crate::tasks::{self, Task};
use crate::tenant_index::IndexKind;
use crate::tenants::{self, Tenant};

/// Contents of a fresh deployment.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// The name of the first tenant.
    pub tenant: String,
    /// The name of its operator, who gets the role `manage`.
    pub operator: String,
    /// The operator's password.
    pub password: SecretString,
    /// A robot's name and password.
    pub robot: Option<(String, SecretString)>,
    /// A task; its `id` is ignored.
    pub task: Option<TaskSettings>,
}

/// Outcome of a [`Bootstrap`]. For all variants but `Done` and `Unknown`, nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bootstrapped {
    /// Everything was written.
    Done {
        /// The number of the task.
        task: Option<u64>,
    },
    /// The deployment was set up before.
    AlreadyDone {
        /// Time of the earlier setup.
        at: Timestamp,
        /// Its tenant.
        tenant: String,
        /// Its operator.
        operator: String,
    },
    /// This name is in use.
    Taken(EntityKind),
    /// The name is invalid. Holds the rule for names.
    BadName(EntityKind, &'static str),
    /// The task's settings are invalid.
    Refused(Vec<FieldProblem>),
    /// The transaction was sent and its outcome is unknown: the response was lost, and the marker
    /// cannot be read. The passwords may be valid; a second attempt tells.
    Unknown {
        /// The number of the task if the setup took effect.
        task: Option<u64>,
        /// The last store error.
        cause: StoreError,
    },
}

/// The kind of object that a name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntityKind {
    /// The tenant.
    Tenant,
    /// The operator.
    Operator,
    /// The robot.
    Robot,
}

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::Operator => "operator",
            Self::Robot => "robot",
        })
    }
}

/// The row that marks the deployment as set up.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Marker {
    #[serde(with = "millis")]
    at: Timestamp,
    tenant: String,
    operator: String,
    /// Random id of the attempt; an attempt that finds its own id has written the row.
    attempt: String,
}

row::codec!(Marker);

const MARKER: &str = "the deployment's setup";

fn marker_key() -> Key {
    Key::new("BOOTSTRAP", "BOOTSTRAP")
}

impl Marker {
    /// Returns the outcome for `attempt`, which was about to create `task`.
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

/// A row to put where none exists, and the kind of name that it takes.
type NewRow = (Option<EntityKind>, Attributes);

impl Bootstrap {
    /// Returns the outcome of a setup that is invalid whatever is stored.
    fn refusal(&self) -> Option<Bootstrapped> {
        if !tenants::is_name(&self.tenant) {
            return Some(Bootstrapped::BadName(
                EntityKind::Tenant,
                tenants::NAME_RULE,
            ));
        }
        let robot = self
            .robot
            .as_ref()
            .map(|(name, _)| (EntityKind::Robot, name));
        for (named, name) in [(EntityKind::Operator, &self.operator)]
            .into_iter()
            .chain(robot)
        {
            if !auth::is_name(name) {
                return Some(Bootstrapped::BadName(named, auth::NAME_RULE));
            }
        }
        let robot = robot.map(|(_, name)| name.as_str());
        let problems = tasks::set_up_problems(self.task.as_ref()?, robot);
        (!problems.is_empty()).then_some(Bootstrapped::Refused(problems))
    }

    /// Builds the rows, the marker first.
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
            (Some(EntityKind::Tenant), Tenant::new(&tenant, now).row()?),
            (
                Some(EntityKind::Operator),
                operators::new_row(&operator, password, now).await?.row()?,
            ),
        ];
        if let Some((name, password)) = robot {
            let scopes = Scope::ALL.into();
            let robot = robots::new_row(&tenant, &name, password, scopes, now).await?;
            rows.push((Some(EntityKind::Robot), robot.row()?));
        }
        if let Some(mut settings) = task {
            settings.complete(None);
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
    /// Sets up a fresh deployment, completely or not at all.
    ///
    /// # Errors
    /// Returns an error if the store request fails; then nothing is written.
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
        // The transaction refuses a second setup as well; this check avoids using up a task id.
        if let Some(found) = self.marker().await? {
            return Ok(found.outcome(&marker.attempt, None));
        }
        let mut task = None;
        if let Some(settings) = &mut bootstrap.task {
            settings.id = self.tasks().next_id().await?;
            task = Some(settings.id);
        }
        let entries = self.entries(&bootstrap)?;
        let rows = bootstrap.rows(&marker, now).await?;
        self.write_bootstrap(rows, entries, &marker.attempt, task)
            .await
    }

    /// Builds the other writes: the entries in the tenant index, and the operator's entry among the
    /// managers.
    fn entries(&self, bootstrap: &Bootstrap) -> Result<Vec<TransactWriteItem>, StoreError> {
        let Bootstrap {
            tenant, operator, ..
        } = bootstrap;
        let mut entries = vec![
            self.index_entry(tenant, IndexKind::Operator, operator)?,
            self.operators().add_manager(tenant, operator)?,
        ];
        if let Some((robot, _)) = &bootstrap.robot {
            entries.push(self.index_entry(tenant, IndexKind::Robot, robot)?);
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
            .map(|row| Write::put_new(&self.tables.control, row).build())
            .collect::<Result<Vec<TransactWriteItem>, _>>()?;
        writes.extend(entries);
        let transacted = match self.transact(&writes).await {
            Ok(Transacted::Done) => return Ok(Bootstrapped::Done { task }),
            // Includes lost responses: the marker shows whether the transaction took effect.
            Err(error) if !error.retryable() => return Err(error),
            other => other,
        };
        match (self.marker().await, &transacted) {
            (Ok(Some(found)), _) => return Ok(found.outcome(attempt, task)),
            (Ok(None), _) => {}
            (Err(_), Err(error @ (StoreError::Throttled(_) | StoreError::Contended(_)))) => {
                return Err(error.clone());
            }
            // An attempt whose response was lost may have written, and then cancelled the next one.
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
                reason: "the next task id of the counter is already in use".to_owned(),
            })
    }

    async fn marker(&self) -> Result<Option<Marker>, StoreError> {
        self.read_permanent_row(MARKER, &marker_key()).await
    }
}
