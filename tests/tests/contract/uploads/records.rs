//! Items and rejected records of a run (contract.md#rejected-records).

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use muster_aws::runs::Ending;
use muster_aws::runs::chunks::Round;
use muster_core::item::{Item, Severity};
use muster_core::run::{Counts, State, Status};
use muster_tests::World;
use serde_json::json;

use super::{assert_conflict, get};
use crate::support::import_id;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_robot_reads_the_same_items_as_an_operator() {
    let w = World::start().await;
    let records = json!([{"Username": w.login("ann")}, {"Username": ""}, 7]);
    let reply = w.import(0).await.records(&records).send().await;
    let run = import_id(&reply);
    let items = get(&w, run, "/items").await;
    assert_eq!(items.status, 200, "{items}");
    let logged = w.get(&format!("/runs/{run}/items")).await;
    assert_eq!(items.text(), logged.text());
    assert!(items.json()["items"].as_array().expect("items").len() > 2);

    let mut paged = Vec::new();
    let mut from = String::new();
    loop {
        let page = get(&w, run, &format!("/items?limit=1{from}")).await.json();
        paged.extend(page["items"].as_array().expect("items").clone());
        match page["next"].as_str() {
            Some(next) => from = format!("&from={next}"),
            None => break,
        }
    }
    assert_eq!(json!(paged), items.json()["items"]);
    let third = get(&w, run, "/items?record=3&severity=warning")
        .await
        .json();
    assert_eq!(third["items"][0]["code"], "record.not_object", "{third}");
    let invalid = get(&w, run, "/items?limit=0").await;
    invalid.assert_problem(400);
    assert_eq!(invalid.json()["errors"][0]["field"], "limit", "{invalid}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_rejected_records_link_to_the_next_page() {
    let w = World::start().await;
    let store = &w.store;
    let run = store.queued(&w, 0, w.tenants[0].task_id).await;
    assert_conflict(&get(&w, &run, "/rejected").await, "queued");
    store
        .advance(&run, State::Applying, Timestamp::now(), |_| ())
        .await;
    // Two chunks, which do not fit into one page.
    let line = |n: u64| json!({"Username": "x".repeat(1_000_000), "_errors": [n]}).to_string();
    let lines: Vec<String> = (1..=6).map(line).collect();
    let item = |n: u64| Item {
        record: Some(n),
        login: None,
        key: None,
        code: Cow::Borrowed("role.missing"),
        severity: Severity::Warning,
        message: Cow::Borrowed("a new user needs a role"),
        value: None,
    };
    let items: Vec<Item> = (1..=6).map(item).collect();
    let parts = [(0, &items[..3], &lines[..3]), (1, &items[3..], &lines[3..])];
    for (chunk, items, lines) in parts {
        store
            .commit_chunk(&run, Round::Apply, chunk, items, lines)
            .await;
    }
    let shown = get(&w, &run, "/items").await.json();
    let records = shown["items"].as_array().expect("items").iter();
    let records: Vec<_> = records.map(|item| item["record"].clone()).collect();
    assert_eq!(json!(records), json!([1, 2, 3, 4, 5, 6]));
    assert_conflict(&get(&w, &run, "/rejected").await, "applying");

    let ending = Ending {
        state: State::Finished,
        status: Status::PartialSuccess,
        counts: Some(Counts {
            total: 6,
            ignored: 6,
            ..Counts::default()
        }),
        item_counts: BTreeMap::new(),
        errors: Vec::new(),
        answer: None,
        unanswered: false,
        undo: None,
    };
    store.finish(&run, &ending).await;
    let (mut text, mut pages) = (String::new(), 0);
    let mut path = format!("/v1/imports/{run}/rejected");
    loop {
        let (path_alone, query) = path.split_once('?').unwrap_or((&path, ""));
        let call = w.call(reqwest::Method::GET, path_alone).query(query);
        let page = call.token(w.token(0).await).send().await;
        assert_eq!(page.status, 200, "{page}");
        assert_eq!(page.media_type(), Some("application/x-ndjson"));
        assert!(page.body.len() <= 4_000_000 && page.text().ends_with('\n'));
        text.push_str(page.text());
        pages += 1;
        let Some(link) = page.header("link") else {
            break;
        };
        let next = link
            .strip_prefix('<')
            .and_then(|link| link.strip_suffix(">; rel=\"next\""));
        path = next.expect("a link to the next page").to_owned();
    }
    assert!(pages > 1, "{pages}");
    assert!(text == lines.join("\n") + "\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronous_run_keeps_no_rejected_records() {
    let w = World::start().await;
    let reply = w.import(0).await.body("[7]").send().await;
    let run = import_id(&reply);
    assert_conflict(&get(&w, run, "/rejected").await, "items");
}
