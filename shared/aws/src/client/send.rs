//! Sending of SDK requests as boxed futures.
//!
//! The compiler generates the code of an `async fn` in each crate that polls it, and the future of
//! an SDK request contains the SDK's whole request pipeline. The functions here are neither async
//! nor generic, so that this code is generated once, in this crate.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use futures::future::BoxFuture;

/// Response of an SDK request, or its error.
pub(crate) type Sent<Output, Error> = Result<Output, SdkError<Error, HttpResponse>>;

/// A request of an SDK that this crate sends.
pub(crate) trait SendBoxed {
    /// Response to the request.
    type Output;
    /// Error of the operation.
    type Error;

    /// Sends the request as the SDK's `send` does.
    fn send_boxed(self) -> BoxFuture<'static, Sent<Self::Output, Self::Error>>;
}

macro_rules! send_boxed {
    ($($sdk:ident: $($module:ident($builder:ident, $output:ident, $error:ident)),+;)+) => {$($(
        impl SendBoxed for $sdk::operation::$module::builders::$builder {
            type Output = $sdk::operation::$module::$output;
            type Error = $sdk::operation::$module::$error;

            fn send_boxed(self) -> BoxFuture<'static, Sent<Self::Output, Self::Error>> {
                Box::pin(self.send())
            }
        }
    )+)+};
}

send_boxed! {
    aws_sdk_dynamodb:
        batch_execute_statement(
            BatchExecuteStatementFluentBuilder,
            BatchExecuteStatementOutput,
            BatchExecuteStatementError
        ),
        batch_get_item(BatchGetItemFluentBuilder, BatchGetItemOutput, BatchGetItemError),
        delete_item(DeleteItemFluentBuilder, DeleteItemOutput, DeleteItemError),
        get_item(GetItemFluentBuilder, GetItemOutput, GetItemError),
        put_item(PutItemFluentBuilder, PutItemOutput, PutItemError),
        query(QueryFluentBuilder, QueryOutput, QueryError),
        transact_write_items(
            TransactWriteItemsFluentBuilder,
            TransactWriteItemsOutput,
            TransactWriteItemsError
        ),
        update_item(UpdateItemFluentBuilder, UpdateItemOutput, UpdateItemError);
    aws_sdk_s3:
        abort_multipart_upload(
            AbortMultipartUploadFluentBuilder,
            AbortMultipartUploadOutput,
            AbortMultipartUploadError
        ),
        complete_multipart_upload(
            CompleteMultipartUploadFluentBuilder,
            CompleteMultipartUploadOutput,
            CompleteMultipartUploadError
        ),
        create_multipart_upload(
            CreateMultipartUploadFluentBuilder,
            CreateMultipartUploadOutput,
            CreateMultipartUploadError
        ),
        delete_object(DeleteObjectFluentBuilder, DeleteObjectOutput, DeleteObjectError),
        get_object(GetObjectFluentBuilder, GetObjectOutput, GetObjectError),
        head_object(HeadObjectFluentBuilder, HeadObjectOutput, HeadObjectError),
        list_objects_v2(ListObjectsV2FluentBuilder, ListObjectsV2Output, ListObjectsV2Error),
        list_parts(ListPartsFluentBuilder, ListPartsOutput, ListPartsError),
        put_object(PutObjectFluentBuilder, PutObjectOutput, PutObjectError);
    aws_sdk_sqs:
        get_queue_attributes(
            GetQueueAttributesFluentBuilder,
            GetQueueAttributesOutput,
            GetQueueAttributesError
        ),
        send_message(SendMessageFluentBuilder, SendMessageOutput, SendMessageError),
        send_message_batch(
            SendMessageBatchFluentBuilder,
            SendMessageBatchOutput,
            SendMessageBatchError
        );
}
