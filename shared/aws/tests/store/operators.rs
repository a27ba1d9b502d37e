//! The set-up of a fresh deployment, and its operator.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use muster_aws::operators::{Bootstrap, Bootstrapped, Named, Operator, Role};
use muster_aws::{Creation, Store};
use muster_core::settings::TaskSettings;

use crate::faults::{Fault, Faults};
use crate::support::{at, start, store};

fn settings() -> TaskSettings {
    let json = r#"{
        "id": 7, "enabled": true, "title": "Staff", "permitted_robots": ["robot"],
        "attribute_mapping": {"username": "Username", "role": "Role"},
        "role_mapping": {"catman": "Category Manager", "cm": "Category Manager"}
    }"#;
    serde_json::from_str(json).unwrap()
}

fn order() -> Bootstrap {
    Bootstrap {
        tenant: "acme".to_owned(),
        operator: "anna".to_owned(),
        password: "anna's own".into(),
        robot: Some(("robot".to_owned(), "s3cret".into())),
        task: Some(settings()),
    }
}

/// Every row by its key, but for the counters: a number that is taken stays so.
async fn rows(store: &Store) -> BTreeMap<String, HashMap<String, AttributeValue>> {
    let table = &store.tables.control;
    let scan = store
        .client()
        .scan()
        .table_name(table)
        .consistent_read(true);
    let rows = scan.send().await.unwrap().items.unwrap_or_default();
    rows.into_iter()
        .map(|row| {
            let part = |name| row.get(name).unwrap().as_s().unwrap().as_str();
            (format!("{}/{}", part("pk"), part("sk")), row)
        })
        .filter(|(key, _)| !key.starts_with("COUNTER#"))
        .collect()
}

#[tokio::test]
async fn a_fresh_deployment_gets_everything_it_was_to_get() {
    let store = store().await;
    let done = store.bootstrap(order(), at(0)).await.unwrap();
    assert_eq!(done, Bootstrapped::Done { task: Some(206) });

    let tenant = store.get_tenant("acme").await.unwrap().unwrap();
    assert_eq!(tenant.created_at, at(0));
    let task = store.get_task(206).await.unwrap().unwrap();
    assert_eq!((task.tenant.as_str(), task.version), ("acme", 1));
    let expected = TaskSettings {
        id: 206,
        ..settings()
    };
    assert_eq!(task.settings, expected);
    assert_eq!((task.created_by, task.updated_by), (None, None));
    let history = store.task_history("acme", 206, None, 10).await.unwrap();
    assert_eq!(history.unwrap().versions.len(), 1);
    let roles = store.get_roles("acme").await.unwrap();
    assert_eq!(roles.version, 1);
    assert!(roles.roles.into_iter().eq(["Category Manager"]));
    let robot = store.verify_robot("robot", "s3cret".into()).await.unwrap();
    assert_eq!(robot.unwrap().tenant, "acme");
    let keys: Vec<_> = rows(&store).await.into_keys().collect();
    assert_eq!(
        keys,
        [
            "BOOTSTRAP/BOOTSTRAP",
            "LIST#acme/OPERATOR#anna",
            "LIST#acme/ROBOT#robot",
            "LIST#acme/TASK#0000000000000206",
            "MANAGERS#acme/MANAGERS",
            "OPERATOR#anna/OPERATOR",
            "ROBOT#robot/ROBOT",
            "ROLES#acme/ROLES",
            "TASK#206/TASK",
            "TASK#206/VERSION#0000000000000001",
            "TENANT#acme/TENANT"
        ]
    );
}

#[tokio::test]
async fn robot_and_task_can_be_left_out() {
    let store = store().await;
    let order = Bootstrap {
        robot: None,
        task: None,
        ..order()
    };
    let done = store.bootstrap(order, start()).await.unwrap();
    assert_eq!(done, Bootstrapped::Done { task: None });
    assert_eq!(rows(&store).await.len(), 5);
}

#[tokio::test]
async fn an_operator_is_known_by_name_and_password() {
    let store = store().await;
    store.bootstrap(order(), start()).await.unwrap();
    let verified = store.verify_operator("anna", "anna's own".into()).await;
    let expected = Operator {
        tenant: "acme".to_owned(),
        name: "anna".to_owned(),
        role: Role::Manage,
    };
    assert_eq!(
        verified.unwrap().map(|verified| verified.operator),
        Some(expected)
    );
    for (name, password) in [
        ("anna", "s3cret"),
        ("anna", ""),
        ("Anna", "anna's own"),
        ("robot", "s3cret"),
        ("a\0b", "x"),
    ] {
        let refused = store.verify_operator(name, password.into()).await.unwrap();
        assert_eq!(refused, None, "{name:?}");
    }
    let robot = store.verify_robot("anna", "anna's own".into()).await;
    assert_eq!(robot.unwrap(), None, "an operator is not a robot");
}

#[tokio::test]
async fn a_deployment_is_set_up_once() {
    let store = store().await;
    store.bootstrap(order(), at(0)).await.unwrap();
    let before = rows(&store).await;
    let other = Bootstrap {
        tenant: "globex".to_owned(),
        operator: "otto".to_owned(),
        robot: None,
        task: None,
        ..order()
    };
    let already = Bootstrapped::AlreadyDone {
        at: at(0),
        tenant: "acme".to_owned(),
        operator: "anna".to_owned(),
    };
    for second in [other, order()] {
        assert_eq!(store.bootstrap(second, at(9)).await.unwrap(), already);
    }
    assert_eq!(rows(&store).await, before);
    assert_eq!(store.next_task_id().await.unwrap(), 207);
}

#[tokio::test]
async fn of_two_at_once_one_sets_it_up() {
    let store = store().await;
    let other = Bootstrap {
        tenant: "globex".to_owned(),
        operator: "otto".to_owned(),
        robot: None,
        task: None,
        ..order()
    };
    let (one, two) = futures::join!(
        store.bootstrap(order(), start()),
        store.bootstrap(other, start())
    );
    let outcomes = [one.unwrap(), two.unwrap()];
    let done = |outcome: &&Bootstrapped| matches!(outcome, Bootstrapped::Done { .. });
    assert_eq!(outcomes.iter().filter(done).count(), 1, "{outcomes:?}");
    let tenants = rows(&store).await;
    let tenants = tenants.keys().filter(|pk| pk.starts_with("TENANT#"));
    assert_eq!(tenants.count(), 1);
}

#[tokio::test]
async fn a_taken_name_leaves_nothing_behind() {
    for named in [Named::Tenant, Named::Robot] {
        let store = store().await;
        let made = match named {
            Named::Tenant => store.create_tenant("acme", start()).await,
            Named::Robot | Named::Operator => {
                store
                    .create_robot("other", "robot", "its own".into(), start())
                    .await
            }
        };
        assert_eq!(made.unwrap(), Creation::Created);
        let before = rows(&store).await;
        let taken = store.bootstrap(order(), at(1)).await.unwrap();
        assert_eq!(taken, Bootstrapped::Taken(named));
        assert_eq!(rows(&store).await, before);
    }
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_before_anything_is_written() {
    let store = store().await;
    let bad = [
        (
            Named::Tenant,
            Bootstrap {
                tenant: "a#b".to_owned(),
                ..order()
            },
        ),
        (
            Named::Operator,
            Bootstrap {
                operator: " anna".to_owned(),
                ..order()
            },
        ),
        (
            Named::Robot,
            Bootstrap {
                robot: Some((String::new(), "s3cret".into())),
                ..order()
            },
        ),
    ];
    for (named, order) in bad {
        match store.bootstrap(order, start()).await.unwrap() {
            Bootstrapped::BadName(found, _) => assert_eq!(found, named),
            other => panic!("{other:?}"),
        }
    }
    let mut wrong = order();
    wrong.task = Some(TaskSettings {
        title: "x".repeat(201),
        ..settings()
    });
    match store.bootstrap(wrong, start()).await.unwrap() {
        Bootstrapped::Refused(problems) => assert_eq!(problems[0].field, "title"),
        other => panic!("{other:?}"),
    }
    let mut stranger = order();
    stranger.robot = Some(("another".to_owned(), "s3cret".into()));
    match store.bootstrap(stranger, start()).await.unwrap() {
        Bootstrapped::Refused(problems) => assert_eq!(problems[0].field, "permitted_robots.0"),
        other => panic!("{other:?}"),
    }
    assert!(rows(&store).await.is_empty());
    assert_eq!(store.next_task_id().await.unwrap(), 206);
}

#[tokio::test]
async fn a_set_up_whose_answer_was_lost_is_done() {
    // After one the next try finds the rows; after two nobody but the marker knows.
    for lost in [1, 2] {
        let store = store().await;
        let (faults, faulty) = Faults::on_every_try("TransactWriteItems", &store);
        faults.next(lost, Fault::LostAnswer);
        let done = faulty.bootstrap(order(), start()).await.unwrap();
        assert_eq!(done, Bootstrapped::Done { task: Some(206) }, "{lost}");
        assert_eq!(faults.left(), 0);
        assert_eq!(rows(&store).await.len(), 11);
    }
}

#[tokio::test]
async fn a_set_up_whose_answer_was_lost_and_whose_marker_cannot_be_read_is_unknown() {
    let store = store().await;
    let (transaction, faulty) = Faults::on_every_try("TransactWriteItems", &store);
    let (reading, faulty) = Faults::on_every_try("GetItem", &faulty);
    transaction.next(1, Fault::LostAnswer);
    // The first look, before anything is sent, succeeds.
    reading.coming([Fault::Passes, Fault::LostAnswer]);
    match faulty.bootstrap(order(), start()).await.unwrap() {
        Bootstrapped::Unknown { task, .. } => assert_eq!(task, Some(206)),
        other => panic!("{other:?}"),
    }
    assert_eq!(rows(&store).await.len(), 11, "it took effect");
}
