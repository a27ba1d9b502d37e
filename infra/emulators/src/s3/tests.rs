//! The emulator's behaviour as seen through the SDK. Each test pins one thing imports rely on. They
//! decide about a new version of the emulator.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::list_parts::ListPartsOutput;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use std::time::Duration;
use tempfile::TempDir;

use super::*;
use crate::loopback;
use crate::template::REGION;

const BUCKET: &str = "muster-local-imports";
const KEY: &str = "runs/1/upload";
/// Minimum size of a part other than the last.
const MIN_PART_BYTES: usize = 5 << 20;

struct S3Harness {
    server: S3,
    client: Client,
    folder: TempDir,
}

fn start() -> S3Harness {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let client = client(&server, ACCESS_KEY);
    S3Harness {
        server,
        client,
        folder,
    }
}

/// An HTTP client that ignores proxy settings.
fn http_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn serve(folder: &Path) -> S3 {
    S3::start(loopback::listen(0).unwrap(), folder, BUCKET).unwrap()
}

fn client(server: &S3, secret: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(server.endpoint())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new(ACCESS_KEY, secret, None, None, "test"))
        .build();
    Client::from_conf(config)
}

impl S3Harness {
    async fn put(&self, key: &str, body: &'static [u8]) -> String {
        let put = self.client.put_object().bucket(BUCKET).key(key);
        let put = put.body(ByteStream::from_static(body)).send().await;
        put.unwrap().e_tag.unwrap()
    }

    async fn get(&self, key: &str) -> Vec<u8> {
        let got = self.client.get_object().bucket(BUCKET).key(key);
        let got = got.send().await.unwrap();
        got.body.collect().await.unwrap().to_vec()
    }

    async fn create_upload(&self) -> String {
        let created = self.client.create_multipart_upload();
        let created = created.bucket(BUCKET).key(KEY).send().await.unwrap();
        created.upload_id.unwrap()
    }

    /// Uploads a part like a client of the API: with a signed URL and no credentials.
    async fn put_part(&self, upload: &str, number: i32, body: Vec<u8>) -> String {
        let expiry = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
        let request = self.client.upload_part().bucket(BUCKET).key(KEY);
        let request = request.upload_id(upload).part_number(number);
        let url = request.presigned(expiry).await.unwrap().uri().to_owned();
        let put = http_client().put(url).body(body).send().await;
        let response = put.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        response.headers()["etag"].to_str().unwrap().to_owned()
    }

    async fn parts(&self, upload: &str, after: i32, limit: i32) -> ListPartsOutput {
        let listed = self.client.list_parts().bucket(BUCKET).key(KEY);
        let listed = listed.upload_id(upload).max_parts(limit);
        let listed = listed.part_number_marker(after.to_string());
        listed.send().await.unwrap()
    }

    /// Returns the ETag of the object, or the error code.
    async fn complete(&self, upload: &str, parts: &[(i32, &str)]) -> Result<String, String> {
        let parts = parts.iter().map(|(number, etag)| {
            let part = CompletedPart::builder().part_number(*number);
            part.e_tag(*etag).build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect()));
        let completed = self.client.complete_multipart_upload();
        let completed = completed.bucket(BUCKET).key(KEY).upload_id(upload);
        match completed.multipart_upload(parts.build()).send().await {
            Ok(object) => Ok(object.e_tag.unwrap()),
            Err(error) => Err(error.code().unwrap().to_owned()),
        }
    }

    async fn abort(&self, upload: &str) -> Result<(), String> {
        let aborted = self.client.abort_multipart_upload();
        let aborted = aborted.bucket(BUCKET).key(KEY).upload_id(upload);
        match aborted.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(error.code().unwrap().to_owned()),
        }
    }

    /// Returns the names of upload files in the folder.
    fn upload_files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".upload")).collect()
    }
}

#[tokio::test]
async fn reads_honour_range_and_if_match() {
    let harness = start();
    let etag = harness.put(KEY, b"0123456789").await;
    let head = harness.client.head_object().bucket(BUCKET).key(KEY);
    let head = head.send().await.unwrap();
    assert_eq!(head.content_length, Some(10));
    assert_eq!(head.e_tag.as_ref(), Some(&etag));
    assert_eq!(harness.get(KEY).await, b"0123456789");

    let range = |etag: &str| {
        let get = harness.client.get_object().bucket(BUCKET).key(KEY);
        get.range("bytes=2-4").if_match(etag).send()
    };
    let part = range(&etag).await.unwrap();
    assert_eq!(part.content_range.as_deref(), Some("bytes 2-4/10"));
    assert_eq!(part.e_tag.as_ref(), Some(&etag));
    assert_eq!(&part.body.collect().await.unwrap().to_vec()[..], b"234");

    harness.put(KEY, b"another one").await;
    let refused = range(&etag).await.unwrap_err();
    assert_eq!(refused.code(), Some("PreconditionFailed"));
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 412);
    harness.server.stop().await.unwrap();
}

#[tokio::test]
async fn deleting_a_missing_object_succeeds() {
    let harness = start();
    harness.put("runs/1/a/0.json", b"[]").await;
    harness.put("runs/1/a/1.json", b"[]").await;
    for _ in 0..2 {
        let deleted = harness.client.delete_object().bucket(BUCKET);
        deleted.key("runs/1/a/0.json").send().await.unwrap();
    }
    let get = harness.client.get_object().bucket(BUCKET);
    let gone = get.key("runs/1/a/0.json").send().await.unwrap_err();
    assert_eq!(gone.code(), Some("NoSuchKey"));
    let head = harness.client.head_object().bucket(BUCKET);
    let gone = head.key("runs/1/a/0.json").send().await.unwrap_err();
    assert!(gone.as_service_error().unwrap().is_not_found());
    let listed = harness.client.list_objects_v2().bucket(BUCKET);
    let listed = listed.prefix("runs/1/").send().await.unwrap();
    let keys: Vec<_> = listed
        .contents()
        .iter()
        .map(|object| object.key())
        .collect();
    assert_eq!(keys, [Some("runs/1/a/1.json")]);
}

#[tokio::test]
async fn parts_uploaded_by_signed_urls_become_one_object() {
    let harness = start();
    let upload = harness.create_upload().await;
    // Out of order, and one part twice.
    let second = harness.put_part(&upload, 2, b"the end".to_vec()).await;
    harness.put_part(&upload, 1, b"too early".to_vec()).await;
    let first = harness
        .put_part(&upload, 1, vec![b'x'; MIN_PART_BYTES])
        .await;
    let listed = harness.parts(&upload, 0, 1000).await;
    assert_eq!(listed.is_truncated, Some(false));
    let listed = listed.parts().iter();
    let listed: Vec<_> = listed
        .map(|part| {
            let (number, size) = (part.part_number.unwrap(), part.size.unwrap());
            (number, size, part.e_tag.clone().unwrap())
        })
        .collect();
    let size = i64::try_from(MIN_PART_BYTES).unwrap();
    assert_eq!(listed, [(1, size, first.clone()), (2, 7, second.clone())]);

    let parts = [(1, first.as_str()), (2, second.as_str())];
    let etag = harness.complete(&upload, &parts).await.unwrap();
    assert!(etag.ends_with("-2\""), "{etag}");
    let object = harness.get(KEY).await;
    assert_eq!(object.len(), MIN_PART_BYTES + 7);
    assert!(object.ends_with(b"xthe end"));
    let head = harness.client.head_object().bucket(BUCKET).key(KEY);
    let head = head.send().await.unwrap();
    assert_eq!(
        (head.content_length, head.e_tag),
        (Some(size + 7), Some(etag))
    );

    assert_eq!(
        harness.complete(&upload, &parts).await.unwrap_err(),
        "NoSuchUpload",
        "the second time"
    );
    assert_eq!(harness.upload_files(), Vec::<String>::new());
    harness.server.stop().await.unwrap();
}

#[tokio::test]
async fn parts_are_listed_in_pages() {
    let harness = start();
    let upload = harness.create_upload().await;
    for number in [10, 9, 3, 1] {
        harness.put_part(&upload, number, vec![b'x']).await;
    }
    let page = async |after| {
        let page = harness.parts(&upload, after, 3).await;
        let numbers = page.parts().iter().filter_map(|part| part.part_number);
        (numbers.collect::<Vec<_>>(), page.next_part_number_marker)
    };
    assert_eq!(page(0).await, (vec![1, 3, 9], Some("9".to_owned())));
    assert_eq!(page(9).await, (vec![10], None));
    assert_eq!(page(1).await, (vec![3, 9, 10], None));
}

#[tokio::test]
async fn an_invalid_completion_is_refused_and_the_upload_stays_open() {
    let harness = start();
    let upload = harness.create_upload().await;
    let first = harness
        .put_part(&upload, 1, vec![b'x'; MIN_PART_BYTES])
        .await;
    let small = harness.put_part(&upload, 2, b"small".to_vec()).await;
    let last = harness.put_part(&upload, 3, b"last".to_vec()).await;
    let missing = "\"00000000000000000000000000000000\"";
    for (parts, code) in [
        (vec![], "MalformedXML"),
        (vec![(1, first.as_str()), (2, missing)], "InvalidPart"),
        (vec![(1, &first), (2, &small), (3, &last)], "EntityTooSmall"),
        (vec![(2, &small), (1, &first)], "InvalidPartOrder"),
    ] {
        assert_eq!(harness.complete(&upload, &parts).await.unwrap_err(), code);
    }
    let parts = [(1, first.as_str()), (2, small.as_str())];
    harness.complete(&upload, &parts).await.unwrap();
    assert_eq!(harness.get(KEY).await.len(), MIN_PART_BYTES + 5);
    assert_eq!(
        harness.upload_files(),
        Vec::<String>::new(),
        "part 3 is deleted, too"
    );
}

#[tokio::test]
async fn an_aborted_upload_no_longer_exists() {
    let harness = start();
    let upload = harness.create_upload().await;
    let part = harness.put_part(&upload, 1, b"part".to_vec()).await;
    harness.abort(&upload).await.unwrap();
    assert_eq!(harness.upload_files(), Vec::<String>::new());
    assert_eq!(harness.abort(&upload).await.unwrap_err(), "NoSuchUpload");
    let completed = harness.complete(&upload, &[(1, &part)]).await;
    assert_eq!(completed.unwrap_err(), "NoSuchUpload");
    let listed = harness.client.list_parts().bucket(BUCKET).key(KEY);
    let listed = listed.upload_id(&upload).send().await.unwrap_err();
    assert_eq!(listed.code(), Some("NoSuchUpload"));
    let put = harness.client.upload_part().bucket(BUCKET).key(KEY);
    let put = put.upload_id(&upload).part_number(1);
    let put = put.body(ByteStream::from_static(b"late")).send().await;
    assert_eq!(put.unwrap_err().code(), Some("NoSuchUpload"));
}

#[tokio::test]
async fn an_upload_belongs_to_its_key() {
    let harness = start();
    let upload = harness.create_upload().await;
    let put = harness
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("runs/2/upload");
    let put = put.upload_id(&upload).part_number(1);
    let put = put.body(ByteStream::from_static(b"part")).send().await;
    assert_eq!(put.unwrap_err().code(), Some("NoSuchUpload"));
}

#[tokio::test]
async fn an_unsigned_or_wrongly_signed_request_is_refused() {
    let harness = start();
    harness.put(KEY, b"0123456789").await;
    let wrong = client(&harness.server, "guessed");
    let get = wrong.get_object().bucket(BUCKET).key(KEY);
    let refused = get.send().await.unwrap_err();
    assert_eq!(refused.code(), Some("SignatureDoesNotMatch"));

    let url = format!("{}/{BUCKET}/{KEY}", harness.server.endpoint());
    let plain = http_client().get(&url).send().await.unwrap();
    assert_eq!(plain.status().as_u16(), 403);

    let expiry = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let signed = harness.client.get_object().bucket(BUCKET).key(KEY);
    let signed = signed.presigned(expiry).await.unwrap();
    let other = signed.uri().replace(KEY, "runs/2/upload");
    let other = http_client().get(other).send().await.unwrap();
    assert_eq!(other.status().as_u16(), 403, "signed for another key");
}

#[tokio::test]
async fn another_bucket_does_not_exist_and_is_not_created() {
    let harness = start();
    let put = harness.client.put_object().bucket("another").key(KEY);
    let put = put.body(ByteStream::from_static(b"x")).send().await;
    assert_eq!(put.unwrap_err().code(), Some("NoSuchBucket"));
    assert!(!harness.folder.path().join("another").exists());
}

#[tokio::test]
async fn objects_and_open_uploads_survive_a_restart() {
    let first = start();
    let etag = first.put("runs/2/upload", b"kept").await;
    let upload = first.create_upload().await;
    let part = first.put_part(&upload, 1, b"part".to_vec()).await;
    first.server.stop().await.unwrap();

    let server = serve(first.folder.path());
    let client = client(&server, ACCESS_KEY);
    let second = S3Harness {
        server,
        client,
        ..first
    };
    let head = second.client.head_object().bucket(BUCKET);
    let head = head.key("runs/2/upload").send().await.unwrap();
    assert_eq!(head.e_tag, Some(etag));
    second.complete(&upload, &[(1, &part)]).await.unwrap();
    assert_eq!(second.get(KEY).await, b"part");
}

#[test]
fn a_folder_that_cannot_be_created_is_an_error_that_names_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = S3::start(loopback::listen(0).unwrap(), file.path(), BUCKET).unwrap_err();
    let name = file.path().file_name().unwrap().to_str().unwrap();
    assert!(error.to_string().contains(name), "{error}");
}
