//! The embedded DynamoDB emulator, served on a loopback port. Its dispatch blocks the calling
//! thread, so it runs on its own thread and runtime, never on a worker of the caller's.
//! `dynamodb/tests.rs` pins the behaviour the store relies on and the differences from the service.

mod tables;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use dynoxide::Database;
use thiserror::Error;
use tokio::sync::{Notify, oneshot};

pub use tables::{TableError, ensure_tables};

/// A global lock serialises the emulator's writes, so more threads gain nothing.
const WORKER_THREADS: usize = 2;
/// Time for requests in progress to finish after `stop`; each is one small call.
const SHUTDOWN_GRACE_PERIOD: Duration = Duration::from_secs(5);

/// An error from starting or running the emulator.
#[derive(Debug, Error)]
pub enum DynamoDbError {
    /// The database cannot be opened.
    #[error("cannot open the database {}: {cause}", .file.as_deref().unwrap_or(Path::new("in memory")).display())]
    Open {
        /// The database file; `None` in memory.
        file: Option<PathBuf>,
        /// The emulator's error.
        cause: String,
    },
    /// The thread or the socket cannot be created.
    #[error("cannot start DynamoDB: {0}")]
    System(#[from] io::Error),
    /// The emulator failed while it ran.
    #[error("DynamoDB failed: {0}")]
    Failed(String),
}

/// A running emulator. Dropping it stops it without waiting; `stop` waits.
#[derive(Debug)]
pub struct DynamoDb {
    address: SocketAddr,
    database: DebugDatabase,
    stop: Arc<Notify>,
    result: oneshot::Receiver<Result<(), String>>,
}

/// Adds `Debug` to `Database`.
struct DebugDatabase(Database);

impl std::fmt::Debug for DebugDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

impl DynamoDb {
    /// Serves on `listener` and stores data in `file`, or in memory. Accepts requests as soon as
    /// this returns.
    ///
    /// # Errors
    /// Returns an error if the database cannot be opened or the thread cannot be started.
    pub fn start(listener: TcpListener, file: Option<&Path>) -> Result<Self, DynamoDbError> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let database = open(file)?;
        let stop = Arc::new(Notify::new());
        let (report, result) = oneshot::channel();
        let serve = serve(listener, database.clone(), Arc::clone(&stop));
        thread::Builder::new()
            .name("dynamodb".to_owned())
            .spawn(move || {
                // The receiver is gone if nobody waits for the result.
                drop(report.send(run(serve)));
            })?;
        Ok(Self {
            address,
            database: DebugDatabase(database),
            stop,
            result,
        })
    }

    /// Returns the endpoint URL for SDK clients, such as `http://127.0.0.1:8000`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Deletes expired rows, as the service does in the background, and returns their number.
    ///
    /// # Errors
    /// Returns an error if the database fails.
    pub async fn delete_expired_rows(&self) -> Result<usize, DynamoDbError> {
        let database = self.database.0.clone();
        tokio::task::spawn_blocking(move || database.sweep_ttl())
            .await
            .map_err(|error| DynamoDbError::Failed(error.to_string()))?
            .map_err(|error| DynamoDbError::Failed(error.to_string()))
    }

    /// Stops accepting requests, waits for those in progress, and closes the database.
    ///
    /// # Errors
    /// Returns an error if the server failed or panicked.
    pub async fn stop(mut self) -> Result<(), DynamoDbError> {
        self.stop.notify_one();
        match (&mut self.result).await {
            Ok(outcome) => outcome.map_err(DynamoDbError::Failed),
            Err(_) => Err(DynamoDbError::Failed("its thread panicked".to_owned())),
        }
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.stop.notify_one();
    }
}

fn open(file: Option<&Path>) -> Result<Database, DynamoDbError> {
    let open_error = |cause: String| DynamoDbError::Open {
        file: file.map(Path::to_path_buf),
        cause,
    };
    match file {
        None => Database::memory().map_err(|error| open_error(error.to_string())),
        Some(path) => {
            let text = path
                .to_str()
                .ok_or_else(|| open_error("the path is not UTF-8".to_owned()))?;
            Database::new(text).map_err(|error| open_error(error.to_string()))
        }
    }
}

/// Runs the server to completion on its own runtime.
fn run(serve: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .thread_name("dynamodb")
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let outcome = runtime.block_on(serve);
    runtime.shutdown_timeout(SHUTDOWN_GRACE_PERIOD);
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
    // A client that sent half a request would block the shutdown forever.
    let overdue = async {
        stopping.notified().await;
        tokio::time::sleep(SHUTDOWN_GRACE_PERIOD).await;
    };
    tokio::select! {
        outcome = server => outcome,
        () = overdue => Ok(()),
    }
}
