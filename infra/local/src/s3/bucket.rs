//! The one bucket: what of S3 it answers, and to whom. Objects are `s3s-fs`'s, parts of uploads
//! come and go through `Uploads`.

use std::fs;
use std::path::Path;
use std::pin::Pin;

use s3s::access::{S3Access, S3AccessContext};
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;

use super::uploads::Uploads;

/// What an operation gives, boxed as the trait asks for it.
type Answer<'a, T> = Pin<Box<dyn Future<Output = S3Result<S3Response<T>>> + Send + 'a>>;

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

    const fn here(&self) -> &Self {
        self
    }

    const fn files(&self) -> &FileSystem {
        &self.uploads.files
    }

    const fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// `If-Match`, which `s3s-fs` does not look at when it reads.
    async fn get(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let wanted = request.input.if_match.clone();
        let answer = self.files().get_object(request).await?;
        let Some(ETagCondition::ETag(wanted)) = wanted else {
            return Ok(answer);
        };
        match &answer.output.e_tag {
            Some(found) if found.strong_cmp(&wanted) => Ok(answer),
            _ => Err(s3_error!(PreconditionFailed, "the object is another one")),
        }
    }
}

/// Methods of the trait as `#[async_trait]` would write them, each done by a method of what `$by`
/// gives.
macro_rules! answered {
    ($by:ident: $($operation:ident($input:ident) -> $output:ident = $method:ident;)*) => {$(
        fn $operation<'a, 'b>(&'a self, request: S3Request<$input>) -> Answer<'b, $output>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(self.$by().$method(request))
        }
    )*};
}

impl S3 for Bucket {
    answered! { files:
        head_bucket(HeadBucketInput) -> HeadBucketOutput = head_bucket;
        put_object(PutObjectInput) -> PutObjectOutput = put_object;
        head_object(HeadObjectInput) -> HeadObjectOutput = head_object;
        delete_object(DeleteObjectInput) -> DeleteObjectOutput = delete_object;
        list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = list_objects_v2;
    }
    answered! { here:
        get_object(GetObjectInput) -> GetObjectOutput = get;
    }
    answered! { uploads:
        create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = create;
        upload_part(UploadPartInput) -> UploadPartOutput = take_part;
        list_parts(ListPartsInput) -> ListPartsOutput = list;
        complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = complete;
        abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = abort;
    }
}

/// Who may do what: whoever signed, in this bucket. `s3s-fs` would make any other as soon as
/// something is put there.
pub(super) struct Owner {
    bucket: String,
}

impl Owner {
    pub(super) fn of(bucket: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
        }
    }

    fn judge(&self, request: &S3AccessContext<'_>) -> S3Result<()> {
        if request.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "the request is not signed"));
        }
        match request.s3_path().get_bucket_name() {
            Some(name) if name == self.bucket => Ok(()),
            _ => Err(s3_error!(NoSuchBucket, "there is only {}", self.bucket)),
        }
    }
}

impl S3Access for Owner {
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
        Box::pin(std::future::ready(self.judge(request)))
    }
}
