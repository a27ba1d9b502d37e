//! Operators are made, listed and changed, and a tenant always has one who may manage it.

use futures::future::join_all;
use muster_aws::operators::{Operator, OperatorChange, OperatorChanged, Role};
use muster_aws::{Creation, Store};
use secrecy::ExposeSecret as _;

use crate::faults::{Fault, Faults};
use crate::support::{at, start, store};

async fn with(names: &[(&str, Role)]) -> Store {
    let store = store().await;
    for (name, role) in names {
        let operator = Operator {
            tenant: "acme".to_owned(),
            name: (*name).to_owned(),
            role: *role,
        };
        let made = store
            .create_operator(operator, "password".into(), start())
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
    let changed = store.change_operator("acme", name, change, at(60)).await;
    changed.unwrap()
}

/// Who may manage the tenant just now.
async fn managers(store: &Store) -> Vec<String> {
    let all = store.operators("acme", None, 100, at(60)).await.unwrap();
    let managers = all.items.into_iter();
    managers
        .filter(|operator| operator.enabled && operator.role == Role::Manage)
        .map(|operator| operator.name)
        .collect()
}

#[tokio::test]
async fn operators_are_listed_by_name_page_by_page() {
    let store = with(&[("otto", Role::Read), ("anna", Role::Manage)]).await;
    let first = store.operators("acme", None, 1, at(0)).await.unwrap();
    assert_eq!(first.items[0].name, "anna");
    assert_eq!(first.items[0].created_at, at(0));
    let next = first.next.unwrap();
    let second = store.operators("acme", Some(&next), 9, at(0)).await;
    let second = second.unwrap();
    assert_eq!((second.items[0].name.as_str(), second.next), ("otto", None));
    let none = store.operators("globex", None, 9, at(0)).await.unwrap();
    assert_eq!(none.items, []);
}

#[tokio::test]
async fn another_tenant_s_operator_is_none() {
    let store = with(&[("anna", Role::Manage), ("otto", Role::Manage)]).await;
    assert_eq!(store.get_operator("globex", "anna").await.unwrap(), None);
    let changed = store
        .change_operator("globex", "anna", role(Role::Read), at(1))
        .await;
    assert_eq!(changed.unwrap(), OperatorChanged::Missing);
    assert_eq!(managers(&store).await, ["anna", "otto"]);
}

#[tokio::test]
async fn the_last_manager_can_neither_be_disabled_nor_lose_the_role() {
    let store = with(&[("anna", Role::Manage), ("otto", Role::Read)]).await;
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
    // A manager who is disabled does not count.
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
async fn of_many_who_go_at_once_one_stays() {
    for _ in 0..5 {
        let names = ["a", "b", "c", "d"];
        let store = with(&names.map(|name| (name, Role::Manage))).await;
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
async fn a_change_whose_answer_was_lost_is_done_once() {
    let store = with(&[("anna", Role::Manage), ("otto", Role::Manage)]).await;
    let (faults, faulty) = Faults::on_every_try("TransactWriteItems", &store);
    faults.next(1, Fault::LostAnswer);
    let changed = change(&faulty, "anna", role(Role::Read)).await;
    assert!(matches!(changed, OperatorChanged::Done(_)), "{changed:?}");
    assert_eq!(faults.left(), 0);
    assert_eq!(managers(&store).await, ["otto"]);
}

#[tokio::test]
async fn an_operator_whose_making_got_no_answer_is_made() {
    let store = store().await;
    let (faults, faulty) = Faults::on_every_try("TransactWriteItems", &store);
    faults.next(1, Fault::LostAnswer);
    let operator = Operator {
        tenant: "acme".to_owned(),
        name: "anna".to_owned(),
        role: Role::Manage,
    };
    let made = faulty
        .create_operator(operator, "password".into(), start())
        .await;
    assert_eq!(made.unwrap(), Creation::Created);
}

#[tokio::test]
async fn changes_of_one_operator_at_once_all_count() {
    let store = with(&[("anna", Role::Manage), ("otto", Role::Read)]).await;
    let password = OperatorChange {
        password: Some("another one".into()),
        ..OperatorChange::default()
    };
    futures::join!(
        change(&store, "otto", password),
        change(&store, "otto", role(Role::Manage)),
        change(&store, "otto", enabled(false)),
    );
    let otto = store.get_operator("acme", "otto").await.unwrap().unwrap();
    assert_eq!((otto.role, otto.enabled), (Role::Manage, false));
    change(&store, "otto", enabled(true)).await;
    let verified = store.verify_operator("otto", "another one".into()).await;
    assert!(verified.unwrap().is_some());
}

#[tokio::test]
async fn one_s_own_new_password_ends_all_sessions_but_this_one() {
    let store = with(&[("anna", Role::Manage)]).await;
    let verified = store.verify_operator("anna", "password".into()).await;
    let verified = verified.unwrap().unwrap();
    let (this, _) = store.begin_session(&verified, at(0)).await.unwrap();
    let (other, _) = store.begin_session(&verified, at(0)).await.unwrap();
    let mine = this.expose_secret();
    let changed = store
        .change_own_password(mine, &verified.operator, "next one".into(), at(1))
        .await;
    assert!(changed.unwrap());
    let session = store.lookup_session(mine, at(2)).await.unwrap();
    assert_eq!(session.unwrap().operator, verified.operator);
    let ended = store.lookup_session(other.expose_secret(), at(2)).await;
    assert_eq!(ended.unwrap(), None);
    let old = store.verify_operator("anna", "password".into()).await;
    assert_eq!(old.unwrap(), None);

    let again = store
        .change_own_password(
            other.expose_secret(),
            &verified.operator,
            "a third".into(),
            at(3),
        )
        .await;
    assert!(!again.unwrap(), "an ended session changes nothing");
    let right = store.verify_operator("anna", "next one".into()).await;
    assert!(right.unwrap().is_some());
}

#[tokio::test]
async fn an_operator_s_row_of_an_earlier_version_is_read_and_changed() {
    let store = with(&[("anna", Role::Manage), ("otto", Role::Manage)]).await;
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
    let anna = store.get_operator("acme", "anna").await.unwrap().unwrap();
    assert_eq!((anna.enabled, anna.updated_at), (true, at(0)));
    assert!(matches!(
        change(&store, "anna", role(Role::Read)).await,
        OperatorChanged::Done(_)
    ));
    assert_eq!(managers(&store).await, ["otto"]);
}
