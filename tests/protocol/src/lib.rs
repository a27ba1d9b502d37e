//! The protocol of a run as a model that can be searched: every order of steps, crashes, lost and
//! repeated messages within small bounds. Nothing of it is deployed; it is checked by its tests.
//!
//! | model | what moves in it |
//! |---|---|
//! | `applying` | writers, messages, the sweeper, cancelling, reconciling, finishing; other people and other runs at the same logins; what a synchronous function hands over |
//! | `claims` | one external id, three logins, two runs, single-user writes and renames |
//! | `sync` | two synchronous functions for one task: holds, take-over, hand-over, idempotency keys |
//! | `checking` | `complete`, processors, the rounds of planning and applying, cancelling before anything is applied |
//!
//! A model's tests say its bounds. The rules hold within them; each `mutant::Mutant` leaves one rule
//! out, and a test names the property that falls. `search::always_ends` shows of the same states that
//! every run ends once faults do.
//!
//! A statement or transaction is one step, since the store decides it at one moment; whoever has
//! sent it may be dead by then. There is no clock: what takes time may happen at any later moment.
//! Where the protocol rests on an order in time the model says so, and a mutant goes without it: a
//! writer sends nothing after its deadline, a synchronous function nothing after its hold, and a
//! claim's runs are over for longer than any deadline before it is taken.
//!
//! Larger bounds, in some minutes and less than a gigabyte:
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
mod search;
#[cfg(test)]
mod sync;
