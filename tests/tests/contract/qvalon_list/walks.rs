//! Walks through the list with `after`, also while users are created and renamed.
//!
//! `MUSTER_LISTED=100000 cargo test -p muster-tests --test contract walks -- --nocapture` walks
//! through a large tenant and prints how long that takes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use muster_import::Times;
use muster_tests::World;
use reqwest::Method;
use serde_json::json;

use super::{USERS, id, import, list, request, users};

/// Users by default.
const LISTED: usize = 3_000;

/// Walks through the list; returns the ids in order and the number of requests.
async fn walk(w: &World, size: usize, query: &str) -> (Vec<u64>, usize) {
    let (mut ids, mut requests) = (Vec::new(), 0);
    loop {
        let after = ids.last().copied().unwrap_or(0);
        let reply = request(w, 0, &format!("after={after}&size={size}{query}")).await;
        assert_eq!(reply.status, 200, "{reply}");
        assert_eq!(reply.header("x-total-count"), None);
        assert_eq!(reply.header("x-page-size"), Some(&*size.to_string()));
        requests += 1;
        let page = users(&reply);
        ids.extend(page.iter().map(id));
        if page.len() < size {
            return (ids, requests);
        }
    }
}

/// Walks through the list and prints how long it took; returns the ids in order.
async fn timed_walk(w: &World, label: &str, query: &str) -> Vec<u64> {
    let start = Instant::now();
    let (ids, requests) = walk(w, 1_000, query).await;
    let seconds = start.elapsed().as_secs_f64();
    let count = ids.len();
    eprintln!("{label}: {count} users in {requests} requests, {seconds:.1} s");
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_has_each_matching_user_once_in_the_order_of_ids() {
    let w = World::start().await;
    import(&w, "user", 0..120).await;
    let ours = format!("&loginLike=.{}", w.tag);
    let all: Vec<u64> = list(&w, &ours).await.iter().map(id).collect();
    assert_eq!(all.len(), 120);
    for size in [1, 7, 40, 1_000] {
        let (walked, requests) = walk(&w, size, &ours).await;
        assert_eq!(walked, all, "{size}");
        assert_eq!(requests, 120 / size + 1, "only the last page is short");
    }
    let rare = format!("&loginLike=user7&loginLike_=&ids={}", all[7]);
    assert_eq!(walk(&w, 1, &rare).await.0, [all[7]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_through_the_whole_list_ends_with_the_first_short_page() {
    let w = World::own_with_times(Times::default()).await;
    assert_eq!(walk(&w, 10, "").await, (Vec::new(), 1));
    import(&w, "user", 0..120).await;
    for (size, requests) in [(40, 4), (50, 3), (119, 2), (1_000, 1)] {
        let (walked, sent) = walk(&w, size, "").await;
        assert_eq!((walked.len(), sent), (120, requests), "{size}");
        assert!(walked.is_sorted_by(|one, next| one < next));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_has_each_existing_user_once_while_others_are_created_and_renamed() {
    let w = World::own_with_times(Times::default()).await;
    let count = std::env::var("MUSTER_LISTED").map_or(LISTED, |n| n.parse().expect("a number"));
    import(&w, "user", 0..count).await;
    let existing = timed_walk(&w, "alone", "").await;
    assert_eq!(existing.len(), count);
    let existing: BTreeSet<u64> = existing.into_iter().collect();
    let is_over = AtomicBool::new(false);
    let importing = async {
        // 2,000 users are created and then only changed, so that the walk comes to its end.
        for round in 0.. {
            if is_over.load(Ordering::Relaxed) {
                return round;
            }
            let records = (0..250).map(|n| {
                let mut record = w.record(&format!("other{}", round % 8 * 250 + n));
                record["Name"] = json!(format!("Round {round}"));
                record
            });
            w.put(&json!(records.collect::<Vec<_>>())).await;
        }
        0
    };
    let renaming = async {
        for (number, id) in existing.iter().enumerate().step_by(97) {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            let path = format!("{USERS}/{id}");
            let call = w.call(Method::PUT, &path).token(w.token(0).await);
            let body = json!({"login": w.login(&format!("user.renamed{number}"))});
            let call = call.content_type(Some("application/json"));
            let reply = call.body(body.to_string()).send().await;
            assert_eq!(reply.status, 200, "{reply}");
        }
    };
    let walking = async {
        let all = timed_walk(&w, "during imports", "").await;
        let users = timed_walk(&w, "with a filter", "&loginLike=user").await;
        is_over.store(true, Ordering::Relaxed);
        (all, users)
    };
    let (imports, (), (all, users)) = tokio::join!(importing, renaming, walking);
    assert!(imports > 0, "no import ran");
    for walked in [&all, &users] {
        assert!(
            walked.is_sorted_by(|one, next| one < next),
            "a user was listed twice"
        );
        let walked: BTreeSet<u64> = walked.iter().copied().collect();
        let missing = existing.difference(&walked).count();
        assert_eq!(missing, 0, "missing, of {count}");
    }
    assert_eq!(users.len(), count, "the filter returned other users");
}
