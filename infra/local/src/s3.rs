//! S3 on this machine: one bucket in a folder, served on a loopback port. Objects are written and
//! read in pieces, whatever their size, and signatures are checked as the service does. What the
//! file system behind it (`s3s-fs`) leaves out is mended in `s3/bucket.rs` and `s3/uploads.rs`;
//! what comes of both is pinned in `s3/emulation.rs`. There is no lifecycle: nothing expires here.

mod bucket;
#[cfg(test)]
mod emulation;
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

use crate::http::HttpServer;
use bucket::{Bucket, Owner};

/// What clients sign with: access key and secret key are the same.
pub const CREDENTIALS: &str = "local";

/// The emulator did not start, or broke.
#[derive(Debug, Error)]
pub enum S3Error {
    /// The folder cannot be made or opened.
    #[error("the objects' folder {} cannot be used: {cause}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// No socket, or its server broke.
    #[error("S3 cannot be served: {0}")]
    Server(#[from] io::Error),
}

/// A running emulator. Dropping it stops it without waiting; `stop` waits.
#[derive(Debug)]
pub struct S3 {
    server: HttpServer,
}

impl S3 {
    /// Serves `bucket` on `listener`, keeping its objects in `folder`. Both are made if they are
    /// not there. It answers as soon as this returns.
    pub fn start(listener: TcpListener, folder: &Path, bucket: &str) -> Result<Self, S3Error> {
        let opened = Bucket::open(folder, bucket).map_err(|cause| S3Error::Folder {
            folder: folder.to_path_buf(),
            cause,
        })?;
        let mut service = S3ServiceBuilder::new(opened);
        service.set_auth(SimpleAuth::from_single(CREDENTIALS, CREDENTIALS));
        service.set_access(Owner::of(bucket));
        // Refusals are answers; an error is what could not even be made one.
        let service = HandleError::new(service.build(), |error: s3s::HttpError| async move {
            tracing::warn!(?error, "a request to S3 has no answer");
            StatusCode::INTERNAL_SERVER_ERROR
        });
        let server = HttpServer::start(listener, Router::new().fallback_service(service))?;
        Ok(Self { server })
    }

    /// Where SDK clients find it, such as `http://127.0.0.1:8001`.
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// Stops accepting and lets requests in progress finish.
    pub async fn stop(self) -> Result<(), S3Error> {
        Ok(self.server.stop().await?)
    }
}
