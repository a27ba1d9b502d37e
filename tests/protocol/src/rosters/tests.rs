use super::*;
use crate::search::{assert_breaks, assert_holds, assert_terminates};

/// A person whom two tasks know is renamed, or leaves.
fn leaver() -> Rosters {
    Rosters {
        known_to: [true, true],
        nights: 2,
        changes: 2,
        operators: 0,
        crashes: 0,
        cancels: 0,
        mutant: None,
    }
}

/// Operators block, let in and rename a person of one task, and workers crash.
fn with_operators() -> Rosters {
    Rosters {
        known_to: [true, false],
        operators: 2,
        crashes: 1,
        ..leaver()
    }
}

/// Nobody knows the person yet, or one task does, and a run is cancelled.
fn with_cancels(is_known: bool) -> Rosters {
    Rosters {
        known_to: [is_known, false],
        nights: 3,
        cancels: 1,
        ..leaver()
    }
}

fn mutant(mutant: Mutant, bounds: Rosters) -> Rosters {
    Rosters {
        mutant: Some(mutant),
        ..bounds
    }
}

#[test]
fn leavers_of_two_tasks() {
    assert_holds("rosters", leaver());
}

#[test]
fn leavers_beside_operators_and_crashes() {
    let bounds = Rosters {
        changes: 1,
        ..with_operators()
    };
    assert_holds("rosters, operators", bounds);
}

#[test]
fn leavers_and_cancelled_runs() {
    assert_holds("rosters, cancels", with_cancels(true));
    assert_holds("rosters, cancels, new", with_cancels(false));
}

#[test]
fn every_run_ends() {
    let bounds = Rosters {
        operators: 1,
        changes: 1,
        ..with_operators()
    };
    assert_terminates("rosters", &bounds);
}

#[test]
fn by_login_alone_a_renamed_person_is_blocked() {
    let bounds = mutant(Mutant::PresenceByLoginAlone, leaver());
    assert_breaks(bounds, NOT_THOUGH_NAMED);
}

#[test]
fn a_leaver_looked_up_by_id_is_blocked_again() {
    assert_breaks(mutant(Mutant::LeaverById, with_operators()), ONCE);
}

#[test]
fn a_user_of_a_cancelled_run_is_never_known_without_its_roster() {
    let bounds = mutant(Mutant::RosterOnlyAtFinish, with_cancels(false));
    assert_breaks(bounds, BLOCKED_IN_THE_END);
}

#[test]
fn a_person_who_has_left_both_tasks_is_spared_for_ever_by_flagged_entries() {
    let bounds = mutant(Mutant::FlaggedEntriesSpare, leaver());
    assert_breaks(bounds, BLOCKED_IN_THE_END);
}

#[test]
fn a_person_who_was_spared_is_forgotten_unless_carried() {
    let bounds = mutant(Mutant::CarriedEntriesDropped, leaver());
    assert_breaks(bounds, BLOCKED_IN_THE_END);
}

#[test]
fn a_generation_of_a_cancelled_run_forgets_whom_it_had_not_written() {
    let bounds = mutant(Mutant::GenerationBeforeFinish, with_cancels(true));
    assert_breaks(bounds, BLOCKED_IN_THE_END);
}

#[test]
fn an_operators_block_is_undone_unless_it_removes_the_mark() {
    let bounds = mutant(Mutant::LeftKeptWhenActiveIsSet, with_operators());
    assert_breaks(bounds, NOT_LET_IN);
}

/// Takes minutes in a release build, see the documentation of the crate.
#[test]
#[ignore = "takes minutes"]
fn larger_bounds() {
    assert_holds("rosters, operators, 2 changes", with_operators());
    let hired_twice = Rosters {
        known_to: [false, false],
        nights: 3,
        changes: 4,
        ..leaver()
    };
    assert_holds("rosters, 4 changes", hired_twice);
}
