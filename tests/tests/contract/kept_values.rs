//! Values before a run, which are kept for an undo (contract.md#kept-values).

use jiff::{SignedDuration, Timestamp};
use muster_tests::World;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{import_id, put_into, send_to};

/// Creates a task that keeps values for some days.
async fn task_that_keeps(w: &World, days: u32) -> u64 {
    let change = |task: &mut Value| {
        task["undo_days"] = json!(days);
        task["safety_threshold"] = json!({});
        for (attribute, key) in [("phone", "Phone"), ("tags", "Tags"), ("city", "City")] {
            task["attribute_mapping"][attribute] = json!(key);
        }
    };
    w.store.task(w, 0, change).await
}

/// Imports users; returns a body that changes the first, repeats the second and creates a third.
async fn import_users(w: &World, task: u64) -> Value {
    let mut anna = w.record("anna");
    anna["Phone"] = json!("+380501234567");
    anna["Tags"] = json!(["a", "b"]);
    put_into(w, task, &json!([anna, w.record("ben")])).await;
    anna["Name"] = json!("Another");
    anna["Phone"] = Value::Null;
    anna["Tags"] = json!(["c"]);
    anna["City"] = json!("Kyiv");
    json!([anna, w.record("ben"), w.record("cleo")])
}

/// Asserts that a run of this body has kept what it replaced, and that this fits the users.
async fn assert_kept(w: &World, run: &str) {
    let users = w.store.users().await;
    let [anna, cleo] = ["anna", "cleo"].map(|name| &users[&w.login(name)]);
    let mut entries = w.store.kept_entries(run).await;
    entries.sort_by_key(|entry| entry["record"].as_u64());
    let before = json!({
        "name": "anna", "phone": "+380501234567", "tags": ["a", "b"], "city": null,
    });
    assert_eq!(
        entries,
        [
            json!({"record": 1, "id": anna["id"], "login": w.login("anna"), "seen": 1, "after": 2,
                "before": before}),
            json!({"record": 3, "id": cleo["id"], "login": w.login("cleo"), "seen": 0, "after": 1,
                "created": true, "before": {}}),
        ]
    );
    assert_eq!((&anna["version"], &cleo["version"]), (&json!(2), &json!(1)));
    let applied = w.store.applied_records(run).await;
    assert_eq!(Vec::from_iter(applied), [1, 3]);
}

/// Returns the time until which a run can be undone, and asserts that it is this many days after its
/// end; `None` if it cannot be.
async fn undo_until(w: &World, run: &str, days: i64) -> Option<Timestamp> {
    let run = w.get(&format!("/runs/{run}")).await.json();
    let time = |name: &str| Some(run[name].as_str()?.parse::<Timestamp>().expect("a time"));
    let until = time("undo_until")?;
    let ended_at = time("ended_at").expect("an end");
    assert_eq!(until - SignedDuration::from_hours(24 * days), ended_at);
    Some(until)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_keeps_the_values_that_it_replaces() {
    let w = World::start().await;
    let task = task_that_keeps(&w, 7).await;
    let body = import_users(&w, task).await;
    let reply = send_to(&w, task, &body).await;
    let run = import_id(&reply);
    assert_kept(&w, run).await;
    assert!(undo_until(&w, run, 7).await.is_some(), "{reply}");
    assert!(w.store.kept_row(run).await.is_some(), "not in its row");
    assert_eq!(w.store.kept_objects(run).await, [""; 0]);
    // Nothing was written: there is nothing to undo.
    let again = send_to(&w, task, &body).await;
    let run = import_id(&again);
    assert_eq!(undo_until(&w, run, 7).await, None);
    assert_eq!(w.store.kept_row(run).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_keeps_the_values_that_it_replaces() {
    let w = World::start().await;
    let task = task_that_keeps(&w, 90).await;
    let file = import_users(&w, task).await.to_string().into_bytes();
    let run = w.upload(0, task, "", json!({}), &file).await;
    w.wait_until_ended(0, &run).await;
    assert_kept(&w, &run).await;
    assert!(undo_until(&w, &run, 90).await.is_some());
    assert_eq!(w.store.kept_objects(&run).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rename_keeps_the_user_name_before() {
    let w = World::start().await;
    let change = |task: &mut Value| task["identify_by"] = json!("external_id");
    let task = w.store.task(&w, 0, change).await;
    let mut record = w.record("Anna.Old");
    record["External ID"] = json!(w.login("e1"));
    put_into(&w, task, &json!([record])).await;
    record["Username"] = json!(w.login("anna.new"));
    let reply = send_to(&w, task, &json!([record])).await;
    let user = w.store.user(&w.login("anna.new")).await.expect("renamed");
    let entries = w.store.kept_entries(import_id(&reply)).await;
    assert_eq!(
        entries,
        [
            json!({"record": 1, "id": user["id"], "login": w.login("anna.new"), "seen": 1,
            "after": user["version"], "before": {"username": w.login("Anna.Old")}})
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_with_many_values_keeps_them_in_the_bucket() {
    const USERS: usize = 1_000;
    let w = World::start().await;
    let task = task_that_keeps(&w, 30).await;
    let records = |name: &str| -> Value {
        let users = (0..USERS).map(|user| {
            let mut record = w.record(&format!("u{user}"));
            // Digits that do not repeat, so that they do not pack well.
            record["Name"] = json!(format!("{name} {:x}", user * user * 2_654_435_761));
            record
        });
        users.collect()
    };
    put_into(&w, task, &records("old")).await;
    let reply = send_to(&w, task, &records("new")).await;
    let run = import_id(&reply);
    assert_eq!(w.store.kept_objects(run).await.len(), 1);
    assert_eq!(w.store.kept_row(run).await, None, "in one place");
    let entries = w.store.kept_entries(run).await;
    assert_eq!(entries.len(), USERS);
    let is_old = |entry: &Value| {
        let name = entry["before"]["name"].as_str();
        name.is_some_and(|name| name.starts_with("old "))
    };
    assert!(entries.iter().all(is_old));
    assert_eq!(w.store.applied_records(run).await.len(), USERS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_with_no_days_keeps_nothing_and_neither_does_a_dry_run() {
    let w = World::start().await;
    for (days, query) in [(0, ""), (30, "dryRun")] {
        let task = task_that_keeps(&w, days).await;
        let body = json!([w.record(&format!("dora{days}"))]);
        let call = w.import(0).await.task(task).query(query);
        let reply = call.records(&body).send().await;
        let file = json!([w.record(&format!("emil{days}"))]);
        let file = file.to_string().into_bytes();
        let uploaded = w.upload(0, task, query, json!({}), &file).await;
        w.wait_until_ended(0, &uploaded).await;
        for run in [import_id(&reply), &uploaded] {
            assert_eq!(undo_until(&w, run, 0).await, None, "{reply}");
            assert_eq!(w.store.kept_entries(run).await, [Value::Null; 0]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_erases_the_values_of_an_ended_run_at_once() {
    let w = World::start().await;
    let task = task_that_keeps(&w, 30).await;
    let body = import_users(&w, task).await;
    let reply = send_to(&w, task, &body).await;
    let request = import_id(&reply).to_owned();
    let file = json!([w.record("dora")]).to_string().into_bytes();
    let uploaded = w.upload(0, task, "", json!({}), &file).await;
    w.wait_until_ended(0, &uploaded).await;
    let objects = w.store.kept_objects(&uploaded).await;
    assert_eq!(objects.len(), 1);
    let before = w.directory().await;
    for run in [&request, &uploaded] {
        let path = format!("/runs/{run}/undo-data");
        assert!(undo_until(&w, run, 30).await.is_some());
        // Repeating it changes nothing.
        for _ in 0..2 {
            let erased = w.operator(0, Method::DELETE, &path).await.send().await;
            assert_eq!((erased.status, erased.text()), (204, ""));
            assert_eq!(undo_until(&w, run, 30).await, None);
            assert_eq!(w.store.kept_row(run).await, None);
        }
        let foreign = w.operator(1, Method::DELETE, &path).await.send().await;
        foreign.assert_problem(404);
    }
    assert!(!w.store.is_kept(&uploaded, &objects[0]).await);
    assert!(w.directory().await == before, "users were changed");
    assert_eq!(w.get(&format!("/runs/{uploaded}")).await.status, 200);

    let running = w.store.lock_task(&w, 0, task).await;
    let path = format!("/runs/{running}/undo-data");
    let refused = w.operator(0, Method::DELETE, &path).await.send().await;
    refused.assert_problem(409);
    let detail = refused.json()["detail"].to_string();
    assert!(detail.contains("expected an ended run"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_setting_has_a_default_a_range_and_is_kept_by_clients_that_do_not_know_it() {
    let w = World::start().await;
    let own = w.get(&format!("/tasks/{}", w.tenants[0].task_id)).await;
    let mut settings = own.json()["settings"].take();
    let members = settings.as_object_mut().expect("settings");
    members.retain(|name, _| name != "id" && name != "undo_days");
    let body = json!({"settings": settings});
    let created = w.send_json(Method::POST, "/tasks", &body).await;
    assert_eq!(created.json()["settings"]["undo_days"], 30, "{created}");

    let path = format!("/tasks/{}", created.json()["id"]);
    let put = async |days: Option<Value>, version: u64| {
        let mut settings = settings.clone();
        settings["title"] = json!(format!("version {version}"));
        if let Some(days) = days {
            settings["undo_days"] = days;
        }
        let body = json!({"version": version, "settings": settings});
        w.send_json(Method::PUT, &path, &body).await
    };
    let saved = put(Some(json!(0)), 1).await;
    assert_eq!(saved.json()["settings"]["undo_days"], 0, "{saved}");
    let saved = put(None, 2).await;
    assert_eq!(saved.json()["settings"]["undo_days"], 0, "{saved}");
    let saved = put(Some(json!(90)), 3).await;
    assert_eq!(saved.json()["settings"]["undo_days"], 90, "{saved}");

    let refused = put(Some(json!(91)), 4).await;
    assert_eq!(refused.status, 422, "{refused}");
    let errors = refused.json()["errors"].take();
    let message = "expected 0 to 90 days, found 91: send 0 to keep nothing";
    let expected = json!([{"field": "undo_days", "message": message}]);
    assert_eq!(errors, expected);
    for days in [json!("30"), json!(-1), json!(7.5)] {
        let refused = put(Some(days), 4).await;
        assert!((400..=422).contains(&refused.status), "{refused}");
        let text = refused.text();
        assert!(
            text.contains("a whole number of days, 0 to 90"),
            "{refused}"
        );
    }
}
