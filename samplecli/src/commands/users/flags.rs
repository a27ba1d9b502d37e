//! One flag per attribute of QVALON's user resource, from one table. The kind of the attribute in
//! the catalogue determines the values and the key.

use clap::builder::{
    BoolValueParser, PossibleValuesParser, StringValueParser, TypedValueParser, ValueParser,
};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use muster_core::attribute::{Attribute, AttributeKind, AttributeSpec, CATALOGUE};
use serde_json::{Map, Value};

/// A flag that sets an attribute.
struct AttributeFlag {
    attribute: Attribute,
    /// The name: the key of the resource in kebab case.
    name: &'static str,
    help: &'static str,
    heading: &'static str,
}

const PERSON: &str = "Person";
const SIGN_IN: &str = "Sign-in";
const ORGANISATION: &str = "Organisation";
const RIGHTS: &str = "Rights";

const fn flag(
    heading: &'static str,
    attribute: Attribute,
    name: &'static str,
    help: &'static str,
) -> AttributeFlag {
    AttributeFlag {
        attribute,
        name,
        help,
        heading,
    }
}

/// The flags in the order of the help. The commands define login, external id and password.
#[rustfmt::skip]
const FLAGS: &[AttributeFlag] = &[
    flag(PERSON, Attribute::Email, "email", "E-mail address"),
    flag(PERSON, Attribute::FirstName, "first-name", "First name"),
    flag(PERSON, Attribute::LastName, "last-name", "Last name"),
    flag(PERSON, Attribute::Position, "position", "Position"),
    flag(PERSON, Attribute::Language, "lang", "Language, such as en_EN"),
    flag(PERSON, Attribute::TimeZone, "time-zone", "Time zone, such as Europe/Kyiv"),
    flag(SIGN_IN, Attribute::Active, "active", "Active; =false blocks the user"),
    flag(SIGN_IN, Attribute::AuthType, "auth-type", "Authentication method"),
    flag(SIGN_IN, Attribute::LdapLogin, "ldap-login", "Login in the LDAP directory; required for LDAP"),
    flag(ORGANISATION, Attribute::Level, "level", "Level; all but COMPANY require matching ids or external ids"),
    flag(ORGANISATION, Attribute::BusinessDirId, "business-dir-id", "Business direction"),
    flag(ORGANISATION, Attribute::BusinessDirExternalId, "business-dir-external-id", "Business direction by external id"),
    flag(ORGANISATION, Attribute::DivisionIds, "division-ids", "Divisions"),
    flag(ORGANISATION, Attribute::DivisionExternalIds, "division-external-ids", "Divisions, by external id"),
    flag(ORGANISATION, Attribute::RegionIds, "region-ids", "Regions"),
    flag(ORGANISATION, Attribute::RegionExternalIds, "region-external-ids", "Regions, by external id"),
    flag(ORGANISATION, Attribute::ShopIds, "shop-ids", "Shops"),
    flag(ORGANISATION, Attribute::IndividualStores, "shop-external-ids", "Shops, by external id"),
    flag(RIGHTS, Attribute::Supervisor, "supervisor", "Supervisor"),
    flag(RIGHTS, Attribute::Admin, "admin", "Administrator"),
    flag(RIGHTS, Attribute::SurveyAdmin, "survey-admin", "Survey administrator"),
    flag(RIGHTS, Attribute::TaskManager, "task-manager", "Task manager (deprecated)"),
    flag(RIGHTS, Attribute::UserChecklistsOrganizer, "user-checklists-organizer", "May plan checklists for users"),
    flag(RIGHTS, Attribute::ShopDirector, "shop-director", "Director of the shops"),
    flag(RIGHTS, Attribute::CanEditAllProcesses, "can-edit-all-processes", "May edit all processes"),
    flag(RIGHTS, Attribute::CanViewAllProcesses, "can-view-all-processes", "May see all processes"),
    flag(RIGHTS, Attribute::CanEditAllChlTemplates, "can-edit-all-chl-templates", "May edit all checklist templates"),
    flag(RIGHTS, Attribute::CanEditSelectedChlTemplates, "can-edit-selected-chl-templates", "May edit selected checklist templates"),
];

/// The attributes set by flags, with their values.
#[derive(Default)]
pub struct AttributeValues(Vec<(Attribute, Value)>);

impl AttributeValues {
    /// Returns the members of a request, by the keys of the resource.
    pub fn into_members(self) -> Map<String, Value> {
        self.0
            .into_iter()
            .filter_map(|(attribute, value)| Some((attribute.spec().qvalon?.to_owned(), value)))
            .collect()
    }

    /// Returns the value of an attribute, if it is set.
    pub fn get(&self, attribute: Attribute) -> Option<&Value> {
        let (_, value) = self.0.iter().find(|(other, _)| *other == attribute)?;
        Some(value)
    }

    /// Returns true if no flag is given.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Args for AttributeValues {
    fn augment_args(command: Command) -> Command {
        FLAGS
            .iter()
            .fold(command, |command, flag| command.arg(flag.arg()))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for AttributeValues {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = FLAGS.iter().filter_map(|flag| {
            let value = matches.get_one::<Value>(flag.name)?;
            Some((flag.attribute, value.clone()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl AttributeFlag {
    fn arg(&self) -> Arg {
        let kind = self.attribute.kind();
        let arg = Arg::new(self.name)
            .long(self.name)
            .help(self.help)
            .help_heading(self.heading)
            .value_name(value_name(kind))
            .value_parser(parser(kind));
        match kind {
            // In `--admin LOGIN`, the login is not the value.
            AttributeKind::Flag { .. } => arg
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                // The value name lists them.
                .hide_possible_values(true),
            AttributeKind::Integer | AttributeKind::IdList => arg.allow_hyphen_values(true),
            _ => arg,
        }
    }

    /// Returns true if the attribute can be cleared; the others always have a value.
    const fn is_clearable(&self) -> bool {
        matches!(
            self.attribute.kind(),
            AttributeKind::Text
                | AttributeKind::Identifier
                | AttributeKind::Email
                | AttributeKind::TimeZone
                | AttributeKind::TextList
                | AttributeKind::IdList
        )
    }
}

const fn value_name(kind: AttributeKind) -> &'static str {
    match kind {
        AttributeKind::Flag { .. } => "true|false",
        AttributeKind::Email => "ADDRESS",
        AttributeKind::Language => "CODE",
        AttributeKind::TimeZone => "ZONE",
        AttributeKind::Integer => "ID",
        AttributeKind::IdList | AttributeKind::TextList => "ID,ID",
        AttributeKind::Choice(_) => "WORD",
        _ => "TEXT",
    }
}

/// Returns the parser of a kind of attribute, which returns the JSON to send.
fn parser(kind: AttributeKind) -> ValueParser {
    match kind {
        AttributeKind::Flag { .. } => BoolValueParser::new().map(Value::from).into(),
        AttributeKind::Choice(words) => PossibleValuesParser::new(words).map(Value::from).into(),
        AttributeKind::Integer => clap::value_parser!(i64).map(Value::from).into(),
        AttributeKind::IdList => StringValueParser::new().try_map(|text| ids(&text)).into(),
        AttributeKind::TextList => StringValueParser::new().try_map(|text| texts(&text)).into(),
        _ => StringValueParser::new()
            .try_map(|text| non_blank(&text).map(Value::from))
            .into(),
    }
}

/// Parses a text that is not blank: the server would ignore a blank one.
pub fn non_blank(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        return Err(
            "expected a value that is not blank; to remove a value use `muster users update --clear`",
        );
    }
    Ok(text.to_owned())
}

fn ids(text: &str) -> Result<Value, &'static str> {
    let ids: Result<Vec<i64>, _> = text.split(',').map(|id| id.trim().parse()).collect();
    ids.map(Value::from)
        .map_err(|_| "expected comma-separated whole numbers, such as 1,2")
}

/// Parses comma-separated texts, or a JSON array, whose texts may contain commas.
fn texts(text: &str) -> Result<Value, &'static str> {
    let invalid = "expected comma-separated texts, or a JSON array of texts";
    let texts: Vec<String> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|_| invalid)?
    } else {
        text.split(',').map(|item| item.trim().to_owned()).collect()
    };
    if texts.is_empty() || texts.iter().any(|item| item.trim().is_empty()) {
        return Err(invalid);
    }
    Ok(Value::from(texts))
}

/// Returns the parser of an attribute that can be cleared.
pub fn clearable() -> impl TypedValueParser<Value = Attribute> {
    let names = FLAGS
        .iter()
        .filter(|flag| flag.is_clearable())
        .map(|flag| flag.name);
    PossibleValuesParser::new(names).try_map(|name| {
        FLAGS
            .iter()
            .find(|flag| flag.name == name)
            .map(|flag| flag.attribute)
            .ok_or("unknown attribute")
    })
}

/// Returns the flag of an attribute, such as `--time-zone`.
pub fn flag_of(attribute: Attribute) -> Option<String> {
    let flag = FLAGS.iter().find(|flag| flag.attribute == attribute)?;
    Some(format!("--{}", flag.name))
}

/// Returns the attribute of a key of the resource.
pub fn spec_of_key(key: &str) -> Option<&'static AttributeSpec> {
    CATALOGUE.iter().find(|spec| spec.qvalon == Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Returns `first-name` for `firstName`.
    fn kebab(key: &str) -> String {
        let mut name = String::new();
        for letter in key.chars() {
            if letter.is_ascii_uppercase() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    #[test]
    fn every_attribute_of_the_resource_has_a_flag_named_after_its_key() {
        for spec in CATALOGUE {
            let flags: Vec<&AttributeFlag> = FLAGS
                .iter()
                .filter(|flag| flag.attribute == spec.attribute)
                .collect();
            match (spec.attribute, spec.qvalon) {
                (Attribute::Username | Attribute::ExternalId | Attribute::Password, _)
                | (_, None) => assert!(flags.is_empty(), "{}", spec.name),
                (attribute, Some(key)) => {
                    assert_eq!(flags.len(), 1, "{attribute}");
                    // Time zones are names, while other ids are numbers.
                    let name = kebab(key).replace("time-zone-id", "time-zone");
                    assert_eq!(flags[0].name, name);
                }
            }
        }
    }

    #[test]
    fn lists_are_comma_separated_or_json_arrays() {
        assert_eq!(ids("1, 2,-3"), Ok(json!([1, 2, -3])));
        assert_eq!(texts("a, b"), Ok(json!(["a", "b"])));
        assert_eq!(texts(r#"["a, b", "c"]"#), Ok(json!(["a, b", "c"])));
        for invalid in ["", "1,,2", "1;2", "one", "1.5"] {
            assert!(ids(invalid).is_err(), "{invalid}");
        }
        for invalid in ["", "a,,b", "[]", "[1]", "[a", r#"["a",""]"#] {
            assert!(texts(invalid).is_err(), "{invalid}");
        }
    }
}
