use super::*;
use crate::search::{assert_breaks, assert_holds, assert_terminates};

/// One chunk of two records: one updates a user, one creates a user.
fn one_chunk() -> Applying {
    Applying {
        chunks: vec![vec![0, 1]],
        initial_values: [Value::Old, Value::Absent],
        managers: false,
        handed_over: false,
        workers: 2,
        attempts: 2,
        faults: 2,
        other_writes: 1,
        cancel: true,
        mutant: None,
    }
}

/// Two chunks of one record each.
fn two_chunks() -> Applying {
    Applying {
        chunks: vec![vec![0], vec![1]],
        other_writes: 0,
        faults: 1,
        ..one_chunk()
    }
}

/// One record that changes nothing unless others write its user, and one that does.
fn one_unchanged() -> Applying {
    Applying {
        initial_values: [Value::Imported, Value::Old],
        ..one_chunk()
    }
}

/// Records whose plan depends on another row than the user's.
fn managers() -> Applying {
    Applying {
        managers: true,
        ..one_chunk()
    }
}

/// The same, in a run that a synchronous function has begun.
fn handed_over() -> Applying {
    Applying {
        handed_over: true,
        faults: 1,
        ..managers()
    }
}

fn mutant(mutant: Mutant, bounds: Applying) -> Applying {
    Applying {
        mutant: Some(mutant),
        ..bounds
    }
}

#[test]
fn two_records_in_a_chunk_with_two_faults_and_a_write_by_others() {
    assert_holds("one chunk", one_chunk());
    assert_holds("one chunk, one record unchanged", one_unchanged());
}

#[test]
fn a_rename_away_and_back_with_a_fault() {
    let bounds = Applying {
        faults: 1,
        other_writes: 2,
        cancel: false,
        ..one_chunk()
    };
    assert_holds("one chunk, two writes by others", bounds);
}

#[test]
fn two_chunks_with_a_fault() {
    assert_holds("two chunks", two_chunks());
    let interfered = Applying {
        other_writes: 1,
        ..two_chunks()
    };
    assert_holds("two chunks, one write by others", interfered);
}

#[test]
fn records_whose_plan_depends_on_another_row() {
    assert_holds("managers", managers());
}

#[test]
fn a_handed_over_run() {
    assert_holds("handed over", handed_over());
}

#[test]
fn handed_over_chunks_that_count_as_never_leased_are_undercounted() {
    let untouched = mutant(Mutant::HandedOverAsUntouched, handed_over());
    let steps = assert_breaks(untouched.clone(), COUNTS);
    assert!(
        steps.contains(&Action::Skip(0)),
        "cancelled before its chunks are leased"
    );
    let uncancelled = Applying {
        cancel: false,
        ..untouched
    };
    assert_breaks(uncancelled, COUNTS);
}

#[test]
fn every_run_ends_once_there_are_no_more_faults() {
    assert_terminates("one chunk", &one_chunk());
    assert_terminates("two chunks", &two_chunks());
}

#[test]
#[should_panic(expected = "no progress is possible")]
fn without_the_sweeper_a_lost_message_stops_a_run() {
    assert_terminates("no sweeper", &mutant(Mutant::NoSweeper, one_chunk()));
}

#[test]
fn without_stamps_a_lost_response_causes_a_second_write_and_wrong_counts() {
    assert_breaks(mutant(Mutant::NoStamps, one_chunk()), ONCE);
    assert_breaks(mutant(Mutant::NoStamps, one_chunk()), COUNTS);
}

#[test]
fn a_single_stamp_is_overwritten_by_a_run_of_another_task() {
    assert_breaks(mutant(Mutant::SingleStamp, one_chunk()), ONCE);
}

#[test]
fn stamps_moved_by_a_rename_are_missing_under_the_old_login() {
    assert_breaks(mutant(Mutant::StampsCarriedByRenames, one_chunk()), ONCE);
}

#[test]
fn without_tombstones_a_renamed_user_is_created_again() {
    assert_breaks(mutant(Mutant::NoTombstones, one_chunk()), ONCE);
}

#[test]
fn counts_that_are_added_up_count_retries_twice() {
    assert_breaks(mutant(Mutant::CountingWithAdd, one_chunk()), COUNTS);
}

#[test]
fn a_run_that_finishes_before_all_its_chunks_undercounts() {
    assert_breaks(
        mutant(Mutant::FinishesWithoutAllChunks, two_chunks()),
        COUNTS,
    );
}

#[test]
fn without_leases_a_chunk_that_is_being_written_is_skipped() {
    assert_breaks(mutant(Mutant::NoChunkLease, one_chunk()), COUNTS);
}

#[test]
fn with_leases_that_are_not_exclusive_a_run_writes_after_its_end() {
    assert_breaks(mutant(Mutant::LeaseNotExclusive, one_unchanged()), COUNTS);
}

#[test]
fn a_commit_by_a_former_owner_has_outdated_counts() {
    assert_breaks(mutant(Mutant::CommitByFormerOwner, one_unchanged()), COUNTS);
}

#[test]
fn a_writer_that_sends_after_its_deadline_writes_after_the_end() {
    assert_breaks(
        mutant(Mutant::SendingAfterTheDeadline, one_unchanged()),
        COUNTS,
    );
}

#[test]
fn eventually_consistent_reads_miss_stamps() {
    assert_breaks(
        mutant(Mutant::EventuallyConsistentReads, one_unchanged()),
        COUNTS,
    );
}

#[test]
fn without_a_fence_an_earlier_statement_passes_a_plan_that_depends_on_another_row() {
    assert_breaks(mutant(Mutant::NoFenceForOtherRows, managers()), COUNTS);
}

#[test]
fn a_chunk_handed_back_without_a_response_does_not_stop_its_last_statement() {
    assert_breaks(mutant(Mutant::HandsBackWithoutResponse, managers()), COUNTS);
}

#[test]
fn reconciliation_without_fences_lets_late_statements_pass() {
    assert_breaks(mutant(Mutant::NoFence, one_chunk()), COUNTS);
}

#[test]
fn reconciliation_of_a_leased_chunk_counts_too_early() {
    assert_breaks(
        mutant(Mutant::ReconcilesLeasedChunks, one_unchanged()),
        COUNTS,
    );
}

#[test]
fn resends_counted_as_attempts_abandon_a_run_without_attempts() {
    assert_breaks(mutant(Mutant::ResendsCountedAsAttempts, one_chunk()), TRIED);
}

#[test]
fn an_expiring_lock_lets_the_next_run_remove_the_stamps() {
    assert_breaks(
        mutant(Mutant::ExpiringQueuedLock, one_chunk()),
        LOCKED_UNTIL_END,
    );
    assert_breaks(mutant(Mutant::ExpiringQueuedLock, one_chunk()), ONCE);
}

/// Takes minutes in a release build, see the documentation of the crate.
#[test]
#[ignore = "takes minutes"]
fn larger_bounds() {
    let larger = |bounds: Applying, faults, others| Applying {
        faults,
        other_writes: others,
        ..bounds
    };
    let three_workers = |bounds: Applying| Applying {
        workers: 3,
        attempts: 3,
        ..bounds
    };
    assert_holds("one chunk, 4 faults, 2 others", larger(one_chunk(), 4, 2));
    assert_holds(
        "one unchanged, 4 faults, 2 others",
        larger(one_unchanged(), 4, 2),
    );
    assert_holds(
        "one unchanged, 3 workers, 4 faults",
        three_workers(larger(one_unchanged(), 4, 1)),
    );
    assert_holds("two chunks, 2 faults, 1 other", larger(two_chunks(), 2, 1));
    assert_holds(
        "two chunks, 3 workers, 2 faults",
        three_workers(larger(two_chunks(), 2, 0)),
    );
    assert_holds("managers, 3 faults, 2 others", larger(managers(), 3, 2));
    assert_holds(
        "handed over, 3 faults, 2 others",
        larger(handed_over(), 3, 2),
    );
    assert_terminates("one chunk, 3 faults", &larger(one_chunk(), 3, 1));
    assert_terminates("two chunks, 2 faults", &larger(two_chunks(), 2, 0));
}
