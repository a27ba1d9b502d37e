//! Creating and changing tasks, and their history.

use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::pages;

/// Returns the settings of the first tenant's own task, without the id.
async fn settings(w: &World) -> Value {
    let task = w.get(&format!("/tasks/{}", w.tenants[0].task_id)).await;
    let mut settings = task.json()["settings"].take();
    settings.as_object_mut().expect("settings").remove("id");
    settings
}

/// Creates a task with the settings of the first tenant's own one.
async fn create_task(w: &World) -> Value {
    let body = json!({"settings": settings(w).await});
    let reply = w.send_json(Method::POST, "/tasks", &body).await;
    assert_eq!(reply.status, 201, "{reply}");
    reply.json()
}

/// Sends a request of an operator without a body.
async fn send_empty(w: &World, tenant: usize, method: Method, path: &str) -> Reply {
    w.operator(tenant, method, path).await.send().await
}

/// Returns the fields of the errors in a problem.
fn fields(reply: &Reply) -> Vec<String> {
    let errors = reply.json()["errors"].take();
    let errors = errors.as_array().cloned().unwrap_or_default();
    let fields = errors.iter().map(|error| error["field"].as_str());
    fields
        .map(|field| field.expect("a field").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_task_accepts_imports_until_it_is_disabled() {
    let w = World::start().await;
    let body = json!({"settings": settings(&w).await});
    let reply = w.send_json(Method::POST, "/tasks", &body).await;
    assert_eq!(reply.status, 201, "{reply}");
    let task = reply.json();
    let (id, name) = (
        task["id"].as_u64().unwrap(),
        &w.tenants[0].operator.username,
    );
    assert_eq!(
        reply.header("location"),
        Some(format!("/admin/v1/tasks/{id}").as_str())
    );
    assert_eq!(task["version"], 1);
    assert_eq!(task["settings"]["id"], id);
    assert_eq!(
        (&task["created_by"], &task["updated_by"]),
        (&json!(name), &json!(name))
    );
    let at = task["created_at"].as_str().unwrap();
    assert!(at.len() == 24 && at.ends_with('Z'), "{at}");

    let path = format!("/tasks/{id}");
    assert_eq!(w.get(&path).await.json(), task);
    let import = || async { w.import(0).await.task(id).body("[]").send().await };
    import().await.assert_success(0);
    for _ in 0..2 {
        let disabled = send_empty(&w, 0, Method::POST, &format!("{path}/disable")).await;
        assert_eq!(disabled.status, 200, "{disabled}");
        assert_eq!(disabled.json()["version"], 2);
    }
    import().await.assert_failure(400);
    let enabled = send_empty(&w, 0, Method::POST, &format!("{path}/enable")).await;
    assert_eq!(enabled.json()["settings"]["enabled"], true);
    import().await.assert_success(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saving_an_outdated_version_is_a_conflict_with_the_changed_fields() {
    let w = World::start().await;
    let task = create_task(&w).await;
    let path = format!("/tasks/{}", task["id"]);
    let save = |version: u64, field: &str, value: Value| {
        let mut settings = task["settings"].clone();
        settings[field] = value;
        let body = json!({"version": version, "settings": settings});
        let (w, path) = (&w, &path);
        async move { w.send_json(Method::PUT, path, &body).await }
    };
    let saved = save(1, "notes", json!("checked")).await;
    assert_eq!(
        (saved.status, &saved.json()["version"]),
        (200, &json!(2)),
        "{saved}"
    );
    assert_eq!(
        save(2, "notes", json!("checked")).await.json()["version"],
        2,
        "an unchanged task got a new version"
    );

    let outdated = save(1, "title", json!("Mine")).await;
    outdated.assert_problem(409);
    let problem = outdated.json();
    assert_eq!(fields(&outdated), ["notes"]);
    for text in [&problem["detail"], &problem["errors"][0]["message"]] {
        let text = text.as_str().unwrap();
        assert!(text.contains(&w.tenants[0].operator.username), "{text}");
    }
    save(9, "title", json!("Mine")).await.assert_problem(409);
    assert_eq!(w.get(&path).await.json(), saved.json());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_settings_are_refused_with_their_fields() {
    let w = World::start().await;
    let mut settings = settings(&w).await;
    let before = w.get("/tasks").await;
    settings["id"] = json!(206);
    let numbered = json!({"settings": settings});
    let reply = w.send_json(Method::POST, "/tasks", &numbered).await;
    reply.assert_problem(422);
    assert_eq!(fields(&reply), ["id"]);

    let robots = json!([
        "nobody",
        w.tenants[0].robot.username,
        w.tenants[1].robot.username
    ]);
    let invalid = json!({
        "enabled": true, "permitted_robots": robots,
        "attribute_mapping": {"name": "Name", "password": "Secret"},
        "role_mapping": {"catman": "No such role"}
    });
    let reply = w
        .send_json(Method::POST, "/tasks", &json!({"settings": invalid}))
        .await;
    reply.assert_problem(422);
    assert_eq!(
        fields(&reply),
        [
            "attribute_mapping.password",
            "attribute_mapping.username",
            "permitted_robots.0",
            "permitted_robots.2",
            "role_mapping.catman"
        ]
    );
    let unknown_field = json!({"settings": {"titel": "Staff"}});
    let reply = w.send_json(Method::POST, "/tasks", &unknown_field).await;
    reply.assert_problem(400);
    assert_eq!(fields(&reply), ["settings.titel"]);
    assert_eq!(
        w.get("/tasks").await.body,
        before.body,
        "a refused task was created"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incomplete_task_cannot_be_enabled() {
    let w = World::start().await;
    let body = json!({"settings": {"title": "Draft"}});
    let draft = w.send_json(Method::POST, "/tasks", &body).await.json();
    let reply = send_empty(
        &w,
        0,
        Method::POST,
        &format!("/tasks/{}/enable", draft["id"]),
    )
    .await;
    reply.assert_problem(422);
    assert_eq!(
        fields(&reply),
        ["attribute_mapping.username", "permitted_robots"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_a_new_disabled_task() {
    let w = World::start().await;
    let own = w.tenants[0].task_id;
    let path = format!("/tasks/{own}/copy");
    let reply = w.send_json(Method::POST, &path, &json!({})).await;
    assert_eq!(reply.status, 201, "{reply}");
    let copy = reply.json();
    assert_ne!(copy["id"], own);
    assert_eq!(
        (&copy["version"], &copy["settings"]["enabled"]),
        (&json!(1), &json!(false))
    );
    let mut expected = settings(&w).await;
    expected["title"] = json!(format!("Copy of {}", expected["title"].as_str().unwrap()));
    expected["enabled"] = json!(false);
    expected["id"] = copy["id"].clone();
    assert_eq!(copy["settings"], expected);
    let named = w
        .send_json(Method::POST, &path, &json!({"title": "Second"}))
        .await;
    assert_eq!(named.json()["settings"]["title"], "Second");

    let longest = json!({"settings": {"title": "x".repeat(200)}});
    let longest = w.send_json(Method::POST, "/tasks", &longest).await.json();
    let path = format!("/tasks/{}/copy", longest["id"]);
    let copy = w.send_json(Method::POST, &path, &json!({})).await.json();
    let title = copy["settings"]["title"].as_str().unwrap();
    assert!(
        title.starts_with("Copy of x") && title.ends_with("x…"),
        "{title}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permission_of_a_robot_can_be_granted_and_withdrawn() {
    let w = World::start().await;
    let store = &w.store;
    let other = store.robot(&w, 0).await.username;
    let first = &w.tenants[0].robot.username;
    let path = format!("/tasks/{}/robots", create_task(&w).await["id"]);
    for _ in 0..2 {
        let granted = send_empty(&w, 0, Method::PUT, &format!("{path}/{other}")).await;
        assert_eq!(granted.status, 200, "{granted}");
        let task = granted.json();
        assert_eq!(task["settings"]["permitted_robots"], json!([first, other]));
        assert_eq!(task["version"], 2);
    }
    for _ in 0..2 {
        let withdrawn = send_empty(&w, 0, Method::DELETE, &format!("{path}/{first}")).await;
        assert_eq!(
            withdrawn.json()["settings"]["permitted_robots"],
            json!([other])
        );
    }
    let last = send_empty(&w, 0, Method::DELETE, &format!("{path}/{other}")).await;
    last.assert_problem(422);
    assert_eq!(fields(&last), ["permitted_robots"]);
    for unknown in ["nobody", &w.tenants[1].robot.username] {
        let reply = send_empty(&w, 0, Method::PUT, &format!("{path}/{unknown}")).await;
        reply.assert_problem(404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_has_every_version() {
    let w = World::start().await;
    let task = create_task(&w).await;
    let path = format!("/tasks/{}", task["id"]);
    send_empty(&w, 0, Method::POST, &format!("{path}/disable")).await;
    let history = w.get(&format!("{path}/history?limit=1")).await.json();
    let last = &history["items"][0];
    assert_eq!(
        (&last["version"], &last["changed"]),
        (&json!(2), &json!(["enabled"]))
    );
    assert_eq!(last["by"], w.tenants[0].operator.username.as_str());
    assert_eq!(last["settings"]["enabled"], false);
    let next = history["next"].as_str().unwrap();
    let first = w.get(&format!("{path}/history?after={next}")).await.json();
    assert_eq!(first["items"][0]["changed"], json!([]));
    assert_eq!(first["items"][0]["settings"], task["settings"]);
    assert_eq!(first["next"], Value::Null);

    let seeded = w
        .get(&format!("/tasks/{}/history", w.tenants[0].task_id))
        .await;
    assert_eq!(seeded.json()["items"][0]["by"], Value::Null, "{seeded}");
}

/// Returns the ids of all tasks that match the query, in their order.
async fn task_ids(w: &World, query: &str) -> Vec<u64> {
    let pages = pages(w, &format!("/tasks?{query}")).await;
    let tasks = pages.iter().flatten();
    let ids: Vec<u64> = tasks.filter_map(|task| task["id"].as_u64()).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_listed_by_page_state_and_text() {
    let w = World::start().await;
    let own = w.tenants[0].task_id;
    let id = create_task(&w).await["id"].as_u64().unwrap();
    send_empty(&w, 0, Method::POST, &format!("/tasks/{id}/disable")).await;
    for (query, expected) in [
        (String::new(), vec![own, id]),
        ("enabled=false".to_owned(), vec![id]),
        ("enabled=true".to_owned(), vec![own]),
        ("text=USERS+of".to_owned(), vec![own, id]),
        (format!("text={id}"), vec![id]),
        (format!("text=no.such.{}", w.tag), vec![]),
    ] {
        // A running stack has other tasks.
        let mut listed = task_ids(&w, &query).await;
        listed.retain(|task| [own, id].contains(task));
        assert_eq!(listed, expected, "{query}");
    }
    assert_eq!(task_ids(&w, "limit=1").await, task_ids(&w, "").await);
    for (query, field) in [
        ("limit=0", "limit"),
        ("enabled=maybe", "enabled"),
        ("after=x", "after"),
    ] {
        let reply = w.get(&format!("/tasks?{query}")).await;
        reply.assert_problem(400);
        assert_eq!(fields(&reply), [field], "{reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_of_another_tenant_gets_the_same_response_as_a_missing_one() {
    let w = World::start().await;
    let foreign = w.tenants[1].task_id;
    let body = json!({"version": 1, "settings": {}});
    for (method, path_end, body) in [
        (Method::GET, "", None),
        (Method::PUT, "", Some(body)),
        (Method::POST, "/copy", Some(json!({}))),
        (Method::POST, "/enable", None),
        (Method::POST, "/disable", None),
        (
            Method::PUT,
            &format!("/robots/{}", w.tenants[0].robot.username),
            None,
        ),
        (
            Method::DELETE,
            &format!("/robots/{}", w.tenants[1].robot.username),
            None,
        ),
        (Method::GET, "/history", None),
    ] {
        let mut bodies = Vec::new();
        for id in [foreign.to_string(), "999999".to_owned(), "x".to_owned()] {
            let path = format!("/tasks/{id}{path_end}");
            let reply = match &body {
                Some(body) => w.send_json(method.clone(), &path, body).await,
                None => send_empty(&w, 0, method.clone(), &path).await,
            };
            reply.assert_problem(404);
            bodies.push(reply.body);
        }
        assert!(
            bodies.windows(2).all(|pair| pair[0] == pair[1]),
            "{method} {path_end}"
        );
    }
    let untouched = send_empty(&w, 1, Method::GET, &format!("/tasks/{foreign}")).await;
    assert_eq!(untouched.json()["version"], 1, "{untouched}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_can_change_no_task() {
    let w = World::start().await;
    let store = &w.store;
    let session = w.begin_session(&store.reader(&w, 0).await).await;
    let task = format!("/tasks/{}", w.tenants[0].task_id);
    let call = |method, path: &str| w.call(method, &format!("/admin/v1{path}")).token(&session);
    for path in ["/tasks", &task, &format!("{task}/history"), "/roles"] {
        let reply = call(Method::GET, path).send().await;
        assert_eq!(reply.status, 200, "{reply}");
    }
    for (method, path) in [
        (Method::POST, "/tasks"),
        (Method::PUT, &task),
        (Method::POST, &format!("{task}/copy")),
        (Method::POST, &format!("{task}/enable")),
        (Method::POST, &format!("{task}/disable")),
        (Method::PUT, &format!("{task}/robots/nobody")),
        (Method::DELETE, &format!("{task}/robots/nobody")),
        (Method::PUT, "/roles"),
    ] {
        // The role is checked before the body.
        call(method, path).send().await.assert_problem(403);
    }
    assert_eq!(w.get(&task).await.json()["version"], 1);
}
