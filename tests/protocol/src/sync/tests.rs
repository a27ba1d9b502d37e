use super::*;
use crate::search::{always_ends, breaks, holds};

/// A request, and the same again with its key; two faults.
fn bounds() -> Sync {
    Sync {
        same_key: true,
        faults: 2,
        mutant: None,
    }
}

fn mutant(mutant: Mutant) -> Sync {
    Sync {
        mutant: Some(mutant),
        ..bounds()
    }
}

#[test]
fn a_request_sent_twice_with_two_faults() {
    holds("one key", bounds());
}

#[test]
fn two_requests_with_two_faults() {
    holds(
        "two keys",
        Sync {
            same_key: false,
            ..bounds()
        },
    );
}

#[test]
fn every_hold_ends_once_faults_do() {
    always_ends("one key", &bounds());
}

#[test]
fn a_function_that_sends_after_its_hold_writes_into_the_next_run() {
    breaks(mutant(Mutant::SendingAfterTheHold), NOT_ASTRAY);
}

#[test]
fn a_take_over_that_leaves_the_old_run_leaves_it_without_its_task() {
    breaks(mutant(Mutant::TakeOverLeavesOldRun), HELD);
}

#[test]
fn a_late_hand_over_without_conditions_brings_an_ended_run_back() {
    breaks(mutant(Mutant::HandOverUnconditional), ONE_END);
}

#[test]
fn a_late_finish_without_conditions_ends_an_ended_run() {
    breaks(mutant(Mutant::FinishUnconditional), ONE_END);
}

#[test]
fn a_lost_answer_taken_for_a_refusal_leaves_a_run_behind() {
    breaks(mutant(Mutant::LostAnswerIsARefusal), TRUE);
}

#[test]
fn a_key_put_without_condition_runs_a_request_again_that_was_answered() {
    breaks(mutant(Mutant::KeyPutUnconditional), KEYED);
}

#[test]
fn as_many_faults_as_make_a_difference() {
    holds(
        "one key, 6 faults",
        Sync {
            faults: 6,
            ..bounds()
        },
    );
}
