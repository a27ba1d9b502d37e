//! No spelling of an intended dry run writes (contract.md#dry-runs), on any route that writes.

use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::json;

use crate::uploads::announce;

/// Ways to ask for a dry run that no route knows.
const NOT_UNDERSTOOD: [&str; 10] = [
    "dry",
    "dryrunn=1",
    "isDryRun=true",
    "validate",
    "validateOnly=true",
    "Validation=1",
    "SIMULATE",
    "preview=",
    "test=false",
    "%74est-mode",
];
/// Spellings of `?dryRun`.
const DRY: [&str; 9] = [
    "DRY-RUN",
    "dry_run=1",
    "dry%52un",
    "Dry-Run=yes",
    "dryRun[]=1",
    "dryRun=false&dryRun=true",
    "dryRun=true&DRYRUN=0",
    "debug&amp;dryRun",
    "debug?dryRun=true",
];
/// Values of clients' libraries that switch off.
const OFF: [&str; 5] = [
    "dryRun=False",
    "DRY-RUN=FALSE",
    "dryRun=No",
    "dry_run=off",
    "dryRun=0&dryRun=false",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_takes_every_spelling_of_its_switches() {
    let w = World::start().await;
    let send = async |query: &str| w.import(0).await.query(query).body("[{}]").send().await;
    for query in DRY {
        let reply = send(query).await;
        assert_eq!(reply.json()["Dry Run"], true, "{query}: {reply}");
    }
    for query in OFF {
        let reply = send(query).await;
        assert_eq!(reply.json().get("Dry Run"), None, "{query}: {reply}");
        assert_eq!(reply.status, 200, "{query}: {reply}");
    }
    for query in ["DEBUG", "de%62ug=1", "debug=0&Debug"] {
        assert_eq!(send(query).await.warnings().len(), 1, "{query}");
    }
    for query in ["Debug=False", "debug=no", "debug=OFF"] {
        assert_eq!(send(query).await.warnings().len(), 0, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_asks_for_a_dry_run_in_another_way_is_refused() {
    let w = World::start().await;
    let before = w.directory().await;
    let records = json!([w.record("ann")]);
    let call = w.import(0).await.records(&records);
    for query in NOT_UNDERSTOOD {
        let reply = call.clone().query(query).send().await;
        reply.assert_failure(400);
        assert!(reply.errors()[0].contains("`?dryRun`"), "{query}: {reply}");
        assert_eq!(reply.header("import-id"), None, "{query}: {reply}");
    }
    for header in ["Dry-Run", "X-Dry-Run", "X-DryRun", "X-Validate-Only"] {
        let reply = call.clone().header(header, "true").send().await;
        reply.assert_failure(400);
        assert!(reply.errors()[0].contains("`?dryRun`"), "{header}: {reply}");
    }
    assert!(w.directory().await == before, "a dry run wrote something");
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_takes_every_spelling_and_refuses_what_it_does_not_know() {
    let w = World::start().await;
    let call = announce(&w, &json!({"size": 2})).await;
    for (queries, expected) in [(&DRY[..], true), (&OFF[..], false)] {
        for query in queries {
            let reply = call.clone().query(query).send().await;
            assert_eq!(reply.status, 201, "{query}: {reply}");
            let run = reply.json()["import_id"]
                .as_str()
                .expect("an id")
                .to_owned();
            let status = w.call(Method::GET, &format!("/v1/imports/{run}"));
            let status = status.token(w.token(0).await).send().await.json();
            assert_eq!(status["dry_run"], expected, "{query}: {status}");
        }
    }
    for query in NOT_UNDERSTOOD {
        let reply = call.clone().query(query).send().await;
        assert_problem_naming(&reply, "`?dryRun`");
    }
    for member in ["dryRun", "dry_run", "validateOnly"] {
        let reply = announce(&w, &json!({"size": 2, (member): true})).await;
        let reply = reply.send().await;
        reply.assert_problem(400);
        assert_eq!(reply.json()["errors"][0]["field"], member, "{reply}");
    }
    // The upload that exists was announced as an import: completing it would write.
    let run = call.send().await.json()["import_id"].clone();
    let run = run.as_str().expect("an id");
    for (action, advice) in [("complete", "announced"), ("cancel", "no dry run")] {
        for query in ["dryRun", "dry-run=1", "test"] {
            let call = w.call(Method::POST, &format!("/v1/imports/{run}/{action}"));
            let reply = call.token(w.token(0).await).query(query).send().await;
            assert_problem_naming(&reply, advice);
        }
    }
}

#[track_caller]
fn assert_problem_naming(reply: &Reply, advice: &str) {
    reply.assert_problem(400);
    let problem = reply.json();
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains(advice), "{reply}");
    assert_eq!(problem["errors"][0]["message"], detail, "{reply}");
}

/// Returns requests of the dialects of single users that would create a user.
async fn single_user_calls(w: &World) -> [Call<'_>; 2] {
    let collaborator = json!({
        "uid": w.login("uid"), "login": w.login("john"), "email": "j@example.com",
        "firstname": "John", "secondname": "Smith",
    });
    let qvalon = json!({"login": w.login("jack"), "password": "secret1234"});
    let token = w.token(0).await;
    let call = |path: &str, body: serde_json::Value| {
        let call = w.call(Method::POST, path).token(token);
        call.content_type(Some("application/json")).records(&body)
    };
    [
        call("/api/v2/users-import/single", collaborator),
        call("/v1/orgstruct/users", qvalon),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dialects_of_single_users_refuse_every_dry_run_in_their_own_form() {
    let w = World::start().await;
    let before = w.directory().await;
    let [collaborator, qvalon] = single_user_calls(&w).await;
    let mut update = qvalon.clone().method(Method::PUT);
    update.path = "/v1/orgstruct/users/1".to_owned();
    let assert_refused = |reply: Reply, name: &str| {
        assert_eq!(reply.status, 400, "{name}: {reply}");
        let json = reply.json();
        let text = match json["error"].as_str() {
            Some("Bad Request") => json["message"].as_str(),
            text => text,
        };
        let text = text.expect("a message");
        assert!(text.contains("no dry run"), "{name}: {reply}");
    };
    for call in [&collaborator, &qvalon, &update] {
        for query in NOT_UNDERSTOOD
            .iter()
            .chain(&DRY[..4])
            .chain(&["dryRun", "dryRun=0"])
        {
            assert_refused(call.clone().query(query).send().await, query);
        }
        for header in ["Dry-Run", "X-Dry-Run"] {
            assert_refused(call.clone().header(header, "1").send().await, header);
        }
        for member in ["dryRun", "dry_run", "DRY-RUN", "validateOnly"] {
            let mut body: serde_json::Value = serde_json::from_slice(&call.body).expect("JSON");
            body[member] = json!(true);
            assert_refused(call.clone().records(&body).send().await, member);
        }
    }
    let reply = qvalon.clone().query("Dry-Run=1").send().await;
    assert_eq!(reply.json()["field"], "Dry-Run", "{reply}");
    assert!(w.directory().await == before, "a dry run wrote something");
    for call in [collaborator, qvalon] {
        let reply = call.query("latest=1").send().await;
        assert_eq!(reply.status, 200, "other parameters are ignored: {reply}");
    }
}
