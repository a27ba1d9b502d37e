//! The bucket: a client's upload, the chunks made of it, and what writers have to say of them.
//! Every object is written once under a name of its own, so that no reader meets half of one.

use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;

use crate::StoreError;
use crate::error::Cause;

/// The bucket behind a client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    /// The SDK's client.
    pub client: aws_sdk_s3::Client,
    bucket: String,
}

/// What an object is: as long as the tag is the same, so are its bytes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Object {
    /// S3's tag.
    pub etag: String,
    /// Bytes.
    pub size: u64,
}

/// A part of an upload that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number, from 1.
    pub number: u32,
    /// Bytes.
    pub size: u64,
    /// S3's tag.
    pub etag: String,
}

/// Some of the parts of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    /// In the order of their numbers.
    pub parts: Vec<Part>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// The object is not the one that was read before, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved;

impl Objects {
    pub(super) const fn new(client: aws_sdk_s3::Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Begins an upload in parts. Its id.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn begin_upload(&self, key: &str) -> Result<String, StoreError> {
        const OPERATION: &str = "CreateMultipartUpload";
        let answer = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(StoreError::sdk(OPERATION))?;
        answer.upload_id.ok_or_else(|| nothing_said(OPERATION))
    }

    /// A URL to which anybody who has it can PUT a part, for `valid`.
    ///
    /// # Errors
    /// No credentials to sign with.
    pub async fn sign_part(
        &self,
        key: &str,
        upload: &str,
        number: u32,
        valid: Duration,
    ) -> Result<String, StoreError> {
        const OPERATION: &str = "UploadPart";
        let valid = PresigningConfig::expires_in(valid).map_err(|error| {
            StoreError::Refused(Cause {
                operation: OPERATION,
                code: None,
                message: error.to_string(),
                request_id: None,
            })
        })?;
        let signed = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .part_number(i32::try_from(number).unwrap_or(i32::MAX))
            .presigned(valid)
            .await
            .map_err(StoreError::sdk(OPERATION))?;
        Ok(signed.uri().to_owned())
    }

    /// The parts that have arrived, up to 1,000 behind number `after`. `None`: there is no such
    /// upload (any more).
    ///
    /// # Errors
    /// The bucket's.
    pub async fn parts(
        &self,
        key: &str,
        upload: &str,
        after: u32,
    ) -> Result<Option<Parts>, StoreError> {
        let answer = self
            .client
            .list_parts()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .part_number_marker(after.to_string())
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.code() == Some(NO_UPLOAD) => return Ok(None),
            Err(error) => return Err(StoreError::from_sdk("ListParts", &error)),
        };
        let parts = answer.parts().iter().filter_map(|part| {
            Some(Part {
                number: u32::try_from(part.part_number()?).ok()?,
                size: u64::try_from(part.size()?).ok()?,
                etag: part.e_tag()?.to_owned(),
            })
        });
        Ok(Some(Parts {
            // Not every server knows the marker.
            parts: parts.filter(|part| part.number > after).collect(),
            more: answer.is_truncated().unwrap_or(false),
        }))
    }

    /// All parts that have arrived. `None`: there is no such upload (any more).
    ///
    /// # Errors
    /// The bucket's.
    pub async fn all_parts(
        &self,
        key: &str,
        upload: &str,
    ) -> Result<Option<Vec<Part>>, StoreError> {
        let mut all: Vec<Part> = Vec::new();
        loop {
            let after = all.last().map_or(0, |part| part.number);
            let Some(Parts { parts, more }) = self.parts(key, upload, after).await? else {
                return Ok(None);
            };
            let none = parts.is_empty();
            all.extend(parts);
            if !more || none {
                return Ok(Some(all));
            }
        }
    }

    /// Makes one object of the parts. `false`: there is no such upload (any more): somebody may
    /// have done so before.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn complete_upload(
        &self,
        key: &str,
        upload: &str,
        parts: &[Part],
    ) -> Result<bool, StoreError> {
        let parts = parts.iter().map(|part| {
            CompletedPart::builder()
                .part_number(i32::try_from(part.number).unwrap_or(i32::MAX))
                .e_tag(&part.etag)
                .build()
        });
        let answer = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts.collect()))
                    .build(),
            )
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(NO_UPLOAD) => Ok(false),
            Err(error) => Err(StoreError::from_sdk("CompleteMultipartUpload", &error)),
        }
    }

    /// Drops an upload and its parts; that there is none is fine.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn abort_upload(&self, key: &str, upload: &str) -> Result<(), StoreError> {
        let answer = self
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some(NO_UPLOAD) => Ok(()),
            Err(error) => Err(StoreError::from_sdk("AbortMultipartUpload", &error)),
        }
    }

    /// What object stands under a key.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn head(&self, key: &str) -> Result<Option<Object>, StoreError> {
        const OPERATION: &str = "HeadObject";
        let answer = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .send();
        let answer = match answer.await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|it| it.is_not_found()) => {
                return Ok(None);
            }
            Err(error) => return Err(StoreError::from_sdk(OPERATION, &error)),
        };
        let size = answer
            .content_length()
            .and_then(|size| u64::try_from(size).ok());
        match (answer.e_tag, size) {
            (Some(etag), Some(size)) => Ok(Some(Object { etag, size })),
            _ => Err(nothing_said(OPERATION)),
        }
    }

    /// Some bytes of the object. `Err(Moved)`: it is another one now. Its tag is compared here,
    /// too: not every server looks at the condition.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn read(
        &self,
        key: &str,
        object: &Object,
        range: Range<u64>,
    ) -> Result<Result<Bytes, Moved>, StoreError> {
        if range.is_empty() {
            return Ok(Ok(Bytes::new()));
        }
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .if_match(&object.etag)
            .range(header(&range))
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if matches!(error.code(), Some("PreconditionFailed" | "NoSuchKey")) => {
                return Ok(Err(Moved));
            }
            Err(error) => return Err(StoreError::from_sdk("GetObject", &error)),
        };
        if answer.e_tag() != Some(object.etag.as_str()) {
            return Ok(Err(Moved));
        }
        let body = collected(answer.body).await?;
        if body.len() as u64 != range.end - range.start {
            return Err(cut_short());
        }
        Ok(Ok(body))
    }

    /// Some bytes of an object that is written but once; `None`: there is none.
    ///
    /// # Errors
    /// The bucket's.
    pub(crate) async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
    ) -> Result<Option<Bytes>, StoreError> {
        if range.is_empty() {
            return Ok(Some(Bytes::new()));
        }
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .range(header(&range))
            .send();
        let body = match answer.await {
            Ok(answer) => collected(answer.body).await?,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(StoreError::from_sdk("GetObject", &error)),
        };
        if body.len() as u64 != range.end - range.start {
            return Err(cut_short());
        }
        Ok(Some(body))
    }

    /// A whole object; `None`: there is none.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send();
        match answer.await {
            Ok(answer) => collected(answer.body).await.map(Some),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(StoreError::from_sdk("GetObject", &error)),
        }
    }

    /// Writes an object.
    ///
    /// # Errors
    /// The bucket's; whether the object is there is open.
    pub async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .body(body.into())
            .send()
            .await
            .map_err(StoreError::sdk("PutObject"))?;
        Ok(())
    }
}

const NO_UPLOAD: &str = "NoSuchUpload";

/// A range that is not empty, as HTTP has it.
fn header(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end - 1)
}

async fn collected(body: aws_sdk_s3::primitives::ByteStream) -> Result<Bytes, StoreError> {
    let body = body.collect().await.map_err(|error| {
        StoreError::Unanswered(Cause {
            operation: "GetObject",
            code: None,
            message: error.to_string(),
            request_id: None,
        })
    })?;
    Ok(body.into_bytes())
}

fn cut_short() -> StoreError {
    StoreError::Unanswered(Cause {
        operation: "GetObject",
        code: None,
        message: "the answer has fewer bytes than were asked for".to_owned(),
        request_id: None,
    })
}

fn nothing_said(operation: &'static str) -> StoreError {
    StoreError::Unanswered(Cause {
        operation,
        code: None,
        message: "the answer lacks what it must have".to_owned(),
        request_id: None,
    })
}
