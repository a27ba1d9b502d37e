//! What would be too much for one answer is refused with what to ask instead.

use muster_import::Times;
use muster_tests::World;
use serde_json::{Value, json};

use super::{asked, assert_refused, import, listed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_ten_thousand_users_are_asked_for_in_parts() {
    let Some(w) = World::with_times(Times::default()).await else {
        return;
    };
    import(&w, "odd", 0..1).await;
    import(&w, "user", 0..10_000).await;
    assert_eq!(listed(&w, "loginLike=user").await.len(), 10_000);
    for query in ["", "loginLike=", "active=true"] {
        let message = assert_refused(&asked(&w, 0, query).await, "page");
        for part in ["10,000", "page", "size", "after"] {
            assert!(message.contains(part), "{query}: {message}");
        }
    }
    assert_eq!(listed(&w, "page=10&size=1000").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_too_many_bytes_is_asked_for_in_parts() {
    let w = World::start().await;
    let stores: Vec<String> = (0..100).map(|n| format!("{n:0>1000}")).collect();
    for half in [0..30, 30..60] {
        let records = half.map(|n| {
            let mut record = w.record(&format!("user{n}"));
            record["Individual Stores"] = json!(stores);
            record
        });
        w.put(&json!(records.collect::<Vec<Value>>())).await;
    }
    let ours = format!("loginLike=.{}", w.tag);
    let wide = format!("{ours}&fields=shopExternalIds");
    for query in [
        &wide,
        &format!("{wide}&size=60"),
        &format!("{wide}&after=0&size=60"),
    ] {
        let message = assert_refused(&asked(&w, 0, query).await, "size");
        assert!(message.contains("at most 54 users"), "{message}");
    }
    assert_eq!(listed(&w, &format!("{wide}&size=54")).await.len(), 54);
    assert_eq!(listed(&w, &format!("{wide}&size=54&page=1")).await.len(), 6);
    assert_eq!(listed(&w, &ours).await.len(), 60);
}
