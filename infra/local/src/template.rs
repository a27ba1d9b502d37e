//! The tables of `infra/template.yaml`, the one source of what the service stores in, and its
//! queues and bucket (`template/queues.rs`). It is compiled in, so the binary runs from any folder.
//! Only what a local table has is read: a property nobody here knows is an error, because leaving
//! it out would make the table on this machine another one than the deployed one.

#[cfg(test)]
mod deployment_tests;
mod queues;
mod yaml;

use std::collections::BTreeSet;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use thiserror::Error;

#[cfg(test)]
pub use queues::DeadLetters;
pub use queues::{ImportResources, QueueDefinition};
use yaml::Parameters;

const TEMPLATE: &str = include_str!("../../template.yaml");
const DIRECTORY: &str = "DirectoryTable";
const CONTROL: &str = "ControlTable";

/// The stack's name on this machine; the tables are `muster-local-directory` and so on.
pub const STACK_NAME: &str = "muster-local";
/// The region the local services answer for.
pub const REGION: &str = muster_aws::config::LOCAL_REGION;

/// The template does not say what a resource needs, or says more than is understood here.
#[derive(Debug, Error)]
#[error("infra/template.yaml{}: {what}", .resource.as_deref().map(|name| format!(", resource {name}")).unwrap_or_default())]
pub struct TemplateError {
    /// Logical id of the resource the trouble is in, where it is in one.
    pub resource: Option<String>,
    /// What is wrong, as a sentence.
    pub what: String,
}

/// The two tables of the service.
#[derive(Debug, PartialEq, Eq)]
pub struct TableDefinitions {
    /// Users and claims.
    pub directory: TableDefinition,
    /// Tenants, robots, tasks, runs.
    pub control: TableDefinition,
}

/// One table as the template defines it, names resolved.
#[derive(Debug, PartialEq, Eq)]
pub struct TableDefinition {
    /// Physical name.
    pub name: String,
    /// Types of the attributes that keys are made of.
    pub attributes: Vec<AttributeDefinition>,
    /// The table's own key.
    pub key: Vec<KeyElement>,
    /// Global secondary indexes.
    pub indexes: Vec<IndexDefinition>,
    /// The attribute that holds the expiry in epoch seconds, if rows expire.
    pub expires_at: Option<String>,
}

/// An attribute of a key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AttributeDefinition {
    /// Its name.
    pub attribute_name: String,
    /// Its type.
    pub attribute_type: AttributeType,
}

/// Types a key attribute can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum AttributeType {
    /// Text.
    S,
    /// Number.
    N,
    /// Bytes.
    B,
}

/// Part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct KeyElement {
    /// The attribute.
    pub attribute_name: String,
    /// Partition or sort key.
    pub key_type: KeyType,
}

/// Which part of a key an attribute is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KeyType {
    /// Partition key.
    Hash,
    /// Sort key.
    Range,
}

/// A global secondary index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct IndexDefinition {
    /// Its name.
    pub index_name: String,
    /// Its key.
    #[serde(rename = "KeySchema")]
    pub key: Vec<KeyElement>,
    /// What it holds besides the keys.
    pub projection: Projection,
    // What only an account has.
    #[serde(rename = "WarmThroughput", default)]
    _warm_throughput: AccountOnly,
}

/// A property that means nothing to a local table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct AccountOnly;

impl<'de> Deserialize<'de> for AccountOnly {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// What an index holds of an item.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Projection {
    /// All of it, some of it, or the keys alone.
    pub projection_type: ProjectionType,
    /// The attributes, where it holds some.
    #[serde(default)]
    pub non_key_attributes: Vec<String>,
}

/// How much an index holds of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProjectionType {
    /// Every attribute.
    All,
    /// Keys and some named attributes.
    Include,
    /// Keys of table and index.
    KeysOnly,
}

/// `Properties` of an `AWS::DynamoDB::Table`, intrinsics resolved.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TableProperties {
    table_name: String,
    // On demand is the one mode a local table has; another one fails to parse.
    #[serde(rename = "BillingMode")]
    _billing_mode: BillingMode,
    attribute_definitions: Vec<AttributeDefinition>,
    key_schema: Vec<KeyElement>,
    #[serde(default)]
    global_secondary_indexes: Vec<IndexDefinition>,
    time_to_live_specification: Option<TimeToLive>,
    // What only an account has: backups, protection against deletion, encryption, tags.
    #[serde(rename = "PointInTimeRecoverySpecification", default)]
    _recovery: AccountOnly,
    #[serde(rename = "DeletionProtectionEnabled", default)]
    _protection: AccountOnly,
    #[serde(rename = "WarmThroughput", default)]
    _warm_throughput: AccountOnly,
    #[serde(rename = "SSESpecification", default)]
    _encryption: AccountOnly,
    #[serde(rename = "Tags", default)]
    _tags: AccountOnly,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum BillingMode {
    PayPerRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TimeToLive {
    attribute_name: String,
    enabled: bool,
}

impl TableDefinitions {
    /// The tables of the template this program was built with.
    pub fn embedded() -> Result<Self, TemplateError> {
        Self::read(TEMPLATE)
    }

    /// The tables of a template.
    pub fn read(template: &str) -> Result<Self, TemplateError> {
        let document = yaml::parse(template).map_err(|what| TemplateError {
            resource: None,
            what,
        })?;
        Ok(Self {
            directory: table(&document, DIRECTORY)?,
            control: table(&document, CONTROL)?,
        })
    }
}

fn table(document: &Value, logical_id: &str) -> Result<TableDefinition, TemplateError> {
    read_table(document, logical_id).map_err(|what| TemplateError {
        resource: Some(logical_id.to_owned()),
        what,
    })
}

fn read_table(document: &Value, logical_id: &str) -> Result<TableDefinition, String> {
    let properties = properties(document, logical_id, "AWS::DynamoDB::Table")?;
    let properties: TableProperties =
        serde_json::from_value(yaml::resolve(properties, &here(document))?)
            .map_err(|error| error.to_string())?;
    let definition = TableDefinition {
        name: properties.table_name,
        attributes: properties.attribute_definitions,
        key: properties.key_schema,
        indexes: properties.global_secondary_indexes,
        expires_at: properties
            .time_to_live_specification
            .filter(|ttl| ttl.enabled)
            .map(|ttl| ttl.attribute_name),
    };
    definition.check()?;
    Ok(definition)
}

/// `Properties` of a resource of this type, as they are written.
fn properties<'a>(
    document: &'a Value,
    logical_id: &str,
    wanted: &str,
) -> Result<&'a Value, String> {
    let resource = document
        .get("Resources")
        .and_then(|resources| resources.get(logical_id))
        .ok_or("there is no such resource")?;
    let kind = resource.get("Type").and_then(Value::as_str);
    if kind != Some(wanted) {
        return Err(format!("its Type is not {wanted}"));
    }
    resource
        .get("Properties")
        .ok_or_else(|| "it has no Properties".to_owned())
}

/// What parameters stand for on this machine.
fn here(document: &Value) -> Parameters<'_> {
    Parameters {
        stack_name: STACK_NAME,
        region: REGION,
        declared: document.get("Parameters").unwrap_or(&Value::Null),
    }
}

impl TableDefinition {
    /// DynamoDB would refuse these too, but later and without naming the template.
    fn check(&self) -> Result<(), String> {
        check_key("KeySchema", &self.key)?;
        for index in &self.indexes {
            check_key(&index.index_name, &index.key)?;
        }
        let defined: BTreeSet<&str> = self
            .attributes
            .iter()
            .map(|attribute| attribute.attribute_name.as_str())
            .collect();
        let index_keys = self.indexes.iter().flat_map(|index| &index.key);
        let used: BTreeSet<&str> = self
            .key
            .iter()
            .chain(index_keys)
            .map(|element| element.attribute_name.as_str())
            .collect();
        if let Some(missing) = used.difference(&defined).next() {
            return Err(format!(
                "{missing} is part of a key but is missing in AttributeDefinitions"
            ));
        }
        if let Some(idle) = defined.difference(&used).next() {
            return Err(format!(
                "{idle} is in AttributeDefinitions but in no key: DynamoDB refuses that"
            ));
        }
        Ok(())
    }
}

fn check_key(of: &str, key: &[KeyElement]) -> Result<(), String> {
    match key {
        [hash] if hash.key_type == KeyType::Hash => Ok(()),
        [hash, range] if hash.key_type == KeyType::Hash && range.key_type == KeyType::Range => {
            Ok(())
        }
        _ => Err(format!(
            "{of}: a key is one HASH attribute, then at most one RANGE attribute"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, key_type: KeyType) -> KeyElement {
        KeyElement {
            attribute_name: name.to_owned(),
            key_type,
        }
    }

    fn attribute(name: &str, attribute_type: AttributeType) -> AttributeDefinition {
        AttributeDefinition {
            attribute_name: name.to_owned(),
            attribute_type,
        }
    }

    #[test]
    fn both_tables_are_read_right() {
        let tables = TableDefinitions::embedded().unwrap();
        assert_eq!(
            tables.directory,
            TableDefinition {
                name: "muster-local-directory".to_owned(),
                attributes: vec![
                    attribute("pk", AttributeType::S),
                    attribute("shard", AttributeType::S),
                    attribute("id", AttributeType::N),
                ],
                key: vec![key("pk", KeyType::Hash)],
                indexes: vec![IndexDefinition {
                    index_name: "by_tenant".to_owned(),
                    key: vec![key("shard", KeyType::Hash), key("id", KeyType::Range)],
                    projection: Projection {
                        projection_type: ProjectionType::KeysOnly,
                        non_key_attributes: vec![],
                    },
                    _warm_throughput: AccountOnly,
                }],
                expires_at: Some("expires_at".to_owned()),
            }
        );
        assert_eq!(
            tables.control,
            TableDefinition {
                name: "muster-local-control".to_owned(),
                attributes: vec![
                    attribute("pk", AttributeType::S),
                    attribute("sk", AttributeType::S),
                ],
                key: vec![key("pk", KeyType::Hash), key("sk", KeyType::Range)],
                indexes: vec![],
                expires_at: Some("expires_at".to_owned()),
            }
        );
    }

    /// The embedded template with one text replaced by another.
    fn altered(from: &str, to: &str) -> Result<TableDefinitions, TemplateError> {
        assert!(TEMPLATE.contains(from), "the template holds {from:?}");
        TableDefinitions::read(&TEMPLATE.replacen(from, to, 1))
    }

    #[test]
    fn a_missing_table_key_is_an_error_that_names_the_table() {
        let whole_key =
            "      KeySchema:\n        - AttributeName: pk\n          KeyType: HASH\n      Global";
        let error = altered(whole_key, "      Global").unwrap_err().to_string();
        assert!(error.contains("DirectoryTable"), "{error}");
        assert!(error.contains("KeySchema"), "{error}");
    }

    #[test]
    fn a_key_attribute_without_a_type_is_an_error() {
        let error = altered(
            "        - AttributeName: sk\n          AttributeType: S\n",
            "",
        )
        .unwrap_err()
        .to_string();
        assert!(error.contains("ControlTable"), "{error}");
        assert!(error.contains("sk is part of a key"), "{error}");
    }

    #[test]
    fn what_a_local_table_cannot_be_is_an_error() {
        for (from, to, named) in [
            ("KeyType: HASH", "KeyType: RANGE", "one HASH attribute"),
            ("PAY_PER_REQUEST", "PROVISIONED", "PROVISIONED"),
            ("AttributeType: N", "AttributeType: X", "variant `X`"),
            (r#""${AWS::StackName}-d"#, r#""${Stage}-d"#, "Stage"),
            (
                "GlobalSecondaryIndexes",
                "LocalSecondaryIndexes",
                "LocalSecondaryIndexes",
            ),
            ("  DirectoryTable:", "  UsersTable:", "no such resource"),
            (
                "AWS::DynamoDB::Table",
                "AWS::Serverless::SimpleTable",
                "Type",
            ),
            ("TableName: !Sub", "Table: !Sub", "Table"),
        ] {
            let error = altered(from, to).unwrap_err().to_string();
            assert!(error.contains(named), "{to}: {error}");
            assert!(
                error.contains("infra/template.yaml, resource DirectoryTable"),
                "{error}"
            );
        }
    }
}
