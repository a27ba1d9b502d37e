//! What each type of value becomes, through a task that maps the whole catalogue (CONTRACT §0).

use muster_tests::{Access, World, store_or_skip};
use serde_json::{Value, json};

/// What becomes of a value on a new user.
#[derive(Debug)]
pub enum Becomes {
    /// Stored so, without a warning.
    Is(Value),
    /// Not stored, without a warning.
    Absent,
    /// Not stored, a warning names the key, and the user is created all the same.
    Bad,
}
pub use Becomes::{Absent, Bad, Is};

/// A task of the first tenant that maps every attribute with a Quant default key to it.
pub async fn wide_task(w: &World, store: &Access) -> u64 {
    store
        .task(w, 0, |task| {
            task["attribute_mapping"] = WIDE
                .iter()
                .map(|(name, key)| ((*name).to_owned(), json!(key)))
                .collect();
        })
        .await
}

const WIDE: &[(&str, &str)] = &[
    ("username", "Username"),
    ("external_id", "External ID"),
    ("name", "Name"),
    ("first_name", "First Name"),
    ("last_name", "Surname"),
    ("middle_name", "Middle Name"),
    ("role", "Role"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("active", "Active"),
    ("all_stores", "All Stores"),
    ("individual_stores", "Individual Stores"),
    ("language", "Language"),
    ("time_zone", "Time Zone"),
    ("position", "Position"),
    ("department", "Department"),
    ("city", "City"),
    ("gender", "Gender"),
    ("birth_date", "Birth Date"),
    ("employment_date", "Employment Date"),
    ("position_date", "Position Date"),
    ("tags", "Tags"),
    ("manager_id", "Manager ID"),
    ("manager_uid", "Manager UID"),
    ("structure_uid", "Structure UID"),
    ("facebook_id", "Facebook ID"),
    ("google_id", "Google ID"),
    ("work_contact", "Work Contact"),
    ("custom_info", "Custom Info"),
    ("user_field1", "User Field 1"),
    ("user_field2", "User Field 2"),
    ("user_field3", "User Field 3"),
    ("user_field4", "User Field 4"),
    ("user_field5", "User Field 5"),
    ("ldap_login", "LDAP Login"),
    ("auth_type", "Auth Type"),
    ("level", "Level"),
];

fn attribute(key: &str) -> &'static str {
    WIDE.iter()
        .find(|(_, each)| *each == key)
        .expect("a key of the catalogue")
        .0
}

/// One new user for each case, all in one import; then each is looked up.
pub async fn check(w: &World, store: &Access, task: u64, cases: Vec<(&str, Value, Becomes)>) {
    let login = |index: usize| w.login(&format!("v{index}"));
    let records: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(index, (key, value, _))| {
            let mut record =
                json!({"Username": login(index), "Role": "catman", "E-mail": "a@example.com"});
            record[*key] = value.clone();
            record
        })
        .collect();
    let reply = w
        .import(0)
        .await
        .task(task)
        .debug()
        .records(&json!(records))
        .send()
        .await;
    assert_eq!(reply.counts(), [cases.len() as u64, 0, 0, 0], "{reply}");
    let (warnings, users) = (reply.warnings(), store.users().await);
    let mut wrong = Vec::new();
    for (index, (key, value, becomes)) in cases.iter().enumerate() {
        let stored = users
            .get(&login(index))
            .and_then(|user| user.get(attribute(key)));
        let start = format!("Record {} ({}), \"{key}\": ", index + 1, login(index));
        let warned = warnings.iter().any(|warning| warning.starts_with(&start));
        let right = match becomes {
            Is(expected) => stored == Some(expected) && !warned,
            Absent => stored.is_none() && !warned,
            Bad => stored.is_none() && warned,
        };
        if !right || !users.contains_key(&login(index)) {
            wrong.push(format!(
                "{key} {value:.80}: expected {becomes:?}, stored {stored:?}, warned {warned}"
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_take_strings_and_integers_and_are_trimmed() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let mut cases = vec![
        ("Name", json!("Anna Ölmez"), Is(json!("Anna Ölmez"))),
        ("Name", json!("  Anna \n"), Is(json!("Anna"))),
        ("Name", json!(42), Is(json!("42"))),
        ("Name", json!(-7), Is(json!("-7"))),
        ("Name", json!(u64::MAX), Is(json!("18446744073709551615"))),
        ("Name", json!(""), Absent),
        ("Name", json!("   "), Absent),
        ("Name", json!(null), Absent),
        (
            "Name",
            json!("x".repeat(1_024)),
            Is(json!("x".repeat(1_024))),
        ),
        (
            "Name",
            json!("é".repeat(1_024)),
            Is(json!("é".repeat(1_024))),
        ),
        ("Name", json!("x".repeat(1_025)), Bad),
        ("Name", json!(true), Bad),
        ("Name", json!(1.5), Bad),
        ("Name", json!([]), Bad),
        ("Name", json!({"a": 1}), Bad),
        ("Name", json!("a\u{0}b"), Bad),
        ("Name", json!("a\u{7}b"), Bad),
        ("Name", json!("a\tb"), Bad),
        ("Name", json!("a\nb"), Bad),
        ("Name", json!("a\u{7f}b"), Bad),
        ("External ID", json!(" e-1 "), Is(json!("e-1"))),
        ("External ID", json!(4711), Is(json!("4711"))),
        ("External ID", json!(false), Bad),
        ("Manager UID", json!("nobody yet"), Is(json!("nobody yet"))),
    ];
    for key in [
        "First Name",
        "Surname",
        "Middle Name",
        "Position",
        "Department",
        "City",
        "Structure UID",
        "Facebook ID",
        "Google ID",
        "Work Contact",
        "LDAP Login",
    ] {
        cases.push((key, json!(" a, b "), Is(json!("a, b"))));
        cases.push((key, json!({}), Bad));
    }
    for key in [
        "User Field 1",
        "User Field 2",
        "User Field 3",
        "User Field 4",
        "User Field 5",
    ] {
        cases.push((key, json!(key), Is(json!(key))));
    }
    check(&w, store, task, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn booleans_are_json_numbers_or_words() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let mut cases = Vec::new();
    for (value, truth) in [
        (json!(true), true),
        (json!(false), false),
        (json!(1), true),
        (json!(0), false),
        (json!("1"), true),
        (json!("0"), false),
        (json!("true"), true),
        (json!("FALSE"), false),
        (json!("Yes"), true),
        (json!("nO"), false),
        (json!(" yes "), true),
    ] {
        cases.push(("All Stores", value, Is(json!(truth))));
    }
    for bad in [
        json!(2),
        json!(-1),
        json!(0.5),
        json!("maybe"),
        json!("y"),
        json!("on"),
        json!([]),
        json!({}),
        json!([true]),
    ] {
        cases.push(("All Stores", bad, Bad));
    }
    cases.push(("All Stores", json!(""), Absent));
    cases.push(("All Stores", json!(null), Absent));
    cases.push(("Active", json!("no"), Is(json!(false))));
    cases.push(("Active", json!(0), Is(json!(false))));
    check(&w, store, task, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dates_phones_languages_zones_and_genders_are_checked() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let mut cases = Vec::new();
    for (value, day) in [
        ("31.12.1999", "1999-12-31"),
        ("1999-12-31", "1999-12-31"),
        ("29.02.2000", "2000-02-29"),
        (" 2024-02-29 ", "2024-02-29"),
    ] {
        for key in ["Birth Date", "Employment Date", "Position Date"] {
            cases.push((key, json!(value), Is(json!(day))));
        }
    }
    for bad in [
        json!("30.02.2000"),
        json!("2001-02-29"),
        json!("29.02.1900"),
        json!("2000-13-01"),
        json!("2000-00-10"),
        json!("32.01.2000"),
        json!("12/31/1999"),
        json!("1999-12-31T00:00:00"),
        json!("31.12.99"),
        json!("yesterday"),
        json!(19_991_231),
        json!(true),
    ] {
        cases.push(("Birth Date", bad, Bad));
    }
    for (value, phone) in [
        ("+420 (602) 123-456", "+420602123456"),
        ("+12345678", "+12345678"),
        ("+123456789012345", "+123456789012345"),
    ] {
        cases.push(("Phone", json!(value), Is(json!(phone))));
    }
    for bad in [
        json!("602123456"),
        json!("+1234567"),
        json!("+1234567890123456"),
        json!("+42060212345a"),
        json!("00420602123456"),
        json!("+"),
        json!(420_602_123_456_u64),
        json!("+420.602.123"),
    ] {
        cases.push(("Phone", bad, Bad));
    }
    for (value, language) in [
        ("RU", "ru"),
        ("ru_RU", "ru"),
        ("UK", "uk"),
        ("en", "en"),
        ("en_EN", "en"),
        ("De", "de"),
        ("et", "et"),
        ("TR", "tr"),
        ("ES", "es"),
        ("cs", "cs"),
    ] {
        cases.push(("Language", json!(value), Is(json!(language))));
    }
    for bad in [
        json!("xx"),
        json!("english"),
        json!("e"),
        json!(7),
        json!(true),
    ] {
        cases.push(("Language", bad, Bad));
    }
    for zone in ["Europe/Prague", "America/Argentina/Buenos_Aires", "UTC"] {
        cases.push(("Time Zone", json!(zone), Is(json!(zone))));
    }
    for bad in ["Mars/Base", "+02:00", "Prague"] {
        cases.push(("Time Zone", json!(bad), Bad));
    }
    cases.push(("Gender", json!(0), Is(json!(0))));
    cases.push(("Gender", json!(1), Is(json!(1))));
    for bad in [json!(2), json!(-1), json!("male"), json!(0.5), json!(true)] {
        cases.push(("Gender", bad, Bad));
    }
    for key in ["Birth Date", "Phone", "Language", "Time Zone", "Gender"] {
        cases.push((key, json!(null), Absent));
        cases.push((key, json!(""), Absent));
    }
    check(&w, store, task, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_objects_and_manager_ids_are_checked() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let mut cases = Vec::new();
    for (key, words) in [
        ("Auth Type", &["LOCAL", "LDAP"][..]),
        ("Level", &["COMPANY", "DIVISION", "REGION", "SHOP"]),
    ] {
        for word in words {
            cases.push((key, json!(word), Is(json!(word))));
        }
        for bad in [json!("NONE"), json!(1), json!(true), json!(["LOCAL"])] {
            cases.push((key, bad, Bad));
        }
        cases.push((key, json!(""), Absent));
        cases.push((key, json!(null), Absent));
    }
    // {"a":1}, {} and then: text, a list, broken base64, a number, an unfinished object.
    for good in ["eyJhIjoxfQ==", "e30="] {
        cases.push(("Custom Info", json!(good), Is(json!(good))));
    }
    for bad in [
        json!("bm90IGpzb24="),
        json!("WzFd"),
        json!("!!!"),
        json!("eyJhIjoxfQ=!"),
        json!(7),
        json!("eyI="),
        json!({"a": 1}),
    ] {
        cases.push(("Custom Info", bad, Bad));
    }
    for bad in [
        json!(987_654_321_987_u64),
        json!("abc"),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(1_u64 << 53),
    ] {
        cases.push(("Manager ID", bad, Bad));
    }
    check(&w, store, task, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integer_beyond_64_bits_is_its_decimal_text_and_a_huge_fraction_is_a_bad_value() {
    let w = World::start().await;
    let login = |name: &str| w.login(name);
    let body = format!(
        r#"[{{"Username":"{}","Role":"catman","E-mail":"a@example.com","Name":18446744073709551616}},
            {{"Username":"{}","Role":"catman","E-mail":"a@example.com","Name":1e999}},
            {{"Username":"{}","Role":"catman","E-mail":"a@example.com","Name":"plain"}}]"#,
        login("a"),
        login("b"),
        login("c"),
    );
    let reply = w.import(0).await.debug().body(body).send().await;
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".into(), [3, 0, 0, 0]),
        "{reply}"
    );
    assert_eq!(reply.warnings().len(), 1, "{reply}");
    assert!(
        reply.warnings()[0].starts_with(&format!("Record 2 ({}), \"Name\": ", login("b"))),
        "{reply}"
    );
    let store = store_or_skip!(w);
    for (name, stored) in [
        ("a", Some("18446744073709551616")),
        ("b", None),
        ("c", Some("plain")),
    ] {
        let user = store.user(&login(name)).await.expect(name);
        assert_eq!(
            user.get("name"),
            stored.map(|text| json!(text)).as_ref(),
            "{name}"
        );
    }
}
