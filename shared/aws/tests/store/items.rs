//! The items of a synchronous run, listed in pages, with and without a filter.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_aws::runs::items::{ItemFilter, NumberedItem, count_codes};
use muster_aws::runs::{Ending, RunId};
use muster_aws::{Store, StoreError};
use muster_core::item::{Item, Severity};
use muster_core::run::{State, Status};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::bucket::unreachable_bucket;
use crate::faults::{Fault, Faults};
use crate::support::{raw, rows, run, start, store};

pub fn items(count: u64) -> Vec<Item> {
    (1..=count)
        .map(|record| Item {
            record: Some(record),
            login: Some(format!("user.{record}")),
            key: (record.is_multiple_of(2)).then(|| "E-mail \"quoted\"\n".to_owned()),
            code: if record.is_multiple_of(3) {
                "email.malformed"
            } else {
                "role.unmapped"
            }
            .into(),
            severity: Severity::Warning,
            message: "not a valid e-mail address".into(),
            value: Some("jack@".into()),
        })
        .collect()
}

/// Creates a run in the log of `acme`.
async fn create_run(store: &Store) -> RunId {
    let run = run(start());
    let ending = Ending {
        state: State::Finished,
        status: Status::PartialSuccess,
        counts: None,
        item_counts: BTreeMap::new(),
        errors: Vec::new(),
        answer: None,
        unanswered: false,
        undo: None,
    };
    store
        .runs()
        .record_ended(&run, &ending, start())
        .await
        .unwrap();
    run.id
}

/// Returns the page from item `from`, and the start of the next page.
async fn page(
    store: &Store,
    run: &RunId,
    filter: &ItemFilter,
    from: u64,
    limit: usize,
) -> (Vec<NumberedItem>, Option<u64>) {
    let found = store.runs().find("acme", run, start()).await.unwrap();
    let (objects, run) = (unreachable_bucket().await, found.unwrap());
    let page = store
        .items()
        .list(&objects, &run, filter, from, limit, start());
    let page = page.await.unwrap();
    assert!(page.items.len() <= limit);
    (page.items, page.next)
}

/// Returns the items of all pages, and the number of pages.
async fn walk(
    store: &Store,
    run: &RunId,
    filter: &ItemFilter,
    limit: usize,
) -> (Vec<NumberedItem>, usize) {
    let (mut read, mut pages, mut from) = (Vec::new(), 0, Some(0));
    while let Some(number) = from {
        let (items, next) = page(store, run, filter, number, limit).await;
        assert!(
            next.is_none_or(|next| next > number),
            "the next page does not advance"
        );
        read.extend(items);
        from = next;
        pages += 1;
    }
    (read, pages)
}

pub fn numbered(items: &[Item], first: u64) -> Vec<NumberedItem> {
    (first..)
        .zip(items)
        .map(|(number, item)| NumberedItem {
            number,
            item: item.clone(),
        })
        .collect()
}

pub fn code(code: &str) -> ItemFilter {
    ItemFilter {
        code: Some(code.to_owned()),
        ..ItemFilter::default()
    }
}

pub fn login(login: &str) -> ItemFilter {
    ItemFilter {
        login: Some(login.to_owned()),
        ..ItemFilter::default()
    }
}

/// Returns the rows of a run whose sort key has the prefix `kind`.
async fn rows_of(store: &Store, run: &RunId, kind: &str) -> Vec<HashMap<String, AttributeValue>> {
    let query = store
        .client()
        .query()
        .table_name(&store.tables.control)
        .key_condition_expression("pk = :run AND begins_with(sk, :kind)")
        .expression_attribute_values(":run", AttributeValue::S(format!("RUN#{run}")))
        .expression_attribute_values(":kind", AttributeValue::S(kind.to_owned()));
    query.send().await.unwrap().items.unwrap_or_default()
}

/// Deletes the index: runs written by earlier versions have none.
async fn delete_index(store: &Store, run: &RunId) {
    for kind in ["ITEMINDEX#", "ITEMLOGINS#"] {
        for mut row in rows_of(store, run, kind).await {
            row.retain(|name, _| name == "pk" || name == "sk");
            let delete = store.client().delete_item().set_key(Some(row));
            let delete = delete.table_name(&store.tables.control);
            delete.send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn items_are_listed_in_pages_in_record_order() {
    let store = store().await;
    let run = create_run(&store).await;
    let items = items(2_500);
    for _ in 0..2 {
        store.items().write(&run, &items, start()).await.unwrap();
    }
    // The run, three segments, and two index rows.
    assert_eq!(rows(&store, &format!("RUN#{run}")).await, 6);

    let all = ItemFilter::default();
    let (read, pages) = walk(&store, &run, &all, 300).await;
    assert_eq!((read, pages), (numbered(&items, 0), 9));

    for (from, limit, expected) in [
        (0, 10_000, &items[..]),
        (999, 2, &items[999..1_001]),
        (1_000, 1, &items[1_000..1_001]),
        (2_499, 5, &items[2_499..]),
        (2_500, 5, &[]),
        (1_000_000, 5, &[]),
        (u64::MAX, 5, &[]),
    ] {
        let (read, _) = page(&store, &run, &all, from, limit).await;
        assert_eq!(read, numbered(expected, from), "{limit} from {from}");
    }
    let (read, next) = page(&store, &run, &all, 1_499, 1_001).await;
    assert_eq!((read.len(), next), (1_001, None));
}

/// Returns a random item from few values, so that filters match.
pub fn any_item(rng: &mut StdRng, number: u64) -> Item {
    let codes = [
        "email",
        "email.malformed",
        "email.missing",
        "emails",
        "role.unmapped",
    ];
    // Some codes and logins occur only in a part of the run.
    let part = number / 1_000;
    Item {
        record: rng.random_bool(0.9).then_some(number / 3 + 1),
        login: rng.random_bool(0.8).then(|| {
            let login = ["Jack.Woo", "JACK.WOO", "ĚVA", "e\u{30c}va", "a\\u{0}b", "x"];
            let login = login.choose(rng).unwrap();
            format!("{login}.{}", part * rng.random_range(0..3))
        }),
        key: rng
            .random_bool(0.5)
            .then(|| ["", "E-mail", "Role"].choose(rng).unwrap().to_string()),
        code: if rng.random_bool(0.2) {
            format!("rare.{part}").into()
        } else {
            (*codes.choose(rng).unwrap()).into()
        },
        severity: if rng.random_bool(0.01) {
            Severity::Error
        } else {
            Severity::Warning
        },
        message: "x".repeat(rng.random_range(0..600)).into(),
        value: rng.random_bool(0.5).then(|| "jack@".to_owned()),
    }
}

pub fn any_filter(rng: &mut StdRng) -> ItemFilter {
    let mut pick = |values: &[&str]| {
        let value = values.choose(rng).unwrap().to_string();
        rng.random_bool(0.35).then_some(value)
    };
    ItemFilter {
        code: pick(&[
            "email",
            "email.malformed",
            "rare",
            "rare.1",
            "role.un",
            "none",
        ]),
        key: pick(&["", "E-mail", "Rôle"]),
        login: pick(&[
            "jack.woo.0",
            "Jack.Woo.1",
            "ěva.2",
            "a\0b.0",
            "a\\u{0}b.0",
            "y",
        ]),
        severity: rng
            .random_bool(0.2)
            .then(|| *[Severity::Error, Severity::Warning].choose(rng).unwrap()),
        record: rng.random_bool(0.1).then(|| rng.random_range(0..1_000)),
    }
}

/// Reference implementation of a filter.
pub fn fits(filter: &ItemFilter, item: &Item) -> bool {
    let folded = |text: &str| muster_core::login::canon(text).replace('\0', "\\u{0}");
    let prefix = |code: &String| *item.code == **code || item.code.starts_with(&format!("{code}."));
    filter.code.iter().all(prefix)
        && filter.severity.iter().all(|it| *it == item.severity)
        && filter.record.iter().all(|it| Some(*it) == item.record)
        && filter.key.iter().all(|it| Some(it) == item.key.as_ref())
        && filter
            .login
            .iter()
            .all(|it| item.login.as_deref().map(folded) == Some(folded(it)))
}

#[tokio::test]
async fn a_filtered_list_equals_the_filtered_full_list() {
    let store = store().await;
    for seed in 0..3 {
        let mut rng = StdRng::seed_from_u64(seed);
        let count = rng.random_range(1_000..3_000);
        let items: Vec<_> = (0..count).map(|it| any_item(&mut rng, it)).collect();
        let run = create_run(&store).await;
        store.items().write(&run, &items, start()).await.unwrap();
        let all = numbered(&items, 0);
        for indexed in [true, false] {
            if !indexed {
                delete_index(&store, &run).await;
            }
            for _ in 0..10 {
                let filter = any_filter(&mut rng);
                let limit = *[1, 7, 100, 1_000].choose(&mut rng).unwrap();
                let mut expected = all.clone();
                expected.retain(|it| fits(&filter, &it.item));
                // Bounds the number of pages.
                let limit = limit.max(expected.len() / 5);
                let (read, _) = walk(&store, &run, &filter, limit).await;
                let case = format!("seed {seed}, {filter:?}, {limit} per page, index {indexed}");
                assert!(read == expected, "{case}");
                let from = rng.random_range(0..=count);
                let (read, _) = page(&store, &run, &filter, from, limit).await;
                let rest = expected.iter().filter(|it| it.number >= from);
                let rest: Vec<_> = rest.take(read.len()).cloned().collect();
                assert!(read == rest, "{case}, from {from}");
            }
        }
    }
}

/// Returns items that need two index rows, though they have few bytes.
fn many() -> Vec<Item> {
    (0..201_500)
        .map(|number| Item {
            record: Some(number + 1),
            login: (number.is_multiple_of(100_000)).then(|| format!("user.{number}")),
            key: None,
            code: if number % 50_000 == 49_999 {
                "rare.one"
            } else {
                "often"
            }
            .into(),
            severity: Severity::Warning,
            message: "".into(),
            value: None,
        })
        .collect()
}

#[tokio::test]
async fn a_large_run_is_searched_by_its_index() {
    let store = store().await;
    let run = create_run(&store).await;
    let items = many();
    store.items().write(&run, &items, start()).await.unwrap();
    assert_eq!(rows_of(&store, &run, "ITEMINDEX#").await.len(), 2);

    let (faults, counted) = Faults::on_every_attempt("GetItem", &store);
    faults.next(1_000, Fault::Passes);
    let mut left = 1_000;
    for (filter, expected, reads) in [
        // The run's row, and a segment for each item.
        (code("rare"), vec![49_999, 99_999, 149_999, 199_999], 5),
        // The run's row, the logins of two index rows, and a segment.
        (login("USER.200000"), vec![200_000], 4),
    ] {
        let (read, pages) = walk(&counted, &run, &filter, 100).await;
        let read: Vec<u64> = read.iter().map(|it| it.number).collect();
        assert_eq!((read, pages), (expected, 1), "{filter:?}");
        assert_eq!(left - faults.left(), reads, "{filter:?}");
        left = faults.left();
    }

    // Without an index a page has the position of the next page.
    delete_index(&store, &run).await;
    let (read, next) = page(&store, &run, &code("rare"), 0, 100).await;
    assert_eq!((read.len(), next), (0, Some(24_000)));
    let (read, pages) = walk(&store, &run, &code("rare"), 100).await;
    assert_eq!((read.len(), pages), (4, 9));
}

#[tokio::test]
async fn a_missing_segment_does_not_hide_the_others() {
    let store = store().await;
    let run = create_run(&store).await;
    let items = items(3_500);
    store.items().write(&run, &items, start()).await.unwrap();
    let lost = store.client().delete_item();
    let lost = lost.table_name(&store.tables.control);
    let lost = lost
        .key("pk", AttributeValue::S(format!("RUN#{run}")))
        .key("sk", AttributeValue::S("ITEMS#000000001000".to_owned()));
    lost.send().await.unwrap();
    let mut expected = numbered(&items, 0);
    expected.drain(1_000..2_000);
    for filter in [ItemFilter::default(), login("user.3000"), code("email")] {
        let mut expected = expected.clone();
        expected.retain(|it| fits(&filter, &it.item));
        let (read, _) = walk(&store, &run, &filter, 400).await;
        assert!(read == expected, "{filter:?}");
    }
}

#[tokio::test]
async fn items_are_written_despite_a_throttled_partition() {
    let direct = store().await;
    let (faults, store) = Faults::on_every_attempt("PutItem", &direct);
    let run = create_run(&direct).await;
    faults.next(5, Fault::Throttled);
    store
        .items()
        .write(&run, &items(900), start())
        .await
        .unwrap();
    assert_eq!(faults.left(), 0);
    let (read, _) = page(&direct, &run, &ItemFilter::default(), 0, 1_000).await;
    assert_eq!(read, numbered(&items(900), 0));

    faults.next(1_000, Fault::Throttled);
    let written = store.items().write(&run, &items(900), start()).await;
    assert!(matches!(written, Err(StoreError::Throttled(_))));
}

#[tokio::test]
async fn items_expire_with_their_run_and_belong_to_it_only() {
    let store = store().await;
    let (run, other) = (create_run(&store).await, create_run(&store).await);
    store.items().write(&run, &items(5), start()).await.unwrap();
    store.items().write(&other, &[], start()).await.unwrap();
    let all = ItemFilter::default();
    assert_eq!(page(&store, &other, &all, 0, 10).await, (vec![], None));
    let later = start() + Duration::from_secs(91 * 24 * 3_600);
    let ended = store.runs().get(&run, start()).await.unwrap().unwrap();
    let objects = unreachable_bucket().await;
    let page = store.items().list(&objects, &ended, &all, 0, 10, later);
    assert_eq!(page.await.unwrap().items, []);
    for kind in ["ITEMS#", "ITEMINDEX#", "ITEMLOGINS#"] {
        let (pk, sk) = (format!("RUN#{run}"), format!("{kind}000000000000"));
        let row = raw(&store, &pk, &sk).await.unwrap();
        assert!(row.contains_key("expires_at"), "{kind}");
    }
}

#[test]
fn items_are_counted_by_code() {
    assert_eq!(
        count_codes(&items(7)),
        BTreeMap::from([
            ("email.malformed".to_owned(), 2),
            ("role.unmapped".to_owned(), 5)
        ])
    );
}
