//! Booleans, dates, phone numbers, enumerations and other values with a format.

use muster_tests::World;
use serde_json::json;

use super::{Absent, Invalid, Stored, full_mapping_task, verify_values};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_boolean_is_a_boolean_a_number_or_a_word() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let mut cases = Vec::new();
    for (value, truth) in [
        (json!(true), true),
        (json!(false), false),
        (json!(1), true),
        (json!(0), false),
        (json!(1.0), true),
        (json!(0.0), false),
        (json!("1"), true),
        (json!("0"), false),
        (json!("true"), true),
        (json!("FALSE"), false),
        (json!("Yes"), true),
        (json!("nO"), false),
        (json!(" yes "), true),
    ] {
        cases.push(("All Stores", value, Stored(json!(truth))));
    }
    for invalid in [
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
        cases.push(("All Stores", invalid, Invalid));
    }
    cases.push(("All Stores", json!(""), Absent));
    cases.push(("All Stores", json!(null), Absent));
    cases.push(("Active", json!("no"), Stored(json!(false))));
    cases.push(("Active", json!(0), Stored(json!(false))));
    verify_values(&w, store, task, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dates_phones_languages_time_zones_and_genders_are_validated() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let mut cases = Vec::new();
    for (value, day) in [
        ("31.12.1999", "1999-12-31"),
        ("1999-12-31", "1999-12-31"),
        ("29.02.2000", "2000-02-29"),
        (" 2024-02-29 ", "2024-02-29"),
    ] {
        for key in ["Birth Date", "Employment Date", "Position Date"] {
            cases.push((key, json!(value), Stored(json!(day))));
        }
    }
    for invalid in [
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
        cases.push(("Birth Date", invalid, Invalid));
    }
    for (value, phone) in [
        ("+420 (602) 123-456", "+420602123456"),
        ("+12345678", "+12345678"),
        ("+123456789012345", "+123456789012345"),
        ("00420602123456", "+420602123456"),
        ("+420.602.123", "+420602123"),
        ("+420\u{a0}602\u{2011}123\u{202f}456", "+420602123456"),
        ("+44 (0) 20 7946 0958", "+442079460958"),
        ("+38 (0) 97 123 45 67", "+380971234567"),
    ] {
        cases.push(("Phone", json!(value), Stored(json!(phone))));
    }
    for invalid in [
        json!("602123456"),
        json!("+1234567"),
        json!("+1234567890123456"),
        json!("+42060212345a"),
        json!("000420602123456"),
        json!("+"),
        json!(420_602_123_456_u64),
        json!("+420602123456.0"),
        json!("+420602123456/7"),
    ] {
        cases.push(("Phone", invalid, Invalid));
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
        ("zh-Hant-TW", "zh"),
        ("sr_Latn_RS", "sr"),
        ("iw_IL", "he"),
        ("in", "id"),
        ("ji", "yi"),
        ("mo", "ro"),
    ] {
        cases.push(("Language", json!(value), Stored(json!(language))));
    }
    for invalid in [
        json!("xx"),
        json!("english"),
        json!("e"),
        json!(7),
        json!(true),
    ] {
        cases.push(("Language", invalid, Invalid));
    }
    for zone in ["Europe/Prague", "America/Argentina/Buenos_Aires", "UTC"] {
        cases.push(("Time Zone", json!(zone), Stored(json!(zone))));
    }
    for invalid in ["Mars/Base", "+02:00", "Prague", "Factory"] {
        cases.push(("Time Zone", json!(invalid), Invalid));
    }
    cases.push(("Gender", json!(0), Stored(json!(0))));
    cases.push(("Gender", json!(1), Stored(json!(1))));
    cases.push(("Gender", json!(1.0), Stored(json!(1))));
    for invalid in [json!(2), json!(-1), json!("male"), json!(0.5), json!(true)] {
        cases.push(("Gender", invalid, Invalid));
    }
    for key in ["Birth Date", "Phone", "Language", "Time Zone", "Gender"] {
        cases.push((key, json!(null), Absent));
        cases.push((key, json!(""), Absent));
    }
    verify_values(&w, store, task, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enumerations_objects_and_manager_ids_are_validated() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let mut cases = Vec::new();
    for (key, words) in [
        ("Auth Type", &["LOCAL", "LDAP"][..]),
        ("Level", &["COMPANY", "DIVISION", "REGION", "SHOP"]),
    ] {
        for word in words {
            cases.push((key, json!(word), Stored(json!(word))));
        }
        for invalid in [json!("NONE"), json!(1), json!(true), json!(["LOCAL"])] {
            cases.push((key, invalid, Invalid));
        }
        cases.push((key, json!(""), Absent));
        cases.push((key, json!(null), Absent));
    }
    // {"a":1} and {}; then: text, a list, invalid Base64 twice, a number, an unfinished object,
    // JSON.
    for good in ["eyJhIjoxfQ==", "e30="] {
        cases.push(("Custom Info", json!(good), Stored(json!(good))));
    }
    for (sent, stored) in [
        ("eyJhIjoxfQ", "eyJhIjoxfQ=="),
        ("e30", "e30="),
        ("eyJh\r\nIjox\nfQ= =", "eyJhIjoxfQ=="),
        // {"a":"??>>"}: / and + in the standard alphabet.
        ("eyJhIjoiPz8-PiJ9", "eyJhIjoiPz8+PiJ9"),
    ] {
        cases.push(("Custom Info", json!(sent), Stored(json!(stored))));
    }
    for invalid in [
        json!("bm90IGpzb24="),
        json!("WzFd"),
        json!("!!!"),
        json!("eyJhIjoxfQ=!"),
        json!(7),
        json!("eyI="),
        json!({"a": 1}),
    ] {
        cases.push(("Custom Info", invalid, Invalid));
    }
    for invalid in [
        json!(987_654_321_987_u64),
        json!("abc"),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(1_u64 << 53),
    ] {
        cases.push(("Manager ID", invalid, Invalid));
    }
    verify_values(&w, store, task, cases).await;
}
