//! Users as operators see them.

use jiff::Timestamp;
use muster_api::{UserAuthor, UserManager};
use muster_core::attribute::CATALOGUE;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::output::cell::{Cell, DetailView, Row, field};
use crate::output::time::rfc3339;

/// A user. Unlike `muster_api::UserResponse`, it accepts attributes that this version does not
/// know.
#[derive(Deserialize)]
pub struct UserDetails {
    /// The id.
    pub id: u64,
    login: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    created_by: UserAuthor,
    updated_by: UserAuthor,
    attributes: Map<String, Value>,
    #[serde(default)]
    manager: Option<UserManager>,
    #[serde(default)]
    unresolved_manager: Option<String>,
    #[serde(default)]
    changes: Vec<Change>,
}

/// A change of a user.
#[derive(Deserialize)]
struct Change {
    at: Timestamp,
    by: UserAuthor,
    attributes: Vec<String>,
}

/// Formats the author of a change.
fn author(author: UserAuthor) -> String {
    let by = match (author.operator, author.robot) {
        (Some(operator), _) => format!("the operator {operator}"),
        (None, Some(robot)) => format!("{robot} ({})", author.dialect),
        (None, None) => author.dialect,
    };
    match author.run {
        Some(run) => format!("{by}, run {run}"),
        None => by,
    }
}

/// Returns the value of an attribute.
pub fn value(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Nothing,
        Value::Bool(flag) => Cell::either(*flag, "yes", "no"),
        Value::String(text) => Cell::text(text),
        Value::Array(items) => Cell::Texts(
            items
                .iter()
                .map(|item| {
                    item.as_str()
                        .map_or_else(|| item.to_string(), str::to_owned)
                })
                .collect(),
        ),
        Value::Number(_) | Value::Object(_) => Cell::text(value.to_string()),
    }
}

impl UserDetails {
    fn attribute(&self, name: &str) -> Cell {
        Cell::maybe(self.attributes.get(name), value)
    }
}

impl Row for UserDetails {
    const COLUMNS: &'static [&'static str] =
        &["Id", "Login", "Name", "Role", "E-mail", "Active", "Changed"];

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::Id(self.id),
            Cell::text(&self.login),
            self.attribute("name"),
            self.attribute("role"),
            self.attribute("email"),
            self.attribute("active"),
            Cell::Time(self.updated_at),
        ]
    }
}

impl DetailView for UserDetails {
    fn fields(self) -> Vec<(String, Cell)> {
        let mut fields = vec![field("Id", Cell::Id(self.id)), field("Login", self.login)];
        // In the order of the catalogue, which the parsed object does not keep.
        fields.extend(CATALOGUE.iter().filter_map(|spec| {
            let attribute = self.attributes.get(spec.name)?;
            Some(field(spec.name, value(attribute)))
        }));
        let manager = self
            .manager
            .map(|manager| format!("{} (id {})", manager.login, manager.id));
        let missing = self
            .unresolved_manager
            .map(|uid| format!("nobody has the external id {uid} yet"));
        fields.extend([
            field("Manager", manager.or(missing)),
            field("Created", self.created_at),
            field("Created by", author(self.created_by)),
            field("Changed", self.updated_at),
            field("Changed by", author(self.updated_by)),
        ]);
        let changes = self.changes.into_iter().map(|change| {
            let attributes = change.attributes.join(", ");
            let (at, by) = (rfc3339(change.at), author(change.by));
            format!("{at}  {attributes}  ({by})")
        });
        fields.push(field("Changes", Cell::Texts(changes.collect())));
        fields
    }
}
