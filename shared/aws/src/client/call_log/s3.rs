//! Permissions of calls to S3. Roles grant by the first folder of a key, so the resource is
//! `bucket/runs/*` and never the key. Actions differ from operations: each step of a multipart
//! upload is a `PutObject`.

use aws_sdk_s3::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_s3::operation::abort_multipart_upload::AbortMultipartUploadInput;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadInput;
use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadInput;
use aws_sdk_s3::operation::delete_object::DeleteObjectInput;
use aws_sdk_s3::operation::get_object::GetObjectInput;
use aws_sdk_s3::operation::head_object::HeadObjectInput;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Input;
use aws_sdk_s3::operation::list_parts::ListPartsInput;
use aws_sdk_s3::operation::put_object::PutObjectInput;
use aws_sdk_s3::operation::upload_part::UploadPartInput;

use super::grants::Grants;

const GET: &str = "s3:GetObject";
const PUT: &str = "s3:PutObject";

/// Adds the permissions that the call needs. Returns false if the operation is unknown here.
pub(super) fn add(
    grants: &mut Grants,
    context: &BeforeSerializationInterceptorContextRef<'_>,
) -> bool {
    let input = context.input();
    let (action, bucket, key) = if let Some(get) = input.downcast_ref::<GetObjectInput>() {
        (GET, get.bucket(), get.key())
    } else if let Some(head) = input.downcast_ref::<HeadObjectInput>() {
        (GET, head.bucket(), head.key())
    } else if let Some(delete) = input.downcast_ref::<DeleteObjectInput>() {
        ("s3:DeleteObject", delete.bucket(), delete.key())
    } else if let Some(list) = input.downcast_ref::<ListObjectsV2Input>() {
        // Granted on the bucket as a whole.
        ("s3:ListBucket", list.bucket(), None)
    } else if let Some(put) = input.downcast_ref::<PutObjectInput>() {
        if put.tagging().is_some() {
            let resource = folder(
                put.bucket().unwrap_or_default(),
                put.key().unwrap_or_default(),
            );
            grants.add("s3:PutObjectTagging", Some(&resource));
        }
        (PUT, put.bucket(), put.key())
    } else if let Some(create) = input.downcast_ref::<CreateMultipartUploadInput>() {
        (PUT, create.bucket(), create.key())
    } else if let Some(part) = input.downcast_ref::<UploadPartInput>() {
        // Signed for a client rather than sent: the permission that counts is the signer's.
        (PUT, part.bucket(), part.key())
    } else if let Some(complete) = input.downcast_ref::<CompleteMultipartUploadInput>() {
        (PUT, complete.bucket(), complete.key())
    } else if let Some(abort) = input.downcast_ref::<AbortMultipartUploadInput>() {
        ("s3:AbortMultipartUpload", abort.bucket(), abort.key())
    } else if let Some(list) = input.downcast_ref::<ListPartsInput>() {
        ("s3:ListMultipartUploadParts", list.bucket(), list.key())
    } else {
        return false;
    };
    let resource = folder(bucket.unwrap_or_default(), key.unwrap_or_default());
    grants.add(action, Some(&resource));
    true
}

/// Formats the resource as the statement of a role does.
fn folder(bucket: &str, key: &str) -> String {
    match key.split_once('/') {
        Some((first, _)) => format!("{bucket}/{first}/*"),
        None => bucket.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_only_by_its_first_folder() {
        assert_eq!(folder("b", "kept/0198/plan/3-a.items"), "b/kept/*");
        assert_eq!(folder("b", "runs/0198/upload"), "b/runs/*");
        assert_eq!(folder("b", "upload"), "b");
    }
}
