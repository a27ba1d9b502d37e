//! The sample tenants of a new stack: two tenants, each with an operator, a robot and an import
//! task with the default keys. Seeding is idempotent and runs at every start; an edited task is
//! kept.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use muster_aws::auth::operators::{Operator, Role};
use muster_aws::tasks::PutTaskOutcome;
use muster_aws::{Creation, Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::settings::TaskSettings;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::data_dir::Passwords;

/// The sample tenants, in the order of output.
const TENANTS: [TenantSeed; 2] = [
    TenantSeed {
        tenant: "acme",
        operator: "acme-operator",
        robot: "acme-robot",
        task_id: 206,
    },
    TenantSeed {
        tenant: "globex",
        operator: "globex-operator",
        robot: "globex-robot",
        task_id: 207,
    },
];

/// Attributes that the tasks import, under their default keys.
const IMPORTED_ATTRIBUTES: [Attribute; 7] = [
    Attribute::Username,
    Attribute::Name,
    Attribute::Role,
    Attribute::Email,
    Attribute::AllStores,
    Attribute::IndividualStores,
    Attribute::ExternalId,
];

/// Role mapping of the tasks: text in the file, role.
const ROLE_MAPPING: [(&str, &str); 2] = [
    ("catman", "Category Manager"),
    ("store manager", "Store Manager"),
];

struct TenantSeed {
    tenant: &'static str,
    operator: &'static str,
    robot: &'static str,
    task_id: u64,
}

/// A sample tenant with the credentials of its accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeededTenant {
    /// Name.
    pub name: String,
    /// Id of its import task, as in URLs.
    pub task_id: u64,
    /// Robot that may run the task.
    pub robot: Credentials,
    /// Operator that may manage the tenant.
    pub operator: Credentials,
}

/// User name and password of a robot or an operator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// User name.
    pub username: String,
    /// Password; not in `Debug` output.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// An error from seeding.
#[derive(Debug, Error)]
pub enum SeedError {
    /// A store request failed.
    #[error("cannot store the sample tenants: {0}")]
    Store(#[from] StoreError),
    /// The stored account has another password or tenant.
    #[error(
        "the password of {0} in the data directory differs from its credentials.json: restore that \
         file, or choose another directory with --data"
    )]
    Password(String),
    /// Another tenant's task has the id.
    #[error("task {0} in the data directory belongs to another tenant")]
    Task(u64),
    /// The rows of a stack cannot be copied.
    #[error("cannot copy the rows of the sample tenants: {0}")]
    Copy(String),
    /// The store refused a name or a setting: a bug in this program.
    #[error("{what} was refused: {why}")]
    Refused {
        /// The refused entity.
        what: String,
        /// The store's reason.
        why: String,
    },
}

/// The sample tenants of a stack as its `control` table stores them. A stack that starts with them
/// has the same accounts, and does not spend a tenth of a second on hashing their passwords.
#[derive(Debug, Clone)]
pub struct SeededRows {
    tenants: Vec<SeededTenant>,
    rows: Vec<HashMap<String, AttributeValue>>,
}

impl SeededRows {
    /// Reads the rows of a stack that nobody has used yet.
    pub(crate) async fn read(store: &Store, tenants: &[SeededTenant]) -> Result<Self, SeedError> {
        let scan = store.client().scan().table_name(&store.tables.control);
        let scanned = scan.consistent_read(true).send().await;
        Ok(Self {
            tenants: tenants.to_vec(),
            rows: scanned.map_err(copy_error)?.items.unwrap_or_default(),
        })
    }

    /// Writes the rows to empty tables and returns the sample tenants.
    pub(crate) async fn write(&self, store: &Store) -> Result<Vec<SeededTenant>, SeedError> {
        for row in &self.rows {
            let put = store.client().put_item().table_name(&store.tables.control);
            let put = put.set_item(Some(row.clone())).send();
            put.await.map_err(copy_error)?;
        }
        Ok(self.tenants.clone())
    }
}

fn copy_error(error: impl std::error::Error) -> SeedError {
    SeedError::Copy(DisplayErrorContext(error).to_string())
}

/// Returns the names of the robots and operators that need passwords.
pub fn account_names() -> Vec<&'static str> {
    TENANTS
        .iter()
        .flat_map(|seed| [seed.robot, seed.operator])
        .collect()
}

/// Stores what is missing and returns the sample tenants.
///
/// # Errors
/// Returns an error if a store request fails, or if a stored account or task conflicts.
pub async fn seed(
    store: &Store,
    passwords: &Passwords,
    now: Timestamp,
) -> Result<Vec<SeededTenant>, SeedError> {
    let mut tenants = Vec::new();
    for seed in &TENANTS {
        let credentials = |name: &str| Credentials {
            username: name.to_owned(),
            password: passwords.get(name).cloned().unwrap_or_default(),
        };
        let (robot, operator) = (credentials(seed.robot), credentials(seed.operator));
        was_created(seed.tenant, store.tenants().create(seed.tenant, now).await?)?;
        seed_robot(store, seed, &robot, now).await?;
        seed_operator(store, seed, &operator, now).await?;
        seed_task(store, seed, now).await?;
        tenants.push(SeededTenant {
            name: seed.tenant.to_owned(),
            task_id: seed.task_id,
            robot,
            operator,
        });
    }
    Ok(tenants)
}

/// Returns true if the entity was created just now.
fn was_created(what: &str, creation: Creation) -> Result<bool, SeedError> {
    match creation {
        Creation::Created => Ok(true),
        Creation::Taken => Ok(false),
        Creation::BadName(rule) => Err(SeedError::Refused {
            what: what.to_owned(),
            why: rule.to_owned(),
        }),
    }
}

async fn seed_robot(
    store: &Store,
    seed: &TenantSeed,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<(), SeedError> {
    let secret = || SecretString::from(credentials.password.as_str());
    let creation = store
        .robots()
        .create(seed.tenant, seed.robot, secret(), now)
        .await?;
    if was_created(seed.robot, creation)? {
        return Ok(());
    }
    match store.robots().verify(seed.robot, secret()).await? {
        Some(robot) if robot.tenant == seed.tenant => Ok(()),
        _ => Err(SeedError::Password(seed.robot.to_owned())),
    }
}

async fn seed_operator(
    store: &Store,
    seed: &TenantSeed,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<(), SeedError> {
    let secret = || SecretString::from(credentials.password.as_str());
    let operator = Operator {
        tenant: seed.tenant.to_owned(),
        name: seed.operator.to_owned(),
        role: Role::Manage,
    };
    let creation = store.operators().create(operator, secret(), now).await?;
    if was_created(seed.operator, creation)? {
        return Ok(());
    }
    match store.operators().verify(seed.operator, secret()).await? {
        Some(verified) if verified.operator.tenant == seed.tenant => Ok(()),
        _ => Err(SeedError::Password(seed.operator.to_owned())),
    }
}

async fn seed_task(store: &Store, seed: &TenantSeed, now: Timestamp) -> Result<(), SeedError> {
    let id = seed.task_id;
    if let Some(task) = store.tasks().get(id).await? {
        return if task.tenant == seed.tenant {
            Ok(())
        } else {
            Err(SeedError::Task(id))
        };
    }
    // The counter must pass the id before the task is stored, or the next new task would get the
    // same id. A crash in between loses an id.
    while store.tasks().next_id().await? < id {}
    match store
        .tasks()
        .put(seed.tenant, settings(seed), None, now)
        .await?
    {
        PutTaskOutcome::Stored(_) => Ok(()),
        PutTaskOutcome::Changed | PutTaskOutcome::Missing => Err(SeedError::Task(id)),
        PutTaskOutcome::Refused(problems) => Err(SeedError::Refused {
            what: format!("task {id}"),
            why: problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        }),
    }
}

fn settings(seed: &TenantSeed) -> TaskSettings {
    let attribute_mapping = IMPORTED_ATTRIBUTES
        .into_iter()
        .filter_map(|attribute| Some((attribute, attribute.spec().quant?.to_owned())))
        .collect();
    let role_mapping: BTreeMap<_, _> = ROLE_MAPPING
        .into_iter()
        .map(|(text, role)| (text.to_owned(), role.to_owned()))
        .collect();
    TaskSettings {
        id: seed.task_id,
        enabled: true,
        title: format!("Users of {}", seed.tenant),
        permitted_robots: vec![seed.robot.to_owned()],
        attribute_mapping,
        role_mapping,
        ..TaskSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::random_passwords;
    use muster_aws::{Config, Tables};
    use muster_emulators::dynamodb::{DynamoDb, ensure_tables};
    use muster_emulators::loopback;
    use muster_emulators::template::TableDefinitions;

    struct SeededStore {
        store: Store,
        tenants: Vec<SeededTenant>,
        passwords: Passwords,
        _server: DynamoDb,
    }

    async fn seeded() -> SeededStore {
        let server = DynamoDb::start(loopback::listen(0).unwrap(), None).unwrap();
        let definitions = TableDefinitions::embedded().unwrap();
        let tables = Tables {
            directory: definitions.directory.name.clone(),
            control: definitions.control.name.clone(),
        };
        let store = Store::connect(&Config::local(server.endpoint(), tables)).await;
        ensure_tables(store.client(), &definitions).await.unwrap();
        let passwords = random_passwords(&account_names());
        let tenants = seed(&store, &passwords, Timestamp::now()).await.unwrap();
        SeededStore {
            store,
            tenants,
            passwords,
            _server: server,
        }
    }

    #[tokio::test]
    async fn each_tenant_has_a_robot_that_may_run_its_task() {
        let seeded = seeded().await;
        let store = &seeded.store;
        let mut ids = Vec::new();
        for tenant in &seeded.tenants {
            let password = SecretString::from(tenant.robot.password.as_str());
            let robot = store
                .robots()
                .verify(&tenant.robot.username, password)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(robot.tenant, tenant.name);
            let task = store.tasks().get(tenant.task_id).await.unwrap().unwrap();
            assert_eq!(task.tenant, tenant.name);
            assert!(task.settings.enabled);
            assert_eq!(task.settings.permitted_robots, [robot.name.as_str()]);
            assert_eq!(
                task.settings.attribute_mapping[&Attribute::IndividualStores],
                "Individual Stores"
            );
            assert_eq!(
                task.settings.attribute_mapping.len(),
                IMPORTED_ATTRIBUTES.len()
            );
            assert_eq!(task.settings.role_mapping["catman"], "Category Manager");
            ids.push(tenant.task_id);
        }
        assert_eq!(ids, [206, 207]);
        assert!(
            store.tasks().next_id().await.unwrap() > 207,
            "the next task gets a free id"
        );
    }

    #[tokio::test]
    async fn seeding_again_keeps_an_edited_task() {
        let seeded = seeded().await;
        let store = &seeded.store;
        let tenant = &seeded.tenants[0];
        let task = store.tasks().get(206).await.unwrap().unwrap();
        let mut edited = task.settings.clone();
        edited.enabled = false;
        store
            .tasks()
            .put(&tenant.name, edited, Some(task.version), Timestamp::now())
            .await
            .unwrap();

        let again = seed(store, &seeded.passwords, Timestamp::now())
            .await
            .unwrap();
        assert_eq!(again, seeded.tenants);
        let task = store.tasks().get(206).await.unwrap().unwrap();
        assert!(!task.settings.enabled);
    }

    #[tokio::test]
    async fn a_password_that_differs_from_the_stored_one_is_an_error() {
        let seeded = seeded().await;
        let others = random_passwords(&account_names());
        let error = seed(&seeded.store, &others, Timestamp::now())
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("acme-robot"), "{error}");
        assert!(error.contains("credentials.json"), "{error}");
    }
}
