//! Uploads in parts, as S3 has them. `s3s-fs` keeps the bytes of the parts; it forgets their ETags
//! and to which key an upload belongs, takes an upload away before it looks whether all parts are
//! there, and says "access denied" of an upload that is over. So each upload has files of its own
//! beside those of `s3s-fs` (whose version is pinned), and is judged by them first:
//! `.upload_id-<id>.key` while it is open, `.upload_id-<id>.etag-<n>` for each part that arrived.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::fs;
use tokio::sync::Mutex;

/// Every part but the last is at least as large.
const SMALLEST_PART: i64 = 5 << 20;
/// Parts in one listing.
const LISTED: i32 = 1000;

pub(super) struct Uploads {
    pub(super) files: FileSystem,
    folder: PathBuf,
    /// Held by whoever ends an upload: one of two wins, the other finds none.
    ending: Mutex<()>,
}

impl Uploads {
    pub(super) fn new(files: FileSystem, folder: &Path) -> Self {
        Self {
            files,
            folder: folder.to_path_buf(),
            ending: Mutex::new(()),
        }
    }

    pub(super) async fn create(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let key = request.input.key.clone();
        let answer = self.files.create_multipart_upload(request).await?;
        let id = answer.output.upload_id.as_deref().unwrap_or_default();
        fs::write(self.file(id, "key"), key).await.map_err(broken)?;
        Ok(answer)
    }

    pub(super) async fn take_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let (id, number) = (request.input.upload_id.clone(), request.input.part_number);
        self.open(&id, &request.input.key).await?;
        if !(1..=10_000).contains(&number) {
            return Err(s3_error!(InvalidArgument, "parts are numbered 1 to 10000"));
        }
        let answer = self.files.upload_part(request).await?;
        let etag = answer.output.e_tag.as_ref().map_or("", ETag::value);
        // The last step: a part without its ETag has not arrived.
        let file = self.file(&id, &format!("etag-{number}"));
        fs::write(file, etag).await.map_err(broken)?;
        Ok(answer)
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
        self.open(&upload_id, &key).await?;
        let after = part_number_marker.unwrap_or(0);
        let limit = max_parts.unwrap_or(LISTED).clamp(1, LISTED);
        let numbers = self.numbers(&upload_id).await.map_err(broken)?;
        let mut numbers = numbers.range(after.saturating_add(1)..).copied();
        let mut parts = Vec::new();
        for number in numbers.by_ref().take(usize::try_from(limit).unwrap_or(0)) {
            parts.extend(self.part(&upload_id, number).await.map_err(broken)?);
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
        let _alone = self.ending.lock().await;
        let input = &request.input;
        let id = input.upload_id.clone();
        self.open(&id, &input.key).await?;
        let named = input.multipart_upload.as_ref();
        let named = named.and_then(|upload| upload.parts.as_deref());
        self.check_all(&id, named.unwrap_or_default()).await?;
        let answer = self.files.complete_multipart_upload(request).await?;
        self.forget(&id).await.map_err(broken)?;
        Ok(answer)
    }

    pub(super) async fn abort(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let _alone = self.ending.lock().await;
        self.open(&request.input.upload_id, &request.input.key)
            .await?;
        self.files.abort_multipart_upload(request).await
    }

    /// Refuses an upload that was completed or aborted, or never began, or is of another key.
    async fn open(&self, id: &str, key: &str) -> S3Result<()> {
        // The id becomes part of a file's name.
        let fits = id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let unknown = || s3_error!(NoSuchUpload, "the upload is over, or never began");
        if !fits {
            return Err(unknown());
        }
        match fs::read(self.file(id, "key")).await {
            Ok(found) if found == key.as_bytes() => Ok(()),
            Ok(_) => Err(unknown()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(unknown()),
            Err(error) => Err(broken(error)),
        }
    }

    /// What S3 would refuse, while all parts are still there.
    async fn check_all(&self, id: &str, named: &[CompletedPart]) -> S3Result<()> {
        if named.is_empty() {
            return Err(s3_error!(MalformedXML, "no part is named"));
        }
        for (
            number,
            CompletedPart {
                part_number, e_tag, ..
            },
        ) in (1..).zip(named)
        {
            if *part_number != Some(number) {
                // S3 takes gaps; nobody here makes any.
                return Err(s3_error!(
                    InvalidPartOrder,
                    "parts go from 1 on, without gaps"
                ));
            }
            let part = self.part(id, number).await.map_err(broken)?;
            let missing = || s3_error!(InvalidPart, "part {number} is missing, or another one");
            let part = part.ok_or_else(missing)?;
            if e_tag.is_none() || part.e_tag != *e_tag {
                return Err(missing());
            }
            let last = usize::try_from(number).is_ok_and(|number| number == named.len());
            if !last && part.size < Some(SMALLEST_PART) {
                return Err(s3_error!(EntityTooSmall, "part {number} is below 5 MiB"));
            }
        }
        Ok(())
    }

    /// A part that arrived.
    async fn part(&self, id: &str, number: i32) -> io::Result<Option<Part>> {
        let found = async {
            let etag = fs::read_to_string(self.file(id, &format!("etag-{number}"))).await?;
            let bytes = fs::metadata(self.file(id, &format!("part-{number}"))).await?;
            let changed: SystemTime = bytes.modified()?;
            io::Result::Ok(Part {
                part_number: Some(number),
                e_tag: Some(ETag::Strong(etag)),
                size: i64::try_from(bytes.len()).ok(),
                last_modified: Some(Timestamp::from(changed)),
                ..Part::default()
            })
        };
        match found.await {
            Ok(part) => Ok(Some(part)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The parts that arrived.
    async fn numbers(&self, id: &str) -> io::Result<BTreeSet<i32>> {
        let names = self.names(id).await?;
        let number = |name: &String| name.rsplit_once(".etag-")?.1.parse().ok();
        Ok(names.iter().filter_map(number).collect())
    }

    /// Takes away what is left of an upload.
    async fn forget(&self, id: &str) -> io::Result<()> {
        for name in self.names(id).await? {
            fs::remove_file(self.folder.join(name)).await?;
        }
        Ok(())
    }

    /// The files of an upload.
    async fn names(&self, id: &str) -> io::Result<Vec<String>> {
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

    fn file(&self, id: &str, what: &str) -> PathBuf {
        self.folder.join(format!(".upload_id-{id}.{what}"))
    }
}

fn broken(error: io::Error) -> s3s::S3Error {
    s3s::S3Error::internal_error(error)
}
