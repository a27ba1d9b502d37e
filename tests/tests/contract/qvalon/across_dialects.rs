//! Users of QVALON in the other dialects and in the operators' API.

use muster_tests::World;
use serde_json::json;

use super::{FIELDS, create, get, get_as_operator, put, user, with};
use crate::support::import_id;
use crate::values::full_mapping_task;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_of_an_import_can_be_read_and_changed_and_imported_again() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let mut record = w.record("ann");
    record["External ID"] = w.login("E").into();
    record["First Name"] = "Ann".into();
    record["Individual Stores"] = "s,t".into();
    record["Language"] = "uk".into();
    let import = async |record: &serde_json::Value| {
        let call = w.import(0).await.task(task).records(&json!([record]));
        let reply = call.send().await;
        reply.assert_success(1);
        let run = import_id(&reply);
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
        "QVALON has no name for the language, and level and authType are not set"
    );
    let changed = json!({"position": "Cook", "admin": true, "password": "wrs1234"});
    let response = put(&w, 0, id, &changed).await;
    assert_eq!(response.json()["position"], "Cook", "{response}");
    let user = get_as_operator(&w, id).await;
    assert_eq!(
        user["attributes"]["language"], "uk",
        "an attribute without a name in QVALON was changed"
    );
    assert_eq!(user["attributes"]["role"], "Category Manager");
    assert_eq!(
        import(&record).await,
        (0, 1),
        "the import changed something"
    );
    record["Position"] = "Baker".into();
    assert_eq!(import(&record).await, (1, 0));
    let shown = get(&w, 0, id, "fields=admin").await.json();
    assert_eq!(
        (&shown["position"], &shown["admin"]),
        (&json!("Baker"), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_of_qvalon_can_be_read_by_operators_and_changed_by_an_import() {
    let w = World::start().await;
    let robot = &w.tenants[0].robot.username;
    let body = with(
        user(&w, "Ann"),
        json!({"externalId": w.login("E"), "email": "ann@example.com", "shopDirector": true}),
    );
    let id = create(&w, &body).await;
    let shown = get_as_operator(&w, id).await;
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
    let user = get_as_operator(&w, id).await;
    assert_eq!(
        user["login"],
        w.login("Ann"),
        "an import does not change the spelling"
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
    assert_eq!(reply.counts(), [1, 0, 1, 0], "{reply}");
    assert!(
        reply.warnings()[0].contains("[external_id.taken]"),
        "{reply}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_blocked_by_an_operator_can_be_unblocked() {
    let w = World::start().await;
    let id = create(&w, &user(&w, "ann")).await;
    let path = format!("/users/{id}/block");
    let blocked = w
        .operator(0, reqwest::Method::POST, &path)
        .await
        .send()
        .await;
    assert_eq!(blocked.status, 200, "{blocked}");
    assert_eq!(get(&w, 0, id, "").await.json()["active"], false);
    let response = put(&w, 0, id, &json!({"active": true})).await;
    assert_eq!(response.json()["active"], true);
    assert_eq!(get_as_operator(&w, id).await["attributes"]["active"], true);
}
