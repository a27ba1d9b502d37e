//! The two DynamoDB tables of the template.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::document::{TEMPLATE, TemplateError, local_parameters, parse, properties};
use super::yaml;

const DIRECTORY: &str = "DirectoryTable";
const CONTROL: &str = "ControlTable";

/// The two tables of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinitions {
    /// Users and claims.
    pub directory: TableDefinition,
    /// Tenants, robots, tasks and runs.
    pub control: TableDefinition,
}

/// A table as the template defines it, with resolved names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition {
    /// Physical name.
    pub name: String,
    /// Types of the key attributes.
    pub attributes: Vec<AttributeDefinition>,
    /// Primary key of the table.
    pub key: Vec<KeyElement>,
    /// Global secondary indexes.
    pub indexes: Vec<IndexDefinition>,
    /// Attribute with the expiry in epoch seconds; `None` if rows do not expire.
    pub expires_at: Option<String>,
}

/// A key attribute.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AttributeDefinition {
    /// Name.
    pub attribute_name: String,
    /// Type.
    pub attribute_type: AttributeType,
}

/// The type of a key attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum AttributeType {
    /// Text.
    S,
    /// Number.
    N,
    /// Bytes.
    B,
}

/// An element of a key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct KeyElement {
    /// Name of the attribute.
    pub attribute_name: String,
    /// Partition or sort key.
    pub key_type: KeyType,
}

/// The role of an attribute in a key.
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
    /// Name.
    pub index_name: String,
    /// Key.
    #[serde(rename = "KeySchema")]
    pub key: Vec<KeyElement>,
    /// Attributes besides the keys.
    pub projection: Projection,
    // Meaningful in an AWS account only.
    #[serde(rename = "WarmThroughput", default)]
    _warm_throughput: AccountOnly,
}

/// A property without meaning for a local table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct AccountOnly;

impl<'de> Deserialize<'de> for AccountOnly {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// The attributes of an item that an index holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Projection {
    /// All attributes, some, or the keys alone.
    pub projection_type: ProjectionType,
    /// Names of the non-key attributes, for [`ProjectionType::Include`].
    #[serde(default)]
    pub non_key_attributes: Vec<String>,
}

/// The kind of a projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProjectionType {
    /// Every attribute.
    All,
    /// Keys and the named attributes.
    Include,
    /// Keys of the table and the index.
    KeysOnly,
}

/// Resolved `Properties` of an `AWS::DynamoDB::Table`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TableProperties {
    table_name: String,
    // A local table is always on demand; any other mode fails to parse.
    #[serde(rename = "BillingMode")]
    _billing_mode: BillingMode,
    attribute_definitions: Vec<AttributeDefinition>,
    key_schema: Vec<KeyElement>,
    #[serde(default)]
    global_secondary_indexes: Vec<IndexDefinition>,
    time_to_live_specification: Option<TimeToLive>,
    // Meaningful in an AWS account only: backups, deletion protection, encryption, tags.
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
    /// Returns the tables of the compiled-in template, which is parsed once in a process.
    ///
    /// # Errors
    /// Returns an error if a table is missing or has an unsupported property.
    pub fn embedded() -> Result<Self, TemplateError> {
        static TABLES: OnceLock<TableDefinitions> = OnceLock::new();
        if let Some(tables) = TABLES.get() {
            return Ok(tables.clone());
        }
        let tables = Self::read(TEMPLATE)?;
        Ok(TABLES.get_or_init(|| tables).clone())
    }

    /// Reads the tables of a template.
    ///
    /// # Errors
    /// Returns an error if a table is missing or has an unsupported property.
    pub fn read(template: &str) -> Result<Self, TemplateError> {
        let document = parse(template)?;
        Ok(Self {
            directory: table(&document, DIRECTORY)?,
            control: table(&document, CONTROL)?,
        })
    }
}

fn table(document: &Value, logical_id: &str) -> Result<TableDefinition, TemplateError> {
    read_table(document, logical_id)
        .map_err(|problem| TemplateError::in_resource(logical_id, problem))
}

fn read_table(document: &Value, logical_id: &str) -> Result<TableDefinition, String> {
    let properties = properties(document, logical_id, "AWS::DynamoDB::Table")?;
    let properties: TableProperties =
        serde_json::from_value(yaml::resolve(properties, &local_parameters(document))?)
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
    definition.check_keys()?;
    Ok(definition)
}

impl TableDefinition {
    /// Checks the keys. DynamoDB would refuse the same, but later and without naming the template.
    fn check_keys(&self) -> Result<(), String> {
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
                "{missing} is part of a key but not in AttributeDefinitions"
            ));
        }
        if let Some(unused) = defined.difference(&used).next() {
            return Err(format!(
                "{unused} is in AttributeDefinitions but not part of a key, which DynamoDB refuses"
            ));
        }
        Ok(())
    }
}

fn check_key(name: &str, key: &[KeyElement]) -> Result<(), String> {
    match key {
        [hash] if hash.key_type == KeyType::Hash => Ok(()),
        [hash, range] if hash.key_type == KeyType::Hash && range.key_type == KeyType::Range => {
            Ok(())
        }
        _ => Err(format!(
            "{name}: expected one HASH attribute and at most one RANGE attribute"
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
    fn both_tables_of_the_template_are_read() {
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

    /// Reads the compiled-in template with one text replaced by another.
    fn altered(from: &str, to: &str) -> Result<TableDefinitions, TemplateError> {
        assert!(TEMPLATE.contains(from), "{from:?} is not in the template");
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
    fn an_unsupported_property_is_an_error_that_names_the_table() {
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
