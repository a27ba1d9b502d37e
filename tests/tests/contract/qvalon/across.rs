//! Users are the same in all dialects, and for operators.

use muster_tests::{World, store_or_skip};
use serde_json::json;

use super::{FIELDS, get, made, put, seen, user, with};
use crate::values::wide_task;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_of_an_import_is_shown_and_changed_here_and_by_the_next_import() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let mut record = w.record("ann");
    record["External ID"] = w.login("E").into();
    record["First Name"] = "Ann".into();
    record["Individual Stores"] = "s,t".into();
    record["Language"] = "uk".into();
    let import = async |record: &serde_json::Value| {
        let call = w.import(0).await.task(task).records(&json!([record]));
        let reply = call.send().await;
        reply.assert_success(1);
        let run = reply.header("import-id").expect("a run");
        let counts = store.run(run).await.counts.expect("counts");
        (counts.updated, counts.unchanged)
    };
    import(&record).await;
    let found = w
        .get(&format!("/users?login={}", w.login("ann")))
        .await
        .json();
    let id = found["items"][0]["id"].as_u64().expect("an id");
    let shown = get(&w, 0, id, "fields=shopExternalIds,authType,roles").await;
    assert_eq!(
        shown.json(),
        json!({
            "id": id, "active": true, "login": w.login("ann"), "firstName": "Ann",
            "email": "someone@example.com", "externalId": w.login("E"), "roles": [],
            "shopExternalIds": ["s", "t"],
        }),
        "the language has no name here, and nothing was said of level and authType"
    );
    let changed = json!({"position": "Cook", "admin": true, "password": "wrs1234"});
    let answer = put(&w, 0, id, &changed).await;
    assert_eq!(answer.json()["position"], "Cook", "{answer}");
    let user = seen(&w, id).await;
    assert_eq!(
        user["attributes"]["language"], "uk",
        "what is not shown is kept"
    );
    assert_eq!(user["attributes"]["role"], "Category Manager");
    assert_eq!(import(&record).await, (0, 1), "an import has nothing to do");
    record["Position"] = "Baker".into();
    assert_eq!(import(&record).await, (1, 0));
    let shown = get(&w, 0, id, "fields=admin").await.json();
    assert_eq!(
        (&shown["position"], &shown["admin"]),
        (&json!("Baker"), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_made_here_is_an_operator_s_and_an_import_s_like_any_other() {
    let w = World::start().await;
    let robot = &w.tenants[0].robot.username;
    let body = with(
        user(&w, "Ann"),
        json!({"externalId": w.login("E"), "email": "ann@example.com", "shopDirector": true}),
    );
    let id = made(&w, &body).await;
    let shown = seen(&w, id).await;
    let by = json!({"dialect": "qvalon", "robot": robot});
    assert_eq!((&shown["created_by"], &shown["updated_by"]), (&by, &by));
    assert_eq!(
        shown["attributes"],
        json!({
            "external_id": w.login("E"), "email": "ann@example.com", "active": true,
            "auth_type": "LOCAL", "level": "COMPANY", "shop_director": true,
        })
    );
    let found = w
        .get(&format!("/users?external_id={}", w.login("E")))
        .await
        .json();
    assert_eq!(found["items"][0]["id"], id);

    let mut record = w.record("ann");
    record["Name"] = "Ann Woo".into();
    w.put(&json!([record])).await;
    let user = seen(&w, id).await;
    assert_eq!(
        user["login"],
        w.login("Ann"),
        "an import changes no spelling"
    );
    assert_eq!(user["attributes"]["role"], "Category Manager");
    assert_eq!(user["attributes"]["name"], "Ann Woo");
    assert_eq!(user["attributes"]["shop_director"], true);
    assert_eq!(user["created_by"], by);
    assert_eq!(user["updated_by"]["dialect"], "quant");
    let shown = get(&w, 0, id, &format!("fields={FIELDS}")).await.json();
    assert_eq!(shown["email"], "someone@example.com");
    assert_eq!(shown["roles"], json!(["ROLE_SHOPDIR"]));

    let mut other = w.record("bob");
    other["External ID"] = w.login("E").into();
    let reply = w.send(&json!([other])).await;
    assert!(
        reply.warnings()[0].contains("[external_id.taken]"),
        "{reply}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_by_an_operator_shows_here_and_can_be_undone_here() {
    let w = World::start().await;
    let id = made(&w, &user(&w, "ann")).await;
    let path = format!("/users/{id}/block");
    let blocked = w
        .operator(0, reqwest::Method::POST, &path)
        .await
        .send()
        .await;
    assert_eq!(blocked.status, 200, "{blocked}");
    assert_eq!(get(&w, 0, id, "").await.json()["active"], false);
    let answer = put(&w, 0, id, &json!({"active": true})).await;
    assert_eq!(answer.json()["active"], true);
    assert_eq!(seen(&w, id).await["attributes"]["active"], true);
}
