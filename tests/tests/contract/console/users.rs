//! Operators look users up, see what changed them, and block them.

use muster_tests::{Reply, World, store_or_skip};
use reqwest::Method;
use serde_json::{Value, json};

use crate::values::wide_task;

/// The first tenant's users for this query.
async fn listed(w: &World, query: &str) -> Value {
    let call = w.operator(0, Method::GET, "/users").await.query(query);
    let reply = call.send().await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()
}

/// The logins of all pages for this query, in their order.
async fn logins(w: &World, query: &str) -> Vec<String> {
    let (mut logins, mut after) = (Vec::new(), String::new());
    loop {
        let page = listed(w, &format!("{query}{after}")).await;
        let items = page["items"].as_array().expect("items");
        let shown = items.iter().map(|user| user["login"].as_str());
        logins.extend(shown.map(|login| login.expect("a login").to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return logins,
        }
    }
}

async fn id_of(w: &World, login: &str) -> u64 {
    let page = listed(w, &format!("login={login}")).await;
    page["items"][0]["id"].as_u64().expect("the user's id")
}

async fn change(w: &World, tenant: usize, id: impl std::fmt::Display, verb: &str) -> Reply {
    let path = format!("/users/{id}/{verb}");
    w.operator(tenant, Method::POST, &path).await.send().await
}

fn run(reply: &Reply) -> &str {
    reply.header("import-id").expect("Import-Id")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_an_import_are_found_by_each_filter() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let mut anna = w.record("Anna");
    anna["External ID"] = w.login("E-1").into();
    anna["E-mail"] = format!("mail{}@example.com", w.tag).into();
    anna["First Name"] = format!("Ève{}", w.tag).into();
    anna["Surname"] = format!("Straße{}", w.tag).into();
    anna["Middle Name"] = format!("Middle{}", w.tag).into();
    let mut ben = w.record("ben");
    ben["Role"] = "store manager".into();
    ben["Active"] = false.into();
    let file = w.import(0).await.task(task).records(&json!([anna, ben]));
    file.send().await.assert_success(2);
    let mut theirs = w.record("theirs");
    theirs["External ID"] = w.login("E-1").into();
    let foreign = w.import(1).await.records(&json!([theirs]));
    foreign.send().await.assert_success(1);

    let (tag, anna, ben) = (&w.tag, w.login("Anna"), w.login("ben"));
    let (annas, bens) = (id_of(&w, &anna).await, id_of(&w, &ben).await);
    for query in [
        format!("id={annas}"),
        format!("login=ANNA.{tag}"),
        format!("external_id=E-1.{tag}"),
        format!("text=aNNa.{tag}"),
        format!("text=%C3%A8VE{tag}"),
        format!("text=STRASSE{tag}"),
        format!("text=middle{tag}"),
        format!("text=MAIL{tag}%40example.com"),
        format!("text=e-1.{tag}"),
        format!("text={tag}&active=true"),
        format!("text={tag}&role=Category%20Manager"),
        format!("login={anna}&active=true&id={annas}&text=nn"),
        format!("text={tag}&limit=1&role=Category%20Manager"),
    ] {
        assert_eq!(logins(&w, &query).await, [anna.as_str()], "{query}");
    }
    for query in [
        format!("text={tag}&active=false"),
        format!("text={tag}&role=Store%20Manager"),
        format!("text={tag}&after={annas}"),
        format!("id={bens}&active=false"),
    ] {
        assert_eq!(logins(&w, &query).await, [ben.as_str()], "{query}");
    }
    for query in [
        format!("login=theirs.{tag}"),
        format!("login={anna}&active=false"),
        format!("login={anna}&external_id=E-2"),
        format!("id={bens}&login={anna}"),
        format!("external_id=e-1.{tag}"),
        "login=no%20login".to_owned(),
        "login=".to_owned(),
        format!("text={tag}%25"),
    ] {
        assert_eq!(logins(&w, &query).await, [""; 0], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_query_is_refused_with_its_parameter() {
    let w = World::start().await;
    for (query, field) in [
        ("id=abc", "id"),
        ("active=perhaps", "active"),
        ("after=x", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
    ] {
        let call = w.operator(0, Method::GET, "/users").await.query(query);
        let reply = call.send().await;
        reply.assert_problem(400);
        assert_eq!(reply.json()["errors"][0]["field"], field, "{reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_give_every_user_once_in_the_order_of_ids() {
    let w = World::start().await;
    let records: Vec<Value> = (0..300).map(|n| w.record(&format!("user{n}"))).collect();
    w.put(&json!(records)).await;
    let ours = |login: &String| login.ends_with(&w.tag);
    let mut all = None;
    for query in [
        "limit=37".to_owned(),
        "limit=1000".to_owned(),
        format!("limit=90&text={}", w.tag),
    ] {
        let (mut ids, mut after) = (Vec::new(), String::new());
        loop {
            let page = listed(&w, &format!("{query}{after}")).await;
            for user in page["items"].as_array().expect("items") {
                assert_eq!(user.get("changes"), None, "only alone");
                let login = user["login"].as_str().expect("a login").to_owned();
                ids.push((user["id"].as_u64().expect("an id"), login));
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert!(ids.is_sorted_by(|one, next| one.0 < next.0), "{query}");
        ids.retain(|(_, login)| ours(login));
        assert_eq!(ids.len(), 300, "{query}");
        let same = all.get_or_insert_with(|| ids.clone());
        assert_eq!(*same, ids, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_shown_with_every_attribute_in_the_catalogue_s_order() {
    let w = World::start().await;
    let robot = &w.tenants[0].robot.username;
    let mut record = w.record("anna");
    record["All Stores"] = true.into();
    record["Individual Stores"] = "store1,store2".into();
    let made = w.send(&json!([record])).await;
    made.assert_success(1);
    let id = id_of(&w, &w.login("anna")).await;
    let reply = w.get(&format!("/users/{id}")).await;
    assert_eq!(reply.status, 200, "{reply}");
    let user = reply.json();
    let at = user["created_at"].as_str().expect("a time");
    let by = json!({"dialect": "quant", "robot": robot, "run": run(&made)});
    assert_eq!(at.len(), "2026-11-22T01:02:03.004Z".len(), "{at}");
    let attributes = r#"{"name":"anna","role":"Category Manager","email":"someone@example.com","active":true,"all_stores":true,"individual_stores":["store1","store2"]}"#;
    assert!(reply.compact().contains(attributes), "{reply}");
    let named = ["name", "role", "email", "all_stores", "individual_stores"];
    assert_eq!(
        user,
        json!({
            "id": id, "login": w.login("anna"), "version": 1, "created_at": at, "updated_at": at,
            "created_by": by, "updated_by": by, "attributes": user["attributes"],
            "changes": [{"at": at, "by": by, "attributes": named}],
        })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_name_runs_and_attributes_the_newest_first() {
    let w = World::start().await;
    let mut record = w.record("anna");
    let mut expected = Vec::new();
    for n in 0..12 {
        record["Name"] = format!("Anna {n}").into();
        if n == 11 {
            record["E-mail"] = "other@example.com".into();
        }
        let reply = w.send(&json!([record])).await;
        reply.assert_success(1);
        let attributes = match n {
            0 => json!(["name", "role", "email"]),
            11 => json!(["name", "email"]),
            _ => json!(["name"]),
        };
        expected.insert(0, (json!(run(&reply)), attributes));
        // What changes nothing is no change.
        w.send(&json!([record])).await.assert_success(1);
        let id = id_of(&w, &w.login("anna")).await;
        let user = w.get(&format!("/users/{id}")).await.json();
        let changes = user["changes"].as_array().expect("changes");
        assert_eq!(changes.len(), expected.len().min(10));
        for (change, (run, attributes)) in changes.iter().zip(&expected) {
            assert_eq!(
                (&change["by"]["run"], &change["attributes"]),
                (run, attributes)
            );
        }
        assert_eq!(changes[0]["at"], user["updated_at"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_shows_in_the_user_and_an_import_may_undo_it() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let mut record = w.record("anna");
    record["Active"] = true.into();
    let file = json!([record]);
    let import = || async {
        let call = w.import(0).await.task(task).records(&file);
        let reply = call.send().await;
        reply.assert_success(1);
        let counts = store.run(run(&reply)).await.counts.expect("counts");
        (counts.created, counts.updated, counts.unchanged)
    };
    assert_eq!(import().await, (1, 0, 0));
    let id = id_of(&w, &w.login("anna")).await;
    let mut answers = Vec::new();
    for (verb, active, version) in [
        ("unblock", true, 1),
        ("block", false, 2),
        ("block", false, 2),
        ("unblock", true, 3),
        ("block", false, 4),
    ] {
        let reply = change(&w, 0, id, verb).await;
        assert_eq!(reply.status, 200, "{reply}");
        let user = reply.json();
        assert_eq!(user["attributes"]["active"], active, "{verb}");
        assert_eq!(user["version"], version, "{verb}");
        assert_eq!(user, w.get(&format!("/users/{id}")).await.json());
        answers.push(user);
    }
    let by = json!({"dialect": "console", "operator": w.tenants[0].operator.username});
    let blocked = &answers[1];
    assert_eq!(blocked["updated_by"], by);
    assert_eq!(blocked["created_by"], answers[0]["created_by"]);
    assert_eq!(
        blocked["changes"][0],
        json!({"at": blocked["updated_at"], "by": by, "attributes": ["active"]})
    );
    assert_eq!(import().await, (0, 1, 0), "the import lets her in again");
    assert_eq!(import().await, (0, 0, 1));
    let user = w.get(&format!("/users/{id}")).await.json();
    assert_eq!(user["attributes"]["active"], true);
    assert_eq!(user["changes"].as_array().map(Vec::len), Some(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenant_s_user_is_like_none_at_all() {
    let w = World::start().await;
    w.put(&json!([w.record("anna")])).await;
    let id = id_of(&w, &w.login("anna")).await;
    let mut bodies = Vec::new();
    for wrong in [id.to_string(), "9007199254740990".into(), "anna".into()] {
        let look = format!("/users/{wrong}");
        let look = w.operator(1, Method::GET, &look).await.send().await;
        let block = change(&w, 1, &wrong, "block").await;
        let unblock = change(&w, 1, &wrong, "unblock").await;
        for reply in [look, block, unblock] {
            reply.assert_problem(404);
            bodies.push(reply.body);
        }
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    let user = w.get(&format!("/users/{id}")).await.json();
    assert_eq!(
        (&user["version"], &user["attributes"]["active"]),
        (&json!(1), &json!(true))
    );
    let theirs = w.operator(1, Method::GET, "/users").await;
    let theirs = theirs.query(&format!("text={}", w.tag)).send().await;
    assert_eq!(theirs.json(), json!({"items": [], "next": null}));
}
