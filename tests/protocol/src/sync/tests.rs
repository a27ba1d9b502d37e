use super::*;
use crate::search::{assert_breaks, assert_holds, assert_terminates};

/// A request that is sent twice with its key, and two faults.
fn bounds() -> SyncRuns {
    SyncRuns {
        same_key: true,
        faults: 2,
        mutant: None,
    }
}

fn mutant(mutant: Mutant) -> SyncRuns {
    SyncRuns {
        mutant: Some(mutant),
        ..bounds()
    }
}

#[test]
fn a_request_sent_twice_with_two_faults() {
    assert_holds("one key", bounds());
}

#[test]
fn two_requests_with_two_faults() {
    assert_holds(
        "two keys",
        SyncRuns {
            same_key: false,
            ..bounds()
        },
    );
}

#[test]
fn every_lock_ends_once_there_are_no_more_faults() {
    assert_terminates("one key", &bounds());
}

#[test]
fn a_function_that_sends_after_its_lock_writes_during_the_next_run() {
    assert_breaks(mutant(Mutant::SendingAfterTheLock), WRITES_UNDER_LOCK);
}

#[test]
fn a_take_over_that_does_not_end_the_old_run_leaves_it_without_its_lock() {
    assert_breaks(mutant(Mutant::TakeOverLeavesOldRun), LOCKED_UNTIL_END);
}

#[test]
fn a_late_hand_over_without_conditions_restarts_an_ended_run() {
    assert_breaks(mutant(Mutant::HandOverUnconditional), ONE_END);
}

#[test]
fn a_late_finish_without_conditions_ends_a_run_twice() {
    assert_breaks(mutant(Mutant::FinishUnconditional), ONE_END);
}

#[test]
fn a_lost_response_treated_as_a_refusal_leaves_a_running_run() {
    assert_breaks(mutant(Mutant::LostResponseIsARefusal), RESPONSES_TRUE);
}

#[test]
fn a_key_written_without_condition_runs_a_finished_request_again() {
    assert_breaks(mutant(Mutant::KeyPutUnconditional), ONE_RESPONSE_PER_KEY);
}

#[test]
fn more_faults_than_make_a_difference() {
    assert_holds(
        "one key, 6 faults",
        SyncRuns {
            faults: 6,
            ..bounds()
        },
    );
}
