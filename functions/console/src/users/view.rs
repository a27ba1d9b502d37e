//! A user as operators see it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use muster_aws::StoreError;
use muster_aws::directory::{Author, Change, Entry, Writer};
use muster_core::attribute::Attribute;
use muster_core::plan;
use muster_core::value::Value;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use muster_web::time;

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct User {
    /// The id, which no other user of any tenant ever has.
    #[schema(example = 4711)]
    id: u64,
    /// The user name, as it is spelt.
    #[schema(example = "jack.woo")]
    login: String,
    /// Grows with every change.
    #[schema(example = 3)]
    version: u64,
    /// When the user was made.
    #[serde(serialize_with = "time::millis")]
    created_at: Timestamp,
    /// When the user was changed last.
    #[serde(serialize_with = "time::millis")]
    updated_at: Timestamp,
    /// Who made the user.
    created_by: WrittenBy,
    /// Who changed the user last.
    updated_by: WrittenBy,
    /// Every attribute that is set, by its name and in the order of the catalogue; `active` is
    /// always there, the password never.
    #[schema(
        value_type = Object,
        example = json!({"name": "Jack Woo", "role": "Store Manager", "email": "jack.woo@example.com", "active": true, "individual_stores": ["store1", "store2"]})
    )]
    attributes: BTreeMap<Attribute, Json>,
    /// The user whom `manager_id`, or else `manager_uid` names; left out while there is nobody. Not
    /// in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = UserManager)]
    manager: Option<UserManager>,
    /// What was changed, the newest first: the last ten changes, or fewer if they are large; how
    /// the user was made comes last, unless there have been ten since. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Vec<UserChange>)]
    changes: Option<Vec<UserChange>>,
}

/// A user's manager.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserManager {
    /// The manager's id.
    #[schema(example = 4702)]
    id: u64,
    /// The manager's user name, as it is spelt.
    #[schema(example = "ann.lee")]
    login: String,
}

/// A robot that wrote a user in the name of a dialect, or an operator.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WrittenBy {
    /// `quant`, `collaborator` or `qvalon`; `console` for an operator.
    #[schema(example = "quant")]
    dialect: String,
    /// The robot, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    robot: Option<String>,
    /// The operator, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    operator: Option<String>,
    /// The run in the execution log, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    run: Option<String>,
}

/// A change of a user; the first one made it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserChange {
    /// When.
    #[serde(serialize_with = "time::millis")]
    at: Timestamp,
    /// Who.
    by: WrittenBy,
    /// What was set or cleared, in the order of the catalogue.
    #[schema(value_type = Vec<String>, example = json!(["email", "active"]))]
    attributes: Vec<Attribute>,
}

impl User {
    /// A user of a list.
    pub(super) fn listed(entry: Entry) -> Self {
        let active = entry.is_active();
        let Entry {
            user,
            created,
            updated,
            ..
        } = entry;
        let plan::User {
            tenant: _,
            id,
            login,
            version,
            values,
        } = user;
        let shown = values
            .into_iter()
            .filter(|(attribute, _)| *attribute != Attribute::Password)
            .map(|(attribute, value)| (attribute, json(value)));
        let mut attributes: BTreeMap<_, _> = shown.collect();
        attributes.insert(Attribute::Active, Json::Bool(active));
        Self {
            id,
            login,
            version,
            created_at: created.at,
            updated_at: updated.at,
            created_by: created.writer.into(),
            updated_by: updated.writer.into(),
            attributes,
            manager: None,
            changes: None,
        }
    }

    /// A user alone.
    pub(super) fn alone(entry: Entry, manager: Option<Entry>) -> Result<Self, StoreError> {
        let changes = entry.changes()?.into_iter().map(UserChange::from);
        let manager = manager.map(|Entry { user, .. }| UserManager {
            id: user.id,
            login: user.login,
        });
        Ok(Self {
            manager,
            changes: Some(changes.collect()),
            ..Self::listed(entry)
        })
    }
}

impl From<Writer> for WrittenBy {
    fn from(writer: Writer) -> Self {
        let dialect = writer.dialect().to_owned();
        let (robot, operator, run) = match writer {
            Writer::Robot { robot, run, .. } => (Some(robot), None, run),
            Writer::Operator(name) => (None, Some(name), None),
        };
        Self {
            dialect,
            robot,
            operator,
            run,
        }
    }
}

impl From<Change> for UserChange {
    fn from(change: Change) -> Self {
        let Change {
            author: Author { writer, at },
            attributes,
        } = change;
        Self {
            at,
            by: writer.into(),
            attributes,
        }
    }
}

fn json(value: Value<'_>) -> Json {
    match value {
        Value::Text(text) => text.into_owned().into(),
        Value::Flag(flag) => flag.into(),
        Value::Integer(number) => number.into(),
        Value::Texts(texts) => texts.into_iter().map(|text| text.into_owned()).collect(),
        Value::Integers(numbers) => numbers.into_iter().collect(),
    }
}
