//! What calls to S3 need. Roles grant by the first folder of a key, so `bucket/runs/*` is named and
//! never the key; rights are not called as operations are: each step of an upload in parts is a put.

use aws_sdk_s3::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_s3::operation::abort_multipart_upload::AbortMultipartUploadInput;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadInput;
use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadInput;
use aws_sdk_s3::operation::get_object::GetObjectInput;
use aws_sdk_s3::operation::head_object::HeadObjectInput;
use aws_sdk_s3::operation::list_parts::ListPartsInput;
use aws_sdk_s3::operation::put_object::PutObjectInput;
use aws_sdk_s3::operation::upload_part::UploadPartInput;

use super::Grants;

const GET: &str = "s3:GetObject";
const PUT: &str = "s3:PutObject";

/// Adds what the call needs; whether it is one of those that are known here.
pub(super) fn add(
    grants: &mut Grants,
    context: &BeforeSerializationInterceptorContextRef<'_>,
) -> bool {
    let input = context.input();
    let (action, bucket, key) = if let Some(get) = input.downcast_ref::<GetObjectInput>() {
        (GET, get.bucket(), get.key())
    } else if let Some(head) = input.downcast_ref::<HeadObjectInput>() {
        (GET, head.bucket(), head.key())
    } else if let Some(put) = input.downcast_ref::<PutObjectInput>() {
        (PUT, put.bucket(), put.key())
    } else if let Some(create) = input.downcast_ref::<CreateMultipartUploadInput>() {
        (PUT, create.bucket(), create.key())
    } else if let Some(part) = input.downcast_ref::<UploadPartInput>() {
        // Signed for a client rather than sent: the right that counts is the signer's.
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
    let place = folder(bucket.unwrap_or_default(), key.unwrap_or_default());
    grants.add(action, Some(&place));
    true
}

/// As the resource of a role's statement has it.
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
    fn a_key_is_named_by_its_first_folder_alone() {
        assert_eq!(folder("b", "kept/0198/plan/3-a.items"), "b/kept/*");
        assert_eq!(folder("b", "runs/0198/upload"), "b/runs/*");
        assert_eq!(folder("b", "upload"), "b");
    }
}
