//! An embedded S3 per test.

use std::fs;

use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use axum::serve::ListenerExt as _;
use muster_aws::background::{BucketConfig, Objects};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;

const NAME: &str = "imports";

/// A bucket of one test, deleted with it.
pub struct Bucket {
    pub objects: Objects,
    _folder: TempDir,
}

impl Bucket {
    /// Creates an empty bucket.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(NAME)).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single("local", "local"));
        let service = HandleError::new(service.build(), |error: s3s::HttpError| async move {
            (StatusCode::BAD_REQUEST, format!("{error:?}"))
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        // Otherwise, a small response waits 40 ms for the acknowledgement of the previous one.
        let listener = listener.tap_io(|connection| connection.set_nodelay(true).unwrap());
        let router: Router = Router::new().fallback_service(service);
        tokio::spawn(axum::serve(listener, router).into_future());
        let objects = Objects::connect(&BucketConfig::local(&endpoint, NAME)).await;
        Self {
            objects,
            _folder: folder,
        }
    }

    /// Returns the keys of all objects with this prefix.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        let list = self.objects.client.list_objects_v2().bucket(NAME);
        let response = list.prefix(prefix).send().await.unwrap();
        let keys = response.contents().iter().map(|it| it.key().unwrap());
        keys.map(str::to_owned).collect()
    }

    /// Deletes an object.
    pub async fn delete(&self, key: &str) {
        let delete = self.objects.client.delete_object().bucket(NAME);
        delete.key(key).send().await.unwrap();
    }
}

/// Returns a bucket that does not exist, for requests that do not use it.
pub async fn unreachable_bucket() -> Objects {
    Objects::connect(&BucketConfig::local("http://127.0.0.1:9", NAME)).await
}
