//! The runs of the execution log (contract.md#execution-log): their list and their details.

use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::pages;
use crate::support::import_id;

fn owned_id(reply: &Reply) -> String {
    import_id(reply).to_owned()
}

/// Imports a record with an invalid e-mail address.
async fn import_with_warning(w: &World, name: &str) -> Reply {
    let login = w.login(name);
    w.send(&json!([{"Username": login, "Role": "catman", "E-mail": "x"}]))
        .await
}

/// Returns the ids of all runs that match the query, read in pages of `limit`.
async fn run_ids(w: &World, query: &str, limit: usize) -> Vec<String> {
    let pages = pages(w, &format!("/runs?limit={limit}{query}")).await;
    assert!(pages.iter().all(|page| page.len() <= limit), "{query}");
    let runs = pages.iter().flatten();
    runs.map(|run| run["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_shown_with_its_robot_task_times_and_counts() {
    let w = World::start().await;
    let records = json!([w.record("anna"), {}, {"Username": w.login("x"), "E-mail": "x"}]);
    let reply = w.send(&records).await;
    let id = owned_id(&reply);
    let reply = w.get(&format!("/runs/{id}")).await;
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(
        reply.keys(),
        [
            "id",
            "task",
            "task_title",
            "robot",
            "started_at",
            "ended_at",
            "duration_ms",
            "size",
            "dry_run",
            "threshold_overridden",
            "state",
            "status",
            "counts",
            "items",
            "errors",
            "undo_until"
        ]
    );
    let run = reply.json();
    assert_eq!(run["id"], id.as_str());
    assert_eq!(run["task"], w.tenants[0].task_id);
    assert!(run["task_title"].is_string(), "{run}");
    assert_eq!(run["robot"], w.tenants[0].robot.username.as_str());
    assert!(run["duration_ms"].is_u64(), "{run}");
    assert_eq!(run["size"], records.to_string().len());
    assert_eq!(run["dry_run"], false);
    assert_eq!(
        (&run["state"], &run["status"]),
        (&json!("finished"), &json!("PARTIAL_SUCCESS"))
    );
    assert_eq!(
        run["counts"],
        json!({"total": 3, "empty": 1, "ignored": 1, "duplicated": 0,
            "created": 1, "updated": 0, "unchanged": 0, "renamed": 0, "moved": 0, "blocked": 0, "unblocked": 0, "cleared": 0})
    );
    let items: u64 = run["items"]
        .as_object()
        .expect("counts by code")
        .values()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(
        items,
        w.get(&format!("/runs/{id}/items")).await.json()["items"]
            .as_array()
            .expect("items")
            .len() as u64
    );
    assert_eq!(run["errors"], json!([]));

    let page = w.get("/runs?limit=1").await.json();
    assert_eq!(
        page["items"],
        json!([run]),
        "the list differs from the details"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_the_log_have_every_run_once_the_newest_first() {
    let w = World::start().await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(owned_id(&w.import(0).await.body("[]").send().await));
    }
    let foreign = owned_id(&w.import(1).await.body("[]").send().await);
    let first = w.get(&format!("/runs/{}", ids[0])).await.json();
    let from = first["started_at"].as_str().expect("a time");
    ids.reverse();
    for limit in [1, 3, 7, 1_000] {
        // A running stack has other runs: `from` leaves out the earlier ones.
        let listed = run_ids(&w, &format!("&from={from}"), limit).await;
        assert_eq!(listed, ids, "pages of {limit}");
    }
    let all = run_ids(&w, "", 1_000).await;
    assert!(all.starts_with(&ids) && !all.contains(&foreign));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_return_exactly_the_matching_runs() {
    let w = World::start().await;
    let store = &w.store;
    let other = store
        .task(&w, 0, |task| {
            task["title"] = json!(format!("Päper {}", w.tag))
        })
        .await;
    let good = owned_id(&w.send(&json!([w.record("anna")])).await);
    let warned = owned_id(&import_with_warning(&w, "bert").await);
    let failed = owned_id(&w.import(0).await.body("[1 2]").send().await);
    let elsewhere = owned_id(&w.import(0).await.task(other).body("[]").send().await);
    let locked = store.task(&w, 0, |_| ()).await;
    let running = store.lock_task(&w, 0, locked).await;

    let started = w.get(&format!("/runs/{warned}")).await.json();
    let from = started["started_at"].as_str().expect("a time").to_owned();
    let ended = w.get(&format!("/runs/{failed}")).await.json();
    let to = ended["started_at"].as_str().expect("a time").to_owned();
    let since = w.get(&format!("/runs/{good}")).await.json();
    let since = since["started_at"].as_str().expect("a time").to_owned();
    let own_runs = |query: &str| format!("&from={since}{query}");

    for (query, expected) in [
        (
            String::new(),
            vec![&running, &elsewhere, &failed, &warned, &good],
        ),
        (format!("&task={other}"), vec![&elsewhere]),
        ("&status=FAILURE".into(), vec![&failed]),
        (
            "&status=PARTIAL_SUCCESS,running".into(),
            vec![&running, &warned],
        ),
        ("&status=SUCCESS".into(), vec![&elsewhere, &good]),
        (format!("&text=PÄPER%20{}", w.tag), vec![&elsewhere]),
        (format!("&text={}", failed.to_uppercase()), vec![&failed]),
        (
            format!("&text={}&status=SUCCESS", w.tenants[0].robot.username),
            vec![&elsewhere, &good],
        ),
        ("&text=no%20such%20text".into(), vec![]),
    ] {
        assert_eq!(
            run_ids(&w, &own_runs(&query), 2).await,
            expected.into_iter().cloned().collect::<Vec<_>>(),
            "{query}"
        );
    }
    let between = run_ids(&w, &format!("&from={from}&to={to}"), 2).await;
    assert_eq!(between, [warned]);
    assert_eq!(
        run_ids(&w, &format!("&from={to}&to={from}"), 2).await,
        [""; 0]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_run_is_shown_as_running_until_it_is_ended_without_counts() {
    let w = World::start().await;
    let store = &w.store;
    let task = w.tenants[0].task_id;
    let dead = store.lock_task_for_expired_run(&w, 0, task).await;
    let run = w.get(&format!("/runs/{dead}")).await.json();
    for (member, value) in [
        ("state", json!("applying")),
        ("status", Value::Null),
        ("ended_at", Value::Null),
        ("duration_ms", Value::Null),
        ("counts", Value::Null),
        ("items", json!({})),
    ] {
        assert_eq!(run[member], value, "{member}");
    }
    assert!(run_ids(&w, "&status=running", 10).await.contains(&dead));

    // The next import of the task ends it.
    w.assert_task_is_free(0).await;
    let run = w.get(&format!("/runs/{dead}")).await.json();
    assert_eq!(
        (&run["state"], &run["status"], &run["counts"]),
        (&json!("finished"), &json!("FAILURE"), &Value::Null)
    );
    assert_eq!(run["errors"].as_array().map(Vec::len), Some(1));
    assert!(!run_ids(&w, "&status=running", 10).await.contains(&dead));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_run_gets_the_same_response_as_a_missing_one() {
    let w = World::start().await;
    let foreign = owned_id(&w.import(1).await.body("[{}]").send().await);
    for end in ["", "/items"] {
        let mut bodies = Vec::new();
        for id in [
            &*foreign,
            "018bcfe5-687b-7fff-bfff-ffffffffffff",
            "nonsense",
        ] {
            let reply = w.get(&format!("/runs/{id}{end}")).await;
            reply.assert_problem(404);
            bodies.push(reply.body);
        }
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{end}");
        let path = format!("/runs/{foreign}{end}");
        let own = w.operator(1, Method::GET, &path).await.send().await;
        assert_eq!(own.status, 200, "{own}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_filter_is_refused_with_its_parameter() {
    let w = World::start().await;
    for (query, field) in [
        ("status=failed", "status"),
        ("status=", "status"),
        ("task=x", "task"),
        ("from=yesterday", "from"),
        ("after=x", "after"),
        ("limit=0", "limit"),
    ] {
        let reply = w.get(&format!("/runs?{query}")).await;
        reply.assert_problem(400);
        assert_eq!(reply.json()["errors"][0]["field"], field, "{reply}");
    }
    let unsigned = w.call(Method::GET, "/admin/v1/runs?limit=0");
    unsigned.send().await.assert_problem(401);
}
