//! Multipart uploads with S3's semantics. `s3s-fs` stores the bytes of the parts, but it forgets
//! their ETags and the key of an upload, removes an upload before checking that all parts exist,
//! and reports "access denied" for a finished upload. Each upload therefore has extra files beside
//! those of `s3s-fs` (whose version is pinned), which are checked first: `.upload_id-<id>.key`
//! while the upload is open, and `.upload_id-<id>.etag-<n>` for each part that arrived.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::fs;
use tokio::sync::Mutex;

/// Minimum size of every part but the last.
const MIN_PART_BYTES: i64 = 5 << 20;
/// Maximum number of parts in one listing.
const MAX_LISTED_PARTS: i32 = 1000;

pub(super) struct Uploads {
    pub(super) files: FileSystem,
    folder: PathBuf,
    /// Serialises completing and aborting, so that only one of two requests finds the upload.
    finish_lock: Mutex<()>,
}

impl Uploads {
    pub(super) fn new(files: FileSystem, folder: &Path) -> Self {
        Self {
            files,
            folder: folder.to_path_buf(),
            finish_lock: Mutex::new(()),
        }
    }

    pub(super) async fn create(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let key = request.input.key.clone();
        let response = self.files.create_multipart_upload(request).await?;
        let id = response.output.upload_id.as_deref().unwrap_or_default();
        fs::write(self.file(id, "key"), key)
            .await
            .map_err(internal)?;
        Ok(response)
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let (id, number) = (request.input.upload_id.clone(), request.input.part_number);
        self.check_open(&id, &request.input.key).await?;
        if !(1..=10_000).contains(&number) {
            return Err(s3_error!(InvalidArgument, "parts are numbered 1 to 10000"));
        }
        let response = self.files.upload_part(request).await?;
        let etag = response.output.e_tag.as_ref().map_or("", ETag::value);
        // Written last: a part without an ETag file has not arrived.
        let file = self.file(&id, &format!("etag-{number}"));
        fs::write(file, etag).await.map_err(internal)?;
        Ok(response)
    }

    pub(super) async fn list(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let ListPartsInput {
            bucket,
            key,
            upload_id,
            max_parts,
            part_number_marker,
            ..
        } = request.input;
        self.check_open(&upload_id, &key).await?;
        let after = part_number_marker.unwrap_or(0);
        let limit = max_parts
            .unwrap_or(MAX_LISTED_PARTS)
            .clamp(1, MAX_LISTED_PARTS);
        let numbers = self.part_numbers(&upload_id).await.map_err(internal)?;
        let mut numbers = numbers.range(after.saturating_add(1)..).copied();
        let mut parts = Vec::new();
        for number in numbers.by_ref().take(usize::try_from(limit).unwrap_or(0)) {
            parts.extend(self.part(&upload_id, number).await.map_err(internal)?);
        }
        let last = parts.last().and_then(|part| part.part_number);
        let is_truncated = numbers.next().is_some();
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(bucket),
            key: Some(key),
            upload_id: Some(upload_id),
            max_parts: Some(limit),
            part_number_marker: Some(after),
            next_part_number_marker: last.filter(|_| is_truncated),
            is_truncated: Some(is_truncated),
            parts: Some(parts),
            ..ListPartsOutput::default()
        }))
    }

    pub(super) async fn complete(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let _guard = self.finish_lock.lock().await;
        let input = &request.input;
        let id = input.upload_id.clone();
        self.check_open(&id, &input.key).await?;
        let upload = input.multipart_upload.as_ref();
        let parts = upload.and_then(|upload| upload.parts.as_deref());
        self.check_parts(&id, parts.unwrap_or_default()).await?;
        let response = self.files.complete_multipart_upload(request).await?;
        self.remove_files(&id).await.map_err(internal)?;
        Ok(response)
    }

    pub(super) async fn abort(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let _guard = self.finish_lock.lock().await;
        self.check_open(&request.input.upload_id, &request.input.key)
            .await?;
        self.files.abort_multipart_upload(request).await
    }

    /// Refuses an upload that is completed, aborted, unknown, or of another key.
    async fn check_open(&self, id: &str, key: &str) -> S3Result<()> {
        // The id becomes part of a file name.
        let is_valid = id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let unknown = || {
            s3_error!(
                NoSuchUpload,
                "the upload does not exist, is completed or aborted"
            )
        };
        if !is_valid {
            return Err(unknown());
        }
        match fs::read(self.file(id, "key")).await {
            Ok(found) if found == key.as_bytes() => Ok(()),
            Ok(_) => Err(unknown()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(unknown()),
            Err(error) => Err(internal(error)),
        }
    }

    /// Refuses what S3 would refuse, before any part is removed.
    async fn check_parts(&self, id: &str, parts: &[CompletedPart]) -> S3Result<()> {
        if parts.is_empty() {
            return Err(s3_error!(MalformedXML, "the list of parts is empty"));
        }
        for (
            number,
            CompletedPart {
                part_number, e_tag, ..
            },
        ) in (1..).zip(parts)
        {
            if *part_number != Some(number) {
                // S3 allows gaps; no client here leaves any.
                return Err(s3_error!(
                    InvalidPartOrder,
                    "expected parts from 1 on, without gaps"
                ));
            }
            let part = self.part(id, number).await.map_err(internal)?;
            let missing = || s3_error!(InvalidPart, "part {number} is missing or has another ETag");
            let part = part.ok_or_else(missing)?;
            if e_tag.is_none() || part.e_tag != *e_tag {
                return Err(missing());
            }
            let last = usize::try_from(number).is_ok_and(|number| number == parts.len());
            if !last && part.size < Some(MIN_PART_BYTES) {
                return Err(s3_error!(
                    EntityTooSmall,
                    "part {number} is smaller than 5 MiB"
                ));
            }
        }
        Ok(())
    }

    /// Returns a part, or `None` if it has not arrived.
    async fn part(&self, id: &str, number: i32) -> io::Result<Option<Part>> {
        let read = async {
            let etag = fs::read_to_string(self.file(id, &format!("etag-{number}"))).await?;
            let bytes = fs::metadata(self.file(id, &format!("part-{number}"))).await?;
            let modified: SystemTime = bytes.modified()?;
            io::Result::Ok(Part {
                part_number: Some(number),
                e_tag: Some(ETag::Strong(etag)),
                size: i64::try_from(bytes.len()).ok(),
                last_modified: Some(Timestamp::from(modified)),
                ..Part::default()
            })
        };
        match read.await {
            Ok(part) => Ok(Some(part)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the numbers of the parts that arrived.
    async fn part_numbers(&self, id: &str) -> io::Result<BTreeSet<i32>> {
        let names = self.file_names(id).await?;
        let number = |name: &String| name.rsplit_once(".etag-")?.1.parse().ok();
        Ok(names.iter().filter_map(number).collect())
    }

    /// Deletes the remaining files of an upload.
    async fn remove_files(&self, id: &str) -> io::Result<()> {
        for name in self.file_names(id).await? {
            fs::remove_file(self.folder.join(name)).await?;
        }
        Ok(())
    }

    /// Returns the file names of an upload.
    async fn file_names(&self, id: &str) -> io::Result<Vec<String>> {
        let mut entries = fs::read_dir(&self.folder).await?;
        let prefix = format!(".upload_id-{id}.");
        let mut names = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name().into_string().unwrap_or_default();
            if name.starts_with(&prefix) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn file(&self, id: &str, suffix: &str) -> PathBuf {
        self.folder.join(format!(".upload_id-{id}.{suffix}"))
    }
}

fn internal(error: io::Error) -> s3s::S3Error {
    s3s::S3Error::internal_error(error)
}
