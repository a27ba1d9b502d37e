//! Roles of a tenant, and the tasks that map to them.

use std::collections::BTreeMap;

use futures::future::join_all;
use muster_aws::Store;
use muster_aws::auth::operators::{Operator, Role};
use muster_aws::roles::{PutRolesOutcome, Roles};
use muster_aws::tasks::PutTaskOutcome;
use muster_core::settings::TaskSettings;

use crate::faults::{Fault, Faults};
use crate::support::{at, store};

fn anna() -> Operator {
    Operator {
        tenant: "acme".to_owned(),
        name: "anna".to_owned(),
        role: Role::Manage,
    }
}

async fn put(store: &Store, version: u64, roles: &[&str]) -> PutRolesOutcome {
    let roles = roles.iter().map(|&role| role.to_owned()).collect();
    let by = anna();
    store.roles().put(&by, version, roles, at(1)).await.unwrap()
}

fn stored(put: PutRolesOutcome) -> Roles {
    match put {
        PutRolesOutcome::Stored(roles) => roles,
        other => panic!("{other:?}"),
    }
}

fn task(role: &str) -> TaskSettings {
    TaskSettings {
        role_mapping: BTreeMap::from([("text".to_owned(), role.to_owned())]),
        ..TaskSettings::default()
    }
}

#[tokio::test]
async fn roles_are_stored_sorted_per_tenant() {
    let store = store().await;
    assert_eq!(store.roles().get("acme").await.unwrap(), Roles::default());
    let roles = stored(put(&store, 0, &["Nurse", "Doctor"]).await);
    assert_eq!(roles.version, 1);
    assert!(roles.roles.iter().eq(["Doctor", "Nurse"]));
    assert_eq!(
        (roles.updated_by.as_deref(), roles.updated_at),
        (Some("anna"), Some(at(1)))
    );
    assert_eq!(store.roles().get("acme").await.unwrap(), roles);
    assert_eq!(store.roles().get("other").await.unwrap(), Roles::default());
}

#[tokio::test]
async fn changing_roles_requires_the_latest_version() {
    let store = store().await;
    let first = stored(put(&store, 0, &["Nurse"]).await);
    assert_eq!(
        put(&store, 0, &["Doctor"]).await,
        PutRolesOutcome::Changed(first.clone())
    );
    assert_eq!(
        stored(put(&store, 0, &["Nurse"]).await),
        first,
        "a repeated request succeeds"
    );
    assert!(matches!(
        put(&store, 1, &["Robot"]).await,
        PutRolesOutcome::Refused(_)
    ));
}

#[tokio::test]
async fn a_role_cannot_be_removed_while_a_task_maps_to_it() {
    let store = store().await;
    put(&store, 0, &["Nurse", "Doctor", "Porter"]).await;
    for role in ["Nurse", "Nurse", "Doctor"] {
        store
            .tasks()
            .create(&anna(), task(role), None, at(2))
            .await
            .unwrap();
    }
    let in_use = BTreeMap::from([("Nurse".to_owned(), vec![206, 207])]);
    assert_eq!(
        put(&store, 1, &["Doctor"]).await,
        PutRolesOutcome::InUse(in_use)
    );
    let roles = stored(put(&store, 1, &["Doctor", "Nurse", "Cook"]).await);
    assert_eq!(roles.version, 2);
}

#[tokio::test]
async fn a_role_is_not_removed_while_a_task_that_maps_to_it_is_saved() {
    for _ in 0..10 {
        let store = store().await;
        put(&store, 0, &["Nurse", "Doctor"]).await;
        let operator = anna();
        let save = store.tasks().create(&operator, task("Nurse"), None, at(2));
        let (saved, gone) = futures::join!(save, put(&store, 1, &["Doctor"]));
        let roles = store.roles().get("acme").await.unwrap().roles;
        match (saved.unwrap(), gone) {
            (PutTaskOutcome::Stored(_), PutRolesOutcome::InUse(_)) => {
                assert!(roles.contains("Nurse"))
            }
            (PutTaskOutcome::Refused(problems), PutRolesOutcome::Stored(_)) => {
                assert_eq!(problems[0].field, "role_mapping.text");
                assert_eq!(store.tasks().get(206).await.unwrap(), None);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn concurrent_saves_of_tasks_do_not_conflict() {
    let store = store().await;
    let operator = anna();
    let saves = (0..8).map(|_| {
        store
            .tasks()
            .create(&operator, TaskSettings::default(), None, at(2))
    });
    for saved in join_all(saves).await {
        assert!(matches!(saved.unwrap(), PutTaskOutcome::Stored(_)));
    }
    stored(put(&store, 0, &["Nurse"]).await);
}

#[tokio::test]
async fn a_change_of_roles_with_a_lost_response_succeeds() {
    let store = store().await;
    let (faults, faulty) = Faults::on("PutItem", &store);
    for version in [0, 1] {
        faults.next(1, Fault::LostResponse);
        let role = format!("role {version}");
        let roles = stored(put(&faulty, version, &[&role]).await);
        assert_eq!(roles.version, version + 1);
        assert_eq!(faults.left(), 0);
    }
}
