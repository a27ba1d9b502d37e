//! The S3 emulator: one bucket in a folder, served on a loopback port. Objects of any size are
//! streamed, and signatures are checked as the service does. `s3/bucket.rs` and `s3/uploads.rs` add
//! what the underlying file system (`s3s-fs`) lacks; `s3/tests.rs` pins the result. There is no
//! lifecycle: objects do not expire.

mod bucket;
#[cfg(test)]
mod tests;
mod uploads;

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use thiserror::Error;

use crate::loopback::HttpServer;
use bucket::{Bucket, SignedAccess};

/// Access key and secret key of clients.
pub const ACCESS_KEY: &str = "local";

/// An error from starting or running the emulator.
#[derive(Debug, Error)]
pub enum S3Error {
    /// The folder cannot be created or opened.
    #[error("cannot use the object folder {}: {cause}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The cause.
        cause: String,
    },
    /// The server did not start, or failed.
    #[error("cannot serve S3: {0}")]
    Server(#[from] io::Error),
}

/// A running emulator. Dropping it stops it without waiting; `stop` waits.
#[derive(Debug)]
pub struct S3 {
    server: HttpServer,
}

impl S3 {
    /// Serves `bucket` on `listener` with objects in `folder`, and creates both if they are
    /// missing. Accepts requests as soon as this returns.
    ///
    /// # Errors
    /// Returns an error if the folder or the listener cannot be used.
    pub fn start(listener: TcpListener, folder: &Path, bucket: &str) -> Result<Self, S3Error> {
        let opened = Bucket::open(folder, bucket).map_err(|cause| S3Error::Folder {
            folder: folder.to_path_buf(),
            cause,
        })?;
        let mut service = S3ServiceBuilder::new(opened);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, ACCESS_KEY));
        service.set_access(SignedAccess::to(bucket));
        // S3 errors are responses; this error means that no response could be built.
        let service = HandleError::new(service.build(), |error: s3s::HttpError| async move {
            tracing::warn!(?error, "failed to build an S3 response");
            StatusCode::INTERNAL_SERVER_ERROR
        });
        let server = HttpServer::start(listener, Router::new().fallback_service(service))?;
        Ok(Self { server })
    }

    /// Returns the endpoint URL for SDK clients, such as `http://127.0.0.1:8001`.
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// Stops accepting requests and waits for those in progress.
    ///
    /// # Errors
    /// Returns an error if the server failed.
    pub async fn stop(self) -> Result<(), S3Error> {
        Ok(self.server.stop().await?)
    }
}
