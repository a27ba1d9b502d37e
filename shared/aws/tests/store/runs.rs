//! The execution log: runs refused before they start, and lists of runs.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_aws::StoreError;
use muster_aws::runs::{Ending, NewRun, RunFilter, RunId, RunStatusFilter};
use muster_core::run::{State, Status};

use crate::faults::{Fault, Faults};
use crate::support::{at, raw, rows, run, store};

fn refused() -> Ending {
    Ending {
        state: State::Finished,
        status: Status::Failure,
        counts: None,
        item_counts: BTreeMap::new(),
        errors: vec!["The task is disabled.".to_owned()],
        answer: None,
        unanswered: false,
        undo: None,
    }
}

fn all() -> RunFilter {
    RunFilter::default()
}

#[tokio::test]
async fn a_run_refused_for_its_settings_is_logged_without_a_lock() {
    let store = store().await;
    let run = run(at(0));
    for _ in 0..2 {
        store
            .runs()
            .record_ended(&run, &refused(), at(0))
            .await
            .unwrap();
    }
    let found = store.runs().get(&run.id, at(0)).await.unwrap().unwrap();
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
async fn runs_of_a_tenant_are_listed_in_pages_newest_first() {
    let store = store().await;
    let mut ids = Vec::new();
    for second in 0..25 {
        let run = run(at(second));
        ids.push(run.id);
        store
            .runs()
            .record_ended(&run, &refused(), at(second))
            .await
            .unwrap();
        let foreign = NewRun {
            tenant: "other".to_owned(),
            ..crate::support::run(at(second))
        };
        store
            .runs()
            .record_ended(&foreign, &refused(), at(second))
            .await
            .unwrap();
    }
    ids.reverse();
    let mut listed: Vec<RunId> = Vec::new();
    let mut before = None;
    let mut pages = 0;
    loop {
        let page = store
            .runs()
            .list("acme", &all(), before.as_ref(), 10, at(30))
            .await
            .unwrap();
        assert!(page.runs.iter().all(|it| it.run.tenant == "acme"));
        listed.extend(page.runs.iter().map(|it| it.run.id));
        pages += 1;
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!((pages, &listed), (3, &ids));

    // A pointer may outlive its run; it is then not shown.
    let later = at(91 * 24 * 3_600);
    let page = store.runs().list("acme", &all(), None, 100, later).await;
    let page = page.unwrap();
    assert_eq!(page.runs, []);
}

#[tokio::test]
async fn unprocessed_keys_are_requested_again_while_there_is_progress() {
    let direct = store().await;
    for second in 0..15 {
        direct
            .runs()
            .record_ended(&run(at(second)), &refused(), at(second))
            .await
            .unwrap();
    }
    let (faults, store) = Faults::on_every_attempt("BatchGetItem", &direct);
    let list = async || store.runs().list("acme", &all(), None, 50, at(30)).await;

    // Twelve requests exceed the maximum without progress.
    faults.next(12, Fault::UnprocessedKeys);
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

#[tokio::test]
async fn a_filter_returns_exactly_the_matching_runs() {
    let store = store().await;
    let mut ids = Vec::new();
    for second in 0..12 {
        let run = NewRun {
            task: 206 + second % 3,
            robot: format!("Robot {second}"),
            ..run(at(second))
        };
        ids.push(run.id);
        if second == 11 {
            let began = store
                .task_locks()
                .acquire(&run, at(11), Duration::from_secs(60))
                .await;
            began.unwrap();
            continue;
        }
        let ending = Ending {
            state: State::Finished,
            status: if second % 2 == 0 {
                Status::Success
            } else {
                Status::Failure
            },
            errors: vec![format!("error no. {}", second / 6)],
            ..refused()
        };
        store
            .runs()
            .record_ended(&run, &ending, at(second))
            .await
            .unwrap();
    }
    let failure = RunStatusFilter::Ended(Status::Failure);
    let text = |text: &str| RunFilter {
        text: Some(text.to_owned()),
        ..all()
    };
    let id = ids[5].to_string().to_uppercase();
    for (filter, expected) in [
        (
            RunFilter {
                task: Some(207),
                ..all()
            },
            vec![10, 7, 4, 1],
        ),
        (
            RunFilter {
                statuses: vec![RunStatusFilter::Running],
                ..all()
            },
            vec![11],
        ),
        (
            RunFilter {
                statuses: vec![RunStatusFilter::Running, failure],
                task: Some(208),
                ..all()
            },
            vec![11, 5],
        ),
        (
            RunFilter {
                from: Some(at(3)),
                to: Some(at(5)),
                ..all()
            },
            vec![4, 3],
        ),
        (
            RunFilter {
                from: Some(at(5)),
                to: Some(at(3)),
                ..all()
            },
            vec![],
        ),
        (text("ROBOT 1"), vec![11, 10, 1]),
        (text("no. 1"), vec![10, 9, 8, 7, 6]),
        (text(&id), vec![5]),
        (text("nowhere"), vec![]),
    ] {
        for limit in [1, 2, 100] {
            let (mut listed, mut before) = (Vec::new(), None);
            loop {
                let page = store
                    .runs()
                    .list("acme", &filter, before.as_ref(), limit, at(30))
                    .await
                    .unwrap();
                assert!(page.runs.len() <= limit);
                listed.extend(page.runs.iter().map(|it| it.run.id));
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            let expected: Vec<_> = expected.iter().map(|index| ids[*index]).collect();
            assert_eq!(listed, expected, "{filter:?}, {limit} per page");
        }
    }
}

#[tokio::test]
async fn a_page_examines_a_bounded_number_of_runs() {
    let store = store().await;
    let first = run(at(0));
    store
        .runs()
        .record_ended(&first, &refused(), at(0))
        .await
        .unwrap();
    for second in 1..=1_000 {
        let other = NewRun {
            task: 7,
            ..run(at(second))
        };
        store
            .runs()
            .record_ended(&other, &refused(), at(second))
            .await
            .unwrap();
    }
    let filter = RunFilter {
        task: Some(206),
        ..all()
    };
    let now = at(2_000);
    let page = store.runs().list("acme", &filter, None, 10, now).await;
    let page = page.unwrap();
    assert_eq!(page.runs, []);
    let page = store
        .runs()
        .list("acme", &filter, page.next.as_ref(), 10, now)
        .await
        .unwrap();
    assert_eq!(page.runs.len(), 1);
    assert_eq!((page.runs[0].run.id, page.next), (first.id, None));
}

#[tokio::test]
async fn a_run_is_visible_only_to_its_tenant() {
    let store = store().await;
    let run = run(at(0));
    store
        .runs()
        .record_ended(&run, &refused(), at(0))
        .await
        .unwrap();
    let found = async |tenant| store.runs().find(tenant, &run.id, at(0)).await.unwrap();
    assert_eq!(found("acme").await.map(|run| run.task), Some(206));
    assert_eq!(found("other").await, None);
}
