//! Forms of values that a task adds (contract.md#value-formats).

use muster_tests::World;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{assert_partial_success, import_id, send_to};
use crate::uploads::get;
use crate::values::full_mapping_task;

/// Creates a task that maps the whole catalogue and has these formats.
async fn task(w: &World, formats: Value) -> u64 {
    let id = full_mapping_task(w, &w.store).await;
    let path = format!("/tasks/{id}");
    let stored = w.get(&path).await.json();
    let mut settings = stored["settings"].clone();
    settings["value_formats"] = formats;
    let body = json!({"version": stored["version"], "settings": settings});
    let saved = w.send_json(Method::PUT, &path, &body).await;
    assert_eq!(saved.status, 200, "{saved}");
    id
}

fn record(w: &World, login: &str, values: &Value) -> Value {
    let mut record = w.record("x");
    record["Username"] = json!(login);
    for (key, value) in values.as_object().expect("values") {
        record[key] = value.clone();
    }
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_read_in_the_formats_of_the_task() {
    let w = World::start().await;
    let formats = json!({
        "date_patterns": ["M/D/YYYY", "M/D/YYYY *"], "empty_words": ["NULL", "0000-00-00"],
        "true_words": ["ja"], "false_words": ["nein"], "national_phones": {"calling_code": "380", "trunk_prefix": "0", "national_digits": [9]},
    });
    let task = task(&w, formats).await;
    let anna = w.login("anna");
    let first = json!({
        "Birth Date": "5/31/1988", "Employment Date": "1/2/2020 12:00:00 AM", "Position Date": "NULL",
        "Phone": "097 123-45-67", "All Stores": "JA", "City": "Lviv", "Position": "Null",
    });
    let reply = send_to(&w, task, &json!([record(&w, &anna, &first)])).await;
    reply.assert_success(1);
    let user = w.store.user(&anna).await.expect("the user");
    assert_eq!(user["birth_date"], "1988-05-31");
    assert_eq!(user["employment_date"], "2020-01-02");
    assert_eq!(user.get("position_date"), None);
    assert_eq!(user["phone"], "+380971234567");
    assert_eq!(user["all_stores"], true);
    assert_eq!(user["position"], "Null", "words are compared exactly");

    let second =
        json!({"City": " NULL ", "Birth Date": "0000-00-00", "Active": "Nein", "Role": "NULL"});
    let call = w.import(0).await.task(task).query("dryRun");
    let planned = call
        .records(&json!([record(&w, &anna, &second)]))
        .send()
        .await;
    assert_eq!(planned.json()["Cleared"], 2, "{planned}");
    assert_eq!(planned.json()["Blocked"], 1, "{planned}");
    let reply = send_to(&w, task, &json!([record(&w, &anna, &second)])).await;
    reply.assert_success(1);
    let user = w.store.user(&anna).await.expect("the user");
    assert_eq!(user.get("city"), None);
    assert_eq!(user.get("birth_date"), None);
    assert_eq!(user["active"], false);
    assert_eq!(user["role"], "Category Manager");

    let wrong = json!({"Birth Date": "31/5/1988", "Phone": "12345", "All Stores": "oui"});
    let reply = send_to(&w, task, &json!([record(&w, &anna, &wrong)])).await;
    assert_partial_success(&reply, [1, 0, 0, 0]);
    let warnings = reply.warnings().join("\n");
    for part in [
        "not a calendar day in the format M/D/YYYY or M/D/YYYY * (\"31/5/1988\") [birth_date.malformed]",
        "(\"12345\") [phone.malformed]",
        "(\"oui\") [all_stores.malformed]",
    ] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_names_are_rewritten_and_the_dry_run_says_so() {
    let w = World::start().await;
    let formats = json!({
        "empty_words": ["N/A"],
        "username_replacements": [{"find": "CORP\\", "replace": ""}, {"find": "SALES\\", "replace": ""}],
    });
    let task = task(&w, formats).await;
    let (anna, bob) = (w.login("anna"), w.login("bob"));
    let sent = [
        bob.clone(),
        format!("CORP\\{anna}"),
        format!("SALES\\{anna}"),
        "N/A".to_owned(),
        "CORP\\".to_owned(),
    ];
    let records: Value = sent
        .iter()
        .map(|login| record(&w, login, &json!({})))
        .collect();
    let note = format!(
        "the task's replacements change 3 user names: the first, in record 2, is read as \"{anna}\" \
         (\"CORP\\{anna}\") [username.rewritten]"
    );
    let call = w.import(0).await.task(task).query("dryRun&debug");
    let planned = call.records(&records).send().await;
    assert_partial_success(&planned, [5, 2, 0, 1]);
    assert_eq!(planned.json()["Notes"][0], note, "{planned}");

    let reply = send_to(&w, task, &records).await;
    assert_partial_success(&reply, [5, 2, 0, 1]);
    let items = get(&w, import_id(&reply), "/items?severity=info")
        .await
        .json();
    assert_eq!(items["items"][0]["code"], "username.rewritten", "{items}");
    let users = w.store.users().await;
    assert!(users.contains_key(&anna) && users.contains_key(&bob));

    // The same names in an upload are the same users.
    let lines: Vec<String> = records
        .as_array()
        .unwrap()
        .iter()
        .map(Value::to_string)
        .collect();
    let file = lines.join("\n");
    let run = w
        .upload(0, task, "", json!({"format": "ndjson"}), file.as_bytes())
        .await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(status["Unchanged"], 2, "{status}");
    assert_eq!(status["Duplicated Users"], 1, "{status}");
    assert_eq!(status["Empty IDs"], 2, "{status}");
    let items = get(&w, &run, "/items?severity=info").await.json();
    assert_eq!(items["items"][0]["code"], "username.rewritten", "{items}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn formats_with_two_meanings_are_refused_with_their_fields() {
    let w = World::start().await;
    let formats = json!({
        "date_patterns": ["M/D/YYYY", "D/M/YYYY"], "true_words": ["no"], "national_phones": {"calling_code": "Ukraine"},
        "username_replacements": [{"find": "", "replace": ""}],
    });
    let body = json!({"settings": {"value_formats": formats}});
    let reply = w.send_json(Method::POST, "/tasks", &body).await;
    reply.assert_problem(422);
    let errors = reply.json()["errors"].as_array().cloned().expect("errors");
    let fields: Vec<_> = errors.iter().map(|error| error["field"].clone()).collect();
    for field in [
        "date_patterns.1",
        "true_words.0",
        "national_phones.calling_code",
        "username_replacements.0.find",
    ] {
        assert!(
            fields.contains(&json!(format!("value_formats.{field}"))),
            "{reply}"
        );
    }
    let unknown = json!({"settings": {"value_formats": {"dates": []}}});
    let reply = w.send_json(Method::POST, "/tasks", &unknown).await;
    reply.assert_problem(400);
}
