//! Filters applied to users.

use std::collections::BTreeSet;

use super::*;
use crate::attribute::Attribute;
use crate::plan::User;
use crate::value::Value;

/// A director of shops 7 and 8 with a value for every filtered attribute.
fn full() -> User {
    let text = |text: &'static str| Value::Text(text.into());
    User::sample(
        "Jack.Woo",
        [
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

fn filter(given: &[(&str, &str)]) -> UserFilter {
    let given = given.iter().copied();
    ListUsersQuery::read(given).unwrap().filter
}

/// Every filter with values that match [`full`], and values that do not. A user without the
/// attribute matches none of them, flags excepted.
const FILTER_CASES: &[(&str, &[&str], &[&str])] = &[
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
fn each_filter_matches_exactly_the_users_it_describes() {
    let full = full();
    for &(name, matching, non_matching) in FILTER_CASES {
        for &value in matching {
            assert!(filter(&[(name, value)]).matches(&full), "{name}={value}");
        }
        for &value in non_matching {
            assert!(!filter(&[(name, value)]).matches(&full), "{name}={value}");
        }
    }
    let filters = PARAMETERS.iter().filter(|it| it.kind.is_filter());
    assert!(
        filters
            .map(|it| it.name)
            .eq(FILTER_CASES.iter().map(|it| it.0))
    );
}

#[test]
fn a_user_without_the_attribute_does_not_match() {
    let bare = User::sample("x", []);
    for &(name, matching, _) in FILTER_CASES {
        let found = ["active", "ids"].contains(&name);
        let filter = filter(&[(name, matching[0])]);
        assert_eq!(filter.matches(&bare), found, "{name}");
    }
    assert!(!filter(&[("emailLike", "@")]).matches(&bare));
    assert!(filter(&[("emailLike", "")]).matches(&bare));
    let mut no_director = full();
    no_director.values.remove(&Attribute::ShopDirector);
    assert!(!filter(&[("directorForShop", "7")]).matches(&no_director));
}

#[test]
fn blocked_users_match_only_active_false() {
    let blocked = User::sample("x", [(Attribute::Active, Value::Flag(false))]);
    assert!(filter(&[("active", "false")]).matches(&blocked));
    assert!(!filter(&[("active", "true")]).matches(&blocked));
    assert!(filter(&[]).matches(&blocked));
}

#[test]
fn one_value_of_a_filter_is_enough_and_all_filters_must_match() {
    let full = full();
    let mut all: Vec<(&str, &str)> = FILTER_CASES.iter().map(|it| (it.0, it.1[0])).collect();
    assert!(filter(&all).matches(&full));
    for (place, &(name, _, non_matching)) in FILTER_CASES.iter().enumerate() {
        let right = std::mem::replace(&mut all[place], (name, non_matching[0]));
        assert!(!filter(&all).matches(&full), "{name}");
        all[place] = right;
    }
    let again = [("ids", "1"), ("ids", "2,1615"), ("roles", "ROLE_SHOPDIR")];
    assert!(filter(&again).matches(&full));
    // `role` and `roles` are two filters.
    let both = [("role", "ROLE_ADMIN"), ("roles", "ROLE_SHOPDIR")];
    assert!(!filter(&both).matches(&full));
}

#[test]
fn only_logins_and_ids_allow_a_lookup() {
    let both = filter(&[
        ("ids", "7,-7"),
        ("login", "Anna,no login"),
        ("active", "true"),
    ]);
    let anna = BTreeSet::from(["anna".to_owned()]);
    assert_eq!(both.lookup(), Some(UserLookup::Logins(&anna)));
    let ids = filter(&[("ids", "7,-7,8")]);
    assert_eq!(ids.lookup(), Some(UserLookup::Ids(&BTreeSet::from([7, 8]))));
    let non_matching = FILTER_CASES
        .iter()
        .filter(|it| !["ids", "login"].contains(&it.0));
    for &(name, matching, _) in non_matching {
        assert_eq!(filter(&[(name, matching[0])]).lookup(), None, "{name}");
    }
}

#[test]
fn empty_and_unknown_parameters_do_not_filter() {
    let nothing = [
        ("loginLike", ""),
        ("fields", "roles"),
        ("size", "5"),
        ("Active", "?"),
    ];
    assert!(filter(&nothing).is_empty());
    assert!(!filter(&[("loginLike", " ")]).is_empty());
}
