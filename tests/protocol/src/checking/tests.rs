use super::*;
use crate::search::{assert_breaks, assert_holds, assert_terminates};

/// A file of two chunks in both rounds, with one fault and a client that may cancel.
fn both_rounds() -> Checking {
    Checking {
        planning: true,
        trips_threshold: false,
        dry_run: false,
        broken: false,
        empty: false,
        cancel: true,
        replaced: false,
        faults: 1,
        mutant: None,
    }
}

/// Without a threshold; the client may cancel and replace the object.
fn one_round() -> Checking {
    Checking {
        planning: false,
        replaced: true,
        ..both_rounds()
    }
}

fn trips_threshold() -> Checking {
    Checking {
        trips_threshold: true,
        ..both_rounds()
    }
}

fn broken() -> Checking {
    Checking {
        broken: true,
        ..one_round()
    }
}

fn mutant(mutant: Mutant, bounds: Checking) -> Checking {
    Checking {
        mutant: Some(mutant),
        ..bounds
    }
}

#[test]
fn both_rounds_with_a_fault_and_a_cancel() {
    assert_holds("both rounds", both_rounds());
}

#[test]
fn one_round_with_a_client_that_cancels_and_replaces_the_object() {
    assert_holds("one round", one_round());
}

#[test]
fn a_dry_run_applies_nothing() {
    assert_holds(
        "dry run",
        Checking {
            dry_run: true,
            ..both_rounds()
        },
    );
}

#[test]
fn files_that_must_not_be_applied() {
    assert_holds("a broken file", broken());
    assert_holds("threshold exceeded", trips_threshold());
    assert_holds(
        "an empty file",
        Checking {
            empty: true,
            faults: 2,
            ..one_round()
        },
    );
}

#[test]
fn every_run_ends_once_there_are_no_more_faults() {
    assert_terminates("both rounds", &both_rounds());
    assert_terminates("one round", &one_round());
}

#[test]
#[should_panic(expected = "no progress is possible")]
fn chunks_queued_only_once_are_lost_with_their_message() {
    assert_terminates("queued once", &mutant(Mutant::QueuedOnlyOnce, one_round()));
}

#[test]
fn a_plan_taken_for_a_result_finishes_a_run_that_was_not_applied() {
    assert_breaks(mutant(Mutant::SharedChunkRows, both_rounds()), COUNTS);
}

#[test]
fn an_object_that_is_not_pinned_is_applied_partly() {
    assert_breaks(
        mutant(Mutant::ObjectNotPinned, one_round()),
        ONE_WHOLE_OBJECT,
    );
}

#[test]
fn a_round_entered_too_early_applies_a_file_that_does_not_parse() {
    let early = Mutant::EntersBeforeTheWholeFileIsRead;
    assert_breaks(mutant(early, broken()), ONE_WHOLE_OBJECT);
}

#[test]
fn a_part_of_the_plan_does_not_exceed_the_threshold() {
    assert_breaks(
        mutant(Mutant::ThresholdBeforeAllPlans, trips_threshold()),
        ALL_PLANNED_FIRST,
    );
}

#[test]
fn an_overwritten_state_restarts_a_cancelled_run() {
    assert_breaks(mutant(Mutant::StateOverwritten, one_round()), ONE_END);
}

/// Takes minutes in a release build, see the documentation of the crate.
#[test]
#[ignore = "takes minutes"]
fn larger_bounds() {
    let larger = |bounds: Checking, faults| Checking {
        replaced: true,
        faults,
        ..bounds
    };
    assert_holds("both rounds, replaced, 2 faults", larger(both_rounds(), 2));
    assert_holds("one round, 3 faults", larger(one_round(), 3));
    assert_holds(
        "threshold exceeded, replaced, 2 faults",
        larger(trips_threshold(), 2),
    );
    assert_terminates("both rounds, replaced, 2 faults", &larger(both_rounds(), 2));
}
