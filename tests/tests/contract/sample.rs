//! The sample of Quant's documentation (contract.md#quant-replies): its request, with the missing
//! comma, gets the documented reply.

use muster_tests::{World, compact};
use serde_json::json;

use crate::support::import_id;

const SAMPLE: &str = include_str!("../../fixtures/quant/sample.json");
const REPLY: &str = include_str!("../../fixtures/quant/sample-reply.json");
const MISSING_COMMA: &str = include_str!("../../fixtures/quant/sample-missing-comma.json");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_gets_the_documented_reply_and_a_second_import_writes_nothing() {
    let w = World::start().await;
    let mut directories = Vec::new();
    for query in ["debug", "debug", ""] {
        let reply = w.import(0).await.query(query).body(SAMPLE).send().await;
        assert_eq!(reply.status, 200, "{reply}");
        assert_eq!(reply.media_type(), Some("application/json"));
        assert_eq!(reply.compact(), compact(REPLY.as_bytes()));
        {
            let store = &w.store;
            directories.push(store.directory().await);
        }
    }
    directories.dedup();
    assert!(
        directories.len() < 2,
        "an import without changes wrote to the directory"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_users_of_the_sample_are_stored() {
    let w = World::start().await;
    let store = &w.store;
    w.import(0)
        .await
        .body(SAMPLE)
        .send()
        .await
        .assert_success(2);
    let john = store.user("john.foo").await.expect("john.foo");
    let jack = store.user("jack.woo").await.expect("jack.woo");
    for (user, attribute, value) in [
        (&john, "name", json!("John Foo")),
        (&john, "role", json!("Category Manager")),
        (&john, "email", json!("john.foo@example.com")),
        (&john, "all_stores", json!(true)),
        (&jack, "name", json!("Jack Woo")),
        (&jack, "role", json!("Store Manager")),
        (&jack, "email", json!("jack.woo@example.com")),
        (&jack, "all_stores", json!(false)),
        (
            &jack,
            "individual_stores",
            json!(["store1", "store2", "store3"]),
        ),
    ] {
        assert_eq!(user.get(attribute), Some(&value), "{attribute}");
    }
    assert_eq!(john.get("individual_stores"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_as_printed_is_refused_at_the_missing_comma() {
    let w = World::start().await;
    let before = w.directory().await;
    let reply = w.import(0).await.debug().body(MISSING_COMMA).send().await;
    reply.assert_failure(400);
    let errors = reply.errors().join("\n");
    let line = MISSING_COMMA
        .lines()
        .position(|line| line.contains("Individual Stores"))
        .expect("the line")
        + 1;
    let column = MISSING_COMMA
        .lines()
        .nth(line - 1)
        .and_then(|text| text.find('"'))
        .expect("the quote")
        + 1;
    assert!(
        errors.contains(&format!("line {line}")),
        "line {line}: {errors}"
    );
    assert!(
        errors.contains(&format!("column {column}")),
        "column {column}: {errors}"
    );
    assert_eq!(w.directory().await, before);
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_has_exactly_the_documented_keys_in_order() {
    let w = World::start().await;
    let counts = [
        "Total Lines",
        "Empty IDs",
        "Ignored Users",
        "Duplicated Users",
    ];
    let (valid, invalid) = (
        json!([w.record("clean")]),
        json!([w.record("clean"), {"Name": "nobody"}]),
    );
    for (records, query, keys) in [
        (&valid, "", &["Status"][..]),
        (&valid, "debug", &["Status"]),
        (&invalid, "", &["Status"]),
        (&invalid, "debug", &["Status", "Warnings"]),
    ] {
        let reply = w.import(0).await.query(query).records(records).send().await;
        assert_eq!(reply.keys(), [keys, &counts].concat(), "{query}: {reply}");
    }
    let reply = w.import(0).await.debug().body("{}").send().await;
    assert_eq!(reply.keys(), ["Status", "Errors"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn warnings_make_a_partial_success_and_are_shown_only_for_debug() {
    let w = World::start().await;
    let records = json!([w.record("anna"), {"Username": ""}]);
    for (query, shown) in [
        ("debug", true),
        ("debug=", true),
        ("debug=true", true),
        ("debug=1", true),
        ("DEBUG=yes", true),
        ("x=y&debug", true),
        ("debug&x=y", true),
        ("", false),
        ("debug=0", false),
        ("debug=false", false),
        ("debug=no", false),
        ("Debug=OFF", false),
        ("x=debug", false),
        ("debugger", false),
    ] {
        let reply = w
            .import(0)
            .await
            .query(query)
            .records(&records)
            .send()
            .await;
        assert_eq!(
            reply.outcome(),
            (200, "PARTIAL_SUCCESS".into(), [2, 1, 0, 0]),
            "?{query}: {reply}"
        );
        assert_eq!(
            reply.warnings().len(),
            usize::from(shown),
            "?{query}: {reply}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_run_has_its_own_id() {
    let w = World::start().await;
    let mut ids = Vec::new();
    for body in ["[]", "[]", "[7]", "not json"] {
        let reply = w.import(0).await.body(body).send().await;
        let id = import_id(&reply).to_owned();
        assert!(!id.is_empty(), "{reply}");
        ids.push(id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warning_names_record_login_key_and_code() {
    let w = World::start().await;
    let login = w.login("jack.woo");
    w.put(&json!([w.record("jack.woo")])).await;
    let reply = w
        .send(&json!([{}, 7, {"Username": login, "E-mail": "jack.woo"}]))
        .await;
    let warnings = reply.warnings();
    assert_eq!(warnings.len(), 3, "{reply}");
    assert_eq!(
        warnings[2],
        format!(
            "Record 3 ({login}), \"E-mail\": not a valid e-mail address (\"jack.woo\") [email.malformed]"
        )
    );
    for (index, warning) in warnings[..2].iter().enumerate() {
        let record = format!("Record {}", index + 1);
        assert!(warning.starts_with(&record), "{warning}");
        assert!(
            !warning.starts_with(&format!("{record} (")),
            "a login of a record without one: {warning}"
        );
        assert!(
            warning.ends_with(']') && warning.contains(" ["),
            "no code: {warning}"
        );
    }
}
