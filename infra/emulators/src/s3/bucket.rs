//! The bucket: its supported operations and access control. `s3s-fs` stores the objects, `Uploads`
//! handles multipart uploads.

use std::fs;
use std::path::Path;
use std::pin::Pin;

use s3s::access::{S3Access, S3AccessContext};
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;

use super::uploads::Uploads;

/// The boxed future of an operation, as the `S3` trait requires it.
type OperationFuture<'a, T> = Pin<Box<dyn Future<Output = S3Result<S3Response<T>>> + Send + 'a>>;

pub(super) struct Bucket {
    uploads: Uploads,
}

impl Bucket {
    /// Opens the bucket `name` in `folder`.
    pub(super) fn open(folder: &Path, name: &str) -> Result<Self, String> {
        fs::create_dir_all(folder.join(name)).map_err(|error| error.to_string())?;
        let files = FileSystem::new(folder).map_err(|error| format!("{error:?}"))?;
        Ok(Self {
            uploads: Uploads::new(files, folder),
        })
    }

    const fn own(&self) -> &Self {
        self
    }

    const fn files(&self) -> &FileSystem {
        &self.uploads.files
    }

    const fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// Reads an object and checks `If-Match`, which `s3s-fs` ignores for reads.
    async fn get(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let if_match = request.input.if_match.clone();
        let response = self.files().get_object(request).await?;
        let Some(ETagCondition::ETag(expected)) = if_match else {
            return Ok(response);
        };
        match &response.output.e_tag {
            Some(found) if found.strong_cmp(&expected) => Ok(response),
            _ => Err(s3_error!(PreconditionFailed, "the object has another ETag")),
        }
    }
}

/// Implements trait methods in the form that `#[async_trait]` generates. Each calls a method of the
/// value that `$target` returns.
macro_rules! delegate {
    ($target:ident: $($operation:ident($input:ident) -> $output:ident = $method:ident;)*) => {$(
        fn $operation<'a, 'b>(&'a self, request: S3Request<$input>) -> OperationFuture<'b, $output>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(self.$target().$method(request))
        }
    )*};
}

impl S3 for Bucket {
    delegate! { files:
        head_bucket(HeadBucketInput) -> HeadBucketOutput = head_bucket;
        put_object(PutObjectInput) -> PutObjectOutput = put_object;
        head_object(HeadObjectInput) -> HeadObjectOutput = head_object;
        delete_object(DeleteObjectInput) -> DeleteObjectOutput = delete_object;
        list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = list_objects_v2;
    }
    delegate! { own:
        get_object(GetObjectInput) -> GetObjectOutput = get;
    }
    delegate! { uploads:
        create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = create;
        upload_part(UploadPartInput) -> UploadPartOutput = upload_part;
        list_parts(ListPartsInput) -> ListPartsOutput = list;
        complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = complete;
        abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = abort;
    }
}

/// Access control: allows signed requests to this bucket. `s3s-fs` would create any other bucket on
/// the first write.
pub(super) struct SignedAccess {
    bucket: String,
}

impl SignedAccess {
    pub(super) fn to(bucket: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
        }
    }

    fn authorize(&self, request: &S3AccessContext<'_>) -> S3Result<()> {
        if request.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "the request is not signed"));
        }
        match request.s3_path().get_bucket_name() {
            Some(name) if name == self.bucket => Ok(()),
            _ => Err(s3_error!(
                NoSuchBucket,
                "the only bucket is {}",
                self.bucket
            )),
        }
    }
}

impl S3Access for SignedAccess {
    fn check<'a, 'b, 'c, 'd>(
        &'a self,
        request: &'b mut S3AccessContext<'c>,
    ) -> Pin<Box<dyn Future<Output = S3Result<()>> + Send + 'd>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
        Self: 'd,
    {
        Box::pin(std::future::ready(self.authorize(request)))
    }
}
