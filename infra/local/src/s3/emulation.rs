//! What the emulator gives, seen through the SDK: each test states one thing that imports rely on.
//! A new version of the emulator is judged by these.

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
use crate::stack::loopback_client;
use crate::template::REGION;

const BUCKET: &str = "muster-local-imports";
const KEY: &str = "runs/1/upload";
/// The smallest that a part other than the last may be.
const PART: usize = 5 << 20;

struct Local {
    server: S3,
    client: Client,
    folder: TempDir,
}

fn local() -> Local {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let client = client(&server, CREDENTIALS);
    Local {
        server,
        client,
        folder,
    }
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
        .credentials_provider(Credentials::new(CREDENTIALS, secret, None, None, "test"))
        .build();
    Client::from_conf(config)
}

impl Local {
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

    async fn begin(&self) -> String {
        let begun = self.client.create_multipart_upload();
        let begun = begun.bucket(BUCKET).key(KEY).send().await.unwrap();
        begun.upload_id.unwrap()
    }

    /// As a client of the API does: it has a URL and no credentials.
    async fn put_part(&self, upload: &str, number: i32, body: Vec<u8>) -> String {
        let soon = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
        let request = self.client.upload_part().bucket(BUCKET).key(KEY);
        let request = request.upload_id(upload).part_number(number);
        let url = request.presigned(soon).await.unwrap().uri().to_owned();
        let put = loopback_client().unwrap().put(url).body(body).send().await;
        let answer = put.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        answer.headers()["etag"].to_str().unwrap().to_owned()
    }

    async fn parts(&self, upload: &str, after: i32, most: i32) -> ListPartsOutput {
        let listed = self.client.list_parts().bucket(BUCKET).key(KEY);
        let listed = listed.upload_id(upload).max_parts(most);
        let listed = listed.part_number_marker(after.to_string());
        listed.send().await.unwrap()
    }

    /// The ETag of the object, or the code of the refusal.
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

    /// The files of uploads in the folder.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".upload")).collect()
    }
}

#[tokio::test]
async fn an_object_is_read_whole_in_part_and_only_if_it_is_the_one_meant() {
    let local = local();
    let etag = local.put(KEY, b"0123456789").await;
    let head = local.client.head_object().bucket(BUCKET).key(KEY);
    let head = head.send().await.unwrap();
    assert_eq!(head.content_length, Some(10));
    assert_eq!(head.e_tag.as_ref(), Some(&etag));
    assert_eq!(local.get(KEY).await, b"0123456789");

    let range = |etag: &str| {
        let get = local.client.get_object().bucket(BUCKET).key(KEY);
        get.range("bytes=2-4").if_match(etag).send()
    };
    let part = range(&etag).await.unwrap();
    assert_eq!(part.content_range.as_deref(), Some("bytes 2-4/10"));
    assert_eq!(part.e_tag.as_ref(), Some(&etag));
    assert_eq!(&part.body.collect().await.unwrap().to_vec()[..], b"234");

    local.put(KEY, b"another one").await;
    let refused = range(&etag).await.unwrap_err();
    assert_eq!(refused.code(), Some("PreconditionFailed"));
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 412);
    local.server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_deleting_it_again_is_no_error() {
    let local = local();
    local.put("runs/1/a/0.json", b"[]").await;
    local.put("runs/1/a/1.json", b"[]").await;
    for _ in 0..2 {
        let deleted = local.client.delete_object().bucket(BUCKET);
        deleted.key("runs/1/a/0.json").send().await.unwrap();
    }
    let get = local.client.get_object().bucket(BUCKET);
    let gone = get.key("runs/1/a/0.json").send().await.unwrap_err();
    assert_eq!(gone.code(), Some("NoSuchKey"));
    let head = local.client.head_object().bucket(BUCKET);
    let gone = head.key("runs/1/a/0.json").send().await.unwrap_err();
    assert!(gone.as_service_error().unwrap().is_not_found());
    let listed = local.client.list_objects_v2().bucket(BUCKET);
    let listed = listed.prefix("runs/1/").send().await.unwrap();
    let keys: Vec<_> = listed
        .contents()
        .iter()
        .map(|object| object.key())
        .collect();
    assert_eq!(keys, [Some("runs/1/a/1.json")]);
}

#[tokio::test]
async fn parts_that_were_put_to_signed_urls_become_one_object() {
    let local = local();
    let upload = local.begin().await;
    // Out of order, and one of them twice.
    let second = local.put_part(&upload, 2, b"the end".to_vec()).await;
    local.put_part(&upload, 1, b"too early".to_vec()).await;
    let first = local.put_part(&upload, 1, vec![b'x'; PART]).await;
    let listed = local.parts(&upload, 0, 1000).await;
    assert_eq!(listed.is_truncated, Some(false));
    let listed = listed.parts().iter();
    let listed: Vec<_> = listed
        .map(|part| {
            let (number, size) = (part.part_number.unwrap(), part.size.unwrap());
            (number, size, part.e_tag.clone().unwrap())
        })
        .collect();
    let size = i64::try_from(PART).unwrap();
    assert_eq!(listed, [(1, size, first.clone()), (2, 7, second.clone())]);

    let parts = [(1, first.as_str()), (2, second.as_str())];
    let etag = local.complete(&upload, &parts).await.unwrap();
    assert!(etag.ends_with("-2\""), "{etag}");
    let object = local.get(KEY).await;
    assert_eq!(object.len(), PART + 7);
    assert!(object.ends_with(b"xthe end"));
    let head = local.client.head_object().bucket(BUCKET).key(KEY);
    let head = head.send().await.unwrap();
    assert_eq!(
        (head.content_length, head.e_tag),
        (Some(size + 7), Some(etag))
    );

    assert_eq!(
        local.complete(&upload, &parts).await.unwrap_err(),
        "NoSuchUpload",
        "the second time"
    );
    assert_eq!(local.left(), Vec::<String>::new());
    local.server.stop().await.unwrap();
}

#[tokio::test]
async fn parts_are_listed_in_pages() {
    let local = local();
    let upload = local.begin().await;
    for number in [10, 9, 3, 1] {
        local.put_part(&upload, number, vec![b'x']).await;
    }
    let page = async |after| {
        let page = local.parts(&upload, after, 3).await;
        let numbers = page.parts().iter().filter_map(|part| part.part_number);
        (numbers.collect::<Vec<_>>(), page.next_part_number_marker)
    };
    assert_eq!(page(0).await, (vec![1, 3, 9], Some("9".to_owned())));
    assert_eq!(page(9).await, (vec![10], None));
    assert_eq!(page(1).await, (vec![3, 9, 10], None));
}

#[tokio::test]
async fn what_cannot_be_completed_is_refused_and_stays_open() {
    let local = local();
    let upload = local.begin().await;
    let first = local.put_part(&upload, 1, vec![b'x'; PART]).await;
    let small = local.put_part(&upload, 2, b"small".to_vec()).await;
    let last = local.put_part(&upload, 3, b"last".to_vec()).await;
    let missing = "\"00000000000000000000000000000000\"";
    for (parts, refusal) in [
        (vec![], "MalformedXML"),
        (vec![(1, first.as_str()), (2, missing)], "InvalidPart"),
        (vec![(1, &first), (2, &small), (3, &last)], "EntityTooSmall"),
        (vec![(2, &small), (1, &first)], "InvalidPartOrder"),
    ] {
        assert_eq!(local.complete(&upload, &parts).await.unwrap_err(), refusal);
    }
    let parts = [(1, first.as_str()), (2, small.as_str())];
    local.complete(&upload, &parts).await.unwrap();
    assert_eq!(local.get(KEY).await.len(), PART + 5);
    assert_eq!(local.left(), Vec::<String>::new(), "part 3 is gone, too");
}

#[tokio::test]
async fn an_upload_that_was_aborted_is_over() {
    let local = local();
    let upload = local.begin().await;
    let part = local.put_part(&upload, 1, b"part".to_vec()).await;
    local.abort(&upload).await.unwrap();
    assert_eq!(local.left(), Vec::<String>::new());
    assert_eq!(local.abort(&upload).await.unwrap_err(), "NoSuchUpload");
    let completed = local.complete(&upload, &[(1, &part)]).await;
    assert_eq!(completed.unwrap_err(), "NoSuchUpload");
    let listed = local.client.list_parts().bucket(BUCKET).key(KEY);
    let listed = listed.upload_id(&upload).send().await.unwrap_err();
    assert_eq!(listed.code(), Some("NoSuchUpload"));
    let put = local.client.upload_part().bucket(BUCKET).key(KEY);
    let put = put.upload_id(&upload).part_number(1);
    let put = put.body(ByteStream::from_static(b"late")).send().await;
    assert_eq!(put.unwrap_err().code(), Some("NoSuchUpload"));
}

#[tokio::test]
async fn an_upload_belongs_to_its_key() {
    let local = local();
    let upload = local.begin().await;
    let put = local
        .client
        .upload_part()
        .bucket(BUCKET)
        .key("runs/2/upload");
    let put = put.upload_id(&upload).part_number(1);
    let put = put.body(ByteStream::from_static(b"part")).send().await;
    assert_eq!(put.unwrap_err().code(), Some("NoSuchUpload"));
}

#[tokio::test]
async fn who_does_not_sign_or_signs_wrong_gets_nothing() {
    let local = local();
    local.put(KEY, b"0123456789").await;
    let wrong = client(&local.server, "guessed");
    let get = wrong.get_object().bucket(BUCKET).key(KEY);
    let refused = get.send().await.unwrap_err();
    assert_eq!(refused.code(), Some("SignatureDoesNotMatch"));

    let url = format!("{}/{BUCKET}/{KEY}", local.server.endpoint());
    let plain = loopback_client().unwrap().get(&url).send().await.unwrap();
    assert_eq!(plain.status().as_u16(), 403);

    let soon = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let signed = local.client.get_object().bucket(BUCKET).key(KEY);
    let signed = signed.presigned(soon).await.unwrap();
    let other = signed.uri().replace(KEY, "runs/2/upload");
    let other = loopback_client().unwrap().get(other).send().await.unwrap();
    assert_eq!(other.status().as_u16(), 403, "signed for another key");
}

#[tokio::test]
async fn there_is_no_other_bucket() {
    let local = local();
    let put = local.client.put_object().bucket("another").key(KEY);
    let put = put.body(ByteStream::from_static(b"x")).send().await;
    assert_eq!(put.unwrap_err().code(), Some("NoSuchBucket"));
    assert!(!local.folder.path().join("another").exists());
}

#[tokio::test]
async fn objects_and_open_uploads_outlive_the_server() {
    let first = local();
    let etag = first.put("runs/2/upload", b"kept").await;
    let upload = first.begin().await;
    let part = first.put_part(&upload, 1, b"part".to_vec()).await;
    first.server.stop().await.unwrap();

    let server = serve(first.folder.path());
    let client = client(&server, CREDENTIALS);
    let second = Local {
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
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = S3::start(loopback::listen(0).unwrap(), file.path(), BUCKET).unwrap_err();
    let name = file.path().file_name().unwrap().to_str().unwrap();
    assert!(error.to_string().contains(name), "{error}");
}
