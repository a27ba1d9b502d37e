//! Creating users.

use muster_tests::World;
use reqwest::Method;
use serde_json::json;

use super::{
    FIELDS, USERS, assert_refused, call, create, get, get_as_operator, post, put, user, with,
};
use crate::support::assert_all_equal;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_examples_get_the_documented_responses() {
    let w = World::start().await;
    let address = format!("samplemail{}@example.com", w.tag);
    let send = async |method: Method, path: &str, body: &str| {
        let body = body.replace("samplemail@example.com", &address);
        let reply = call(&w, 0, method, path).await.body(body).send().await;
        assert_eq!(reply.status, 200, "{reply}");
        assert_eq!(reply.media_type(), Some("application/json"));
        reply
    };
    let expected = |id: u64, position: &str, lang: &str| {
        let before = format!(r#"{{"id":{id},"active":true,"login":"{address}","#);
        let names = r#""firstName":"John","lastName":"Doe","#;
        let work = format!(r#""position":"{position}","email":"{address}","level":"COMPANY","#);
        format!(r#"{before}{names}{work}"businessDirId":1002,"lang":"{lang}"}}"#)
    };
    let created = send(Method::POST, USERS, r#"{"login":"samplemail@example.com","email":"samplemail@example.com","firstName":"John","lastName":"Doe","position":"Test position","password":"wrs1234","authType":"LOCAL","level":"COMPANY","active":true,"supervisor":true,"admin":false,"taskManager":false,"userChecklistsOrganizer":false,"shopDirector":false,"shopIds":[],"lang":"ru_RU","businessDirId":1002}"#).await;
    let id = created.json()["id"].as_u64().expect("an id");
    assert_eq!(created.compact(), expected(id, "Test position", "ru_RU"));

    let path = super::path_of(id);
    let updated = send(Method::PUT, &path, r#"{"login":"samplemail@example.com","email":"samplemail@example.com","firstName":"John","lastName":"Doe","position":"Update test position","active":true,"authType":"LOCAL","lang":"ru_RU","surveyAdmin":false,"admin":false,"level":"COMPANY","businessDirId":1002,"supervisor":true,"taskManager":false,"userChecklistsOrganizer":false,"shopDirector":false}"#).await;
    // The response has the language of the request, as it is stored.
    let stored = expected(id, "Update test position", "ru_RU");
    assert_eq!(updated.compact(), stored);
    send(Method::PUT, &path, r#"{"lang":"en_EN"}"#).await;
    let shown = send(Method::GET, &path, "").await;
    assert_eq!(shown.compact(), stored.replace("ru_RU", "en_EN"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_only_login_and_password_has_the_defaults() {
    let w = World::start().await;
    let reply = post(&w, 0, &user(&w, "ann")).await;
    let id = reply.json()["id"].as_u64().expect("an id");
    let shown = json!({"id": id, "active": true, "login": w.login("ann"), "level": "COMPANY"});
    assert_eq!(reply.json(), shown);
    let all = get(&w, 0, id, &format!("fields={FIELDS}")).await.json();
    assert_eq!(all["authType"], "LOCAL");
    assert_eq!(all["roles"], json!([]));
    assert_eq!(all["canEditSelectedChlTemplates"], false);
    let attributes = json!({"active": true, "auth_type": "LOCAL", "level": "COMPANY"});
    assert_eq!(get_as_operator(&w, id).await["attributes"], attributes);
    let store = &w.store;
    let row = store.user(&w.login("ann")).await.expect("the user");
    for attribute in ["active", "supervisor", "can_edit_all_processes"] {
        assert_eq!(row.get(attribute), None, "a default was stored");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_created_user_can_be_read_at_once() {
    let w = World::start().await;
    for n in 0..20 {
        let login = w.login(&format!("user{n}"));
        let id = create(&w, &json!({"login": login, "password": "x"})).await;
        let shown = get(&w, 0, id, "").await;
        assert_eq!(shown.status, 200, "{shown}");
        assert_eq!(shown.json()["login"], login);
        let by_id = w.get(&format!("/users?id={id}")).await.json();
        assert_eq!(by_id["items"][0]["login"], login);
        let by_login = w.get(&format!("/users?login={login}")).await.json();
        assert_eq!(by_login["items"][0]["id"], id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_is_taken_in_every_tenant_and_spelling() {
    let w = World::start().await;
    let id = create(&w, &user(&w, "ann")).await;
    let before = w.directory().await;
    let mut responses = Vec::new();
    for (tenant, name) in [(0, "ann"), (1, "ann"), (0, "ANN"), (1, "Ann")] {
        let reply = post(&w, tenant, &user(&w, name)).await;
        let message = assert_refused(&reply, 409, Some("login"));
        assert!(message.starts_with("login: "), "{message}");
        responses.push(reply.body);
    }
    assert_all_equal(&responses);
    assert_eq!(w.directory().await, before);
    assert_eq!(get(&w, 0, id, "").await.json()["login"], w.login("ann"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_id_is_unique_within_the_tenant() {
    let w = World::start().await;
    let uid = json!({"externalId": w.login("E")});
    let first = post(&w, 0, &with(user(&w, "ann"), uid.clone())).await;
    assert_eq!(first.json()["externalId"], w.login("E"), "{first}");
    let second = post(&w, 0, &with(user(&w, "bob"), uid.clone())).await;
    assert_refused(&second, 409, Some("externalId"));
    let theirs = post(&w, 1, &with(user(&w, "bob"), uid)).await;
    assert_eq!(theirs.status, 200, "the login is still free: {theirs}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_level_and_an_authorization_type_require_their_attributes() {
    let w = World::start().await;
    for (n, (members, field)) in [
        (json!({"level": "DIVISION"}), Some("divisionIds")),
        (
            json!({"level": "DIVISION", "divisionIds": []}),
            Some("divisionIds"),
        ),
        (
            json!({"level": "DIVISION", "divisionIds": null}),
            Some("divisionIds"),
        ),
        (
            json!({"level": "DIVISION", "regionIds": [1]}),
            Some("divisionIds"),
        ),
        (json!({"level": "DIVISION", "divisionIds": [1]}), None),
        (
            json!({"level": "DIVISION", "divisionExternalIds": ["a"]}),
            None,
        ),
        (json!({"level": "REGION"}), Some("regionIds")),
        (json!({"level": "REGION", "regionIds": [1, 2]}), None),
        (
            json!({"level": "REGION", "regionExternalIds": ["a", "b"]}),
            None,
        ),
        (
            json!({"level": "SHOP", "shopExternalIds": []}),
            Some("shopIds"),
        ),
        (json!({"level": "SHOP", "shopIds": [1]}), None),
        (json!({"level": "SHOP", "shopExternalIds": ["a"]}), None),
        (json!({"authType": "LDAP"}), Some("ldapLogin")),
        (
            json!({"authType": "LDAP", "ldapLogin": " "}),
            Some("ldapLogin"),
        ),
        (json!({"authType": "LDAP", "ldapLogin": "ann"}), None),
    ]
    .into_iter()
    .enumerate()
    {
        let body = with(user(&w, &format!("user{n}")), members.clone());
        let reply = post(&w, 0, &body).await;
        match field {
            Some(field) => {
                assert_refused(&reply, 400, Some(field));
            }
            None => assert_eq!(reply.status, 200, "{members}: {reply}"),
        }
    }
    let ldap = json!({"login": w.login("ldap"), "authType": "LDAP", "ldapLogin": "ann"});
    assert_eq!(
        post(&w, 0, &ldap).await.status,
        200,
        "a user of LDAP needs no password"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_in_no_response_and_is_stored_as_a_hash() {
    let w = World::start().await;
    let (first, second) = (w.login("first-secret"), w.login("second-secret"));
    let body = json!({"login": w.login("ann"), "password": first});
    let created = post(&w, 0, &body).await;
    let id = created.json()["id"].as_u64().expect("an id");
    let invalid = post(&w, 0, &with(user(&w, "bob"), json!({"password": [second]}))).await;
    assert_refused(&invalid, 400, Some("password"));
    let responses = [
        created,
        post(&w, 0, &body).await,
        invalid,
        put(&w, 0, id, &json!({"password": second})).await,
        put(&w, 0, id, &json!({"password": second, "email": "x"})).await,
        get(&w, 0, id, &format!("fields={FIELDS},password")).await,
        w.get(&format!("/users/{id}")).await,
    ];
    for response in responses {
        let text = response.text();
        assert!(!text.contains("secret"), "{response}");
        assert!(!text.contains("argon2"), "{response}");
    }
    let store = &w.store;
    let row = store.user(&w.login("ann")).await.expect("the user");
    let hash = row["password"].as_str().expect("a hash");
    assert!(hash.starts_with("$argon2id$"));
}
