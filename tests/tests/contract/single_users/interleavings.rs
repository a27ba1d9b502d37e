//! Actions in the middle of another one, before each of its requests to the store in turn: every
//! response must be possible for some order of the actions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use muster_import::WriteOutcome;
use muster_local::{Stack, StackOptions};

use super::actions::{Action, ExternalIdInput, Operation, Response, Scenario};
use super::rows::{Rows, dangling, users};

use ExternalIdInput::{Absent, Id, Null};

static NEXT_SCENARIO: AtomicU64 = AtomicU64::new(0);

/// An action that others interrupted, and its results.
struct Interleaved {
    scenario: Arc<Scenario>,
    /// Number of the request that the other actions preceded.
    at: usize,
    response: Response,
    other_responses: Vec<Response>,
    rows: Rows,
}

impl Interleaved {
    fn responses(&self) -> impl Iterator<Item = &Response> {
        self.other_responses.iter().chain([&self.response])
    }

    /// Asserts that every action wrote its user.
    fn assert_all_written(&self) {
        for response in self.responses() {
            let written = matches!(
                response,
                Response::Single(WriteOutcome::Created(_) | WriteOutcome::Updated { .. })
            );
            assert!(written, "before request {}: {response:?}", self.at);
        }
    }

    /// Returns the codes of all refusals, those of the other actions first.
    fn refusals(&self) -> Vec<String> {
        self.responses().filter_map(Response::refusal).collect()
    }

    /// Returns the number of users.
    fn user_count(&self) -> usize {
        users(&self.rows).count()
    }
}

fn create(tenant: usize, login: usize, id: ExternalIdInput) -> Action {
    Action::without_faults(tenant, Operation::Create { login, id })
}

fn upsert(id: usize, login: usize) -> Action {
    Action::without_faults(0, Operation::Upsert { id, login })
}

fn change(of: usize, login: Option<usize>, id: ExternalIdInput) -> Action {
    Action::without_faults(0, Operation::Change { of, login, id })
}

fn rename(of: usize, to: usize) -> Action {
    change(of, Some(to), Absent)
}

fn import(tenant: usize, login: usize, id: ExternalIdInput) -> Action {
    let records = vec![(login, id)];
    Action::without_faults(tenant, Operation::Import { records })
}

/// Performs `others` before each request of `action` in turn, each time with new users, and
/// verifies the rows and whatever `check` asserts. If `lost`, the response to the request before is
/// lost.
async fn interrupt_at_every_call(
    before: &[Action],
    action: Action,
    others: &[Action],
    lost: bool,
    check: impl Fn(&Interleaved),
) {
    let stack = Stack::start(StackOptions::default()).await;
    let stack = stack.expect("the stack starts");
    let mut at = usize::from(lost);
    loop {
        let number = NEXT_SCENARIO.fetch_add(1, Ordering::Relaxed);
        let scenario = Scenario::new(number, stack.store.clone());
        for action in before {
            let (response, _) = Arc::clone(&scenario).perform(action.clone()).await;
            let counts = response.counts();
            assert!(
                matches!(counts, Some((1, 0) | (0, 1))),
                "{action:?}: {response:?}"
            );
        }
        let mut action = action.clone();
        action.interruption = Some((at, others.to_vec()));
        if lost {
            action.lost_responses.insert(at - 1);
        }
        let (response, interrupted) = Arc::clone(&scenario).perform(action).await;
        if !interrupted {
            assert!(at > 2, "the action was never interrupted");
            break;
        }
        let mut responses = scenario.responses();
        let other_responses = responses.split_off(&(before.len() + 1));
        let interleaved = Interleaved {
            at,
            response,
            other_responses: other_responses.into_values().collect(),
            rows: scenario.verified_rows().await,
            scenario,
        };
        check(&interleaved);
        at += 1;
    }
    stack.stop().await.expect("the stack stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_create_the_same_login_exactly_one_wins_in_any_tenants() {
    for tenant in [0, 1] {
        let (one, other) = (create(0, 0, Id(0)), create(tenant, 0, Id(1)));
        interrupt_at_every_call(&[], one, &[other], false, |run| {
            assert_eq!(run.refusals(), ["username.taken"], "{}", run.at);
            assert_eq!(run.user_count(), 1);
            assert_eq!(dangling(&run.rows), []);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_assign_the_same_external_id_exactly_one_wins_within_a_tenant() {
    let one = create(0, 0, Id(0));
    interrupt_at_every_call(&[], one.clone(), &[create(0, 1, Id(0))], false, |run| {
        assert_eq!(run.refusals(), ["external_id.taken"], "{}", run.at);
        assert_eq!(run.user_count(), 1);
        assert_eq!(dangling(&run.rows), []);
    })
    .await;
    interrupt_at_every_call(&[], one, &[create(1, 1, Id(0))], false, |run| {
        run.assert_all_written();
        assert_eq!(run.user_count(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_second_upsert_of_an_external_id_changes_the_user_of_the_first() {
    interrupt_at_every_call(&[], upsert(0, 0), &[upsert(0, 1)], false, |run| {
        run.assert_all_written();
        assert_eq!(run.user_count(), 1);
        assert_eq!(dangling(&run.rows), []);
    })
    .await;
    // The user exists, without the id.
    let before = [create(0, 0, Absent)];
    interrupt_at_every_call(&before, upsert(0, 0), &[upsert(0, 1)], false, |run| {
        assert_eq!(dangling(&run.rows), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_who_is_renamed_during_a_change_is_still_found() {
    let before = [create(0, 0, Id(0))];
    for others in [&[rename(0, 1)][..], &[rename(0, 1), rename(1, 0)]] {
        for action in [change(0, None, Absent), rename(0, 2), upsert(0, 1)] {
            interrupt_at_every_call(&before, action, others, false, |run| {
                if run.at > 0 {
                    run.assert_all_written();
                }
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_renames_of_a_user_to_the_same_login_both_succeed() {
    let before = [create(0, 0, Id(0))];
    interrupt_at_every_call(&before, rename(0, 1), &[rename(0, 1)], false, |run| {
        run.assert_all_written();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_external_id_that_its_user_reacquires_is_not_taken_over() {
    // The claim on the id names the user, who no longer has it; the last two actions end in the
    // same state as the two before.
    let before = [
        create(0, 0, Absent),
        upsert(0, 0),
        import(0, 0, Null),
        upsert(0, 0),
        import(0, 0, Null),
    ];
    for action in [upsert(0, 1), create(0, 1, Id(0)), import(0, 1, Id(0))] {
        interrupt_at_every_call(&before, action, &[upsert(0, 0)], false, |_| {}).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_import_does_not_assign_an_external_id_that_moved_with_a_rename() {
    let before = [create(0, 0, Absent)];
    let others = [upsert(0, 0), rename(0, 1)];
    interrupt_at_every_call(&before, import(0, 0, Id(0)), &others, false, |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_import_releases_its_claim_if_another_tenant_takes_the_login() {
    let one = import(0, 0, Id(0));
    interrupt_at_every_call(&[], one.clone(), &[create(1, 0, Absent)], false, |run| {
        assert_eq!(dangling(&run.rows), [], "{}", run.at);
    })
    .await;
    let others = [rename(0, 1), create(1, 0, Id(0))];
    interrupt_at_every_call(&[create(0, 0, Absent)], one, &others, false, |run| {
        assert_eq!(dangling(&run.rows), [], "{}", run.at);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_is_created_once_during_imports_of_the_same_login() {
    let one = create(0, 0, Id(0));
    for (tenant, is_foreign) in [(0, false), (1, true)] {
        let other = import(tenant, 0, Id(0));
        interrupt_at_every_call(&[], one.clone(), &[other], false, |run| {
            // The import created the user, changed it, or ignored the record.
            let mut responses = run.other_responses.iter();
            let import_counts = responses.find_map(Response::counts);
            match run.refusals().first() {
                Some(code) => {
                    assert_eq!(code, "username.taken", "{}", run.at);
                    assert_eq!(import_counts, Some((1, 0)));
                }
                None if is_foreign => assert_eq!(import_counts, Some((0, 0))),
                None => assert_eq!(import_counts, Some((0, 1))),
            }
            assert_eq!(run.user_count(), 1);
            assert_eq!(dangling(&run.rows), []);
        })
        .await;
    }
    for tenant in [0, 1] {
        let import = import(0, 0, Id(0));
        interrupt_at_every_call(&[], import, &[create(tenant, 0, Absent)], false, |run| {
            assert_eq!(run.user_count(), 1);
            assert_eq!(dangling(&run.rows), [], "{}", run.at);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_create_whose_response_was_lost_is_recognised_after_changes_by_others() {
    for action in [create(0, 0, Id(0)), upsert(0, 0)] {
        for other in [import(0, 0, Absent), rename(0, 1)] {
            interrupt_at_every_call(&[], action.clone(), &[other], true, |run| {
                let created = matches!(run.response, Response::Single(WriteOutcome::Created(_)));
                let mut others = run.other_responses.iter();
                let other_created = others.any(|response| response.counts() == Some((1, 0)));
                assert!(
                    created != other_created,
                    "before request {}: {:?}",
                    run.at,
                    run.response
                );
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_whose_response_was_lost_is_recognised_after_changes_by_others() {
    let before = [create(0, 0, Id(0))];
    for action in [change(0, None, Absent), rename(0, 1)] {
        interrupt_at_every_call(&before, action, &[import(0, 0, Absent)], true, |run| {
            let written = matches!(
                run.response,
                Response::Single(WriteOutcome::Updated { .. } | WriteOutcome::Created(_))
            );
            assert!(written, "before request {}: {:?}", run.at, run.response);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_abandoned_external_id_can_be_acquired_at_once() {
    let stack = Stack::start(StackOptions::default()).await;
    let stack = stack.expect("the stack starts");
    let number = NEXT_SCENARIO.fetch_add(1, Ordering::Relaxed);
    let scenario = Scenario::new(number, stack.store.clone());
    let perform = async |action: Action| Arc::clone(&scenario).perform(action).await.0;
    perform(import(0, 0, Id(0))).await;
    perform(import(0, 0, Id(1))).await;
    let tenant = scenario.tenant(0);
    let rows = scenario.verified_rows().await;
    assert_eq!(dangling(&rows), [(tenant, Scenario::external_id(0))]);
    let at_once = Action {
        after_rest: false,
        ..create(0, 1, Id(0))
    };
    let response = perform(at_once).await;
    assert_eq!(response.counts(), Some((1, 0)), "{response:?}");
    assert_eq!(dangling(&scenario.verified_rows().await), []);
    stack.stop().await.expect("the stack stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_external_id_claimed_by_an_import_is_taken_while_it_runs() {
    let import = import(0, 0, Id(0));
    interrupt_at_every_call(&[], import, &[create(0, 1, Id(0))], false, |run| {
        let counts = run.response.counts();
        assert_eq!(counts, Some((1, 0)), "the import creates its user");
        for code in run.refusals() {
            let expected = ["external_id.taken", "external_id.promised"];
            assert!(
                expected.contains(&&*code),
                "{code} in {}",
                run.scenario.number
            );
        }
        assert_eq!(dangling(&run.rows), []);
    })
    .await;
}
