//! What the records of an input ask for, whatever the directory holds: the largest possible numbers
//! of users that an import blocks and of values that it clears.

use crate::attribute::Attribute;
use crate::json::Json;
use crate::rules::Rules;
use crate::value::{Assignment, ReadContext, Value, read};

/// Numbers of requests in records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Requested {
    /// Records that set the state to blocked.
    pub(super) blocked: u64,
    /// Values that clear an attribute.
    pub(super) cleared: u64,
}

impl Requested {
    /// Adds the requests of a record.
    pub(super) fn add(&mut self, rules: &Rules, slots: &[Json<'_>]) {
        let context = rules.read_context();
        for ((attribute, _), json) in rules.keys().iter().zip(slots).skip(1) {
            if surely_sets(*attribute, *json, context) {
                continue;
            }
            match read(attribute.kind(), *json, context).map(|reading| reading.assignment) {
                Ok(Some(Assignment::Clear)) => self.cleared += 1,
                Ok(Some(Assignment::Set(Value::Flag(false))))
                    if *attribute == Attribute::Active =>
                {
                    self.blocked += 1;
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
}

/// Returns `true` if a value neither clears its attribute nor blocks the user. Most values are
/// recognised without being read in full.
fn surely_sets(attribute: Attribute, json: Json<'_>, context: ReadContext<'_>) -> bool {
    match json {
        Json::Absent => true,
        Json::Bool(value) => value || attribute != Attribute::Active,
        Json::Integer(_) | Json::BigInteger(_) => attribute != Attribute::Active,
        Json::Text(text) => {
            let mut bytes = text.bytes();
            let is_visible =
                |byte: u8| byte.is_ascii_graphic() && char::from(byte) != context.separator;
            attribute != Attribute::Active
                && bytes.any(is_visible)
                && !context.formats.is_empty(text.trim())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::TaskSettings;

    #[test]
    fn blocked_users_and_cleared_values_are_counted() {
        let settings: TaskSettings = serde_json::from_value(json!({"attribute_mapping": {
            "username": "u", "name": "n", "active": "a", "tags": "t", "gender": "g"
        }}))
        .unwrap();
        let rules = Rules::new(&settings).unwrap();
        let slot = |attribute| {
            let mut keys = rules.keys().iter();
            keys.position(|(other, _)| *other == attribute).unwrap()
        };
        let requested = |attribute, json| {
            let mut slots = vec![Json::Absent; rules.keys().len()];
            slots[0] = Json::Text("anna");
            slots[slot(attribute)] = json;
            let mut requested = Requested::default();
            requested.add(&rules, &slots);
            (requested.blocked, requested.cleared)
        };
        for (json, expected) in [
            (Json::Bool(false), (1, 0)),
            (Json::Text(" No "), (1, 0)),
            (Json::Integer(0), (1, 0)),
            (Json::Bool(true), (0, 0)),
            (Json::Text("maybe"), (0, 0)),
            (Json::Null, (0, 0)),
            (Json::Absent, (0, 0)),
        ] {
            assert_eq!(requested(Attribute::Active, json), expected, "{json:?}");
        }
        for (attribute, json, cleared) in [
            (Attribute::Name, Json::Null, 1),
            (Attribute::Name, Json::Text(" \u{a0}"), 1),
            (Attribute::Name, Json::Text(","), 0),
            (Attribute::Name, Json::Text("Änna"), 0),
            (Attribute::Name, Json::Text("Ä"), 0),
            (Attribute::Tags, Json::Text(" , ,"), 1),
            (Attribute::Tags, Json::Text(",a"), 0),
            (Attribute::Gender, Json::Null, 1),
            (Attribute::Gender, Json::Text(""), 0),
        ] {
            let found = requested(attribute, json);
            assert_eq!(found, (0, cleared), "{attribute} {json:?}");
        }
    }
}
