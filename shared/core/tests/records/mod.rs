//! Records with valid and invalid values, and the rules to read them with.

use muster_core::rules::Rules;
use muster_core::settings::{ExternalIdConflicts, IdentifyBy, PersonRules, TaskSettings};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

/// The ways of a task to find the person of a record.
pub const PERSON_RULES: [PersonRules; 3] = [IGNORE, APPLY, BY_EXTERNAL_ID];
pub const IGNORE: PersonRules = PersonRules {
    identify_by: IdentifyBy::Username,
    conflicts: ExternalIdConflicts::Ignore,
};
const APPLY: PersonRules = PersonRules {
    identify_by: IdentifyBy::Username,
    conflicts: ExternalIdConflicts::Apply,
};
const BY_EXTERNAL_ID: PersonRules = PersonRules {
    identify_by: IdentifyBy::ExternalId,
    conflicts: ExternalIdConflicts::Ignore,
};

const LOGINS: &[&str] = &[
    r#""ann""#,
    r#""Ann""#,
    r#""bob.b@example.com""#,
    r#""a b""#,
    r#""""#,
    "null",
    "7",
    "true",
    "1.5",
    "7.0",
    r#""\u00e9va""#,
    r#""Éva""#,
    r#""e\u0301va""#,
    r#""jоhn""#,
    r#"" ann""#,
    r#""a\u0000""#,
    r#""ß""#,
    r#""straSSe""#,
    r#""strasse""#,
    "18446744073709551616",
    "[]",
];
const ROLES: &[&str] = &[
    r#""catman""#,
    r#""store manager""#,
    r#"" catman ""#,
    r#""Catman""#,
    r#""""#,
    "null",
    "5",
    r#""5""#,
    "{}",
    r#""a role of more than twenty-four bytes""#,
    r#""café""#,
    r#""cafe\u0301""#,
    r#""cat\u200bman""#,
    "\"cat\u{200b}man\"",
];
const EMAILS: &[&str] = &[
    r#""a@example.com""#,
    r#""a.b+c_d@ex-ample.co""#,
    r#""a@example""#,
    r#""a..b@example.com""#,
    r#"".a@example.com""#,
    r#""a.@example.com""#,
    r#""a@-x.com""#,
    r#""a@x-.com""#,
    r#""a@b@example.com""#,
    r#""a@example.123""#,
    r#""a@example.1b""#,
    r#""a'b@example.com""#,
    r#"" a@example.com ""#,
    r#""é@example.com""#,
    r#""""#,
    "null",
    "9",
    r#""a@exa_mple.com""#,
    r#""-a@example.com""#,
    r#""_@example.com""#,
    r#""a@.example.com""#,
    r#""@example.com""#,
];
const TEXTS: &[&str] = &[
    r#""Anna""#,
    r#""""#,
    r#""  ""#,
    r#"" x ""#,
    "null",
    "12",
    "1.0",
    "1e2",
    "1.5",
    "1e300",
    "true",
    "[]",
    r#""a\nb""#,
    r#""\ta""#,
    r#""a\u007fb""#,
    r#""a\u0085b""#,
    r#""Ânna""#,
    r#""\u00c2""#,
    r#""\ud800""#,
    "\"a\u{7f}b\"",
    "\"a\u{85}b\"",
    "\"\u{a0}x\"",
    r#""a\\b""#,
    r#""},{\"Username\":\"x\"""#,
    r#""Jose\u0301""#,
    "\"Jose\u{301}\"",
    "\"Z1\u{200b}\"",
    "\"\u{200b}\"",
    "\"\u{feff} x \u{e000}\"",
    "\"Дмитро Ŝić\"",
    "\"李雷\"",
    "\"می\u{200c}خواهم\"",
    "\"a\u{200c}b\"",
    "\"葛\u{e0100}\"",
    "\"\u{3000}x\"",
    "\"\u{378}\"",
    "\"\u{212b}\"",
    "\"Ђ\u{483}\"",
];
const FLAGS: &[&str] = &[
    "true",
    "false",
    "1",
    "0",
    "2",
    "1.0",
    "0e0",
    "0.5",
    r#""yes""#,
    r#""No""#,
    r#""maybe""#,
    r#""""#,
    "null",
    "[]",
];
const LISTS: &[&str] = &[
    r#""a,b""#,
    r#"",""#,
    r#""""#,
    "[]",
    r#"["a"," ","b"]"#,
    "[1,2]",
    "[true]",
    "[[1]]",
    "7",
    "null",
    r#""a,\tb""#,
    r#""a,\u0001b""#,
    "\"a,\u{301}b\"",
    "\"é,e\u{301}\"",
    "\"\u{200b},a\u{200b}\"",
    "[\"\u{200b}\",\"a\u{200b}\"]",
    "\"李雷,ольга\"",
];
const DATES: &[&str] = &[
    r#""26.07.1988""#,
    r#""1988-07-26""#,
    "\"26.07.1988\u{200e}\"",
    r#""30.02.2000""#,
    r#""""#,
    "null",
    "1988",
    r#""x""#,
];
const IDS: &[&str] = &[
    r#""E1""#,
    r#""E2""#,
    r#"" E1 ""#,
    "1",
    "1.0",
    r#""1""#,
    "\"é\"",
    "\"e\u{301}\"",
    r#""e\u0301""#,
    "\"E1\u{200b}\"",
    "\"ід-7\"",
    "\"号7\"",
    r#""""#,
    "null",
    r#""a\u0001""#,
    "false",
];

/// Returns rules that map every type of value.
pub fn rules_with(person: PersonRules) -> Rules {
    rules_with_formats(person, json!({}))
}

/// Returns the same rules with forms of values that the generated records have.
pub fn rules_with_own_formats(person: PersonRules) -> Rules {
    let formats = json!({
        "empty_words": ["E1", "5", "catman", "user.3"],
        "true_words": ["x"], "date_patterns": ["DD.MM.YYYY"],
        "username_replacements": [{"find": "user.1", "replace": "user."}, {"find": "user.25", "replace": ""}],
    });
    rules_with_formats(person, formats)
}

fn rules_with_formats(person: PersonRules, formats: serde_json::Value) -> Rules {
    let settings: TaskSettings = serde_json::from_value(json!({
        "attribute_mapping": {
            "username": "u", "role": "r", "email": "e", "name": "n", "all_stores": "a", "individual_stores": "i",
            "birth_date": "b", "external_id": "x", "manager_uid": "m", "active": "s"
        },
        "role_mapping": {"catman": "Category Manager", "store manager": "Store Manager", "5": "Five",
            "a role of more than twenty-four bytes": "Long", "cafe\u{301}": "Waiter"},
        "identify_by": person.identify_by,
        "external_id_conflicts": person.conflicts,
        "value_formats": formats,
    }))
    .unwrap();
    Rules::new(&settings).unwrap()
}

/// A member with one of `values`, with a bias towards the first, which is valid, or absent.
fn member(
    key: &'static str,
    values: &'static [&'static str],
) -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        5 => Just(Some(format!("\"{key}\":{}", values[0]))),
        4 => select(values).prop_map(move |value| Some(format!("\"{key}\":{value}"))),
        1 => Just(None),
    ]
}

/// A record as written, in one line.
pub fn record() -> impl Strategy<Value = String> {
    let login = prop_oneof![
        2 => (0..40).prop_map(|n| Some(format!("\"u\":\"user.{n}\""))),
        1 => member("u", LOGINS),
    ];
    let members = (
        login,
        member("r", ROLES),
        member("e", EMAILS),
        member("n", TEXTS),
        member("a", FLAGS),
        member("i", LISTS),
        member("b", DATES),
        proptest::option::of(member("x", IDS)).prop_map(Option::flatten),
        proptest::option::of(member("m", IDS)).prop_map(Option::flatten),
        proptest::option::of(member("s", FLAGS)).prop_map(Option::flatten),
    );
    let object = members.prop_map(|(a, b, c, d, e, f, g, h, i, j)| {
        let members = [a, b, c, d, e, f, g, h, i, j];
        let members: Vec<String> = members.into_iter().flatten().collect();
        format!("{{{}}}", members.join(","))
    });
    prop_oneof![20 => object, 1 => select(&["7", "null", "[]", "\"x\""][..]).prop_map(str::to_owned)]
}
