//! An embedded S3 for each test that wants one.

use std::fs;

use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use muster_aws::background::{BucketConfig, Objects};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;

const NAME: &str = "imports";

/// A bucket of one's own; it goes with the test.
pub struct Bucket {
    pub objects: Objects,
    _folder: TempDir,
}

impl Bucket {
    /// An empty one.
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
        let router: Router = Router::new().fallback_service(service);
        tokio::spawn(axum::serve(listener, router).into_future());
        let objects = Objects::connect(&BucketConfig::local(&endpoint, NAME)).await;
        Self {
            objects,
            _folder: folder,
        }
    }

    /// The keys of all objects whose keys begin so.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        let list = self.objects.client.list_objects_v2().bucket(NAME);
        let answer = list.prefix(prefix).send().await.unwrap();
        let keys = answer.contents().iter().map(|it| it.key().unwrap());
        keys.map(str::to_owned).collect()
    }

    /// Takes an object away.
    pub async fn lose(&self, key: &str) {
        let delete = self.objects.client.delete_object().bucket(NAME);
        delete.key(key).send().await.unwrap();
    }
}

/// A bucket that is not there, for what asks none.
pub async fn nowhere() -> Objects {
    Objects::connect(&BucketConfig::local("http://127.0.0.1:9", NAME)).await
}
