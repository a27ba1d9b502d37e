//! Lists that are too large for one response are refused with an alternative.

use muster_import::Times;
use muster_tests::World;
use serde_json::{Value, json};

use super::{assert_refused, import, list, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_more_than_ten_thousand_users_must_be_paged() {
    let w = World::own_with_times(Times::default()).await;
    import(&w, "odd", 0..1).await;
    import(&w, "user", 0..10_000).await;
    assert_eq!(list(&w, "loginLike=user").await.len(), 10_000);
    for query in ["", "loginLike=", "active=true"] {
        let message = assert_refused(&request(&w, 0, query).await, "page");
        for part in ["10,000", "page", "size", "after"] {
            assert!(message.contains(part), "{query}: {message}");
        }
    }
    assert_eq!(list(&w, "page=10&size=1000").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_too_many_bytes_must_be_paged() {
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
        let message = assert_refused(&request(&w, 0, query).await, "size");
        assert!(message.contains("at most 54 users"), "{message}");
    }
    assert_eq!(list(&w, &format!("{wide}&size=54")).await.len(), 54);
    assert_eq!(list(&w, &format!("{wide}&size=54&page=1")).await.len(), 6);
    assert_eq!(list(&w, &ours).await.len(), 60);
}
