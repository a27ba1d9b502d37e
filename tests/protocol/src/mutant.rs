//! What the rules are mended of. Each mutant leaves one of them out, and a test shows which property
//! falls with it: that is why the rule is there.

/// A rule left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    // Stamps (PROTOCOL §6).
    NoStamps,
    SingleStamp,
    StampsCarriedByRenames,
    NoTombstones,
    // Writers (§5).
    NoStart,
    StartNotExclusive,
    CommitByFormerOwner,
    SendingAfterTheDeadline,
    EventuallyConsistentReads,
    OtherRowsWithoutFence,
    HandsBackUnanswered,
    // Finish (§8), stopping (§9), the sweeper (§10), holds (§3).
    CountingWithAdd,
    TerminalWithoutAllChunks,
    NoFence,
    ReconcilesAtOnce,
    ResendsCountedAsTries,
    NoSweeper,
    ExpiringQueuedHold,
    // Claims (§7).
    ClaimTakenFromALiveRun,
    ClaimTakenWithoutRest,
    UserBeforeClaim,
    ClaimNotCheckedAgain,
    SingleWritesWithoutMark,
    RenameOntoAnybody,
    // Synchronous runs (§3) and idempotency keys (§11).
    HandedOverAsUntouched,
    SendingAfterTheHold,
    TakeOverLeavesOldRun,
    HandOverUnconditional,
    FinishUnconditional,
    LostAnswerIsARefusal,
    KeyPutUnconditional,
    // Checking and planning (§4, §5).
    SharedChunkRows,
    ObjectNotPinned,
    EntersBeforeTheWholeFileIsRead,
    JudgesBeforeAllPlans,
    StateOverwritten,
    QueuedOnlyOnce,
}
