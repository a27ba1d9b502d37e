//! Other spellings of stored values are no change (contract.md#merging-and-missing-values).

use muster_tests::World;
use reqwest::Method;
use serde_json::{Value, json};

use super::full_mapping_task;
use crate::catalogue::{COLLABORATOR, QVALON, collaborator_user, qvalon_user, send_single};
use crate::support::{put_into, send_to};

/// `{"a":1,"b":[1.5,"é"]}`, and the same with other spaces, escapes, numbers and order.
const CUSTOM_INFO: [&str; 2] = [
    "eyJhIjoxLCJiIjpbMS41LCLDqSJdfQ==",
    "eyAiYiI6IFsgMTVlLTEsICJcdTAwZTkiIF0sICJhIjogMSB9",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quant_changes_nothing_for_other_spellings() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let mut record = w.record("anna");
    for (key, value) in [
        ("E-mail", json!("Anna@Example.com")),
        ("Tags", json!(["b", "a", "c"])),
        ("Individual Stores", json!([7, 8])),
        ("Time Zone", json!("Asia/Kolkata")),
        ("Custom Info", json!(CUSTOM_INFO[0])),
    ] {
        record[key] = value;
    }
    put_into(&w, task, &json!([record])).await;
    let before = w.directory().await;
    for (key, value) in [
        ("E-mail", json!("Anna@EXAMPLE.com")),
        ("Tags", json!("c,a,b")),
        ("Tags", json!(["a", "b", "c", "a", " b "])),
        ("Individual Stores", json!(["8", 7, 8])),
        ("Time Zone", json!("asia/calcutta")),
        ("Custom Info", json!(CUSTOM_INFO[1])),
    ] {
        let record = json!({"Username": w.login("anna"), key: value});
        put_into(&w, task, &json!([record])).await;
        assert_eq!(w.directory().await, before, "{record}");
    }
    for (key, value, attribute, stored) in [
        (
            "E-mail",
            json!("anna@example.com"),
            "email",
            json!("anna@example.com"),
        ),
        ("Tags", json!("c,a"), "tags", json!(["c", "a"])),
        ("Tags", json!("d, a ,c,d"), "tags", json!(["d", "a", "c"])),
        (
            "Time Zone",
            json!("Asia/Colombo"),
            "time_zone",
            json!("Asia/Colombo"),
        ),
        (
            "Custom Info",
            json!("eyJhIjoyfQ=="),
            "custom_info",
            json!("eyJhIjoyfQ=="),
        ),
    ] {
        let record = json!({"Username": w.login("anna"), key: value});
        let reply = send_to(&w, task, &json!([record])).await;
        reply.assert_success(1);
        let user = w.store.user(&w.login("anna")).await.expect("the user");
        assert_eq!(user[attribute], stored, "{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_single_user_dialects_change_nothing_for_other_spellings() {
    let w = World::start().await;
    let mut user = collaborator_user(&w, "ann");
    user.insert("tags".to_owned(), json!("a,b,a"));
    user.insert("customInfo".to_owned(), json!(CUSTOM_INFO[0]));
    let sent = Value::Object(user.clone()).to_string();
    let created = send_single(&w, Method::POST, COLLABORATOR, &sent).await;
    assert_eq!(created.expect("counts")["created_count"], 1);
    let stored = w.store.user(&w.login("ann")).await.expect("the user");
    assert_eq!(stored["tags"], json!(["a", "b"]));
    let before = w.directory().await;
    for (key, value) in [
        ("email", json!("someone@EXAMPLE.com")),
        ("tags", json!(["b", "a", "b"])),
        ("customInfo", json!(CUSTOM_INFO[1])),
    ] {
        let mut user = user.clone();
        user.insert(key.to_owned(), value);
        let sent = Value::Object(user).to_string();
        let counts = send_single(&w, Method::POST, COLLABORATOR, &sent).await;
        let counts = counts.expect("counts");
        let mut counts = counts.as_object().expect("an object").values();
        assert!(counts.all(|count| *count == 0), "{sent}");
    }
    assert_eq!(w.directory().await, before, "something was written");

    let mut user = qvalon_user(&w, "ben");
    user.insert("shopIds".to_owned(), json!([3, 1, 3]));
    user.insert("shopExternalIds".to_owned(), json!(["x", "y"]));
    user.insert("timeZoneId".to_owned(), json!("Europe/Kyiv"));
    let created = send_single(&w, Method::POST, QVALON, &Value::Object(user).to_string()).await;
    let path = format!("{QVALON}/{}", created.expect("a user")["id"]);
    let before = w.directory().await;
    for (key, value) in [
        ("shopIds", json!([1, 3])),
        ("shopIds", json!("1,3,3")),
        ("shopExternalIds", json!("y,x")),
        ("timeZoneId", json!("Europe/Kiev")),
    ] {
        let sent = json!({key: value}).to_string();
        let shown = send_single(&w, Method::PUT, &path, &sent).await;
        assert_eq!(shown.expect("a user")["timeZoneId"], "Europe/Kyiv");
        assert_eq!(w.directory().await, before, "{sent}");
    }
    let sent = json!({"shopIds": 17}).to_string();
    send_single(&w, Method::PUT, &path, &sent)
        .await
        .expect("a user");
    let stored = w.store.user(&w.login("ben")).await.expect("the user");
    assert_eq!(stored["shop_ids"], json!([17]));
}
