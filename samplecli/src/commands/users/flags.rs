//! One flag for each attribute that QVALON's user resource takes, from one table; what a flag
//! takes follows from the attribute's kind in the catalogue, and its key, too.

use clap::builder::{
    BoolValueParser, PossibleValuesParser, StringValueParser, TypedValueParser, ValueParser,
};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use muster_core::attribute::{Attribute, CATALOGUE, Kind, Spec};
use serde_json::{Map, Value};

/// A flag that sets an attribute.
struct Flag {
    attribute: Attribute,
    /// Its name: the resource's key, as command lines write it.
    name: &'static str,
    help: &'static str,
    heading: &'static str,
}

const PERSON: &str = "Person";
const SIGN_IN: &str = "Sign-in";
const PLACE: &str = "Place in the organisation";
const RIGHTS: &str = "Rights";

const fn flag(
    heading: &'static str,
    attribute: Attribute,
    name: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        attribute,
        name,
        help,
        heading,
    }
}

/// The flags, in the order of the help. Login, external id and password are the commands' own.
#[rustfmt::skip]
const FLAGS: &[Flag] = &[
    flag(PERSON, Attribute::Email, "email", "E-mail address"),
    flag(PERSON, Attribute::FirstName, "first-name", "First name"),
    flag(PERSON, Attribute::LastName, "last-name", "Last name"),
    flag(PERSON, Attribute::Position, "position", "Position"),
    flag(PERSON, Attribute::Language, "lang", "Language, such as en_EN"),
    flag(PERSON, Attribute::TimeZone, "time-zone", "Time zone, such as Europe/Kyiv"),
    flag(SIGN_IN, Attribute::Active, "active", "Active, or with =false blocked"),
    flag(SIGN_IN, Attribute::AuthType, "auth-type", "What checks the password"),
    flag(SIGN_IN, Attribute::LdapLogin, "ldap-login", "Login in the LDAP directory; LDAP needs it"),
    flag(PLACE, Attribute::Level, "level", "Level; all but COMPANY need ids or external ids of theirs"),
    flag(PLACE, Attribute::BusinessDirId, "business-dir-id", "Business direction"),
    flag(PLACE, Attribute::BusinessDirExternalId, "business-dir-external-id", "Business direction, by its external id"),
    flag(PLACE, Attribute::DivisionIds, "division-ids", "Divisions"),
    flag(PLACE, Attribute::DivisionExternalIds, "division-external-ids", "Divisions, by their external ids"),
    flag(PLACE, Attribute::RegionIds, "region-ids", "Regions"),
    flag(PLACE, Attribute::RegionExternalIds, "region-external-ids", "Regions, by their external ids"),
    flag(PLACE, Attribute::ShopIds, "shop-ids", "Shops"),
    flag(PLACE, Attribute::IndividualStores, "shop-external-ids", "Shops, by their external ids"),
    flag(RIGHTS, Attribute::Supervisor, "supervisor", "Supervisor"),
    flag(RIGHTS, Attribute::Admin, "admin", "Administrator"),
    flag(RIGHTS, Attribute::SurveyAdmin, "survey-admin", "Administrator of surveys"),
    flag(RIGHTS, Attribute::TaskManager, "task-manager", "Task manager (deprecated)"),
    flag(RIGHTS, Attribute::UserChecklistsOrganizer, "user-checklists-organizer", "Plans checklists for users"),
    flag(RIGHTS, Attribute::ShopDirector, "shop-director", "Director of the shops"),
    flag(RIGHTS, Attribute::CanEditAllProcesses, "can-edit-all-processes", "Edits all processes"),
    flag(RIGHTS, Attribute::CanViewAllProcesses, "can-view-all-processes", "Sees all processes"),
    flag(RIGHTS, Attribute::CanEditAllChlTemplates, "can-edit-all-chl-templates", "Edits all checklist templates"),
    flag(RIGHTS, Attribute::CanEditSelectedChlTemplates, "can-edit-selected-chl-templates", "Edits selected checklist templates"),
];

/// The attributes that the flags set, with their values.
#[derive(Default)]
pub struct Attributes(Vec<(Attribute, Value)>);

impl Attributes {
    /// The members of a request, by the resource's keys.
    pub fn into_members(self) -> Map<String, Value> {
        self.0
            .into_iter()
            .filter_map(|(attribute, value)| Some((attribute.spec().qvalon?.to_owned(), value)))
            .collect()
    }

    /// What is set for an attribute.
    pub fn get(&self, attribute: Attribute) -> Option<&Value> {
        let (_, value) = self.0.iter().find(|(other, _)| *other == attribute)?;
        Some(value)
    }

    /// Whether no flag was given.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Args for Attributes {
    fn augment_args(command: Command) -> Command {
        FLAGS
            .iter()
            .fold(command, |command, flag| command.arg(flag.arg()))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Attributes {
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

impl Flag {
    fn arg(&self) -> Arg {
        let kind = self.attribute.kind();
        let arg = Arg::new(self.name)
            .long(self.name)
            .help(self.help)
            .help_heading(self.heading)
            .value_name(value_name(kind))
            .value_parser(parser(kind));
        match kind {
            // `--admin LOGIN` must not take the login for its value.
            Kind::Flag { .. } => arg
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                // The value's name says them.
                .hide_possible_values(true),
            Kind::Integer | Kind::IdList => arg.allow_hyphen_values(true),
            _ => arg,
        }
    }

    /// Whether the attribute can be taken away; the others always have a value, or a default.
    const fn is_clearable(&self) -> bool {
        matches!(
            self.attribute.kind(),
            Kind::Text | Kind::Email | Kind::TimeZone | Kind::TextList | Kind::IdList
        )
    }
}

const fn value_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Flag { .. } => "true|false",
        Kind::Email => "ADDRESS",
        Kind::Language => "CODE",
        Kind::TimeZone => "ZONE",
        Kind::Integer => "ID",
        Kind::IdList | Kind::TextList => "ID,ID",
        Kind::Choice(_) => "WORD",
        _ => "TEXT",
    }
}

/// What reads a value of this kind, into the JSON that is sent.
fn parser(kind: Kind) -> ValueParser {
    match kind {
        Kind::Flag { .. } => BoolValueParser::new().map(Value::from).into(),
        Kind::Choice(words) => PossibleValuesParser::new(words).map(Value::from).into(),
        Kind::Integer => clap::value_parser!(i64).map(Value::from).into(),
        Kind::IdList => StringValueParser::new().try_map(|text| ids(&text)).into(),
        Kind::TextList => StringValueParser::new().try_map(|text| texts(&text)).into(),
        _ => StringValueParser::new()
            .try_map(|text| some_text(&text).map(Value::from))
            .into(),
    }
}

/// A text that says something: an empty one would be taken for none at all.
pub fn some_text(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        return Err("an empty text sets nothing; `muster users update` has --clear");
    }
    Ok(text.to_owned())
}

fn ids(text: &str) -> Result<Value, &'static str> {
    let ids: Result<Vec<i64>, _> = text.split(',').map(|id| id.trim().parse()).collect();
    ids.map(Value::from)
        .map_err(|_| "write whole numbers with commas between them, such as 1,2")
}

/// Texts between commas, or a JSON array, whose texts may have commas in them.
fn texts(text: &str) -> Result<Value, &'static str> {
    let wrong = "write texts with commas between them, or a JSON array of texts";
    let texts: Vec<String> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|_| wrong)?
    } else {
        text.split(',').map(|item| item.trim().to_owned()).collect()
    };
    if texts.is_empty() || texts.iter().any(|item| item.trim().is_empty()) {
        return Err(wrong);
    }
    Ok(Value::from(texts))
}

/// What reads the name of an attribute that can be taken away.
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
            .ok_or("there is no such attribute")
    })
}

/// The attribute's word on the command line, such as `--time-zone`.
pub fn word(attribute: Attribute) -> Option<String> {
    let flag = FLAGS.iter().find(|flag| flag.attribute == attribute)?;
    Some(format!("--{}", flag.name))
}

/// The attribute that the resource has under a key.
pub fn keyed(key: &str) -> Option<&'static Spec> {
    CATALOGUE.iter().find(|spec| spec.qvalon == Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `firstName` on a command line: `first-name`.
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
    fn every_attribute_of_the_resource_has_one_flag_named_by_its_key() {
        for spec in CATALOGUE {
            let flags: Vec<&Flag> = FLAGS
                .iter()
                .filter(|flag| flag.attribute == spec.attribute)
                .collect();
            match (spec.attribute, spec.qvalon) {
                (Attribute::Username | Attribute::ExternalId | Attribute::Password, _)
                | (_, None) => assert!(flags.is_empty(), "{}", spec.name),
                (attribute, Some(key)) => {
                    assert_eq!(flags.len(), 1, "{attribute}");
                    // A zone is a name; ids are numbers elsewhere.
                    let name = kebab(key).replace("time-zone-id", "time-zone");
                    assert_eq!(flags[0].name, name);
                }
            }
        }
    }

    #[test]
    fn a_list_comes_with_commas_and_texts_that_hold_them_in_an_array() {
        assert_eq!(ids("1, 2,-3"), Ok(json!([1, 2, -3])));
        assert_eq!(texts("a, b"), Ok(json!(["a", "b"])));
        assert_eq!(texts(r#"["a, b", "c"]"#), Ok(json!(["a, b", "c"])));
        for wrong in ["", "1,,2", "1;2", "one", "1.5"] {
            assert!(ids(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "a,,b", "[]", "[1]", "[a", r#"["a",""]"#] {
            assert!(texts(wrong).is_err(), "{wrong}");
        }
    }
}
