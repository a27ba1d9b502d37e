//! DynamoDB access shared by all areas: rows and their keys, expressions, reads, writes,
//! transactions.

pub(crate) mod batch_get;
mod counter;
pub(crate) mod expression;
pub(crate) mod read;
pub(crate) mod row;
pub(crate) mod statement_client;
pub(crate) mod transaction;
pub(crate) mod write;
