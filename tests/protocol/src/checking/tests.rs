use super::*;
use crate::search::{always_ends, breaks, holds};

/// A file of two chunks that goes through both rounds; one fault, and a client who may cancel.
fn both_rounds() -> Checking {
    Checking {
        planning: true,
        trips: false,
        dry_run: false,
        broken: false,
        empty: false,
        cancel: true,
        replaced: false,
        faults: 1,
        mutant: None,
    }
}

/// Without a threshold; the client cancels, and puts another object in place of the first.
fn one_round() -> Checking {
    Checking {
        planning: false,
        replaced: true,
        ..both_rounds()
    }
}

fn trips() -> Checking {
    Checking {
        trips: true,
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
fn both_rounds_hold() {
    holds("both rounds", both_rounds());
}

#[test]
fn one_round_with_a_client_who_interferes() {
    holds("one round", one_round());
}

#[test]
fn a_dry_run_applies_nothing() {
    holds(
        "dry run",
        Checking {
            dry_run: true,
            ..both_rounds()
        },
    );
}

#[test]
fn files_that_are_not_to_be_applied() {
    holds("a broken file", broken());
    holds("a tripped threshold", trips());
    holds(
        "an empty file",
        Checking {
            empty: true,
            faults: 2,
            ..one_round()
        },
    );
}

#[test]
fn every_run_ends_once_faults_do() {
    always_ends("both rounds", &both_rounds());
    always_ends("one round", &one_round());
}

#[test]
#[should_panic(expected = "nothing is left to happen")]
fn chunks_queued_only_once_are_lost_with_their_message() {
    always_ends("queued once", &mutant(Mutant::QueuedOnlyOnce, one_round()));
}

#[test]
fn a_plan_taken_for_a_result_ends_a_run_that_was_not_applied() {
    breaks(mutant(Mutant::SharedChunkRows, both_rounds()), COUNTS);
}

#[test]
fn an_object_that_is_not_pinned_is_applied_in_halves() {
    breaks(mutant(Mutant::ObjectNotPinned, one_round()), WHOLE);
}

#[test]
fn a_round_entered_too_early_applies_a_file_that_does_not_parse() {
    let early = Mutant::EntersBeforeTheWholeFileIsRead;
    breaks(mutant(early, broken()), WHOLE);
}

#[test]
fn a_part_of_the_plan_does_not_trip_the_threshold() {
    breaks(mutant(Mutant::JudgesBeforeAllPlans, trips()), JUDGED);
}

#[test]
fn a_state_overwritten_brings_a_cancelled_run_back() {
    breaks(mutant(Mutant::StateOverwritten, one_round()), ONE_END);
}

/// Minutes in a release build: see the crate's documentation.
#[test]
#[ignore = "takes minutes"]
fn larger_bounds() {
    let larger = |bounds: Checking, faults| Checking {
        replaced: true,
        faults,
        ..bounds
    };
    holds("both rounds, replaced, 2 faults", larger(both_rounds(), 2));
    holds("one round, 3 faults", larger(one_round(), 3));
    holds("tripped, replaced, 2 faults", larger(trips(), 2));
    always_ends("both rounds, replaced, 2 faults", &larger(both_rounds(), 2));
}
