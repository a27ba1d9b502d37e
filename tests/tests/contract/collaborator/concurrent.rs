//! Concurrent requests about one user: none is refused, and no change is lost.

use muster_tests::{Reply, World};
use serde_json::{Value, json};

use super::{assert_counts, create, find_user, get_user, send, uid, user_body};

/// Sends three requests at once.
async fn send_at_once(w: &World, [one, two, three]: [&Value; 3]) -> [Reply; 3] {
    tokio::join!(send(w, one), send(w, two), send(w, three)).into()
}

/// Returns the number of users that these requests created.
fn created_count(replies: &[Reply]) -> u64 {
    let count = |reply: &Reply| {
        assert_eq!(reply.status, 200, "{reply}");
        reply.json()["created_count"].as_u64().expect("a count")
    };
    replies.iter().map(count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_concurrent_requests_for_a_new_uid_exactly_one_creates_the_user() {
    let w = World::start().await;
    for round in 0..8 {
        let name = format!("john{round}");
        let user = |more| user_body(&w, &name, more);
        // The same request twice; requests with different fields; requests with different logins.
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
        let replies = send_at_once(&w, [&one, &two, &one]).await;
        assert_eq!(created_count(&replies), 1, "{replies:?}");
        let query = format!("external_id={}", uid(&w, &name));
        let created = find_user(&w, 0, &query).await.expect("the user");
        if round % 3 == 1 {
            let attributes = &created["attributes"];
            let both = (&attributes["city"], &attributes["position"]);
            assert_eq!(both, (&json!("Kyiv"), &json!("CEO")), "a change was lost");
        }
        // Whichever request was last, another one overwrites the user.
        send(&w, &one).await;
        assert_counts(&send(&w, &one).await, [0; 4]);
        let user = get_user(&w, &name).await;
        assert_eq!(user["id"], created["id"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_of_a_user_are_all_kept() {
    let w = World::start().await;
    create(&w, &user_body(&w, "john", json!({}))).await;
    let keys = ["user_field1", "user_field2", "user_field3"];
    let users = keys.map(|key| user_body(&w, "john", json!({ key: key })));
    for reply in send_at_once(&w, users.each_ref()).await {
        assert_counts(&reply, [0, 1, 0, 0]);
    }
    let user = get_user(&w, "john").await;
    for key in keys {
        assert_eq!(user["attributes"][key], key);
    }
    assert_eq!(user["version"], 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_renames_of_a_user_leave_exactly_one_login() {
    let w = World::start().await;
    for round in 0..4 {
        let name = format!("john{round}");
        create(&w, &user_body(&w, &name, json!({}))).await;
        let logins = ["a", "b", "c"].map(|name| w.login(&format!("{name}{round}")));
        let users = logins.each_ref();
        let users = users.map(|login| user_body(&w, &name, json!({"login": login})));
        for reply in send_at_once(&w, users.each_ref()).await {
            assert_counts(&reply, [0, 1, 0, 0]);
        }
        let mut login_count = 0;
        for login in logins.iter().chain([&w.login(&name)]) {
            login_count += usize::from(find_user(&w, 0, &format!("login={login}")).await.is_some());
        }
        assert_eq!(login_count, 1);
    }
}
