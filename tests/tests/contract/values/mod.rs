//! Values of each type (contract.md#logins-and-values), imported through a task that maps the whole
//! catalogue.

mod lists;
mod scalars;
mod spellings;
mod text;

use muster_core::settings::ExternalIdConflicts;
use muster_tests::{Access, World};
use serde_json::{Value, json};

use crate::support::send_to;

/// The expected result of a value for a new user.
#[derive(Debug)]
pub enum Expected {
    /// Stored as this value, without a warning.
    Stored(Value),
    /// Not stored, without a warning.
    Absent,
    /// Not stored; a warning names the key, and the user is created without the attribute, or not at all
    /// if it is the external id.
    Invalid,
}
pub use Expected::{Absent, Invalid, Stored};

/// Creates a task of the first tenant that maps every attribute to Quant's default key, if it has
/// one; returns its id.
pub async fn full_mapping_task(w: &World, store: &Access) -> u64 {
    full_mapping(w, store, ExternalIdConflicts::Ignore).await
}

/// Creates such a task with this setting.
pub async fn full_mapping(w: &World, store: &Access, conflicts: ExternalIdConflicts) -> u64 {
    store
        .task(w, 0, |task| {
            task["external_id_conflicts"] = json!(conflicts);
            // Tests clear many values of one user.
            task["safety_threshold"] = json!({});
            task["attribute_mapping"] = FULL_MAPPING
                .iter()
                .map(|(name, key)| ((*name).to_owned(), json!(key)))
                .collect();
        })
        .await
}

/// Attributes with a default key in Quant, and that key.
const FULL_MAPPING: &[(&str, &str)] = &[
    ("username", "Username"),
    ("external_id", "External ID"),
    ("name", "Name"),
    ("first_name", "First Name"),
    ("last_name", "Surname"),
    ("middle_name", "Middle Name"),
    ("role", "Role"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("active", "Active"),
    ("all_stores", "All Stores"),
    ("individual_stores", "Individual Stores"),
    ("language", "Language"),
    ("time_zone", "Time Zone"),
    ("position", "Position"),
    ("department", "Department"),
    ("city", "City"),
    ("gender", "Gender"),
    ("birth_date", "Birth Date"),
    ("employment_date", "Employment Date"),
    ("position_date", "Position Date"),
    ("tags", "Tags"),
    ("manager_id", "Manager ID"),
    ("manager_uid", "Manager UID"),
    ("structure_uid", "Structure UID"),
    ("facebook_id", "Facebook ID"),
    ("google_id", "Google ID"),
    ("work_contact", "Work Contact"),
    ("custom_info", "Custom Info"),
    ("user_field1", "User Field 1"),
    ("user_field2", "User Field 2"),
    ("user_field3", "User Field 3"),
    ("user_field4", "User Field 4"),
    ("user_field5", "User Field 5"),
    ("ldap_login", "LDAP Login"),
    ("auth_type", "Auth Type"),
    ("level", "Level"),
];

fn attribute(key: &str) -> &'static str {
    FULL_MAPPING
        .iter()
        .find(|(_, each)| *each == key)
        .expect("a key of the catalogue")
        .0
}

/// Imports a new user for each case, all in one request, and asserts the expected results.
pub async fn verify_values(
    w: &World,
    store: &Access,
    task: u64,
    cases: Vec<(&str, Value, Expected)>,
) {
    let login = |index: usize| w.login(&format!("v{index}"));
    let records: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(index, (key, value, _))| {
            let mut record =
                json!({"Username": login(index), "Role": "catman", "E-mail": "a@example.com"});
            record[*key] = value.clone();
            record
        })
        .collect();
    let reply = send_to(w, task, &json!(records)).await;
    let is_ignored = |(key, _, expected): &&(&str, Value, Expected)| {
        *key == "External ID" && matches!(expected, Invalid)
    };
    let ignored = cases.iter().filter(is_ignored).count() as u64;
    let counts = [cases.len() as u64, 0, ignored, 0];
    assert_eq!(reply.counts(), counts, "{reply}");
    let (warnings, users) = (reply.warnings(), store.users().await);
    let mut mismatches = Vec::new();
    for (index, (key, value, expected)) in cases.iter().enumerate() {
        let stored = users
            .get(&login(index))
            .and_then(|user| user.get(attribute(key)));
        let start = format!("Record {} ({}), \"{key}\": ", index + 1, login(index));
        let warned = warnings.iter().any(|warning| warning.starts_with(&start));
        let matches = match expected {
            Stored(value) => stored == Some(value) && !warned,
            Absent => stored.is_none() && !warned,
            Invalid => stored.is_none() && warned,
        };
        let is_created = users.contains_key(&login(index));
        if !matches || is_created == is_ignored(&&cases[index]) {
            mismatches.push(format!(
                "{key} {value:.80}: expected {expected:?}, stored {stored:?}, warned {warned}"
            ));
        }
    }
    assert!(mismatches.is_empty(), "\n{}\n", mismatches.join("\n"));
}
