use super::state::Record;
use super::*;
use crate::search::{assert_breaks, assert_holds, assert_terminates};

fn file(records: &[(usize, Option<usize>)]) -> Vec<Record> {
    let record = |(user, wants): &(usize, Option<usize>)| Record {
        user: *user,
        wants: *wants,
    };
    records.iter().map(record).collect()
}

/// Two users whose external ids are exchanged, and an outsider.
fn swap() -> Ids {
    Ids {
        before: [Some(0), Some(1), Some(2), None],
        files: vec![file(&[(0, Some(1)), (1, Some(0))])],
        conflicts: Conflicts::Ignore,
        faults: 1,
        other_writes: 0,
        cancel: true,
        mutant: None,
    }
}

/// Three users, each of whom gets the external id of the next.
fn circle() -> Ids {
    Ids {
        files: vec![file(&[(0, Some(1)), (1, Some(2)), (2, Some(0))])],
        ..swap()
    }
}

/// A new user gets the external id of one whose id is cleared.
fn path() -> Ids {
    Ids {
        files: vec![file(&[(3, Some(0)), (0, Some(1)), (1, None)])],
        ..swap()
    }
}

/// The last user keeps an id, because an outsider has the one that the file gives to that user.
fn blocked() -> Ids {
    Ids {
        files: vec![file(&[(0, Some(1)), (1, Some(2))])],
        ..swap()
    }
}

fn applying(bounds: Ids) -> Ids {
    Ids {
        conflicts: Conflicts::Apply,
        ..bounds
    }
}

fn mutant(mutant: Mutant, bounds: Ids) -> Ids {
    Ids {
        mutant: Some(mutant),
        ..bounds
    }
}

#[test]
fn swaps_circles_and_paths_with_a_fault() {
    for (name, bounds) in [
        ("swap", swap()),
        ("path", path()),
        ("blocked path", blocked()),
    ] {
        assert_holds(name, bounds.clone());
        assert_holds(&format!("{name}, applying"), applying(bounds));
    }
    assert_holds("circle", circle());
}

#[test]
fn a_swap_while_others_write() {
    let others = |bounds: Ids| Ids {
        other_writes: 1,
        ..bounds
    };
    assert_holds("swap, others", others(swap()));
    assert_holds("swap, applying, others", others(applying(swap())));
    assert_holds("blocked path, others", others(blocked()));
}

/// Another task gives the id that a record wants to a user of the file, who is to lose it.
fn promised() -> Ids {
    Ids {
        before: [None; USERS],
        files: vec![file(&[(0, Some(0)), (1, None)]), file(&[(1, Some(0))])],
        ..applying(swap())
    }
}

#[test]
fn two_runs_at_the_same_ids() {
    let two_swaps = Ids {
        files: [swap().files, swap().files].concat(),
        faults: 0,
        cancel: false,
        ..swap()
    };
    assert_holds("two swaps", two_swaps);
    assert_holds("promised", promised());
}

#[test]
fn every_run_ends_once_there_are_no_more_faults() {
    assert_terminates("swap", &swap());
    assert_terminates("circle", &circle());
    assert_terminates("promised", &promised());
}

#[test]
fn without_a_judge_users_lose_an_id_for_nothing() {
    let long = Ids {
        before: [Some(0), Some(1), Some(2), Some(3)],
        files: vec![file(&[(0, Some(1)), (1, Some(2)), (2, Some(3))])],
        ..swap()
    };
    assert_breaks(mutant(Mutant::NoJudge, long), ALL_APPLIED);
}

#[test]
fn a_deferred_record_without_a_fence_is_applied_after_a_cancel() {
    assert_breaks(mutant(Mutant::NoFenceForDeferred, promised()), COUNTED);
}

#[test]
fn a_claim_taken_from_a_live_run_assigns_the_id_twice() {
    let bounds = mutant(Mutant::ClaimTakenFromALiveRun, promised());
    assert_breaks(bounds, ONE_OWNER);
}

/// Takes minutes in a release build, see the documentation of the crate.
#[test]
#[ignore = "takes minutes"]
fn larger_bounds() {
    let others = |other_writes, bounds: Ids| Ids {
        other_writes,
        ..bounds
    };
    assert_holds("circle, others", others(1, circle()));
    assert_holds("path, others", others(1, path()));
    assert_holds("swap, 2 others", others(2, swap()));
    let two_swaps = Ids {
        files: [swap().files, swap().files].concat(),
        ..swap()
    };
    assert_holds("two swaps, a fault", two_swaps);
    assert_holds("promised, others", others(1, promised()));
}
