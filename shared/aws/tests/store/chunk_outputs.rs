//! The items of a background run, listed chunk after chunk.

use std::time::Duration;

use muster_aws::Store;
use muster_aws::runs::chunk_outputs::ChunkOutputs;
use muster_aws::runs::chunks::{ChunkResult, LeaseOutcome, Round};
use muster_aws::runs::items::{ItemFilter, NumberedItem, count_codes};
use muster_aws::runs::task_lock::Acquired;
use muster_aws::runs::{Job, Run, RunId};
use muster_core::item::{Item, Severity};
use muster_core::run::State;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::bucket::Bucket;
use crate::items::{any_filter, any_item, code, fits, items, login};
use crate::support::{raw, run, start, store};

/// Item numbers reserved per chunk.
const NUMBERS_PER_CHUNK: u64 = 1_000_000;
const LEASE_DURATION: Duration = Duration::from_secs(60);

/// Creates a background run that waits for the processor.
async fn checking(store: &Store) -> Run {
    let new = run(start());
    let job = Job::begun(None, Some(1), start());
    let acquired = store
        .task_locks()
        .acquire_background(&new, &job, None, start())
        .await;
    assert!(matches!(acquired.unwrap(), Acquired::Locked));
    store.runs().get(&new.id, start()).await.unwrap().unwrap()
}

/// Moves a run to its next state.
pub async fn advance(store: &Store, run: &Run, to: State) -> Run {
    let job = run.job.as_ref().unwrap();
    assert!(store.runs().advance(run, to, job, start()).await.unwrap());
    store.runs().get(&run.id, start()).await.unwrap().unwrap()
}

/// Creates a run in `applying`.
pub async fn applying(store: &Store) -> Run {
    let run = checking(store).await;
    advance(store, &run, State::Applying).await
}

/// Commits a chunk that was never leased.
pub async fn commit(
    store: &Store,
    run: &RunId,
    round: Round,
    chunk: u32,
    outputs: Option<ChunkOutputs>,
) {
    let result = ChunkResult {
        outputs,
        ..ChunkResult::default()
    };
    let committed = store
        .chunks()
        .commit(run, round, chunk, None, &result, start());
    assert!(committed.await.unwrap());
}

/// Commits a chunk with these items.
async fn apply(store: &Store, bucket: &Bucket, run: &RunId, chunk: u32, items: &[Item]) {
    let outputs = bucket
        .objects
        .put_chunk_outputs(run, Round::Apply, chunk, "me", items, &[]);
    commit(store, run, Round::Apply, chunk, outputs.await.unwrap()).await;
}

async fn page(
    store: &Store,
    bucket: &Bucket,
    run: &Run,
    filter: &ItemFilter,
    from: u64,
    limit: usize,
) -> (Vec<NumberedItem>, Option<u64>) {
    let page = store
        .items()
        .list(&bucket.objects, run, filter, from, limit, start());
    let page = page.await.unwrap();
    assert!(page.items.len() <= limit);
    assert!(
        page.next.is_none_or(|next| next > from),
        "the next page does not advance"
    );
    (page.items, page.next)
}

/// Returns the items of all pages, and the number of pages.
async fn walk(
    store: &Store,
    bucket: &Bucket,
    run: &Run,
    filter: &ItemFilter,
    limit: usize,
) -> (Vec<NumberedItem>, usize) {
    let (mut read, mut pages, mut from) = (Vec::new(), 0, Some(0));
    while let Some(number) = from {
        let (items, next) = page(store, bucket, run, filter, number, limit).await;
        read.extend(items);
        from = next;
        pages += 1;
    }
    (read, pages)
}

fn numbered(chunk: u64, items: &[Item]) -> Vec<NumberedItem> {
    crate::items::numbered(items, chunk * NUMBERS_PER_CHUNK)
}

fn record(record: u64) -> ItemFilter {
    ItemFilter {
        record: Some(record),
        ..ItemFilter::default()
    }
}

#[tokio::test]
async fn pages_continue_across_chunks() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let all = items(3_000);
    let (first, second, last) = (&all[..700], &all[700..2_900], &all[2_900..]);
    for (chunk, items) in [(0, first), (1, &[]), (2, second), (3, &[]), (4, last)] {
        apply(&store, &bucket, &run.id, chunk, items).await;
    }
    let expected = [numbered(0, first), numbered(2, second), numbered(4, last)].concat();
    let filter = ItemFilter::default();
    for (limit, expected_pages) in [(1_000, 3), (700, 5), (10_000, 1)] {
        let (read, pages) = walk(&store, &bucket, &run, &filter, limit).await;
        assert!(read == expected, "{limit} per page");
        assert_eq!(pages, expected_pages, "{limit} per page");
    }
    for (from, limit, expected, next) in [
        (
            699,
            2,
            vec![699, 2 * NUMBERS_PER_CHUNK],
            Some(2 * NUMBERS_PER_CHUNK + 1),
        ),
        (
            700,
            1,
            vec![2 * NUMBERS_PER_CHUNK],
            Some(2 * NUMBERS_PER_CHUNK + 1),
        ),
        (
            NUMBERS_PER_CHUNK,
            1,
            vec![2 * NUMBERS_PER_CHUNK],
            Some(2 * NUMBERS_PER_CHUNK + 1),
        ),
        (
            2 * NUMBERS_PER_CHUNK + 1_999,
            1,
            vec![2 * NUMBERS_PER_CHUNK + 1_999],
            Some(2 * NUMBERS_PER_CHUNK + 2_000),
        ),
        (
            4 * NUMBERS_PER_CHUNK + 99,
            5,
            vec![4 * NUMBERS_PER_CHUNK + 99],
            None,
        ),
        (4 * NUMBERS_PER_CHUNK + 100, 5, vec![], None),
        (5 * NUMBERS_PER_CHUNK, 5, vec![], None),
        (u64::MAX, 5, vec![], None),
    ] {
        let page = page(&store, &bucket, &run, &filter, from, limit).await;
        let numbers: Vec<u64> = page.0.iter().map(|it| it.number).collect();
        assert_eq!((numbers, page.1), (expected, next), "{limit} from {from}");
    }
}

#[tokio::test]
async fn a_filtered_list_equals_the_filtered_full_list() {
    let bucket = Bucket::new().await;
    for seed in 0..3 {
        let store = store().await;
        let mut rng = StdRng::seed_from_u64(seed);
        let run = applying(&store).await;
        let (mut all, mut number) = (Vec::new(), 0);
        for chunk in 0..rng.random_range(1..6_u32) {
            let count = *[0, 1, 700, 2_300].choose(&mut rng).unwrap();
            let items: Vec<_> = (number..number + count)
                .map(|number| any_item(&mut rng, number))
                .collect();
            apply(&store, &bucket, &run.id, chunk, &items).await;
            all.extend(numbered(chunk.into(), &items));
            // All items of a record are in the same chunk.
            number = (number + count).next_multiple_of(3);
        }
        for _ in 0..12 {
            let filter = any_filter(&mut rng);
            let limit = *[1, 7, 100, 1_000].choose(&mut rng).unwrap();
            let mut expected = all.clone();
            expected.retain(|it| fits(&filter, &it.item));
            // Bounds the number of pages.
            let limit = limit.max(expected.len() / 5);
            let (read, _) = walk(&store, &bucket, &run, &filter, limit).await;
            let case = format!("seed {seed}, {filter:?}, {limit} per page");
            assert!(read == expected, "{case}");
            let from = rng.random_range(0..6) * NUMBERS_PER_CHUNK + rng.random_range(0..2_300);
            let (read, _) = page(&store, &bucket, &run, &filter, from, limit).await;
            let rest = expected.iter().filter(|it| it.number >= from);
            let rest: Vec<_> = rest.take(read.len()).cloned().collect();
            assert!(read == rest, "{case}, from {from}");
        }
    }
}

#[tokio::test]
async fn only_outputs_named_by_the_chunk_row_are_visible() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let (id, round) = (&run.id, Round::Apply);
    let (early, late) = (items(3), items(5));
    let filter = ItemFilter::default();
    let leased = store
        .chunks()
        .lease(id, round, 0, "early", LEASE_DURATION, start())
        .await;
    assert!(matches!(leased.unwrap(), LeaseOutcome::Leased { .. }));
    let outputs = bucket
        .objects
        .put_chunk_outputs(id, round, 0, "early", &early, &[])
        .await;
    let early = outputs.unwrap();
    let seen = page(&store, &bucket, &run, &filter, 0, 10).await;
    assert_eq!(seen, (vec![], None), "before it is committed");

    let later = start() + LEASE_DURATION + Duration::from_secs(1);
    let leased = store
        .chunks()
        .lease(id, round, 0, "late", LEASE_DURATION, later)
        .await;
    assert!(matches!(leased.unwrap(), LeaseOutcome::Leased { .. }));
    let outputs = bucket
        .objects
        .put_chunk_outputs(id, round, 0, "late", &late, &[])
        .await;
    for (owner, outputs, expected) in [("early", early, false), ("late", outputs.unwrap(), true)] {
        let result = ChunkResult {
            outputs,
            ..ChunkResult::default()
        };
        let committed = store
            .chunks()
            .commit(id, round, 0, Some(owner), &result, later);
        assert_eq!(committed.await.unwrap(), expected, "{owner}");
    }
    let seen = page(&store, &bucket, &run, &filter, 0, 10).await;
    assert_eq!(seen, (numbered(0, &late), None));
    // The chunk row has only what was committed.
    let row = store.chunks().get(id, round, 0).await.unwrap().unwrap();
    assert_eq!(row.result.unwrap().outputs.unwrap().by, "late");
}

#[tokio::test]
async fn the_last_entered_round_is_shown() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = checking(&store).await;
    let (planned, applied) = (items(2), items(4));
    for (round, items) in [(Round::Plan, &planned), (Round::Apply, &applied)] {
        let outputs = bucket
            .objects
            .put_chunk_outputs(&run.id, round, 0, "me", items, &[])
            .await;
        commit(&store, &run.id, round, 0, outputs.unwrap()).await;
    }
    let filter = ItemFilter::default();
    let list = async |run: &Run| page(&store, &bucket, run, &filter, 0, 10).await.0;
    assert_eq!(list(&run).await, []);
    let run = advance(&store, &run, State::Planning).await;
    assert_eq!(list(&run).await, numbered(0, &planned));
    let run = advance(&store, &run, State::Applying).await;
    assert_eq!(list(&run).await, numbered(0, &applied));
    let run = advance(&store, &run, State::Stopping).await;
    assert_eq!(list(&run).await, numbered(0, &applied));
}

#[tokio::test]
async fn repeated_writes_change_nothing_and_empty_outputs_are_not_written() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let put = async |items: &[Item], rejected: &[String]| {
        let outputs =
            bucket
                .objects
                .put_chunk_outputs(&run.id, Round::Apply, 7, "me", items, rejected);
        outputs.await.unwrap()
    };
    assert_eq!(put(&[], &[]).await, None);
    assert_eq!(bucket.keys("kept/").await, Vec::<String>::new());

    let first = put(&items(3), &[]).await;
    assert_eq!(put(&items(3), &[]).await, first);
    let path = format!("kept/{}/apply/7-me", run.id);
    assert_eq!(bucket.keys("kept/").await, [format!("{path}.items")]);
    commit(&store, &run.id, Round::Apply, 7, first).await;
    let all = ItemFilter::default();
    let read = page(&store, &bucket, &run, &all, 0, 10).await;
    assert_eq!(read, (numbered(7, &items(3)), None));
}

/// Returns items about every value of every record.
fn exhaustive_items() -> Vec<Item> {
    (0..2_000 * 60)
        .map(|number| Item {
            record: Some(number / 60 + 1),
            login: Some(format!("{:ä>128}", number / 60)),
            // Takes six times as many bytes when escaped.
            key: Some(format!("\u{1}{}", number % 400)),
            code: format!("some.attribute.{}.malformed", number % 60).into(),
            severity: Severity::Warning,
            message: "has no format that this attribute allows".into(),
            value: None,
        })
        .collect()
}

#[tokio::test]
async fn a_chunk_row_stays_small_however_many_items_there_are() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let items = exhaustive_items();
    let outputs = bucket
        .objects
        .put_chunk_outputs(&run.id, Round::Apply, 0, "me", &items, &[]);
    let result = ChunkResult {
        outputs: outputs.await.unwrap(),
        item_counts: count_codes(&items),
        ..ChunkResult::default()
    };
    let committed = store
        .chunks()
        .commit(&run.id, Round::Apply, 0, None, &result, start());
    assert!(committed.await.unwrap());
    let pk = format!("RUN#{}", run.id);
    let row = raw(&store, &pk, "CHUNK#apply#000000000").await;
    let size = format!("{:?}", row.unwrap()).len();
    assert!(size < 100_000, "about {size} bytes");

    let filter = ItemFilter {
        record: Some(1_234),
        code: Some("some.attribute.7".to_owned()),
        ..ItemFilter::default()
    };
    let (read, pages) = walk(&store, &bucket, &run, &filter, 100).await;
    let number = 1_233 * 60 + 7;
    let expected = &items[number..=number];
    assert_eq!(
        (read, pages),
        (crate::items::numbered(expected, number as u64), 1)
    );
}

#[tokio::test]
async fn a_run_of_many_chunks_is_searched_by_its_chunk_rows() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let item = |chunk: u64| Item {
        record: Some(chunk * 2_000 + 5),
        code: if chunk == 1_040 { "rare.one" } else { "often" }.into(),
        login: Some(format!("user.{chunk}")),
        ..items(1).remove(0)
    };
    for chunk in 0..1_050 {
        let has_item = [3, 500, 1_040, 1_049].contains(&chunk);
        let items = Vec::from_iter(has_item.then(|| item(chunk.into())));
        apply(&store, &bucket, &run.id, chunk, &items).await;
    }
    let chunks = async |filter: ItemFilter| {
        let (read, pages) = walk(&store, &bucket, &run, &filter, 100).await;
        let read: Vec<u64> = read
            .iter()
            .map(|it| it.number / NUMBERS_PER_CHUNK)
            .collect();
        (read, pages)
    };
    // A page reads a thousand rows, and has the position of the next page.
    assert_eq!(
        chunks(ItemFilter::default()).await,
        (vec![3, 500, 1_040, 1_049], 2)
    );
    assert_eq!(chunks(code("rare")).await, (vec![1_040], 2));
    assert_eq!(chunks(login("USER.500")).await, (vec![500], 2));
    assert_eq!(
        page(&store, &bucket, &run, &code("rare"), 0, 9).await.1,
        Some(1_000 * NUMBERS_PER_CHUNK)
    );
    // A record can be in a known range of chunks only.
    assert_eq!(chunks(record(500 * 2_000 + 5)).await, (vec![500], 1));
    assert_eq!(chunks(record(1_049 * 2_000 + 5)).await, (vec![1_049], 1));
    assert_eq!(chunks(record(1_049 * 2_000 + 6)).await, (vec![], 1));
    assert_eq!(chunks(record(u64::MAX)).await, (vec![], 1));
}

#[tokio::test]
async fn a_missing_object_does_not_hide_the_others() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let items = items(30);
    for (chunk, items) in (0..).zip(items.chunks(10)) {
        apply(&store, &bucket, &run.id, chunk, items).await;
    }
    bucket
        .delete(&format!("kept/{}/apply/1-me.items", run.id))
        .await;
    let (read, _) = walk(&store, &bucket, &run, &ItemFilter::default(), 7).await;
    assert_eq!(
        read,
        [numbered(0, &items[..10]), numbered(2, &items[20..])].concat()
    );
}
