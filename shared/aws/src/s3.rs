//! The bucket: uploads of clients, their chunks, and the outputs of the writers. Every object is
//! written once under a unique name, so a reader never sees half of one.

mod listing;
mod multipart;

use std::ops::Range;

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use bytes::Bytes;

use crate::client::SendBoxed;
use crate::error::{Cause, StoreError};

/// Client of the bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    /// The SDK client.
    pub client: aws_sdk_s3::Client,
    bucket: String,
}

/// Identity of an object's content: as long as the tag is the same, so are the bytes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ObjectVersion {
    /// The ETag.
    pub etag: String,
    /// Size in bytes.
    pub size: u64,
}

/// A part of an upload that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedPart {
    /// The part number, from 1.
    pub number: u32,
    /// Size in bytes.
    pub size: u64,
    /// The ETag.
    pub etag: String,
}

/// A page of the parts of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UploadedParts {
    /// The parts, in the order of their numbers.
    pub parts: Vec<UploadedPart>,
    /// True if more parts follow.
    pub more: bool,
}

/// Outcome of reading a part of an object version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeRead {
    /// The bytes.
    Bytes(Bytes),
    /// The object was replaced or deleted.
    ObjectChanged,
}

impl Objects {
    pub(crate) const fn new(client: aws_sdk_s3::Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Returns the version of the object at `key`.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails.
    pub async fn head(&self, key: &str) -> Result<Option<ObjectVersion>, StoreError> {
        const OPERATION: &str = "HeadObject";
        let response = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .send_boxed();
        let response = match response.await {
            Ok(response) => response,
            Err(error) if error.as_service_error().is_some_and(|it| it.is_not_found()) => {
                return Ok(None);
            }
            Err(error) => return Err(StoreError::from_sdk(OPERATION, &error)),
        };
        let size = response
            .content_length()
            .and_then(|size| u64::try_from(size).ok());
        match (response.e_tag, size) {
            (Some(etag), Some(size)) => Ok(Some(ObjectVersion { etag, size })),
            _ => Err(incomplete_response(OPERATION)),
        }
    }

    /// Reads a range of an object version. The tag is compared here as well, because not every
    /// server evaluates the condition.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails.
    pub async fn read(
        &self,
        key: &str,
        object: &ObjectVersion,
        range: Range<u64>,
    ) -> Result<RangeRead, StoreError> {
        if range.is_empty() {
            return Ok(RangeRead::Bytes(Bytes::new()));
        }
        let response = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .if_match(&object.etag)
            .range(range_header(&range))
            .send_boxed()
            .await;
        let response = match response {
            Ok(response) => response,
            Err(error) if matches!(error.code(), Some("PreconditionFailed" | "NoSuchKey")) => {
                return Ok(RangeRead::ObjectChanged);
            }
            Err(error) => return Err(StoreError::from_sdk("GetObject", &error)),
        };
        if response.e_tag() != Some(object.etag.as_str()) {
            return Ok(RangeRead::ObjectChanged);
        }
        let body = read_body(response.body).await?;
        if body.len() as u64 != range.end - range.start {
            return Err(truncated_body());
        }
        Ok(RangeRead::Bytes(body))
    }

    /// Reads a range of an object that is written only once; `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails.
    pub(crate) async fn get_range(
        &self,
        key: &str,
        range: Range<u64>,
    ) -> Result<Option<Bytes>, StoreError> {
        if range.is_empty() {
            return Ok(Some(Bytes::new()));
        }
        let response = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .range(range_header(&range))
            .send_boxed();
        let body = match response.await {
            Ok(response) => read_body(response.body).await?,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(StoreError::from_sdk("GetObject", &error)),
        };
        if body.len() as u64 != range.end - range.start {
            return Err(truncated_body());
        }
        Ok(Some(body))
    }

    /// Reads a whole object; `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let response = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send_boxed();
        match response.await {
            Ok(response) => read_body(response.body).await.map(Some),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(StoreError::from_sdk("GetObject", &error)),
        }
    }

    /// Writes an object.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails; the object may have been written.
    pub async fn put(&self, key: &str, body: Bytes) -> Result<(), StoreError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .body(body.into())
            .send_boxed()
            .await
            .map_err(StoreError::sdk("PutObject"))?;
        Ok(())
    }
}

const NO_SUCH_UPLOAD: &str = "NoSuchUpload";

/// Formats a non-empty range as the value of an HTTP `Range` header.
fn range_header(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end - 1)
}

async fn read_body(body: aws_sdk_s3::primitives::ByteStream) -> Result<Bytes, StoreError> {
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

fn truncated_body() -> StoreError {
    StoreError::Unanswered(Cause {
        operation: "GetObject",
        code: None,
        message: "the response is shorter than the requested range".to_owned(),
        request_id: None,
    })
}

fn incomplete_response(operation: &'static str) -> StoreError {
    StoreError::Unanswered(Cause {
        operation,
        code: None,
        message: "the response lacks a required field".to_owned(),
        request_id: None,
    })
}
