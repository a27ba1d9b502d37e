//! The user object: the members that are always present, and those that `fields` adds. One table
//! defines the source and the order of each.

use std::borrow::Cow;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::keys::{LANGUAGES, key};
use crate::attribute::Attribute;
use crate::plan::User;
use crate::value::Value;

/// A member of the user object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    /// The user's id.
    Id,
    /// An attribute under its own key. A flag without a stored value has its default.
    Own(Attribute),
    /// An attribute under a different name.
    Renamed(&'static str, Attribute),
    /// Names of the roles whose flags are set.
    Roles,
    /// The shops of a shop director.
    DirectorOfShops,
    /// The business direction, as an object.
    BusinessDir,
}

use Member::{BusinessDir, DirectorOfShops, Id, Own, Renamed, Roles};

/// Members that are always present if they have a value.
pub(super) static ALWAYS: [Member; 13] = [
    Id,
    Own(Attribute::Active),
    Own(Attribute::Username),
    Own(Attribute::FirstName),
    Own(Attribute::LastName),
    Own(Attribute::Position),
    Own(Attribute::Email),
    Own(Attribute::Level),
    Own(Attribute::BusinessDirId),
    Own(Attribute::LdapLogin),
    Own(Attribute::Language),
    Own(Attribute::TimeZone),
    Own(Attribute::ExternalId),
];

/// Members that are present if `fields` names them.
pub(super) static BY_FIELD: [Member; 20] = [
    Roles,
    Own(Attribute::AuthType),
    DirectorOfShops,
    Renamed("shops", Attribute::ShopIds),
    Renamed("regions", Attribute::RegionIds),
    Renamed("divisions", Attribute::DivisionIds),
    BusinessDir,
    Own(Attribute::Supervisor),
    Own(Attribute::Admin),
    Own(Attribute::SurveyAdmin),
    Own(Attribute::TaskManager),
    Own(Attribute::UserChecklistsOrganizer),
    Own(Attribute::ShopDirector),
    Own(Attribute::CanEditAllProcesses),
    Own(Attribute::CanViewAllProcesses),
    Own(Attribute::CanEditAllChlTemplates),
    Own(Attribute::CanEditSelectedChlTemplates),
    Own(Attribute::IndividualStores),
    Own(Attribute::DivisionExternalIds),
    Own(Attribute::RegionExternalIds),
];

/// The roles, each with its flag.
pub(super) static ROLES: [(&str, Attribute); 5] = [
    ("ROLE_SUPERVISOR", Attribute::Supervisor),
    ("ROLE_ADMIN", Attribute::Admin),
    ("ROLE_SURVEY_ADMIN", Attribute::SurveyAdmin),
    (
        "ROLE_USER_CHECKLISTS_ORGANIZER",
        Attribute::UserChecklistsOrganizer,
    ),
    ("ROLE_SHOPDIR", Attribute::ShopDirector),
];

impl Member {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Own(attribute) => key(attribute),
            Self::Renamed(name, _) => name,
            Self::Roles => "roles",
            Self::DirectorOfShops => "directorOfShops",
            Self::BusinessDir => "businessDir",
        }
    }

    /// Returns the value to serialize; `None` omits the member.
    fn value(self, user: &User) -> Option<MemberValue<'_>> {
        match self {
            Self::Id => Some(MemberValue::Id(user.id)),
            Self::Own(Attribute::Username) => Some(MemberValue::Text(&user.login)),
            Self::Own(Attribute::Language) => match user.values.get(&Attribute::Language)? {
                Value::Text(code) => language(code).map(MemberValue::Text),
                _ => None,
            },
            Self::Own(attribute) if attribute.default_flag().is_some() => {
                Some(MemberValue::Flag(flag(user, attribute)))
            }
            Self::Own(attribute) | Self::Renamed(_, attribute) => {
                user.values.get(&attribute).map(MemberValue::from)
            }
            Self::Roles => {
                let given = ROLES.iter().filter(|(_, attribute)| flag(user, *attribute));
                Some(MemberValue::Roles(given.map(|(name, _)| *name).collect()))
            }
            Self::DirectorOfShops if flag(user, Attribute::ShopDirector) => {
                user.values.get(&Attribute::ShopIds).map(MemberValue::from)
            }
            Self::DirectorOfShops => None,
            Self::BusinessDir => match user.values.get(&Attribute::BusinessDirId)? {
                Value::Integer(id) => Some(MemberValue::Reference { id: *id }),
                _ => None,
            },
        }
    }
}

/// Returns a stored flag, or its default.
pub(super) fn flag(user: &User, attribute: Attribute) -> bool {
    match user.values.get(&attribute) {
        Some(Value::Flag(flag)) => *flag,
        _ => attribute.default_flag().unwrap_or_default(),
    }
}

/// Returns the dialect's name of a stored language, if it has one.
fn language(code: &str) -> Option<&'static str> {
    let is = |name: &&&str| name.split('_').next() == Some(code);
    LANGUAGES.iter().find(is).copied()
}

/// Optional members that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fields(u32);

const _: () = assert!(BY_FIELD.len() <= 32, "Fields holds 32 members");

impl Fields {
    /// Parses the values of `fields`: comma-separated names. Unknown names are ignored.
    pub fn parse<'v>(values: impl IntoIterator<Item = &'v str>) -> Self {
        let names = values.into_iter().flat_map(|value| value.split(','));
        let indexes = names.filter_map(|name| {
            let name = name.trim();
            BY_FIELD.iter().position(|member| member.name() == name)
        });
        Self(indexes.fold(0, |fields, index| fields | 1 << index))
    }

    /// Returns the names of all optional members, in the object's order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BY_FIELD.iter().map(|member| member.name())
    }

    fn members(self) -> impl Iterator<Item = Member> {
        let is_requested = move |(index, _): &(usize, &Member)| self.0 & (1 << index) != 0;
        let is_requested = BY_FIELD.iter().enumerate().filter(is_requested);
        is_requested.map(|(_, member)| *member)
    }
}

/// A user in the dialect's format. Attributes without a value are omitted.
#[derive(Debug, Clone, PartialEq)]
pub struct UserObject<'u>(Vec<(&'static str, MemberValue<'u>)>);

impl<'u> UserObject<'u> {
    /// Returns the user with these optional members.
    #[must_use]
    pub fn new(user: &'u User, fields: &Fields) -> Self {
        let members = ALWAYS.iter().copied().chain(fields.members());
        let value = members.filter_map(|it| it.value(user).map(|value| (it.name(), value)));
        Self(value.collect())
    }
}

impl Serialize for UserObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Value of a member.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum MemberValue<'u> {
    Id(u64),
    Text(&'u str),
    Flag(bool),
    Integer(i64),
    Texts(&'u [Cow<'static, str>]),
    Integers(&'u [i64]),
    Roles(Vec<&'static str>),
    Reference { id: i64 },
}

impl<'u> From<&'u Value<'static>> for MemberValue<'u> {
    fn from(value: &'u Value<'static>) -> Self {
        match value {
            Value::Text(text) => Self::Text(text),
            Value::Flag(flag) => Self::Flag(*flag),
            Value::Integer(number) => Self::Integer(*number),
            Value::Texts(texts) => Self::Texts(texts),
            Value::Integers(numbers) => Self::Integers(numbers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user with a value for every attribute of the dialect.
    fn full() -> User {
        let text = |text: &'static str| Value::Text(text.into());
        let texts = |text: &'static str| Value::Texts(vec![text.into(), "x".into()]);
        User::sample(
            "Jack.Woo",
            [
                (Attribute::ExternalId, text("E-1")),
                (Attribute::Name, text("used by other dialects")),
                (Attribute::FirstName, text("Jack")),
                (Attribute::LastName, text("Woo")),
                (Attribute::Role, text("Store Manager")),
                (Attribute::Email, text("jack.woo@example.com")),
                (Attribute::Active, Value::Flag(false)),
                (Attribute::IndividualStores, texts("shop")),
                (Attribute::Language, text("ru")),
                (Attribute::TimeZone, text("Europe/Moscow")),
                (Attribute::Position, text("Cook")),
                (Attribute::LdapLogin, text("jack")),
                (Attribute::AuthType, text("LDAP")),
                (Attribute::Level, text("SHOP")),
                (Attribute::BusinessDirId, Value::Integer(1_002)),
                (Attribute::DivisionIds, Value::Integers(vec![3])),
                (Attribute::RegionIds, Value::Integers(vec![2, 1])),
                (Attribute::ShopIds, Value::Integers(vec![7, 8])),
                (Attribute::DivisionExternalIds, texts("division")),
                (Attribute::RegionExternalIds, texts("region")),
                (Attribute::Supervisor, Value::Flag(true)),
                (Attribute::Admin, Value::Flag(false)),
                (Attribute::UserChecklistsOrganizer, Value::Flag(true)),
                (Attribute::ShopDirector, Value::Flag(true)),
                (Attribute::Password, text("$argon2id$")),
            ],
        )
    }

    fn json(user: &User, fields: &[&str]) -> String {
        let fields = Fields::parse(fields.iter().copied());
        serde_json::to_string(&UserObject::new(user, &fields)).unwrap()
    }

    #[test]
    fn members_have_the_documented_order() {
        let value = r#"{"id":1615,"active":false,"login":"Jack.Woo","firstName":"Jack","lastName":"Woo","position":"Cook","email":"jack.woo@example.com","level":"SHOP","businessDirId":1002,"ldapLogin":"jack","lang":"ru_RU","timeZoneId":"Europe/Moscow","externalId":"E-1"}"#;
        assert_eq!(json(&full(), &[]), value);
    }

    #[test]
    fn attributes_without_a_value_are_omitted_except_active() {
        let bare = User::sample("Jack.Woo", []);
        let value = r#"{"id":1615,"active":true,"login":"Jack.Woo""#;
        assert_eq!(json(&bare, &[]), format!("{value}}}"));
        let all: Vec<_> = Fields::names().collect();
        assert_eq!(
            json(&bare, &all),
            format!(
                "{value},{}}}",
                r#""roles":[],"supervisor":false,"admin":false,"surveyAdmin":false,"taskManager":false,"userChecklistsOrganizer":false,"shopDirector":false,"canEditAllProcesses":false,"canViewAllProcesses":false,"canEditAllChlTemplates":false,"canEditSelectedChlTemplates":false"#
            )
        );
    }

    #[test]
    fn fields_add_members_in_the_order_of_the_object() {
        let mut all: Vec<_> = Fields::names().collect();
        all.reverse();
        let value = json(&full(), &all);
        let (_, added) = value.split_once(r#""externalId":"E-1","#).unwrap();
        assert_eq!(
            added,
            r#""roles":["ROLE_SUPERVISOR","ROLE_USER_CHECKLISTS_ORGANIZER","ROLE_SHOPDIR"],"authType":"LDAP","directorOfShops":[7,8],"shops":[7,8],"regions":[2,1],"divisions":[3],"businessDir":{"id":1002},"supervisor":true,"admin":false,"surveyAdmin":false,"taskManager":false,"userChecklistsOrganizer":true,"shopDirector":true,"canEditAllProcesses":false,"canViewAllProcesses":false,"canEditAllChlTemplates":false,"canEditSelectedChlTemplates":false,"shopExternalIds":["shop","x"],"divisionExternalIds":["division","x"],"regionExternalIds":["region","x"]}"#
        );
    }

    #[test]
    fn fields_are_comma_separated_or_repeated_and_unknown_ones_are_ignored() {
        let added = |fields: &[&str]| {
            let (_, added) = json(&full(), fields)
                .split_once(r#""externalId":"E-1""#)
                .map(|(before, after)| (before.to_owned(), after.to_owned()))
                .unwrap();
            added
        };
        let two = r#","authType":"LDAP","shops":[7,8]}"#;
        assert_eq!(added(&["shops,authType"]), two);
        assert_eq!(added(&["shops", " authType ,shops"]), two);
        assert_eq!(added(&["", "password", "Shops,role,shopIds"]), "}");
        assert_eq!(Fields::parse(["password"]), Fields::default());
    }

    #[test]
    fn only_a_shop_director_has_shops_to_direct() {
        let mut user = full();
        user.values.remove(&Attribute::ShopDirector);
        assert!(!json(&user, &["directorOfShops"]).contains("directorOfShops"));
    }

    #[test]
    fn a_language_without_a_name_in_the_dialect_is_omitted() {
        let mut user = full();
        let language = |code: &'static str| Value::Text(code.into());
        user.values.insert(Attribute::Language, language("en"));
        assert!(json(&user, &[]).contains(r#""lang":"en_EN""#));
        user.values.insert(Attribute::Language, language("uk"));
        assert!(!json(&user, &[]).contains("lang"));
    }

    #[test]
    fn every_attribute_of_the_dialect_has_its_key() {
        let attribute = |member: &Member| match member {
            Own(attribute) => Some(*attribute),
            _ => None,
        };
        for attribute in ALWAYS.iter().chain(&BY_FIELD).filter_map(attribute) {
            assert!(attribute.spec().qvalon.is_some(), "{attribute}");
        }
    }
}
