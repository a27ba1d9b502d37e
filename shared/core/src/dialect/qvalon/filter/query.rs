//! A list's parameters: one table of them, and how they are read. Everything that is wrong is
//! named; what the table does not have is ignored. Values are not repeated in what is said of
//! them: they may be people's.

use std::collections::BTreeSet;

use super::super::Fields;
use super::super::user::ROLES;
use super::{Filter, Test};
use crate::attribute::{Attribute, Kind};
use crate::login::{Login, canon};

/// Users of a page unless `size` says otherwise.
const SIZE: u16 = 100;
/// Users of a page at most.
const LARGEST: u16 = 1_000;

/// A parameter of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// As it is spelt in the query.
    pub name: &'static str,
    /// What it may be.
    pub takes: Takes,
    /// What it does.
    pub about: &'static str,
}

/// What a parameter may be, and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Names of members of the user object.
    Fields,
    /// `true` or `false`.
    Active,
    /// Ids of users.
    Ids,
    /// The name of a role.
    Role,
    /// Names of roles.
    Roles,
    /// Integers, for an attribute that has or holds one.
    Numbers(Attribute),
    /// Logins.
    Logins,
    /// E-mail addresses.
    Emails,
    /// Words of the attribute `level`.
    Levels,
    /// Ids of shops.
    Director,
    /// Part of an attribute's text.
    Like(Attribute),
    /// A page's number, from 0.
    Page,
    /// How many users a page has.
    Size,
    /// The id behind which a page begins.
    After,
}

use Takes::{
    Active, After, Director, Emails, Ids, Levels, Like, Logins, Numbers, Page, Role, Roles, Size,
};

macro_rules! parameters {
    ($($name:literal $takes:expr, $about:literal;)+) => {
        /// Every parameter, in the order of the documentation.
        pub static PARAMETERS: &[Parameter] = &[
            $(Parameter { name: $name, takes: $takes, about: $about },)+
        ];
    };
}

parameters! {
    "fields" Takes::Fields, "Members to show beside those that are always shown; unknown ones are ignored.";
    "active" Active, "`false`: who is blocked; `true`: who is not.";
    "ids" Ids, "The id is one of these.";
    "role" Role, "Has this role.";
    "roles" Roles, "Has one of these roles.";
    "businessDirId" Numbers(Attribute::BusinessDirId), "The business direction is one of these.";
    "divisionId" Numbers(Attribute::DivisionIds), "Belongs to one of these divisions.";
    "regionId" Numbers(Attribute::RegionIds), "Belongs to one of these regions.";
    "login" Logins, "The login is one of these; capital and small letters are the same.";
    "emails" Emails, "The e-mail address is one of these; capital and small letters are the same.";
    "levels" Levels, "The level is one of these.";
    "directorForShop" Director, "Is a director of shops, and of one of these.";
    "loginLike" Like(Attribute::Username), "The login holds this, in capital or small letters.";
    "emailLike" Like(Attribute::Email), "The e-mail address holds this, in capital or small letters.";
    "firstNameLike" Like(Attribute::FirstName), "The first name holds this, in capital or small letters.";
    "lastNameLike" Like(Attribute::LastName), "The last name holds this, in capital or small letters.";
    "positionLike" Like(Attribute::Position), "The position holds this, in capital or small letters.";
    "page" Page, "The number of the page, from 0. Not with `after`.";
    "size" Size, "How many users a page has at most.";
    "after" After, "Only users whose ids are greater than this one: the last of the page before, 0 to begin. Not with `page`.";
}

impl Takes {
    /// Whether it says something about users.
    #[must_use]
    pub const fn filters(self) -> bool {
        match self {
            Self::Fields | Page | Size | After => false,
            Active | Ids | Role | Roles | Numbers(_) | Logins | Emails | Levels | Director
            | Like(_) => true,
        }
    }

    /// The words that it takes, where these are few.
    #[must_use]
    pub fn words(self) -> Option<Vec<&'static str>> {
        match self {
            Self::Fields => Some(Fields::names().collect()),
            Role | Roles => Some(ROLES.iter().map(|(name, _)| *name).collect()),
            Levels => Some(levels().to_vec()),
            Active | Ids | Numbers(_) | Logins | Emails | Director | Like(_) | Page | Size
            | After => None,
        }
    }
}

/// Which users are listed, and how they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// What is to be true of them.
    pub filter: Filter,
    /// Which part of them.
    pub paging: Paging,
    /// What is shown of them.
    pub fields: Fields,
}

/// Which part of a list, which is in the order of ids, is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paging {
    /// All of it.
    #[default]
    All,
    /// A page by its number, from 0.
    Page {
        /// The number.
        page: u64,
        /// Users of each page.
        size: u16,
    },
    /// What is behind an id.
    After {
        /// The id.
        after: u64,
        /// Users of the page.
        size: u16,
    },
}

/// A parameter that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadParameter {
    /// Its name.
    pub name: &'static str,
    /// What is wrong, and what is right.
    pub message: String,
}

impl Query {
    /// Reads names and values, decoded and in the query's order.
    ///
    /// # Errors
    /// Every parameter that cannot be taken, in the table's order.
    pub fn read<'q>(
        given: impl Iterator<Item = (&'q str, &'q str)> + Clone,
    ) -> Result<Self, Vec<BadParameter>> {
        let mut read = Reading::default();
        let mut wrong = Vec::new();
        for Parameter { name, takes, .. } in PARAMETERS {
            let values = given.clone().filter(|(given, _)| given == name);
            let values: Vec<&str> = values.map(|(_, value)| value).collect();
            if values.is_empty() {
                continue;
            }
            if let Err(message) = read.take(*takes, &values) {
                wrong.push(BadParameter { name, message });
            }
        }
        let Reading {
            filter,
            fields,
            page,
            size,
            after,
        } = read;
        let paging = match (page, after, size) {
            (None, None, None) => Paging::All,
            (page, None, size) => Paging::Page {
                page: page.unwrap_or(0),
                size: size.unwrap_or(SIZE),
            },
            (None, Some(after), size) => Paging::After {
                after,
                size: size.unwrap_or(SIZE),
            },
            (Some(_), Some(_), _) => {
                wrong.push(BadParameter {
                    name: "after",
                    message: "cannot be combined with page: a page begins behind an id or has a \
                              number"
                        .to_owned(),
                });
                Paging::All
            }
        };
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Self {
            filter,
            paging,
            fields,
        })
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    filter: Filter,
    fields: Fields,
    page: Option<u64>,
    size: Option<u16>,
    after: Option<u64>,
}

impl Reading {
    /// Takes a parameter that is given, with all its values.
    fn take(&mut self, takes: Takes, values: &[&str]) -> Result<(), String> {
        let test = match takes {
            Takes::Fields => {
                self.fields = Fields::parse(values.iter().copied());
                None
            }
            Active => Some(Test::Active(switch(once(values)?)?)),
            Ids => {
                let ids = numbers(values)?.into_iter();
                Some(Test::Ids(ids.filter_map(|id| id.try_into().ok()).collect()))
            }
            Role => Some(Test::Flags(vec![role(once(values)?)?])),
            Roles => {
                let names = items(values)?.into_iter();
                Some(Test::Flags(names.map(role).collect::<Result<_, _>>()?))
            }
            Numbers(attribute) => Some(Test::Numbers(attribute, numbers(values)?)),
            Logins => Some(Test::Logins(logins(values)?)),
            Emails => {
                let emails = items(values)?.into_iter();
                Some(Test::Emails(emails.map(str::to_ascii_lowercase).collect()))
            }
            Levels => {
                let words = items(values)?.into_iter();
                Some(Test::Levels(words.map(level).collect::<Result<_, _>>()?))
            }
            Director => Some(Test::Director(numbers(values)?)),
            Like(attribute) => {
                let part = canon(once(values)?).into_owned();
                (!part.is_empty()).then_some(Test::Like(attribute, part))
            }
            Page => {
                self.page = Some(number(once(values)?)?);
                None
            }
            Size => {
                self.size = Some(size(once(values)?)?);
                None
            }
            After => {
                self.after = Some(number(once(values)?)?);
                None
            }
        };
        self.filter.0.extend(test);
        Ok(())
    }
}

/// The value of a parameter that is no list.
fn once<'v>(values: &[&'v str]) -> Result<&'v str, String> {
    match values {
        [value] => Ok(value),
        _ => Err("takes one value, and is given more than once".to_owned()),
    }
}

/// The items of a list: with commas between them, or under the same name again. An empty one is
/// refused, for a list of nobody must not become a list of everybody.
fn items<'v>(values: &[&'v str]) -> Result<Vec<&'v str>, String> {
    let items = values.iter().flat_map(|value| value.split(','));
    let items: Vec<&str> = items.map(str::trim).collect();
    if items.iter().any(|item| item.is_empty()) {
        return Err(EMPTY.to_owned());
    }
    Ok(items)
}

const EMPTY: &str = "holds an empty value: leave the parameter out to filter nothing by it";

/// What cannot be a login is nobody's. Not trimmed, as logins are not.
fn logins(values: &[&str]) -> Result<BTreeSet<String>, String> {
    let items = values.iter().flat_map(|value| value.split(','));
    if items.clone().any(str::is_empty) {
        return Err(EMPTY.to_owned());
    }
    let logins = items.filter_map(|item| Login::parse(item).ok());
    Ok(logins.map(|login| login.canon().to_owned()).collect())
}

fn numbers(values: &[&str]) -> Result<BTreeSet<i64>, String> {
    let wrong = || "must be integers of at most 64 bits, with commas between them".to_owned();
    let items = items(values)?.into_iter();
    items
        .map(|item| item.parse().map_err(|_| wrong()))
        .collect()
}

fn number(value: &str) -> Result<u64, String> {
    let wrong = || "must be an integer from 0, of at most 64 bits".to_owned();
    value.parse().map_err(|_| wrong())
}

fn size(value: &str) -> Result<u16, String> {
    match value.parse() {
        Ok(size @ 1..=LARGEST) => Ok(size),
        _ => Err(format!("must be an integer from 1 to {LARGEST}")),
    }
}

fn switch(value: &str) -> Result<bool, String> {
    value
        .parse()
        .map_err(|_| "must be true or false".to_owned())
}

fn role(name: &str) -> Result<Attribute, String> {
    let found = ROLES.iter().find(|(known, _)| *known == name);
    found.map(|(_, attribute)| *attribute).ok_or_else(|| {
        let names: Vec<&str> = ROLES.iter().map(|(name, _)| *name).collect();
        format!("must be one of {}", names.join(", "))
    })
}

fn level(word: &str) -> Result<&'static str, String> {
    let found = levels().iter().find(|known| **known == word);
    found
        .copied()
        .ok_or_else(|| format!("must be one of {}", levels().join(", ")))
}

/// The words of the attribute `level`.
fn levels() -> &'static [&'static str] {
    match Attribute::Level.kind() {
        Kind::Choice(words) => words,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::key;
    use super::*;

    fn read(given: &[(&str, &str)]) -> Result<Query, Vec<BadParameter>> {
        Query::read(given.iter().copied())
    }

    fn paging(given: &[(&str, &str)]) -> Paging {
        read(given).unwrap().paging
    }

    fn wrong(given: &[(&str, &str)]) -> Vec<&'static str> {
        let wrong = read(given).unwrap_err().into_iter();
        wrong.map(|bad| bad.name).collect()
    }

    #[test]
    fn pages_have_numbers_or_begin_behind_an_id() {
        let page = |page, size| Paging::Page { page, size };
        let after = |after, size| Paging::After { after, size };
        for (given, expected) in [
            (vec![], Paging::All),
            (vec![("page", "0")], page(0, 100)),
            (vec![("size", "1")], page(0, 1)),
            (vec![("size", "1000"), ("page", "7")], page(7, 1_000)),
            (vec![("after", "0")], after(0, 100)),
            (vec![("after", "5"), ("size", "3")], after(5, 3)),
            (vec![("page", "18446744073709551615")], page(u64::MAX, 100)),
        ] {
            assert_eq!(paging(&given), expected, "{given:?}");
        }
        assert_eq!(wrong(&[("page", "0"), ("after", "0")]), ["after"]);
    }

    #[test]
    fn a_value_that_cannot_be_taken_is_named_with_its_parameter() {
        let cases: &[(&str, &[&str])] = &[
            ("active", &["", "1", "True", "yes", "true,true"]),
            (
                "ids",
                &["", "x", "1,", "1,,2", "1.5", " ", "9223372036854775808"],
            ),
            (
                "role",
                &["", "admin", "ROLE_ADMIN,ROLE_ADMIN", "role_admin"],
            ),
            ("roles", &["", "ROLE_ADMIN,", "ROLE_ADMIN,ROLE_KING"]),
            ("businessDirId", &["", "a"]),
            ("divisionId", &["", "a"]),
            ("regionId", &["", "a"]),
            ("login", &["", "a,", ",a"]),
            ("emails", &["", "a@b.cd,,"]),
            ("levels", &["", "shop", "SHOP,TOWN"]),
            ("directorForShop", &["", "true"]),
            ("page", &["", "-1", "x", "1.0", "18446744073709551616"]),
            ("size", &["", "0", "1001", "-1", "x", "99999999999"]),
            ("after", &["", "-1", "x"]),
        ];
        for &(name, values) in cases {
            for &value in values {
                assert_eq!(wrong(&[(name, value)]), [name], "{name}={value}");
            }
        }
    }

    #[test]
    fn what_is_no_list_is_given_once() {
        let lists = |takes| {
            matches!(
                takes,
                Takes::Fields | Ids | Roles | Numbers(_) | Logins | Emails | Levels | Director
            )
        };
        for &Parameter { name, takes, .. } in PARAMETERS {
            let value = match takes {
                Active => "true",
                Levels => "SHOP",
                Role | Roles => "ROLE_ADMIN",
                _ => "1",
            };
            let twice = read(&[(name, value), (name, value)]);
            assert_eq!(twice.is_ok(), lists(takes), "{name}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_in_the_table_s_order() {
        let given = [
            ("size", "0"),
            ("levels", "TOWN"),
            ("ids", ""),
            ("page", "x"),
        ];
        assert_eq!(wrong(&given), ["ids", "levels", "page", "size"]);
        let all = PARAMETERS.iter().map(|it| (it.name, "\u{1}"));
        let said = Query::read(all).unwrap_err();
        assert!(said.iter().all(|bad| !bad.message.contains('\u{1}')));
    }

    #[test]
    fn names_are_spelt_exactly_and_others_are_ignored() {
        let given = [("Active", "?"), ("id", "?"), ("ids[]", "?"), ("", "")];
        assert_eq!(read(&given), Ok(Query::default()));
    }

    #[test]
    fn the_documentation_s_table_has_every_parameter_in_this_order() {
        let text = include_str!("../../../../../../docs/dialects/qvalon.md");
        let (_, table) = text.split_once("| parameter |").unwrap();
        let rows = table
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        let names = rows.map(|row| row.split('`').nth(1).unwrap());
        assert!(names.eq(PARAMETERS.iter().map(|it| it.name)));
        for Parameter { takes, .. } in PARAMETERS {
            for word in takes
                .words()
                .into_iter()
                .flatten()
                .filter(|_| takes.filters())
            {
                assert!(text.contains(&format!("`{word}`")), "{word}");
            }
        }
    }

    #[test]
    fn keys_of_attributes_are_those_of_the_user_object() {
        for Parameter { name, takes, .. } in PARAMETERS {
            if let Like(attribute) = takes {
                assert_eq!(name.strip_suffix("Like"), Some(key(*attribute)));
            }
        }
    }
}
