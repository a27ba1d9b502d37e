//! The execution log: runs that ended before they began, lists of runs, items.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_aws::StoreError;
use muster_aws::items::count_codes;
use muster_aws::runs::{Ending, NewRun, RunId};
use muster_core::item::{Item, Severity};
use muster_core::run::{State, Status};

use crate::faults::{Fault, Faults};
use crate::support::{at, raw, rows, run, start, store};

fn refused() -> Ending {
    Ending {
        status: Status::Failure,
        counts: None,
        item_counts: BTreeMap::new(),
        errors: vec!["The task is disabled.".to_owned()],
        answer: None,
    }
}

#[tokio::test]
async fn a_run_refused_for_its_settings_stands_alone_in_the_log() {
    let store = store().await;
    let run = run(at(0));
    for _ in 0..2 {
        store
            .record_ended_run(&run, &refused(), at(0))
            .await
            .unwrap();
    }
    let found = store.get_run(&run.id, at(0)).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.status),
        (State::Finished, Some(Status::Failure))
    );
    assert_eq!(found.ended_at, Some(at(0)));
    assert_eq!(found.errors, refused().errors);
    for (prefix, count) in [("LOCK#", 0), ("OPEN#", 0), ("LOG#", 1), ("RUN#", 1)] {
        assert_eq!(rows(&store, prefix).await, count, "{prefix}");
    }
    let row = raw(&store, &format!("RUN#{}", run.id), "RUN")
        .await
        .unwrap();
    assert!(row.contains_key("expires_at"));
}

#[tokio::test]
async fn a_tenant_s_runs_are_listed_page_by_page_the_newest_first() {
    let store = store().await;
    let mut ids = Vec::new();
    for second in 0..25 {
        let run = run(at(second));
        ids.push(run.id);
        store
            .record_ended_run(&run, &refused(), at(second))
            .await
            .unwrap();
        let foreign = NewRun {
            tenant: "other".to_owned(),
            ..crate::support::run(at(second))
        };
        store
            .record_ended_run(&foreign, &refused(), at(second))
            .await
            .unwrap();
    }
    ids.reverse();
    let mut listed: Vec<RunId> = Vec::new();
    let mut before = None;
    let mut pages = 0;
    loop {
        let page = store
            .list_runs("acme", before.as_ref(), 10, at(30))
            .await
            .unwrap();
        assert!(page.runs.iter().all(|run| run.tenant == "acme"));
        listed.extend(page.runs.iter().map(|run| run.id));
        pages += 1;
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!((pages, &listed), (3, &ids));

    // A pointer outlives its run, and is not shown then.
    let later = at(91 * 24 * 3_600);
    let page = store.list_runs("acme", None, 100, later).await.unwrap();
    assert_eq!(page.runs, []);
}

#[tokio::test]
async fn rows_that_are_left_out_are_asked_for_again_while_that_gets_somewhere() {
    let direct = store().await;
    for second in 0..15 {
        direct
            .record_ended_run(&run(at(second)), &refused(), at(second))
            .await
            .unwrap();
    }
    let (faults, store) = Faults::on_every_try("BatchGetItem", &direct);
    let list = async || store.list_runs("acme", None, 50, at(30)).await;

    // Twelve rounds are more than are made without progress.
    faults.next(12, Fault::AllButOneLeftOut);
    assert_eq!(list().await.unwrap().runs.len(), 3);
    assert_eq!(faults.left(), 0);

    faults.next(4, Fault::Throttled);
    assert_eq!(list().await.unwrap().runs.len(), 15);
    assert_eq!(faults.left(), 0);

    faults.next(100, Fault::Throttled);
    let error = list().await.unwrap_err();
    assert!(matches!(error, StoreError::Throttled(_)), "{error}");
    assert_eq!(faults.left(), 92);
}

fn items(count: u64) -> Vec<Item> {
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
        })
        .collect()
}

#[tokio::test]
async fn items_are_read_page_by_page_in_the_order_of_the_records() {
    let store = store().await;
    let run = RunId::generate(start());
    let items = items(2_500);
    for _ in 0..2 {
        store.write_items(&run, &items, start()).await.unwrap();
    }
    assert_eq!(rows(&store, &format!("RUN#{run}")).await, 3);

    let mut read = Vec::new();
    let mut offset = Some(0);
    while let Some(from) = offset {
        let page = store.read_items(&run, from, 300, start()).await.unwrap();
        assert!(page.items.len() == 300 || page.next.is_none());
        read.extend(page.items);
        offset = page.next;
    }
    assert_eq!(read, items);

    for (offset, limit, expected) in [
        (0, 10_000, &items[..]),
        (999, 2, &items[999..1_001]),
        (1_000, 1, &items[1_000..1_001]),
        (2_499, 5, &items[2_499..]),
        (2_500, 5, &[]),
        (1_000_000, 5, &[]),
    ] {
        let page = store
            .read_items(&run, offset, limit, start())
            .await
            .unwrap();
        assert_eq!(page.items, expected, "{limit} from {offset}");
    }
    let page = store.read_items(&run, 1_499, 1_001, start()).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1_001, None));
}

#[tokio::test]
async fn items_are_written_though_the_partition_is_throttled() {
    let direct = store().await;
    let (faults, store) = Faults::on_every_try("PutItem", &direct);
    let run = RunId::generate(start());
    faults.next(5, Fault::Throttled);
    store.write_items(&run, &items(900), start()).await.unwrap();
    assert_eq!(faults.left(), 0);
    let page = direct.read_items(&run, 0, 1_000, start()).await.unwrap();
    assert_eq!(page.items, items(900));

    faults.next(1_000, Fault::Throttled);
    let written = store.write_items(&run, &items(900), start()).await;
    assert!(matches!(written, Err(StoreError::Throttled(_))));
}

#[tokio::test]
async fn items_expire_with_their_run_and_belong_to_it_alone() {
    let store = store().await;
    let run = RunId::generate(start());
    store.write_items(&run, &items(5), start()).await.unwrap();
    store
        .write_items(&RunId::generate(start()), &[], start())
        .await
        .unwrap();
    let other = store
        .read_items(&RunId::generate(start()), 0, 10, start())
        .await
        .unwrap();
    assert_eq!((other.items.len(), other.next), (0, None));
    let later = start() + Duration::from_secs(91 * 24 * 3_600);
    assert_eq!(
        store.read_items(&run, 0, 10, later).await.unwrap().items,
        []
    );
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
