use super::state::Record;
use super::*;
use crate::search::{assert_breaks, assert_holds, assert_terminates};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const D: usize = 3;

fn file(records: &[(usize, usize)]) -> Vec<Record> {
    let record = |(id, login): &(usize, usize)| Record {
        id: *id,
        login: *login,
    };
    records.iter().map(record).collect()
}

/// Two users whose logins are exchanged, and an outsider.
fn swap() -> Logins {
    Logins {
        before: [Some(A), Some(B), Some(D), None],
        without_id: None,
        files: vec![file(&[(0, B), (1, A)])],
        faults: 1,
        other_writes: 0,
        others: Others::Rename,
        cancel: true,
        mutant: None,
    }
}

/// Three users, each of whom gets the login of the next.
fn circle() -> Logins {
    Logins {
        before: [Some(A), Some(B), Some(C), None],
        files: vec![file(&[(0, B), (1, C), (2, A)])],
        ..swap()
    }
}

/// Two users, the second of whom gets a free login.
fn path() -> Logins {
    Logins {
        before: [Some(A), Some(B), None, None],
        files: vec![file(&[(0, B), (1, C)])],
        ..swap()
    }
}

/// The same, but the last login is that of an outsider.
fn blocked() -> Logins {
    Logins {
        before: [Some(A), Some(B), Some(C), None],
        ..path()
    }
}

/// The same, with three users.
fn long_blocked() -> Logins {
    Logins {
        before: [Some(A), Some(B), Some(C), Some(D)],
        files: vec![file(&[(0, B), (1, C), (2, D)])],
        ..path()
    }
}

/// A new user gets the login of a user who gets that of another, who gets a free one.
fn newcomer() -> Logins {
    Logins {
        before: [Some(A), Some(B), None, None],
        files: vec![file(&[(3, A), (0, B), (1, C)])],
        ..swap()
    }
}

/// A user without an external id gets one, and another user the login of somebody who gets a free one.
fn adoption() -> Logins {
    Logins {
        before: [Some(A), Some(B), None, None],
        without_id: Some(D),
        files: vec![file(&[(2, D), (0, B), (1, C)])],
        ..swap()
    }
}

/// Two users who swap their logins, while a third wants a login that one of them may get from others.
fn two_for_one() -> Logins {
    Logins {
        before: [Some(A), Some(B), None, None],
        files: vec![file(&[(0, B), (1, A), (3, C)])],
        faults: 0,
        cancel: false,
        ..swap()
    }
}

fn with_others(others: Others, other_writes: u8, bounds: Logins) -> Logins {
    Logins {
        others,
        other_writes,
        ..bounds
    }
}

fn mutant(mutant: Mutant, bounds: Logins) -> Logins {
    Logins {
        mutant: Some(mutant),
        ..bounds
    }
}

#[test]
fn swaps_circles_and_paths_with_a_fault() {
    assert_holds("swap", swap());
    assert_holds("circle", circle());
    assert_holds("path", path());
    assert_holds("blocked path", blocked());
    assert_holds("newcomer", newcomer());
    assert_holds("adoption", adoption());
}

#[test]
fn a_swap_while_others_write() {
    for others in [Others::Rename, Others::ClearId, Others::Create] {
        assert_holds(&format!("swap, {others:?}"), with_others(others, 1, swap()));
    }
}

#[test]
fn a_path_while_others_write() {
    for others in [Others::Rename, Others::ClearId, Others::Create] {
        let name = |bounds: &str| format!("{bounds}, {others:?}");
        assert_holds(&name("path"), with_others(others, 1, path()));
        assert_holds(&name("blocked path"), with_others(others, 1, blocked()));
    }
}

#[test]
fn a_path_may_lead_into_a_circle_when_others_rename() {
    let bounds = with_others(Others::Rename, 1, two_for_one());
    assert_holds("two records deferred because of one user", bounds);
}

/// Two tasks that exchange the same logins.
fn two_swaps() -> Logins {
    Logins {
        files: vec![file(&[(0, B), (1, A)]), file(&[(0, B), (1, A)])],
        faults: 0,
        cancel: false,
        ..swap()
    }
}

/// A task that exchanges two logins, and another one that gives one of the users a free login.
fn swap_and_rename() -> Logins {
    Logins {
        before: [Some(A), Some(B), None, None],
        files: vec![file(&[(0, B), (1, A)]), file(&[(1, D)])],
        ..two_swaps()
    }
}

#[test]
fn two_runs_at_the_same_users() {
    assert_holds("two swaps", two_swaps());
    assert_holds("swap and rename", swap_and_rename());
}

#[test]
fn every_run_ends_once_there_are_no_more_faults() {
    assert_terminates("swap", &with_others(Others::Rename, 1, swap()));
    assert_terminates("circle", &circle());
    assert_terminates("two swaps", &two_swaps());
}

#[test]
fn a_stamp_under_the_old_login_is_not_found_after_a_rename_by_others() {
    let others = with_others(Others::Rename, 1, path());
    assert_breaks(mutant(Mutant::StampUnderTheOldLogin, others), ONCE);
}

#[test]
fn a_rename_without_a_condition_on_the_new_login_arrives_after_its_fence() {
    assert_breaks(mutant(Mutant::RenameWithoutNewVersion, path()), COUNTED);
}

#[test]
fn a_claim_left_behind_by_a_take_names_another_user() {
    assert_breaks(mutant(Mutant::ClaimLeftBehindByTake, swap()), ONE_OWNER);
}

#[test]
fn a_claim_without_a_mark_looks_unchanged_after_a_rename_away_and_back() {
    let others = with_others(Others::Rename, 2, swap());
    assert_breaks(mutant(Mutant::SingleWritesWithoutMark, others), ONE_OWNER);
}

#[test]
fn without_a_judge_users_are_parked_for_nothing() {
    assert_breaks(mutant(Mutant::NoJudge, long_blocked()), NOT_DISPLACED);
}

#[test]
fn an_outsider_who_is_said_to_give_up_a_login_is_displaced() {
    assert_breaks(mutant(Mutant::EveryNameGivenUp, blocked()), NOT_DISPLACED);
}

#[test]
fn a_login_that_is_not_reserved_goes_to_a_new_user() {
    let others = with_others(Others::Create, 1, swap());
    assert_breaks(mutant(Mutant::NothingReserved, others), NOT_DISPLACED);
}

#[test]
fn a_tombstone_reserved_without_need_displaces_a_user_of_another_run() {
    let bounds = mutant(Mutant::EveryTombstoneReserved, swap_and_rename());
    assert_breaks(bounds, NOT_DISPLACED);
}

#[test]
fn without_home_a_user_whose_id_was_cleared_stays_parked() {
    let others = with_others(Others::ClearId, 1, swap());
    assert_breaks(mutant(Mutant::NoHome, others), NOBODY_PARKED);
}

#[test]
fn a_run_that_renames_whom_another_one_has_parked_displaces_the_user() {
    assert_breaks(
        mutant(Mutant::HomeForAnotherRun, two_swaps()),
        NOT_DISPLACED,
    );
}

#[test]
fn a_cancel_in_move_displaces_users() {
    assert_breaks(mutant(Mutant::CancelledInMove, swap()), NOT_DISPLACED);
}

#[test]
fn a_request_that_ends_in_move_leaves_users_parked() {
    assert_breaks(mutant(Mutant::MoveWithinARequest, swap()), NOBODY_PARKED);
}

#[test]
fn without_a_second_look_a_user_renamed_after_a_late_write_counts_as_ignored() {
    let bounds = Logins {
        files: vec![file(&[(2, D)])],
        ..adoption()
    };
    let others = with_others(Others::Rename, 1, bounds);
    assert_holds("adoption, Rename", others.clone());
    assert_breaks(mutant(Mutant::NoSecondLook, others), COUNTED);
}

#[test]
fn deferred_records_counted_in_apply_are_counted_twice() {
    let bounds = mutant(Mutant::DeferredCountedInApply, swap());
    assert_breaks(bounds, COUNTED);
}

#[test]
fn a_run_that_ends_before_all_moves_counts_too_little() {
    let bounds = mutant(Mutant::FinishesWithoutMoveRows, swap());
    assert_breaks(bounds, COUNTED);
}

#[test]
fn a_name_that_a_replay_does_not_report_as_kept_is_taken() {
    let bounds = mutant(Mutant::KeepersLeftOutByReplay, long_blocked());
    assert_breaks(bounds, NOT_DISPLACED);
}

/// Takes minutes in a release build, see the documentation of the crate.
#[test]
#[ignore = "takes minutes"]
fn larger_bounds() {
    let bounds = |faults, others, other_writes, bounds| Logins {
        faults,
        ..with_others(others, other_writes, bounds)
    };
    for others in [Others::Rename, Others::ClearId, Others::Create] {
        let name = |bounds: &str| format!("{bounds}, {others:?}");
        assert_holds(&name("circle"), bounds(0, others, 1, circle()));
        assert_holds(&name("newcomer"), bounds(0, others, 1, newcomer()));
        assert_holds(&name("swap, 2 others"), bounds(1, others, 2, swap()));
    }
    assert_holds("circle, 2 faults", bounds(2, Others::Rename, 0, circle()));
    assert_holds(
        "two swaps, a fault",
        bounds(1, Others::Rename, 0, two_swaps()),
    );
}

#[test]
fn a_login_taken_from_whoever_has_it_parks_a_user_who_does_not_go() {
    let bounds = Logins {
        before: [Some(A), Some(B), Some(D), None],
        files: vec![file(&[(0, B), (1, A), (2, D)])],
        faults: 0,
        cancel: false,
        ..swap()
    };
    let others = with_others(Others::Rename, 2, bounds);
    assert_breaks(mutant(Mutant::TakenByName, others), NOBODY_PARKED);
}
