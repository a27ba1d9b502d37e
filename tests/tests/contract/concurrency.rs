//! Concurrent imports (contract.md#quant-import): one at a time in a task, and any number in
//! several tasks or tenants.

use muster_import::Times;
use muster_tests::{Reply, World};
use serde_json::{Value, json};

use crate::support::{applying_task, import_id, put_as, retry_after, send_to, with_external_id};

/// Returns complete records of new logins that start with `name`.
pub fn new_records(w: &World, name: &str, count: usize) -> Value {
    (0..count)
        .map(|n| w.record(&format!("{name}{n}")))
        .collect()
}

/// Asserts the refusal of an import while another one runs in its task; returns `Retry-After` in
/// seconds.
#[track_caller]
pub fn assert_task_busy(reply: &Reply) -> u64 {
    reply.assert_failure(503);
    assert_eq!(
        reply.header("import-id"),
        None,
        "a refused import is not a run: {reply}"
    );
    let retry_after = retry_after(reply);
    assert!((1..=60).contains(&retry_after), "{reply}");
    retry_after
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_imports_at_once_exactly_one_runs() {
    let w = World::start().await;
    let gated = w.gated_imports(Times::default()).await;
    let [first_records, second_records] = ["one", "two"].map(|name| new_records(&w, name, 300));
    let first = gated.call(w.import(0).await.records(&first_records));
    let second = async {
        gated.reached().await;
        let reply = w.import(0).await.records(&second_records).send().await;
        gated.open();
        reply
    };
    let (accepted, refused) = tokio::join!(first.send(), second);
    accepted.assert_success(300);
    assert_task_busy(&refused);
    let users = w.store.users().await;
    for n in [0, 150, 299] {
        assert!(users.contains_key(&w.login(&format!("one{n}"))));
        assert!(
            !users.contains_key(&w.login(&format!("two{n}"))),
            "a refused import was applied"
        );
    }
    // The refused client comes again later.
    put_as(&w, 0, &second_records).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_imports_at_once_is_applied_completely_or_not_at_all() {
    let w = World::start().await;
    let mut calls = Vec::new();
    for n in 0..8 {
        let call = w
            .import(0)
            .await
            .records(&new_records(&w, &format!("t{n}x"), 20));
        calls.push(call);
    }
    let [a, b, c, d, e, f, g, h]: [_; 8] = calls.try_into().ok().expect("eight");
    let replies = tokio::join!(
        a.send(),
        b.send(),
        c.send(),
        d.send(),
        e.send(),
        f.send(),
        g.send(),
        h.send()
    );
    let replies: [Reply; 8] = replies.into();
    let mut accepted = Vec::new();
    for (n, reply) in replies.iter().enumerate() {
        match reply.status {
            200 => {
                reply.assert_success(20);
                accepted.push(n);
            }
            _ => _ = assert_task_busy(reply),
        }
    }
    assert!(!accepted.is_empty(), "all imports were refused");
    {
        let store = &w.store;
        let users = store.users().await;
        for n in 0..8 {
            let stored = (0..20)
                .filter(|user| users.contains_key(&w.login(&format!("t{n}x{user}"))))
                .count();
            assert_eq!(
                stored,
                if accepted.contains(&n) { 20 } else { 0 },
                "import {n}, accepted: {accepted:?}"
            );
        }
    }
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_tenants_that_import_a_new_login_exactly_one_creates_it() {
    let w = World::start().await;
    let records = new_records(&w, "contested", 200);
    let (mine, theirs) = (
        w.import(0).await.records(&records),
        w.import(1).await.records(&records),
    );
    let (mine, theirs) = tokio::join!(mine.send(), theirs.send());
    let [[total, empty, lost, duplicated], other] = [mine.counts(), theirs.counts()];
    assert_eq!([total, empty, duplicated], [200, 0, 0], "{mine}");
    assert_eq!([other[0], other[1], other[3]], [200, 0, 0], "{theirs}");
    assert_eq!(
        lost + other[2],
        200,
        "each login needs exactly one owner: {mine} {theirs}"
    );
    let store = &w.store;
    let (owners, tenants) = (
        store.owners().await,
        [store.tenant(&w, 0).await, store.tenant(&w, 1).await],
    );
    let owned = |tenant: &String| {
        (0..200)
            .filter(|n| owners.get(&w.login(&format!("contested{n}"))) == Some(tenant))
            .count() as u64
    };
    assert_eq!(
        (owned(&tenants[0]), owned(&tenants[1])),
        (200 - lost, 200 - other[2])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tasks_of_a_tenant_that_import_the_same_logins_both_succeed() {
    let w = World::start().await;
    let store = &w.store;
    let task = store.task(&w, 0, |_| ()).await;
    let named = |name: &str| -> Value {
        (0..200)
            .map(|n| {
                let mut record = w.record(&format!("both{n}"));
                record["Name"] = json!(name);
                record["External ID"] = json!(w.login(&format!("id{n}")));
                record
            })
            .collect()
    };
    let one = w.import(0).await.debug().records(&named("one"));
    let two = w.import(0).await.task(task).debug().records(&named("two"));
    let (one, two) = tokio::join!(one.send(), two.send());
    one.assert_success(200);
    two.assert_success(200);
    let users = store.users().await;
    for n in 0..200 {
        let user = &users[&w.login(&format!("both{n}"))];
        assert!(user["name"] == "one" || user["name"] == "two");
        assert_eq!(user["external_id"], w.login(&format!("id{n}")));
    }
    let ids: std::collections::BTreeSet<String> =
        users.values().map(|user| user["id"].to_string()).collect();
    assert_eq!(ids.len(), users.len(), "an id was assigned twice");
    let counts = [
        store.run(import_id(&one)).await,
        store.run(import_id(&two)).await,
    ]
    .map(|run| run.counts.expect("a finished run"));
    assert_eq!(counts[0].created + counts[1].created, 200, "{counts:?}");
    assert_eq!(counts[0].updated + counts[1].updated, 200, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_imports_that_change_the_same_users_at_once_lose_no_change() {
    let w = World::start().await;
    let store = &w.store;
    let other = store.task(&w, 0, |_| ()).await;
    put_as(&w, 0, &new_records(&w, "shared", 2_000)).await;
    // Each leaves out the attribute that the other changes, first within the requests, then in the
    // background.
    for (round, preference) in [(1, "respond-sync"), (2, "respond-async")] {
        let records = |key: &str, value: &str| -> Value {
            (0..2_000)
                .map(|n| json!({"Username": w.login(&format!("shared{n}")), key: value}))
                .collect()
        };
        let (name, e_mail) = (format!("round {round}"), format!("{round}@example.com"));
        let one = w.import(0).await.header("prefer", preference);
        let two = w.import(0).await.task(other).header("prefer", preference);
        let (one, two) = tokio::join!(
            one.records(&records("Name", &name)).send(),
            two.records(&records("E-mail", &e_mail)).send(),
        );
        for reply in [one, two] {
            let run = import_id(&reply);
            let ended = w.wait_until_ended(0, run).await;
            assert_eq!(ended["Status"], "SUCCESS", "{ended}");
            assert_eq!(ended["Updated"], 2_000, "{ended}");
        }
        let stored = store.users().await;
        for n in 0..2_000 {
            let user = &stored[&w.login(&format!("shared{n}"))];
            assert_eq!(
                (&user["name"], &user["email"]),
                (&json!(name), &json!(e_mail))
            );
            // The list of changes is complete, too.
            let changes = user["changes"].as_array().map(Vec::len);
            assert_eq!(changes, Some(2 * round), "{user:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_tasks_that_import_the_same_external_ids_each_id_goes_to_one_user() {
    let w = World::start().await;
    let store = &w.store;
    let tasks = [applying_task(&w).await, applying_task(&w).await];
    let records = |name: &str| -> Value {
        (0..150)
            .map(|n| {
                let name = format!("{name}{n}");
                with_external_id(&w, &name, &format!("id{n}"))
            })
            .collect()
    };
    let (one, two) = (records("one"), records("two"));
    let (one, two) = tokio::join!(send_to(&w, tasks[0], &one), send_to(&w, tasks[1], &two));
    assert_eq!(
        (one.counts(), two.counts()),
        ([150, 0, 0, 0], [150, 0, 0, 0]),
        "{one} {two}"
    );
    let taken = [one.warnings(), two.warnings()].concat();
    assert!(
        taken.iter().all(|warning| {
            warning.ends_with("[external_id.taken]") || warning.ends_with("[external_id.promised]")
        }),
        "{taken:?}"
    );
    assert_eq!(taken.len(), 150, "{taken:?}");
    let users = store.users().await;
    let mut ids: Vec<&Value> = users
        .values()
        .filter_map(|user| user.get("external_id"))
        .collect();
    let assigned = ids.len();
    ids.sort_by_key(|id| id.to_string());
    ids.dedup();
    assert_eq!((users.len(), assigned, ids.len()), (300, 150, 150));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_run_concurrently() {
    let w = World::start().await;
    let store = &w.store;
    let mut sending = tokio::task::JoinSet::new();
    for n in 0..8 {
        let task = store.task(&w, n % 2, |_| ()).await;
        let (url, token) = (
            format!("{}/v1/import/user-data/{task}", w.url),
            w.token(n % 2).await.to_owned(),
        );
        let body = new_records(&w, &format!("p{n}x"), 200).to_string();
        let client = w.client();
        sending.spawn(async move {
            let sent = client
                .post(url)
                .bearer_auth(token)
                .header("content-type", "application/json")
                .body(body);
            let response = sent.send().await.expect("a response");
            (
                response.status().as_u16(),
                response.json::<Value>().await.expect("JSON"),
            )
        });
    }
    for (status, reply) in sending.join_all().await {
        assert_eq!(
            (status, &reply["Status"], &reply["Total Lines"]),
            (200, &json!("SUCCESS"), &json!(200)),
            "{reply}"
        );
    }
    let users = store.users().await;
    for n in 0..8 {
        let stored = (0..200)
            .filter(|user| users.contains_key(&w.login(&format!("p{n}x{user}"))))
            .count();
        assert_eq!(stored, 200, "task {n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_can_define_retry_after() {
    let w = World::start().await;
    let store = &w.store;
    let (default, custom) = (
        store.task(&w, 0, |_| ()).await,
        store
            .task(&w, 0, |task| task["retry_after_seconds"] = json!(7))
            .await,
    );
    for task in [default, custom] {
        store.lock_task(&w, 0, task).await;
    }
    let retry_after = assert_task_busy(&w.import(0).await.task(default).body("[]").send().await);
    assert!(
        retry_after > 30,
        "{retry_after} s are less than the rest of a fresh lock"
    );
    assert_eq!(
        assert_task_busy(&w.import(0).await.task(custom).body("[]").send().await),
        7
    );
}
