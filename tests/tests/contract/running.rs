//! One import at a time on a task: what the second one is told; and imports of several tasks or
//! tenants at once (CONTRACT §1).

use muster_tests::{Reply, World, store_or_skip};
use serde_json::{Value, json};

/// Complete records for new logins, `name` in front.
pub fn users(w: &World, name: &str, count: usize) -> Value {
    (0..count)
        .map(|n| w.record(&format!("{name}{n}")))
        .collect()
}

/// Asserts the answer to a second import; how many seconds it is told to wait.
#[track_caller]
pub fn assert_running(reply: &Reply) -> u64 {
    reply.assert_failure(503);
    assert_eq!(
        reply.header("import-id"),
        None,
        "a refused import is no run: {reply}"
    );
    let wait = reply
        .header("retry-after")
        .expect("Retry-After")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&wait), "{reply}");
    wait
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_imports_at_once_exactly_one_runs() {
    let w = World::start().await;
    // Large enough for the first to be at it when the second arrives.
    let (one, two) = (users(&w, "one", 3_000), users(&w, "two", 3_000));
    let (first, second) = (
        w.import(0).await.records(&one),
        w.import(0).await.records(&two),
    );
    let (first, second) = tokio::join!(first.send(), second.send());
    let (ran, refused, names) = if first.status == 200 {
        (&first, &second, ["one", "two"])
    } else {
        (&second, &first, ["two", "one"])
    };
    ran.assert_success(3_000);
    assert_running(refused);
    if let Some(store) = &w.store {
        let users = store.users().await;
        for n in [0, 1_500, 2_999] {
            assert!(users.contains_key(&w.login(&format!("{}{n}", names[0]))));
            assert!(
                !users.contains_key(&w.login(&format!("{}{n}", names[1]))),
                "a refused import was applied"
            );
        }
    }
    // Told to come again, and welcome then.
    w.import(0)
        .await
        .records(&json!([w.record("two1")]))
        .send()
        .await
        .assert_success(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_imports_at_once_each_runs_whole_or_not_at_all() {
    let w = World::start().await;
    let mut calls = Vec::new();
    for n in 0..8 {
        let call = w.import(0).await.records(&users(&w, &format!("t{n}x"), 20));
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
    let mut ran = Vec::new();
    for (n, reply) in replies.iter().enumerate() {
        match reply.status {
            200 => {
                reply.assert_success(20);
                ran.push(n);
            }
            _ => _ = assert_running(reply),
        }
    }
    assert!(!ran.is_empty(), "none of them ran");
    if let Some(store) = &w.store {
        let users = store.users().await;
        for n in 0..8 {
            let stored = (0..20)
                .filter(|user| users.contains_key(&w.login(&format!("t{n}x{user}"))))
                .count();
            assert_eq!(
                stored,
                if ran.contains(&n) { 20 } else { 0 },
                "import {n}, ran: {ran:?}"
            );
        }
    }
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_tenants_on_a_new_login_exactly_one_creates_it() {
    let w = World::start().await;
    let records = users(&w, "contested", 200);
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
        "a login is owned by both or by none: {mine} {theirs}"
    );
    let store = store_or_skip!(w);
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
async fn two_tasks_of_a_tenant_on_the_same_logins_both_succeed() {
    let w = World::start().await;
    let store = store_or_skip!(w);
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
    assert_eq!(ids.len(), users.len(), "an id was given twice");
    let counts = [
        store.run(one.header("import-id").expect("id")).await,
        store.run(two.header("import-id").expect("id")).await,
    ]
    .map(|run| run.counts.expect("a finished run"));
    assert_eq!(counts[0].created + counts[1].created, 200, "{counts:?}");
    assert_eq!(counts[0].updated + counts[1].updated, 200, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_imports_that_change_the_same_users_at_once_no_change_is_lost() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let other = store.task(&w, 0, |_| ()).await;
    let made = w.import(0).await.records(&users(&w, "shared", 2_000));
    made.send().await.assert_success(2_000);
    // Each says nothing of what the other changes. While they wait for their answers, and in the
    // background.
    for (round, preference) in [(1, "respond-sync"), (2, "respond-async")] {
        let changed = |key: &str, value: &str| -> Value {
            (0..2_000)
                .map(|n| json!({"Username": w.login(&format!("shared{n}")), key: value}))
                .collect()
        };
        let (name, e_mail) = (format!("round {round}"), format!("{round}@example.com"));
        let one = w.import(0).await.header("prefer", preference);
        let two = w.import(0).await.task(other).header("prefer", preference);
        let (one, two) = tokio::join!(
            one.records(&changed("Name", &name)).send(),
            two.records(&changed("E-mail", &e_mail)).send(),
        );
        for reply in [one, two] {
            let run = reply.header("import-id").expect("Import-Id");
            let ended = w.ended(0, run).await;
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
            // Nor who changed what: that is carried on from what stood there.
            let changes = user["changes"].as_array().map(Vec::len);
            assert_eq!(changes, Some(2 * round), "{user:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_tasks_on_the_same_external_ids_each_id_goes_to_one_user() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = store.task(&w, 0, |_| ()).await;
    let claiming = |name: &str| -> Value {
        (0..150)
            .map(|n| {
                let mut record = w.record(&format!("{name}{n}"));
                record["External ID"] = json!(w.login(&format!("id{n}")));
                record
            })
            .collect()
    };
    let one = w.import(0).await.debug().records(&claiming("one"));
    let two = w
        .import(0)
        .await
        .task(task)
        .debug()
        .records(&claiming("two"));
    let (one, two) = tokio::join!(one.send(), two.send());
    assert_eq!(
        (one.counts(), two.counts()),
        ([150, 0, 0, 0], [150, 0, 0, 0]),
        "{one} {two}"
    );
    let taken = [one.warnings(), two.warnings()].concat();
    assert!(
        taken
            .iter()
            .all(|warning| warning.ends_with("[external_id.taken]")),
        "{taken:?}"
    );
    assert_eq!(taken.len(), 150, "{taken:?}");
    let users = store.users().await;
    let mut ids: Vec<&Value> = users
        .values()
        .filter_map(|user| user.get("external_id"))
        .collect();
    let held = ids.len();
    ids.sort_by_key(|id| id.to_string());
    ids.dedup();
    assert_eq!((users.len(), held, ids.len()), (300, 150, 150));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_run_side_by_side() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let mut sending = tokio::task::JoinSet::new();
    for n in 0..8 {
        let task = store.task(&w, n % 2, |_| ()).await;
        let (url, token) = (
            format!("{}/v1/import/user-data/{task}", w.url),
            w.token(n % 2).await.to_owned(),
        );
        let body = users(&w, &format!("p{n}x"), 200).to_string();
        let client = w.client();
        sending.spawn(async move {
            let sent = client
                .post(url)
                .bearer_auth(token)
                .header("content-type", "application/json")
                .body(body);
            let answer = sent.send().await.expect("an answer");
            (
                answer.status().as_u16(),
                answer.json::<Value>().await.expect("JSON"),
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
async fn a_task_may_say_how_long_to_wait() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let (silent, spoken) = (
        store.task(&w, 0, |_| ()).await,
        store
            .task(&w, 0, |task| task["retry_after_seconds"] = json!(7))
            .await,
    );
    for task in [silent, spoken] {
        store.hold(&w, 0, task).await;
    }
    let wait = assert_running(&w.import(0).await.task(silent).body("[]").send().await);
    assert!(
        wait > 30,
        "{wait} s are less than what is left of a fresh hold"
    );
    assert_eq!(
        assert_running(&w.import(0).await.task(spoken).body("[]").send().await),
        7
    );
}
