//! Every attribute of each dialect is stored, and the other dialects read the stored user.

use muster_tests::World;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    COLLABORATOR, Kind, QVALON, Row, TABLE, collaborator_user, find_user, identity_mapping_task,
    send_single,
};

/// Returns a value to send, and the value that is stored.
fn sample(w: &World, row: &Row, login: &str, manager: &Value) -> (Value, Value) {
    let same = |value: Value| (value.clone(), value);
    let text = |kind: &str| json!(format!("{kind} of {}", row.name));
    match (row.kind, row.name) {
        (Kind::Login, _) => same(json!(login)),
        (_, "external_id") => same(json!(format!("{login}-uid"))),
        (_, "manager_uid") => same(json!(w.login("boss") + "-uid")),
        (Kind::Text, _) => same(text("text")),
        (Kind::Role, _) => (json!("catman"), json!("Category Manager")),
        (Kind::Email, _) => same(json!("ann.woo@example.com")),
        (Kind::Phone, _) => (json!("+380 (97) 111-11-11"), json!("+380971111111")),
        (Kind::Boolean, "active") => same(json!(false)),
        (Kind::Boolean, _) => same(json!(true)),
        (Kind::TextList, _) => same(json!([text("one"), text("two")])),
        (Kind::IdList, _) => same(json!([3, 1, 2])),
        (Kind::Language, _) => (json!("ru"), json!("ru")),
        (Kind::TimeZone, _) => same(json!("Europe/Moscow")),
        (Kind::Gender, _) => same(json!(1)),
        (Kind::Date, _) => (json!("26.07.1988"), json!("1988-07-26")),
        (Kind::Object, _) => same(json!("eyJhIjoxfQ==")),
        (Kind::AuthType, _) => same(json!("LDAP")),
        (Kind::Level, _) => same(json!("SHOP")),
        (Kind::Manager, _) => same(manager.clone()),
        (Kind::Integer, _) => same(json!(1002)),
        (Kind::Password, _) => same(json!("a secret of theirs")),
    }
}

/// Returns a request with every attribute of a dialect, and the attributes that it stores.
fn all_attributes(
    w: &World,
    login: &str,
    manager: &Value,
    key: fn(&Row) -> &'static str,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut sent, mut stored) = (Map::new(), Map::new());
    for row in TABLE.iter().filter(|row| !key(row).is_empty()) {
        let (value, stored_value) = sample(w, row, login, manager);
        sent.insert(key(row).to_owned(), value);
        if !matches!(row.kind, Kind::Login | Kind::Password) {
            stored.insert(row.name.to_owned(), stored_value);
        }
    }
    (sent, stored)
}

/// Creates the manager of the other users; returns the id.
async fn create_boss(w: &World) -> Value {
    let boss = Value::Object(collaborator_user(w, "boss")).to_string();
    send_single(w, Method::POST, COLLABORATOR, &boss)
        .await
        .expect("the boss is created");
    find_user(w, &w.login("boss"))
        .await
        .expect("the boss exists")["id"]
        .clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_dialect_stores_all_its_attributes_and_the_others_find_the_user() {
    let w = World::start().await;
    let manager = create_boss(&w).await;
    let (login, other) = (w.login("collaborator"), w.login("qvalon"));

    let (mut sent, stored) = all_attributes(&w, &login, &manager, |row| row.collaborator);
    sent["is_active"] = json!(0);
    let sent = Value::Object(sent).to_string();
    let counts = send_single(&w, Method::POST, COLLABORATOR, &sent).await;
    assert_eq!(counts.expect("counts")["created_count"], 1);
    let user = find_user(&w, &login).await.expect("the user exists");
    assert_eq!(user["attributes"], Value::Object(stored));
    assert_eq!(user["created_by"]["dialect"], "collaborator");
    let list = format!("{QVALON}?login={login}");
    let found = send_single(&w, Method::GET, &list, "")
        .await
        .expect("a list");
    assert_eq!(found[0]["id"], user["id"], "{found}");

    let (mut sent, stored) = all_attributes(&w, &other, &manager, |row| row.qvalon);
    sent["lang"] = json!("ru_RU");
    let sent = Value::Object(sent).to_string();
    let created = send_single(&w, Method::POST, QVALON, &sent)
        .await
        .expect("a user");
    let user = find_user(&w, &other).await.expect("the user exists");
    assert_eq!(user["attributes"], Value::Object(stored));
    assert_eq!(user["id"], created["id"]);
    assert_eq!(user["created_by"]["dialect"], "qvalon");

    let store = &w.store;
    for login in [&login, &other] {
        let row = store.user(login).await.expect("a row");
        let hash = row["password"].as_str().expect("a hash");
        assert!(hash.starts_with("$argon2id$"), "{hash}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quant_task_can_map_every_attribute_but_the_password() {
    let w = World::start().await;
    let store = &w.store;
    let manager = create_boss(&w).await;
    let login = w.login("quant");
    let task = identity_mapping_task(&w, store).await;
    let (mut sent, mut stored) = all_attributes(&w, &login, &manager, |row| match row.kind {
        Kind::Password => "",
        _ => row.name,
    });
    sent["external_id"] = json!(format!("{login}-uid"));
    stored.insert("external_id".to_owned(), sent["external_id"].clone());
    let records = json!([Value::Object(sent)]);
    let import = w.import(0).await.task(task).debug().records(&records);
    import.send().await.assert_success(1);
    let user = find_user(&w, &login).await.expect("the user exists");
    assert_eq!(user["attributes"], Value::Object(stored));

    let path = format!("{QVALON}/{}", user["id"]);
    let read = send_single(&w, Method::GET, &path, "")
        .await
        .expect("a user");
    assert_eq!(read["login"], json!(login));
    // Collaborator finds it by the external id that the import gave it.
    let mut same = collaborator_user(&w, "quant");
    same["email"] = json!("ann.woo@example.com");
    same["firstname"] = json!("text of first_name");
    same["secondname"] = json!("text of last_name");
    let same = Value::Object(same).to_string();
    let counts = send_single(&w, Method::POST, COLLABORATOR, &same).await;
    let nothing =
        json!({"created_count":0,"updated_count":0,"blocked_count":0,"unblocked_count":0});
    assert_eq!(counts.expect("counts"), nothing);

    let settings = json!({"settings": {"title": "P", "permitted_robots": [], "enabled": false,
        "attribute_mapping": {"username": "u", "password": "p"}}});
    let refused = w.send_json(Method::POST, "/tasks", &settings).await;
    assert_eq!(refused.status, 422, "{refused}");
}
