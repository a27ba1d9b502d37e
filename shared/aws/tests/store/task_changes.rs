//! Operators create, change and list tasks: validation, history and pages.

use muster_aws::Store;
use muster_aws::auth::operators::{Operator, Role};
use muster_aws::tasks::{PutTaskOutcome, Task, TaskFilter};
use muster_core::settings::{FieldProblem, TaskSettings};

use crate::faults::{Fault, Faults};
use crate::support::{at, raw, store};

fn operator(tenant: &str, name: &str) -> Operator {
    Operator {
        tenant: tenant.to_owned(),
        name: name.to_owned(),
        role: Role::Manage,
    }
}

fn anna() -> Operator {
    operator("acme", "anna")
}

/// Returns a store whose tenant has the robot and the role of [`settings`].
async fn acme() -> Store {
    let store = store().await;
    for (tenant, robot) in [("acme", "robot"), ("globex", "foreign")] {
        let made = store.robots().create(tenant, robot, "s3cret".into(), at(0));
        made.await.unwrap();
    }
    let roles = vec!["Nurse".to_owned()];
    store.roles().put(&anna(), 0, roles, at(0)).await.unwrap();
    store
}

fn settings() -> TaskSettings {
    let json = r#"{
        "enabled": true, "title": "Staff", "permitted_robots": ["robot"],
        "attribute_mapping": {"username": "Username"}, "role_mapping": {"n": "Nurse"}
    }"#;
    serde_json::from_str(json).unwrap()
}

fn titled(id: u64, title: &str) -> TaskSettings {
    TaskSettings {
        id,
        title: title.to_owned(),
        ..settings()
    }
}

fn stored(put: PutTaskOutcome) -> Task {
    match put {
        PutTaskOutcome::Stored(task) => *task,
        other => panic!("{other:?}"),
    }
}

fn fields(put: PutTaskOutcome) -> Vec<String> {
    match put {
        PutTaskOutcome::Refused(problems) => problems
            .into_iter()
            .map(|FieldProblem { field, .. }| field)
            .collect(),
        other => panic!("{other:?}"),
    }
}

async fn create(store: &Store, settings: TaskSettings) -> PutTaskOutcome {
    let by = anna();
    let created = store.tasks().create(&by, settings, None, at(1));
    created.await.unwrap()
}

async fn replace(store: &Store, by: &str, version: u64, settings: TaskSettings) -> PutTaskOutcome {
    let by = operator("acme", by);
    let now = at(10 + version);
    store
        .tasks()
        .replace(&by, version, settings, now)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_task_has_its_creator_and_its_last_editor() {
    let store = acme().await;
    let task = stored(create(&store, settings()).await);
    assert_eq!((task.settings.id, task.version), (206, 1));
    assert_eq!(task.created_by.as_deref(), Some("anna"));
    let task = stored(replace(&store, "bea", 1, titled(206, "Nurses")).await);
    assert_eq!(
        (task.version, task.created_at, task.updated_at),
        (2, at(1), at(11))
    );
    assert_eq!(task.created_by.as_deref(), Some("anna"));
    assert_eq!(task.updated_by.as_deref(), Some("bea"));
    assert_eq!(store.tasks().get(206).await.unwrap(), Some(task));
}

#[tokio::test]
async fn every_version_is_kept_with_its_changes() {
    let store = acme().await;
    create(&store, settings()).await;
    replace(&store, "bea", 1, titled(206, "Nurses")).await;
    let disable = |settings: &mut TaskSettings| settings.enabled = false;
    for _ in 0..2 {
        let disabled = store.tasks().change(&anna(), 206, disable, at(20)).await;
        assert_eq!(
            stored(disabled.unwrap()).version,
            3,
            "a repeated change has no effect"
        );
    }
    let history = store
        .tasks()
        .history("acme", 206, None, 2)
        .await
        .unwrap()
        .unwrap();
    let summary: Vec<_> = history
        .versions
        .iter()
        .map(|one| {
            (
                one.version,
                one.at,
                one.by.as_deref(),
                one.changed.join(","),
            )
        })
        .collect();
    assert_eq!(
        summary,
        [
            (3, at(20), Some("anna"), "enabled".to_owned()),
            (2, at(11), Some("bea"), "title".to_owned()),
        ]
    );
    let rest = store
        .tasks()
        .history("acme", 206, history.next, 2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rest.versions.len(), 1);
    assert_eq!(rest.versions[0].settings.title, "Staff");
    assert!(rest.versions[0].changed.is_empty() && rest.next.is_none());
    assert_eq!(
        store.tasks().history("globex", 206, None, 2).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_stale_save_returns_the_changes_since() {
    let store = acme().await;
    create(&store, settings()).await;
    replace(&store, "bea", 1, titled(206, "Nurses")).await;
    replace(&store, "carl", 2, titled(206, "All nurses")).await;
    assert_eq!(
        replace(&store, "anna", 1, titled(206, "Mine")).await,
        PutTaskOutcome::Changed
    );
    let changes = store
        .tasks()
        .changes_since("acme", 206, 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((changes.version, changes.complete), (3, true));
    let by: Vec<_> = changes
        .since
        .iter()
        .filter_map(|one| one.by.as_deref())
        .collect();
    assert_eq!(by, ["carl", "bea"]);
    let ahead = store
        .tasks()
        .changes_since("acme", 206, 9)
        .await
        .unwrap()
        .unwrap();
    assert!(ahead.since.is_empty());
    assert_eq!(
        store.tasks().changes_since("globex", 206, 1).await.unwrap(),
        None
    );

    let again = stored(replace(&store, "carl", 2, titled(206, "All nurses")).await);
    assert_eq!(again.version, 3, "a repeated request succeeds");
}

#[tokio::test]
async fn robots_and_roles_must_belong_to_the_tenant() {
    let store = acme().await;
    let mut wrong = settings();
    wrong.permitted_robots = ["robot", "foreign", "nobody", "\0"]
        .map(str::to_owned)
        .into();
    wrong
        .role_mapping
        .insert("d".to_owned(), "Doctor".to_owned());
    let refused = [
        "permitted_robots.1",
        "permitted_robots.2",
        "permitted_robots.3",
        "role_mapping.d",
    ];
    assert_eq!(fields(create(&store, wrong.clone()).await), refused);
    wrong.enabled = false;
    assert_eq!(fields(create(&store, wrong).await), refused);
    assert_eq!(
        store.tasks().next_id().await.unwrap(),
        206,
        "no number was taken"
    );
}

#[tokio::test]
async fn existing_settings_are_validated_when_a_task_is_enabled() {
    let store = acme().await;
    let mut strange = settings();
    strange.id = 300;
    strange.enabled = false;
    strange.permitted_robots.push("nobody".to_owned());
    store
        .tasks()
        .put("acme", strange.clone(), None, at(0))
        .await
        .unwrap();
    strange.title = "Renamed".to_owned();
    strange.permitted_robots.push("foreign".to_owned());
    assert_eq!(
        fields(replace(&store, "anna", 1, strange.clone()).await),
        ["permitted_robots.2"]
    );
    strange.permitted_robots.pop();
    stored(replace(&store, "anna", 1, strange).await);

    let enable = |settings: &mut TaskSettings| settings.enabled = true;
    let enabled = store.tasks().change(&anna(), 300, enable, at(5)).await;
    assert_eq!(fields(enabled.unwrap()), ["permitted_robots.1"]);
    assert!(
        !store
            .tasks()
            .get(300)
            .await
            .unwrap()
            .unwrap()
            .settings
            .enabled
    );
}

#[tokio::test]
async fn a_bootstrapped_task_adds_its_roles_to_the_tenant() {
    let store = acme().await;
    let mut task = settings();
    task.id = 300;
    task.role_mapping
        .insert("d".to_owned(), "Doctor".to_owned());
    store.tasks().put("acme", task, None, at(0)).await.unwrap();
    let roles = store.roles().get("acme").await.unwrap();
    assert_eq!(roles.version, 2);
    assert!(roles.roles.iter().eq(["Doctor", "Nurse"]));
    let page = store
        .tasks()
        .list("acme", &TaskFilter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(page.tasks.len(), 1);
}

#[tokio::test]
async fn a_task_of_another_tenant_is_not_found() {
    let store = acme().await;
    create(&store, settings()).await;
    let other = operator("globex", "otto");
    let replaced = store
        .tasks()
        .replace(&other, 1, titled(206, "Mine"), at(2))
        .await;
    assert_eq!(replaced.unwrap(), PutTaskOutcome::Missing);
    let changed = store
        .tasks()
        .change(&other, 206, |it| it.enabled = false, at(2))
        .await;
    assert_eq!(changed.unwrap(), PutTaskOutcome::Missing);
    let listed = store
        .tasks()
        .list("globex", &TaskFilter::default(), None, 10)
        .await
        .unwrap();
    assert!(listed.tasks.is_empty());
}

#[tokio::test]
async fn a_list_continues_after_the_last_page() {
    let store = acme().await;
    for title in ["one", "two", "THREE", "four"] {
        create(&store, titled(0, title)).await;
    }
    let all = TaskFilter::default();
    let page = store.tasks().list("acme", &all, None, 3).await.unwrap();
    let ids: Vec<_> = page.tasks.iter().map(|task| task.settings.id).collect();
    assert_eq!((ids, page.next), (vec![206, 207, 208], Some(208)));
    let rest = store
        .tasks()
        .list("acme", &all, page.next, 3)
        .await
        .unwrap();
    assert_eq!((rest.tasks.len(), rest.next), (1, None));

    let three = TaskFilter {
        text: Some("hree".to_owned()),
        ..all.clone()
    };
    let found = store.tasks().list("acme", &three, None, 1).await.unwrap();
    assert_eq!((found.tasks.len(), found.next), (1, Some(208)));
    let disabled = TaskFilter {
        enabled: Some(false),
        ..all
    };
    let none = store
        .tasks()
        .list("acme", &disabled, None, 1)
        .await
        .unwrap();
    assert_eq!((none.tasks.len(), none.next), (0, None));
}

#[tokio::test]
async fn a_page_of_large_tasks_is_cut_short() {
    let store = acme().await;
    let mut large = settings();
    for n in 0..900 {
        large
            .role_mapping
            .insert(format!("{n:03}{}", "x".repeat(280)), "Nurse".to_owned());
    }
    for _ in 0..10 {
        stored(create(&store, large.clone()).await);
    }
    let all = TaskFilter::default();
    let page = store.tasks().list("acme", &all, None, 100).await.unwrap();
    assert_eq!((page.tasks.len(), page.next), (8, Some(213)));
    let rest = store
        .tasks()
        .list("acme", &all, page.next, 100)
        .await
        .unwrap();
    assert_eq!((rest.tasks.len(), rest.next), (2, None));
}

#[tokio::test]
async fn a_save_with_a_lost_response_succeeds() {
    // After one lost response the next attempt finds the row; after two, only a read shows it.
    for lost in [1, 2] {
        let store = acme().await;
        let (faults, faulty) = Faults::on_every_attempt("TransactWriteItems", &store);
        faults.next(lost, Fault::LostResponse);
        assert_eq!(stored(create(&faulty, settings()).await).version, 1);
        faults.next(lost, Fault::LostResponse);
        let task = stored(replace(&faulty, "bea", 1, titled(206, "Nurses")).await);
        assert_eq!((task.version, faults.left()), (2, 0));
        let history = store
            .tasks()
            .history("acme", 206, None, 10)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(history.versions.len(), 2);
    }
}

#[tokio::test]
async fn a_row_of_an_earlier_version_is_listed_once_it_is_saved() {
    use aws_sdk_dynamodb::types::AttributeValue::{N, S};

    let store = acme().await;
    let json = serde_json::to_string(&titled(250, "Old")).unwrap();
    let put = store.client().put_item().table_name(&store.tables.control);
    put.item("pk", S("TASK#250".to_owned()))
        .item("sk", S("TASK".to_owned()))
        .item("tenant", S("acme".to_owned()))
        .item("settings", S(json))
        .item("version", N("4".to_owned()))
        .item("created_at", N("1795248000250".to_owned()))
        .item("updated_at", N("1795248000250".to_owned()))
        .send()
        .await
        .unwrap();
    let old = store.tasks().find("acme", 250).await.unwrap().unwrap();
    assert_eq!((old.created_by, old.settings.title.as_str()), (None, "Old"));
    let task = stored(replace(&store, "anna", 4, titled(250, "New")).await);
    assert_eq!((task.version, task.created_at), (5, old.created_at));
    assert!(
        raw(&store, "LIST#acme", "TASK#0000000000000250")
            .await
            .is_some()
    );
}
