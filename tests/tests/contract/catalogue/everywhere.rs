//! What each dialect can send is stored, and what is stored is seen by the others.

use muster_tests::{World, store_or_skip};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{COLLABORATOR, Kind, QVALON, Row, TABLE, collaborator_user, shown, single, whole_task};

/// A value that is sent, and what is stored of it.
fn sample(w: &World, row: &Row, login: &str, manager: &Value) -> (Value, Value) {
    let same = |value: Value| (value.clone(), value);
    let about = |what: &str| json!(format!("{what} of {}", row.name));
    match (row.kind, row.name) {
        (Kind::Login, _) => same(json!(login)),
        (_, "external_id") => same(json!(format!("{login}-uid"))),
        (_, "manager_uid") => same(json!(w.login("boss") + "-uid")),
        (Kind::Text, _) => same(about("text")),
        (Kind::Role, _) => (json!("catman"), json!("Category Manager")),
        (Kind::Email, _) => same(json!("ann.woo@example.com")),
        (Kind::Phone, _) => (json!("+380 (97) 111-11-11"), json!("+380971111111")),
        (Kind::Flag, "active") => same(json!(false)),
        (Kind::Flag, _) => same(json!(true)),
        (Kind::Texts, _) => same(json!([about("one"), about("two")])),
        (Kind::Ids, _) => same(json!([3, 1, 2])),
        (Kind::Language, _) => (json!("ru"), json!("ru")),
        (Kind::Zone, _) => same(json!("Europe/Moscow")),
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

/// A request with every attribute that the dialect has, and what is to be stored of it.
fn everything(
    w: &World,
    login: &str,
    manager: &Value,
    key: fn(&Row) -> &'static str,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut sent, mut stored) = (Map::new(), Map::new());
    for row in TABLE.iter().filter(|row| !key(row).is_empty()) {
        let (value, becomes) = sample(w, row, login, manager);
        sent.insert(key(row).to_owned(), value);
        if !matches!(row.kind, Kind::Login | Kind::Password) {
            stored.insert(row.name.to_owned(), becomes);
        }
    }
    (sent, stored)
}

async fn boss(w: &World) -> Value {
    let boss = Value::Object(collaborator_user(w, "boss")).to_string();
    single(w, Method::POST, COLLABORATOR, &boss)
        .await
        .expect("the boss is made");
    shown(w, &w.login("boss")).await.expect("the boss is there")["id"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_dialect_stores_every_attribute_it_has_and_the_others_see_the_user() {
    let w = World::start().await;
    let manager = boss(&w).await;
    let (login, other) = (w.login("collaborator"), w.login("qvalon"));

    let (mut sent, stored) = everything(&w, &login, &manager, |row| row.collaborator);
    sent["is_active"] = json!(0);
    let sent = Value::Object(sent).to_string();
    let counts = single(&w, Method::POST, COLLABORATOR, &sent).await;
    assert_eq!(counts.expect("made")["created_count"], 1);
    let user = shown(&w, &login).await.expect("it is there");
    assert_eq!(user["attributes"], Value::Object(stored));
    assert_eq!(user["created_by"]["dialect"], "collaborator");
    let list = format!("{QVALON}?login={login}");
    let found = single(&w, Method::GET, &list, "").await.expect("a list");
    assert_eq!(found[0]["id"], user["id"], "{found}");

    let (mut sent, stored) = everything(&w, &other, &manager, |row| row.qvalon);
    sent["lang"] = json!("ru_RU");
    let sent = Value::Object(sent).to_string();
    let made = single(&w, Method::POST, QVALON, &sent).await.expect("made");
    let user = shown(&w, &other).await.expect("it is there");
    assert_eq!(user["attributes"], Value::Object(stored));
    assert_eq!(user["id"], made["id"]);
    assert_eq!(user["created_by"]["dialect"], "qvalon");

    let Some(store) = &w.store else { return };
    for login in [&login, &other] {
        let row = store.user(login).await.expect("a row");
        let hash = row["password"].as_str().expect("a hash");
        assert!(hash.starts_with("$argon2id$"), "{hash}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_of_quant_maps_any_attribute_but_the_password() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let manager = boss(&w).await;
    let login = w.login("quant");
    let task = whole_task(&w, store).await;
    let (mut sent, mut stored) = everything(&w, &login, &manager, |row| match row.kind {
        Kind::Password => "",
        _ => row.name,
    });
    sent["external_id"] = json!(format!("{login}-uid"));
    stored.insert("external_id".to_owned(), sent["external_id"].clone());
    let records = json!([Value::Object(sent)]);
    let import = w.import(0).await.task(task).debug().records(&records);
    import.send().await.assert_success(1);
    let user = shown(&w, &login).await.expect("it is there");
    assert_eq!(user["attributes"], Value::Object(stored));

    let path = format!("{QVALON}/{}", user["id"]);
    let seen = single(&w, Method::GET, &path, "").await.expect("a user");
    assert_eq!(seen["login"], json!(login));
    // Collaborator finds it by the external id that the import gave it.
    let mut same = collaborator_user(&w, "quant");
    same["email"] = json!("ann.woo@example.com");
    same["firstname"] = json!("text of first_name");
    same["secondname"] = json!("text of last_name");
    let same = Value::Object(same).to_string();
    let counts = single(&w, Method::POST, COLLABORATOR, &same).await;
    let nothing =
        json!({"created_count":0,"updated_count":0,"blocked_count":0,"unblocked_count":0});
    assert_eq!(counts.expect("it is known"), nothing);

    let settings = json!({"settings": {"title": "P", "permitted_robots": [], "enabled": false,
        "attribute_mapping": {"username": "u", "password": "p"}}});
    let refused = w.send_json(Method::POST, "/tasks", &settings).await;
    assert_eq!(refused.status, 422, "{refused}");
}
