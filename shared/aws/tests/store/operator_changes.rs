//! Operators are created, listed and changed; a tenant always has one who can manage it.

use futures::future::join_all;
use muster_aws::auth::operators::{Operator, OperatorChange, OperatorChanged, Role};
use muster_aws::{Creation, Store};
use secrecy::ExposeSecret as _;

use crate::faults::{Fault, Faults};
use crate::support::{at, start, store};

async fn with_operators(names: &[(&str, Role)]) -> Store {
    let store = store().await;
    for (name, role) in names {
        let operator = Operator {
            tenant: "acme".to_owned(),
            name: (*name).to_owned(),
            role: *role,
        };
        let made = store
            .operators()
            .create(operator, "password".into(), start())
            .await;
        assert_eq!(made.unwrap(), Creation::Created);
    }
    store
}

fn role(role: Role) -> OperatorChange {
    OperatorChange {
        role: Some(role),
        ..OperatorChange::default()
    }
}

fn enabled(enabled: bool) -> OperatorChange {
    OperatorChange {
        enabled: Some(enabled),
        ..OperatorChange::default()
    }
}

async fn change(store: &Store, name: &str, change: OperatorChange) -> OperatorChanged {
    let changed = store.operators().change("acme", name, change, at(60)).await;
    changed.unwrap()
}

/// Returns the names of the enabled operators with the role `manage`.
async fn managers(store: &Store) -> Vec<String> {
    let all = store
        .operators()
        .list("acme", None, 100, at(60))
        .await
        .unwrap();
    let managers = all.items.into_iter();
    managers
        .filter(|operator| operator.enabled && operator.role == Role::Manage)
        .map(|operator| operator.name)
        .collect()
}

#[tokio::test]
async fn operators_are_listed_in_pages_by_name() {
    let store = with_operators(&[("otto", Role::Read), ("anna", Role::Manage)]).await;
    let first = store
        .operators()
        .list("acme", None, 1, at(0))
        .await
        .unwrap();
    assert_eq!(first.items[0].name, "anna");
    assert_eq!(first.items[0].created_at, at(0));
    let next = first.next.unwrap();
    let second = store.operators().list("acme", Some(&next), 9, at(0)).await;
    let second = second.unwrap();
    assert_eq!((second.items[0].name.as_str(), second.next), ("otto", None));
    let none = store
        .operators()
        .list("globex", None, 9, at(0))
        .await
        .unwrap();
    assert_eq!(none.items, []);
}

#[tokio::test]
async fn an_operator_of_another_tenant_is_not_found() {
    let store = with_operators(&[("anna", Role::Manage), ("otto", Role::Manage)]).await;
    assert_eq!(store.operators().get("globex", "anna").await.unwrap(), None);
    let changed = store
        .operators()
        .change("globex", "anna", role(Role::Read), at(1))
        .await;
    assert_eq!(changed.unwrap(), OperatorChanged::Missing);
    assert_eq!(managers(&store).await, ["anna", "otto"]);
}

#[tokio::test]
async fn the_last_manager_cannot_be_disabled_or_lose_the_role() {
    let store = with_operators(&[("anna", Role::Manage), ("otto", Role::Read)]).await;
    for change_ in [role(Role::Read), enabled(false)] {
        assert_eq!(
            change(&store, "anna", change_).await,
            OperatorChanged::LastManager
        );
    }
    change(&store, "otto", role(Role::Manage)).await;
    let OperatorChanged::Done(anna) = change(&store, "anna", enabled(false)).await else {
        panic!("otto manages");
    };
    assert_eq!(
        (anna.enabled, anna.created_at, anna.updated_at),
        (false, at(0), at(60))
    );
    // A disabled manager does not count.
    assert_eq!(
        change(&store, "otto", role(Role::Read)).await,
        OperatorChanged::LastManager
    );
    change(&store, "anna", enabled(true)).await;
    assert!(matches!(
        change(&store, "otto", role(Role::Read)).await,
        OperatorChanged::Done(_)
    ));
    assert_eq!(managers(&store).await, ["anna"]);
}

#[tokio::test]
async fn concurrent_removals_leave_one_manager() {
    for _ in 0..5 {
        let names = ["a", "b", "c", "d"];
        let store = with_operators(&names.map(|name| (name, Role::Manage))).await;
        let gone = join_all(names.iter().enumerate().map(|(n, name)| {
            let gone = if n % 2 == 0 {
                role(Role::Read)
            } else {
                enabled(false)
            };
            change(&store, name, gone)
        }))
        .await;
        let refused = gone
            .iter()
            .filter(|gone| **gone == OperatorChanged::LastManager);
        assert_eq!(refused.count(), 1);
        assert_eq!(managers(&store).await.len(), 1);
    }
}

#[tokio::test]
async fn a_change_with_a_lost_response_is_applied_once() {
    let store = with_operators(&[("anna", Role::Manage), ("otto", Role::Manage)]).await;
    let (faults, faulty) = Faults::on_every_attempt("TransactWriteItems", &store);
    faults.next(1, Fault::LostResponse);
    let changed = change(&faulty, "anna", role(Role::Read)).await;
    assert!(matches!(changed, OperatorChanged::Done(_)), "{changed:?}");
    assert_eq!(faults.left(), 0);
    assert_eq!(managers(&store).await, ["otto"]);
}

#[tokio::test]
async fn a_creation_with_a_lost_response_succeeds() {
    let store = store().await;
    let (faults, faulty) = Faults::on_every_attempt("TransactWriteItems", &store);
    faults.next(1, Fault::LostResponse);
    let operator = Operator {
        tenant: "acme".to_owned(),
        name: "anna".to_owned(),
        role: Role::Manage,
    };
    let made = faulty
        .operators()
        .create(operator, "password".into(), start())
        .await;
    assert_eq!(made.unwrap(), Creation::Created);
}

#[tokio::test]
async fn concurrent_changes_of_one_operator_are_all_applied() {
    let store = with_operators(&[("anna", Role::Manage), ("otto", Role::Read)]).await;
    let password = OperatorChange {
        password: Some("another one".into()),
        ..OperatorChange::default()
    };
    futures::join!(
        change(&store, "otto", password),
        change(&store, "otto", role(Role::Manage)),
        change(&store, "otto", enabled(false)),
    );
    let otto = store
        .operators()
        .get("acme", "otto")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((otto.role, otto.enabled), (Role::Manage, false));
    change(&store, "otto", enabled(true)).await;
    let verified = store.operators().verify("otto", "another one".into()).await;
    assert!(verified.unwrap().is_some());
}

#[tokio::test]
async fn changing_ones_own_password_ends_all_other_sessions() {
    let store = with_operators(&[("anna", Role::Manage)]).await;
    let verified = store.operators().verify("anna", "password".into()).await;
    let verified = verified.unwrap().unwrap();
    let (this, _) = store.sessions().begin(&verified, at(0)).await.unwrap();
    let (other, _) = store.sessions().begin(&verified, at(0)).await.unwrap();
    let mine = this.expose_secret();
    let changed = store
        .sessions()
        .change_own_password(mine, &verified.operator, "next one".into(), at(1))
        .await;
    assert!(changed.unwrap());
    let session = store.sessions().look_up(mine, at(2)).await.unwrap();
    assert_eq!(session.unwrap().operator, verified.operator);
    let ended = store.sessions().look_up(other.expose_secret(), at(2)).await;
    assert_eq!(ended.unwrap(), None);
    let old = store.operators().verify("anna", "password".into()).await;
    assert_eq!(old.unwrap(), None);

    let again = store
        .sessions()
        .change_own_password(
            other.expose_secret(),
            &verified.operator,
            "a third".into(),
            at(3),
        )
        .await;
    assert!(!again.unwrap(), "an ended session cannot change anything");
    let right = store.operators().verify("anna", "next one".into()).await;
    assert!(right.unwrap().is_some());
}

#[tokio::test]
async fn an_operator_row_of_an_earlier_version_is_read_and_changed() {
    let store = with_operators(&[("anna", Role::Manage), ("otto", Role::Manage)]).await;
    let pk = aws_sdk_dynamodb::types::AttributeValue::S("OPERATOR#anna".to_owned());
    let sk = aws_sdk_dynamodb::types::AttributeValue::S("OPERATOR".to_owned());
    let older = store
        .client()
        .update_item()
        .table_name(&store.tables.control);
    older
        .key("pk", pk)
        .key("sk", sk)
        .update_expression("REMOVE #version, enabled, password_version, updated_at")
        .expression_attribute_names("#version", "version")
        .send()
        .await
        .unwrap();
    let anna = store
        .operators()
        .get("acme", "anna")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((anna.enabled, anna.updated_at), (true, at(0)));
    assert!(matches!(
        change(&store, "anna", role(Role::Read)).await,
        OperatorChanged::Done(_)
    ));
    assert_eq!(managers(&store).await, ["otto"]);
}
