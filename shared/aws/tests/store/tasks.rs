//! Tenants, tasks as a set-up stores them, and the counters.

use futures::future::join_all;
use muster_aws::Creation;
use muster_aws::tasks::PutTask;
use muster_core::settings::TaskSettings;

use crate::support::{at, start, store};

fn settings(id: u64) -> TaskSettings {
    let json = r#"{
        "enabled": true, "title": "Staff", "permitted_robots": ["robot"],
        "attribute_mapping": {"username": "Username", "role": "Role"},
        "role_mapping": {"catman": "Category Manager", "*": "Nobody"},
        "list_item_separator": "\t", "safety_threshold": {"percent": 5}
    }"#;
    TaskSettings {
        id,
        ..serde_json::from_str(json).unwrap()
    }
}

#[tokio::test]
async fn a_tenant_is_made_once() {
    let store = store().await;
    assert_eq!(
        store.create_tenant("acme", at(0)).await.unwrap(),
        Creation::Created
    );
    assert_eq!(
        store.create_tenant("acme", at(1)).await.unwrap(),
        Creation::Taken
    );
    assert_eq!(
        store.get_tenant("acme").await.unwrap().unwrap().created_at,
        at(0)
    );
    assert_eq!(store.get_tenant("other").await.unwrap(), None);
    assert!(matches!(
        store.create_tenant("a#b", at(0)).await.unwrap(),
        Creation::BadName(_)
    ));
}

#[tokio::test]
async fn user_ids_come_in_blocks_that_never_overlap() {
    let store = store().await;
    assert_eq!(store.next_user_ids(3).await.unwrap(), 1_001..1_004);
    assert_eq!(store.next_user_ids(1).await.unwrap(), 1_004..1_005);
    assert_eq!(store.next_task_id().await.unwrap(), 206);
    assert_eq!(store.next_task_id().await.unwrap(), 207);

    let blocks = join_all((0..8).map(|_| store.next_user_ids(100))).await;
    let mut ids: Vec<_> = blocks.into_iter().flat_map(Result::unwrap).collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(1_005..1_805));
}

#[tokio::test]
async fn settings_are_read_as_they_were_stored() {
    let store = store().await;
    let stored = store
        .put_task("acme", settings(206), None, at(0))
        .await
        .unwrap();
    let read = store.get_task(206).await.unwrap().unwrap();
    assert_eq!(stored, PutTask::Stored(Box::new(read.clone())));
    assert_eq!((read.tenant.as_str(), read.version), ("acme", 1));
    assert_eq!(read.settings, settings(206));
    assert_eq!(store.get_task(207).await.unwrap(), None);
}

#[tokio::test]
async fn wrong_settings_are_refused_and_what_was_there_stays() {
    let store = store().await;
    store
        .put_task("acme", settings(206), None, start())
        .await
        .unwrap();
    let mut wrong = settings(206);
    wrong.attribute_mapping.clear();
    wrong.title = "x".repeat(201);
    match store
        .put_task("acme", wrong, Some(1), start())
        .await
        .unwrap()
    {
        PutTask::Refused(problems) => {
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
        store.get_task(206).await.unwrap().unwrap().settings,
        settings(206)
    );

    let mut large = settings(207);
    for n in 0..10_000 {
        large
            .role_mapping
            .insert(format!("a role with a number {n}"), "Some role".to_owned());
    }
    match store.put_task("acme", large, None, start()).await.unwrap() {
        PutTask::Refused(problems) => assert_eq!(problems[0].field, "settings"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_stores_settings_must_have_seen_the_last_ones() {
    let store = store().await;
    store
        .put_task("acme", settings(206), None, at(0))
        .await
        .unwrap();
    let mut disabled = settings(206);
    disabled.enabled = false;
    match store
        .put_task("acme", disabled.clone(), Some(1), at(5))
        .await
        .unwrap()
    {
        PutTask::Stored(task) => {
            assert_eq!(
                (task.version, task.created_at, task.updated_at),
                (2, at(0), at(5))
            );
        }
        other => panic!("{other:?}"),
    }
    for (tenant, replaces, outcome) in [
        ("acme", Some(1), PutTask::Changed),
        ("acme", None, PutTask::Changed),
        ("other", Some(2), PutTask::Missing),
    ] {
        let put = store
            .put_task(tenant, settings(206), replaces, at(6))
            .await
            .unwrap();
        assert_eq!(put, outcome);
    }
    assert_eq!(
        store.get_task(206).await.unwrap().unwrap().settings,
        disabled
    );
}
