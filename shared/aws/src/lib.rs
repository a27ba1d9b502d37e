//! Storage of Muster: the DynamoDB tables `directory` (users and claims) and `control` (tenants,
//! operators, robots, tokens, tasks, runs, idempotency keys), and, for background imports, a bucket
//! and two queues. Only real SDK clients are used; tests run the same code against a local
//! endpoint. Nothing here reads the clock: every time is an argument.
//!
//! A [`Store`] has a handle for each area, such as [`Store::runs`] or [`Store::directory`]. Reads
//! that decide something are consistent, writes are conditional and safe to repeat, and every read
//! treats a row past its `expires_at` as absent.
//!
//! Modules depend on each other in one direction: [`error`] and `client`, then `dynamodb`, then
//! the areas, then [`bootstrap`].

pub mod auth;
pub mod background;
pub mod backoff;
pub mod bootstrap;
pub mod directory;
pub mod error;
pub mod roles;
pub mod runs;
pub mod tasks;
pub mod telemetry;
pub mod tenants;

mod client;
mod creation;
mod digest;
mod dynamodb;
mod s3;
mod sqs;
mod store;
mod tenant_index;
mod time_uuid;

pub use auth::name_problem;
pub use auth::passwords;
pub use background::{Background, BackgroundConfig};
pub use client::config;
pub use client::config::{Account, Config, ConfigError, Tables};
pub use creation::Creation;
pub use error::StoreError;
pub use store::Store;
pub use tenant_index::ListPage;
