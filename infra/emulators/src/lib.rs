//! Emulated AWS services on 127.0.0.1: DynamoDB (embedded SQLite), S3 (one bucket in a folder) and
//! SQS (in memory), and the reader of `infra/template.yaml`, which defines their tables, bucket and
//! queues. This crate knows nothing about the functions that use the services.

pub mod dynamodb;
pub mod loopback;
pub mod s3;
pub mod sqs;
pub mod template;
