//! Background work on runs: the processor, the writers and the sweeper.
//!
//! Each of them may die at any instruction, and several of them may work on the same run. The rows
//! of a run decide what may be done to it, never a message (protocol.md#sweeper).

mod chunk;
mod complete_round;
mod processor;
mod reconcile;
mod runner;
mod sweeper;
mod undo;
mod writer;

pub use self::runner::Runner;
pub use self::sweeper::SweepReport;
