//! The two tables and the client that reaches them. Each area adds its handle in its own module.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::Client;

use crate::client::config::{Config, Tables};
use crate::dynamodb::statement_client::StatementClient;

/// The two tables and their client. Cheap to clone; clones share the client and its counters.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    /// Sends PartiQL statements; built on first use.
    statement_client: Arc<OnceLock<StatementClient>>,
    /// The names of the tables.
    pub tables: Tables,
    /// Number of writes sent to the directory table.
    directory_writes: Arc<AtomicU64>,
}

impl Store {
    /// Builds the client that `config` describes. Connects to nothing yet.
    pub async fn connect(config: &Config) -> Self {
        Self {
            client: config.client().await,
            statement_client: Arc::default(),
            tables: config.tables.clone(),
            directory_writes: Arc::default(),
        }
    }

    /// Returns the SDK client, which applies the retries of the SDK.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Returns a store for the same tables, with the same count of writes, that sends its requests
    /// through another client.
    #[must_use]
    pub fn through(&self, client: Client) -> Self {
        Self {
            client,
            statement_client: Arc::default(),
            ..self.clone()
        }
    }

    /// Returns the number of writes sent to the directory table, whatever their outcome.
    #[must_use]
    pub fn directory_writes(&self) -> u64 {
        self.directory_writes.load(Ordering::Relaxed)
    }

    pub(crate) fn count_directory_writes(&self, writes: usize) {
        self.directory_writes
            .fetch_add(writes as u64, Ordering::Relaxed);
    }

    pub(crate) fn statement_client(&self) -> &StatementClient {
        self.statement_client
            .get_or_init(|| StatementClient::derived_from(&self.client))
    }
}
