//! QVALON's user resource (contract.md#qvalon): the user object, byte for byte in its documented
//! order, the optional fields, and the request bodies that create and change users.

pub mod filter;
mod keys;
mod read;
#[cfg(feature = "openapi")]
mod schema;
mod user;

pub use self::keys::key;
pub use self::read::{create, update, validate_merged};
#[cfg(feature = "openapi")]
pub use self::schema::{NewUser, UserChanges};
pub use self::user::{Fields, UserObject};

/// Path of all users.
pub const USERS_PATH: &str = "/v1/orgstruct/users";
/// Path of one user.
pub const USER_PATH: &str = "/v1/orgstruct/users/{id}";

#[cfg(test)]
mod tests {
    use super::keys::LANGUAGES;
    use super::*;
    use crate::attribute::{AttributeKind, CATALOGUE};

    const PAGE: &str = include_str!("../../../../docs/dialects/qvalon.md");

    /// Returns the cells of the table after a header.
    fn table(header: &str) -> Vec<Vec<&'static str>> {
        let (_, after) = PAGE.split_once(header).unwrap();
        let rows = after.trim_start().lines().skip(1);
        let rows = rows.take_while(|line| line.starts_with('|'));
        let cells = |row: &'static str| row.trim_matches('|').split('|').map(str::trim);
        rows.map(|row| cells(row).collect()).collect()
    }

    #[test]
    fn the_page_lists_the_attributes_of_the_catalogue() {
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
                AttributeKind::Choice(words) => words.join(", "),
                AttributeKind::Language => LANGUAGES.join(", "),
                AttributeKind::Flag { .. } => "`true` or `false`".into(),
                AttributeKind::IdList => "an array of integers".into(),
                AttributeKind::TextList => "an array of texts".into(),
                AttributeKind::Integer => "an integer".into(),
                AttributeKind::Text | AttributeKind::Identifier => "text".into(),
                _ => String::new(),
            };
            assert!(value.starts_with(&kind), "{name}: {value}");
            let nullable = read::is_nullable(spec.attribute);
            assert_eq!(null, if nullable { "yes" } else { "no" }, "{name}");
        }
    }

    #[test]
    fn the_page_lists_every_field() {
        let rows = table("| field | shown |\n");
        let names: Vec<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
        assert_eq!(names, Fields::names().collect::<Vec<_>>());
    }
}
