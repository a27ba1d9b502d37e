//! The attribute catalogue (contract.md#attributes): every attribute has the documented key in each
//! dialect, and no dialect accepts an invalid value of it.

mod invalid_values;
mod round_trip;

use std::collections::BTreeSet;

use muster_core::attribute::CATALOGUE;
use muster_tests::{Access, World};
use reqwest::Method;
use serde_json::{Map, Value, json};

/// The kind of values of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Login,
    Text,
    Role,
    Email,
    Phone,
    Boolean,
    TextList,
    IdList,
    Language,
    TimeZone,
    Gender,
    Date,
    Object,
    AuthType,
    Level,
    Manager,
    Integer,
    Password,
}

/// A row of the table in the contract.
pub struct Row {
    pub name: &'static str,
    pub kind: Kind,
    pub quant: &'static str,
    pub collaborator: &'static str,
    pub qvalon: &'static str,
}

const fn row(
    name: &'static str,
    kind: Kind,
    [quant, collaborator, qvalon]: [&'static str; 3],
) -> Row {
    Row {
        name,
        kind,
        quant,
        collaborator,
        qvalon,
    }
}

/// A copy of the table in the contract; `""` is its dash.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row("username", Kind::Login, ["Username", "login", "login"]),
    row("external_id", Kind::Text, ["External ID", "uid", "externalId"]),
    row("name", Kind::Text, ["Name", "", ""]),
    row("first_name", Kind::Text, ["First Name", "firstname", "firstName"]),
    row("last_name", Kind::Text, ["Surname", "secondname", "lastName"]),
    row("middle_name", Kind::Text, ["Middle Name", "patronymic", ""]),
    row("role", Kind::Role, ["Role", "", ""]),
    row("email", Kind::Email, ["E-mail", "email", "email"]),
    row("phone", Kind::Phone, ["Phone", "phone", ""]),
    row("active", Kind::Boolean, ["Active", "is_active", "active"]),
    row("all_stores", Kind::Boolean, ["All Stores", "", ""]),
    row("individual_stores", Kind::TextList, ["Individual Stores", "", "shopExternalIds"]),
    row("language", Kind::Language, ["Language", "language", "lang"]),
    row("time_zone", Kind::TimeZone, ["Time Zone", "", "timeZoneId"]),
    row("position", Kind::Text, ["Position", "position", "position"]),
    row("department", Kind::Text, ["Department", "department", ""]),
    row("city", Kind::Text, ["City", "city", ""]),
    row("gender", Kind::Gender, ["Gender", "gender", ""]),
    row("birth_date", Kind::Date, ["Birth Date", "birth_date", ""]),
    row("employment_date", Kind::Date, ["Employment Date", "date_of_employment", ""]),
    row("position_date", Kind::Date, ["Position Date", "date_of_assignment_current_position", ""]),
    row("tags", Kind::TextList, ["Tags", "tags", ""]),
    row("manager_id", Kind::Manager, ["Manager ID", "manager_id", ""]),
    row("manager_uid", Kind::Text, ["Manager UID", "manager_uid", ""]),
    row("structure_uid", Kind::Text, ["Structure UID", "structure_uid", ""]),
    row("facebook_id", Kind::Text, ["Facebook ID", "facebook_id", ""]),
    row("google_id", Kind::Text, ["Google ID", "google_id", ""]),
    row("work_contact", Kind::Text, ["Work Contact", "work_contact", ""]),
    row("custom_info", Kind::Object, ["Custom Info", "customInfo", ""]),
    row("user_field1", Kind::Text, ["User Field 1", "user_field1", ""]),
    row("user_field2", Kind::Text, ["User Field 2", "user_field2", ""]),
    row("user_field3", Kind::Text, ["User Field 3", "user_field3", ""]),
    row("user_field4", Kind::Text, ["User Field 4", "user_field4", ""]),
    row("user_field5", Kind::Text, ["User Field 5", "user_field5", ""]),
    row("ldap_login", Kind::Text, ["LDAP Login", "", "ldapLogin"]),
    row("auth_type", Kind::AuthType, ["Auth Type", "", "authType"]),
    row("level", Kind::Level, ["Level", "", "level"]),
    row("business_dir_id", Kind::Integer, ["", "", "businessDirId"]),
    row("business_dir_external_id", Kind::Text, ["", "", "businessDirExternalId"]),
    row("division_ids", Kind::IdList, ["", "", "divisionIds"]),
    row("region_ids", Kind::IdList, ["", "", "regionIds"]),
    row("shop_ids", Kind::IdList, ["", "", "shopIds"]),
    row("division_external_ids", Kind::TextList, ["", "", "divisionExternalIds"]),
    row("region_external_ids", Kind::TextList, ["", "", "regionExternalIds"]),
    row("supervisor", Kind::Boolean, ["", "", "supervisor"]),
    row("admin", Kind::Boolean, ["", "", "admin"]),
    row("survey_admin", Kind::Boolean, ["", "", "surveyAdmin"]),
    row("task_manager", Kind::Boolean, ["", "", "taskManager"]),
    row("user_checklists_organizer", Kind::Boolean, ["", "", "userChecklistsOrganizer"]),
    row("shop_director", Kind::Boolean, ["", "", "shopDirector"]),
    row("can_edit_all_processes", Kind::Boolean, ["", "", "canEditAllProcesses"]),
    row("can_view_all_processes", Kind::Boolean, ["", "", "canViewAllProcesses"]),
    row("can_edit_all_chl_templates", Kind::Boolean, ["", "", "canEditAllChlTemplates"]),
    row("can_edit_selected_chl_templates", Kind::Boolean, ["", "", "canEditSelectedChlTemplates"]),
    row("password", Kind::Password, ["", "password", "password"]),
];

/// Sends a request about a single user; returns the body, or status and body of a refusal.
pub async fn send_single(
    w: &World,
    method: Method,
    path: &str,
    body: &str,
) -> Result<Value, (u16, Value)> {
    let call = w.call(method, path).token(w.token(0).await);
    let call = call.content_type(Some("application/json")).body(body);
    let reply = call.send().await;
    match reply.status {
        200 => Ok(reply.json()),
        status => {
            // A refusal does not repeat values, which can be long.
            assert!(
                reply.body.len() < 2_000,
                "a refusal of {} bytes",
                reply.body.len()
            );
            Err((status, reply.json()))
        }
    }
}

/// Path of Collaborator's import.
pub const COLLABORATOR: &str = "/api/v2/users-import/single";
/// Path of QVALON's users.
pub const QVALON: &str = "/v1/orgstruct/users";

/// Returns the required members of a user in Collaborator's dialect.
pub fn collaborator_user(w: &World, name: &str) -> Map<String, Value> {
    let login = w.login(name);
    let user = json!({
        "uid": format!("{login}-uid"), "login": login, "email": "someone@example.com",
        "firstname": "Ann", "secondname": "Woo",
    });
    user.as_object().cloned().unwrap_or_default()
}

/// Returns the required members of a user in QVALON's dialect who needs no password, which is slow
/// to hash.
pub fn qvalon_user(w: &World, name: &str) -> Map<String, Value> {
    let user = json!({"login": w.login(name), "authType": "LDAP", "ldapLogin": "ann"});
    user.as_object().cloned().unwrap_or_default()
}

/// Creates a task of the first tenant that maps every attribute but the password to its own name;
/// returns its id.
pub async fn identity_mapping_task(w: &World, store: &Access) -> u64 {
    store
        .task(w, 0, |task| {
            task["attribute_mapping"] = TABLE
                .iter()
                .filter(|row| row.kind != Kind::Password)
                .map(|row| (row.name.to_owned(), json!(row.name)))
                .collect();
        })
        .await
}

/// Returns the user with this login from the operators' API.
pub async fn find_user(w: &World, login: &str) -> Option<Value> {
    let found = w.get(&format!("/users?login={login}")).await.json();
    found["items"].get(0).cloned()
}

#[test]
fn the_catalogue_equals_the_table_in_the_contract() {
    let rows: Vec<_> = TABLE
        .iter()
        .map(|row| {
            let key = |key: &'static str| Some(key).filter(|key| !key.is_empty());
            (
                row.name,
                key(row.quant),
                key(row.collaborator),
                key(row.qvalon),
            )
        })
        .collect();
    let catalogue: Vec<_> = CATALOGUE
        .iter()
        .map(|spec| (spec.name, spec.quant, spec.collaborator, spec.qvalon))
        .collect();
    assert_eq!(catalogue, rows);
    let names: BTreeSet<_> = rows.iter().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), rows.len());
}
