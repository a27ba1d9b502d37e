//! Users: lists, details with their changes, and blocking.

use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::pages;
use crate::support::{assert_all_equal, import_id};
use crate::values::full_mapping_task;

/// Returns the first page of the first tenant's users that match the query.
async fn list(w: &World, query: &str) -> Value {
    let call = w.operator(0, Method::GET, "/users").await.query(query);
    let reply = call.send().await;
    assert_eq!(reply.status, 200, "{reply}");
    reply.json()
}

/// Returns the logins of all users that match the query, in their order.
async fn logins(w: &World, query: &str) -> Vec<String> {
    let pages = pages(w, &format!("/users?{query}")).await;
    let logins = pages.iter().flatten().map(|user| user["login"].as_str());
    logins
        .map(|login| login.expect("a login").to_owned())
        .collect()
}

async fn id_of(w: &World, login: &str) -> u64 {
    let page = list(w, &format!("login={login}")).await;
    page["items"][0]["id"].as_u64().expect("the user's id")
}

async fn change(w: &World, tenant: usize, id: impl std::fmt::Display, verb: &str) -> Reply {
    let path = format!("/users/{id}/{verb}");
    w.operator(tenant, Method::POST, &path).await.send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_filter_finds_the_users_of_an_import() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
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
    let (anna_id, ben_id) = (id_of(&w, &anna).await, id_of(&w, &ben).await);
    for query in [
        format!("id={anna_id}"),
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
        format!("login={anna}&active=true&id={anna_id}&text=nn"),
        format!("text={tag}&limit=1&role=Category%20Manager"),
    ] {
        assert_eq!(logins(&w, &query).await, [anna.as_str()], "{query}");
    }
    for query in [
        format!("text={tag}&active=false"),
        format!("text={tag}&role=Store%20Manager"),
        format!("text={tag}&after={anna_id}"),
        format!("id={ben_id}&active=false"),
    ] {
        assert_eq!(logins(&w, &query).await, [ben.as_str()], "{query}");
    }
    for query in [
        format!("login=theirs.{tag}"),
        format!("login={anna}&active=false"),
        format!("login={anna}&external_id=E-2"),
        format!("id={ben_id}&login={anna}"),
        format!("external_id=e-1.{tag}"),
        "login=no%20login".to_owned(),
        "login=".to_owned(),
        format!("text={tag}%25"),
    ] {
        assert_eq!(logins(&w, &query).await, [""; 0], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_filter_is_refused_with_its_parameter() {
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
async fn the_pages_have_every_user_once_in_the_order_of_ids() {
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
        let mut ids = Vec::new();
        for user in pages(&w, &format!("/users?{query}")).await.iter().flatten() {
            assert_eq!(user.get("changes"), None, "a list has no changes");
            let login = user["login"].as_str().expect("a login").to_owned();
            ids.push((user["id"].as_u64().expect("an id"), login));
        }
        assert!(ids.is_sorted_by(|one, next| one.0 < next.0), "{query}");
        ids.retain(|(_, login)| ours(login));
        assert_eq!(ids.len(), 300, "{query}");
        let same = all.get_or_insert_with(|| ids.clone());
        assert_eq!(*same, ids, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_shown_with_its_attributes_in_the_order_of_the_catalogue() {
    let w = World::start().await;
    let robot = &w.tenants[0].robot.username;
    let mut record = w.record("anna");
    record["All Stores"] = true.into();
    record["Individual Stores"] = "store1,store2".into();
    let created = w.send(&json!([record])).await;
    created.assert_success(1);
    let id = id_of(&w, &w.login("anna")).await;
    let reply = w.get(&format!("/users/{id}")).await;
    assert_eq!(reply.status, 200, "{reply}");
    let user = reply.json();
    let at = user["created_at"].as_str().expect("a time");
    let by = json!({"dialect": "quant", "robot": robot, "run": import_id(&created)});
    assert_eq!(at.len(), "2026-11-22T01:02:03.004Z".len(), "{at}");
    let attributes = r#"{"name":"anna","role":"Category Manager","email":"someone@example.com","active":true,"all_stores":true,"individual_stores":["store1","store2"]}"#;
    assert!(reply.compact().contains(attributes), "{reply}");
    let changed = ["name", "role", "email", "all_stores", "individual_stores"];
    assert_eq!(
        user,
        json!({
            "id": id, "login": w.login("anna"), "version": 1, "created_at": at, "updated_at": at,
            "created_by": by, "updated_by": by, "attributes": user["attributes"],
            "changes": [{"at": at, "by": by, "attributes": changed}],
        })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_ten_changes_are_shown_with_run_and_attributes_newest_first() {
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
        expected.insert(0, (json!(import_id(&reply)), attributes));
        // An import without changes adds no change.
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
async fn a_blocked_user_can_be_unblocked_by_an_import() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let mut record = w.record("anna");
    record["Active"] = true.into();
    let file = json!([record]);
    let import = || async {
        let call = w.import(0).await.task(task).records(&file);
        let reply = call.send().await;
        reply.assert_success(1);
        let counts = store.run(import_id(&reply)).await.counts.expect("counts");
        (counts.created, counts.updated, counts.unchanged)
    };
    assert_eq!(import().await, (1, 0, 0));
    let id = id_of(&w, &w.login("anna")).await;
    let mut users = Vec::new();
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
        users.push(user);
    }
    let by = json!({"dialect": "console", "operator": w.tenants[0].operator.username});
    let blocked = &users[1];
    assert_eq!(blocked["updated_by"], by);
    assert_eq!(blocked["created_by"], users[0]["created_by"]);
    assert_eq!(
        blocked["changes"][0],
        json!({"at": blocked["updated_at"], "by": by, "attributes": ["active"]})
    );
    assert_eq!(
        import().await,
        (0, 1, 0),
        "the import did not unblock the user"
    );
    assert_eq!(import().await, (0, 0, 1));
    let user = w.get(&format!("/users/{id}")).await.json();
    assert_eq!(user["attributes"]["active"], true);
    assert_eq!(user["changes"].as_array().map(Vec::len), Some(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_of_another_tenant_gets_the_same_response_as_a_missing_one() {
    let w = World::start().await;
    w.put(&json!([w.record("anna")])).await;
    let id = id_of(&w, &w.login("anna")).await;
    let mut bodies = Vec::new();
    for path_id in [id.to_string(), "9007199254740990".into(), "anna".into()] {
        let path = format!("/users/{path_id}");
        let details = w.operator(1, Method::GET, &path).await.send().await;
        let block = change(&w, 1, &path_id, "block").await;
        let unblock = change(&w, 1, &path_id, "unblock").await;
        for reply in [details, block, unblock] {
            reply.assert_problem(404);
            bodies.push(reply.body);
        }
    }
    assert_all_equal(&bodies);
    let user = w.get(&format!("/users/{id}")).await.json();
    assert_eq!(
        (&user["version"], &user["attributes"]["active"]),
        (&json!(1), &json!(true))
    );
    let theirs = w.operator(1, Method::GET, "/users").await;
    let theirs = theirs.query(&format!("text={}", w.tag)).send().await;
    assert_eq!(theirs.json(), json!({"items": [], "next": null}));
}
