use super::*;
use crate::search::{always_ends, breaks, holds};

/// A writer that dies, and two single-user writes.
fn bounds() -> Claims {
    Claims {
        faults: 1,
        others: 2,
        runs_first: false,
        mutant: None,
    }
}

fn mutant(mutant: Mutant) -> Claims {
    Claims {
        mutant: Some(mutant),
        ..bounds()
    }
}

#[test]
fn one_death_and_two_single_user_writes() {
    holds("claims", bounds());
}

#[test]
fn when_runs_are_read_before_the_user_nothing_needs_to_rest() {
    let bounds = Claims {
        runs_first: true,
        others: 1,
        ..bounds()
    };
    holds("claims, runs first", bounds);
}

#[test]
fn every_claim_is_settled_once_faults_end() {
    always_ends(
        "claims",
        &Claims {
            others: 1,
            ..bounds()
        },
    );
}

#[test]
fn a_claim_taken_from_a_live_run_gives_the_id_twice() {
    breaks(mutant(Mutant::ClaimTakenFromALiveRun), ONE_OWNER);
}

#[test]
fn a_claim_taken_from_a_run_that_has_just_ended_gives_the_id_twice() {
    breaks(mutant(Mutant::ClaimTakenWithoutRest), ONE_OWNER);
}

#[test]
fn users_written_before_their_claim_have_the_id_twice() {
    breaks(mutant(Mutant::UserBeforeClaim), ONE_OWNER);
}

#[test]
fn a_claim_not_looked_at_again_after_a_refused_write_may_be_anothers() {
    breaks(mutant(Mutant::ClaimNotCheckedAgain), ONE_OWNER);
}

#[test]
fn a_single_write_that_leaves_no_mark_is_taken_for_a_dangling_claim() {
    breaks(mutant(Mutant::SingleWritesWithoutMark), ONE_OWNER);
}

#[test]
fn a_rename_without_a_condition_on_the_new_login_overwrites_its_user() {
    breaks(mutant(Mutant::RenameOntoAnybody), LOGINS_KEPT);
}

/// Minutes in a release build: see the crate's documentation.
#[test]
#[ignore = "takes minutes"]
fn larger_bounds() {
    let larger = |faults, others| Claims {
        faults,
        others,
        ..bounds()
    };
    holds("claims, 2 faults, 2 others", larger(2, 2));
    holds("claims, 1 fault, 3 others", larger(1, 3));
    let runs_first = Claims {
        runs_first: true,
        ..larger(1, 3)
    };
    holds("claims, runs first, 1 fault, 3 others", runs_first);
    always_ends("claims, 1 fault, 2 others", &larger(1, 2));
}
