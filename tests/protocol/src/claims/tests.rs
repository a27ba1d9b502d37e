use super::*;
use crate::search::{assert_breaks, assert_holds, assert_terminates};

/// One crash of a writer or interruption of a run, and two single-user writes.
fn bounds() -> Claims {
    Claims {
        faults: 1,
        other_writes: 2,
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
fn one_fault_and_two_single_user_writes() {
    assert_holds("claims", bounds());
}

#[test]
fn every_run_ends_once_there_are_no_more_faults() {
    assert_terminates(
        "claims",
        &Claims {
            other_writes: 1,
            ..bounds()
        },
    );
}

#[test]
fn a_claim_taken_from_a_live_run_assigns_the_id_twice() {
    assert_breaks(mutant(Mutant::ClaimTakenFromALiveRun), ONE_OWNER);
}

#[test]
fn a_holder_read_before_the_runs_of_its_claim_may_have_got_the_id_since() {
    assert_breaks(mutant(Mutant::HolderReadBeforeRuns), ONE_OWNER);
}

#[test]
fn a_claim_of_an_interrupted_run_taken_at_once_assigns_the_id_twice() {
    assert_breaks(mutant(Mutant::NoRestAfterInterruption), ONE_OWNER);
}

#[test]
fn users_written_before_their_claim_have_the_id_twice() {
    assert_breaks(mutant(Mutant::UserBeforeClaim), ONE_OWNER);
}

#[test]
fn a_claim_not_read_again_after_a_failed_write_may_have_another_owner() {
    assert_breaks(mutant(Mutant::ClaimNotCheckedAgain), ONE_OWNER);
}

#[test]
fn a_single_user_write_without_mark_looks_like_a_dangling_claim() {
    assert_breaks(mutant(Mutant::SingleWritesWithoutMark), ONE_OWNER);
}

#[test]
fn a_rename_without_a_condition_on_the_new_login_overwrites_its_user() {
    assert_breaks(mutant(Mutant::RenameOntoExistingUser), NOT_OVERWRITTEN);
}

/// Takes minutes in a release build, see the documentation of the crate.
#[test]
#[ignore = "takes minutes"]
fn larger_bounds() {
    let larger = |faults, other_writes| Claims {
        faults,
        other_writes,
        ..bounds()
    };
    assert_holds("claims, 2 faults, 2 others", larger(2, 2));
    assert_holds("claims, 1 fault, 3 others", larger(1, 3));
    assert_terminates("claims, 1 fault, 2 others", &larger(1, 2));
}
