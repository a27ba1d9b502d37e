//! The rejected records of a run in the background, page by page.

use muster_aws::kept::{RejectedPage, rejected};
use muster_aws::rounds::Round;
use muster_aws::runs::Run;
use muster_aws::{Store, StoreError};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::bucket::Bucket;
use crate::kept::{applying, commit};
use crate::support::store;

/// Commits the chunks of a run, each with its rejected records. What they are together.
async fn rejecting(store: &Store, bucket: &Bucket, run: &Run, chunks: &[Vec<String>]) -> String {
    let mut whole = String::new();
    for (chunk, lines) in (0..).zip(chunks) {
        let kept = bucket
            .objects
            .keep(&run.id, Round::Apply, chunk, "me", &[], lines);
        commit(store, &run.id, Round::Apply, chunk, kept.await.unwrap()).await;
        whole.extend(lines.iter().map(|line| format!("{line}\n")));
    }
    whole
}

async fn page(store: &Store, bucket: &Bucket, run: &Run, from: u64, most: usize) -> RejectedPage {
    let page = rejected(store, &bucket.objects, run, from, most).await;
    page.unwrap()
}

/// All pages.
async fn walk(store: &Store, bucket: &Bucket, run: &Run, most: usize) -> Vec<String> {
    let (mut pages, mut from) = (Vec::new(), Some(0));
    while let Some(number) = from {
        let RejectedPage { ndjson, next } = page(store, bucket, run, number, most).await;
        assert!(next.is_none_or(|next| next > number), "no way on");
        pages.push(String::from_utf8(ndjson).unwrap());
        from = next;
    }
    pages
}

fn line(number: usize, length: usize) -> String {
    format!("{{\"n\":{number},\"x\":\"{}\"}}", "ž".repeat(length))
}

#[tokio::test]
async fn pages_are_whole_lines_and_together_all_of_them() {
    let bucket = Bucket::new().await;
    for seed in 0..3 {
        let store = store().await;
        let run = applying(&store).await;
        let mut rng = StdRng::seed_from_u64(seed);
        let chunks: Vec<Vec<String>> = (0..rng.random_range(1..8))
            .map(|_| {
                let count = rng.random_range(0_usize..60).saturating_sub(20);
                let lines = 0..count;
                lines.map(|it| line(it, rng.random_range(0..300))).collect()
            })
            .collect();
        let whole = rejecting(&store, &bucket, &run, &chunks).await;
        for most in [0, 1, 500, 5_000, 1_000_000] {
            let pages = walk(&store, &bucket, &run, most).await;
            let case = format!("seed {seed}, {most} bytes a page");
            assert!(pages.concat() == whole, "{case}");
            for page in &pages {
                let lines = page.lines().count();
                assert!(page.len() <= most || lines == 1, "{case}: {lines} lines");
                assert!(page.is_empty() || page.ends_with('\n'), "{case}");
            }
            let least = whole.len().div_ceil(most.max(1)).max(1);
            assert!(most < 5_000 || pages.len() <= least * 2, "{case}");
        }
    }
}

#[tokio::test]
async fn a_line_larger_than_a_page_stands_alone() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    // Larger than what is looked at in one go, too.
    let (small, large) = (line(1, 10), line(2, 100_000));
    let lines = [small.clone(), large.clone(), small.clone()].to_vec();
    rejecting(&store, &bucket, &run, &[lines, vec![small.clone()]]).await;
    let pages = walk(&store, &bucket, &run, 1_000).await;
    let small = format!("{small}\n");
    assert_eq!(
        pages,
        [small.clone(), format!("{large}\n"), small.repeat(2)]
    );
}

#[tokio::test]
async fn a_page_that_begins_within_a_line_begins_with_the_next_one() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let (first, second) = (line(1, 10), line(2, 100_000));
    let chunks = [vec![first.clone(), second.clone()], vec![first.clone()]];
    rejecting(&store, &bucket, &run, &chunks).await;
    let begin = first.len() as u64 + 1;
    let (first, second) = (format!("{first}\n"), format!("{second}\n"));
    for (from, expected) in [
        (0, [first.clone(), second.clone(), first.clone()].concat()),
        (1, [second.clone(), first.clone()].concat()),
        (begin, [second.clone(), first.clone()].concat()),
        (begin + 1, first.clone()),
        (begin + second.len() as u64, first.clone()),
        (u64::from(u32::MAX), first.clone()),
        (1 << 32, first.clone()),
        ((1 << 32) + 1, String::new()),
        (2 << 32, String::new()),
        (u64::MAX, String::new()),
    ] {
        let page = page(&store, &bucket, &run, from, 1_000_000).await;
        assert!(page.ndjson == expected.as_bytes(), "from {from}");
        assert_eq!(page.next, None, "from {from}");
    }
}

#[tokio::test]
async fn a_page_reads_some_objects_of_many() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let chunks: Vec<_> = (0..250).map(|number| vec![line(number, 3)]).collect();
    let whole = rejecting(&store, &bucket, &run, &chunks).await;
    let pages = walk(&store, &bucket, &run, 1_000_000).await;
    let lines: Vec<_> = pages.iter().map(|page| page.lines().count()).collect();
    assert_eq!((pages.concat(), lines), (whole, vec![200, 50]));
}

#[tokio::test]
async fn a_run_without_rejected_records_has_an_empty_page() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let mut run = applying(&store).await;
    let none = RejectedPage {
        ndjson: Vec::new(),
        next: None,
    };
    assert_eq!(page(&store, &bucket, &run, 0, 100).await, none);
    rejecting(&store, &bucket, &run, &[vec![], vec![]]).await;
    assert_eq!(page(&store, &bucket, &run, 0, 100).await, none);
    // One within a request has none anywhere.
    run.job = None;
    assert_eq!(page(&store, &bucket, &run, 0, 100).await, none);
}

#[tokio::test]
async fn lost_records_are_not_passed_over() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let chunks = [vec![line(1, 3)], vec![line(2, 3)]];
    rejecting(&store, &bucket, &run, &chunks).await;
    bucket
        .lose(&format!("kept/{}/apply/1-me.rejected", run.id))
        .await;
    let page = rejected(&store, &bucket.objects, &run, 0, 1_000).await;
    assert!(matches!(page, Err(StoreError::Row { .. })), "{page:?}");
}
