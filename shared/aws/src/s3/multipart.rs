//! Multipart uploads: clients send the parts to signed URLs.

use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::{NO_SUCH_UPLOAD, Objects, UploadedPart, UploadedParts, incomplete_response};
use crate::client::SendBoxed;
use crate::error::{Cause, StoreError};

impl Objects {
    /// Begins a multipart upload. Returns its id.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails.
    pub async fn begin_upload(&self, key: &str) -> Result<String, StoreError> {
        const OPERATION: &str = "CreateMultipartUpload";
        let response = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .send_boxed()
            .await
            .map_err(StoreError::sdk(OPERATION))?;
        response
            .upload_id
            .ok_or_else(|| incomplete_response(OPERATION))
    }

    /// Returns a presigned URL for uploading a part, valid for `valid`.
    ///
    /// # Errors
    /// Returns an error if there are no credentials to sign with.
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

    /// Returns the parts received so far, up to 1,000 that follow part number `after`; `None` if
    /// the upload does not exist or no longer exists.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails.
    pub async fn parts(
        &self,
        key: &str,
        upload: &str,
        after: u32,
    ) -> Result<Option<UploadedParts>, StoreError> {
        let response = self
            .client
            .list_parts()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .part_number_marker(after.to_string())
            .send_boxed()
            .await;
        let response = match response {
            Ok(response) => response,
            Err(error) if error.code() == Some(NO_SUCH_UPLOAD) => return Ok(None),
            Err(error) => return Err(StoreError::from_sdk("ListParts", &error)),
        };
        let parts = response.parts().iter().filter_map(|part| {
            Some(UploadedPart {
                number: u32::try_from(part.part_number()?).ok()?,
                size: u64::try_from(part.size()?).ok()?,
                etag: part.e_tag()?.to_owned(),
            })
        });
        Ok(Some(UploadedParts {
            // Not every server supports the marker.
            parts: parts.filter(|part| part.number > after).collect(),
            more: response.is_truncated().unwrap_or(false),
        }))
    }

    /// Returns all parts received so far; `None` if the upload does not exist or no longer exists.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails.
    pub async fn all_parts(
        &self,
        key: &str,
        upload: &str,
    ) -> Result<Option<Vec<UploadedPart>>, StoreError> {
        let mut all: Vec<UploadedPart> = Vec::new();
        loop {
            let after = all.last().map_or(0, |part| part.number);
            let Some(UploadedParts { parts, more }) = self.parts(key, upload, after).await? else {
                return Ok(None);
            };
            let page_is_empty = parts.is_empty();
            all.extend(parts);
            if !more || page_is_empty {
                return Ok(Some(all));
            }
        }
    }

    /// Combines the parts into one object. Returns false if the upload does not exist or no longer
    /// exists: another caller may have completed it.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails.
    pub async fn complete_upload(
        &self,
        key: &str,
        upload: &str,
        parts: &[UploadedPart],
    ) -> Result<bool, StoreError> {
        let parts = parts.iter().map(|part| {
            CompletedPart::builder()
                .part_number(i32::try_from(part.number).unwrap_or(i32::MAX))
                .e_tag(&part.etag)
                .build()
        });
        let response = self
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
            .send_boxed()
            .await;
        match response {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(NO_SUCH_UPLOAD) => Ok(false),
            Err(error) => Err(StoreError::from_sdk("CompleteMultipartUpload", &error)),
        }
    }

    /// Deletes an upload and its parts. Succeeds if the upload does not exist.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails.
    pub async fn abort_upload(&self, key: &str, upload: &str) -> Result<(), StoreError> {
        let response = self
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .send_boxed()
            .await;
        match response {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some(NO_SUCH_UPLOAD) => Ok(()),
            Err(error) => Err(StoreError::from_sdk("AbortMultipartUpload", &error)),
        }
    }
}
