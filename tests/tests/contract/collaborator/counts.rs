//! What counts as created, updated, blocked and unblocked.

use muster_tests::World;
use serde_json::json;

use super::{assert_counts, made, person, send, shown};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_of_is_active_counts_apart_from_other_changes() {
    let w = World::start().await;
    made(&w, &person(&w, "john", json!({}))).await;
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
        let user = person(&w, "john", more);
        assert_counts(&send(&w, &user).await, counts);
        let name = match user["login"] == w.login("jack") {
            true => "jack",
            false => "john",
        };
        assert_eq!(shown(&w, name).await["attributes"]["active"], active);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_is_made_blocked_only_counts_as_created() {
    let w = World::start().await;
    made(&w, &person(&w, "john", json!({"is_active": 0}))).await;
    assert_eq!(shown(&w, "john").await["attributes"]["active"], false);
    let unblocked = person(&w, "john", json!({"is_active": 1}));
    assert_counts(&send(&w, &unblocked).await, [0, 0, 0, 1]);
}
