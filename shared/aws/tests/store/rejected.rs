//! Pages of the rejected records of a background run.

use muster_aws::runs::Run;
use muster_aws::runs::chunk_outputs::RejectedPage;
use muster_aws::runs::chunks::Round;
use muster_aws::{Store, StoreError};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::bucket::Bucket;
use crate::chunk_outputs::{applying, commit};
use crate::support::store;

/// Commits the chunks of a run, each with its rejected records. Returns all records as one text.
async fn commit_rejected(
    store: &Store,
    bucket: &Bucket,
    run: &Run,
    chunks: &[Vec<String>],
) -> String {
    let mut whole = String::new();
    for (chunk, lines) in (0..).zip(chunks) {
        let outputs =
            bucket
                .objects
                .put_chunk_outputs(&run.id, Round::Apply, chunk, "me", &[], lines);
        commit(store, &run.id, Round::Apply, chunk, outputs.await.unwrap()).await;
        whole.extend(lines.iter().map(|line| format!("{line}\n")));
    }
    whole
}

async fn page(
    store: &Store,
    bucket: &Bucket,
    run: &Run,
    from: u64,
    max_bytes: usize,
) -> RejectedPage {
    let page = store
        .rejected_records()
        .list(&bucket.objects, run, from, max_bytes)
        .await;
    page.unwrap()
}

/// Returns all pages.
async fn walk(store: &Store, bucket: &Bucket, run: &Run, max_bytes: usize) -> Vec<String> {
    let (mut pages, mut from) = (Vec::new(), Some(0));
    while let Some(number) = from {
        let RejectedPage { ndjson, next } = page(store, bucket, run, number, max_bytes).await;
        assert!(
            next.is_none_or(|next| next > number),
            "the next page does not advance"
        );
        pages.push(String::from_utf8(ndjson).unwrap());
        from = next;
    }
    pages
}

fn line(number: usize, length: usize) -> String {
    format!("{{\"n\":{number},\"x\":\"{}\"}}", "ž".repeat(length))
}

#[tokio::test]
async fn pages_have_whole_lines_and_together_all_of_them() {
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
        let whole = commit_rejected(&store, &bucket, &run, &chunks).await;
        for max_bytes in [0, 1, 500, 5_000, 1_000_000] {
            let pages = walk(&store, &bucket, &run, max_bytes).await;
            let case = format!("seed {seed}, {max_bytes} bytes per page");
            assert!(pages.concat() == whole, "{case}");
            for page in &pages {
                let lines = page.lines().count();
                assert!(
                    page.len() <= max_bytes || lines == 1,
                    "{case}: {lines} lines"
                );
                assert!(page.is_empty() || page.ends_with('\n'), "{case}");
            }
            let min_pages = whole.len().div_ceil(max_bytes.max(1)).max(1);
            assert!(max_bytes < 5_000 || pages.len() <= min_pages * 2, "{case}");
        }
    }
}

#[tokio::test]
async fn a_line_larger_than_a_page_is_a_page_of_its_own() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    // Also larger than the bytes searched at a time for the end of a line.
    let (small, large) = (line(1, 10), line(2, 100_000));
    let lines = [small.clone(), large.clone(), small.clone()].to_vec();
    commit_rejected(&store, &bucket, &run, &[lines, vec![small.clone()]]).await;
    let pages = walk(&store, &bucket, &run, 1_000).await;
    let small = format!("{small}\n");
    assert_eq!(
        pages,
        [small.clone(), format!("{large}\n"), small.repeat(2)]
    );
}

#[tokio::test]
async fn a_page_from_within_a_line_starts_with_the_next_line() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let (first, second) = (line(1, 10), line(2, 100_000));
    let chunks = [vec![first.clone(), second.clone()], vec![first.clone()]];
    commit_rejected(&store, &bucket, &run, &chunks).await;
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
async fn a_page_reads_a_bounded_number_of_objects() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let chunks: Vec<_> = (0..250).map(|number| vec![line(number, 3)]).collect();
    let whole = commit_rejected(&store, &bucket, &run, &chunks).await;
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
    commit_rejected(&store, &bucket, &run, &[vec![], vec![]]).await;
    assert_eq!(page(&store, &bucket, &run, 0, 100).await, none);
    // A synchronous run has no rejected records.
    run.job = None;
    assert_eq!(page(&store, &bucket, &run, 0, 100).await, none);
}

#[tokio::test]
async fn missing_records_are_an_error() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let chunks = [vec![line(1, 3)], vec![line(2, 3)]];
    commit_rejected(&store, &bucket, &run, &chunks).await;
    bucket
        .delete(&format!("kept/{}/apply/1-me.rejected", run.id))
        .await;
    let page = store
        .rejected_records()
        .list(&bucket.objects, &run, 0, 1_000)
        .await;
    assert!(matches!(page, Err(StoreError::Row { .. })), "{page:?}");
}
