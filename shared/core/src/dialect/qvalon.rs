//! QVALON's user resource on the wire (CONTRACT §3): the user object, to the byte and in its order,
//! what can be asked for beside it, and the bodies that make and change users.

mod read;
mod schema;
mod user;

pub use self::read::{create, judge, update};
pub use self::schema::{NewUser, UserChanges};
pub use self::user::{Fields, UserObject};

use crate::attribute::Attribute;

/// The path of all users.
pub const USERS_PATH: &str = "/v1/orgstruct/users";
/// The path of one user.
pub const USER_PATH: &str = "/v1/orgstruct/users/{id}";

/// The languages that can be named.
const LANGUAGES: &[&str] = &["ru_RU", "en_EN"];

/// The key of an attribute; its name in the catalogue, where the dialect has none.
#[must_use]
pub fn key(attribute: Attribute) -> &'static str {
    let spec = attribute.spec();
    spec.qvalon.unwrap_or(spec.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{CATALOGUE, Kind};

    const PAGE: &str = include_str!("../../../../docs/dialects/qvalon.md");

    /// The cells of the table behind a header.
    fn table(header: &str) -> Vec<Vec<&'static str>> {
        let (_, behind) = PAGE.split_once(header).unwrap();
        let rows = behind.trim_start().lines().skip(1);
        let rows = rows.take_while(|line| line.starts_with('|'));
        let cells = |row: &'static str| row.trim_matches('|').split('|').map(str::trim);
        rows.map(|row| cells(row).collect()).collect()
    }

    #[test]
    fn the_page_has_the_attributes_of_the_catalogue() {
        let rows = table("| key | attribute | value | `null` |\n");
        let specs: Vec<_> = CATALOGUE.iter().filter(|it| it.qvalon.is_some()).collect();
        assert_eq!(rows.len(), specs.len());
        for (row, spec) in rows.iter().zip(specs) {
            let [name, attribute, value, null] = row[..] else {
                panic!("{row:?}")
            };
            assert_eq!(name, format!("`{}`", key(spec.attribute)));
            assert_eq!(attribute, format!("`{}`", spec.name));
            let kind = match spec.kind {
                Kind::Choice(words) => words.join(", "),
                Kind::Language => LANGUAGES.join(", "),
                Kind::Flag { .. } => "`true` or `false`".into(),
                Kind::IdList => "an array of integers".into(),
                Kind::TextList => "an array of texts".into(),
                Kind::Integer => "an integer".into(),
                Kind::Text => "text".into(),
                _ => String::new(),
            };
            assert!(value.starts_with(&kind), "{name}: {value}");
            let nullable = read::is_nullable(spec.attribute);
            assert_eq!(null, if nullable { "yes" } else { "no" }, "{name}");
        }
    }

    #[test]
    fn the_page_has_the_fields_that_there_are() {
        let rows = table("| field | shown |\n");
        let names: Vec<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
        assert_eq!(names, Fields::names().collect::<Vec<_>>());
    }
}
