//! The counters `created_count`, `updated_count`, `blocked_count` and `unblocked_count`.

use muster_tests::World;
use serde_json::json;

use super::{assert_counts, create, get_user, send, user_body};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_is_active_has_its_own_counters() {
    let w = World::start().await;
    create(&w, &user_body(&w, "john", json!({}))).await;
    for (more, counts, active) in [
        (json!({"is_active": 1}), [0, 0, 0, 0], true),
        (json!({"is_active": 0}), [0, 0, 1, 0], false),
        (json!({"is_active": 0}), [0, 0, 0, 0], false),
        (json!({"city": "Kyiv"}), [0, 1, 0, 0], false),
        (json!({"is_active": "1"}), [0, 0, 0, 1], true),
        (json!({"is_active": 0, "city": "Lviv"}), [0, 1, 1, 0], false),
        (
            json!({"is_active": "1", "login": w.login("John")}),
            [0, 1, 0, 1],
            true,
        ),
        (
            json!({"is_active": null, "login": w.login("John")}),
            [0; 4],
            true,
        ),
        (
            json!({"is_active": 0, "login": w.login("jack")}),
            [0, 1, 1, 0],
            false,
        ),
    ] {
        let user = user_body(&w, "john", more);
        assert_counts(&send(&w, &user).await, counts);
        let name = match user["login"] == w.login("jack") {
            true => "jack",
            false => "john",
        };
        assert_eq!(get_user(&w, name).await["attributes"]["active"], active);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_created_as_blocked_only_counts_as_created() {
    let w = World::start().await;
    create(&w, &user_body(&w, "john", json!({"is_active": 0}))).await;
    assert_eq!(get_user(&w, "john").await["attributes"]["active"], false);
    let unblocked = user_body(&w, "john", json!({"is_active": 1}));
    assert_counts(&send(&w, &unblocked).await, [0, 0, 0, 1]);
}
