//! What a new local stack holds: two tenants, each with an operator, a robot and an import task on
//! the default keys. Seeding again changes nothing, so it runs at every start; a task that somebody
//! has edited stays as it is.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use muster_aws::operators::{Operator, Role};
use muster_aws::tasks::PutTask;
use muster_aws::{Creation, Store, StoreError};
use muster_core::attribute::Attribute;
use muster_core::settings::TaskSettings;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::data_dir::Passwords;

/// The tenants, in the order in which they are told.
const TENANTS: [Seed; 2] = [
    Seed {
        tenant: "acme",
        operator: "acme-operator",
        robot: "acme-robot",
        task_id: 206,
    },
    Seed {
        tenant: "globex",
        operator: "globex-operator",
        robot: "globex-robot",
        task_id: 207,
    },
];

/// What the tasks import, under the keys that the catalogue proposes.
const IMPORTED: [Attribute; 7] = [
    Attribute::Username,
    Attribute::Name,
    Attribute::Role,
    Attribute::Email,
    Attribute::AllStores,
    Attribute::IndividualStores,
    Attribute::ExternalId,
];

const ROLES: [(&str, &str); 2] = [
    ("catman", "Category Manager"),
    ("store manager", "Store Manager"),
];

struct Seed {
    tenant: &'static str,
    operator: &'static str,
    robot: &'static str,
    task_id: u64,
}

/// A tenant that can be used at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantAccess {
    /// Its name.
    pub name: String,
    /// Its import task, the number in the URL.
    pub task_id: u64,
    /// Who may run the task.
    pub robot: SignIn,
    /// Who may manage the tenant.
    pub operator: SignIn,
}

/// How a robot or an operator signs in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// Its name.
    pub username: String,
    /// Its password. Not in `Debug`.
    pub password: String,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The stack could not be seeded.
#[derive(Debug, Error)]
pub enum SeedError {
    /// The store did not do it.
    #[error("the first tenants cannot be stored: {0}")]
    Store(#[from] StoreError),
    /// What is stored under the name has another password, or another tenant.
    #[error(
        "{0} in the data directory has another password than its credentials.json \
         says: restore that file, or start with another directory (--data)"
    )]
    Password(String),
    /// Somebody else's task has the number.
    #[error("task {0} in the data directory is not the one that was put there")]
    Task(u64),
    /// A name or a setting of ours is refused: a mistake in this program.
    #[error("{what} is refused: {why}")]
    Refused {
        /// What was to be stored.
        what: String,
        /// What the store said.
        why: String,
    },
}

/// The robots and operators that `seed` wants passwords for.
pub fn names() -> Vec<&'static str> {
    TENANTS
        .iter()
        .flat_map(|seed| [seed.robot, seed.operator])
        .collect()
}

/// Stores what is missing, and tells who can sign in.
pub async fn seed(
    store: &Store,
    passwords: &Passwords,
    now: Timestamp,
) -> Result<Vec<TenantAccess>, SeedError> {
    let mut tenants = Vec::new();
    for seed in &TENANTS {
        let access = |name: &str| SignIn {
            username: name.to_owned(),
            password: passwords.get(name).cloned().unwrap_or_default(),
        };
        let (robot, operator) = (access(seed.robot), access(seed.operator));
        create(seed.tenant, store.create_tenant(seed.tenant, now).await?)?;
        seed_robot(store, seed, &robot, now).await?;
        seed_operator(store, seed, &operator, now).await?;
        seed_task(store, seed, now).await?;
        tenants.push(TenantAccess {
            name: seed.tenant.to_owned(),
            task_id: seed.task_id,
            robot,
            operator,
        });
    }
    Ok(tenants)
}

/// Whether it was made just now.
fn create(what: &str, creation: Creation) -> Result<bool, SeedError> {
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
    seed: &Seed,
    access: &SignIn,
    now: Timestamp,
) -> Result<(), SeedError> {
    let secret = || SecretString::from(access.password.as_str());
    let creation = store
        .create_robot(seed.tenant, seed.robot, secret(), now)
        .await?;
    if create(seed.robot, creation)? {
        return Ok(());
    }
    match store.verify_robot(seed.robot, secret()).await? {
        Some(robot) if robot.tenant == seed.tenant => Ok(()),
        _ => Err(SeedError::Password(seed.robot.to_owned())),
    }
}

async fn seed_operator(
    store: &Store,
    seed: &Seed,
    access: &SignIn,
    now: Timestamp,
) -> Result<(), SeedError> {
    let secret = || SecretString::from(access.password.as_str());
    let operator = Operator {
        tenant: seed.tenant.to_owned(),
        name: seed.operator.to_owned(),
        role: Role::Manage,
    };
    let creation = store.create_operator(operator, secret(), now).await?;
    if create(seed.operator, creation)? {
        return Ok(());
    }
    match store.verify_operator(seed.operator, secret()).await? {
        Some(verified) if verified.operator.tenant == seed.tenant => Ok(()),
        _ => Err(SeedError::Password(seed.operator.to_owned())),
    }
}

async fn seed_task(store: &Store, seed: &Seed, now: Timestamp) -> Result<(), SeedError> {
    let id = seed.task_id;
    if let Some(task) = store.get_task(id).await? {
        return if task.tenant == seed.tenant {
            Ok(())
        } else {
            Err(SeedError::Task(id))
        };
    }
    // The counter must be past the number before the task has it, or the next new task would
    // get the same one. A crash in between costs a number.
    while store.next_task_id().await? < id {}
    match store
        .put_task(seed.tenant, settings(seed), None, now)
        .await?
    {
        PutTask::Stored(_) => Ok(()),
        PutTask::Changed | PutTask::Missing => Err(SeedError::Task(id)),
        PutTask::Refused(problems) => Err(SeedError::Refused {
            what: format!("task {id}"),
            why: problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        }),
    }
}

fn settings(seed: &Seed) -> TaskSettings {
    let attribute_mapping = IMPORTED
        .into_iter()
        .filter_map(|attribute| Some((attribute, attribute.spec().quant?.to_owned())))
        .collect();
    let role_mapping: BTreeMap<_, _> = ROLES
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
    use crate::services::{Listeners, ServiceOptions, Services};

    async fn seeded() -> Services {
        Services::start(
            Listeners::from_port(0).unwrap(),
            None,
            ServiceOptions::default(),
        )
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn each_tenant_has_a_robot_that_may_run_its_task() {
        let services = seeded().await;
        let store = &services.store;
        let mut ids = Vec::new();
        for tenant in &services.tenants {
            let password = SecretString::from(tenant.robot.password.as_str());
            let robot = store
                .verify_robot(&tenant.robot.username, password)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(robot.tenant, tenant.name);
            let task = store.get_task(tenant.task_id).await.unwrap().unwrap();
            assert_eq!(task.tenant, tenant.name);
            assert!(task.settings.enabled);
            assert_eq!(task.settings.permitted_robots, [robot.name.as_str()]);
            assert_eq!(
                task.settings.attribute_mapping[&Attribute::IndividualStores],
                "Individual Stores"
            );
            assert_eq!(task.settings.attribute_mapping.len(), IMPORTED.len());
            assert_eq!(task.settings.role_mapping["catman"], "Category Manager");
            ids.push(tenant.task_id);
        }
        assert_eq!(ids, [206, 207]);
        assert!(
            store.next_task_id().await.unwrap() > 207,
            "the next task does not get a number that is taken"
        );
    }

    #[tokio::test]
    async fn seeding_again_changes_nothing_not_even_an_edited_task() {
        let services = seeded().await;
        let store = &services.store;
        let tenant = &services.tenants[0];
        let task = store.get_task(206).await.unwrap().unwrap();
        let mut edited = task.settings.clone();
        edited.enabled = false;
        store
            .put_task(&tenant.name, edited, Some(task.version), Timestamp::now())
            .await
            .unwrap();

        let passwords = services
            .tenants
            .iter()
            .flat_map(|tenant| [&tenant.robot, &tenant.operator])
            .map(|access| (access.username.clone(), access.password.clone()))
            .collect();
        let again = seed(store, &passwords, Timestamp::now()).await.unwrap();
        assert_eq!(again, services.tenants);
        let task = store.get_task(206).await.unwrap().unwrap();
        assert!(!task.settings.enabled);
    }

    #[tokio::test]
    async fn other_passwords_than_the_stored_ones_are_an_error() {
        let services = seeded().await;
        let others = random_passwords(&names());
        let error = seed(&services.store, &others, Timestamp::now())
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("acme-robot"), "{error}");
        assert!(error.contains("credentials.json"), "{error}");
    }
}
