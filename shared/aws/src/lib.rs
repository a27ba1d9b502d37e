//! What Muster keeps in DynamoDB, and how: tables `directory` (users and claims) and `control`
//! (tenants, operators, robots, tokens, tasks, runs, idempotency keys). Real SDK clients only; a test talks to the same code
//! through a local endpoint. Nothing here reads the time of day: every time is an argument.
//!
//! Reads that decide something are consistent, writes are conditional and safe to repeat, and a
//! row past its `expires_at` is absent to every read.

pub mod background;
pub mod claims;
pub mod config;
pub mod directory;
pub mod error;
pub mod holds;
pub mod items;
pub mod kept;
pub mod keys;
pub mod operators;
pub mod passwords;
pub mod robots;
pub mod roles;
pub mod rounds;
pub mod runs;
pub mod sessions;
pub mod tasks;
pub mod telemetry;
pub mod tenants;
pub mod throttle;
pub mod tokens;

mod accounts;
mod batch;
mod calls;
mod lists;
pub mod pauses;
mod roots;
mod row;
mod transact;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::Client;

use directory::Way;

pub use accounts::name_problem;
pub use background::{Background, BackgroundConfig};
pub use config::{Account, Config, ConfigError, Tables};
pub use error::StoreError;
pub use lists::Part;

/// The two tables behind a client. Cheap to clone; clones share the client and its counts.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    /// How statements are sent; made when the first one is.
    way: Arc<OnceLock<Way>>,
    /// The names of the tables.
    pub tables: Tables,
    /// Statements that were sent to the table of users.
    directory_writes: Arc<AtomicU64>,
}

impl Store {
    /// Makes the client that `config` describes. Connects to nothing yet.
    pub async fn connect(config: &Config) -> Self {
        Self {
            client: config.client().await,
            way: Arc::default(),
            tables: config.tables.clone(),
            directory_writes: Arc::default(),
        }
    }

    /// The SDK's client; it retries what the SDK retries.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The same tables, and count of writes, through a client with other settings.
    #[must_use]
    pub fn through(&self, client: Client) -> Self {
        Self {
            client,
            way: Arc::default(),
            ..self.clone()
        }
    }

    /// How many writes this client has sent to the table of users and claims, whatever became of
    /// them.
    #[must_use]
    pub fn directory_writes(&self) -> u64 {
        self.directory_writes.load(Ordering::Relaxed)
    }
}

/// What became of a tenant or robot that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// It is there now.
    Created,
    /// The name is in use; what it stands for is untouched.
    Taken,
    /// The name cannot be used: what a name must be.
    BadName(&'static str),
}
