//! Tenants, tasks as stored by bootstrap, and counters.

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use muster_aws::Creation;
use muster_aws::tasks::PutTaskOutcome;
use muster_core::settings::TaskSettings;

use crate::support::{at, raw, start, store};

fn settings(id: u64) -> TaskSettings {
    let json = r#"{
        "enabled": true, "title": "Staff", "permitted_robots": ["robot"],
        "attribute_mapping": {"username": "Username", "role": "Role"},
        "role_mapping": {"catman": "Category Manager", "*": "Nobody"},
        "list_item_separator": "\t", "safety_threshold": {"percent": 5},
        "external_id_conflicts": "apply", "undo_days": 30
    }"#;
    TaskSettings {
        id,
        ..serde_json::from_str(json).unwrap()
    }
}

#[tokio::test]
async fn a_tenant_is_created_once() {
    let store = store().await;
    assert_eq!(
        store.tenants().create("acme", at(0)).await.unwrap(),
        Creation::Created
    );
    assert_eq!(
        store.tenants().create("acme", at(1)).await.unwrap(),
        Creation::Taken
    );
    assert_eq!(
        store
            .tenants()
            .get("acme")
            .await
            .unwrap()
            .unwrap()
            .created_at,
        at(0)
    );
    assert_eq!(store.tenants().get("other").await.unwrap(), None);
    assert!(matches!(
        store.tenants().create("a#b", at(0)).await.unwrap(),
        Creation::BadName(_)
    ));
}

#[tokio::test]
async fn user_id_blocks_never_overlap() {
    let store = store().await;
    assert_eq!(
        store.directory().next_user_ids(3).await.unwrap(),
        1_001..1_004
    );
    assert_eq!(
        store.directory().next_user_ids(1).await.unwrap(),
        1_004..1_005
    );
    assert_eq!(store.tasks().next_id().await.unwrap(), 206);
    assert_eq!(store.tasks().next_id().await.unwrap(), 207);

    let blocks = join_all((0..8).map(|_| store.directory().next_user_ids(100))).await;
    let mut ids: Vec<_> = blocks.into_iter().flat_map(Result::unwrap).collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(1_005..1_805));
}

#[tokio::test]
async fn settings_round_trip() {
    let store = store().await;
    let stored = store
        .tasks()
        .put("acme", settings(206), None, at(0))
        .await
        .unwrap();
    let read = store.tasks().get(206).await.unwrap().unwrap();
    assert_eq!(stored, PutTaskOutcome::Stored(Box::new(read.clone())));
    assert_eq!((read.tenant.as_str(), read.version), ("acme", 1));
    assert_eq!(read.settings, settings(206));
    assert_eq!(store.tasks().get(207).await.unwrap(), None);
}

#[tokio::test]
async fn a_task_stored_before_a_setting_existed_keeps_what_it_did() {
    let store = store().await;
    let put = |settings, replaces| store.tasks().put("acme", settings, replaces, at(0));
    put(settings(206), None).await.unwrap();
    let read = async || store.tasks().get(206).await.unwrap().unwrap().settings;
    let without = TaskSettings {
        external_id_conflicts: None,
        undo_days: None,
        ..settings(206)
    };
    // An earlier version stored no value, and its clients send none.
    let mut row = raw(&store, "TASK#206", "TASK").await.unwrap();
    let json = serde_json::to_string(&without).unwrap();
    row.insert("settings".to_owned(), AttributeValue::S(json));
    let put_row = store.client().put_item().table_name(&store.tables.control);
    put_row.set_item(Some(row)).send().await.unwrap();
    assert_eq!(read().await, settings(206));
    put(without, Some(1)).await.unwrap();
    assert_eq!(read().await, settings(206));
    let history = store.tasks().history("acme", 206, None, 10).await.unwrap();
    let changed: Vec<String> = history.unwrap().versions[0].changed.clone();
    assert_eq!(changed, [""; 0]);
}

#[tokio::test]
async fn invalid_settings_are_refused_and_change_nothing() {
    let store = store().await;
    store
        .tasks()
        .put("acme", settings(206), None, start())
        .await
        .unwrap();
    let mut wrong = settings(206);
    wrong.attribute_mapping.clear();
    wrong.title = "x".repeat(201);
    match store
        .tasks()
        .put("acme", wrong, Some(1), start())
        .await
        .unwrap()
    {
        PutTaskOutcome::Refused(problems) => {
            let fields: Vec<_> = problems.iter().map(|problem| &problem.field).collect();
            assert!(fields.iter().any(|field| *field == "title"), "{fields:?}");
            assert!(
                fields.iter().any(|field| field.contains("username")),
                "{fields:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        store.tasks().get(206).await.unwrap().unwrap().settings,
        settings(206)
    );

    let mut large = settings(207);
    for n in 0..10_000 {
        large
            .role_mapping
            .insert(format!("a role with a number {n}"), "Some role".to_owned());
    }
    match store
        .tasks()
        .put("acme", large, None, start())
        .await
        .unwrap()
    {
        PutTaskOutcome::Refused(problems) => assert_eq!(problems[0].field, "settings"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn storing_settings_requires_the_latest_version() {
    let store = store().await;
    store
        .tasks()
        .put("acme", settings(206), None, at(0))
        .await
        .unwrap();
    let mut disabled = settings(206);
    disabled.enabled = false;
    match store
        .tasks()
        .put("acme", disabled.clone(), Some(1), at(5))
        .await
        .unwrap()
    {
        PutTaskOutcome::Stored(task) => {
            assert_eq!(
                (task.version, task.created_at, task.updated_at),
                (2, at(0), at(5))
            );
        }
        other => panic!("{other:?}"),
    }
    for (tenant, replaces, outcome) in [
        ("acme", Some(1), PutTaskOutcome::Changed),
        ("acme", None, PutTaskOutcome::Changed),
        ("other", Some(2), PutTaskOutcome::Missing),
    ] {
        let put = store
            .tasks()
            .put(tenant, settings(206), replaces, at(6))
            .await
            .unwrap();
        assert_eq!(put, outcome);
    }
    assert_eq!(
        store.tasks().get(206).await.unwrap().unwrap().settings,
        disabled
    );
}
