//! Mutants of the protocol. Each leaves out one rule, and a test shows which property fails without
//! it: that is the reason for the rule.

/// A rule that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    // protocol.md#stamps
    NoStamps,
    SingleStamp,
    StampsCarriedByRenames,
    NoTombstones,
    // protocol.md#chunk-leases
    NoChunkLease,
    LeaseNotExclusive,
    CommitByFormerOwner,
    SendingAfterTheDeadline,
    EventuallyConsistentReads,
    NoFenceForOtherRows,
    HandsBackWithoutResponse,
    // protocol.md#finish, protocol.md#stopping, protocol.md#sweeper, protocol.md#task-lock
    CountingWithAdd,
    FinishesWithoutAllChunks,
    NoFence,
    ReconcilesLeasedChunks,
    ResendsCountedAsAttempts,
    NoSweeper,
    ExpiringQueuedLock,
    // protocol.md#claims
    ClaimTakenFromALiveRun,
    HolderReadBeforeRuns,
    NoRestAfterInterruption,
    UserBeforeClaim,
    ClaimNotCheckedAgain,
    SingleWritesWithoutMark,
    RenameOntoExistingUser,
    // protocol.md#synchronous-runs, protocol.md#idempotency
    HandedOverAsUntouched,
    SendingAfterTheLock,
    TakeOverLeavesOldRun,
    HandOverUnconditional,
    FinishUnconditional,
    LostResponseIsARefusal,
    KeyPutUnconditional,
    // protocol.md#checking, protocol.md#rounds
    SharedChunkRows,
    ObjectNotPinned,
    EntersBeforeTheWholeFileIsRead,
    ThresholdBeforeAllPlans,
    StateOverwritten,
    QueuedOnlyOnce,
    // ADR 0021
    StampUnderTheOldLogin,
    RenameWithoutNewVersion,
    ClaimLeftBehindByTake,
    NoJudge,
    EveryNameGivenUp,
    TakenByName,
    NothingReserved,
    EveryTombstoneReserved,
    NoHome,
    HomeForAnotherRun,
    CancelledInMove,
    MoveWithinARequest,
    NoSecondLook,
    NoFenceForDeferred,
    DeferredCountedInApply,
    FinishesWithoutMoveRows,
    KeepersLeftOutByReplay,
    // ADR 0022
    PresenceByLoginAlone,
    LeaverById,
    RosterOnlyAtFinish,
    FlaggedEntriesSpare,
    CarriedEntriesDropped,
    GenerationBeforeFinish,
    LeftKeptWhenActiveIsSet,
}
