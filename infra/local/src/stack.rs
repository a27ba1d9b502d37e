//! The whole service on this machine: the emulated services and the HTTP API. Each test starts its
//! own and talks to it like any client.

use std::net::TcpListener;
use std::path::PathBuf;

use muster_aws::{Background, Store};
use muster_core::limits;
use muster_core::scan::ChunkSizes;
use muster_emulators::loopback::{self, HttpServer};
use muster_import::{Runner, Times};

use crate::data_dir::DataDir;
use crate::error::LocalError;
use crate::http_client::loopback_client;
use crate::ready_file::{self, Ready};
use crate::seed::{SeededRows, SeededTenant};
use crate::services::{Environment, Listeners, ServiceOptions, Services, open_data_dir};
use crate::workers::{WorkerOptions, Workers};

/// Options of a stack.
#[derive(Debug, Clone, Default)]
pub struct StackOptions {
    /// Port of the HTTP API on 127.0.0.1; 0 selects any free port.
    pub port: u16,
    /// Data directory; `None` keeps everything in memory.
    pub data: Option<PathBuf>,
    /// Times of the protocol.
    pub times: Times,
    /// Overrides of the services' settings in the template.
    pub services: ServiceOptions,
    /// Background workers.
    pub workers: WorkerOptions,
    /// Maximum size of an upload after decompression; `None` for the default.
    pub max_expanded_bytes: Option<u64>,
    /// Sample tenants of another stack, for a stack in memory; `None` creates new ones.
    pub seeded: Option<SeededRows>,
}

/// A running stack. Dropping it stops it without waiting; `stop` waits.
#[derive(Debug)]
pub struct Stack {
    /// URL of the HTTP API, such as `http://127.0.0.1:9000`.
    pub url: String,
    /// Endpoint URL of the emulated DynamoDB, such as `http://127.0.0.1:8000`.
    pub dynamodb_endpoint: String,
    /// A store that uses a real SDK client.
    pub store: Store,
    /// Real SDK clients of the emulated bucket and queues.
    pub background: Background,
    /// The runner of the background functions.
    pub runner: Runner,
    /// Two sample tenants with their accounts.
    pub tenants: Vec<SeededTenant>,
    http: HttpServer,
    workers: Workers,
    services: Services,
}

/// A stack that has its port and data directory, which only one process can hold, but does not run
/// yet.
#[derive(Debug)]
pub(crate) struct ReservedStack {
    listener: TcpListener,
    data_dir: Option<DataDir>,
    times: Times,
    services: ServiceOptions,
    workers: WorkerOptions,
    max_expanded_bytes: u64,
    seeded: Option<SeededRows>,
}

impl ReservedStack {
    pub(crate) fn reserve(options: &StackOptions) -> Result<Self, LocalError> {
        let data_dir = open_data_dir(options.data.as_deref())?;
        Ok(Self {
            listener: loopback::listen(options.port)?,
            data_dir,
            times: options.times,
            services: options.services,
            workers: options.workers,
            max_expanded_bytes: options
                .max_expanded_bytes
                .unwrap_or(limits::MAX_EXPANDED_BYTES),
            seeded: options.seeded.clone(),
        })
    }

    pub(crate) async fn start(self) -> Result<Stack, LocalError> {
        let listeners = Listeners::from_port(0)?;
        let services = Services::start(
            listeners,
            self.data_dir,
            self.services,
            self.seeded.as_ref(),
        )
        .await?;
        let store = services.store.clone();
        let background = services.background.clone();
        let objects = background.objects.clone();
        let imports = muster_imports::router(store.clone(), background.clone(), self.times);
        // Each function has a fallback for unknown routes; the merged router needs only one.
        let router = muster_auth::router(store.clone())
            .merge(imports.reset_fallback())
            .merge(muster_users::router(store.clone()).reset_fallback())
            .merge(muster_console::router(store.clone(), objects).reset_fallback());
        let http = HttpServer::start(self.listener, router).map_err(LocalError::Http)?;
        let runner = Runner {
            store: store.clone(),
            background: background.clone(),
            times: self.times,
            max_expanded_bytes: self.max_expanded_bytes,
            chunk_sizes: ChunkSizes::default(),
        };
        let workers = Workers::start(&runner, self.workers);
        let stack = Stack {
            url: http.url(),
            dynamodb_endpoint: services.dynamodb_endpoint(),
            store,
            background,
            runner,
            tenants: services.tenants.clone(),
            http,
            workers,
            services,
        };
        stack.check_response().await?;
        Ok(stack)
    }
}

impl Stack {
    /// Starts everything. Accepts requests as soon as this returns.
    ///
    /// # Errors
    /// Returns an error if the port, the data directory or the tables cannot be used.
    pub async fn start(options: StackOptions) -> Result<Self, LocalError> {
        ReservedStack::reserve(&options)?.start().await
    }

    /// Returns the content of the ready file.
    pub fn ready(&self) -> Ready {
        Ready {
            url: self.url.clone(),
            tenants: self.tenants.clone(),
            environment: ready_file::environment(self.environment()),
        }
    }

    /// Reads the sample tenants, for other stacks that start with them. Call it before anything
    /// else uses the stack.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn seeded_rows(&self) -> Result<SeededRows, LocalError> {
        Ok(SeededRows::read(&self.store, &self.tenants).await?)
    }

    /// Returns the environment for workers in other processes.
    pub fn environment(&self) -> Environment {
        self.services.environment()
    }

    /// Deletes expired rows, as DynamoDB does in the background, and returns their number.
    ///
    /// # Errors
    /// Returns an error if the database fails.
    pub async fn delete_expired_rows(&self) -> Result<usize, LocalError> {
        self.services.delete_expired_rows().await
    }

    /// Waits for requests in progress, then stops everything.
    ///
    /// # Errors
    /// Returns an error if a part failed while it ran.
    pub async fn stop(self) -> Result<(), LocalError> {
        let http = self.http.stop().await;
        self.workers.stop().await;
        self.services.stop().await?;
        http.map_err(LocalError::Http)
    }

    /// Checks that the HTTP API responds, with any status. The emulators have responded to seeding.
    async fn check_response(&self) -> Result<(), LocalError> {
        let no_response = |error: reqwest::Error| LocalError::NoResponse {
            url: self.url.clone(),
            cause: error.to_string(),
        };
        let client = loopback_client().map_err(no_response)?;
        client.get(&self.url).send().await.map_err(no_response)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    async fn get(stack: &Stack, path: &str) -> (u16, Option<String>) {
        let url = format!("{}{path}", stack.url);
        let response = loopback_client().unwrap().get(url).send().await.unwrap();
        let content_type = response.headers().get("content-type").cloned();
        let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), content_type)
    }

    #[tokio::test]
    async fn all_functions_respond_at_one_address() {
        let stack = Stack::start(StackOptions::default()).await.unwrap();
        let problem = Some("application/problem+json".to_owned());
        assert_eq!(get(&stack, "/nowhere").await, (404, problem.clone()));
        assert_eq!(get(&stack, "/authenticate").await, (405, problem));
        // A 405 of the import has the dialect's shape.
        assert_eq!(get(&stack, "/v1/import/user-data/206").await.0, 405);
        stack.stop().await.unwrap();
    }

    #[tokio::test]
    async fn two_stacks_in_one_process_are_independent() {
        let first = Stack::start(StackOptions::default()).await.unwrap();
        let second = Stack::start(StackOptions::default()).await.unwrap();
        assert_ne!(first.url, second.url);
        assert_ne!(
            first.tenants[0].robot.password,
            second.tenants[0].robot.password
        );
        first
            .store
            .tenants()
            .create("initech", jiff::Timestamp::now())
            .await
            .unwrap();
        assert_eq!(second.store.tenants().get("initech").await.unwrap(), None);
    }

    #[tokio::test]
    async fn stopping_frees_the_ports_and_the_data_directory() {
        let folder = tempfile::tempdir().unwrap();
        let options = |port| StackOptions {
            port,
            data: Some(folder.path().to_path_buf()),
            ..StackOptions::default()
        };
        let first = Stack::start(options(0)).await.unwrap();
        let port = first.url.rsplit(':').next().unwrap().parse().unwrap();
        let dynamodb = first
            .dynamodb_endpoint
            .trim_start_matches("http://")
            .to_owned();
        let in_use = Stack::start(options(0)).await.unwrap_err();
        assert!(matches!(in_use, LocalError::Data(_)), "{in_use}");
        let port_in_use = Stack::start(StackOptions {
            port,
            ..StackOptions::default()
        });
        let port_in_use = port_in_use.await.unwrap_err();
        assert!(matches!(port_in_use, LocalError::Port(_)), "{port_in_use}");

        let tenants = first.tenants.clone();
        first.stop().await.unwrap();
        assert!(TcpStream::connect(dynamodb).is_err());
        let second = Stack::start(options(port)).await.unwrap();
        assert_eq!(second.tenants, tenants, "names and passwords are kept");
        second.stop().await.unwrap();
    }
}
