use super::*;
use crate::search::{always_ends, breaks, holds};

/// One chunk of two records: a user to be changed, and one to be made.
fn one_chunk() -> Applying {
    Applying {
        chunks: vec![vec![0, 1]],
        standing: [Value::Old, Value::Absent],
        managers: false,
        handed_over: false,
        workers: 2,
        tries: 2,
        faults: 2,
        others: 1,
        cancel: true,
        mutant: None,
    }
}

/// Two chunks of one record each.
fn two_chunks() -> Applying {
    Applying {
        chunks: vec![vec![0], vec![1]],
        others: 0,
        faults: 1,
        ..one_chunk()
    }
}

/// A record that needs no write as long as nobody else writes, and one that does.
fn one_unchanged() -> Applying {
    Applying {
        standing: [Value::Wanted, Value::Old],
        ..one_chunk()
    }
}

/// Records whose plan looks at another row than the user's.
fn managers() -> Applying {
    Applying {
        managers: true,
        ..one_chunk()
    }
}

/// The same, of a run that a synchronous function has begun.
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
fn two_records_in_a_chunk_with_two_faults_and_a_write_of_somebody_else() {
    holds("one chunk", one_chunk());
    holds("one chunk, one record unchanged", one_unchanged());
}

#[test]
fn a_rename_away_and_back_with_a_fault() {
    let bounds = Applying {
        faults: 1,
        others: 2,
        cancel: false,
        ..one_chunk()
    };
    holds("one chunk, two writes of somebody else", bounds);
}

#[test]
fn two_chunks_with_a_fault() {
    holds("two chunks", two_chunks());
    let interfered = Applying {
        others: 1,
        ..two_chunks()
    };
    holds("two chunks, a write of somebody else", interfered);
}

#[test]
fn records_that_look_at_other_rows() {
    holds("managers", managers());
}

#[test]
fn a_run_that_was_handed_over() {
    holds("handed over", handed_over());
}

#[test]
fn a_handed_over_run_whose_chunks_look_untouched_counts_too_little() {
    let untouched = mutant(Mutant::HandedOverAsUntouched, handed_over());
    let steps = breaks(untouched.clone(), COUNTS);
    assert!(
        steps.contains(&Action::Skip(0)),
        "cancelled before its chunks start"
    );
    let uncancelled = Applying {
        cancel: false,
        ..untouched
    };
    breaks(uncancelled, COUNTS);
}

#[test]
fn every_run_ends_once_faults_do() {
    always_ends("one chunk", &one_chunk());
    always_ends("two chunks", &two_chunks());
}

#[test]
#[should_panic(expected = "nothing is left to happen")]
fn without_the_sweeper_a_lost_message_stops_a_run() {
    always_ends("no sweeper", &mutant(Mutant::NoSweeper, one_chunk()));
}

#[test]
fn without_stamps_a_lost_answer_writes_again_and_counts_wrong() {
    breaks(mutant(Mutant::NoStamps, one_chunk()), ONCE);
    breaks(mutant(Mutant::NoStamps, one_chunk()), COUNTS);
}

#[test]
fn with_a_single_stamp_a_run_of_another_task_wipes_it() {
    breaks(mutant(Mutant::SingleStamp, one_chunk()), ONCE);
}

#[test]
fn stamps_that_go_along_with_a_rename_are_missed_under_the_old_login() {
    breaks(mutant(Mutant::StampsCarriedByRenames, one_chunk()), ONCE);
}

#[test]
fn without_tombstones_a_renamed_user_is_made_again() {
    breaks(mutant(Mutant::NoTombstones, one_chunk()), ONCE);
}

#[test]
fn counts_that_are_added_up_are_added_twice() {
    breaks(mutant(Mutant::CountingWithAdd, one_chunk()), COUNTS);
}

#[test]
fn a_run_that_ends_before_all_its_chunks_counts_too_little() {
    breaks(
        mutant(Mutant::TerminalWithoutAllChunks, two_chunks()),
        COUNTS,
    );
}

#[test]
fn without_start_a_chunk_that_is_being_written_is_skipped() {
    breaks(mutant(Mutant::NoStart, one_chunk()), COUNTS);
}

#[test]
fn with_a_start_that_excludes_nobody_a_run_writes_after_its_end() {
    breaks(mutant(Mutant::StartNotExclusive, one_unchanged()), COUNTS);
}

#[test]
fn a_former_owner_commits_what_is_no_longer_true() {
    breaks(mutant(Mutant::CommitByFormerOwner, one_unchanged()), COUNTS);
}

#[test]
fn a_writer_that_goes_on_after_its_deadline_writes_after_the_end() {
    breaks(
        mutant(Mutant::SendingAfterTheDeadline, one_unchanged()),
        COUNTS,
    );
}

#[test]
fn eventually_consistent_reads_miss_the_stamp() {
    breaks(
        mutant(Mutant::EventuallyConsistentReads, one_unchanged()),
        COUNTS,
    );
}

#[test]
fn a_plan_that_looked_at_another_row_leaves_nothing_to_stop_an_earlier_statement() {
    breaks(mutant(Mutant::OtherRowsWithoutFence, managers()), COUNTS);
}

#[test]
fn a_chunk_handed_back_with_a_statement_unanswered_leaves_nothing_to_stop_it() {
    breaks(mutant(Mutant::HandsBackUnanswered, managers()), COUNTS);
}

#[test]
fn reconciliation_without_the_fence_lets_late_statements_in() {
    breaks(mutant(Mutant::NoFence, one_chunk()), COUNTS);
}

#[test]
fn reconciliation_of_a_chunk_that_is_being_written_counts_what_is_not_over() {
    breaks(mutant(Mutant::ReconcilesAtOnce, one_unchanged()), COUNTS);
}

#[test]
fn resends_that_count_as_tries_give_up_a_chunk_that_nobody_tried() {
    breaks(mutant(Mutant::ResendsCountedAsTries, one_chunk()), TRIED);
}

#[test]
fn an_expiring_hold_lets_the_next_run_drop_the_stamps() {
    breaks(mutant(Mutant::ExpiringQueuedHold, one_chunk()), HELD);
    breaks(mutant(Mutant::ExpiringQueuedHold, one_chunk()), ONCE);
}

/// Minutes in a release build: see the crate's documentation.
#[test]
#[ignore = "takes minutes"]
fn larger_bounds() {
    let larger = |bounds: Applying, faults, others| Applying {
        faults,
        others,
        ..bounds
    };
    let three_workers = |bounds: Applying| Applying {
        workers: 3,
        tries: 3,
        ..bounds
    };
    holds("one chunk, 4 faults, 2 others", larger(one_chunk(), 4, 2));
    holds(
        "one unchanged, 4 faults, 2 others",
        larger(one_unchanged(), 4, 2),
    );
    holds(
        "one unchanged, 3 workers, 4 faults",
        three_workers(larger(one_unchanged(), 4, 1)),
    );
    holds("two chunks, 2 faults, 1 other", larger(two_chunks(), 2, 1));
    holds(
        "two chunks, 3 workers, 2 faults",
        three_workers(larger(two_chunks(), 2, 0)),
    );
    holds("managers, 3 faults, 2 others", larger(managers(), 3, 2));
    holds(
        "handed over, 3 faults, 2 others",
        larger(handed_over(), 3, 2),
    );
    always_ends("one chunk, 3 faults", &larger(one_chunk(), 3, 1));
    always_ends("two chunks, 2 faults", &larger(two_chunks(), 2, 0));
}
