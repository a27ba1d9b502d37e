//! Managers by id and by uid, existing and future ones.

use muster_tests::World;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::put_into;
use crate::values::full_mapping_task;

use super::{assert_counts, call, create, error_text, find_user, get_user, send, uid, user_body};

async fn id_of(w: &World, name: &str) -> Value {
    get_user(w, name).await["id"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_is_given_by_id_by_uid_or_by_both() {
    let w = World::start().await;
    create(&w, &user_body(&w, "boss", json!({}))).await;
    create(&w, &user_body(&w, "john", json!({}))).await;
    assert_eq!(get_user(&w, "john").await.get("manager"), None);
    let boss = id_of(&w, "boss").await;
    let manager = json!({"id": boss, "login": w.login("boss")});
    let boss_uid = uid(&w, "boss");
    for (manager_fields, updated) in [
        (json!({"manager_id": boss}), 1),
        (json!({"manager_id": boss.to_string()}), 0),
        (json!({"manager_id": null, "manager_uid": boss_uid}), 1),
        (json!({"manager_id": boss, "manager_uid": boss_uid}), 1),
    ] {
        let user = user_body(&w, "john", manager_fields);
        assert_counts(&send(&w, &user).await, [0, updated, 0, 0]);
        assert_eq!(get_user(&w, "john").await["manager"], manager, "{user}");
    }
    let none = json!({"manager_id": null, "manager_uid": null});
    assert_counts(&send(&w, &user_body(&w, "john", none)).await, [0, 1, 0, 0]);
    assert_eq!(get_user(&w, "john").await.get("manager"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_uid_is_resolved_once_the_user_exists() {
    let w = World::start().await;
    let waiting = json!({"manager_uid": uid(&w, "boss")});
    create(&w, &user_body(&w, "john", waiting)).await;
    let john = get_user(&w, "john").await;
    assert_eq!(john["attributes"]["manager_uid"], uid(&w, "boss"));
    assert_eq!(john.get("manager"), None, "the manager does not exist yet");
    // A user of another tenant with that uid is not the manager.
    let theirs = user_body(&w, "theirs", json!({"uid": uid(&w, "boss")}));
    let theirs = call(&w, 1).await.body(theirs.to_string()).send().await;
    assert_counts(&theirs, [1, 0, 0, 0]);
    assert_eq!(get_user(&w, "john").await, john);

    create(&w, &user_body(&w, "boss", json!({}))).await;
    let manager = json!({"id": id_of(&w, "boss").await, "login": w.login("boss")});
    let path = format!("/users/{}", john["id"]);
    assert_eq!(w.get(&path).await.json()["manager"], manager);
    let blocked = format!("{path}/block");
    let blocked = w.operator(0, Method::POST, &blocked).await.send().await;
    assert_eq!(blocked.json()["manager"], manager);
    let in_list = find_user(&w, 0, &format!("id={}", john["id"])).await;
    assert_eq!(in_list.expect("the user").get("manager"), None);
    // A renamed user remains the manager.
    let renamed = user_body(&w, "boss", json!({"login": w.login("chief")}));
    assert_counts(&send(&w, &renamed).await, [0, 1, 0, 0]);
    let chief = json!({"id": manager["id"], "login": w.login("chief")});
    assert_eq!(w.get(&path).await.json()["manager"], chief);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_manager_is_refused() {
    let w = World::start().await;
    for name in ["boss", "other", "john"] {
        create(&w, &user_body(&w, name, json!({}))).await;
    }
    let theirs = user_body(&w, "theirs", json!({}));
    let theirs = call(&w, 1).await.body(theirs.to_string()).send().await;
    assert_counts(&theirs, [1, 0, 0, 0]);
    let theirs = find_user(&w, 1, &format!("login={}", w.login("theirs"))).await;
    let theirs = theirs.expect("the user")["id"].clone();
    let before = get_user(&w, "john").await;
    let unknown = "manager_id: there is no user with this id";
    let own_manager = "a user cannot be their own manager";
    let boss = id_of(&w, "boss").await;
    for (name, manager_fields, message) in [
        (
            "john",
            json!({"manager_id": 9_007_199_254_740_990_u64}),
            unknown.to_owned(),
        ),
        (
            "new",
            json!({"manager_id": 9_007_199_254_740_990_u64}),
            unknown.to_owned(),
        ),
        ("john", json!({"manager_id": theirs}), unknown.to_owned()),
        (
            "john",
            json!({"manager_id": before["id"]}),
            format!("manager_id: {own_manager}"),
        ),
        (
            "john",
            json!({"manager_uid": uid(&w, "john")}),
            format!("manager_uid: {own_manager}"),
        ),
        (
            "new",
            json!({"manager_uid": uid(&w, "new")}),
            format!("manager_uid: {own_manager}"),
        ),
        (
            "john",
            json!({"manager_id": boss, "manager_uid": uid(&w, "other")}),
            "manager_id: the manager's id and external id belong to two different users; \
             manager_uid: the manager's id and external id belong to two different users"
                .to_owned(),
        ),
    ] {
        let error = error_text(&send(&w, &user_body(&w, name, manager_fields)).await, 400);
        assert_eq!(error, message, "{name}");
    }
    assert_eq!(get_user(&w, "john").await, before);
    // While one of the two does not exist yet, they do not contradict each other.
    let pending = json!({"manager_id": boss, "manager_uid": uid(&w, "future")});
    assert_counts(
        &send(&w, &user_body(&w, "john", pending)).await,
        [0, 1, 0, 0],
    );
    assert_eq!(get_user(&w, "john").await["manager"]["id"], boss);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_becomes_their_own_manager_by_adoption() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let mut john = w.record("john");
    john["Manager UID"] = json!(uid(&w, "john"));
    put_into(&w, task, &json!([john])).await;
    let before = get_user(&w, "john").await;
    let error = error_text(&send(&w, &user_body(&w, "john", json!({}))).await, 400);
    assert_eq!(error, "uid: a user cannot be their own manager");
    assert_eq!(get_user(&w, "john").await, before);
}
