//! Users as the API shows them.

use std::collections::BTreeMap;

use muster_api::{UserAuthor, UserHistoryEntry, UserManager, UserResponse};
use muster_aws::StoreError;
use muster_aws::directory::{Author, RecordedChange, UserEntry, Writer};
use muster_core::attribute::Attribute;
use muster_core::plan;
use muster_core::value::Value;
use serde_json::Value as Json;

/// Returns a user as lists show it.
pub(super) fn listed(entry: UserEntry) -> UserResponse {
    let active = entry.is_active();
    let UserEntry {
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
    let visible = values
        .into_iter()
        .filter(|(attribute, _)| *attribute != Attribute::Password)
        .map(|(attribute, value)| (attribute, json(value)));
    let mut attributes: BTreeMap<_, _> = visible.collect();
    attributes.insert(Attribute::Active, Json::Bool(active));
    UserResponse {
        id,
        login,
        version,
        created_at: created.at,
        updated_at: updated.at,
        created_by: author(created.writer),
        updated_by: author(updated.writer),
        attributes,
        manager: None,
        unresolved_manager: None,
        changes: None,
    }
}

/// Returns a user with its manager and its last changes.
pub(super) fn full(
    entry: UserEntry,
    manager: Option<UserEntry>,
) -> Result<UserResponse, StoreError> {
    let changes = entry.changes()?.into_iter().map(history_entry);
    let unresolved_manager = match entry.user.values.get(&Attribute::ManagerUid) {
        Some(Value::Text(uid)) if manager.is_none() => Some(uid.to_string()),
        _ => None,
    };
    let manager = manager.map(|UserEntry { user, .. }| UserManager {
        id: user.id,
        login: user.login,
    });
    Ok(UserResponse {
        manager,
        unresolved_manager,
        changes: Some(changes.collect()),
        ..listed(entry)
    })
}

fn author(writer: Writer) -> UserAuthor {
    let dialect = writer.dialect().to_owned();
    let (robot, operator, run) = match writer {
        Writer::Robot { robot, run, .. } => (Some(robot), None, run),
        Writer::Operator(name) => (None, Some(name), None),
    };
    UserAuthor {
        dialect,
        robot,
        operator,
        run,
    }
}

fn history_entry(change: RecordedChange) -> UserHistoryEntry {
    let RecordedChange {
        author: Author { writer, at },
        attributes,
    } = change;
    UserHistoryEntry {
        at,
        by: author(writer),
        attributes,
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
