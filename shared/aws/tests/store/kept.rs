//! The items of a run in the background: chunk after chunk, whoever wrote them.

use std::time::Duration;

use muster_aws::Store;
use muster_aws::holds::Acquired;
use muster_aws::items::{ItemFilter, NumberedItem, count_codes, list_items};
use muster_aws::kept::Kept;
use muster_aws::rounds::{ChunkResult, Round, Started};
use muster_aws::runs::{Job, Run, RunId};
use muster_core::item::{Item, Severity};
use muster_core::run::State;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::bucket::Bucket;
use crate::items::{any_filter, any_item, code, fits, items, login};
use crate::support::{raw, run, start, store};

/// The numbers of a chunk's items begin here.
const CHUNK: u64 = 1_000_000;
const HELD: Duration = Duration::from_secs(60);

/// A run in the background that waits for the processor.
async fn checking(store: &Store) -> Run {
    let new = run(start());
    let job = Job::begun(None, Some(1), start());
    let acquired = store.acquire_queued(&new, &job, None, start()).await;
    assert!(matches!(acquired.unwrap(), Acquired::Mine { .. }));
    store.get_run(&new.id, start()).await.unwrap().unwrap()
}

/// Takes a run to its next state.
pub async fn advanced(store: &Store, run: &Run, to: State) -> Run {
    let job = run.job.as_ref().unwrap();
    assert!(store.advance(run, to, job, start()).await.unwrap());
    store.get_run(&run.id, start()).await.unwrap().unwrap()
}

/// A run that is being applied.
pub async fn applying(store: &Store) -> Run {
    let run = checking(store).await;
    advanced(store, &run, State::Applying).await
}

/// Commits a chunk that nobody has begun with.
pub async fn commit(store: &Store, run: &RunId, round: Round, chunk: u32, kept: Option<Kept>) {
    let result = ChunkResult {
        kept,
        ..ChunkResult::default()
    };
    let committed = store.commit_chunk(run, round, chunk, None, &result, start());
    assert!(committed.await.unwrap());
}

/// Applies a chunk that has these items.
async fn apply(store: &Store, bucket: &Bucket, run: &RunId, chunk: u32, items: &[Item]) {
    let kept = bucket
        .objects
        .keep(run, Round::Apply, chunk, "me", items, &[]);
    commit(store, run, Round::Apply, chunk, kept.await.unwrap()).await;
}

async fn page(
    store: &Store,
    bucket: &Bucket,
    run: &Run,
    filter: &ItemFilter,
    from: u64,
    limit: usize,
) -> (Vec<NumberedItem>, Option<u64>) {
    let page = list_items(store, &bucket.objects, run, filter, from, limit, start());
    let page = page.await.unwrap();
    assert!(page.items.len() <= limit);
    assert!(page.next.is_none_or(|next| next > from), "no way on");
    (page.items, page.next)
}

/// All pages, and how many there were.
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
    crate::items::numbered(items, chunk * CHUNK)
}

fn record(record: u64) -> ItemFilter {
    ItemFilter {
        record: Some(record),
        ..ItemFilter::default()
    }
}

#[tokio::test]
async fn pages_go_on_from_chunk_to_chunk() {
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
        assert!(read == expected, "{limit} a page");
        assert_eq!(pages, expected_pages, "{limit} a page");
    }
    for (from, limit, expected, next) in [
        (699, 2, vec![699, 2 * CHUNK], Some(2 * CHUNK + 1)),
        (700, 1, vec![2 * CHUNK], Some(2 * CHUNK + 1)),
        (CHUNK, 1, vec![2 * CHUNK], Some(2 * CHUNK + 1)),
        (
            2 * CHUNK + 1_999,
            1,
            vec![2 * CHUNK + 1_999],
            Some(2 * CHUNK + 2_000),
        ),
        (4 * CHUNK + 99, 5, vec![4 * CHUNK + 99], None),
        (4 * CHUNK + 100, 5, vec![], None),
        (5 * CHUNK, 5, vec![], None),
        (u64::MAX, 5, vec![], None),
    ] {
        let page = page(&store, &bucket, &run, &filter, from, limit).await;
        let numbers: Vec<u64> = page.0.iter().map(|it| it.number).collect();
        assert_eq!((numbers, page.1), (expected, next), "{limit} from {from}");
    }
}

#[tokio::test]
async fn a_filtered_list_is_the_whole_list_filtered() {
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
            // A record's items are in its chunk.
            number = (number + count).next_multiple_of(3);
        }
        for _ in 0..12 {
            let filter = any_filter(&mut rng);
            let limit = *[1, 7, 100, 1_000].choose(&mut rng).unwrap();
            let mut expected = all.clone();
            expected.retain(|it| fits(&filter, &it.item));
            // Many are not walked one by one.
            let limit = limit.max(expected.len() / 5);
            let (read, _) = walk(&store, &bucket, &run, &filter, limit).await;
            let case = format!("seed {seed}, {filter:?}, {limit} a page");
            assert!(read == expected, "{case}");
            let from = rng.random_range(0..6) * CHUNK + rng.random_range(0..2_300);
            let (read, _) = page(&store, &bucket, &run, &filter, from, limit).await;
            let rest = expected.iter().filter(|it| it.number >= from);
            let rest: Vec<_> = rest.take(read.len()).cloned().collect();
            assert!(read == rest, "{case}, from {from}");
        }
    }
}

#[tokio::test]
async fn only_what_a_chunks_row_names_is_seen() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let (id, round) = (&run.id, Round::Apply);
    let (early, late) = (items(3), items(5));
    let filter = ItemFilter::default();
    let started = store
        .start_chunk(id, round, 0, "early", HELD, start())
        .await;
    assert!(matches!(started.unwrap(), Started::Mine { .. }));
    let kept = bucket
        .objects
        .keep(id, round, 0, "early", &early, &[])
        .await;
    let early = kept.unwrap();
    let seen = page(&store, &bucket, &run, &filter, 0, 10).await;
    assert_eq!(seen, (vec![], None), "before it is committed");

    let later = start() + HELD + Duration::from_secs(1);
    let started = store.start_chunk(id, round, 0, "late", HELD, later).await;
    assert!(matches!(started.unwrap(), Started::Mine { .. }));
    let kept = bucket.objects.keep(id, round, 0, "late", &late, &[]).await;
    for (owner, kept, expected) in [("early", early, false), ("late", kept.unwrap(), true)] {
        let result = ChunkResult {
            kept,
            ..ChunkResult::default()
        };
        let committed = store.commit_chunk(id, round, 0, Some(owner), &result, later);
        assert_eq!(committed.await.unwrap(), expected, "{owner}");
    }
    let seen = page(&store, &bucket, &run, &filter, 0, 10).await;
    assert_eq!(seen, (numbered(0, &late), None));
    // The chunk's row says what was committed, and nothing else.
    let row = store.chunk(id, round, 0).await.unwrap().unwrap();
    assert_eq!(row.result.unwrap().kept.unwrap().by, "late");
}

#[tokio::test]
async fn the_round_that_was_entered_last_is_shown() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = checking(&store).await;
    let (planned, applied) = (items(2), items(4));
    for (round, items) in [(Round::Plan, &planned), (Round::Apply, &applied)] {
        let kept = bucket
            .objects
            .keep(&run.id, round, 0, "me", items, &[])
            .await;
        commit(&store, &run.id, round, 0, kept.unwrap()).await;
    }
    let filter = ItemFilter::default();
    let list = async |run: &Run| page(&store, &bucket, run, &filter, 0, 10).await.0;
    assert_eq!(list(&run).await, []);
    let run = advanced(&store, &run, State::Planning).await;
    assert_eq!(list(&run).await, numbered(0, &planned));
    let run = advanced(&store, &run, State::Applying).await;
    assert_eq!(list(&run).await, numbered(0, &applied));
    let run = advanced(&store, &run, State::Stopping).await;
    assert_eq!(list(&run).await, numbered(0, &applied));
}

#[tokio::test]
async fn writing_twice_changes_nothing_and_nothing_to_keep_writes_nothing() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let keep = async |items: &[Item], rejected: &[String]| {
        let kept = bucket
            .objects
            .keep(&run.id, Round::Apply, 7, "me", items, rejected);
        kept.await.unwrap()
    };
    assert_eq!(keep(&[], &[]).await, None);
    assert_eq!(bucket.keys("kept/").await, Vec::<String>::new());

    let first = keep(&items(3), &[]).await;
    assert_eq!(keep(&items(3), &[]).await, first);
    let path = format!("kept/{}/apply/7-me", run.id);
    assert_eq!(bucket.keys("kept/").await, [format!("{path}.items")]);
    commit(&store, &run.id, Round::Apply, 7, first).await;
    let all = ItemFilter::default();
    let read = page(&store, &bucket, &run, &all, 0, 10).await;
    assert_eq!(read, (numbered(7, &items(3)), None));
}

/// Something about each value of each record.
fn endless() -> Vec<Item> {
    (0..2_000 * 60)
        .map(|number| Item {
            record: Some(number / 60 + 1),
            login: Some(format!("{:ä>128}", number / 60)),
            // Escaped it is six times as long.
            key: Some(format!("\u{1}{}", number % 400)),
            code: format!("some.attribute.{}.malformed", number % 60).into(),
            severity: Severity::Warning,
            message: "of no form that this attribute may have".into(),
        })
        .collect()
}

#[tokio::test]
async fn the_row_of_a_chunk_stays_small_whatever_there_is_to_say() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let items = endless();
    let kept = bucket
        .objects
        .keep(&run.id, Round::Apply, 0, "me", &items, &[]);
    let result = ChunkResult {
        kept: kept.await.unwrap(),
        item_counts: count_codes(&items),
        ..ChunkResult::default()
    };
    let committed = store.commit_chunk(&run.id, Round::Apply, 0, None, &result, start());
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
async fn a_run_of_many_chunks_is_searched_by_their_rows() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let item = |chunk: u64| Item {
        record: Some(chunk * 2_000 + 5),
        code: if chunk == 1_040 { "rare.one" } else { "often" }.into(),
        login: Some(format!("user.{chunk}")),
        ..items(1).remove(0)
    };
    for chunk in 0..1_050 {
        let said = [3, 500, 1_040, 1_049].contains(&chunk);
        let items = Vec::from_iter(said.then(|| item(chunk.into())));
        apply(&store, &bucket, &run.id, chunk, &items).await;
    }
    let chunks = async |filter: ItemFilter| {
        let (read, pages) = walk(&store, &bucket, &run, &filter, 100).await;
        let read: Vec<u64> = read.iter().map(|it| it.number / CHUNK).collect();
        (read, pages)
    };
    // A page reads a thousand rows, and says how far it got.
    assert_eq!(
        chunks(ItemFilter::default()).await,
        (vec![3, 500, 1_040, 1_049], 2)
    );
    assert_eq!(chunks(code("rare")).await, (vec![1_040], 2));
    assert_eq!(chunks(login("USER.500")).await, (vec![500], 2));
    assert_eq!(
        page(&store, &bucket, &run, &code("rare"), 0, 9).await.1,
        Some(1_000 * CHUNK)
    );
    // Where a record can be is known.
    assert_eq!(chunks(record(500 * 2_000 + 5)).await, (vec![500], 1));
    assert_eq!(chunks(record(1_049 * 2_000 + 5)).await, (vec![1_049], 1));
    assert_eq!(chunks(record(1_049 * 2_000 + 6)).await, (vec![], 1));
    assert_eq!(chunks(record(u64::MAX)).await, (vec![], 1));
}

#[tokio::test]
async fn an_object_that_was_lost_hides_no_other() {
    let (store, bucket) = (store().await, Bucket::new().await);
    let run = applying(&store).await;
    let items = items(30);
    for (chunk, items) in (0..).zip(items.chunks(10)) {
        apply(&store, &bucket, &run.id, chunk, items).await;
    }
    bucket
        .lose(&format!("kept/{}/apply/1-me.items", run.id))
        .await;
    let (read, _) = walk(&store, &bucket, &run, &ItemFilter::default(), 7).await;
    assert_eq!(
        read,
        [numbered(0, &items[..10]), numbered(2, &items[20..])].concat()
    );
}
