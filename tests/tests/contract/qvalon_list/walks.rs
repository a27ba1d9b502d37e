//! Walks with `after`, also while users are made and renamed.
//!
//! `MUSTER_LISTED=100000 cargo test -p muster-tests --test contract walks -- --nocapture` walks
//! through a large tenant, and says how long that takes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use muster_import::Times;
use muster_tests::World;
use reqwest::Method;
use serde_json::json;

use super::{USERS, asked, id, import, listed, users};

/// Users of a short form.
const LISTED: usize = 3_000;

/// The ids of a walk from the beginning, in its order, and how many requests it took.
async fn walk(w: &World, size: usize, query: &str) -> (Vec<u64>, usize) {
    let (mut ids, mut requests) = (Vec::new(), 0);
    loop {
        let after = ids.last().copied().unwrap_or(0);
        let reply = asked(w, 0, &format!("after={after}&size={size}{query}")).await;
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

/// The same, with a line that says how long it took.
async fn timed(w: &World, what: &str, query: &str) -> Vec<u64> {
    let begin = Instant::now();
    let (ids, requests) = walk(w, 1_000, query).await;
    let seconds = begin.elapsed().as_secs_f64();
    let count = ids.len();
    eprintln!("{what}: {count} users in {requests} requests, {seconds:.1} s");
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_gives_each_user_who_matches_once_in_the_order_of_ids() {
    let w = World::start().await;
    import(&w, "user", 0..120).await;
    let ours = format!("&loginLike=.{}", w.tag);
    let all: Vec<u64> = listed(&w, &ours).await.iter().map(id).collect();
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
async fn a_walk_through_everybody_ends_with_the_first_short_page() {
    let Some(w) = World::with_times(Times::default()).await else {
        return;
    };
    assert_eq!(walk(&w, 10, "").await, (Vec::new(), 1));
    import(&w, "user", 0..120).await;
    for (size, requests) in [(40, 4), (50, 3), (119, 2), (1_000, 1)] {
        let (walked, asked) = walk(&w, size, "").await;
        assert_eq!((walked.len(), asked), (120, requests), "{size}");
        assert!(walked.is_sorted_by(|one, next| one < next));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_there_at_the_start_comes_once_while_others_are_made_and_renamed() {
    let Some(w) = World::with_times(Times::default()).await else {
        return;
    };
    let count = std::env::var("MUSTER_LISTED").map_or(LISTED, |n| n.parse().expect("a number"));
    import(&w, "user", 0..count).await;
    let there = timed(&w, "alone", "").await;
    assert_eq!(there.len(), count);
    let there: BTreeSet<u64> = there.into_iter().collect();
    let over = AtomicBool::new(false);
    let others = async {
        // First some are made, then they are changed, so that the walk's end does not run away.
        for round in 0.. {
            if over.load(Ordering::Relaxed) {
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
        for (number, id) in there.iter().enumerate().step_by(97) {
            if over.load(Ordering::Relaxed) {
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
    let walks = async {
        let all = timed(&w, "beside an import", "").await;
        let users = timed(&w, "with a filter", "&loginLike=user").await;
        over.store(true, Ordering::Relaxed);
        (all, users)
    };
    let (imports, (), (all, users)) = tokio::join!(others, renaming, walks);
    assert!(imports > 0, "another import ran");
    for walked in [&all, &users] {
        assert!(walked.is_sorted_by(|one, next| one < next), "nobody twice");
        let walked: BTreeSet<u64> = walked.iter().copied().collect();
        let missing = there.difference(&walked).count();
        assert_eq!(missing, 0, "of {count}");
    }
    assert_eq!(users.len(), count, "the filter lets nobody else through");
}
