//! The items of a run in the execution log (contract.md#execution-log).

use muster_tests::World;
use serde_json::{Value, json};

use super::pages;
use crate::support::import_id;

/// Imports records into the first tenant's task; returns the run's id.
async fn import(w: &World, records: &Value) -> String {
    let reply = w.send(records).await;
    assert_eq!(reply.status, 200, "{reply}");
    import_id(&reply).to_owned()
}

/// Returns all items of a run, read in pages of `limit`.
async fn all_items(w: &World, run: &str, query: &str, limit: usize) -> Vec<Value> {
    let pages = pages(w, &format!("/runs/{run}/items?limit={limit}{query}")).await;
    assert!(pages.iter().all(|page| page.len() <= limit), "{query}");
    pages.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_has_the_message_and_code_of_the_warning() {
    let w = World::start().await;
    let login = w.login("Jack");
    let records = json!([{"Username": login, "Role": "catman", "E-mail": "x"}, 7]);
    let reply = w.send(&records).await;
    let run = import_id(&reply);
    let items = all_items(&w, run, "", 100).await;
    assert_eq!(items.len(), reply.warnings().len(), "{reply}");
    for (number, (item, warning)) in items.iter().zip(reply.warnings()).enumerate() {
        assert_eq!(item["number"], number, "{item}");
        let text = |member: &str| item[member].as_str().expect("text");
        let value = match item["value"].as_str() {
            Some(value) => format!(" (\"{value}\")"),
            None => String::new(),
        };
        let end = format!(": {}{value} [{}]", text("message"), text("code"));
        assert!(warning.ends_with(&end), "expected {item}, found {warning}");
    }
    let item = &items[0];
    assert_eq!(
        (
            &item["record"],
            &item["login"],
            &item["key"],
            &item["severity"]
        ),
        (
            &json!(1),
            &json!(login),
            &json!("E-mail"),
            &json!("warning")
        )
    );
    let without_login = items.last().expect("items");
    assert_eq!(
        (&without_login["record"], &without_login["login"]),
        (&json!(2), &Value::Null),
        "an unknown login is not null"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_a_run_have_every_item_once_in_order() {
    let w = World::start().await;
    let run = import(&w, &Value::from(vec![json!({}); 3_210])).await;
    for limit in [99, 1_000] {
        let items = all_items(&w, &run, "", limit).await;
        let numbers: Vec<_> = items
            .iter()
            .map(|item| (item["number"].as_u64(), item["record"].as_u64()))
            .collect();
        let expected: Vec<_> = (0..3_210).map(|n| (Some(n), Some(n + 1))).collect();
        assert!(numbers == expected, "pages of {limit}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_return_exactly_the_matching_items() {
    let w = World::start().await;
    let mut records = vec![json!({}); 2_500];
    let bad = |login: &str, role: &str| json!({"Username": login, "Role": role, "E-mail": "x"});
    let (anna, eva) = (w.login("Anna"), w.login("Éva"));
    records[1_200] = bad(&anna, "catman");
    records[2_100] = bad(&eva, "king");
    records[2_200] = bad(&format!("{anna}\u{0}"), "catman");
    let run = import(&w, &Value::from(records)).await;
    let all = all_items(&w, &run, "", 1_000).await;
    let code = |item: &Value, start: &str| {
        item["code"]
            .as_str()
            .is_some_and(|it| it.starts_with(start))
    };
    let is = |item: &Value, record: u64| item["record"] == record;

    let upper = format!("&login={}", anna.to_uppercase());
    let composed = format!("&login=e%CC%81VA.{}", w.tag);
    let sent = format!("&login={anna}%00");
    let shown = format!("&login={anna}%5Cu%7B0%7D");
    type Matches<'t> = Box<dyn Fn(&Value) -> bool + 't>;
    let cases: Vec<(&str, Matches)> = vec![
        ("&code=email", Box::new(|it| code(it, "email."))),
        (
            "&code=email.malformed",
            Box::new(|it| it["code"] == "email.malformed"),
        ),
        ("&code=emai", Box::new(|_| false)),
        ("&severity=warning", Box::new(|_| true)),
        ("&severity=error", Box::new(|_| false)),
        ("&record=2101", Box::new(|it| is(it, 2_101))),
        ("&record=9999", Box::new(|_| false)),
        ("&key=E-mail", Box::new(|it| it["key"] == "E-mail")),
        (
            "&key=Role&code=role",
            Box::new(|it| it["key"] == "Role" && code(it, "role.")),
        ),
        (&upper, Box::new(|it| is(it, 1_201))),
        (&composed, Box::new(|it| is(it, 2_101))),
        (&sent, Box::new(|it| is(it, 2_201))),
        (&shown, Box::new(|it| is(it, 2_201))),
        ("&login=nobody", Box::new(|_| false)),
    ];
    for (query, matches) in cases {
        let expected: Vec<Value> = all.iter().filter(|item| matches(item)).cloned().collect();
        for limit in [1, 100]
            .into_iter()
            .filter(|limit| expected.len() < limit * 20)
        {
            assert_eq!(
                all_items(&w, &run, query, limit).await,
                expected,
                "{query}, pages of {limit}"
            );
        }
        if query.contains("login") && !query.contains("nobody") || query == "&code=email" {
            assert!(!expected.is_empty(), "{query} matches no item");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_filter_is_refused_with_its_parameter() {
    let w = World::start().await;
    let run = import(&w, &json!([{}])).await;
    for (query, field) in [
        ("severity=bad", "severity"),
        ("record=first", "record"),
        ("after=x", "after"),
        ("limit=1001", "limit"),
    ] {
        let reply = w.get(&format!("/runs/{run}/items?{query}")).await;
        reply.assert_problem(400);
        assert_eq!(reply.json()["errors"][0]["field"], field, "{reply}");
    }
    let far = w
        .get(&format!("/runs/{run}/items?after=99999999999999"))
        .await;
    assert_eq!(far.compact(), r#"{"items":[],"next":null}"#);
}
