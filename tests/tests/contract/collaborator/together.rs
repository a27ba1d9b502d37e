//! Requests about one user at the same time: none is refused for another, and none is lost.

use muster_tests::{Reply, World};
use serde_json::{Value, json};

use super::{assert_counts, listed, made, person, send, shown, uid};

/// What these get, sent at once.
async fn at_once(w: &World, [one, two, three]: [&Value; 3]) -> [Reply; 3] {
    tokio::join!(send(w, one), send(w, two), send(w, three)).into()
}

/// How many of these were created.
fn created(replies: &[Reply]) -> u64 {
    let count = |reply: &Reply| {
        assert_eq!(reply.status, 200, "{reply}");
        reply.json()["created_count"].as_u64().expect("a count")
    };
    replies.iter().map(count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_requests_for_one_new_uid_one_makes_the_user() {
    let w = World::start().await;
    for round in 0..8 {
        let name = format!("john{round}");
        let user = |more| person(&w, &name, more);
        // The same request again; one that says more; one that does not agree on the login.
        let other = w.login(&format!("jack{round}"));
        let (one, two) = match round % 3 {
            0 => (user(json!({})), user(json!({}))),
            1 => (
                user(json!({"city": "Kyiv"})),
                user(json!({"position": "CEO"})),
            ),
            _ => (
                user(json!({"password": "x"})),
                user(json!({"login": other, "password": "x"})),
            ),
        };
        let replies = at_once(&w, [&one, &two, &one]).await;
        assert_eq!(created(&replies), 1, "{replies:?}");
        let query = format!("external_id={}", uid(&w, &name));
        let made = listed(&w, 0, &query).await.expect("the user");
        if round % 3 == 1 {
            let attributes = &made["attributes"];
            let both = (&attributes["city"], &attributes["position"]);
            assert_eq!(both, (&json!("Kyiv"), &json!("CEO")), "none is lost");
        }
        // Whoever came last, the user is as a request says from now on.
        send(&w, &one).await;
        assert_counts(&send(&w, &one).await, [0; 4]);
        let user = shown(&w, &name).await;
        assert_eq!(user["id"], made["id"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_one_user_at_once_are_all_kept() {
    let w = World::start().await;
    made(&w, &person(&w, "john", json!({}))).await;
    let keys = ["user_field1", "user_field2", "user_field3"];
    let users = keys.map(|key| person(&w, "john", json!({ key: key })));
    for reply in at_once(&w, users.each_ref()).await {
        assert_counts(&reply, [0, 1, 0, 0]);
    }
    let user = shown(&w, "john").await;
    for key in keys {
        assert_eq!(user["attributes"][key], key);
    }
    assert_eq!(user["version"], 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renames_of_one_user_at_once_leave_one_of_the_logins() {
    let w = World::start().await;
    for round in 0..4 {
        let name = format!("john{round}");
        made(&w, &person(&w, &name, json!({}))).await;
        let logins = ["a", "b", "c"].map(|name| w.login(&format!("{name}{round}")));
        let users = logins.each_ref();
        let users = users.map(|login| person(&w, &name, json!({"login": login})));
        for reply in at_once(&w, users.each_ref()).await {
            assert_counts(&reply, [0, 1, 0, 0]);
        }
        let mut taken = 0;
        for login in logins.iter().chain([&w.login(&name)]) {
            taken += usize::from(listed(&w, 0, &format!("login={login}")).await.is_some());
        }
        assert_eq!(taken, 1);
    }
}
