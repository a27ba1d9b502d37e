//! Managers: by id and by uid, known and still to come.

use muster_tests::World;
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_counts, listed, made, person, refusal, send, shown, single, uid};

async fn id_of(w: &World, name: &str) -> Value {
    shown(w, name).await["id"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_is_named_by_id_by_uid_or_by_both() {
    let w = World::start().await;
    made(&w, &person(&w, "boss", json!({}))).await;
    made(&w, &person(&w, "john", json!({}))).await;
    assert_eq!(shown(&w, "john").await.get("manager"), None);
    let boss = id_of(&w, "boss").await;
    let manager = json!({"id": boss, "login": w.login("boss")});
    let boss_uid = uid(&w, "boss");
    for (named, updated) in [
        (json!({"manager_id": boss}), 1),
        (json!({"manager_id": boss.to_string()}), 0),
        (json!({"manager_id": null, "manager_uid": boss_uid}), 1),
        (json!({"manager_id": boss, "manager_uid": boss_uid}), 1),
    ] {
        let user = person(&w, "john", named);
        assert_counts(&send(&w, &user).await, [0, updated, 0, 0]);
        assert_eq!(shown(&w, "john").await["manager"], manager, "{user}");
    }
    let none = json!({"manager_id": null, "manager_uid": null});
    assert_counts(&send(&w, &person(&w, "john", none)).await, [0, 1, 0, 0]);
    assert_eq!(shown(&w, "john").await.get("manager"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_who_comes_later_is_found_then() {
    let w = World::start().await;
    let waiting = json!({"manager_uid": uid(&w, "boss")});
    made(&w, &person(&w, "john", waiting)).await;
    let john = shown(&w, "john").await;
    assert_eq!(john["attributes"]["manager_uid"], uid(&w, "boss"));
    assert_eq!(john.get("manager"), None, "nobody yet");
    // Another tenant's user of that uid is nobody.
    let theirs = person(&w, "theirs", json!({"uid": uid(&w, "boss")}));
    let theirs = single(&w, 1).await.body(theirs.to_string()).send().await;
    assert_counts(&theirs, [1, 0, 0, 0]);
    assert_eq!(shown(&w, "john").await, john);

    made(&w, &person(&w, "boss", json!({}))).await;
    let manager = json!({"id": id_of(&w, "boss").await, "login": w.login("boss")});
    let path = format!("/users/{}", john["id"]);
    assert_eq!(w.get(&path).await.json()["manager"], manager);
    let blocked = format!("{path}/block");
    let blocked = w.operator(0, Method::POST, &blocked).await.send().await;
    assert_eq!(blocked.json()["manager"], manager);
    let in_list = listed(&w, 0, &format!("id={}", john["id"])).await;
    assert_eq!(in_list.expect("the user").get("manager"), None);
    // A manager who is renamed stays the manager.
    let renamed = person(&w, "boss", json!({"login": w.login("chief")}));
    assert_counts(&send(&w, &renamed).await, [0, 1, 0, 0]);
    let chief = json!({"id": manager["id"], "login": w.login("chief")});
    assert_eq!(w.get(&path).await.json()["manager"], chief);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_who_cannot_be_is_refused() {
    let w = World::start().await;
    for name in ["boss", "other", "john"] {
        made(&w, &person(&w, name, json!({}))).await;
    }
    let theirs = person(&w, "theirs", json!({}));
    let theirs = single(&w, 1).await.body(theirs.to_string()).send().await;
    assert_counts(&theirs, [1, 0, 0, 0]);
    let theirs = listed(&w, 1, &format!("login={}", w.login("theirs"))).await;
    let theirs = theirs.expect("the user")["id"].clone();
    let before = shown(&w, "john").await;
    let unknown = "manager_id: there is no user with this id";
    let oneself = "names the user as their own manager";
    let boss = id_of(&w, "boss").await;
    for (name, named, said) in [
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
            format!("manager_id: {oneself}"),
        ),
        (
            "john",
            json!({"manager_uid": uid(&w, "john")}),
            format!("manager_uid: {oneself}"),
        ),
        (
            "new",
            json!({"manager_uid": uid(&w, "new")}),
            format!("manager_uid: {oneself}"),
        ),
        (
            "john",
            json!({"manager_id": boss, "manager_uid": uid(&w, "other")}),
            "manager_id: the manager's id and external id belong to two different users; \
             manager_uid: the manager's id and external id belong to two different users"
                .to_owned(),
        ),
    ] {
        let error = refusal(&send(&w, &person(&w, name, named)).await, 400);
        assert_eq!(error, said, "{name}");
    }
    assert_eq!(shown(&w, "john").await, before);
    // One of them is still to come: that is no contradiction yet.
    let pending = json!({"manager_id": boss, "manager_uid": uid(&w, "later")});
    assert_counts(&send(&w, &person(&w, "john", pending)).await, [0, 1, 0, 0]);
    assert_eq!(shown(&w, "john").await["manager"]["id"], boss);
}
