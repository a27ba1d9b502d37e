//! DynamoDB on this machine: the embedded emulator, served on a loopback port by a thread of
//! its own. Its dispatch blocks the thread it runs on, so it gets a runtime of its own and
//! never a worker of the caller's. What it does like the service and what not is pinned in
//! `dynamodb/emulation.rs`.

#[cfg(test)]
mod emulation;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use dynoxide::Database;
use thiserror::Error;
use tokio::sync::{Notify, oneshot};

/// One global lock orders the emulator's writes, so more threads gain nothing.
const THREADS: usize = 2;
/// How long requests in progress may take once it is told to stop; each is one small call.
const GRACE: Duration = Duration::from_secs(5);

/// The emulator did not start, or broke.
#[derive(Debug, Error)]
pub enum DynamoDbError {
    /// The file cannot be opened as a database.
    #[error("the database {} cannot be opened: {cause}", .file.as_deref().unwrap_or(Path::new("in memory")).display())]
    Open {
        /// The file; none in memory.
        file: Option<PathBuf>,
        /// What the emulator said.
        cause: String,
    },
    /// No thread, or no socket.
    #[error("DynamoDB cannot be started: {0}")]
    System(#[from] io::Error),
    /// It stopped by itself.
    #[error("DynamoDB broke down: {0}")]
    Broken(String),
}

/// A running emulator. Dropping it stops it without waiting; `stop` waits.
#[derive(Debug)]
pub struct DynamoDb {
    address: SocketAddr,
    database: Handle,
    stop: Arc<Notify>,
    ended: oneshot::Receiver<Result<(), String>>,
}

/// `Database` has no `Debug`.
struct Handle(Database);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

impl DynamoDb {
    /// Serves on `listener`, keeping what it stores in `file`, or in memory. It answers as soon
    /// as this returns.
    pub fn start(listener: TcpListener, file: Option<&Path>) -> Result<Self, DynamoDbError> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let database = open(file)?;
        let stop = Arc::new(Notify::new());
        let (report, ended) = oneshot::channel();
        let serve = serve(listener, database.clone(), Arc::clone(&stop));
        thread::Builder::new()
            .name("dynamodb".to_owned())
            .spawn(move || {
                // The receiver is gone when nobody waits for the end.
                drop(report.send(run(serve)));
            })?;
        Ok(Self {
            address,
            database: Handle(database),
            stop,
            ended,
        })
    }

    /// Where SDK clients find it, such as `http://127.0.0.1:8000`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Deletes expired rows, as the service does in the background. Returns how many.
    pub async fn sweep_expired(&self) -> Result<usize, DynamoDbError> {
        let database = self.database.0.clone();
        tokio::task::spawn_blocking(move || database.sweep_ttl())
            .await
            .map_err(|error| DynamoDbError::Broken(error.to_string()))?
            .map_err(|error| DynamoDbError::Broken(error.to_string()))
    }

    /// Stops accepting, lets requests in progress finish, closes the database.
    pub async fn stop(mut self) -> Result<(), DynamoDbError> {
        self.stop.notify_one();
        match (&mut self.ended).await {
            Ok(outcome) => outcome.map_err(DynamoDbError::Broken),
            Err(_) => Err(DynamoDbError::Broken("its thread panicked".to_owned())),
        }
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.stop.notify_one();
    }
}

fn open(file: Option<&Path>) -> Result<Database, DynamoDbError> {
    let broken = |cause: String| DynamoDbError::Open {
        file: file.map(Path::to_path_buf),
        cause,
    };
    match file {
        None => Database::memory().map_err(|error| broken(error.to_string())),
        Some(path) => {
            let text = path
                .to_str()
                .ok_or_else(|| broken("its path is not UTF-8".to_owned()))?;
            Database::new(text).map_err(|error| broken(error.to_string()))
        }
    }
}

/// Runs the server to its end on a runtime that lives and dies with it.
fn run(serve: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("dynamodb")
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let outcome = runtime.block_on(serve);
    runtime.shutdown_timeout(GRACE);
    outcome
}

async fn serve(listener: TcpListener, database: Database, stop: Arc<Notify>) -> Result<(), String> {
    let listener =
        tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
    let stopping = Arc::new(Notify::new());
    let server = dynoxide::server::serve_with_shutdown(listener, database, {
        let stopping = Arc::clone(&stopping);
        async move {
            stop.notified().await;
            stopping.notify_one();
        }
    });
    // A client that sent half a request would hold the end up for ever.
    let overdue = async {
        stopping.notified().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        outcome = server => outcome,
        () = overdue => Ok(()),
    }
}
