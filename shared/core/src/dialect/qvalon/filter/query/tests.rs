//! List parameters, good and bad.

use super::*;
use crate::dialect::qvalon::key;

fn read(given: &[(&str, &str)]) -> Result<ListUsersQuery, Vec<InvalidParameter>> {
    ListUsersQuery::read(given.iter().copied())
}

fn paging(given: &[(&str, &str)]) -> Paging {
    read(given).unwrap().paging
}

fn invalid(given: &[(&str, &str)]) -> Vec<&'static str> {
    let invalid = read(given).unwrap_err().into_iter();
    invalid.map(|bad| bad.name).collect()
}

#[test]
fn pages_have_a_number_or_start_after_an_id() {
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
    assert_eq!(invalid(&[("page", "0"), ("after", "0")]), ["after"]);
}

#[test]
fn an_invalid_value_is_reported_under_its_parameter() {
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
            assert_eq!(invalid(&[(name, value)]), [name], "{name}={value}");
        }
    }
}

#[test]
fn only_lists_can_be_repeated() {
    let lists = |kind| {
        matches!(
            kind,
            ParameterKind::Fields | Ids | Roles | Numbers(_) | Logins | Emails | Levels | Director
        )
    };
    for &Parameter { name, kind, .. } in PARAMETERS {
        let value = match kind {
            Active => "true",
            Levels => "SHOP",
            Role | Roles => "ROLE_ADMIN",
            _ => "1",
        };
        let twice = read(&[(name, value), (name, value)]);
        assert_eq!(twice.is_ok(), lists(kind), "{name}");
    }
}

#[test]
fn all_invalid_parameters_are_reported_in_table_order() {
    let given = [
        ("size", "0"),
        ("levels", "TOWN"),
        ("ids", ""),
        ("page", "x"),
    ];
    assert_eq!(invalid(&given), ["ids", "levels", "page", "size"]);
    let all = PARAMETERS.iter().map(|it| (it.name, "\u{1}"));
    let problems = ListUsersQuery::read(all).unwrap_err();
    assert!(problems.iter().all(|bad| !bad.message.contains('\u{1}')));
}

#[test]
fn names_are_case_sensitive_and_unknown_ones_are_ignored() {
    let given = [("Active", "?"), ("id", "?"), ("ids[]", "?"), ("", "")];
    assert_eq!(read(&given), Ok(ListUsersQuery::default()));
}

#[test]
fn the_page_lists_every_parameter_in_table_order() {
    let text = include_str!("../../../../../../../docs/dialects/qvalon.md");
    let (_, table) = text.split_once("| parameter |").unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let names = rows.map(|row| row.split('`').nth(1).unwrap());
    assert!(names.eq(PARAMETERS.iter().map(|it| it.name)));
    for Parameter { kind, .. } in PARAMETERS {
        for word in kind
            .words()
            .into_iter()
            .flatten()
            .filter(|_| kind.is_filter())
        {
            assert!(text.contains(&format!("`{word}`")), "{word}");
        }
    }
}

#[test]
fn like_parameters_are_named_after_members_of_the_user_object() {
    for Parameter { name, kind, .. } in PARAMETERS {
        if let Like(attribute) = kind {
            assert_eq!(name.strip_suffix("Like"), Some(key(*attribute)));
        }
    }
}
