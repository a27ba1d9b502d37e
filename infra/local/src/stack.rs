//! The whole service on this machine: the emulated services and the HTTP API before them. Tests
//! start one each and talk to it like any client.

use std::net::TcpListener;
use std::path::PathBuf;

use muster_aws::{Background, Store};
use muster_core::limits;
use muster_core::survey::ChunkSizes;
use muster_import::{Runner, Times};

use crate::LocalError;
use crate::data_dir::DataDir;
use crate::http::HttpServer;
use crate::loopback;
use crate::ready::{self, Ready};
use crate::seed::TenantAccess;
use crate::services::{Environment, Listeners, ServiceOptions, Services, open_data};
use crate::workers::{WorkerOptions, Workers};

/// How a stack is to run.
#[derive(Debug, Clone, Default)]
pub struct StackOptions {
    /// Port of the HTTP API on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Where it keeps what it stores; `None`: in memory.
    pub data: Option<PathBuf>,
    /// Times of the protocol.
    pub times: Times,
    /// What the emulated services do otherwise than on an account.
    pub services: ServiceOptions,
    /// What works on imports in the background.
    pub workers: WorkerOptions,
    /// Bytes that an upload may have when it is unpacked; `None`: as on an account.
    pub most_expanded: Option<u64>,
}

/// A running stack. Dropping it stops it without waiting; `stop` waits.
#[derive(Debug)]
pub struct Stack {
    /// The HTTP API, such as `http://127.0.0.1:9000`.
    pub url: String,
    /// The emulated DynamoDB, such as `http://127.0.0.1:8000`.
    pub dynamodb_endpoint: String,
    /// A real SDK client against it.
    pub store: Store,
    /// Real SDK clients of the emulated bucket and queues.
    pub background: Background,
    /// What the functions in the background do their work with.
    pub runner: Runner,
    /// Two tenants that can be used at once.
    pub tenants: Vec<TenantAccess>,
    http: HttpServer,
    workers: Workers,
    services: Services,
}

/// What one process at a time can have: the port and the data directory. Nothing runs yet.
#[derive(Debug)]
pub(crate) struct Claim {
    listener: TcpListener,
    data: Option<DataDir>,
    times: Times,
    services: ServiceOptions,
    workers: WorkerOptions,
    most_expanded: u64,
}

impl Claim {
    pub(crate) fn take(options: &StackOptions) -> Result<Self, LocalError> {
        let data = open_data(options.data.as_deref())?;
        Ok(Self {
            listener: loopback::listen(options.port)?,
            data,
            times: options.times,
            services: options.services,
            workers: options.workers,
            most_expanded: options.most_expanded.unwrap_or(limits::EXPANDED_BYTES),
        })
    }

    pub(crate) async fn start(self) -> Result<Stack, LocalError> {
        let listeners = Listeners::from_port(0)?;
        let services = Services::start(listeners, self.data, self.services).await?;
        let store = services.store.clone();
        let background = services.background.clone();
        let objects = background.objects.clone();
        let imports = muster_imports::router(store.clone(), background.clone(), self.times);
        // Each function answers for what it does not route; together one of them is enough.
        let router = muster_auth::router(store.clone())
            .merge(imports.reset_fallback())
            .merge(muster_users::router(store.clone()).reset_fallback())
            .merge(muster_console::router(store.clone(), objects).reset_fallback());
        let http = HttpServer::start(self.listener, router).map_err(LocalError::Http)?;
        let runner = Runner {
            store: store.clone(),
            background: background.clone(),
            times: self.times,
            most_expanded: self.most_expanded,
            chunk_sizes: ChunkSizes::default(),
        };
        let workers = Workers::start(&runner, self.workers);
        let stack = Stack {
            url: http.url(),
            dynamodb_endpoint: services.dynamodb.endpoint(),
            store,
            background,
            runner,
            tenants: services.tenants.clone(),
            http,
            workers,
            services,
        };
        stack.answers().await?;
        Ok(stack)
    }
}

impl Stack {
    /// Starts everything; when it returns, everything answers.
    ///
    /// # Errors
    /// What is in the way: port, data directory, tables.
    pub async fn start(options: StackOptions) -> Result<Self, LocalError> {
        Claim::take(&options)?.start().await
    }

    /// What the ready file says of it.
    pub fn ready(&self) -> Ready {
        Ready {
            url: self.url.clone(),
            tenants: self.tenants.clone(),
            environment: ready::environment(self.environment()),
        }
    }

    /// What the environment of a worker in a process of its own must hold.
    pub fn environment(&self) -> Environment {
        self.services.environment()
    }

    /// Deletes expired rows, as DynamoDB does in the background. Returns how many.
    ///
    /// # Errors
    /// The emulator's.
    pub async fn delete_expired_rows(&self) -> Result<usize, LocalError> {
        Ok(self.services.dynamodb.sweep_expired().await?)
    }

    /// Lets requests in progress finish, then stops everything.
    ///
    /// # Errors
    /// A part that broke down while it ran.
    pub async fn stop(self) -> Result<(), LocalError> {
        let http = self.http.stop().await;
        self.workers.stop().await;
        self.services.stop().await?;
        http.map_err(LocalError::Http)
    }

    /// Any answer will do: the emulator has answered already, to the seeding.
    async fn answers(&self) -> Result<(), LocalError> {
        let unanswered = |error: reqwest::Error| LocalError::Unanswered {
            url: self.url.clone(),
            cause: error.to_string(),
        };
        let client = loopback_client().map_err(unanswered)?;
        client.get(&self.url).send().await.map_err(unanswered)?;
        Ok(())
    }
}

/// An HTTP client that asks no proxy for the way to this machine.
pub(crate) fn loopback_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build()
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    async fn get(stack: &Stack, path: &str) -> (u16, Option<String>) {
        let url = format!("{}{path}", stack.url);
        let response = loopback_client().unwrap().get(url).send().await.unwrap();
        let kind = response.headers().get("content-type").cloned();
        let kind = kind.map(|kind| kind.to_str().unwrap().to_owned());
        (response.status().as_u16(), kind)
    }

    #[tokio::test]
    async fn both_functions_answer_behind_one_address() {
        let stack = Stack::start(StackOptions::default()).await.unwrap();
        let problem = Some("application/problem+json".to_owned());
        assert_eq!(get(&stack, "/nowhere").await, (404, problem.clone()));
        assert_eq!(get(&stack, "/authenticate").await, (405, problem));
        // The import's own 405 has the dialect's shape.
        assert_eq!(get(&stack, "/v1/import/user-data/206").await.0, 405);
        stack.stop().await.unwrap();
    }

    #[tokio::test]
    async fn two_stacks_live_side_by_side_and_know_nothing_of_each_other() {
        let first = Stack::start(StackOptions::default()).await.unwrap();
        let second = Stack::start(StackOptions::default()).await.unwrap();
        assert_ne!(first.url, second.url);
        assert_ne!(
            first.tenants[0].robot.password,
            second.tenants[0].robot.password
        );
        first
            .store
            .create_tenant("initech", jiff::Timestamp::now())
            .await
            .unwrap();
        assert_eq!(second.store.get_tenant("initech").await.unwrap(), None);
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
        let taken = Stack::start(StackOptions {
            port,
            ..StackOptions::default()
        });
        let taken = taken.await.unwrap_err();
        assert!(matches!(taken, LocalError::Port(_)), "{taken}");

        let tenants = first.tenants.clone();
        first.stop().await.unwrap();
        assert!(TcpStream::connect(dynamodb).is_err());
        let second = Stack::start(options(port)).await.unwrap();
        assert_eq!(second.tenants, tenants, "names and passwords stay");
        second.stop().await.unwrap();
    }
}
