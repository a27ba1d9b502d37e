//! Which users a list is about (CONTRACT §3, *Filters*): what is to be true of them, and whether
//! that is enough to look them up. The query's parameters become this in `query`.

mod query;

use std::collections::BTreeSet;

pub use self::query::{BadParameter, PARAMETERS, Paging, Parameter, Query, Takes};

use super::user::flag;
use crate::attribute::Attribute;
use crate::login::canon;
use crate::plan::User;
use crate::value::Value;

/// What is to be true of a user: all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter(Vec<Test>);

/// Users who can be looked up, for nobody else can match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'f> {
    /// Those with these logins, in their canonical form.
    Logins(&'f BTreeSet<String>),
    /// Those with these ids.
    Ids(&'f BTreeSet<u64>),
}

/// One condition. Where it holds several values, one of them is enough; where it holds none that
/// anybody can have, nobody meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Active(bool),
    Ids(BTreeSet<u64>),
    /// One of these flags is set.
    Flags(Vec<Attribute>),
    /// The attribute, or an item of it, is one of these numbers.
    Numbers(Attribute, BTreeSet<i64>),
    /// Canonical logins.
    Logins(BTreeSet<String>),
    /// In lower case.
    Emails(BTreeSet<String>),
    Levels(BTreeSet<&'static str>),
    /// A director of one of these shops.
    Director(BTreeSet<i64>),
    /// The attribute holds this text, which is folded as logins are.
    Like(Attribute, String),
}

impl Filter {
    /// Whether it lets everybody through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of it is true of the user. Whose tenant that is, is not its affair.
    #[must_use]
    pub fn matches(&self, user: &User) -> bool {
        self.0.iter().all(|test| test.holds(user))
    }

    /// The users who are named, by what takes fewer reads; `None`: anybody may match.
    #[must_use]
    pub fn named(&self) -> Option<Named<'_>> {
        let ids = self.0.iter().find_map(|test| match test {
            Test::Ids(ids) => Some(Named::Ids(ids)),
            _ => None,
        });
        let logins = self.0.iter().find_map(|test| match test {
            Test::Logins(logins) => Some(Named::Logins(logins)),
            _ => None,
        });
        logins.or(ids)
    }
}

impl Test {
    fn holds(&self, user: &User) -> bool {
        match self {
            Self::Active(active) => flag(user, Attribute::Active) == *active,
            Self::Ids(ids) => ids.contains(&user.id),
            Self::Flags(flags) => flags.iter().any(|attribute| flag(user, *attribute)),
            Self::Numbers(attribute, numbers) => has_number(user, *attribute, numbers),
            Self::Logins(logins) => logins.contains(canon(&user.login).as_ref()),
            Self::Emails(emails) => text_of(user, Attribute::Email)
                .is_some_and(|email| emails.contains(&email.to_ascii_lowercase())),
            Self::Levels(levels) => {
                text_of(user, Attribute::Level).is_some_and(|level| levels.contains(level))
            }
            Self::Director(shops) => {
                flag(user, Attribute::ShopDirector) && has_number(user, Attribute::ShopIds, shops)
            }
            Self::Like(attribute, part) => {
                text_of(user, *attribute).is_some_and(|text| canon(text).contains(part))
            }
        }
    }
}

fn text_of(user: &User, attribute: Attribute) -> Option<&str> {
    if attribute == Attribute::Username {
        return Some(&user.login);
    }
    match user.values.get(&attribute) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn has_number(user: &User, attribute: Attribute, numbers: &BTreeSet<i64>) -> bool {
    match user.values.get(&attribute) {
        Some(Value::Integer(number)) => numbers.contains(number),
        Some(Value::Integers(items)) => items.iter().any(|item| numbers.contains(item)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(login: &str, values: Vec<(Attribute, Value<'static>)>) -> User {
        User {
            tenant: "acme".into(),
            id: 1_615,
            login: login.into(),
            version: 3,
            values: values.into_iter().collect(),
        }
    }

    /// A director of shops 7 and 8 who has everything that is filtered by.
    fn full() -> User {
        let text = |text: &'static str| Value::Text(text.into());
        user(
            "Jack.Woo",
            vec![
                (Attribute::FirstName, text("Ève 100%")),
                (Attribute::LastName, text("Straße")),
                (Attribute::Email, text("Jack.Woo@Example.com")),
                (Attribute::Position, text("Head Cook")),
                (Attribute::Level, text("SHOP")),
                (Attribute::BusinessDirId, Value::Integer(-2)),
                (Attribute::DivisionIds, Value::Integers(vec![3])),
                (Attribute::RegionIds, Value::Integers(vec![2, 1])),
                (Attribute::ShopIds, Value::Integers(vec![7, 8])),
                (Attribute::Supervisor, Value::Flag(true)),
                (Attribute::ShopDirector, Value::Flag(true)),
            ],
        )
    }

    fn filter(given: &[(&str, &str)]) -> Filter {
        let given = given.iter().copied();
        Query::read(given).unwrap().filter
    }

    /// Each with values that fit [`full`], and some that do not; an attribute that is not set fits
    /// none of them, but for the flags.
    const EACH: &[(&str, &[&str], &[&str])] = &[
        ("active", &["true"], &["false"]),
        (
            "ids",
            &["1615", "1,1615", " 1615 ,-7"],
            &["1614", "-1615", "9223372036854775807"],
        ),
        (
            "role",
            &["ROLE_SUPERVISOR", "ROLE_SHOPDIR"],
            &["ROLE_ADMIN", "ROLE_SURVEY_ADMIN"],
        ),
        (
            "roles",
            &["ROLE_SUPERVISOR", "ROLE_ADMIN,ROLE_SHOPDIR"],
            &["ROLE_ADMIN,ROLE_USER_CHECKLISTS_ORGANIZER"],
        ),
        ("businessDirId", &["-2", "1,-2"], &["2", "1,3"]),
        ("divisionId", &["3", "1,3"], &["2", "4,5"]),
        ("regionId", &["2", "1", "9,1"], &["3", "9,7"]),
        (
            "login",
            &["Jack.Woo", "jack.woo", "a,JACK.WOO", "no login,jack.woo"],
            &["jack", " jack.woo", "no login", "jack.woo%"],
        ),
        (
            "emails",
            &["jack.woo@example.com", "a@b.cd,JACK.WOO@EXAMPLE.COM"],
            &["jack.woo", "x", "\u{212a}"],
        ),
        ("levels", &["SHOP", "REGION,SHOP"], &["COMPANY,REGION"]),
        ("directorForShop", &["7", "8", "9,7"], &["9", "3"]),
        ("loginLike", &["K.W", "jack.woo", ""], &["woo.", "%", "k*w"]),
        ("emailLike", &["@EXAMPLE", ""], &["@exampel", "_"]),
        ("firstNameLike", &["È", "0%", ""], &["eve", "e 1%"]),
        ("lastNameLike", &["STRASSE", "ss", "ß"], &["strase"]),
        ("positionLike", &["head cook", "D C"], &["headcook", "%"]),
    ];

    #[test]
    fn each_filter_lets_through_whom_it_says_and_nobody_else() {
        let full = full();
        for &(name, fitting, others) in EACH {
            for &value in fitting {
                assert!(filter(&[(name, value)]).matches(&full), "{name}={value}");
            }
            for &value in others {
                assert!(!filter(&[(name, value)]).matches(&full), "{name}={value}");
            }
        }
        let filters = PARAMETERS.iter().filter(|it| it.takes.filters());
        assert!(filters.map(|it| it.name).eq(EACH.iter().map(|it| it.0)));
    }

    #[test]
    fn who_lacks_the_attribute_is_not_found_by_it() {
        let bare = user("x", vec![]);
        for &(name, fitting, _) in EACH {
            let found = ["active", "ids"].contains(&name);
            let filter = filter(&[(name, fitting[0])]);
            assert_eq!(filter.matches(&bare), found, "{name}");
        }
        assert!(!filter(&[("emailLike", "@")]).matches(&bare));
        assert!(filter(&[("emailLike", "")]).matches(&bare));
        let mut no_director = full();
        no_director.values.remove(&Attribute::ShopDirector);
        assert!(!filter(&[("directorForShop", "7")]).matches(&no_director));
    }

    #[test]
    fn blocked_users_are_found_as_such_and_not_as_active() {
        let blocked = user("x", vec![(Attribute::Active, Value::Flag(false))]);
        assert!(filter(&[("active", "false")]).matches(&blocked));
        assert!(!filter(&[("active", "true")]).matches(&blocked));
        assert!(filter(&[]).matches(&blocked));
    }

    #[test]
    fn one_value_of_a_filter_is_enough_and_every_filter_has_a_say() {
        let full = full();
        let mut all: Vec<(&str, &str)> = EACH.iter().map(|it| (it.0, it.1[0])).collect();
        assert!(filter(&all).matches(&full));
        for (place, &(name, _, others)) in EACH.iter().enumerate() {
            let right = std::mem::replace(&mut all[place], (name, others[0]));
            assert!(!filter(&all).matches(&full), "{name}");
            all[place] = right;
        }
        let again = [("ids", "1"), ("ids", "2,1615"), ("roles", "ROLE_SHOPDIR")];
        assert!(filter(&again).matches(&full));
        // A role and several roles are two filters.
        let both = [("role", "ROLE_ADMIN"), ("roles", "ROLE_SHOPDIR")];
        assert!(!filter(&both).matches(&full));
    }

    #[test]
    fn logins_and_ids_name_users_and_nothing_else_does() {
        let both = filter(&[
            ("ids", "7,-7"),
            ("login", "Anna,no login"),
            ("active", "true"),
        ]);
        let anna = BTreeSet::from(["anna".to_owned()]);
        assert_eq!(both.named(), Some(Named::Logins(&anna)));
        let ids = filter(&[("ids", "7,-7,8")]);
        assert_eq!(ids.named(), Some(Named::Ids(&BTreeSet::from([7, 8]))));
        let others = EACH.iter().filter(|it| !["ids", "login"].contains(&it.0));
        for &(name, fitting, _) in others {
            assert_eq!(filter(&[(name, fitting[0])]).named(), None, "{name}");
        }
    }

    #[test]
    fn what_filters_nothing_is_no_filter() {
        let nothing = [
            ("loginLike", ""),
            ("fields", "roles"),
            ("size", "5"),
            ("Active", "?"),
        ];
        assert!(filter(&nothing).is_empty());
        assert!(!filter(&[("loginLike", " ")]).is_empty());
    }
}
