//! The harness of Muster's black-box tests: a [`World`] is one running stack and a client for it.
//!
//! By default every test starts its own in-memory stack. If `MUSTER_READY_FILE` names the ready
//! file of a running stack, the tests run against that one instead, one at a time, since each
//! tenant has one task; tests that need special settings start a stack of their own even then. The
//! tests never verify a response with the implementation's own code.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code: a panic fails the test"
)]

pub mod background;
mod background_runs;
pub mod faults;
mod gated_imports;
pub mod generate;
pub mod http;
pub mod interceptor;
mod kept;
pub mod meter;
mod seeded;
mod setup;
pub mod store;
mod task_locks;
pub mod uploads;
mod world;

pub use gated_imports::GatedImports;
pub use http::{Call, Reply, compact};
pub use seeded::SeededScenarios;
pub use store::Access;
pub use world::{GATEWAY, READY_FILE, World, unreachable_background};
