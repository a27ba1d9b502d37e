//! SeededScenarios pages: their users, and the totals in the headers.

use muster_import::Times;
use muster_tests::{Reply, World};

use super::{assert_refused, id, import, list, request, users};

/// Returns total count, total pages, page number and page size.
fn paging(reply: &Reply) -> [Option<u64>; 4] {
    [
        "x-total-count",
        "x-total-pages",
        "x-page-number",
        "x-page-size",
    ]
    .map(|name| {
        reply
            .header(name)
            .map(|value| value.parse().expect("a number"))
    })
}

/// Returns the ids of all pages and asserts the totals of each page.
async fn ids_of_all_pages(w: &World, query: &str, size: u64, total: u64) -> Vec<u64> {
    let pages = total.div_ceil(size);
    let mut ids = Vec::new();
    for page in 0..=pages {
        let reply = request(w, 0, &format!("page={page}&size={size}{query}")).await;
        let expected = [total, pages, page, size].map(Some);
        assert_eq!(paging(&reply), expected, "{query} {reply}");
        let expected = size.min(total.saturating_sub(page * size));
        assert_eq!(users(&reply).len() as u64, expected, "{query} {page}");
        ids.extend(users(&reply).iter().map(id));
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_a_filtered_list_have_each_user_once_in_the_order_of_ids() {
    let w = World::start().await;
    import(&w, "user", 0..230).await;
    let query = format!("&loginLike=.{}", w.tag);
    let all: Vec<u64> = list(&w, &query).await.iter().map(id).collect();
    assert_eq!(all.len(), 230);
    assert!(all.is_sorted_by(|one, next| one < next));
    for size in [7, 115, 1_000] {
        assert_eq!(ids_of_all_pages(&w, &query, size, 230).await, all, "{size}");
    }
    // A list of given ids has pages, too.
    let named: Vec<String> = all.iter().take(5).rev().map(u64::to_string).collect();
    let query = format!("&ids={}", named.join(","));
    assert_eq!(ids_of_all_pages(&w, &query, 2, 5).await, all[..5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_the_whole_list_have_exact_totals() {
    let w = World::own_with_times(Times::default()).await;
    assert_eq!(ids_of_all_pages(&w, "", 100, 0).await, [0; 0]);
    import(&w, "user", 0..230).await;
    let all: Vec<u64> = list(&w, "").await.iter().map(id).collect();
    assert_eq!(all.len(), 230);
    for size in [1_000, 115, 46, 7] {
        assert_eq!(ids_of_all_pages(&w, "", size, 230).await, all, "{size}");
    }
    assert_eq!(ids_of_all_pages(&w, "&loginLike=", 100, 230).await, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_has_a_hundred_users_by_default_and_only_pages_have_headers() {
    let w = World::start().await;
    import(&w, "user", 0..130).await;
    let ours = format!("loginLike=.{}", w.tag);
    let first = id(&list(&w, &ours).await[0]);
    for (query, count, headers) in [
        (String::new(), 130, [None; 4]),
        (
            "&page=0".into(),
            100,
            [Some(130), Some(2), Some(0), Some(100)],
        ),
        (
            "&page=1".into(),
            30,
            [Some(130), Some(2), Some(1), Some(100)],
        ),
        (
            "&size=50".into(),
            50,
            [Some(130), Some(3), Some(0), Some(50)],
        ),
        (
            format!("&after={first}"),
            100,
            [None, None, None, Some(100)],
        ),
        (
            format!("&after={first}&size=129"),
            129,
            [None, None, None, Some(129)],
        ),
    ] {
        let reply = request(&w, 0, &format!("{ours}{query}")).await;
        assert_eq!(users(&reply).len(), count, "{query}");
        assert_eq!(paging(&reply), headers, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_far_after_the_last_one_is_empty() {
    let w = World::start().await;
    import(&w, "user", 0..3).await;
    for query in ["", &format!("&loginLike=.{}", w.tag)] {
        for page in ["1000000000", "18446744073709551615"] {
            let reply = request(&w, 0, &format!("page={page}&size=1000{query}")).await;
            assert_eq!(reply.text(), "[]", "{query} {reply}");
            assert_eq!(reply.header("x-page-number"), Some(page));
        }
        let after = request(&w, 0, &format!("after={}{query}", u64::MAX)).await;
        assert_eq!(after.text(), "[]", "{query} {after}");
    }
    let both = request(&w, 0, "page=0&after=0").await;
    assert!(assert_refused(&both, "after").contains("page"));
}
