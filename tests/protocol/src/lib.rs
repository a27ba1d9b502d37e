//! The protocol of a run as a model that is searched exhaustively: every order of steps, crashes, and
//! lost and repeated messages within small bounds. It is not deployed; its tests check it
//! (protocol.md#model, ADR 0011).
//!
//! | model | contents |
//! |---|---|
//! | `applying` | writers, messages, the sweeper, cancelling, reconciling, finishing; others and other runs at the same logins; the state after a hand-over |
//! | `claims` | one external id, three logins, two runs, single-user writes and renames |
//! | `sync` | two synchronous functions for one task: locks, take-over, hand-over, idempotency keys |
//! | `names` | external ids and logins that move within a file: deferred records, the judge, the rounds Move and Home |
//! | `rosters` | full runs of two tasks: who has left, is renamed, comes back, is blocked by an operator |
//! | `checking` | `complete`, processors, the planning and applying rounds, cancelling before anything is applied |
//!
//! The tests of a model state its bounds. The properties hold within them; each `mutant::Mutant`
//! leaves out one rule, and a test names the property that fails. `search::assert_terminates` shows
//! for the same states that every run ends once there are no more faults.
//!
//! A statement or transaction is one step, since the store decides it atomically; its sender may have
//! crashed by then. There is no clock: what takes time may happen at any later moment. Where the
//! protocol depends on an order in time, the model says so, and a mutant does without it: a writer
//! sends nothing after its deadline, a synchronous function nothing after its lock, and a claim is
//! taken over only once its runs have ended for longer than any deadline.
//!
//! Larger bounds, which take some minutes and less than a gigabyte:
//!
//! ```sh
//! cargo test --release -p muster-protocol -- --ignored --nocapture --test-threads 1
//! ```

#[cfg(test)]
mod applying;
#[cfg(test)]
mod checking;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod mutant;
#[cfg(test)]
mod names;
#[cfg(test)]
mod rosters;
#[cfg(test)]
mod search;
#[cfg(test)]
mod sync;
