//! Keys of records: exact ones, other spellings, JSON Pointers, and what is said about the others
//! (contract.md#keys).

use muster_tests::{Reply, World};
use serde_json::{Value, json};

use crate::support::{import_id, send_to};
use crate::uploads::get;

/// Creates a task that maps these attributes beside those that a new user needs.
async fn task(w: &World, mapping: &[(&str, &str)]) -> u64 {
    let change = |task: &mut Value| {
        task["attribute_mapping"] =
            json!({"username": "Username", "role": "Role", "email": "E-mail"});
        for (attribute, key) in mapping {
            task["attribute_mapping"][*attribute] = json!(key);
        }
    };
    w.store.task(w, 0, change).await
}

/// Returns a complete record, changed by `change`.
fn record(w: &World, name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut record = json!({
        "Username": w.login(name), "Role": "catman", "E-mail": format!("{name}@example.com"),
    });
    change(&mut record);
    record
}

/// Asserts that all records were taken without a warning.
#[track_caller]
fn assert_taken(reply: &Reply, total: u64) {
    assert_eq!(
        reply.outcome(),
        (200, "SUCCESS".into(), [total, 0, 0, 0]),
        "{reply}"
    );
}

/// Returns the code and the key of each item of a run.
async fn items(w: &World, run: &str) -> Vec<(String, String)> {
    let items = get(w, run, "/items").await.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    items["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| {
            assert_eq!(item["record"], Value::Null, "{item}");
            assert_eq!(item["severity"], "info", "{item}");
            (text(&item["code"]), text(&item["key"]))
        })
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(code, key): &(&str, &str)| ((*code).to_owned(), (*key).to_owned());
    expected.iter().map(owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_another_spelling_is_read_and_said() {
    let w = World::start().await;
    let task = task(&w, &[("phone", "Phone"), ("city", "Café City")]).await;
    let phone = |n: usize| format!("+38097123456{n}");
    let spellings = [
        "Phone ",
        "PHONE",
        "\u{feff}phone",
        "pho\u{200b}ne",
        "\tPhone\n",
    ];
    let mut records: Vec<Value> = (0..)
        .zip(spellings)
        .map(|(n, key)| record(&w, &format!("u{n}"), |record| record[key] = json!(phone(n))))
        .collect();
    records.push(record(&w, "u5", |record| {
        record["PHONE"] = json!("+380971234500");
        record["Phone"] = json!(phone(5));
        record["phone"] = json!("+380971234501");
        record["cafe\u{301}  city"] = json!("Lviv");
    }));
    let reply = send_to(&w, task, &json!(records)).await;
    assert_taken(&reply, 6);
    let users = w.store.users().await;
    for n in 0..6 {
        let user = &users[&w.login(&format!("u{n}"))];
        assert_eq!(user["phone"], phone(n), "the exact key wins");
    }
    assert_eq!(users[&w.login("u5")]["city"], "Lviv");
    let other_spelling = |key| ("key.other_spelling", key);
    let expected = [
        other_spelling("Phone "),
        other_spelling("PHONE"),
        other_spelling("\\u{feff}phone"),
        other_spelling("pho\\u{200b}ne"),
        other_spelling("\\tPhone\\n"),
        other_spelling("cafe\u{301}  city"),
        other_spelling("phone"),
    ];
    let mut found = items(&w, import_id(&reply)).await;
    found.sort();
    let mut expected = pairs(&expected);
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unmapped_key_is_named_once_in_the_dry_run_and_the_log() {
    let w = World::start().await;
    let task = task(&w, &[("phone", "Phone")]).await;
    let records: Value = (0..3)
        .map(|n| {
            record(&w, &format!("u{n}"), |record| {
                record["Phon"] = json!("+380971234567");
                record["Pets"] = json!({"cat": [1, 2.5, null]});
                record["_errors"] = json!(["…"]);
            })
        })
        .collect();
    for query in ["dryRun", "dryRun&debug"] {
        let reply = w.import(0).await.task(task).query(query);
        let reply = reply.records(&records).send().await;
        assert_taken(&reply, 3);
        assert_eq!(
            reply.json()["Notes"],
            json!([
                "the key \"Pets\" (first in record 1) is not mapped [key.unmapped]",
                "the key \"Phon\" (first in record 1) is not mapped: did you mean \"Phone\"? \
                 [key.unmapped]",
            ]),
            "{reply}"
        );
    }
    let reply = w
        .import(0)
        .await
        .task(task)
        .debug()
        .records(&records)
        .send()
        .await;
    assert_taken(&reply, 3);
    assert_eq!(reply.json().get("Notes"), None, "{reply}");
    assert_eq!(reply.warnings(), [""; 0]);
    let expected = [("key.unmapped", "Pets"), ("key.unmapped", "Phon")];
    assert_eq!(items(&w, import_id(&reply)).await, pairs(&expected));
    let logged = w.get(&format!("/runs/{}", import_id(&reply))).await.json();
    assert_eq!(logged["items"], json!({"key.unmapped": 2}), "{logged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_uploaded_file_has_the_notes_of_its_first_chunk_once() {
    let w = World::start().await;
    let task = task(&w, &[("phone", "Phone")]).await;
    let lines: Vec<String> = (0..2_100)
        .map(|n| {
            record(&w, &format!("u{n}"), |record| {
                record["phone"] = json!("+380971234567");
                if n >= 2_050 {
                    record["Pets"] = json!(1);
                }
            })
            .to_string()
        })
        .collect();
    let file = lines.join("\n");
    let body = json!({"format": "ndjson"});
    for query in ["?dryRun", ""] {
        let run = w
            .upload(0, task, query, body.clone(), file.as_bytes())
            .await;
        let status = w.wait_until_ended(0, &run).await;
        assert_eq!(status["Status"], "SUCCESS", "{status}");
        assert_eq!(status["Created"], 2_100, "{status}");
        let expected = [("key.other_spelling", "phone"), ("key.unmapped", "Pets")];
        assert_eq!(items(&w, &run).await, pairs(&expected));
    }
    let user = w.store.user(&w.login("u2099")).await.expect("the user");
    assert_eq!(user["phone"], "+380971234567");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_json_pointer_maps_a_nested_value() {
    let w = World::start().await;
    let mapping = [
        ("phone", "/contact/phones/0"),
        ("city", "/contact/a~1b/~0"),
        ("first_name", "/First Name"),
        ("last_name", "/x"),
    ];
    let task = task(&w, &mapping).await;
    let records = json!([
        record(&w, "nested", |record| {
            record["contact"] = json!({
                "phones": ["+380971234567", "+380971234568"],
                "a/b": {"~": "Kyiv", "fax": 1},
            });
            record["First Name"] = json!("Ann");
            // The key that looks like the pointer wins.
            record["/x"] = json!("Woo");
        }),
        record(&w, "spelled", |record| {
            record["Contact"] = json!({"Phones": ["+380971234569"]});
            record["first name"] = json!("Bob");
        }),
        record(&w, "none", |record| {
            record["contact"] = json!("+380971234567");
        }),
        record(&w, "wrong", |record| {
            record["contact"] = json!({"phones": [{"number": 1}]});
        }),
    ]);
    let call = w.import(0).await.task(task).debug().records(&records);
    let reply = call.send().await;
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".into(), [4, 0, 0, 0]),
        "{reply}"
    );
    assert_eq!(
        reply.warnings(),
        [format!(
            "Record 4 ({}), \"/contact/phones/0\": expected text, found an object [phone.wrong_type]",
            w.login("wrong")
        )]
    );
    let users = w.store.users().await;
    let user = |name: &str| users[&w.login(name)].clone();
    let nested = user("nested");
    assert_eq!(nested["phone"], "+380971234567");
    assert_eq!(nested["city"], "Kyiv");
    assert_eq!(nested["first_name"], "Ann");
    assert_eq!(nested["last_name"], "Woo");
    assert_eq!(user("spelled")["phone"], "+380971234569");
    assert_eq!(user("spelled")["first_name"], "Bob");
    assert_eq!(user("none").get("phone"), None);
    let page = get(&w, import_id(&reply), "/items?code=key").await.json();
    let keys: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["key"].clone())
        .collect();
    // A text where the pointer needs an object is imported as little as an unmapped key.
    for key in ["/contact/a~1b/fax", "Contact", "/contact/Phones", "contact"] {
        assert!(keys.contains(&json!(key)), "{key}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_no_valid_pointer_is_refused_when_it_is_saved() {
    let w = World::start().await;
    let settings =
        json!({"attribute_mapping": {"city": "/a~b", "name": "/a~0b", "position": "a~b"}});
    let body = json!({"settings": settings});
    let reply = w.send_json(reqwest::Method::POST, "/tasks", &body).await;
    reply.assert_problem(422);
    let errors = &reply.json()["errors"];
    assert_eq!(errors.as_array().unwrap().len(), 1, "{reply}");
    assert_eq!(errors[0]["field"], "attribute_mapping.city", "{reply}");
    assert!(reply.text().contains("is not a JSON Pointer"), "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_record_has_its_values_under_the_mapped_keys() {
    let w = World::start().await;
    let task = task(&w, &[("phone", "/contact/phone")]).await;
    let line = record(&w, "ann", |record| {
        record["E-Mail"] = record["E-mail"].take();
        record.as_object_mut().unwrap().remove("E-mail");
        record["role"] = json!("nobody");
        record.as_object_mut().unwrap().remove("Role");
        record["contact"] = json!({"phone": "+380971234567"});
    });
    let file = format!("{line}\n");
    let run = w
        .upload(0, task, "", json!({"format": "ndjson"}), file.as_bytes())
        .await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(status["Ignored Users"], 1, "{status}");
    let rejected = get(&w, &run, "/rejected").await;
    let rejected: Value = serde_json::from_str(rejected.text().trim()).unwrap();
    assert_eq!(rejected["E-mail"], "ann@example.com", "{rejected}");
    assert_eq!(rejected["Role"], "nobody", "{rejected}");
    assert_eq!(rejected["/contact/phone"], "+380971234567", "{rejected}");
    // Corrected and sent again, it is taken.
    let mut corrected = rejected;
    corrected["Role"] = json!("catman");
    let reply = send_to(&w, task, &json!([corrected])).await;
    assert_taken(&reply, 1);
    let user = w.store.user(&w.login("ann")).await.expect("the user");
    assert_eq!(user["phone"], "+380971234567");
}
