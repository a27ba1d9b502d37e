//! Bootstrap of a fresh deployment, and its operator.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use muster_aws::auth::operators::{Operator, Role};
use muster_aws::bootstrap::{Bootstrap, Bootstrapped, EntityKind};
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

fn request() -> Bootstrap {
    Bootstrap {
        tenant: "acme".to_owned(),
        operator: "anna".to_owned(),
        password: "anna's own".into(),
        robot: Some(("robot".to_owned(), "s3cret".into())),
        task: Some(settings()),
    }
}

/// Returns all rows by key, except counters, which never go back.
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
async fn bootstrap_writes_all_requested_rows() {
    let store = store().await;
    let done = store.bootstrap(request(), at(0)).await.unwrap();
    assert_eq!(done, Bootstrapped::Done { task: Some(206) });

    let tenant = store.tenants().get("acme").await.unwrap().unwrap();
    assert_eq!(tenant.created_at, at(0));
    let task = store.tasks().get(206).await.unwrap().unwrap();
    assert_eq!((task.tenant.as_str(), task.version), ("acme", 1));
    let mut expected = TaskSettings {
        id: 206,
        ..settings()
    };
    expected.complete(None);
    assert_eq!(task.settings, expected);
    assert_eq!((task.created_by, task.updated_by), (None, None));
    let history = store.tasks().history("acme", 206, None, 10).await.unwrap();
    assert_eq!(history.unwrap().versions.len(), 1);
    let roles = store.roles().get("acme").await.unwrap();
    assert_eq!(roles.version, 1);
    assert!(roles.roles.into_iter().eq(["Category Manager"]));
    let robot = store
        .robots()
        .verify("robot", "s3cret".into())
        .await
        .unwrap();
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
async fn robot_and_task_are_optional() {
    let store = store().await;
    let request = Bootstrap {
        robot: None,
        task: None,
        ..request()
    };
    let done = store.bootstrap(request, start()).await.unwrap();
    assert_eq!(done, Bootstrapped::Done { task: None });
    assert_eq!(rows(&store).await.len(), 5);
}

#[tokio::test]
async fn an_operator_is_verified_by_name_and_password() {
    let store = store().await;
    store.bootstrap(request(), start()).await.unwrap();
    let verified = store.operators().verify("anna", "anna's own".into()).await;
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
        let refused = store
            .operators()
            .verify(name, password.into())
            .await
            .unwrap();
        assert_eq!(refused, None, "{name:?}");
    }
    let robot = store.robots().verify("anna", "anna's own".into()).await;
    assert_eq!(robot.unwrap(), None, "an operator is not a robot");
}

#[tokio::test]
async fn a_deployment_is_bootstrapped_once() {
    let store = store().await;
    store.bootstrap(request(), at(0)).await.unwrap();
    let before = rows(&store).await;
    let other = Bootstrap {
        tenant: "globex".to_owned(),
        operator: "otto".to_owned(),
        robot: None,
        task: None,
        ..request()
    };
    let already = Bootstrapped::AlreadyDone {
        at: at(0),
        tenant: "acme".to_owned(),
        operator: "anna".to_owned(),
    };
    for second in [other, request()] {
        assert_eq!(store.bootstrap(second, at(9)).await.unwrap(), already);
    }
    assert_eq!(rows(&store).await, before);
    assert_eq!(store.tasks().next_id().await.unwrap(), 207);
}

#[tokio::test]
async fn one_of_two_concurrent_bootstraps_succeeds() {
    let store = store().await;
    let other = Bootstrap {
        tenant: "globex".to_owned(),
        operator: "otto".to_owned(),
        robot: None,
        task: None,
        ..request()
    };
    let (one, two) = futures::join!(
        store.bootstrap(request(), start()),
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
async fn a_bootstrap_with_a_taken_name_writes_nothing() {
    for named in [EntityKind::Tenant, EntityKind::Robot] {
        let store = store().await;
        let made = match named {
            EntityKind::Tenant => store.tenants().create("acme", start()).await,
            EntityKind::Robot | EntityKind::Operator => {
                store
                    .robots()
                    .create("other", "robot", "its own".into(), start())
                    .await
            }
        };
        assert_eq!(made.unwrap(), Creation::Created);
        let before = rows(&store).await;
        let taken = store.bootstrap(request(), at(1)).await.unwrap();
        assert_eq!(taken, Bootstrapped::Taken(named));
        assert_eq!(rows(&store).await, before);
    }
}

#[tokio::test]
async fn invalid_values_are_refused_before_anything_is_written() {
    let store = store().await;
    let bad = [
        (
            EntityKind::Tenant,
            Bootstrap {
                tenant: "a#b".to_owned(),
                ..request()
            },
        ),
        (
            EntityKind::Operator,
            Bootstrap {
                operator: " anna".to_owned(),
                ..request()
            },
        ),
        (
            EntityKind::Robot,
            Bootstrap {
                robot: Some((String::new(), "s3cret".into())),
                ..request()
            },
        ),
    ];
    for (named, request) in bad {
        match store.bootstrap(request, start()).await.unwrap() {
            Bootstrapped::BadName(found, _) => assert_eq!(found, named),
            other => panic!("{other:?}"),
        }
    }
    let mut wrong = request();
    wrong.task = Some(TaskSettings {
        title: "x".repeat(201),
        ..settings()
    });
    match store.bootstrap(wrong, start()).await.unwrap() {
        Bootstrapped::Refused(problems) => assert_eq!(problems[0].field, "title"),
        other => panic!("{other:?}"),
    }
    let mut unknown_robot = request();
    unknown_robot.robot = Some(("another".to_owned(), "s3cret".into()));
    match store.bootstrap(unknown_robot, start()).await.unwrap() {
        Bootstrapped::Refused(problems) => assert_eq!(problems[0].field, "permitted_robots.0"),
        other => panic!("{other:?}"),
    }
    assert!(rows(&store).await.is_empty());
    assert_eq!(store.tasks().next_id().await.unwrap(), 206);
}

#[tokio::test]
async fn a_bootstrap_with_a_lost_response_succeeds() {
    // After one lost response the next attempt finds the rows; after two, only the marker shows it.
    for lost in [1, 2] {
        let store = store().await;
        let (faults, faulty) = Faults::on_every_attempt("TransactWriteItems", &store);
        faults.next(lost, Fault::LostResponse);
        let done = faulty.bootstrap(request(), start()).await.unwrap();
        assert_eq!(done, Bootstrapped::Done { task: Some(206) }, "{lost}");
        assert_eq!(faults.left(), 0);
        assert_eq!(rows(&store).await.len(), 11);
    }
}

#[tokio::test]
async fn a_bootstrap_with_a_lost_response_and_an_unreadable_marker_is_unknown() {
    let store = store().await;
    let (transaction, faulty) = Faults::on_every_attempt("TransactWriteItems", &store);
    let (reading, faulty) = Faults::on_every_attempt("GetItem", &faulty);
    transaction.next(1, Fault::LostResponse);
    // The first read, before anything is written, succeeds.
    reading.queue([Fault::Passes, Fault::LostResponse]);
    match faulty.bootstrap(request(), start()).await.unwrap() {
        Bootstrapped::Unknown { task, .. } => assert_eq!(task, Some(206)),
        other => panic!("{other:?}"),
    }
    assert_eq!(rows(&store).await.len(), 11, "the transaction took effect");
}
