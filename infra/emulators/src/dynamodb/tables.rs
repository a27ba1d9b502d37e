//! Creates the template's tables through the SDK. An existing table must match the template: a data
//! directory of another version is refused.

use std::error::Error;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{self, BillingMode, ScalarAttributeType, TimeToLiveSpecification};
use thiserror::Error;

use crate::template::{
    AttributeType, IndexDefinition, KeyElement, KeyType, ProjectionType, TableDefinition,
    TableDefinitions,
};

/// An error from creating or checking a table.
#[derive(Debug, Error)]
pub enum TableError {
    /// The request to DynamoDB failed.
    #[error("table {table}: {cause}")]
    Request {
        /// Name of the table.
        table: String,
        /// DynamoDB's error.
        cause: String,
    },
    /// The existing table differs from the template.
    #[error(
        "table {table} was created by another version of Muster (its {difference} differ): choose \
         another directory with --data, or delete this one if its data is not needed"
    )]
    Differs {
        /// Name of the table.
        table: String,
        /// The differing parts.
        difference: &'static str,
    },
}

/// Creates the missing tables.
///
/// # Errors
/// Returns an error if a request fails or an existing table differs from the template.
pub async fn ensure_tables(client: &Client, tables: &TableDefinitions) -> Result<(), TableError> {
    for table in [&tables.directory, &tables.control] {
        ensure_table(client, table).await?;
    }
    Ok(())
}

async fn ensure_table(client: &Client, table: &TableDefinition) -> Result<(), TableError> {
    let failed = |cause: String| TableError::Request {
        table: table.name.clone(),
        cause,
    };
    let described = client.describe_table().table_name(&table.name).send().await;
    match described {
        Ok(found) => {
            let found = found
                .table
                .ok_or_else(|| failed("the description is missing".to_owned()))?;
            compare(table, &found).map_err(|difference| TableError::Differs {
                table: table.name.clone(),
                difference,
            })?;
        }
        Err(error) if is_not_found(&error) => create(client, table).await.map_err(failed)?,
        Err(error) => return Err(failed(cause(&error))),
    }
    // A crash between the two calls of the first start leaves a table without expiry.
    enable_expiry(client, table).await.map_err(failed)
}

fn is_not_found(error: &SdkError<DescribeTableError>) -> bool {
    error
        .as_service_error()
        .is_some_and(DescribeTableError::is_resource_not_found_exception)
}

/// Returns DynamoDB's code and message, or the chain of sources if there was no response. The SDK's
/// `Display` has neither.
fn cause<E>(error: &SdkError<E>) -> String
where
    E: Error + ProvideErrorMetadata + 'static,
{
    if let (Some(code), Some(message)) = (error.code(), error.message()) {
        return format!("{code}: {message}");
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

async fn create(client: &Client, table: &TableDefinition) -> Result<(), String> {
    let build_error = |error: BuildError| error.to_string();
    let indexes = table
        .indexes
        .iter()
        .map(index)
        .collect::<Result<Vec<_>, _>>();
    client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes(table).map_err(build_error)?))
        .set_key_schema(Some(key_schema(&table.key).map_err(build_error)?))
        .set_global_secondary_indexes(
            Some(indexes.map_err(build_error)?).filter(|indexes| !indexes.is_empty()),
        )
        .send()
        .await
        .map_err(|error| cause(&error))?;
    Ok(())
}

async fn enable_expiry(client: &Client, table: &TableDefinition) -> Result<(), String> {
    let Some(attribute) = &table.expires_at else {
        return Ok(());
    };
    let ttl_error = |error: String| format!("time to live: {error}");
    let current = client
        .describe_time_to_live()
        .table_name(&table.name)
        .send()
        .await
        .map_err(|error| ttl_error(cause(&error)))?;
    let enabled_attribute = current
        .time_to_live_description
        .and_then(|description| description.attribute_name);
    if enabled_attribute.as_ref() == Some(attribute) {
        return Ok(());
    }
    let specification = TimeToLiveSpecification::builder()
        .attribute_name(attribute)
        .enabled(true)
        .build()
        .map_err(|error| ttl_error(error.to_string()))?;
    client
        .update_time_to_live()
        .table_name(&table.name)
        .time_to_live_specification(specification)
        .send()
        .await
        .map_err(|error| ttl_error(cause(&error)))?;
    Ok(())
}

fn attributes(table: &TableDefinition) -> Result<Vec<types::AttributeDefinition>, BuildError> {
    table
        .attributes
        .iter()
        .map(|attribute| {
            types::AttributeDefinition::builder()
                .attribute_name(&attribute.attribute_name)
                .attribute_type(match attribute.attribute_type {
                    AttributeType::S => ScalarAttributeType::S,
                    AttributeType::N => ScalarAttributeType::N,
                    AttributeType::B => ScalarAttributeType::B,
                })
                .build()
        })
        .collect()
}

fn key_schema(key: &[KeyElement]) -> Result<Vec<types::KeySchemaElement>, BuildError> {
    key.iter()
        .map(|element| {
            types::KeySchemaElement::builder()
                .attribute_name(&element.attribute_name)
                .key_type(match element.key_type {
                    KeyType::Hash => types::KeyType::Hash,
                    KeyType::Range => types::KeyType::Range,
                })
                .build()
        })
        .collect()
}

fn projection(index: &IndexDefinition) -> types::Projection {
    let attributes = &index.projection.non_key_attributes;
    types::Projection::builder()
        .projection_type(match index.projection.projection_type {
            ProjectionType::All => types::ProjectionType::All,
            ProjectionType::Include => types::ProjectionType::Include,
            ProjectionType::KeysOnly => types::ProjectionType::KeysOnly,
        })
        .set_non_key_attributes((!attributes.is_empty()).then(|| attributes.clone()))
        .build()
}

fn index(index: &IndexDefinition) -> Result<types::GlobalSecondaryIndex, BuildError> {
    types::GlobalSecondaryIndex::builder()
        .index_name(&index.index_name)
        .set_key_schema(Some(key_schema(&index.key)?))
        .projection(projection(index))
        .build()
}

/// Compares an existing table with the template and returns the name of the first difference.
fn compare(
    expected: &TableDefinition,
    found: &types::TableDescription,
) -> Result<(), &'static str> {
    if key_schema(&expected.key).ok().as_deref() != Some(found.key_schema()) {
        return Err("keys");
    }
    let mut expected_types = attributes(expected).unwrap_or_default();
    let mut found_types = found.attribute_definitions().to_vec();
    expected_types.sort_by(|a, b| a.attribute_name.cmp(&b.attribute_name));
    found_types.sort_by(|a, b| a.attribute_name.cmp(&b.attribute_name));
    if expected_types != found_types {
        return Err("key attributes");
    }
    let expected_indexes = &expected.indexes;
    let found_indexes = found.global_secondary_indexes();
    let all_found = expected_indexes.iter().all(|expected| {
        found_indexes.iter().any(|found| {
            found.index_name() == Some(expected.index_name.as_str())
                && key_schema(&expected.key).ok().as_deref() == Some(found.key_schema())
                && found.projection() == Some(&projection(expected))
        })
    });
    if !all_found || expected_indexes.len() != found_indexes.len() {
        return Err("indexes");
    }
    Ok(())
}
