//! Changing users.

use muster_import::Times;
use muster_tests::World;
use serde_json::{Value, json};

use super::{FIELDS, assert_refused, create, get, get_as_operator, post, put, user, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_keeps_the_other_attributes_and_returns_the_stored_user() {
    let w = World::start().await;
    let robot = &w.tenants[0].robot.username;
    let body = with(
        user(&w, "ann"),
        json!({"position": "Cook", "firstName": "Ann"}),
    );
    let id = create(&w, &body).await;
    let before = get_as_operator(&w, id).await;
    assert_eq!(before["version"], 1);
    let response = put(&w, 0, id, &json!({"position": "Baker", "active": false})).await;
    assert_eq!(response.status, 200, "{response}");
    assert_eq!(
        response.json(),
        json!({
            "id": id, "active": false, "login": w.login("ann"), "firstName": "Ann",
            "position": "Baker", "level": "COMPANY",
        })
    );
    assert_eq!(get(&w, 0, id, "").await.body, response.body);
    let after = get_as_operator(&w, id).await;
    assert_eq!(after["version"], 2);
    assert_eq!(
        after["updated_by"],
        json!({"dialect": "qvalon", "robot": robot})
    );
    assert_eq!(after["created_at"], before["created_at"]);
    assert_eq!(
        after["changes"][0]["attributes"],
        json!(["active", "position"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_changes_writes_nothing() {
    let w = World::own_with_times(Times::default()).await;
    let store = &w.store;
    let body = with(
        user(&w, "ann"),
        json!({"externalId": "E", "email": "ann@example.com", "shopIds": [2, 1], "lang": "en_EN"}),
    );
    let id = create(&w, &body).await;
    let (writes, rows) = (store.directory_writes(), store.directory().await);
    for same in [
        body,
        json!({}),
        json!({"password": "wrs1234"}),
        json!({"active": true, "admin": false, "authType": "LOCAL", "level": "COMPANY"}),
        json!({"position": null, "firstName": "", "regionIds": [], "shopIds": "2,1"}),
        json!({"login": "", "password": "", "email": ""}),
    ] {
        let reply = put(&w, 0, id, &same).await;
        assert_eq!(reply.status, 200, "{reply}");
        assert_eq!(reply.json()["externalId"], "E");
    }
    assert_eq!(store.directory_writes(), writes);
    assert_eq!(store.directory().await, rows);
    let reply = put(&w, 0, id, &json!({"password": "another"})).await;
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(store.directory_writes(), writes + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_external_id_is_ignored_in_an_update() {
    let w = World::start().await;
    let id = create(
        &w,
        &with(user(&w, "ann"), json!({"externalId": w.login("E")})),
    )
    .await;
    let bare = create(&w, &user(&w, "bob")).await;
    for uid in [
        json!("other"),
        json!(w.login("E")),
        json!(null),
        json!({}),
        json!([1]),
    ] {
        let response = put(&w, 0, id, &json!({"externalId": uid})).await;
        assert_eq!(response.json()["externalId"], w.login("E"), "{response}");
        let response = put(&w, 0, bare, &json!({"externalId": uid})).await;
        assert_eq!(response.json().get("externalId"), None, "{response}");
    }
    assert_eq!(get_as_operator(&w, id).await["version"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renamed_user_keeps_its_ids_and_frees_the_old_login() {
    let w = World::start().await;
    let uid = w.login("E");
    let id = create(&w, &with(user(&w, "ann"), json!({"externalId": uid}))).await;
    let version = get_as_operator(&w, id).await["version"]
        .as_u64()
        .expect("a version");
    let response = put(&w, 0, id, &json!({"login": w.login("Eve")})).await;
    assert_eq!(response.status, 200, "{response}");
    let shown = response.json();
    assert_eq!(
        (&shown["id"], &shown["login"], &shown["externalId"]),
        (&json!(id), &json!(w.login("Eve")), &json!(uid))
    );
    assert_eq!(get(&w, 0, id, "").await.body, response.body);
    let found = async |query: String| {
        let found = w.get(&format!("/users?{query}")).await.json();
        let users = found["items"].as_array().expect("items").iter();
        users.map(|user| user["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found(format!("external_id={uid}")).await, [id]);
    assert_eq!(found(format!("id={id}")).await, [id]);
    assert_eq!(found(format!("login={}", w.login("eve"))).await, [id]);
    assert_eq!(found(format!("login={}", w.login("ann"))).await, [0; 0]);
    let renamed = get_as_operator(&w, id).await;
    assert!(renamed["version"].as_u64() > Some(version), "{renamed}");
    assert_eq!(renamed["changes"][0]["attributes"], json!(["username"]));
    // The external id still belongs to the renamed user; the old login is free.
    let same = with(user(&w, "bob"), json!({"externalId": uid}));
    assert_refused(&post(&w, 0, &same).await, 409, Some("externalId"));
    let theirs = post(&w, 1, &user(&w, "ann")).await;
    assert_eq!(theirs.status, 200, "{theirs}");
    assert_ne!(theirs.json()["id"], id);
    assert_eq!(get(&w, 0, id, "").await.body, response.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_can_be_renamed_repeatedly_and_back_and_respelt() {
    let w = World::start().await;
    let id = create(&w, &user(&w, "ann")).await;
    let mut version = 1;
    for name in ["eve", "Eve", "ann", "ANN", "eve"] {
        let response = put(&w, 0, id, &json!({"login": w.login(name)})).await;
        assert_eq!(response.json()["login"], w.login(name), "{response}");
        assert_eq!(get(&w, 0, id, "").await.body, response.body);
        let new_version = get_as_operator(&w, id).await["version"]
            .as_u64()
            .expect("a version");
        assert!(
            new_version > version,
            "{name}: {new_version} after {version}"
        );
        version = new_version;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_cannot_be_renamed_to_a_taken_login() {
    let w = World::start().await;
    let id = create(&w, &user(&w, "ann")).await;
    create(&w, &user(&w, "bob")).await;
    assert_eq!(post(&w, 1, &user(&w, "eve")).await.status, 200);
    let before = w.directory().await;
    for name in ["bob", "BOB", "eve"] {
        let body = json!({"login": w.login(name), "position": "Cook"});
        let reply = put(&w, 0, id, &body).await;
        let message = assert_refused(&reply, 409, Some("login"));
        assert!(message.starts_with("login: "), "{message}");
    }
    assert_eq!(w.directory().await, before);
    let shown = get(&w, 0, id, "").await.json();
    assert_eq!(
        (shown.get("position"), &shown["login"]),
        (None, &json!(w.login("ann")))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_level_requires_its_attributes_in_the_resulting_user() {
    let w = World::start().await;
    let id = create(&w, &user(&w, "ann")).await;
    for (members, field) in [
        (json!({"level": "SHOP"}), Some("shopIds")),
        (json!({"shopIds": [17]}), None),
        (json!({"level": "SHOP"}), None),
        (json!({"shopIds": null}), Some("shopIds")),
        (json!({"shopIds": [], "shopExternalIds": ["a"]}), None),
        (json!({"shopExternalIds": null}), Some("shopIds")),
        (json!({"level": "REGION"}), Some("regionIds")),
        (json!({"level": "REGION", "regionExternalIds": ["r"]}), None),
        (json!({"level": "DIVISION", "divisionIds": [1]}), None),
        (json!({"divisionIds": "", "level": "COMPANY"}), None),
        (json!({"authType": "LDAP"}), Some("ldapLogin")),
        (json!({"ldapLogin": "ann"}), None),
        (json!({"authType": "LDAP"}), None),
        (json!({"ldapLogin": null}), Some("ldapLogin")),
        (json!({"ldapLogin": null, "authType": "LOCAL"}), None),
    ] {
        let before = get(&w, 0, id, &format!("fields={FIELDS}")).await.json();
        let reply = put(&w, 0, id, &members).await;
        match field {
            Some(field) => {
                assert_refused(&reply, 400, Some(field));
                let after = get(&w, 0, id, &format!("fields={FIELDS}")).await.json();
                assert_eq!(after, before, "{members}");
            }
            None => assert_eq!(reply.status, 200, "{members}: {reply}"),
        }
    }
    let both = json!({"level": "SHOP", "shopExternalIds": [], "authType": "LDAP"});
    let message = assert_refused(&put(&w, 0, id, &both).await, 400, Some("ldapLogin"));
    assert!(message.contains("; shopIds: "), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_concurrent_changes_are_all_kept() {
    let w = World::start().await;
    let id = create(&w, &user(&w, "ann")).await;
    let flags = FIELDS.split(',').skip(7).take(10);
    let mut changes: Vec<(String, Value)> =
        flags.map(|flag| (flag.to_owned(), true.into())).collect();
    changes.extend(
        [
            ("firstName", json!("Ann")),
            ("lastName", json!("Woo")),
            ("position", json!("Cook")),
            ("email", json!("ann@example.com")),
            ("businessDirId", json!(7)),
            ("ldapLogin", json!("ann")),
            ("lang", json!("ru_RU")),
            ("timeZoneId", json!("Europe/Kyiv")),
            ("shopExternalIds", json!(["s"])),
            ("login", json!(w.login("Eve"))),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    assert_eq!(changes.len(), 20);
    let w = std::sync::Arc::new(w);
    let mut sent = tokio::task::JoinSet::new();
    for (name, value) in changes.clone() {
        let w = std::sync::Arc::clone(&w);
        sent.spawn(async move {
            let reply = put(&w, 0, id, &json!({&name: value})).await;
            assert_eq!(reply.status, 200, "{name}: {reply}");
        });
    }
    while let Some(ended) = sent.join_next().await {
        ended.expect("a change");
    }
    let shown = get(&w, 0, id, &format!("fields={FIELDS}")).await.json();
    for (name, value) in changes {
        assert_eq!(shown[&name], value, "{name}");
    }
    assert!(get_as_operator(&w, id).await["version"].as_u64() >= Some(21));
}
