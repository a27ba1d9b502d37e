//! Makes the template's tables in the local DynamoDB, through the SDK like any deployment.
//! A table that is there already must be the one the template defines: a data directory of
//! another version is refused, not half understood.

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

/// A table could not be made, or is another one.
#[derive(Debug, Error)]
pub enum TableError {
    /// DynamoDB refused or did not answer.
    #[error("table {table}: {cause}")]
    Refused {
        /// Its name.
        table: String,
        /// What DynamoDB said.
        cause: String,
    },
    /// The stored table differs from the template's.
    #[error(
        "table {table} was made by another version of Muster (its {what} differ): choose another \
         directory with --data, or delete this one if you can do without what is in it"
    )]
    Differs {
        /// Its name.
        table: String,
        /// What differs.
        what: &'static str,
    },
}

/// Makes the tables that are not there yet.
pub async fn ensure_tables(client: &Client, tables: &TableDefinitions) -> Result<(), TableError> {
    for table in [&tables.directory, &tables.control] {
        ensure_table(client, table).await?;
    }
    Ok(())
}

async fn ensure_table(client: &Client, table: &TableDefinition) -> Result<(), TableError> {
    let refused = |cause: String| TableError::Refused {
        table: table.name.clone(),
        cause,
    };
    let described = client.describe_table().table_name(&table.name).send().await;
    match described {
        Ok(found) => {
            let found = found
                .table
                .ok_or_else(|| refused("it is described as nothing".to_owned()))?;
            same(table, &found).map_err(|what| TableError::Differs {
                table: table.name.clone(),
                what,
            })?;
        }
        Err(error) if absent(&error) => create(client, table).await.map_err(refused)?,
        Err(error) => return Err(refused(cause(&error))),
    }
    // A crash between the two calls of a first start leaves a table without expiry.
    expire(client, table).await.map_err(refused)
}

fn absent(error: &SdkError<DescribeTableError>) -> bool {
    error
        .as_service_error()
        .is_some_and(DescribeTableError::is_resource_not_found_exception)
}

/// What DynamoDB said; where it said nothing, what kept the answer away. The SDK's own `Display`
/// says neither.
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
    let built = |error: BuildError| error.to_string();
    let indexes = table
        .indexes
        .iter()
        .map(index)
        .collect::<Result<Vec<_>, _>>();
    client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes(table).map_err(built)?))
        .set_key_schema(Some(key_schema(&table.key).map_err(built)?))
        .set_global_secondary_indexes(
            Some(indexes.map_err(built)?).filter(|indexes| !indexes.is_empty()),
        )
        .send()
        .await
        .map_err(|error| cause(&error))?;
    Ok(())
}

async fn expire(client: &Client, table: &TableDefinition) -> Result<(), String> {
    let Some(attribute) = &table.expires_at else {
        return Ok(());
    };
    let said = |error: String| format!("time to live: {error}");
    let now = client
        .describe_time_to_live()
        .table_name(&table.name)
        .send()
        .await
        .map_err(|error| said(cause(&error)))?;
    let set = now
        .time_to_live_description
        .and_then(|description| description.attribute_name);
    if set.as_ref() == Some(attribute) {
        return Ok(());
    }
    let specification = TimeToLiveSpecification::builder()
        .attribute_name(attribute)
        .enabled(true)
        .build()
        .map_err(|error| said(error.to_string()))?;
    client
        .update_time_to_live()
        .table_name(&table.name)
        .time_to_live_specification(specification)
        .send()
        .await
        .map_err(|error| said(cause(&error)))?;
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
    let named = &index.projection.non_key_attributes;
    types::Projection::builder()
        .projection_type(match index.projection.projection_type {
            ProjectionType::All => types::ProjectionType::All,
            ProjectionType::Include => types::ProjectionType::Include,
            ProjectionType::KeysOnly => types::ProjectionType::KeysOnly,
        })
        .set_non_key_attributes((!named.is_empty()).then(|| named.clone()))
        .build()
}

fn index(index: &IndexDefinition) -> Result<types::GlobalSecondaryIndex, BuildError> {
    types::GlobalSecondaryIndex::builder()
        .index_name(&index.index_name)
        .set_key_schema(Some(key_schema(&index.key)?))
        .projection(projection(index))
        .build()
}

/// Whether the table that is there is the template's; if not, what of it differs.
fn same(wanted: &TableDefinition, found: &types::TableDescription) -> Result<(), &'static str> {
    if key_schema(&wanted.key).ok().as_deref() != Some(found.key_schema()) {
        return Err("keys");
    }
    let mut types_wanted = attributes(wanted).unwrap_or_default();
    let mut types_found = found.attribute_definitions().to_vec();
    types_wanted.sort_by(|a, b| a.attribute_name.cmp(&b.attribute_name));
    types_found.sort_by(|a, b| a.attribute_name.cmp(&b.attribute_name));
    if types_wanted != types_found {
        return Err("key attributes");
    }
    let wanted_indexes = &wanted.indexes;
    let found_indexes = found.global_secondary_indexes();
    let all_there = wanted_indexes.iter().all(|wanted| {
        found_indexes.iter().any(|found| {
            found.index_name() == Some(wanted.index_name.as_str())
                && key_schema(&wanted.key).ok().as_deref() == Some(found.key_schema())
                && found.projection() == Some(&projection(wanted))
        })
    });
    if !all_there || wanted_indexes.len() != found_indexes.len() {
        return Err("indexes");
    }
    Ok(())
}
